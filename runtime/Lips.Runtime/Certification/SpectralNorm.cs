using System;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>
/// Proven upper bounds of spectral norms, by the Cholesky certificate. For W (n × k, n ≤ k) scaled by a power of two to
/// max|w| in [½, 1), G = fl(W·Wᵀ) and A = fl(c·I − G): if Cholesky's method with reciprocal pivots runs through on A, then
/// ‖W‖² ≤ c + (n+3)·u·tr(A) + u·max aᵢᵢ + (k+2)·u·‖W‖²_F + n(n+k+4)·2⁻¹⁰⁰⁰ with u = 2⁻⁵³, whatever the order of the sums
/// (Rump's argument: a computed factor is the exact one of a matrix that near). The pilot only chooses c; success is the proof.
/// </summary>
public static class SpectralNorm
{
    private const double UnitRoundoff = 1.0 / (1L << 53);
    private const double Tiny = 9.332636185032189e-302; // 2⁻¹⁰⁰⁰
    private const int SizeLimit = 1_000_000;

    /// <summary>An upper bound of σ_max of a row-major rows × columns matrix, within about 10⁻⁷ of it.</summary>
    /// <exception cref="NotCertified">An entry is not finite, or the matrix is too large for the proof.</exception>
    public static double Certify(ReadOnlySpan<double> matrix, int rows, int columns, string name = "matrix")
    {
        if (rows > SizeLimit || columns > SizeLimit)
            throw new NotCertified($"'{name}' has shape [{rows}, {columns}]; the certificate's error terms are proven up to {SizeLimit} a side.");
        double largest = LargestEntry(matrix, name);
        if (largest == 0)
            return 0;
        int exponent = Math.ILogB(largest) + 1;
        int n = Math.Min(rows, columns), k = Math.Max(rows, columns);
        var scaled = new double[(long)n * k];
        bool transpose = rows > columns;
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                scaled[transpose ? (long)j * k + i : (long)i * k + j] = Math.ScaleB(matrix[i * columns + j], -exponent);
        double squared = CertifySquared(scaled, n, k);
        // Entries below 2⁻¹⁰⁷⁴ after scaling are lost: at most 2⁻¹⁰⁷⁵ each.
        double norm = Outward.Add(Outward.Sqrt(squared), Outward.Multiply((double)n * k, Tiny));
        return Outward.Scale(norm, exponent);
    }

    /// <summary>The largest |entry|, exact.</summary>
    public static double LargestEntry(ReadOnlySpan<double> values, string name)
    {
        double largest = 0;
        foreach (double value in values)
        {
            if (!double.IsFinite(value))
                throw new NotCertified($"'{name}' holds {value}: no norm of it is finite.");
            largest = Math.Max(largest, Math.Abs(value));
        }
        return largest;
    }

    /// <summary>An upper bound of ‖W‖² for a scaled matrix with n ≤ k.</summary>
    private static double CertifySquared(double[] w, int n, int k)
    {
        double frobenius = 0;
        for (int i = 0; i < n; i++)
        {
            var row = w.AsSpan(i * k, k);
            frobenius = Outward.Add(frobenius, Outward.SumOfRounded(GramMatrix.Dot(row, row), k));
        }
        if (n == 1)
            return frobenius;

        var gram = GramMatrix.Of(w, n, k);
        var factor = new double[(long)n * n];
        double pilot = Math.Max(GramMatrix.PilotLargestEigenvalue(gram, n), frobenius / n);
        double slack = 1e-8, low = pilot, high = double.NaN;
        while (double.IsNaN(high))
        {
            double c = pilot * (1 + slack);
            if (GramMatrix.CholeskySucceeds(gram, n, c, factor))
                high = c;
            else if (c > frobenius * 2)
                return frobenius;
            else
                (low, slack) = (c, slack * 16);
        }
        while (high > low * (1 + 4e-7))
        {
            double middle = low + (high - low) / 2;
            if (GramMatrix.CholeskySucceeds(gram, n, middle, factor))
                high = middle;
            else
                low = middle;
        }
        return Math.Min(frobenius, WithErrors(gram, n, k, high, frobenius));
    }

    private static double WithErrors(double[] gram, int n, int k, double c, double frobenius)
    {
        double trace = 0, largest = 0;
        for (int i = 0; i < n; i++)
        {
            double diagonal = c - gram[(long)i * n + i];
            trace = Outward.Add(trace, diagonal);
            largest = Math.Max(largest, diagonal);
        }
        double bound = c;
        bound = Outward.Add(bound, Outward.Multiply((n + 3) * UnitRoundoff, trace));
        bound = Outward.Add(bound, Outward.Multiply(UnitRoundoff, largest));
        bound = Outward.Add(bound, Outward.Multiply((k + 2) * UnitRoundoff, frobenius));
        return Outward.Add(bound, Outward.Multiply((double)n * ((double)n + k + 4), Tiny));
    }

    /// <summary>Upper bounds of many matrices at once, in parallel over them.</summary>
    public static double[] Certify(double[][] matrices, int rows, int columns, string name)
    {
        var norms = new double[matrices.Length];
        Parallel.For(0, matrices.Length, i => norms[i] = Certify(matrices[i], rows, columns, name));
        return norms;
    }
}
