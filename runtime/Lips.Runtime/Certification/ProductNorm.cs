using System;
using System.Linq;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>
/// Proven upper bounds of σ_max([A_1·B_1 … A_H·B_H]) for A = [A_1 … A_H] (rows × H·m) and blocks B_h (m × k): the maps that
/// attention applies to values (O_h·V_h) and, transposed, to logits (Q_hᵀ·K_h).
/// <para>Wide blocks are first replaced by small ones: with S = fl(B·Bᵀ), ε ≥ ‖S − B·Bᵀ‖₂ and Cholesky's factor L of
/// fl(S + δ·I), L·Lᵀ is above B·Bᵀ in the order of symmetric matrices as soon as δ is at least ε plus the factorization's error
/// (the terms of <see cref="SpectralNorm"/>). Then ‖A·B‖² = ‖A·B·Bᵀ·Aᵀ‖ ≤ ‖A·L·Lᵀ·Aᵀ‖ = ‖A·L‖².</para>
/// <para>The product is formed in double: |fl(A·B) − A·B| ≤ γ_m·|A|·|B| entry by entry, of norm at most (m+2)·u·‖A‖_F·‖B‖_F, plus
/// underflow far below rows·m·columns·2⁻¹⁰⁰⁰ of the scaled factors. It is added to the certified norm of fl(A·B).</para>
/// </summary>
public static class ProductNorm
{
    /// <summary>An upper bound for a row-major A and blocks of one height m; each is scaled by a power of two first.</summary>
    /// <exception cref="NotCertified">An entry is not finite.</exception>
    public static NormBound Bound(double[] left, int rows, double[][] right, int inner, int columns, string name)
    {
        double largestLeft = SpectralNorm.LargestEntry(left, name), largestRight = right.Max(b => SpectralNorm.LargestEntry(b, name));
        if (largestLeft == 0 || largestRight == 0)
            return new NormBound(0, "zero");
        int leftExponent = Math.ILogB(largestLeft) + 1, rightExponent = Math.ILogB(largestRight) + 1;
        double[] a = Scaled(left, -leftExponent);
        var blocks = right.Select(b => Scaled(b, -rightExponent)).ToArray();
        int width = columns;
        // what the scaling lost is at most 2⁻¹⁰⁷⁵ an entry, and norms of the factors are far below 2²⁰ times their sizes
        double lost = Outward.Multiply((double)rows * inner * blocks.Length * Math.Max(columns, inner), SpectralNorm.Tiny);
        if (inner < columns && blocks.Select(b => Reduced(b, inner, columns)).ToArray() is var reduced && reduced.All(b => b is not null))
            (blocks, width) = (reduced!, inner);

        // row-major (rows, H·width), from the blocks' columns
        int total = blocks.Length * width;
        var transposed = blocks.Select(b => Transposed(b, inner, width)).ToArray();
        var product = new double[(long)rows * total];
        Parallel.For(0, rows, i =>
        {
            for (int h = 0; h < transposed.Length; h++)
                for (int j = 0; j < width; j++)
                    product[(long)i * total + h * width + j] = GramMatrix.Dot(a.AsSpan((i * transposed.Length + h) * inner, inner), transposed[h].AsSpan(j * inner, inner));
        });
        var (norm, method, _) = SpectralNorm.Bound(product, rows, total, name);
        double frobenius = Outward.Multiply(CertifiedNorms.Length(a), Outward.Sqrt(blocks.Aggregate(0.0, (sum, b) => Outward.Add(sum, Square(CertifiedNorms.Length(b))))));
        norm = Outward.Add(norm, Outward.Add(Outward.Multiply((inner + 2) * SpectralNorm.UnitRoundoff, frobenius), lost));
        return new NormBound(Outward.Scale(norm, leftExponent + rightExponent), method);
    }

    private static double Square(double x) => Outward.Multiply(x, x);

    private static double[] Scaled(double[] values, int exponent)
    {
        var scaled = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
            scaled[i] = Math.ScaleB(values[i], exponent);
        return scaled;
    }

    internal static double[] Transposed(double[] values, int rows, int columns)
    {
        var transposed = new double[values.Length];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                transposed[j * rows + i] = values[i * columns + j];
        return transposed;
    }

    /// <summary>L (m × m, row-major) with L·Lᵀ at least B·Bᵀ for a scaled m × k matrix; null where the factorization does not run through.</summary>
    internal static double[]? Reduced(double[] b, int m, int k)
    {
        double squares = Square(CertifiedNorms.Length(b));
        if (squares == 0)
            return new double[m * m];
        double[] gram = GramMatrix.Of(b, m, k);
        double trace = 0;
        for (int i = 0; i < m; i++)
            trace = Outward.Add(trace, gram[i * m + i]);
        double error = SpectralNorm.ProductError(m, k, squares), unit = SpectralNorm.UnitRoundoff;
        double delta = 4 * (error + (m + 4) * unit * trace);
        for (int i = 0; i < gram.Length; i++)
            gram[i] = -gram[i];
        var factor = new double[m * m];
        // c·I − (−S) = S + c·I
        if (!GramMatrix.CholeskySucceeds(gram, m, delta, factor))
            return null;
        double shiftedTrace = 0, largest = 0;
        for (int i = 0; i < m; i++)
        {
            double diagonal = delta - gram[i * m + i];
            shiftedTrace = Outward.Add(shiftedTrace, diagonal);
            largest = Math.Max(largest, diagonal);
        }
        double needed = Outward.Add(error, Outward.Add(SpectralNorm.FactorError(m, shiftedTrace, largest), Outward.Multiply((double)m * m, SpectralNorm.Tiny)));
        return delta >= needed ? factor : null;
    }
}
