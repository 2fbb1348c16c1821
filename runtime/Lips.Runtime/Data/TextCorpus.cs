using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Lips.Runtime.Data;

/// <summary>A window for validation: tokens [Start, Start + length] of the corpus, of whose predictions only the last <paramref name="Counted"/> count.</summary>
public readonly record struct ValidationWindow(long Start, int Counted);

/// <summary>A text as tokens, divided into a training part and the validation part after it.</summary>
public sealed class TextCorpus
{
    private TextCorpus(string name, Alphabet alphabet, int[] tokens, double split)
    {
        Name = name;
        Alphabet = alphabet;
        Tokens = tokens;
        TrainingLength = (int)Math.Floor(tokens.Length * split);
    }

    public string Name { get; }

    public Alphabet Alphabet { get; }

    public int[] Tokens { get; }

    /// <summary>Tokens [0, TrainingLength) train; the rest validates.</summary>
    public int TrainingLength { get; }

    public int ValidationLength => Tokens.Length - TrainingLength;

    public static TextCorpus FromText(string name, string text, string alphabet, double split)
    {
        if (!(split > 0 && split < 1))
            throw new RecipeException($"The split must lie between 0 and 1, got {split}.");
        var symbols = Alphabet.For(alphabet, text);
        return new TextCorpus(name, symbols, symbols.Encode(text), split);
    }

    /// <summary>A text file as it is, decoded as UTF-8.</summary>
    public static TextCorpus FromFile(string path, string alphabet, double split)
    {
        try
        {
            var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
            return FromText(Path.GetFileName(path), strict.GetString(File.ReadAllBytes(path)), alphabet, split);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new RunFailed($"Cannot read the text '{path}': {e.Message}", e);
        }
    }

    public static TextCorpus Documentation(string alphabet, double split) =>
        FromText("SDK documentation", SdkDocumentation.Read(), alphabet, split);

    /// <summary>Holds the corpus to a model's vocabulary and context length.</summary>
    public void Check(long vocabulary, int context)
    {
        if (Alphabet.Count > vocabulary)
            throw new RunFailed($"'{Name}' has {Alphabet.Count} symbols ({Alphabet.Kind}), the model's vocabulary {vocabulary}. Set vocab = {Alphabet.Count}.");
        if (TrainingLength < context + 1 || ValidationLength < 1)
            throw new RunFailed($"'{Name}' has {TrainingLength} training and {ValidationLength} validation tokens; a context of {context} needs at least {context + 1} and 1.");
    }

    /// <summary>Draws random training windows: inputs and the tokens one later, batch × context each.</summary>
    public void Sample(SeededRandom random, int batch, int context, Span<long> inputs, Span<long> targets)
    {
        for (int b = 0; b < batch; b++)
        {
            int start = (int)random.Below(TrainingLength - context);
            for (int t = 0; t < context; t++)
            {
                inputs[b * context + t] = Tokens[start + t];
                targets[b * context + t] = Tokens[start + t + 1];
            }
        }
    }

    /// <summary>
    /// Windows that predict every validation token exactly once. Each window ends <paramref name="stride"/> tokens after the
    /// one before and counts only those, so a token sees at least context − stride tokens before it, the first ones from the
    /// end of the training text.
    /// </summary>
    public IReadOnlyList<ValidationWindow> ValidationWindows(int context, int? stride = null)
    {
        int step = stride ?? context;
        if (step < 1 || step > context)
            throw new RecipeException($"The validation stride must lie between 1 and the context length {context}, got {step}.");
        var windows = new List<ValidationWindow>();
        for (long begin = TrainingLength; begin < Tokens.Length; begin += step)
        {
            long end = Math.Min(begin + step, Tokens.Length);
            windows.Add(new ValidationWindow(end - context - 1, (int)(end - begin)));
        }
        return windows;
    }

    /// <summary>SHA-256 of the tokens, so that a resumed run knows that its data is the same.</summary>
    public string Fingerprint() => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(Tokens.AsSpan())));
}
