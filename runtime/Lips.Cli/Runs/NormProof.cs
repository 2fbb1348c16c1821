using System;
using System.Linq;
using System.Threading.Tasks;
using Lips.Runtime;

namespace Lips.Cli.Runs;

/// <summary>
/// Norms a second time, in exact integers: what <c>verify</c> holds certified norms to, so that a mistake in the floating-point
/// arithmetic that made them does not confirm itself. Nothing here is shared with <see cref="Runtime.Certification.CertifiedNorms"/>.
/// </summary>
/// <remarks>
/// σ_max(A) ≤ s exactly where M = s²·I − AᵀA has no negative eigenvalue. Entries become integers of 46 bits (what that rounds off is
/// taken from s), M is then exact in 128 bits. An approximate Cholesky factor R of M, less a little, is rounded to integers as
/// well, and E = M − RᵀR is exact again: M = RᵀR + E has no negative eigenvalue if E has none, and by Gershgorin's circles E has
/// none if every diagonal entry is at least the sum of the others' sizes in its row. R may come from anywhere; only E is trusted.
/// </remarks>
internal static class NormProof
{
    private const int Bits = 46;

    /// <summary>Proven is σ_max ≤ s·(1 + room): some 10⁻¹¹, for entries that are rounded off and the roundings of the factor.</summary>
    public static double Room(int rows, int columns) => (Math.Min(rows, columns) + (2 * Math.Sqrt((double)rows * columns))) * Math.ScaleB(1, 1 - Bits);

    /// <summary>Whether a norm of that kind can be proven here, and then whether it is at most s (and its room).</summary>
    /// <returns>Null for the kinds that are only certified once more.</returns>
    public static bool? Holds(Weight weight, double[] values, NormKind kind, int? head, double s)
    {
        int rows = weight.Shape.Count < 2 ? 1 : checked((int)weight.Shape[0]);
        int columns = values.Length / Math.Max(rows, 1);
        if (head is int h)
            (values, rows, columns) = Slice(weight, values, rows, columns, h);
        if (values.Length == 0 || double.IsPositiveInfinity(s))
            return true;
        if (!values.All(double.IsFinite) || !(s >= 0))
            return false;
        return kind switch
        {
            NormKind.Spectral => IsAtMost(values, rows, columns, s),
            NormKind.LargestRow => RowsAreAtMost(values, rows, columns, s),
            NormKind.Vector => weight.Shape.Count > 1 && weight.Role == Role.Table ? RowsAreAtMost(values, rows, columns, s) : IsAtMost(values, 1, values.Length, s),
            NormKind.LargestEntry => values.All(v => Math.Abs(v) <= s),
            _ => null,
        };
    }

