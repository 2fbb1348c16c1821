using System;
using System.Buffers.Binary;
using System.Globalization;
using System.Linq;
using System.Numerics;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>
/// y = keep·x + branch·W₂·act(W₁·x + b) on every token, act entry by entry with slopes in [least, most]: a residual block, whose
/// constant for given weights is far below keep + branch·slope·|W₂||W₁|.
/// </summary>
/// <param name="Keep">keep</param>
/// <param name="Middle">branch·(most + least)/2</param>
/// <param name="Half">|branch|·(most − least)/2</param>
public sealed record ResidualBlock(double Keep, double Middle, double Half)
{
    /// <summary>Reads <c>5/6; 1/6; -1/8; 9/8</c>: keep, branch, least and most slope. Each double is within 2⁻⁵² of its number.</summary>
    public static ResidualBlock? TryParse(string text)
    {
        string[] parts = text.Split("; ");
        if (parts.Length != 4)
            return null;
        var n = new (BigInteger Top, BigInteger Bottom)[4];
        for (int i = 0; i < 4; i++)
        {
            string[] sides = parts[i].Split('/');
            n[i].Bottom = 1;
            if (sides.Length > 2 || !BigInteger.TryParse(sides[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out n[i].Top)
                || (sides.Length == 2 && (!BigInteger.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out n[i].Bottom) || n[i].Bottom.IsZero)))
                return null;
        }
        var (branch, least, most) = (n[1], n[2], n[3]);
        BigInteger scale = 2 * least.Bottom * most.Bottom * branch.Bottom;
        BigInteger sum = most.Top * least.Bottom + least.Top * most.Bottom, difference = most.Top * least.Bottom - least.Top * most.Bottom;
        return difference.Sign < 0 ? null : new(Near(n[0].Top, n[0].Bottom), Near(branch.Top * sum, scale), Near(BigInteger.Abs(branch.Top) * difference, scale));
    }

    private static double Near(BigInteger top, BigInteger bottom) => top.Sign * UpperBound.OfRational(BigInteger.Abs(top), bottom).ToDoubleUp();
}

/// <summary>
/// The multiplier certificate of a residual block. With slopes c ± h (c, h times the branch in Middle and Half),
/// Δact = (c·I + h·E)·W₁·Δx with E diagonal, |E| ≤ 1. Put e = E·W₁·Δx, M = keep·I + Middle·W₂W₁ and K = [M, Half·W₂], so that
/// Δy = K·[Δx; e]. For every diagonal T ≥ 0, eᵀTe ≤ (W₁Δx)ᵀT(W₁Δx). If
/// <c>N = diag(c·I − W₁ᵀTW₁, T) − KᵀK</c> has no eigenvalue below −η, then
/// |Δy|² ≤ c|Δx|² − (W₁Δx)ᵀT(W₁Δx) + eᵀTe + η(|Δx|² + |e|²) ≤ (c + η(1 + |W₁|²))·|Δx|².
/// Any T is sound; finding a good one is an optimization whose result is checked here by one Cholesky factorization.
/// GroupSort has no slopes entry by entry and is not covered.
/// <para>η is the sum of the errors of what is factored, in spectral norm, u = 2⁻⁵³, n = d + m:
/// (m+3)·u·τ with τ = ‖√T·W₁‖²_F for fl(W₁ᵀ(T·W₁)); 2‖K‖_F·ε + ε² with ε = (m+8)·u·|Middle|·‖W₂‖_F‖W₁‖_F + 4u·(|keep|·√d + Half·‖W₂‖_F)
/// for the rounding of K; (d+2)·u·‖K‖²_F for fl(KᵀK); 2u(τ + ‖K‖²_F) + 4u(c + max T + ‖K‖²_F) for the sums off and on the diagonal;
/// and the factorization's own (n+3)·u·tr + u·max of <see cref="SpectralNorm"/>. The factors are balanced by powers of two
/// (W₁/s, s·W₂), which changes no product.</para>
/// </summary>
public static class BlockGain
{
    private const double U = SpectralNorm.UnitRoundoff;

    /// <summary>The part of gain² that is left for the errors: far above them, far below what matters.</summary>
    private const double Room = 4e-7;

