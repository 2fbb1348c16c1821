using System;
using System.Linq;
using System.Threading.Tasks;

namespace Lips.Cli.Proofs;

/// <summary>
/// Symmetric matrices of 128-bit integers, row-major: an exact proof that none of a matrix's eigenvalues is negative.
/// </summary>
/// <remarks>
/// An approximate Cholesky factor R of M, less a little on its diagonal, is rounded to integers, and E = M − R·Rᵀ is exact again:
/// M = R·Rᵀ + E has no negative eigenvalue if E has none, and by Gershgorin's circles E has none if every diagonal entry is at
/// least the sum of the others' sizes in its row. R may come from anywhere; only E is trusted.
/// </remarks>
internal static class SymmetricMatrix
{
    /// <summary>Whether M is proven to have no negative eigenvalue, by the R found here.</summary>
    /// <param name="scale">About the largest entry of M.</param>
    /// <param name="room">What M can spare on its diagonal, in units of <paramref name="scale"/>: a quarter of it is left to E.</param>
    public static bool IsPositive(Int128[] m, int side, Int128 scale, double room)
    {
        // units of R: half the bits of M, so that RRᵀ is in the units of M
        int bits = HalfBits(scale);
        double one = Math.ScaleB(1, 2 * bits);
        if (Factor(m, side, one, -room / 4) is not { } r)
            return false;
        var factor = new long[r.Length];
        for (int i = 0; i < r.Length; i++)
            factor[i] = (long)Math.Round(Math.ScaleB(r[i], bits));
        return IsDominant(side, (i, j) =>
            // rows of the lower factor end at the diagonal
            m[(i * side) + j] - IntegerMatrix.Dot(factor.AsSpan(i * side, j + 1), factor.AsSpan(j * side, j + 1)));
    }

    /// <summary>
    /// Integers L for which 4^unit·L·Lᵀ − M − slack·I is proven to have no negative eigenvalue; null where none are found.
    /// </summary>
    /// <param name="largest">At least every entry of M + slack·I.</param>
    /// <param name="unit">Follows from <paramref name="largest"/>: L then has <see cref="IntegerMatrix.Bits"/> bits at most.</param>
    public static long[]? Above(Int128[] m, int side, Int128 slack, Int128 largest, out int unit)
    {
        int bits = HalfBits(largest);
        int shift = unit = Math.Max(0, bits + 1 - IntegerMatrix.Bits);
        double one = Math.ScaleB(1, 2 * bits), more = ((double)slack / one) + (4 * Math.Pow(side, 1.5) * Math.ScaleB(1, -IntegerMatrix.Bits));
        if (Factor(m, side, one, more) is not { } r)
            return null;
        long[] factor = [.. r.Select(v => (long)Math.Round(Math.ScaleB(v, bits - shift)))];
        return IsDominant(side, (i, j) =>
            (IntegerMatrix.Dot(factor.AsSpan(i * side, j + 1), factor.AsSpan(j * side, j + 1)) << (2 * shift)) - m[(i * side) + j] - (i == j ? slack : 0)) ? factor : null;
    }

    private static int HalfBits(Int128 largest)
    {
        int bits = 0;
        while (largest >> (2 * bits) > 0)
            bits++;
        return bits;
    }

    /// <summary>A lower factor of M/one + more·I in doubles; null where a pivot is not positive.</summary>
    private static double[]? Factor(Int128[] m, int side, double one, double more)
    {
        var r = new double[side * side];
        for (int j = 0; j < side; j++)
        {
            double diagonal = ((double)m[(j * side) + j] / one) + more;
            for (int k = 0; k < j; k++)
                diagonal -= r[(j * side) + k] * r[(j * side) + k];
            if (!(diagonal > 0))
                return null;
            double root = r[(j * side) + j] = Math.Sqrt(diagonal);
            int column = j;
            void Below(int i)
            {
                double sum = (double)m[(i * side) + column] / one;
                for (int k = 0; k < column; k++)
                    sum -= r[(i * side) + k] * r[(column * side) + k];
                r[(i * side) + column] = sum / root;
            }
            if (side - j > 256)
                Parallel.For(j + 1, side, Below);
            else
                for (int i = j + 1; i < side; i++)
                    Below(i);
        }
        return r;
    }

    /// <summary>Whether every diagonal entry of a symmetric matrix, given by its lower half, is at least the sum of the others' sizes in its row.</summary>
    private static bool IsDominant(int side, Func<int, int, Int128> entry)
    {
        var own = new Int128[side];
        var lower = new Int128[side * side];
        Parallel.For(0, side, i =>
        {
            for (int j = 0; j < i; j++)
                lower[(i * side) + j] = Int128.Abs(entry(i, j));
            own[i] = entry(i, i);
        });
        var others = new Int128[side];
        for (int i = 0; i < side; i++)
            for (int j = 0; j < i; j++)
            {
                others[i] += lower[(i * side) + j];
                others[j] += lower[(i * side) + j];
            }
        return own.Zip(others).All(e => e.First >= e.Second);
    }
}