    private static (double[] Values, int Rows, int Columns) Slice(Weight weight, double[] values, int rows, int columns, int head)
    {
        bool byRows = weight.HeadAxis == HeadAxis.Rows;
        int height = byRows ? rows / weight.Heads : rows, width = byRows ? columns : columns / weight.Heads;
        var slice = new double[height * width];
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++)
                slice[(i * width) + j] = values[((byRows ? (head * height) + i : i) * columns) + (byRows ? j : (head * width) + j)];
        return (slice, height, width);
    }

    private static bool RowsAreAtMost(double[] values, int rows, int columns, double s) =>
        Enumerable.Range(0, rows).All(i => IsAtMost(values[(i * columns)..((i + 1) * columns)], 1, columns, s));

    /// <summary>Whether σ_max of a row-major matrix is proven to be at most s·(1 + <see cref="Room"/>).</summary>
    public static bool IsAtMost(double[] values, int rows, int columns, double s)
    {
        double largest = values.Max(Math.Abs);
        if (largest == 0)
            return s >= 0;
        if (s <= 0)
            return false;
        int exponent = Math.ILogB(largest) + 1 - Bits;
        var entries = new long[values.Length];
        long inexact = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            double scaled = Math.ScaleB(values[i], -exponent);
            entries[i] = (long)Math.Round(scaled);
            // a scaled value below 2⁻¹⁰⁷⁴ counts as rounded off too
            inexact += scaled == entries[i] && (values[i] == 0 || scaled != 0) ? 0 : 1;
        }
        // σ(A) ≤ σ(Â) + |A − Â|_F, and every rounded entry is off by half a unit at most
        double limit = Math.ScaleB(s, -exponent) * (1 + Room(rows, columns)) * (1 - 1e-15) - (0.5 * Math.Sqrt(inexact) * (1 + 1e-15));
        if (limit >= Math.ScaleB(Math.Sqrt(values.Length), Bits))
            return true;
        if (!(limit >= 1))
            return false;
        Int128 square = (Int128)(long)Math.Floor(limit) * (long)Math.Floor(limit);
        return IsPositive(Complement(entries, rows, columns, square), Math.Min(rows, columns), square, Room(rows, columns));
    }

    /// <summary>square·I − the Gram matrix of the shorter side, exact: |entry| ≤ 2⁹² times at most 2³¹ terms of a sum.</summary>
    private static Int128[] Complement(long[] a, int rows, int columns, Int128 square)
    {
        bool byRows = rows <= columns;
        int side = byRows ? rows : columns, length = byRows ? columns : rows;
        long[] vectors = a;
        if (!byRows)
        {
            vectors = new long[a.Length];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    vectors[(j * rows) + i] = a[(i * columns) + j];
        }
        var m = new Int128[side * side];
        Parallel.For(0, side, i =>
        {
            for (int j = 0; j <= i; j++)
            {
                var sum = Dot(vectors.AsSpan(i * length, length), vectors.AsSpan(j * length, length));
                m[(i * side) + j] = m[(j * side) + i] = (i == j ? square : 0) - sum;
            }
        });
        return m;
    }

    private static Int128 Dot(ReadOnlySpan<long> a, ReadOnlySpan<long> b)
    {
        Int128 sum = 0;
        for (int k = 0; k < a.Length; k++)
            sum += Math.BigMul(a[k], b[k]);
        return sum;
    }

    /// <summary>Whether M = RᵀR + E with Gershgorin's circles of E right of 0, for the R found here.</summary>
    private static bool IsPositive(Int128[] m, int side, Int128 square, double room)
    {
        // units of R: half the bits of M, so that RᵀR is in the units of M
        int bits = 0;
        while (square >> (2 * bits) > 0)
            bits++;
        double one = Math.ScaleB(1, 2 * bits);
        var r = new double[side * side];
        for (int j = 0; j < side; j++)
        {
            // column j of the lower factor, of M/one less what E is to have on its diagonal
            double diagonal = ((double)m[(j * side) + j] / one) - (room / 4);
            for (int k = 0; k < j; k++)
                diagonal -= r[(j * side) + k] * r[(j * side) + k];
            if (!(diagonal > 0))
                return false;
            double root = r[(j * side) + j] = Math.Sqrt(diagonal);
            for (int i = j + 1; i < side; i++)
            {
                double sum = (double)m[(i * side) + j] / one;
                for (int k = 0; k < j; k++)
                    sum -= r[(i * side) + k] * r[(j * side) + k];
                r[(i * side) + j] = sum / root;
            }
        }
        var factor = new long[r.Length];
        for (int i = 0; i < r.Length; i++)
            factor[i] = (long)Math.Round(Math.ScaleB(r[i], bits));
        var others = new Int128[side];
        var own = new Int128[side];
        for (int i = 0; i < side; i++)
            for (int j = 0; j <= i; j++)
            {
                // rows of the lower factor end at the diagonal
                var e = m[(i * side) + j] - Dot(factor.AsSpan(i * side, j + 1), factor.AsSpan(j * side, j + 1));
                if (i == j)
                {
                    own[i] = e;
                    continue;
                }
                others[i] += Int128.Abs(e);
                others[j] += Int128.Abs(e);
            }
        return own.Zip(others).All(e => e.First >= e.Second);
    }
}
