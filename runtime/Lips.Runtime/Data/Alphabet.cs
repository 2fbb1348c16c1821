using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Lips.Runtime.Data;

/// <summary>
/// The symbols of a text model. <c>bytes</c>: the 256 bytes of UTF-8. <c>characters</c>: the distinct code points of the
/// text, sorted. <c>ascii</c>: newline and the 95 printable ASCII characters, whatever the text.
/// </summary>
public sealed class Alphabet
{
    private readonly int[]? _symbols;
    private readonly Dictionary<int, int>? _indexes;

    private Alphabet(string kind, int[]? symbols)
    {
        Kind = kind;
        _symbols = symbols;
        _indexes = symbols?.Select((symbol, index) => (symbol, index)).ToDictionary(p => p.symbol, p => p.index);
    }

    /// <summary>The names a recipe may use.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["bytes", "characters", "ascii"];

    public string Kind { get; }

    /// <summary>How many symbols there are.</summary>
    public int Count => _symbols?.Length ?? 256;

    /// <summary>The symbols as text, for checkpoints; empty for bytes.</summary>
    public string Symbols => _symbols is null ? "" : string.Concat(_symbols.Select(char.ConvertFromUtf32));

    public static Alphabet Bytes { get; } = new("bytes", null);

    public static Alphabet Ascii { get; } = new("ascii", [10, .. Enumerable.Range(32, 95)]);

    public static Alphabet CharactersOf(string text) =>
        new("characters", text.EnumerateRunes().Select(rune => rune.Value).Distinct().Order().ToArray());

    /// <summary>The alphabet of <paramref name="kind"/> for <paramref name="text"/>.</summary>
    public static Alphabet For(string kind, string text) => kind switch
    {
        "bytes" => Bytes,
        "ascii" => Ascii,
        "characters" => CharactersOf(text),
        _ => throw new RecipeException($"Unknown alphabet '{kind}'; it may be {string.Join(", ", Kinds)}."),
    };

    /// <summary>Restores an alphabet from what a checkpoint holds.</summary>
    public static Alphabet Restore(string kind, string symbols) => kind == "characters" ? CharactersOf(symbols) : For(kind, "");

    public int[] Encode(string text)
    {
        if (_indexes is null)
            return Array.ConvertAll(Encoding.UTF8.GetBytes(text), b => (int)b);
        var tokens = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!_indexes.TryGetValue(rune.Value, out int index))
                throw new RunFailed($"The character '{rune}' (U+{rune.Value:X4}) is not in the model's alphabet of {Count} {Kind}.");
            tokens.Add(index);
        }
        return [.. tokens];
    }

    /// <summary>Text of the tokens; what is no symbol of the alphabet becomes U+FFFD.</summary>
    public string Decode(IEnumerable<int> tokens)
    {
        if (_symbols is null)
            return Encoding.UTF8.GetString(tokens.Select(t => (byte)t).ToArray());
        return string.Concat(tokens.Select(t => (uint)t < (uint)_symbols.Length ? char.ConvertFromUtf32(_symbols[t]) : "\uFFFD"));
    }
}
