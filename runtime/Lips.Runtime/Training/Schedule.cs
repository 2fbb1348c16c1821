using System;
using System.Collections.Generic;

namespace Lips.Runtime.Training;

/// <summary>The factor of the learning rate at each step.</summary>
public abstract record Schedule
{
    private Schedule() { }

    /// <summary>Steps over which the factor rises linearly to its course.</summary>
    public long Warmup { get; init; }

    /// <summary>Warm-up in epochs, where the recipe counts so; resolved to <see cref="Warmup"/> before training.</summary>
    public double WarmupEpochs { get; init; }

    public sealed record Constant : Schedule;

    /// <summary>From 1 linearly to <paramref name="Final"/>.</summary>
    public sealed record Linear(double Final) : Schedule;

    /// <summary>Half a cosine from 1 to <paramref name="Final"/> (Loshchilov and Hutter 2017).</summary>
    public sealed record Cosine(double Final) : Schedule;

    /// <summary>1/√step from the end of the warm-up on (Vaswani et al. 2017).</summary>
    public sealed record InverseSqrt : Schedule;

    /// <summary>1 for the first <paramref name="Flat"/> of the steps, then linearly to <paramref name="Final"/>.</summary>
    public sealed record FlatThenLinear(double Flat, double Final) : Schedule;

    /// <summary>The factor at a step in [0, total).</summary>
    public double Factor(long step, long total)
    {
        if (step < Warmup)
            return (step + 1.0) / Warmup;
        double t = total > Warmup ? (double)(step - Warmup) / (total - Warmup) : 1;
        t = Math.Clamp(t, 0, 1);
        return this switch
        {
            Linear linear => 1 + (linear.Final - 1) * t,
            Cosine cosine => cosine.Final + (1 - cosine.Final) * 0.5 * (1 + Math.Cos(Math.PI * t)),
            InverseSqrt => Math.Sqrt(Math.Max(Warmup, 1) / (double)Math.Max(step + 1, Math.Max(Warmup, 1))),
            FlatThenLinear flat => t < flat.Flat ? 1 : 1 + (flat.Final - 1) * (t - flat.Flat) / Math.Max(1 - flat.Flat, 1e-12),
            _ => 1,
        };
    }

    private static readonly IReadOnlyList<string> Names = ["constant", "linear", "cosine", "inverse_sqrt", "flat_then_linear"];

    public static Schedule Parse(RecipeValue value, IReadOnlyDictionary<string, RecipeValue> overrides)
    {
        var call = RecipeArguments.AsCall("schedule", value);
        string[] allowed = call.Name switch
        {
            "constant" or "inverse_sqrt" => ["warmup", "warmup_epochs"],
            "linear" or "cosine" => ["final", "warmup", "warmup_epochs"],
            "flat_then_linear" => ["flat", "final", "warmup", "warmup_epochs"],
            _ => throw new RecipeException($"Unknown schedule '{call.Name}'; it may be {string.Join(", ", Names)}."),
        };
        var arguments = new RecipeArguments("schedule", call, allowed, overrides);
        double Final(double fallback) => arguments.Number("final", fallback, 0, 1);
        Schedule schedule = call.Name switch
        {
            "linear" => new Linear(Final(0)),
            "cosine" => new Cosine(Final(0)),
            "inverse_sqrt" => new InverseSqrt(),
            "flat_then_linear" => new FlatThenLinear(arguments.Number("flat", 0.6, 0, 1), Final(0.1)),
            _ => new Constant(),
        };
        return schedule with
        {
            Warmup = arguments.Whole("warmup", 0),
            WarmupEpochs = arguments.Number("warmup_epochs", 0, 0, 1e9),
        };
    }
}