    /// <summary>W₁ as m × d, W₂ as d × m, row-major, with the powers of two taken out.</summary>
    internal readonly record struct Balanced(double[] Up, double[] Down, int Width, int Hidden, ResidualBlock Block)
    {
        public static Balanced? Of(double[] up, double[] down, int width, int hidden, ResidualBlock block, string name)
        {
            double a = SpectralNorm.LargestEntry(up, name), b = SpectralNorm.LargestEntry(down, name);
            if (a == 0 || b == 0 || up.Length != width * hidden || down.Length != up.Length)
                return null;
            // the norm of a matrix of such entries is near √(larger side) of them
            int exponent = Math.ILogB(CertifiedNorms.Length(up)) - Math.ILogB(Math.Sqrt(Math.Min(width, hidden)));
            var balanced = new Balanced([.. up.Select(x => Math.ScaleB(x, -exponent))], [.. down.Select(x => Math.ScaleB(x, exponent))], width, hidden, block);
            // a power of two that costs digits is no balance
            return balanced.Up.Zip(up, (x, y) => Math.ScaleB(x, exponent) == y).All(same => same) && balanced.Down.Zip(down, (x, y) => Math.ScaleB(x, -exponent) == y).All(same => same) ? balanced : null;
        }

        /// <summary>keep·I + Middle·W₂W₁, transposed: row j is what input channel j does.</summary>
        public double[] Mean()
        {
            var (up, down, d, m, block) = this;
            double[] columns = ProductNorm.Transposed(up, m, d), mean = new double[d * d];
            Parallel.For(0, d, j =>
            {
                for (int i = 0; i < d; i++)
                    mean[j * d + i] = block.Middle * GramMatrix.Dot(down.AsSpan(i * m, m), columns.AsSpan(j * m, m)) + (i == j ? block.Keep : 0);
            });
            return mean;
        }
    }

    /// <summary>How the certificate names this proof.</summary>
    public const string Method = "multipliers";

    /// <summary>A block's proof from the weights it names: found, or given and checked.</summary>
    /// <param name="given">A gain and multipliers to check; null to find some.</param>
    /// <returns>Null where none is found.</returns>
    /// <exception cref="NotCertified">The given multipliers do not prove the given gain.</exception>
    public static (double Gain, string Witness)? Prove(NormRequest request, Func<string, WeightValues> weights, (double Gain, string Witness)? given)
    {
        var (up, down) = (weights(request.Weight), weights(request.Right ?? ""));
        if (ResidualBlock.TryParse(request.Numbers ?? "") is not { } block || up.Weight.Shape.Count != 2)
            throw new NotCertified($"'{request.Key}' is no residual block.");
        int hidden = (int)up.Weight.Shape[0], width = (int)up.Weight.Shape[1];
        if (given is not var (gain, witness))
            return Find(up.Values, down.Values, width, hidden, block, request.Key) is var (found, multipliers) ? (found, Text(multipliers)) : null;
        return Read(witness) is { } known && Holds(up.Values, down.Values, width, hidden, block, known, gain, request.Key) ? (gain, witness)
            : throw new NotCertified($"The multipliers given for '{request.Key}' do not prove {gain.ToString("R", CultureInfo.InvariantCulture)}.");
    }

