using System;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>A proven upper bound of a norm, and the method that gave the least one.</summary>
public readonly record struct NormBound(double Value, string Method, string? Witness = null);

/// <summary>
/// Proven upper bounds of spectral norms. W (n × k, n ≤ k ≤ 10⁶, transposed where it is tall) is scaled by a power of two to
/// max|w| in [½, 1), u = 2⁻⁵³, G = fl(W·Wᵀ). The least of what follows is taken; each holds whatever the order of the sums, with
/// or without fused multiply-add.
/// <list type="bullet">
/// <item><c>frobenius</c>: ‖W‖² ≤ ‖W‖²_F, for one row (<c>length</c>) an equality.</item>
/// <item><c>cholesky</c>: if Cholesky's method with reciprocal pivots meets only positive, finite pivots on A = fl(c·I − G), then
/// ‖W‖² ≤ c + (n+3)·u·tr(A) + u·max aᵢᵢ + (k+2)·u·‖W‖²_F + n(n+k+4)·2⁻¹⁰⁰⁰. Proof below.</item>
/// <item><c>one-norm</c>: ‖W‖² ≤ ‖G‖₁ + (k+2)·u·‖W‖²_F + n(k+4)·2⁻¹⁰⁰⁰, as ‖G‖₂ ≤ ‖G‖₁ for a symmetric matrix: exact where the rows are
/// orthogonal.</item>
/// <item><c>gram-iteration</c>: <see cref="GramIteration"/>.</item>
/// </list>
/// <para>Proof of the Cholesky certificate (Rump's argument). Let R be the computed factor. The rounding error of a
/// factorization that runs through is |R·Rᵀ − A| ≤ γ·|R|·|R|ᵀ entry by entry, γ = (n+2)u/(1−(n+2)u) with reciprocal pivots (one
/// rounding more than with divisions), plus underflow of at most (n+1)·2⁻¹⁰⁷⁴ an entry. ‖ |R|·|R|ᵀ ‖₂ ≤ ‖R‖²_F = tr(R·Rᵀ), and by
/// the same bound on the diagonal tr(R·Rᵀ) ≤ tr(A)/(1−γ). So ‖R·Rᵀ − A‖₂ ≤ (n+3)·u·tr(A) for n ≤ 10⁶, and since R·Rᵀ is positive
/// semidefinite, λ_min(A) ≥ −(n+3)·u·tr(A) up to underflow. A differs from c·I − G only by the rounding of its diagonal,
/// u·max aᵢᵢ. G differs from W·Wᵀ by at most γ_k·|W|·|W|ᵀ, of norm at most (k+2)·u·‖W‖²_F, plus underflow of k·2⁻¹⁰⁷⁴ an entry.
/// Together λ_max(W·Wᵀ) is at most c plus these terms; all underflow is far below n(n+k+4)·2⁻¹⁰⁰⁰. The pilot that
/// chooses c proves nothing.</para>
/// </summary>
public static class SpectralNorm
{
    internal const double UnitRoundoff = 1.0 / (1L << 53);
    internal const double Tiny = 9.332636185032189e-302; // 2⁻¹⁰⁰⁰
    internal const int SizeLimit = 1_000_000;

    /// <summary>Up to this size the Gram iteration costs nothing beside the Cholesky certificate.</summary>
    private const int SmallSize = 48;

    /// <summary>An upper bound of σ_max of a row-major rows × columns matrix: at most about 10⁻⁶ above it, mostly 10⁻¹⁰.</summary>
    /// <exception cref="NotCertified">An entry is not finite, or the matrix is too large for the proof.</exception>
    public static double Certify(ReadOnlySpan<double> matrix, int rows, int columns, string name = "matrix") => Bound(matrix, rows, columns, name).Value;

    /// <summary>The same, with the method that gave it.</summary>
    public static NormBound Bound(ReadOnlySpan<double> matrix, int rows, int columns, string name = "matrix")
    {
        if (Scaling(matrix, rows, columns, name) is not int exponent)
            return new NormBound(0, "zero");
        int n = Math.Min(rows, columns), k = Math.Max(rows, columns);
        var (squared, method) = Squared(Gram(matrix, rows, columns, exponent), n, k);
        return new NormBound(Unscaled(squared, n, k, exponent), method);
    }

