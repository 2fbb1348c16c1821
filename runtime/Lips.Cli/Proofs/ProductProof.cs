using System;
using System.Linq;

namespace Lips.Cli.Proofs;

/// <summary>σ_max([A_1·B_1 … A_H·B_H]) for A = [A_1 … A_H] and blocks of one shape, in exact integers.</summary>
internal static class ProductProof
{
    /// <param name="left">rows × (blocks·inner), row-major.</param>
    /// <param name="right">Each inner × columns.</param>
    public static bool Holds(double[] left, int rows, double[][] right, int inner, int columns, double s)
    {
        int unit = IntegerMatrix.UnitOf(right.Max(b => b.Max(Math.Abs)));
        var a = IntegerMatrix.Of(left, rows, right.Length * inner);
        var blocks = right.Select(b => IntegerMatrix.Of(b, inner, columns, unit)).ToArray();
        // where blocks lie side by side and are wide, narrow ones above them take their place; they are a little longer
        return (blocks.Length > 1 && inner < columns && Narrowed(blocks) is { } narrow && a.Times(narrow).IsAtMost(s)) || a.Times(blocks).IsAtMost(s);
    }

    /// <summary>
    /// L_h (inner × inner) with B_h·B_hᵀ ≤ L_h·L_hᵀ in the order of symmetric matrices for each block: then |A_h·B_h|² = |A_h·B_hB_hᵀ·A_hᵀ| side by
    /// side is at most that of A_h·L_h. B and its integers are apart by the error e, so B·Bᵀ ≤ B̂·B̂ᵀ + (2|B̂|e + e²)·I.
    /// </summary>
    private static IntegerMatrix[]? Narrowed(IntegerMatrix[] blocks)
    {
        int inner = blocks[0].Rows;
        var grams = blocks.Select(b => b.Gram()).ToArray();
        var slacks = blocks.Select(b => (Int128)Math.Ceiling(b.Error * ((2 * b.Length) + b.Error) * (1 + 1e-13))).ToArray();
        Int128 largest = grams.Zip(slacks, (g, slack) => Enumerable.Range(0, inner).Max(i => g[i * (inner + 1)]) + slack).Max();
        var narrow = new IntegerMatrix[blocks.Length];
        for (int h = 0; h < blocks.Length; h++)
        {
            if (SymmetricMatrix.Above(grams[h], inner, slacks[h], largest, out int unit) is not { } factor)
                return null;
            narrow[h] = new IntegerMatrix(factor, inner, inner, blocks[h].Exponent + unit, 0);
        }
        return narrow;
    }
}
