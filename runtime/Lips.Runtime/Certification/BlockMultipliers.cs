using System;
using System.Linq;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>
/// Finds multipliers for <see cref="BlockGain"/>. Estimates only: nothing here is part of a proof.
/// With Q = I − Half²·W₂T⁻¹W₂ᵀ positive definite, the least gain² that T proves is λ_max of X = W₁ᵀTW₁ + MᵀQ⁻¹M. At a minimum
/// T_i² = g_i/f_i with f_i = w_iᵀ·Ω·w_i for the rows of W₁ and g_i the same form of Half·MᵀQ⁻¹ times the columns of W₂, Ω a mixture of
/// projectors on X's leading eigenvectors. Ω is a power of X, raised when nothing else
/// helps, and T moves part of the way, in logarithms.
/// </summary>
internal static class BlockMultipliers
{
    private const int Steps = 50;

    /// <summary>The best multipliers met, as floats, and the gain² they should prove; ∞ where nothing feasible was met.</summary>
    public static (float[] Multipliers, double Squared) Search(BlockGain.Balanced b)
    {
        var (up, down, d, m, block) = b;
        double[] mean = b.Mean();
        if (block.Half == 0)
            return (new float[m], Square(SpectralNorm.Bound(mean, d, d).Value));
        // one value for all first: above (h|W₂|)² Q is positive definite
        double floor = Square(block.Half * SpectralNorm.Bound(down, d, m).Value);
        int sharpness = 3;
        var (best, least, target) = (new float[m], double.PositiveInfinity, Array.Empty<double>());
        for (int i = -6; i <= 6; i++)
            Try([.. Enumerable.Repeat((float)(floor * (1 + Math.Pow(10, i / 2.0))), m)]);
        double step = 0.5;
        for (int i = 0; i < Steps && double.IsFinite(least); i++)
        {
            if (Try([.. best.Select((t, j) => (float)(t * Math.Pow(Math.Clamp(target[j] / t, 1e-3, 1e3), step)))]))
                step = Math.Min(1, step * 1.4);
            else if (step > 0.02)
                step /= 2;
            else if (sharpness++ < 9)
            {
                // nearer to the largest eigenvalue alone
                (step, target) = (0.5, At(b, mean, best, sharpness)!.Value.Target());
            }
            else
                break;
        }
        return (best, least);

        bool Try(float[] t)
        {
            if (At(b, mean, t, sharpness) is not var (squared, wanted) || squared >= least)
                return false;
            (best, least, target) = (t, squared, wanted());
            return true;
        }
    }

    private static double Square(double x) => x * x;

    /// <summary>λ_max(X) and, on demand, the multipliers that the optimality condition asks for; null where Q is not positive definite.</summary>
    private static (double Squared, Func<double[]> Target)? At(BlockGain.Balanced b, double[] mean, float[] t, int doublings)
    {
        var (up, down, d, m, block) = b;
        var reduced = new double[d * m];
        for (int i = 0; i < d; i++)
            for (int j = 0; j < m; j++)
                reduced[i * m + j] = block.Half * down[i * m + j] / Math.Sqrt(t[j]);
        var factor = new double[d * d];
        if (!GramMatrix.CholeskySucceeds(GramMatrix.Of(reduced, d, m), d, 1, factor))
            return null;

        // rows of X's square root: √T·W₁ and F⁻¹·M, for Q = F·Fᵀ
        var root = new double[d * (m + d)];
        Parallel.For(0, d, j =>
        {
            for (int i = 0; i < m; i++)
                root[j * (m + d) + i] = Math.Sqrt(t[i]) * up[i * d + j];
            mean.AsSpan(j * d, d).CopyTo(root.AsSpan(j * (m + d) + m));
            Solve(factor, d, root.AsSpan(j * (m + d) + m, d));
        });
        double[] x = GramMatrix.Of(root, d, m + d);
        double largest = GramMatrix.PilotLargestEigenvalue(x, d);
        if (!(largest > 0) || !double.IsFinite(largest))
            return null;

        return (largest, () => Target(b, t, root, factor, [.. x.Select(v => v / largest)], doublings));
    }

    private static double[] Target(BlockGain.Balanced b, float[] t, double[] root, double[] factor, double[] power, int doublings)
    {
        var (up, down, d, m, block) = b;
        // Ω = P·P with P a power of X
        for (int i = 0; i < doublings; i++)
        {
            power = GramMatrix.Of(power, d, d);
            double scale = power.Max();
            for (int j = 0; j < power.Length; j++)
                power[j] /= scale;
        }
        var solved = new double[d * d];
        for (int j = 0; j < d; j++)
            for (int i = 0; i < d; i++)
                solved[j * d + i] = root[j * (m + d) + m + i];
        var target = new double[m];
        Parallel.For(0, m, i =>
        {
            var column = new double[d];
            for (int j = 0; j < d; j++)
                column[j] = block.Half * down[j * m + i];
            Solve(factor, d, column);
            var back = new double[d];
            for (int j = 0; j < d; j++)
                back[j] = GramMatrix.Dot(solved.AsSpan(j * d, d), column);
            double g = 0, f = 0;
            for (int j = 0; j < d; j++)
            {
                double p = GramMatrix.Dot(power.AsSpan(j * d, d), back), q = GramMatrix.Dot(power.AsSpan(j * d, d), up.AsSpan(i * d, d));
                (g, f) = (g + p * p, f + q * q);
            }
            target[i] = Math.Sqrt(g / Math.Max(f, 1e-300));
            if (!double.IsFinite(target[i]) || target[i] <= 0)
                target[i] = t[i];
        });
        return target;
    }

    /// <summary>v ← F⁻¹·v for a lower triangle.</summary>
    private static void Solve(double[] factor, int d, Span<double> v)
    {
        for (int i = 0; i < d; i++)
            v[i] = (v[i] - GramMatrix.Dot(factor.AsSpan(i * d, i), v[..i])) / factor[i * d + i];
    }
}
