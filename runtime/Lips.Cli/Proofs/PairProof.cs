using System;
using System.Linq;
using System.Numerics;
using System.Threading;
using System.Threading.Tasks;

namespace Lips.Cli.Proofs;

/// <summary>The largest distance of two rows, in exact integers.</summary>
internal static class PairProof
{
    /// <summary>Above this many rows a bound rests on the rows or on the whole matrix, not on every pair.</summary>
    private const int PairsLimit = 4096;

    public static bool Holds(double[] values, int rows, int columns, double s)
    {
        if (rows > PairsLimit)
            // |a − b| ≤ |a| + |b|, and |Wᵀ(e_a − e_b)| ≤ √2·σ
            return NormProof.RowsAreAtMost(values, rows, columns, s / 2) || IntegerMatrix.Of(values, rows, columns).IsAtMost(s * 0.7071067811865475);
        var w = IntegerMatrix.Of(values, rows, columns);
        double limit = Math.ScaleB(s, -w.Exponent);
        // a distance in doubles is within (columns + 4)·2⁻⁵³ of the truth: what is below by far more needs no second look
        double far = s * (1 - 1e-9) * (columns < 1_000_000 ? 1 : 0);
        bool holds = true;
        Parallel.For(0, rows, (i, state) =>
        {
            for (int j = 0; j < i && Volatile.Read(ref holds); j++)
            {
                var (a, b) = (i * columns, j * columns);
                if (far > 1e-150 && far < 1e150 && Distance(values.AsSpan(a, columns), values.AsSpan(b, columns)) < far)
                    continue;
                if (!(IsAtMost(w.Entries.AsSpan(a, columns), w.Entries.AsSpan(b, columns), limit - (2 * w.Error)) || IsExactlyAtMost(values.AsSpan(a, columns), values.AsSpan(b, columns), s)))
                    Volatile.Write(ref holds, false);
            }
        });
        return holds;
    }

    private static double Distance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int k = 0; k < a.Length; k++)
            sum += (a[k] - b[k]) * (a[k] - b[k]);
        return Math.Sqrt(sum);
    }

    private static bool IsAtMost(ReadOnlySpan<long> a, ReadOnlySpan<long> b, double limit)
    {
        if (!(limit >= 1 && limit < Math.ScaleB(1, 62)))
            return false;
        Int128 sum = 0, floor = (long)limit;
        for (int k = 0; k < a.Length; k++)
            sum += Math.BigMul(a[k] - b[k], a[k] - b[k]);
        return sum <= floor * floor;
    }

    /// <summary>Without any rounding: every double is an integer times a power of two.</summary>
    private static bool IsExactlyAtMost(ReadOnlySpan<double> a, ReadOnlySpan<double> b, double s)
    {
        BigInteger sum = 0, limit = Integer(s);
        for (int k = 0; k < a.Length; k++)
            sum += BigInteger.Pow(Integer(a[k]) - Integer(b[k]), 2);
        return sum <= limit * limit;
    }

    /// <summary>x·2¹⁰⁷⁴</summary>
    private static BigInteger Integer(double x)
    {
        if (x == 0)
            return 0;
        int exponent = Math.Max(Math.ILogB(x), -1022) - 52;
        return (BigInteger)Math.ScaleB(x, -exponent) << (exponent + 1074);
    }
}
