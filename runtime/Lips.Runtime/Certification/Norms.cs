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
    /// <summary>The largest ℓ2 distance of two rows. Text: <c>diameter</c>.</summary>
    LargestPairDistance,
}

/// <summary>One norm that a bound reads: of a weight, or of one head's slice of it.</summary>
public sealed record NormRequest(NormKind Kind, string Weight, int? Head = null)
{
    /// <summary><c>spectral(blocks.0.attention.q)</c>, <c>spectral(blocks.0.attention.q)[2]</c>.</summary>
    public string Key => Norms.Key(Kind, Weight, Head);
}

/// <summary>
/// Certified upper bounds of weight norms, by name. A norm that is missing is ∞: a bound that reads it is then ∞ too, never
/// wrong.
/// </summary>
public sealed class Norms
{
    private readonly SortedDictionary<string, UpperBound> values = new(StringComparer.Ordinal);

    /// <summary>The norms by their text, in ordinal order.</summary>
    public IReadOnlyDictionary<string, UpperBound> Values => values;

    /// <summary>The text that names a norm: <c>spectral(blocks.0.attention.q)</c>, with <c>[2]</c> for a head.</summary>
    public static string Key(NormKind kind, string weight, int? head = null)
    {
        string name = kind switch
        {
            NormKind.Spectral => "spectral",
            NormKind.LargestRow => "row",
            NormKind.Vector => "vector",
            NormKind.LargestEntry => "entry",
            NormKind.Operator => "operator",
            NormKind.LargestPairDistance => "diameter",
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such norm."),
        };
        string slice = head is int h ? "[" + h.ToString(CultureInfo.InvariantCulture) + "]" : "";
        return name + "(" + weight + ")" + slice;
    }

    /// <summary>Records a proven upper bound of a norm; of two for the same norm, the smaller stays.</summary>
    public void Add(NormKind kind, string weight, int? head, UpperBound bound) => Add(Key(kind, weight, head), bound);

    /// <inheritdoc cref="Add(NormKind, string, int?, UpperBound)"/>
    public void Add(string key, UpperBound bound) => values[key] = values.TryGetValue(key, out UpperBound known) && known < bound ? known : bound;

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

    public UpperBound LargestPairDistance(string weight) => this[Key(NormKind.LargestPairDistance, weight)];
}