    /// <summary>Multipliers as text: the base64 of little-endian float32.</summary>
    private static string Text(float[] multipliers)
    {
        var bytes = new byte[4 * multipliers.Length];
        for (int i = 0; i < multipliers.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), multipliers[i]);
        return Convert.ToBase64String(bytes);
    }

    private static float[]? Read(string text)
    {
        var bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out int length) || length % 4 != 0)
            return null;
        var multipliers = new float[length / 4];
        for (int i = 0; i < multipliers.Length; i++)
            multipliers[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * i));
        return multipliers;
    }

    /// <summary>Whether the multipliers prove the gain: |Δy| ≤ gain·|Δx| for any two tokens.</summary>
    /// <param name="up">W₁, hidden × width, row-major.</param>
    /// <param name="down">W₂, width × hidden.</param>
    public static bool Holds(double[] up, double[] down, int width, int hidden, ResidualBlock block, float[] multipliers, double gain, string name = "block") =>
        Balanced.Of(up, down, width, hidden, block, name) is { } b && Holds(b, multipliers, gain);

    /// <summary>A proven gain with the multipliers that prove it, or null where none is found.</summary>
    public static (double Gain, float[] Multipliers)? Find(double[] up, double[] down, int width, int hidden, ResidualBlock block, string name = "block")
    {
        if (Balanced.Of(up, down, width, hidden, block, name) is not { } b)
            return null;
        var (multipliers, squared) = BlockMultipliers.Search(b);
        for (double slack = 1e-6; slack < 1 && double.IsFinite(squared); slack *= 8)
        {
            double gain = Math.Sqrt(squared * (1 + slack));
            if (Holds(b, multipliers, gain))
                return (gain, multipliers);
        }
        return null;
    }

    private static bool Holds(Balanced b, float[] multipliers, double gain)
    {
        var (up, down, d, m, block) = b;
        int n = d + m;
        if (multipliers.Length != m || !multipliers.All(t => float.IsFinite(t) && t >= 0) || !(gain > 0) || n > SpectralNorm.SizeLimit)
            return false;
        double square = Math.BitDecrement(gain * gain), c = square * (1 - Room);
        if (!double.IsFinite(square) || square < 1e-200)
            return false;

        // rows of Kᵀ: d of the mean, m of Half·W₂
        double[] k = new double[(long)n * d], mean = b.Mean();
        mean.CopyTo(k, 0);
        for (int i = 0; i < d; i++)
            for (int j = 0; j < m; j++)
                k[(d + j) * d + i] = block.Half * down[i * m + j];
        double[] matrix = GramMatrix.Of(k, n, d);
        double[] columns = ProductNorm.Transposed(up, m, d), scaled = new double[columns.Length];
        for (int j = 0; j < d; j++)
            for (int i = 0; i < m; i++)
                scaled[j * m + i] = multipliers[i] * columns[j * m + i];
        Parallel.For(0, d, i =>
        {
            for (int j = 0; j <= i; j++)
                matrix[i * n + j] += GramMatrix.Dot(scaled.AsSpan(i * m, m), columns.AsSpan(j * m, m));
        });
        for (int i = 0; i < m; i++)
            matrix[(d + i) * n + d + i] += c - multipliers[i];
        // only the lower triangle is read, and c·I − (…) has T in its second block
        if (!GramMatrix.CholeskySucceeds(matrix, n, c, new double[(long)n * n]))
            return false;

        double trace = 0, largest = 0;
        for (int i = 0; i < n; i++)
        {
            double diagonal = c - matrix[i * n + i];
            trace = Outward.Add(trace, diagonal);
            largest = Math.Max(largest, diagonal);
        }
        double upNorm = CertifiedNorms.Length(up), downNorm = CertifiedNorms.Length(down), kNorm = CertifiedNorms.Length(k), kSquare = Outward.Multiply(kNorm, kNorm);
        double tau = 0, most = 0;
        for (int i = 0; i < m; i++)
        {
            double row = CertifiedNorms.Length(up.AsSpan(i * d, d));
            tau = Outward.Add(tau, Outward.Multiply(multipliers[i], Outward.Multiply(row, row)));
            most = Math.Max(most, multipliers[i]);
        }
        double ofK = Sum(
            Outward.Multiply((m + 8) * U * Math.Abs(block.Middle), Outward.Multiply(upNorm, downNorm)),
            Outward.Multiply(4 * U * Math.Abs(block.Keep), Outward.Sqrt(d)),
            Outward.Multiply(4 * U * block.Half, downNorm));
        double eta = Sum(
            Outward.Multiply((m + 3) * U, tau),
            Outward.Multiply(2 * ofK, kNorm), Outward.Multiply(ofK, ofK),
            Outward.Multiply((d + 2) * U, kSquare),
            Outward.Multiply(2 * U, Sum(tau, kSquare)), Outward.Multiply(4 * U, Sum(c, most, kSquare)),
            SpectralNorm.FactorError(n, trace, largest),
            // products of two numbers: underflow is below 2⁻¹⁰⁰⁰ each
            Outward.Multiply((double)n * ((double)n + d + m + 8), SpectralNorm.Tiny));
        double first = SpectralNorm.Bound(up, m, d).Value;
        return Sum(c, Outward.Multiply(eta, Sum(1, Outward.Multiply(first, first)))) <= square;
    }

    private static double Sum(params ReadOnlySpan<double> terms)
    {
        double sum = 0;
        foreach (double term in terms)
            sum = Outward.Add(sum, term);
        return sum;
    }
}