    /// <summary>The same of single-precision entries, without a copy in double.</summary>
    internal static NormBound Bound(ReadOnlySpan<float> matrix, int rows, int columns, string name)
    {
        CheckSize(rows, columns, name);
        double largest = LargestEntry(matrix, name);
        if (largest == 0)
            return new NormBound(0, "zero");
        int n = Math.Min(rows, columns), k = Math.Max(rows, columns), exponent = Math.ILogB(largest) + 1;
        var (squared, method) = Squared(GramMatrix.Of(matrix, n, k, rows > columns, exponent), n, k);
        return new NormBound(Unscaled(squared, n, k, exponent), method);
    }

    /// <summary>The largest |entry|, exact.</summary>
    /// <exception cref="NotCertified">An entry is not finite.</exception>
    public static double LargestEntry(ReadOnlySpan<float> values, string name)
    {
        var bits = MemoryMarshal.Cast<float, int>(values);
        var lanes = MemoryMarshal.Cast<int, Vector<int>>(bits);
        var most = Vector<int>.Zero;
        var mask = new Vector<int>(int.MaxValue);
        foreach (var lane in lanes)
            most = Vector.Max(most, lane & mask);
        int largest = 0;
        for (int i = 0; i < Vector<int>.Count; i++)
            largest = Math.Max(largest, most[i]);
        foreach (int entry in bits[(lanes.Length * Vector<int>.Count)..])
            largest = Math.Max(largest, entry & int.MaxValue);
        float value = BitConverter.Int32BitsToSingle(largest);
        return float.IsFinite(value) ? value : throw new NotCertified($"'{name}' holds {value}: what a network with such a weight computes has no bound.");
    }

    /// <summary>An upper bound of σ_max by Gram iteration alone.</summary>
    public static double ByGramIteration(ReadOnlySpan<double> matrix, int rows, int columns, int iterations = 10)
    {
        if (Scaling(matrix, rows, columns, "matrix") is not int exponent)
            return 0;
        int n = Math.Min(rows, columns), k = Math.Max(rows, columns);
        var gram = Gram(matrix, rows, columns, exponent);
        return Unscaled(GramIteration(gram, n, k, Frobenius(gram, n, k), iterations), n, k, exponent);
    }

    /// <summary>An upper bound √‖W·Wᵀ‖₁ of σ_max, with the smaller of W·Wᵀ and Wᵀ·W.</summary>
    public static double ByOneNorm(ReadOnlySpan<double> matrix, int rows, int columns)
    {
        if (Scaling(matrix, rows, columns, "matrix") is not int exponent)
            return 0;
        int n = Math.Min(rows, columns), k = Math.Max(rows, columns);
        var gram = Gram(matrix, rows, columns, exponent);
        return Unscaled(OneNorm(gram, n, k, Frobenius(gram, n, k)), n, k, exponent);
    }

    /// <summary>The largest |entry|, exact.</summary>
    /// <exception cref="NotCertified">An entry is not finite.</exception>
    public static double LargestEntry(ReadOnlySpan<double> values, string name)
    {
        // Without its sign, a double's bits order as it does, and what is not finite lies above all that is.
        var bits = MemoryMarshal.Cast<double, long>(values);
        var lanes = MemoryMarshal.Cast<long, Vector<long>>(bits);
        var most = Vector<long>.Zero;
        var mask = new Vector<long>(long.MaxValue);
        foreach (var lane in lanes)
            most = Vector.Max(most, lane & mask);
        long largest = 0;
        for (int i = 0; i < Vector<long>.Count; i++)
            largest = Math.Max(largest, most[i]);
        foreach (long entry in bits[(lanes.Length * Vector<long>.Count)..])
            largest = Math.Max(largest, entry & long.MaxValue);
        double value = BitConverter.Int64BitsToDouble(largest);
        if (double.IsFinite(value))
            return value;
        foreach (double entry in values)
            if (!double.IsFinite(entry))
                value = entry;
        throw new NotCertified($"'{name}' holds {value}: what a network with such a weight computes has no bound.");
    }

    /// <summary>The exponent for which max|w|·2^−exponent is in [½, 1); null for zero.</summary>
    private static int? Scaling(ReadOnlySpan<double> matrix, int rows, int columns, string name)
    {
        CheckSize(rows, columns, name);
        double largest = LargestEntry(matrix, name);
        return largest == 0 ? null : Math.ILogB(largest) + 1;
    }

