using System;
using System.Collections.Generic;
using System.Globalization;

namespace Lips.Runtime;

/// <summary>A non-negative functional of a weight, as the bound of a model reads it.</summary>
public enum NormKind
{
    /// <summary>σ_max of a matrix (of the reshape out × rest for kernels), or of a head's slice. Text: <c>spectral</c>.</summary>
    Spectral,
    /// <summary>The largest ℓ2 norm of a row. Text: <c>row</c>.</summary>
    LargestRow,
    /// <summary>The ℓ2 norm of a vector; for a table the largest of a row. Text: <c>vector</c>.</summary>
    Vector,
    /// <summary>The largest |entry|. Text: <c>entry</c>.</summary>
    LargestEntry,
    /// <summary>The norm of the stride-1 convolution on the unbounded grid. Text: <c>operator</c>.</summary>
    Operator,
    /// <summary>Σ over the taps of a kernel of the tap's σ_max, of groups the largest. Text: <c>taps</c>.</summary>
    Taps,
    /// <summary>The largest ℓ2 distance of two rows. Text: <c>diameter</c>.</summary>
    LargestPairDistance,
    /// <summary>σ_max(W·R) of two weights, or of a head's slices W_h·R_h (columns of W, rows of R). Text: <c>product</c>.</summary>
    Product,
    /// <summary>σ_max of the heads' products side by side, [W_1·R_1 … W_H·R_H]. Text: <c>products</c>.</summary>
    StackedProduct,
    /// <summary>σ_max(Wᵀ·R), or of a head's slices W_hᵀ·R_h (rows of both). Text: <c>transposed_product</c>.</summary>
    TransposedProduct,
    /// <summary>σ_max of the heads' W_hᵀ·R_h, one above the other. Text: <c>transposed_products</c>.</summary>
    StackedTransposedProduct,
    /// <summary>The constant of a residual block around two matrices, by multipliers; certified where it is asked for. Text: <c>block</c>.</summary>
    BlockGain,
}

/// <summary>One norm that a bound reads: of a weight, of one head's slice of it, or of a product of two weights.</summary>
/// <param name="Numbers">Numbers that belong to the norm's name: of a block <c>5/6; 1/6; 0; 1</c>, its factors and slopes.</param>
public sealed record NormRequest(NormKind Kind, string Weight, int? Head = null, string? Right = null, string? Numbers = null)
{
    /// <summary><c>spectral(blocks.0.attention.q)</c>, <c>spectral(blocks.0.attention.q)[2]</c>, <c>product(out.weight, v.weight)</c>.</summary>
    public string Key => Norms.Key(Kind, Weight, Head, Numbers is null ? Right : Right + "; " + Numbers);

    /// <summary>The weights that it reads.</summary>
    internal string[] Weights => Right is null ? [Weight] : [Weight, Right];

    /// <summary>Reads what <see cref="Key"/> writes; null where it does not.</summary>
    public static NormRequest? TryParse(string key)
    {
        int open = key.IndexOf('(', StringComparison.Ordinal), close = key.LastIndexOf(')');
        if (open < 0 || close < open || Norms.KindOf(key[..open]) is not NormKind kind)
            return null;
        int? head = null;
        if (close + 1 < key.Length)
        {
            if (key[close + 1] != '[' || key[^1] != ']' || !int.TryParse(key[(close + 2)..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int h))
                return null;
            head = h;
        }
        string[] parts = key[(open + 1)..close].Split("; ", 2), weights = parts[0].Split(", ");
        return weights.Length > 2 ? null : new NormRequest(kind, weights[0], head, weights.Length == 2 ? weights[1] : null, parts.Length == 2 ? parts[1] : null);
    }
}

/// <summary>
/// Certified upper bounds of weight norms, by name. A norm that is missing is ∞: a bound that reads it is then ∞ too, never
/// wrong.
/// </summary>
public sealed class Norms
{
    private readonly SortedDictionary<string, UpperBound> values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Method, string? Witness)> proofs = new(StringComparer.Ordinal);

    /// <summary>The norms by their text, in ordinal order.</summary>
    public IReadOnlyDictionary<string, UpperBound> Values => values;

