using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static Lips.Runtime.RecipeValue;

namespace Lips.Runtime.Tests.Training;

/// <summary>Whole steps that are recorded once and repeated, each with its own numbers.</summary>
public sealed class StepGraphTests : IDisposable
{
    private const string Rhyme = "Pease porridge hot, pease porridge cold, pease porridge in the pot, nine days old. ";
    private const int Steps = 12;
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-graphs-").FullName;

    public StepGraphTests() => File.WriteAllText(Path.Combine(_folder, "text.txt"), string.Concat(Enumerable.Repeat(Rhyme, 12)));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Call Choice(string name, params (string? Name, RecipeValue Value)[] arguments) => new(name, arguments);

    private static (string?, RecipeValue) Of(string name, double value) => (name, new Number(value));

    private static RecipeEntry Entry(string path, RecipeValue value) => new(path, [], value);

    /// <summary>Warm-up, half a cosine to zero, two micro-batches, clipping, a running average, and validation (with that average) in between.</summary>
    private static List<RecipeEntry> Recipe(Call optimizer) =>
    [
        Entry("data", Choice("text", (null, new Text("text.txt")), ("alphabet", Choice("characters")))), Entry("objective", Choice("next_token")), Entry("optimizer", optimizer),
        Entry("schedule", Choice("cosine", Of("warmup", 4))), Entry("steps", new Number(Steps)), Entry("batch", new Number(8)), Entry("accumulate", new Number(2)),
        Entry("clip", new Number(0.5)), Entry("ema", new Number(0.8)), Entry("validate_every", new Number(5)), Entry("sample", new Number(0)),
    ];

    /// <summary>Optimizers with caps whose projection can be recorded with them.</summary>
    private static readonly Dictionary<string, (Call Optimizer, CapMethod Method)> Kinds = new()
    {
        ["adamw"] = (Choice("adamw", Of("lr", 0.02), Of("weight_decay", 0.3)), CapMethod.Normalize),
        ["muon, soft cap"] = (Choice("muon", Of("lr", 0.15), Of("weight_decay", 0.1), ("nesterov", new Flag(true))), CapMethod.Soft),
        ["muon, hard cap"] = (Choice("muon", Of("lr", 0.15)), CapMethod.Hard),
        ["sgd"] = (Choice("sgd", Of("lr", 0.5), Of("momentum", 0.9), Of("weight_decay", 0.1), ("nesterov", new Flag(true))), CapMethod.Normalize),
        ["sgd, hammer"] = (Choice("sgd", Of("lr", 0.5)), CapMethod.Hammer),
        ["lars"] = (Choice("lars", Of("lr", 2), Of("trust", 0.02), Of("weight_decay", 0.1)), CapMethod.Stiefel),
    };

    private enum Way { Arguments, Memory, Recorded }

    private TrainingResult Train(string run, string kind, Way way, Rerun? recorder = null, bool resume = false, long? stopAt = null, TextWriter? said = null)
    {
        var (optimizer, method) = Kinds[kind];
        using var model = new TinyTransformer(Rhyme.Distinct().Count(), method);
        recorder ??= way is Way.Recorded ? new Rerun() : null;
        using var trainer = new Trainer(model, TrainingPlan.Parse(Recipe(optimizer)), new TrainingOptions
        {
            Folder = new RunFolder(Path.Combine(_folder, run)), Files = new DataFiles(_folder), Recorder = recorder, Resume = resume, StopAt = stopAt,
            Progress = said is null ? null : new ProgressLine(said, terminal: false), Stop = TestContext.Current.CancellationToken,
        });
        recorder?.Watch(model, trainer.Optimizer);
        if (way is Way.Memory)
            trainer.Optimizer.Numbers.MoveTo(torch.CPU);
        return trainer.Run();
    }

    /// <summary>By how much two runs differ in what their checkpoints hold, where these are not the same bit by bit, and in what they logged.</summary>
    private IEnumerable<(string Name, double Difference)> Differences(string expected, string actual)
    {
        StoredTensors a = Safetensors.Read(new RunFolder(Path.Combine(_folder, expected)).Checkpoint), b = Safetensors.Read(new RunFolder(Path.Combine(_folder, actual)).Checkpoint);
        Assert.Equal(a.Tensors.Keys.Order(), b.Tensors.Keys.Order());
        foreach (var (name, tensor) in a.Tensors)
        {
            if (tensor.Data.Span.SequenceEqual(b[name].Data.Span))
                continue;
            Assert.True(tensor.Type is StoredType.F32, name);
            using var scope = torch.NewDisposeScope();
            yield return (name, (TensorStorage.Load(tensor) - TensorStorage.Load(b[name])).abs().max().item<float>());
        }
        var (first, second) = (Lines(expected).ToList(), Lines(actual).ToList());
        Assert.Equal(first.Select(l => l.Step), second.Select(l => l.Step));
        foreach (var (one, other) in first.Zip(second))
            yield return ($"the log at step {one.Step}", new[] { (one.Loss, other.Loss), (one.ValidationLoss, other.ValidationLoss), (one.GradientNorm, other.GradientNorm) }.Max(p => Math.Abs((p.Item1 ?? 0) - (p.Item2 ?? 0))));

        IEnumerable<MetricsLine> Lines(string run) => MetricsLog.Read(new RunFolder(Path.Combine(_folder, run)).Metrics);
    }

    /// <summary>
    /// Bit by bit what steps are whose numbers kernels find in memory, one operator at a time: the recording repeats nothing of a single step.
    /// And these are the steps whose numbers kernels are given, up to their rounding to float32.
    /// </summary>
    [Theory]
    [InlineData("adamw")]
    [InlineData("muon, soft cap")]
    [InlineData("muon, hard cap")]
    [InlineData("sgd")]
    [InlineData("sgd, hammer")]
    [InlineData("lars")]
    public void Recorded_steps_are_those_that_run_operator_by_operator(string kind)
    {
        using var said = new StringWriter();
        var recorder = new Rerun();
        Train("arguments", kind, Way.Arguments);
        Train("memory", kind, Way.Memory);
        Train("recorded", kind, Way.Recorded, recorder, said: said);
        Assert.All(Differences("memory", "recorded"), d => Assert.True(d.Difference == 0, $"{d.Name}: {d.Difference}"));
        Assert.All(Differences("arguments", "memory"), d => Assert.True(d.Difference < 2e-5, $"{d.Name}: {d.Difference}"));
        Assert.DoesNotContain("CUDA graph", said.ToString());
        // whose hard caps take eight products again when the rate has sunk is recorded again, after a step operator by operator
        string[] once = [.. Enumerable.Repeat("warm-up", StepGraph.WarmUps), "record", .. Enumerable.Repeat("replay", Steps - StepGraph.WarmUps), "dispose"];
        if (kind != "muon, hard cap")
            Assert.Equal(once, recorder.Calls);
        else
            Assert.Equal([.. once[..(StepGraph.WarmUps + 1)], .. Enumerable.Repeat("replay", 5), "warm-up", "record", .. Enumerable.Repeat("replay", 3), "dispose"], recorder.Calls);
    }

    [Theory]
    [InlineData("adamw", 4)]
    [InlineData("muon, hard cap", 7)]
    public void A_run_that_was_stopped_records_anew_and_goes_on_bit_by_bit(string kind, int stopAt)
    {
        Train("whole", kind, Way.Recorded);
        Train("parts", kind, Way.Recorded, stopAt: stopAt);
        Train("parts", kind, Way.Recorded, resume: true);
        Assert.All(Differences("whole", "parts"), d => Assert.True(d.Difference == 0, $"{d.Name}: {d.Difference}"));
    }
}