    private static void CheckSize(int rows, int columns, string name)
    {
        if (rows > SizeLimit || columns > SizeLimit)
            throw new NotCertified($"'{name}' has shape [{rows}, {columns}]; the certificate's error terms are proven up to {SizeLimit} a side.");
    }

    /// <summary>fl(W·Wᵀ) of the scaled matrix, transposed where it is tall.</summary>
    private static double[] Gram(ReadOnlySpan<double> matrix, int rows, int columns, int exponent) =>
        GramMatrix.Of(matrix, Math.Min(rows, columns), Math.Max(rows, columns), rows > columns, exponent);

    /// <summary>√squared·2^exponent. Entries below 2⁻¹⁰⁷⁴ were lost to the scaling, at most 2⁻¹⁰⁷⁵ each.</summary>
    private static double Unscaled(double squared, int n, int k, int exponent) =>
        Outward.Scale(Outward.Add(Outward.Sqrt(squared), Outward.Multiply((double)n * k, Tiny)), exponent);

    /// <summary>An upper bound of ‖W‖²_F: each gᵢᵢ = fl(Σⱼ wᵢⱼ²).</summary>
    private static double Frobenius(double[] gram, int n, int k)
    {
        double frobenius = 0;
        for (int i = 0; i < n; i++)
            frobenius = Outward.Add(frobenius, Outward.SumOfRounded(gram[(long)i * n + i], k));
        return frobenius;
    }

    /// <summary>An upper bound of ‖W‖² from fl(W·Wᵀ) for a scaled matrix with n ≤ k: the least of the methods.</summary>
    private static (double Squared, string Method) Squared(double[] gram, int n, int k)
    {
        double frobenius = Frobenius(gram, n, k);
        if (n == 1)
            return (frobenius, "length");
        var least = (Squared: frobenius, Method: "frobenius");
        Try(OneNorm(gram, n, k, frobenius), "one-norm");
        if (n <= SmallSize)
            Try(GramIteration(gram, n, k, frobenius, 12), "gram-iteration");
        Try(Cholesky(gram, n, k, frobenius), "cholesky");
        return least;

        void Try(double squared, string method)
        {
            if (squared < least.Squared)
                least = (squared, method);
        }
    }

    /// <summary>(k+2)·u·‖W‖²_F + n(k+4)·2⁻¹⁰⁰⁰ ≥ ‖fl(W·Wᵀ) − W·Wᵀ‖₂.</summary>
    internal static double ProductError(int n, int k, double frobenius) =>
        Outward.Add(Outward.Multiply((k + 2) * UnitRoundoff, frobenius), Outward.Multiply((double)n * ((double)k + 4), Tiny));

    private static double OneNorm(double[] gram, int n, int k, double frobenius)
    {
        double largest = 0;
        for (int i = 0; i < n; i++)
        {
            var row = gram.AsSpan(i * n, n);
            var lanes = MemoryMarshal.Cast<double, Vector256<double>>(row);
            var sums = Vector256<double>.Zero;
            foreach (var lane in lanes)
                sums += Vector256.Abs(lane);
            double sum = FixedLanes.Sum(sums);
            foreach (double entry in row[(lanes.Length * Vector256<double>.Count)..])
                sum += Math.Abs(entry);
            largest = Math.Max(largest, sum);
        }
        return Outward.Add(Outward.SumOfRounded(largest, n), ProductError(n, k, frobenius));
    }

