using System;
using System.Collections.Generic;
using System.Linq;

namespace Lips.Runtime.Training;

/// <summary>A recipe with every value typed and checked.</summary>
public sealed record TrainingPlan
{
    public required DataPlan Data { get; init; }

    public required Objective Objective { get; init; }

    /// <summary>The optimizer of each role.</summary>
    public required IReadOnlyDictionary<Role, OptimizerPlan> Optimizers { get; init; }

    public required Schedule Schedule { get; init; }

    /// <summary>Optimizer steps; null when <see cref="Epochs"/> counts.</summary>
    public long? Steps { get; init; }

    public double? Epochs { get; init; }

    /// <summary>Samples (or windows of text) per optimizer step, over all micro-batches.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>Tokens per optimizer step, where the recipe counts so: replaces <see cref="Batch"/>.</summary>
    public long? TokensPerBatch { get; init; }

    /// <summary>Compute threads; the provider's choice when null.</summary>
    public int? Threads { get; init; }

    /// <summary>Micro-batches per step; must divide <see cref="Batch"/>.</summary>
    public int Accumulate { get; init; } = 1;

    public long Seed { get; init; }

    /// <summary>Largest ℓ2 norm of the whole gradient.</summary>
    public double? Clip { get; init; }

    /// <summary>Decay of the running average of the weights.</summary>
    public double? Ema { get; init; }

    /// <summary>Whether the activations inside of repeated blocks are computed again in the backward pass instead of being kept.</summary>
    public bool RecomputesBlocks { get; init; }

    /// <summary>What forward pass and loss are computed in.</summary>
    public Precision Precision { get; init; }

    /// <summary>Whether a thread of its own makes the next batch while a step computes; null: on CUDA devices, and not on the CPU.</summary>
    public bool? LoadsAhead { get; init; }

    /// <summary>Whether a CUDA device records a step's passes and repeats them, where they can be recorded.</summary>
    public bool RecordsSteps { get; init; } = true;

    /// <summary>What is done to training images.</summary>
    public Augmentation Augment { get; init; } = Augmentation.None;

    /// <summary>Steps between validations; 0 for only the last.</summary>
    public long ValidateEvery { get; init; }

    /// <summary>Steps between checkpoints; 0 for only the last.</summary>
    public long CheckpointEvery { get; init; }

    /// <summary>Tokens by which validation windows advance; the context length when null.</summary>
    public int? ValidationStride { get; init; }

    /// <summary>Symbols of text to sample at the end.</summary>
    public int Sample { get; init; } = 400;

    /// <summary>The names a recipe may hold.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "data", "objective", "optimizer", "schedule", "steps", "epochs", "batch", "accumulate", "seed", "clip", "ema",
        "tokens_per_batch", "validate_every", "checkpoint_every", "validation_stride", "sample", "threads", "recompute", "augment",
        "precision", "loading", "graphs",
    ];

    /// <summary>Types a recipe. Entries given later win, so that overrides are appended.</summary>
    /// <exception cref="RecipeException">A name or value cannot be used; the message lists what may stand there.</exception>
    public static TrainingPlan Parse(IReadOnlyList<RecipeEntry> entries)
    {
        foreach (var entry in entries)
        {
            string head = entry.Path.Split('.')[0];
            if (!Names.Contains(head))
                throw new RecipeException($"A recipe has no entry '{entry.Path}'; it may have {string.Join(", ", Names)}.");
            if (entry.Roles.Count > 0 && head != "optimizer")
                throw new RecipeException($"'{entry.Path}' cannot differ between roles; only the optimizer can.");
            if (entry.Path.Contains('.', StringComparison.Ordinal) && head is not ("data" or "objective" or "optimizer" or "schedule"))
                throw new RecipeException($"'{head}' has no parts, so '{entry.Path}' names nothing.");
        }
        RecipeValue? Value(string path) => entries.LastOrDefault(e => e.Path == path)?.Value;
        Dictionary<string, RecipeValue> Parts(string path) => entries
            .Where(e => e.Path.StartsWith(path + ".", StringComparison.Ordinal))
            .GroupBy(e => e.Path[(path.Length + 1)..], StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Last().Value, StringComparer.Ordinal);
        RecipeValue Needed(string path, string example) => Value(path) ?? throw new RecipeException($"The recipe has no '{path}': add '{path}: {example}'.");
        long Whole(string path, long fallback, long least) => Value(path) is { } value
            ? (long)RecipeArguments.InRange(path, RecipeArguments.AsWhole(path, value), least, 1e15)
            : fallback;
        double? Optional(string path, double low, double high) => Value(path) is { } value
            ? RecipeArguments.InRange(path, RecipeArguments.AsNumber(path, value), low, high)
            : null;
        // one of some names, the first where the recipe has no such entry
        T Choice<T>(string path, params (string Name, T Value)[] choices)
        {
            if (Value(path) is not { } value)
                return choices[0].Value;
            string name = RecipeArguments.AsText(path, value);
            return choices.Any(c => c.Name == name)
                ? choices.First(c => c.Name == name).Value
                : throw new RecipeException($"{path} must be {string.Join(", ", choices.SkipLast(1).Select(c => c.Name))} or {choices[^1].Name}, got {name}.");
        }

        bool bySteps = Value("steps") is not null;
        var plan = new TrainingPlan
        {
            Data = DataPlan.Parse(Needed("data", "text(\"file.txt\")"), Parts("data")),
            Objective = Objective.Parse(Needed("objective", "next_token"), Parts("objective")),
            Optimizers = OptimizerPlan.Parse(entries),
            Schedule = Schedule.Parse(Value("schedule") ?? new RecipeValue.Call("constant", []), Parts("schedule")),
            Steps = bySteps ? Whole("steps", 0, 1) : null,
            Epochs = bySteps ? null : Optional("epochs", 1e-9, 1e9) ?? throw new RecipeException("The recipe says neither 'steps' nor 'epochs'."),
            Batch = (int)Whole("batch", 32, 1),
            TokensPerBatch = Value("tokens_per_batch") is null ? null : Whole("tokens_per_batch", 0, 1),
            Threads = Value("threads") is null ? null : (int)Whole("threads", 0, 1),
            Accumulate = (int)Whole("accumulate", 1, 1),
            Seed = Whole("seed", 0, long.MinValue),
            Clip = Optional("clip", 1e-30, 1e30),
            Ema = Optional("ema", 0, 0.9999999),
            RecomputesBlocks = Choice("recompute", ("none", false), ("blocks", true)),
            Precision = Choice("precision", ("float32", Precision.Float32), ("bfloat16", Precision.BFloat16)),
            LoadsAhead = Choice<bool?>("loading", ("auto", null), ("ahead", true), ("in_turn", false)),
            RecordsSteps = Choice("graphs", ("auto", true), ("off", false)),
            Augment = Augmentation.Parse(Value("augment")),
            ValidateEvery = Whole("validate_every", 0, 0),
            CheckpointEvery = Whole("checkpoint_every", 0, 0),
            ValidationStride = Value("validation_stride") is null ? null : (int)Whole("validation_stride", 0, 1),
            Sample = (int)Whole("sample", 400, 0),
        };
        if (plan.Batch % plan.Accumulate != 0)
            throw new RecipeException($"accumulate ({plan.Accumulate}) must divide batch ({plan.Batch}).");
        return plan;
    }
}
