using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lips.Runtime.Certification;

/// <summary>
/// Where the largest eigenvalue of a symmetric, positive semidefinite matrix lies: Lanczos's method in single precision, and for a
/// certificate the Rayleigh quotient of what it found in double. It chooses where a certificate is tried and proves nothing.
/// </summary>
internal static class LanczosPilot
{
    private const int MostSteps = 160;

    /// <summary>The quotient, from below up to rounding, and how far above it the eigenvalue is expected at most.</summary>
    public static (double Value, double Excess) Of(double[] gram, int n)
    {
        double largest = 0;
        for (int i = 0; i < n; i++)
            largest = Math.Max(largest, gram[(long)i * n + i]);
        if (!(largest > 0) || !double.IsFinite(largest))
            return (largest, 0);
        // entries of a positive semidefinite matrix are at most the largest of its diagonal
        double scale = Math.ScaleB(1, -Math.ILogB(largest));
        var lower = GC.AllocateUninitializedArray<float>(n * (n + 1) / 2);
        for (int i = 0; i < n; i++)
        {
            var row = gram.AsSpan(i * n, i + 1);
            var to = lower.AsSpan(i * (i + 1) / 2, i + 1);
            for (int j = 0; j <= i; j++)
                to[j] = (float)(row[j] * scale);
        }
        var (_, _, gap, weights, basis) = Lanczos(x => Times(lower, n, x), n, 0);
        var ritz = new double[n];
        for (int b = 0; b < weights.Length; b++)
            for (int i = 0; i < n; i++)
                ritz[i] += weights[b] * basis[b][i];
        double value = 0, length = 0, error = 0;
        var image = new double[n];
        for (int i = 0; i < n; i++)
        {
            image[i] = GramMatrix.Dot(gram.AsSpan(i * n, n), ritz);
            value += image[i] * ritz[i];
            length += ritz[i] * ritz[i];
        }
        value /= length;
        for (int i = 0; i < n; i++)
            error += (image[i] - value * ritz[i]) * (image[i] - value * ritz[i]);
        double residual = Math.Sqrt(error / length);
        gap /= scale;
        return (value, Excess(residual, gap));
    }

    /// <summary>The largest Ritz value of a map v ↦ A·v, and how far above it the eigenvalue is expected at most, once that is below <paramref name="tolerance"/> of it.</summary>
    public static (double Value, double Excess) Iterate(Func<float[], float[]> times, int n, double tolerance)
    {
        var (value, residual, gap, _, _) = Lanczos(times, n, tolerance);
        return (value, Excess(residual, gap));
    }

    private static double Excess(double residual, double gap) => gap > 0 ? Math.Min(residual, residual * residual / gap) : residual;

    /// <summary>The largest Ritz value, its residual, its distance to the second, and its vector as weights of a basis.</summary>
    private static (double Value, double Residual, double Gap, double[] Weights, float[][] Basis) Lanczos(Func<float[], float[]> times, int n, double tolerance)
    {
        int most = Math.Min(n, MostSteps);
        var basis = new float[most][];
        var alpha = new double[most];
        var beta = new double[most];
        var v = new float[n];
        var random = new Data.SeededRandom(n);
        for (int i = 0; i < n; i++)
            v[i] = (float)random.Normal();
        double norm = Math.Sqrt(Dot(v, v)), largest = 0, before = 0;
        int count = 0;
        while (count < most && norm > 1e-6 * largest && norm > 0)
        {
            if (count > 0)
                beta[count - 1] = norm;
            Divide(v, norm);
            basis[count] = v;
            var next = times(v);
            alpha[count] = Dot(next, v);
            largest = Math.Max(largest, Math.Abs(alpha[count]) + (count > 0 ? norm : 0));
            count++;
            for (int b = count - 1; b >= 0; b--)
                Subtract(next, Dot(next, basis[b]), basis[b]);
            v = next;
            norm = Math.Sqrt(Dot(v, v));
            if (count % 4 == 0 && count >= 8)
            {
                // a value that is not wanted to the last bit is not looked for to the last bit
                var (top, weights, gap) = Tridiagonal(alpha.AsSpan(0, count), beta, Math.Max(1e-13, 1e-4 * tolerance));
                double residual = norm * Math.Abs(weights[^1]), excess = Excess(residual, gap);
                // enough; or single precision has no more to give; or the value has settled
                if ((excess < tolerance * top && top - before < tolerance * top) || residual < 2e-6 * top || excess < 1e-11 * top || (count >= 64 && top - before < 5e-9 * top))
                    break;
                before = top;
            }
        }
        var (value, last, distance) = Tridiagonal(alpha.AsSpan(0, count), beta, 1e-13);
        return (value, count > 0 ? norm * Math.Abs(last[^1]) : 0, distance, last, basis);
    }

