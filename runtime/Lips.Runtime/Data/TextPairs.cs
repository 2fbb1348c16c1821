using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace Lips.Runtime.Data;

/// <summary>
/// Pairs of lines as tokens, sources and targets in one alphabet, with two symbols more: <see cref="Begin"/> before a target and
/// <see cref="End"/> after it, which also fills what is left of a row.
/// </summary>
public sealed class TextPairs
{
    private TextPairs(string name, Alphabet alphabet, IReadOnlyList<(int[] Source, int[] Target)> pairs, double split)
    {
        if (!(split > 0 && split < 1))
            throw new RecipeException($"The split must lie between 0 and 1, got {split}.");
        (Name, Alphabet, All) = (name, alphabet, pairs);
        TrainingCount = (int)Math.Floor(pairs.Count * split);
        if (TrainingCount < 1 || TrainingCount == pairs.Count)
            throw new RunFailed($"'{name}' has {pairs.Count} pairs; training and validation need at least one each.");
    }

    public string Name { get; }

    public Alphabet Alphabet { get; }

    public IReadOnlyList<(int[] Source, int[] Target)> All { get; }

    /// <summary>Pairs [0, TrainingCount) train; the rest validates.</summary>
    public int TrainingCount { get; }

    public int Begin => Alphabet.Count;

    public int End => Alphabet.Count + 1;

    /// <summary>Tokens that a model of these pairs tells apart.</summary>
    public int Vocabulary => Alphabet.Count + 2;

    /// <summary>Line n of one file with line n of the other; pairs with an empty side are left out.</summary>
    public static TextPairs FromFiles(string source, string target, string alphabet, double split)
    {
        string[] sources = Lines(source), targets = Lines(target);
        if (sources.Length != targets.Length)
            throw new RunFailed($"'{source}' has {sources.Length} lines and '{target}' {targets.Length}; line n of one must belong to line n of the other.");
        var lines = sources.Zip(targets).Where(p => p.First.Length > 0 && p.Second.Length > 0).ToList();
        return Of($"{Path.GetFileName(source)} and {Path.GetFileName(target)}", lines, alphabet, split);
    }

    /// <summary>Every line of a text (the SDK's documentation when <paramref name="path"/> is null), cut to a length, and its characters from last to first: made pairs, for trying a translation model where there is no bilingual text.</summary>
    public static TextPairs Reversed(string? path, string alphabet, double split, int longest)
    {
        var lines = (path is null ? SdkDocumentation.Read().Split('\n') : Lines(path))
            .Where(line => line.Length > 0)
            .Select(line => line.Length > longest ? line[..longest] : line)
            .Select(line => (line, string.Concat(line.EnumerateRunes().Reverse().Select(rune => rune.ToString()))))
            .ToList();
        return Of((path is null ? "SDK documentation" : Path.GetFileName(path)) + " and its reversal", lines, alphabet, split);
    }

    private static TextPairs Of(string name, List<(string Source, string Target)> lines, string alphabet, double split)
    {
        var symbols = Alphabet.For(alphabet, alphabet == "characters" ? string.Concat(lines.Select(l => l.Source + l.Target)) : "");
        return new TextPairs(name, symbols, lines.Select(l => (symbols.Encode(l.Source), symbols.Encode(l.Target))).ToList(), split);
    }

    private static string[] Lines(string path)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimEnd('\n').Split('\n').Select(l => l.TrimEnd('\r')).ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new RunFailed($"Cannot read the text '{path}': {e.Message}", e);
        }
    }

    /// <summary>SHA-256 of the tokens, so that a resumed run knows that its data is the same.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (source, target) in All)
            foreach (int[] side in new[] { source, target })
            {
                hash.AppendData(BitConverter.GetBytes(side.Length));
                hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(side.AsSpan()));
            }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
