using System;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>Symmetric products and Cholesky factors in plain double arithmetic: no library, so that what a certificate rests on is in this file.</summary>
internal static class GramMatrix
{
    private const int Panel = 64;

    /// <summary>The dot product of the first <paramref name="length"/> entries, summed in lanes.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var u = MemoryMarshal.Cast<double, Vector<double>>(a);
        var v = MemoryMarshal.Cast<double, Vector<double>>(b);
        Vector<double> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i + 4 <= u.Length; i += 4)
        {
            s0 += u[i] * v[i];
            s1 += u[i + 1] * v[i + 1];
            s2 += u[i + 2] * v[i + 2];
            s3 += u[i + 3] * v[i + 3];
        }
        for (; i < u.Length; i++)
            s0 += u[i] * v[i];
        double sum = Vector.Sum(s0 + s1 + (s2 + s3));
        for (int j = u.Length * Vector<double>.Count; j < a.Length; j++)
            sum += a[j] * b[j];
        return sum;
    }

    /// <summary>fl(W·Wᵀ), both triangles, of a row-major n × k matrix.</summary>
    public static double[] Of(double[] w, int n, int k)
    {
        var gram = new double[(long)n * n];
        // Rows are paired from both ends so that the work is even.
        Parallel.For(0, (n + 1) / 2, pair =>
        {
            Row(pair);
            if (n - 1 - pair != pair)
                Row(n - 1 - pair);
        });
        return gram;

        void Row(int i)
        {
            var row = w.AsSpan(i * k, k);
            for (int j = 0; j <= i; j++)
                gram[(long)i * n + j] = gram[(long)j * n + i] = Dot(row, w.AsSpan(j * k, k));
        }
    }

    /// <summary>Whether Cholesky's method on fl(c·I − G) meets only positive, finite pivots. Uses reciprocal pivots.</summary>
    public static bool CholeskySucceeds(double[] gram, int n, double c, double[] factor)
    {
        for (int p = 0; p < n; p += Panel)
        {
            int end = Math.Min(p + Panel, n);
            var reciprocals = new double[end - p];
            for (int i = p; i < end; i++)
            {
                FillRow(i, p, i, reciprocals);
                var row = factor.AsSpan(i * n, i);
                double pivot = (c - gram[(long)i * n + i]) - Dot(row, row);
                if (!(pivot > 0 && double.IsFinite(pivot)))
                    return false;
                double root = Math.Sqrt(pivot);
                factor[(long)i * n + i] = root;
                reciprocals[i - p] = 1 / root;
                if (!double.IsFinite(reciprocals[i - p]))
                    return false;
            }
            if (n - end > 2 * Panel)
                Parallel.For(end, n, i => FillRow(i, p, end, reciprocals));
            else
                for (int i = end; i < n; i++)
                    FillRow(i, p, end, reciprocals);
        }
        return true;

        void FillRow(int i, int from, int to, double[] reciprocals)
        {
            for (int j = from; j < to; j++)
            {
                double sum = Dot(factor.AsSpan(i * n, j), factor.AsSpan(j * n, j));
                factor[(long)i * n + j] = (-gram[(long)i * n + j] - sum) * reciprocals[j - from];
            }
        }
    }

    /// <summary>A pilot for the largest eigenvalue: Lanczos with full reorthogonalization. An estimate from below, never a bound.</summary>
    public static double PilotLargestEigenvalue(double[] gram, int n)
    {
        int steps = Math.Min(n, 96);
        var basis = new double[steps][];
        var alpha = new double[steps];
        var beta = new double[steps];
        var v = new double[n];
        var random = new Data.SeededRandom(n);
        for (int i = 0; i < n; i++)
            v[i] = random.Normal();
        double largest = 0;
        int count = 0;
        for (; count < steps; count++)
        {
            double norm = Math.Sqrt(Dot(v, v));
            if (!(norm > 1e-14 * largest) || norm == 0)
                break;
            if (count > 0)
                beta[count - 1] = norm;
            for (int i = 0; i < n; i++)
                v[i] /= norm;
            basis[count] = v;
            var next = new double[n];
            for (int i = 0; i < n; i++)
                next[i] = Dot(gram.AsSpan(i * n, n), v);
            alpha[count] = Dot(next, v);
            largest = Math.Max(largest, Math.Abs(alpha[count]) + norm * (count > 0 ? 1 : 0));
            for (int pass = 0; pass < 2; pass++)
                for (int b = 0; b <= count; b++)
                {
                    double component = Dot(next, basis[b]);
                    for (int i = 0; i < n; i++)
                        next[i] -= component * basis[b][i];
                }
            v = next;
        }
        return LargestOfTridiagonal(alpha.AsSpan(0, count), beta);
    }

    /// <summary>The largest eigenvalue of a symmetric tridiagonal matrix, by bisection on Sturm counts.</summary>
    private static double LargestOfTridiagonal(ReadOnlySpan<double> alpha, ReadOnlySpan<double> beta)
    {
        if (alpha.Length == 0)
            return 0;
        double low = double.MaxValue, high = 0;
        for (int i = 0; i < alpha.Length; i++)
        {
            double reach = Math.Abs(alpha[i]) + (i > 0 ? beta[i - 1] : 0) + (i + 1 < alpha.Length ? beta[i] : 0);
            high = Math.Max(high, reach);
            low = Math.Min(low, alpha[i]);
        }
        for (int step = 0; step < 100 && high - low > 1e-15 * high; step++)
        {
            double middle = 0.5 * (low + high), d = 1;
            bool above = false;
            for (int i = 0; i < alpha.Length && !above; i++)
            {
                d = alpha[i] - middle - (i > 0 ? beta[i - 1] * beta[i - 1] / d : 0);
                above = d >= 0;
            }
            (low, high) = above ? (middle, high) : (low, middle);
        }
        return high;
    }
}
