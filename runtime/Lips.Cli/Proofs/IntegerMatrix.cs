using System;
using System.Linq;
using System.Threading.Tasks;

namespace Lips.Cli.Proofs;

/// <summary>
/// A real matrix beside one of integers: it differs from <paramref name="entries"/>·2^<paramref name="exponent"/> by a matrix of
/// spectral norm at most <paramref name="error"/>·2^<paramref name="exponent"/>. No entry is above 2^<see cref="Bits"/>.
/// </summary>
internal sealed class IntegerMatrix(long[] entries, int rows, int columns, int exponent, double error)
{
    /// <summary>Products of two entries fill 92 bits, which leaves 35 of <see cref="Int128"/> for sums.</summary>
    public const int Bits = 46;

    /// <summary>What a sum or product of a few doubles may be too small by.</summary>
    private const double Up = 1 + 1e-13;

    public long[] Entries => entries;

    public int Rows => rows;

    public int Columns => columns;

    /// <summary>The unit's exponent of two.</summary>
    public int Exponent => exponent;

    /// <summary>In units.</summary>
    public double Error => error;

    /// <summary>At least the Frobenius norm of the integers.</summary>
    public double Length => Math.Sqrt(entries.Sum(e => (double)e * e)) * Up;

    /// <summary>Room for what is rounded off: proven is σ_max ≤ s·(1 + room), some 10⁻¹¹.</summary>
    public static double Room(int rows, int columns) => (Math.Min(rows, columns) + (2 * Math.Sqrt((double)rows * columns))) * Math.ScaleB(1, 1 - Bits);

    /// <summary>The exponent that gives a number of that size <see cref="Bits"/> bits.</summary>
    public static int UnitOf(double largest) => largest > 0 ? Math.ILogB(largest) + 1 - Bits : 0;

    /// <summary>Row-major finite values, in units of their largest entry's last bit.</summary>
    public static IntegerMatrix Of(double[] values, int rows, int columns) => Of(values, rows, columns, UnitOf(values.Length == 0 ? 0 : values.Max(Math.Abs)));

    /// <param name="exponent">The unit's, that of <see cref="UnitOf"/> or more.</param>
    public static IntegerMatrix Of(double[] values, int rows, int columns, int exponent)
    {
        var entries = new long[values.Length];
        long inexact = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            double scaled = Math.ScaleB(values[i], -exponent);
            entries[i] = (long)Math.Round(scaled);
            // a scaled value below 2⁻¹⁰⁷⁴ counts as rounded off too
            inexact += scaled == entries[i] && (values[i] == 0 || scaled != 0) ? 0 : 1;
        }
        return new(entries, rows, columns, exponent, 0.5 * Math.Sqrt(inexact) * Up);
    }

    /// <summary>Exact sums, rounded to the bits that the largest of them leaves; what that and the sums themselves are off by becomes the error.</summary>
    /// <param name="error">Of the sums, in units of 2^<paramref name="exponent"/>.</param>
    public static IntegerMatrix Rounded(Int128[] sums, int rows, int columns, int exponent, double error)
    {
        var largest = sums.Length == 0 ? 0 : sums.Max(Int128.Abs);
        int shift = 0;
        while (largest >> shift > (1L << Bits) - 1)
            shift++;
        var entries = new long[sums.Length];
        long inexact = 0;
        for (int i = 0; i < sums.Length; i++)
        {
            entries[i] = (long)Shifted(sums[i], -shift);
            inexact += (Int128)entries[i] << shift == sums[i] ? 0 : 1;
        }
        return new(entries, rows, columns, exponent + shift, (Math.ScaleB(error, -shift) + (0.5 * Math.Sqrt(inexact))) * Up);
    }

    /// <summary>value·2^by, to the nearest integer.</summary>
    public static Int128 Shifted(Int128 value, int by) => by switch
    {
        >= 0 => value << by,
        > -127 => (value + (Int128.One << (-by - 1))) >> -by,
        _ => 0,
    };

    public IntegerMatrix Transposed() => new(Transposed(entries, rows, columns), columns, rows, exponent, error);

    private static long[] Transposed(long[] entries, int rows, int columns)
    {
        var transposed = new long[entries.Length];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                transposed[(j * rows) + i] = entries[(i * columns) + j];
        return transposed;
    }

    /// <summary>[A_1·B_1 … A_n·B_n] for this matrix A = [A_1 … A_n]; the blocks have one shape and one unit.</summary>
    public IntegerMatrix Times(params IntegerMatrix[] blocks)
    {
        int inner = blocks[0].Rows, width = blocks[0].Columns, total = blocks.Length * width;
        var right = blocks.Select(b => Transposed(b.Entries, inner, width)).ToArray();
        var sums = new Int128[rows * total];
        Parallel.For(0, rows, i =>
        {
            for (int h = 0; h < right.Length; h++)
                for (int j = 0; j < width; j++)
                    sums[(i * total) + (h * width) + j] = Dot(entries.AsSpan((i * columns) + (h * inner), inner), right[h].AsSpan(j * inner, inner));
        });
        // AB − ÂB̂ = (A − Â)B + Â(B − B̂), and a row of blocks is no longer than the root of the sum of their squares
        double off = Math.Sqrt(blocks.Sum(b => b.Error * b.Error)), length = Math.Sqrt(blocks.Sum(b => b.Length * b.Length));
        return Rounded(sums, rows, total, exponent + blocks[0].Exponent, ((error * (length + off)) + (Length * off)) * Up);
    }

    public static Int128 Dot(ReadOnlySpan<long> a, ReadOnlySpan<long> b)
    {
        Int128 sum = 0;
        for (int k = 0; k < a.Length; k++)
            sum += Math.BigMul(a[k], b[k]);
        return sum;
    }

    /// <summary>A·Aᵀ, exact.</summary>
    public Int128[] Gram()
    {
        var gram = new Int128[rows * rows];
        Parallel.For(0, rows, i =>
        {
            for (int j = 0; j <= i; j++)
                gram[(i * rows) + j] = gram[(j * rows) + i] = Dot(entries.AsSpan(i * columns, columns), entries.AsSpan(j * columns, columns));
        });
        return gram;
    }

    /// <summary>
    /// Whether σ_max is proven to be at most s·(1 + <see cref="Room"/>): exactly where s²·I − AAᵀ has no negative eigenvalue, of the
    /// integers A for an s that is less by the error.
    /// </summary>
    public bool IsAtMost(double s)
    {
        double limit = (Math.ScaleB(s, -exponent) * (1 + Room(rows, columns)) * (1 - 1e-15)) - (error * Up);
        if (!(limit >= 0))
            return false;
        if (limit >= Length)
            return true;
        if (limit < 1)
            return false;
        if (rows > columns)
            return Transposed().Holds(limit);
        return Holds(limit);
    }

    private bool Holds(double limit)
    {
        var square = (Int128)(long)Math.Floor(limit) * (long)Math.Floor(limit);
        var m = Gram();
        for (int i = 0; i < m.Length; i++)
            m[i] = (i % (rows + 1) == 0 ? square : 0) - m[i];
        return SymmetricMatrix.IsPositive(m, rows, square, Room(rows, columns));
    }
}
