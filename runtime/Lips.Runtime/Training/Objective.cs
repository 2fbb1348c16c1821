using System.Collections.Generic;

namespace Lips.Runtime.Training;

/// <summary>What is minimized.</summary>
public abstract record Objective
{
    private Objective() { }

    /// <summary>Mean cross-entropy of the next token of <paramref name="Input"/>, the only token input when null.</summary>
    public sealed record NextToken(string? Input, double LabelSmoothing) : Objective;

    /// <summary>Mean cross-entropy of the class.</summary>
    public sealed record CrossEntropy(double LabelSmoothing) : Objective;

    /// <summary>
    /// Hinge–Kantorovich–Rubinstein for many classes (Serrurier et al. 2021): Weight·mean max(0, Margin − (z_y − max over j≠y of z_j))
    /// − mean (z_y − mean over j≠y of z_j).
    /// </summary>
    public sealed record Hinge(double Margin, double Weight) : Objective;

    /// <summary>Connectionist temporal classification (Graves et al. 2006): −log of the probability of all alignments of the symbols; class <paramref name="Blank"/> is no symbol.</summary>
    public sealed record Ctc(int Blank) : Objective;

    /// <summary>
    /// Cross-entropy and normalized knowledge distillation (Yang et al. 2023, arXiv 2303.13005). <paramref name="Teacher"/> is a model
    /// of the same spec, <paramref name="Weights"/> its trained weights.
    /// </summary>
    public sealed record Nkd(string Teacher, string Weights, double Temperature, double Gamma) : Objective;

    /// <summary>Cross-entropy and universal self-distillation (Yang et al. 2023): a weak head reads the value at <paramref name="Feature"/>.</summary>
    public sealed record Uskd(string Feature, double Alpha, double Beta, double Mu, bool RankByLogarithm) : Objective;

    private static readonly IReadOnlyList<string> Names = ["next_token", "cross_entropy", "margin", "ctc", "nkd", "uskd"];

    public static Objective Parse(RecipeValue value, IReadOnlyDictionary<string, RecipeValue> overrides)
    {
        var call = RecipeArguments.AsCall("objective", value);
        string[] allowed = call.Name switch
        {
            "next_token" => ["input", "label_smoothing"],
            "cross_entropy" => ["label_smoothing"],
            "margin" => ["margin", "weight"],
            "ctc" => ["blank"],
            "nkd" => ["teacher", "weights", "temperature", "gamma"],
            "uskd" => ["feature", "alpha", "beta", "mu", "rank"],
            _ => throw new RecipeException($"The trainer cannot minimize '{call.Name}'; it may be {string.Join(", ", Names)}."),
        };
        var arguments = new RecipeArguments("objective", call, allowed, overrides);
        double Factor(string name, double fallback) => arguments.Number(name, fallback, 0, 1e9);
        return call.Name switch
        {
            "margin" => new Hinge(Factor("margin", 1), Factor("weight", 10)),
            "ctc" => new Ctc((int)arguments.Whole("blank", 0)),
            "nkd" => new Nkd(arguments.Text("teacher"), arguments.Text("weights"), arguments.Number("temperature", 1, 1e-6, 1e6), Factor("gamma", 1.5)),
            "uskd" => new Uskd(arguments.Text("feature"), Factor("alpha", 1), Factor("beta", 0.1), Factor("mu", 0.005), arguments.Text("rank", "probability") == "log_probability"),
            "next_token" => new NextToken(arguments.Has("input") ? arguments.Text("input") : null, arguments.Number("label_smoothing", 0, 0, 1)),
            _ => new CrossEntropy(arguments.Number("label_smoothing", 0, 0, 1)),
        };
    }
}
