using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using Lips.Runtime;
using Lips.Runtime.Certification;

namespace Lips.Cli.Proofs;

/// <summary>
/// Norms a second time, in exact integers: what <c>verify</c> holds certified norms to, so that a mistake in the floating-point
/// arithmetic that made them does not confirm itself. Nothing here is shared with <see cref="CertifiedNorms"/>.
/// </summary>
/// <remarks>
/// σ_max(A) ≤ s exactly where s²·I − AᵀA has no negative eigenvalue. Entries become integers of 46 bits (what that rounds off is
/// taken from s), the matrix is then exact in 128 bits, and <see cref="SymmetricMatrix"/> proves of it what is asked.
/// </remarks>
internal static class NormProof
{
    /// <summary>Proven is σ_max ≤ s·(1 + room): some 10⁻¹¹, for entries that are rounded off and the roundings of the factor.</summary>
    public static double Room(int rows, int columns) => IntegerMatrix.Room(rows, columns);

    /// <summary>What a kind's second proof is, in words that follow "proven"; empty for norms of single matrices.</summary>
    public static string Words(NormKind kind) => kind switch
    {
        NormKind.Operator => "at sampled frequencies",
        NormKind.BlockGain => "by their multipliers",
        NormKind.Taps => "by their taps",
        NormKind.Product or NormKind.StackedProduct or NormKind.TransposedProduct or NormKind.StackedTransposedProduct => "of products",
        NormKind.LargestPairDistance => "by pairs of rows",
        _ => "",
    };

    /// <summary>Whether a norm that a bound reads is proven to be at most s (and its room).</summary>
    /// <param name="weights">By name, with their exact values.</param>
    /// <param name="witness">What the certificate states for the proof besides the norm.</param>
    public static bool Holds(NormRequest request, Func<string, WeightValues> weights, double s, string? witness)
    {
        var (weight, values) = weights(request.Weight);
        if (request.Right is not { } other)
            return request.Kind == NormKind.Taps ? TapsAreAtMost(weight, values, witness, s) : Holds(weight, values, request.Kind, request.Head, s);
        var (right, rightValues) = weights(other);
        if (double.IsPositiveInfinity(s))
            return true;
        if (!(s >= 0) || !values.All(double.IsFinite) || !rightValues.All(double.IsFinite) || weight.Shape.Count < 2 || right.Shape.Count < 2)
            return false;
        return request.Kind == NormKind.BlockGain
            ? witness is not null && BlockProof.Holds(values, rightValues, (int)weight.Shape[1], (int)weight.Shape[0], request.Numbers ?? "", witness, s)
            : OfProduct(request, new(weight, values), new(right, rightValues), s);
    }