    /// <summary>The text that names a norm: <c>spectral(blocks.0.attention.q)</c>, with <c>[2]</c> for a head.</summary>
    public static string Key(NormKind kind, string weight, int? head = null, string? right = null)
    {
        string slice = head is int h ? "[" + h.ToString(CultureInfo.InvariantCulture) + "]" : "";
        return Name(kind) + "(" + weight + (right is null ? "" : ", " + right) + ")" + slice;
    }

    private static string Name(NormKind kind) => kind switch
    {
        NormKind.Spectral => "spectral",
        NormKind.LargestRow => "row",
        NormKind.Vector => "vector",
        NormKind.LargestEntry => "entry",
        NormKind.Operator => "operator",
        NormKind.Taps => "taps",
        NormKind.LargestPairDistance => "diameter",
        NormKind.Product => "product",
        NormKind.StackedProduct => "products",
        NormKind.TransposedProduct => "transposed_product",
        NormKind.StackedTransposedProduct => "transposed_products",
        NormKind.BlockGain => "block",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such norm."),
    };

    /// <summary>The kind that a norm's text starts with; null where there is none.</summary>
    internal static NormKind? KindOf(string name)
    {
        foreach (NormKind kind in Enum.GetValues<NormKind>())
        {
            if (Name(kind) == name)
                return kind;
        }
        return null;
    }

    /// <summary>Records a proven upper bound of a norm; of two for the same norm, the smaller stays.</summary>
    public void Add(NormKind kind, string weight, int? head, UpperBound bound) => Add(Key(kind, weight, head), bound);

    /// <inheritdoc cref="Add(NormKind, string, int?, UpperBound)"/>
    /// <param name="method">How it was proven.</param>
    /// <param name="witness">What a proof needs besides the weights, as text.</param>
    public void Add(string key, UpperBound bound, string method = "", string? witness = null)
    {
        if (values.TryGetValue(key, out UpperBound known) && known < bound)
            return;
        values[key] = bound;
        proofs[key] = (method, witness);
    }

    /// <summary>How the bound of a norm was proven, and what a proof needs besides the weights; empty where that was not said.</summary>
    public (string Method, string? Witness) ProofOf(string key) => proofs.TryGetValue(key, out var proof) ? proof : ("", null);

    /// <summary>The bound of a norm by its text; ∞ when it is missing.</summary>
    public UpperBound this[string key] => values.TryGetValue(key, out UpperBound bound) ? bound : UpperBound.Infinity;

    public UpperBound SpectralNorm(string weight) => this[Key(NormKind.Spectral, weight)];

    public UpperBound HeadSpectralNorm(string weight, int head) => this[Key(NormKind.Spectral, weight, head)];

    public UpperBound LargestRow(string weight) => this[Key(NormKind.LargestRow, weight)];

    public UpperBound HeadLargestRow(string weight, int head) => this[Key(NormKind.LargestRow, weight, head)];

    public UpperBound VectorNorm(string weight) => this[Key(NormKind.Vector, weight)];

    public UpperBound HeadVectorNorm(string weight, int head) => this[Key(NormKind.Vector, weight, head)];

    public UpperBound LargestEntry(string weight) => this[Key(NormKind.LargestEntry, weight)];

    public UpperBound OperatorNorm(string weight) => this[Key(NormKind.Operator, weight)];

    public UpperBound TapNorms(string weight) => this[Key(NormKind.Taps, weight)];

    public UpperBound LargestPairDistance(string weight) => this[Key(NormKind.LargestPairDistance, weight)];

    public UpperBound Product(string left, string right) => this[Key(NormKind.Product, left, null, right)];

    public UpperBound HeadProduct(string left, string right, int head) => this[Key(NormKind.Product, left, head, right)];

    public UpperBound StackedProduct(string left, string right) => this[Key(NormKind.StackedProduct, left, null, right)];

    public UpperBound TransposedProduct(string left, string right) => this[Key(NormKind.TransposedProduct, left, null, right)];

    public UpperBound HeadTransposedProduct(string left, string right, int head) => this[Key(NormKind.TransposedProduct, left, head, right)];

    public UpperBound BlockGain(string up, string down, string numbers) => this[Key(NormKind.BlockGain, up, null, down + "; " + numbers)];

    public UpperBound StackedTransposedProduct(string left, string right) => this[Key(NormKind.StackedTransposedProduct, left, null, right)];
}