    /// <summary>
    /// Gram iteration (Delattre et al. 2023) made rigorous: G₀ = fl(W·Wᵀ), and G ↦ fl(G·Gᵀ) on G scaled by a power of two. With
    /// γ ≥ ‖fl(G·Gᵀ) − G·Gᵀ‖₂ each step gives ‖G‖₂² ≤ ‖fl(G·Gᵀ)‖₂ + γ, unrolled from ‖G_last‖₂ ≤ ‖G_last‖_F.
    /// The excess is at most the factor n^(1/2^(iterations+2)).
    /// </summary>
    private static double GramIteration(double[] gram, int n, int k, double frobenius, int iterations)
    {
        var steps = new (int Exponent, double Error)[iterations];
        double[] g = (double[])gram.Clone();
        for (int i = 0; i < iterations; i++)
        {
            double largest = LargestEntry(g, "matrix");
            int exponent = largest == 0 ? 0 : Math.ILogB(largest) + 1;
            for (int j = 0; j < g.Length; j++)
                g[j] = Math.ScaleB(g[j], -exponent);
            double[] square = GramMatrix.Of(g, n, n);
            steps[i] = (exponent, ProductError(n, n, Frobenius(square, n, n)));
            g = square;
        }
        // ‖G‖²_F by the diagonal of its square
        double norm = Outward.Sqrt(Frobenius(GramMatrix.Of(g, n, n), n, n));
        for (int i = iterations - 1; i >= 0; i--)
        {
            // what the scaling lost to underflow is at most n·2⁻¹⁰⁷⁵
            double root = Outward.Add(Outward.Sqrt(Outward.Add(norm, steps[i].Error)), Outward.Multiply(n, Tiny));
            norm = Outward.Scale(root, steps[i].Exponent);
        }
        return Outward.Add(norm, ProductError(n, k, frobenius));
    }

    private static double Cholesky(double[] gram, int n, int k, double frobenius)
    {
        var factor = GC.AllocateUninitializedArray<double>(checked(n * n));
        var (quotient, excess) = LanczosPilot.Of(gram, n);
        double pilot = quotient > frobenius / n ? quotient : frobenius / n;
        // Below the error terms a smaller c gains nothing; a pilot whose residual is small is expected to be that near.
        double slack = Math.Max(Math.Max(1e-11, 8.0 * n * n * UnitRoundoff), excess >= 0 ? Math.Min(8 * excess / pilot, 1e-6) : 0), low = pilot, high = double.NaN;
        while (double.IsNaN(high))
        {
            double c = pilot * (1 + slack);
            if (GramMatrix.CholeskySucceeds(gram, n, c, factor))
                high = c;
            else if (c > frobenius * 2)
                return frobenius;
            else
                (low, slack) = (c, slack * 64);
        }
        while (high > low * (1 + 4e-7))
        {
            double middle = low + (high - low) / 2;
            if (GramMatrix.CholeskySucceeds(gram, n, middle, factor))
                high = middle;
            else
                low = middle;
        }
        return WithErrors(gram, n, k, high, frobenius);
    }

    /// <summary>c and the terms that a factorization of fl(c·I − G) which runs through leaves open.</summary>
    private static double WithErrors(double[] gram, int n, int k, double c, double frobenius)
    {
        double trace = 0, largest = 0;
        for (int i = 0; i < n; i++)
        {
            double diagonal = c - gram[(long)i * n + i];
            trace = Outward.Add(trace, diagonal);
            largest = Math.Max(largest, diagonal);
        }
        double bound = Outward.Add(c, FactorError(n, trace, largest));
        return Outward.Add(bound, Outward.Add(ProductError(n, k, frobenius), Outward.Multiply((double)n * n, Tiny)));
    }

    /// <summary>The bound of ‖W‖² that the certificate gives at one c, for W already scaled with n ≤ k; NaN where it gives none.</summary>
    internal static double CholeskyAt(double[] scaled, int n, int k, double c)
    {
        double[] gram = GramMatrix.Of(scaled, n, k);
        return GramMatrix.CholeskySucceeds(gram, n, c, new double[n * n]) ? WithErrors(gram, n, k, c, Frobenius(gram, n, k)) : double.NaN;
    }

    /// <summary>(n+3)·u·tr(A) + u·max aᵢᵢ: what a factorization that runs through, and the diagonal of A before it, may have lost.</summary>
    internal static double FactorError(int n, double trace, double largest) =>
        Outward.Add(Outward.Multiply((n + 3) * UnitRoundoff, trace), Outward.Multiply(UnitRoundoff, largest));

    /// <summary>Upper bounds of many matrices at once, in parallel over them.</summary>
    public static double[] Certify(double[][] matrices, int rows, int columns, string name)
    {
        var norms = new double[matrices.Length];
        Parallel.For(0, matrices.Length, i => norms[i] = Certify(matrices[i], rows, columns, name));
        return norms;
    }
}
