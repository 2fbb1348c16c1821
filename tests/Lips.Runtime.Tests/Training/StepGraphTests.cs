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

    /// <summary>Optimizers with methods of caps; the projection of the last three reads values.</summary>
    private static readonly Dictionary<string, (Call Optimizer, CapMethod Method)> Kinds = new()
    {
        ["adamw"] = (Choice("adamw", Of("lr", 0.02), Of("weight_decay", 0.3)), CapMethod.Normalize),
        ["muon, soft cap"] = (Choice("muon", Of("lr", 0.15), Of("weight_decay", 0.1), ("nesterov", new Flag(true))), CapMethod.Soft),
        ["muon, hard cap"] = (Choice("muon", Of("lr", 0.15)), CapMethod.Hard),
        ["sgd"] = (Choice("sgd", Of("lr", 0.5), Of("momentum", 0.9), Of("weight_decay", 0.1), ("nesterov", new Flag(true))), CapMethod.Normalize),
        ["sgd, hammer"] = (Choice("sgd", Of("lr", 0.5)), CapMethod.Hammer),
        ["lars"] = (Choice("lars", Of("lr", 2), Of("trust", 0.02), Of("weight_decay", 0.1)), CapMethod.Stiefel),
        ["svd"] = (Choice("sgd", Of("lr", 0.5)), CapMethod.Svd),
        ["adamw, soft cap"] = (Choice("adamw", Of("lr", 0.02)), CapMethod.Soft),
        ["muon, long steps"] = (Choice("muon", Of("lr", 0.35)), CapMethod.Soft),
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

    [Theory]
    [InlineData("svd", "a singular value decomposition")]
    [InlineData("adamw, soft cap", "nothing bounds how far a step takes 'attention.q' beyond its cap")]
    [InlineData("muon, long steps", "so far beyond its cap that the projection looks at how far it is")]
    public void An_update_that_reads_values_stays_outside_of_the_recording_and_one_line_says_why(string kind, string reason)
    {
        using var said = new StringWriter();
        var recorder = new Rerun();
        Train("memory", kind, Way.Memory);
        Train("recorded", kind, Way.Recorded, recorder, said: said);
        Assert.All(Differences("memory", "recorded"), d => Assert.True(d.Difference == 0, $"{d.Name}: {d.Difference}"));
        Assert.Single(said.ToString().Split('\n'), line => line.Contains("CUDA graph", StringComparison.Ordinal) && line.Contains(reason, StringComparison.Ordinal));
        Assert.Single(said.ToString().Split('\n'), line => line.Contains("CUDA graph", StringComparison.Ordinal));
        // steps that have become short are recorded whole
        int times = kind == "muon, long steps" ? 2 : 1;
        Assert.Equal(times, recorder.Calls.Count(c => c == "record"));
        Assert.Equal(StepGraph.WarmUps + times - 1, recorder.Calls.Count(c => c == "warm-up"));
    }

    [Fact]
    public void An_update_that_cannot_be_recorded_leaves_the_passes_in_the_recording()
    {
        using var said = new StringWriter();
        var recorder = new Rerun(failures: 1);
        Train("memory", "muon, soft cap", Way.Memory);
        Train("recorded", "muon, soft cap", Way.Recorded, recorder, said: said);
        Assert.All(Differences("memory", "recorded"), d => Assert.True(d.Difference == 0, $"{d.Name}: {d.Difference}"));
        Assert.Single(said.ToString().Split('\n'), line => line.Contains("its passes alone: operation not permitted when stream is capturing. The update runs", StringComparison.Ordinal));
        Assert.Equal(["warm-up", "warm-up", "warm-up", "record", "record", .. Enumerable.Repeat("replay", Steps - StepGraph.WarmUps), "dispose"], recorder.Calls);
    }

    /// <summary>Rows and columns of a network whose matrices are normalized in training, and one that decays.</summary>
    private sealed class Normalized() : TinyModel("Normalized", Table, new Dictionary<string, long[]> { ["up"] = [6, 4], ["gate"] = [5, 6], ["plain"] = [4, 5], ["head"] = [3, 4] }, new InputInfo("x", "features", [1, 4]), null)
    {
        private static readonly Weight[] Table =
        [
            new("up", "up", Role.Matrix, [6, 4], Init: new Init.Normal(1), Reparametrization: new Reparametrization.Sigma("up", 1.5)),
            new("gate", "gate", Role.Matrix, [5, 6], Init: new Init.Normal(1), Reparametrization: new Reparametrization.Rows("gate")),
            new("plain", "plain", Role.Matrix, [4, 5], Init: new Init.Normal(1), Constraint: new Constraint.SpectralDecay(0.3)),
            new("head", "head", Role.Matrix, [3, 4], Init: new Init.Normal(1), Constraint: new Constraint.WeightDecay(0.3)),
        ];

        public override torch.Tensor Forward(IReadOnlyList<torch.Tensor> inputs) => Continue("x", inputs[0].flatten(1));

        public override torch.Tensor ValueAt(string point, IReadOnlyList<torch.Tensor> inputs) => inputs[0];

        public override torch.Tensor Continue(string point, torch.Tensor value) =>
            new[] { "up", "gate", "plain", "head" }.Aggregate(value, (x, name) => torch.nn.functional.linear(name == "up" ? x : torch.tanh(x), Leaf(name)));

        public override IReadOnlyList<ClaimInfo> Claims => [];

        public override UpperBound Bound(int claim, Norms norms) => UpperBound.Infinity;

        public override UpperBound BoundAtCaps(int claim) => UpperBound.Infinity;

        public override IReadOnlyList<NormRequest> NormsNeeded => [];
    }

    /// <summary>The same three batches again and again, which nobody makes.</summary>
    private sealed class Again(int inputs, int classes) : BatchSource
    {
        private readonly Batch[] _batches = [.. Enumerable.Range(0, 3).Select(i => Made(inputs, classes, i))];
        private int _next;

        private static Batch Made(int inputs, int classes, int seed)
        {
            using var generator = new torch.Generator((ulong)seed);
            return new Batch(torch.randn(8, 1, inputs, generator: generator).DetachFromDisposeScope(), torch.randint(0, classes, [8], generator: generator).DetachFromDisposeScope());
        }

        public override string Name => "again";

        public override string Unit => "samples";

        public override long UnitsPerSample => 1;

        public override double SamplesPerEpoch => 24;

        public override ulong[] Position { get; set; } = [];

        public override string Fingerprint => Name;

        public override Batch Next(int count, torch.Device device) => _batches[_next++ % _batches.Length];

        public override IEnumerable<Batch> Validation(int count, torch.Device device) => [];
    }

    private static TrainingPlan Plan(OptimizerPlan optimizer) => new()
    {
        Data = new DataPlan.Digits(1, 0.5), Objective = new Objective.CrossEntropy(0), Schedule = new Schedule.Constant(), Clip = 1, Ema = 0.9,
        Optimizers = Enum.GetValues<Role>().ToDictionary(r => r, _ => optimizer),
    };

    /// <summary>Steps of a model with an optimizer, recorded or operator by operator with their numbers in memory; gives what <paramref name="each"/> does.</summary>
    private static void Run(ILipsModel model, OptimizerPlan optimizer, IPassRecorder? recorder, Action<OptimizerSet, ModelWeights, Action<double>> each)
    {
        Initialization.Apply(model, 1);
        var plan = Plan(optimizer);
        using var weights = new ModelWeights(model);
        using var set = new OptimizerSet(weights, plan);
        using var loss = TrainingLoss.Create(model, plan, null, torch.CPU);
        var pass = new GradientPass(model, plan, loss, new ComputePrecision(Precision.Float32, torch.CPU));
        using var graph = recorder is null ? null : StepGraph.Create(pass, set, plan, new TrainingOptions { Folder = new RunFolder("."), Recorder = recorder }, torch.CPU);
        (recorder as Rerun)?.Watch(model, set);
        if (graph is null)
            set.Numbers.MoveTo(torch.CPU);
        using var feed = new BatchFeed(new Again((int)model.Inputs[0].Shape[^1], 3), 8, torch.CPU, ahead: false, 1000);
        each(set, weights, factor =>
        {
            if (graph is not null)
            {
                var (value, norm) = graph.Run(feed, factor);
                value.Dispose();
                norm!.Dispose();
                if (!graph.KeepsGradients)
                    model.Module.zero_grad();
                return;
            }
            using var scope = torch.NewDisposeScope();
            pass.Add(feed.Next());
            set.Step(factor);
            model.Module.zero_grad();
        });
    }

    [Fact]
    public void Normalized_matrices_and_decays_are_part_of_the_recording()
    {
        List<float[]> After(IPassRecorder? recorder)
        {
            using var scope = torch.NewDisposeScope();
            using var model = new Normalized();
            List<float[]> numbers = [];
            Run(model, new OptimizerPlan.Sgd(0.3, 0.9, false, 0), recorder, (set, weights, step) =>
            {
                for (int i = 0; i < Steps; i++)
                {
                    step(1.0 / (1 + i));
                    // the average takes the weights' place for a while, as it does for a validation
                    set.SwapAverage();
                    numbers.AddRange(weights.Leaves.Select(l => l.Parameter.detach().data<float>().ToArray()));
                    set.SwapAverage();
                }
                numbers.AddRange(set.State.Select(s => s.Tensor.reshape(-1).data<float>().ToArray()));
            });
            return numbers;
        }
        var recorder = new Rerun();
        Assert.Equal(After(null), After(recorder));
        Assert.Equal(Steps - StepGraph.WarmUps, recorder.Calls.Count(c => c == "replay"));
    }

    /// <summary>Records and repeats nothing: what is left of a step is the processor's part.</summary>
    private sealed class Nothing : IPassRecorder
    {
        public void WarmUp(Action work) => work();

        public IReadOnlyList<torch.Tensor> Record(Func<IReadOnlyList<torch.Tensor>> work) => work();

        public void Replay()
        {
        }

        public void Dispose()
        {
        }
    }

    [Fact]
    public void A_recorded_step_leaves_next_to_nothing_to_the_garbage_collector()
    {
        using var model = new TinyMlp(4, 6, 3);
        Run(model, new OptimizerPlan.Muon(0.05, 0.9, true, 0.1), new Nothing(), (_, _, step) =>
        {
            for (int i = 0; i < 10; i++)
                step(1);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
                step(1 - 0.001 * i);
            // the handles of loss and norm, and the scope of the batch
            Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 100, 0, 400);
        });
    }
}