    /// <summary>Quotients in double precision, rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Divide(Span<float> v, double by)
    {
        var divisor = Vector256.Create(by);
        var u = MemoryMarshal.Cast<float, Vector256<float>>(v);
        for (int i = 0; i < u.Length; i++)
        {
            var (low, high) = Vector256.Widen(u[i]);
            u[i] = Vector256.Narrow(low / divisor, high / divisor);
        }
        for (int i = u.Length * Vector256<float>.Count; i < v.Length; i++)
            v[i] = (float)(v[i] / by);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var u = MemoryMarshal.Cast<float, Vector256<float>>(a);
        var v = MemoryMarshal.Cast<float, Vector256<float>>(b);
        Vector256<float> s0 = default, s1 = default;
        int i = 0;
        for (; i + 2 <= u.Length; i += 2)
        {
            s0 += u[i] * v[i];
            s1 += u[i + 1] * v[i + 1];
        }
        for (; i < u.Length; i++)
            s0 += u[i] * v[i];
        float sum = FixedLanes.Sum(s0 + s1);
        for (int j = u.Length * Vector256<float>.Count; j < a.Length; j++)
            sum += a[j] * b[j];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Subtract(Span<float> from, float factor, ReadOnlySpan<float> of)
    {
        var u = MemoryMarshal.Cast<float, Vector<float>>(from);
        var v = MemoryMarshal.Cast<float, Vector<float>>(of);
        for (int i = 0; i < u.Length; i++)
            u[i] -= v[i] * factor;
        for (int j = u.Length * Vector<float>.Count; j < from.Length; j++)
            from[j] -= of[j] * factor;
    }

    /// <summary>A·x for the packed lower triangle of A: each row is read once, for itself and for its column.</summary>
    private static float[] Times(float[] lower, int n, float[] x)
    {
        var y = new float[n];
        for (int i = 0; i < n; i++)
        {
            var row = lower.AsSpan(i * (i + 1) / 2, i);
            y[i] += lower[i * (i + 1) / 2 + i] * x[i];
            y[i] += Dot(row, x.AsSpan(0, i));
            Subtract(y.AsSpan(0, i), -x[i], row);
        }
        return y;
    }

    /// <summary>The largest eigenvalue of a symmetric tridiagonal matrix, to a relative accuracy, its eigenvector, and its distance to the second.</summary>
    private static (double Value, double[] Vector, double Gap) Tridiagonal(ReadOnlySpan<double> alpha, ReadOnlySpan<double> beta, double accuracy)
    {
        int n = alpha.Length;
        if (n == 0)
            return (0, [], 0);
        double low = double.MaxValue, high = 0;
        for (int i = 0; i < n; i++)
        {
            double reach = (i > 0 ? beta[i - 1] : 0) + (i + 1 < n ? beta[i] : 0);
            high = Math.Max(high, Math.Abs(alpha[i]) + reach);
            low = Math.Min(low, alpha[i] - reach);
        }
        double first = Bisect(alpha, beta, low, high, 1, accuracy), second = n > 1 ? Bisect(alpha, beta, low, first, 2, accuracy) : first;
        // Inverse iteration from just above the eigenvalue, where the shifted matrix is positive definite.
        double shift = first + 1e-12 * Math.Max(high, 1e-300);
        var vector = new double[n];
        Array.Fill(vector, 1);
        var pivots = new double[n];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < n; i++)
            {
                double link = i > 0 ? -beta[i - 1] / pivots[i - 1] : 0;
                pivots[i] = shift - alpha[i] + (i > 0 ? link * beta[i - 1] : 0);
                if (!(Math.Abs(pivots[i]) > 1e-300))
                    pivots[i] = 1e-300;
                if (i > 0)
                    vector[i] -= link * vector[i - 1];
            }
            for (int i = n - 1; i >= 0; i--)
                vector[i] = (vector[i] + (i + 1 < n ? beta[i] * vector[i + 1] : 0)) / pivots[i];
            double size = 0;
            foreach (double x in vector)
                size = Math.Max(size, Math.Abs(x));
            double length = 0;
            for (int i = 0; i < n; i++)
            {
                vector[i] /= size;
                length += vector[i] * vector[i];
            }
            for (int i = 0; i < n; i++)
                vector[i] /= Math.Sqrt(length);
        }
        return (first, vector, first - second);
    }

    /// <summary>The eigenvalue with <paramref name="rank"/> − 1 above it, by Sturm counts.</summary>
    private static double Bisect(ReadOnlySpan<double> alpha, ReadOnlySpan<double> beta, double low, double high, int rank, double accuracy)
    {
        for (int step = 0; step < 60 && high - low > accuracy * Math.Abs(high); step++)
        {
            double middle = 0.5 * (low + high), d = 1;
            int above = 0;
            for (int i = 0; i < alpha.Length; i++)
            {
                d = alpha[i] - middle - (i > 0 ? beta[i - 1] * beta[i - 1] / d : 0);
                if (d == 0)
                    d = 1e-300;
                if (d > 0)
                    above++;
            }
            (low, high) = above >= rank ? (middle, high) : (low, middle);
        }
        return high;
    }
}