    /// <summary>Whether a norm of one weight, or of a head's slice, is proven to be at most s (and its room).</summary>
    public static bool Holds(Weight weight, double[] values, NormKind kind, int? head, double s)
    {
        int rows = weight.Shape.Count < 2 ? 1 : checked((int)weight.Shape[0]);
        int columns = values.Length / Math.Max(rows, 1);
        if (head is int h)
            (values, rows, columns) = Slice(weight, values, h, weight.Heads);
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
            NormKind.LargestPairDistance => PairProof.Holds(values, rows, columns, s),
            NormKind.Operator => weight.Shape.Count is 3 or 4
                && ConvolutionProof.Holds(values, rows, (int)weight.Shape[1], weight.Shape.Count == 4 ? (int)weight.Shape[2] : 1, (int)weight.Shape[^1], weight.Groups, s),
            _ => false,
        };
    }

    private static bool OfProduct(NormRequest request, WeightValues left, WeightValues right, double s)
    {
        int heads = Math.Max(left.Weight.Heads, right.Weight.Heads);
        (double[] Values, int Rows, int Columns) Whole(WeightValues w) => (w.Values, (int)w.Weight.Shape[0], w.Values.Length / (int)w.Weight.Shape[0]);
        (double[] Values, int Rows, int Columns) Part(WeightValues w, int? head) => head is int h ? Slice(w.Weight, w.Values, h, heads) : Whole(w);
        (double[] Values, int Rows, int Columns) Turned((double[] Values, int Rows, int Columns) m) =>
            ([.. from j in Enumerable.Range(0, m.Columns) from i in Enumerable.Range(0, m.Rows) select m.Values[(i * m.Columns) + j]], m.Columns, m.Rows);
        IEnumerable<(double[] Values, int Rows, int Columns)> Every(WeightValues w) => Enumerable.Range(0, heads).Select(h => Part(w, h));

        var (a, blocks) = request.Kind switch
        {
            NormKind.Product => (Part(left, request.Head), [Part(right, request.Head)]),
            NormKind.TransposedProduct => (Turned(Part(left, request.Head)), [Part(right, request.Head)]),
            NormKind.StackedProduct => (Whole(left), Every(right).ToArray()),
            // W_hᵀ·R_h one above the other, transposed, are R_hᵀ·W_h side by side
            NormKind.StackedTransposedProduct => (Turned(Whole(right)), Every(left).ToArray()),
            _ => default,
        };
        return blocks is not null && a.Columns == blocks.Length * blocks[0].Rows && ProductProof.Holds(a.Values, a.Rows, [.. blocks.Select(b => b.Values)], blocks[0].Rows, blocks[0].Columns, s);
    }

    /// <summary>Whether every tap of a kernel is proven to have at most the norm that the witness states, and these add up to at most s.</summary>
    private static bool TapsAreAtMost(Weight weight, double[] values, string? witness, double s)
    {
        if (double.IsPositiveInfinity(s))
            return true;
        if (!(s >= 0) || !values.All(double.IsFinite) || weight.Shape.Count < 3 || witness is null)
            return false;
        int perGroup = (int)weight.Shape[0] / weight.Groups, columns = (int)weight.Shape[1], taps = (int)weight.Shape.Skip(2).Aggregate(1L, (a, b) => a * b);
        var stated = witness.Split(' ').Select(text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && n >= 0 && double.IsFinite(n) ? n : double.NaN).ToArray();
        if (stated.Length != taps || stated.Any(double.IsNaN))
            return false;
        var sum = stated.Where(n => n > 0).Aggregate(BigInteger.Zero, (total, n) => total + ExactUnits(n));
        return sum <= (s > 0 ? ExactUnits(s) : 0)
            && Enumerable.Range(0, taps).All(t => Enumerable.Range(0, weight.Groups).All(g => IsAtMost(
                [.. Enumerable.Range(0, perGroup * columns).Select(i => values[(((g * perGroup * columns) + i) * taps) + t])], perGroup, columns, stated[t])));
    }

    /// <summary>A positive double in units of 2⁻¹⁰⁷⁴, which all doubles are whole numbers of.</summary>
    private static BigInteger ExactUnits(double positive)
    {
        long bits = BitConverter.DoubleToInt64Bits(positive), fraction = bits & ((1L << 52) - 1);
        int exponent = (int)(bits >> 52);
        return exponent == 0 ? fraction : (BigInteger)(fraction | (1L << 52)) << (exponent - 1);
    }

    /// <param name="heads">How many heads there are; where several share a slice, consecutive ones do.</param>
    private static (double[] Values, int Rows, int Columns) Slice(Weight weight, double[] values, int head, int heads)
    {
        int rows = weight.Shape.Count < 2 ? 1 : checked((int)weight.Shape[0]);
        int columns = values.Length / Math.Max(rows, 1);
        bool byRows = weight.HeadAxis != HeadAxis.Columns;
        if (byRows && weight.Shape.Count < 2)
            (rows, columns) = (values.Length, 1);
        head = head * weight.Heads / heads;
        int height = byRows ? rows / weight.Heads : rows, width = byRows ? columns : columns / weight.Heads;
        var slice = new double[height * width];
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++)
                slice[(i * width) + j] = values[((byRows ? (head * height) + i : i) * columns) + (byRows ? j : (head * width) + j)];
        return (slice, height, width);
    }

    internal static bool RowsAreAtMost(double[] values, int rows, int columns, double s) =>
        Enumerable.Range(0, rows).All(i => IsAtMost(values[(i * columns)..((i + 1) * columns)], 1, columns, s));

    /// <summary>Whether σ_max of a row-major matrix is proven to be at most s·(1 + <see cref="Room"/>).</summary>
    public static bool IsAtMost(double[] values, int rows, int columns, double s) => IntegerMatrix.Of(values, rows, columns).IsAtMost(s);
}
