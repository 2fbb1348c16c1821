using System.Collections.Generic;
using System.Linq;

namespace Lips.Runtime.Training;

/// <summary>Where the training data comes from.</summary>
public abstract record DataPlan
{
    private DataPlan() { }

    /// <summary>A text file, or the SDK's documentation when <paramref name="Path"/> is null.</summary>
    public sealed record Text(string? Path, string Alphabet, double Split) : DataPlan;

    /// <summary>A folder of CIFAR's binary batches.</summary>
    public sealed record Cifar(string Path) : DataPlan;

    /// <summary>MNIST's IDX files; the last part of the samples validates.</summary>
    public sealed record Idx(string Images, string Labels, double Split) : DataPlan;

    /// <summary>Two <c>.npy</c> arrays; the last part of the samples validates.</summary>
    public sealed record Numpy(string Inputs, string Labels, double Split) : DataPlan;

    /// <summary>Digits drawn by the program; the last part of the samples validates.</summary>
    public sealed record Digits(int Samples, double Split) : DataPlan;

    /// <summary>Two files whose lines belong together: line n of one is a sample's source, line n of the other its target.</summary>
    public sealed record Pairs(string Source, string Target, string Alphabet, double Split) : DataPlan;

    /// <summary>Made pairs: every line of a text, or of the SDK's documentation when <paramref name="Path"/> is null, and the same line from its end to its beginning.</summary>
    public sealed record ReversedText(string? Path, string Alphabet, double Split) : DataPlan;

    /// <summary>Sound-like features drawn by the program with the symbols that they say, at most <paramref name="Longest"/> a sample out of <paramref name="Symbols"/>.</summary>
    public sealed record MadeSpeech(int Samples, int Symbols, int Longest, double Split) : DataPlan;

    private static readonly IReadOnlyList<string> Names = ["text", "documentation", "cifar", "idx", "numpy", "digits", "pairs", "reversed_text", "made_speech"];

    public static DataPlan Parse(RecipeValue value, IReadOnlyDictionary<string, RecipeValue> overrides)
    {
        var call = RecipeArguments.AsCall("data", value);
        string[] allowed = call.Name switch
        {
            "text" => ["path", "alphabet", "split"],
            "documentation" => ["alphabet", "split"],
            "cifar" => ["path"],
            "idx" => ["images", "labels", "split"],
            "numpy" => ["inputs", "labels", "split"],
            "digits" => ["samples", "split"],
            "pairs" => ["source", "target", "alphabet", "split"],
            "reversed_text" => ["path", "alphabet", "split"],
            "made_speech" => ["samples", "symbols", "longest", "split"],
            _ => throw new RecipeException($"The trainer cannot read the data '{call.Name}'; it may be {string.Join(", ", Names)}."),
        };
        var arguments = new RecipeArguments("data", call, allowed, overrides);
        double split = allowed.Contains("split") ? arguments.Number("split", 0.9, 0, 1) : 1;
        return call.Name switch
        {
            "cifar" => new Cifar(arguments.Text("path")),
            "idx" => new Idx(arguments.Text("images"), arguments.Text("labels"), split),
            "numpy" => new Numpy(arguments.Text("inputs"), arguments.Text("labels"), split),
            "digits" => new Digits((int)arguments.Whole("samples", 10_000), split),
            "pairs" => new Pairs(arguments.Text("source"), arguments.Text("target"), arguments.Text("alphabet", "bytes"), split),
            "reversed_text" => new ReversedText(arguments.Has("path") ? arguments.Text("path") : null, arguments.Text("alphabet", "bytes"), split),
            "made_speech" => new MadeSpeech((int)arguments.Whole("samples", 10_000), (int)arguments.Whole("symbols", 28), (int)arguments.Whole("longest", 30), split),
            _ => new Text(call.Name == "text" ? arguments.Text("path") : null, arguments.Text("alphabet", "bytes"), split),
        };
    }
}
