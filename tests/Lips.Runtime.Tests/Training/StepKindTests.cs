using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Distributed;
using Lips.Runtime.Tests.Distributed;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static Lips.Runtime.RecipeValue;

namespace Lips.Runtime.Tests.Training;

/// <summary>Whole runs whose batches are made ahead, whose steps are recorded, or that compute in bfloat16.</summary>
public sealed class StepKindTests : IDisposable
{
    private const string Rhyme = "The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a warm cloak. ";
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-steps-").FullName;

    public StepKindTests() => File.WriteAllText(Path.Combine(_folder, "text.txt"), string.Concat(Enumerable.Repeat(Rhyme, 10)));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Call Choice(string name, params (string?, RecipeValue)[] arguments) => new(name, arguments);

    private static RecipeEntry Entry(string path, RecipeValue value) => new(path, [], value);

    private static List<RecipeEntry> Recipe(params (string, string)[] more) =>
    [
        Entry("data", Choice("text", (null, new Text("text.txt")), ("alphabet", Choice("characters")))),
        Entry("objective", Choice("next_token")), Entry("optimizer", Choice("muon", ("lr", new Number(0.05)))), Entry("schedule", Choice("linear")),
        Entry("steps", new Number(9)), Entry("batch", new Number(8)), Entry("accumulate", new Number(2)), Entry("clip", new Number(0.5)), Entry("ema", new Number(0.8)),
        Entry("validate_every", new Number(2)), Entry("sample", new Number(0)), .. more.Select(m => Entry(m.Item1, Choice(m.Item2))),
    ];

    private static TinyTransformer Model() => new(Rhyme.Distinct().Count());

    /// <param name="inMemory">Whether kernels find the step's numbers in memory, as those of a recorded step do.</param>
    private TrainingResult Train(string run, List<RecipeEntry> recipe, bool resume = false, long? stopAt = null, Workers? workers = null, bool inMemory = false)
    {
        using var model = Model();
        using var trainer = new Trainer(model, TrainingPlan.Parse(recipe), new TrainingOptions
        {
            Folder = new RunFolder(Path.Combine(_folder, run)), Files = new DataFiles(_folder), Resume = resume, StopAt = stopAt, Workers = workers, CheckEvery = 1, Stop = TestContext.Current.CancellationToken,
        });
        if (inMemory)
            trainer.Optimizer.Numbers.MoveTo(torch.CPU);
        return trainer.Run();
    }

    private void Same(string expected, string actual)
    {
        StoredTensors a = Safetensors.Read(new RunFolder(Path.Combine(_folder, expected)).Checkpoint), b = Safetensors.Read(new RunFolder(Path.Combine(_folder, actual)).Checkpoint);
        Assert.Equal(a.Tensors.Keys.Order(), b.Tensors.Keys.Order());
        foreach (var (name, tensor) in a.Tensors)
            Assert.True(tensor.Data.Span.SequenceEqual(b[name].Data.Span), name);
        static IEnumerable<(long, double?, double?, double?)> Lines(string folder) => MetricsLog.Read(new RunFolder(folder).Metrics).Select(m => (m.Step, m.Loss, m.ValidationLoss, m.GradientNorm));
        Assert.Equal(Lines(Path.Combine(_folder, expected)), Lines(Path.Combine(_folder, actual)));
    }

    [Fact]
    public void Batches_made_ahead_train_the_same_bit_by_bit_also_when_stopped_and_resumed()
    {
        Train("turn", Recipe(("loading", "in_turn")));
        Train("ahead", Recipe(("loading", "ahead")));
        Same("turn", "ahead");
        Train("parts", Recipe(("loading", "ahead")), stopAt: 4);
        Train("parts", Recipe(("loading", "ahead")), resume: true);
        Same("turn", "parts");
    }

    private TrainingResult Recorded(string run, List<RecipeEntry> recipe, Rerun recorder, ProgressLine? progress = null)
    {
        using var model = Model();
        using var trainer = new Trainer(model, TrainingPlan.Parse(recipe), new TrainingOptions
        {
            Folder = new RunFolder(Path.Combine(_folder, run)), Files = new DataFiles(_folder), Recorder = recorder, Progress = progress, Stop = TestContext.Current.CancellationToken,
        });
        recorder.Watch(model, trainer.Optimizer);
        return trainer.Run();
    }

    [Theory]
    [InlineData("float32", "in_turn")]
    [InlineData("float32", "ahead")]
    [InlineData("bfloat16", "ahead")]
    public void Recorded_steps_train_the_same_bit_by_bit(string precision, string loading)
    {
        if (!Autocast.IsSupported) return;
        Train("plain", Recipe(("precision", precision), ("loading", "in_turn")), inMemory: true);
        var recorder = new Rerun();
        Recorded("recorded", Recipe(("precision", precision), ("loading", loading)), recorder);
        Same("plain", "recorded");
        Assert.Equal([.. Enumerable.Repeat("warm-up", StepGraph.WarmUps), "record", .. Enumerable.Repeat("replay", 9 - StepGraph.WarmUps), "dispose"], recorder.Calls);
    }

    [Fact]
    public void A_pass_that_cannot_be_recorded_runs_operator_by_operator_and_says_so_once()
    {
        Train("plain", Recipe());
        var recorder = new Rerun(failures: 2);
        using var said = new StringWriter();
        Recorded("refused", Recipe(), recorder, new ProgressLine(said, terminal: false));
        // the first steps had their numbers in memory, and the others as arguments
        var (expected, actual) = (Losses("plain"), Losses("refused"));
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First!.Value, p.Second!.Value, 1e-3));
        Assert.Equal(["warm-up", "warm-up", "warm-up", "record", "record", "dispose"], recorder.Calls);
        Assert.Single(said.ToString().Split('\n'), line => line.Contains("no CUDA graph: operation not permitted when stream is capturing. Steps run", StringComparison.Ordinal));
        var off = new Rerun();
        Recorded("off", Recipe(("graphs", "off")), off);
        Same("plain", "off");
        Assert.Empty(off.Calls);
    }

    [Fact]
    public void Without_a_CUDA_device_there_is_neither_a_graph_nor_its_attention_and_no_word_of_it()
    {
        if (torch.cuda.is_available()) return;
        var lack = Assert.ThrowsAny<Exception>(() => new CudaGraph(torch.CPU));
        Assert.Contains(CudaGraph.IsSupported ? "CUDA" : TorchExtras.IsSupported ? "compiled without CUDA" : "packages", lack.Message, StringComparison.Ordinal);
        Assert.False(TorchExtras.FusesAttention(torch.CPU));
        using var said = new StringWriter();
        using var model = Model();
        using var trainer = new Trainer(model, TrainingPlan.Parse(Recipe()), new TrainingOptions { Folder = new RunFolder(Path.Combine(_folder, "cpu")), Files = new DataFiles(_folder), Progress = new ProgressLine(said, terminal: false) });
        Assert.Empty(said.ToString());
    }

    [Fact]
    public void What_needs_the_processor_in_its_midst_is_not_recorded()
    {
        var plan = TrainingPlan.Parse(Recipe());
        Assert.Null(StepGraph.Refusal(plan, workers: false));
        Assert.Null(StepGraph.Refusal(plan with { Objective = new Objective.Hinge(1, 10), Precision = Precision.BFloat16 }, workers: false));
        (TrainingPlan, bool, string)[] refused =
        [
            (plan, true, "workers"), (plan with { RecomputesBlocks = true }, false, "recompute"), (plan with { Objective = new Objective.Ctc(0) }, false, "ctc"),
            (plan with { Objective = new Objective.Nkd("T", "t", 1, 1) }, false, "nkd"), (plan with { Objective = new Objective.Uskd("f", 1, 1, 1, false) }, false, "uskd"),
        ];
        foreach (var (which, workers, named) in refused)
            Assert.Contains(named, StepGraph.Refusal(which, workers), StringComparison.Ordinal);
    }

    [Fact]
    public void Training_in_bfloat16_keeps_float32_validates_in_it_and_resumes_bit_by_bit()
    {
        if (!Autocast.IsSupported) return;
        var exact = Train("exact", Recipe());
        var narrow = Train("narrow", Recipe(("precision", "bfloat16")));
        var file = Safetensors.Read(new RunFolder(Path.Combine(_folder, "narrow")).Checkpoint);
        Assert.DoesNotContain(file.Tensors.Values, t => t.Type == StoredType.BF16);
        var (a, b) = (Losses("exact"), Losses("narrow"));
        Assert.NotEqual(a, b);
        // nine steps, each with errors of a few 2⁻⁸ in its gradient
        foreach (var (one, other) in a.Zip(b))
            Assert.InRange(other!.Value, one!.Value * (1 - 8.0 / 256), one.Value * (1 + 8.0 / 256));
        Assert.InRange(narrow.Validation!.Loss, exact.Validation!.Loss * (1 - 8.0 / 256), exact.Validation.Loss * (1 + 8.0 / 256));

        // of the same weights the validation is the same, whatever the recipe computes in
        using (var model = Model())
        {
            using var trainer = new Trainer(model, TrainingPlan.Parse(Recipe(("precision", "float32"))), new TrainingOptions { Folder = new RunFolder(Path.Combine(_folder, "narrow")), Files = new DataFiles(_folder), Resume = true });
            using var again = new Trainer(model, TrainingPlan.Parse(Recipe(("precision", "bfloat16"))), new TrainingOptions { Folder = new RunFolder(Path.Combine(_folder, "narrow")), Files = new DataFiles(_folder), Resume = true });
            Assert.Equal(trainer.Validate(), again.Validate());
            Assert.Equal(narrow.Validation, again.Validate());
        }

        Train("parts", Recipe(("precision", "bfloat16")), stopAt: 4);
        Train("parts", Recipe(("precision", "bfloat16")), resume: true);
        Same("narrow", "parts");
    }

    private double?[] Losses(string run) => [.. MetricsLog.Read(new RunFolder(Path.Combine(_folder, run)).Metrics).Select(m => m.Loss).Where(l => l is not null)];

    [Fact]
    public void Several_workers_train_in_bfloat16_and_stay_alike()
    {
        if (!Autocast.IsSupported || !TorchExtras.DistributedSupported) return;
        var alone = Train("alone", Recipe(("precision", "bfloat16")));
        // gradients and weights of all workers are compared after every step
        var together = Company.Run(2, workers => Train("together", Recipe(("precision", "bfloat16")), workers: workers));
        Assert.All(together, r => Assert.InRange(r.Validation!.Loss, alone.Validation!.Loss * (1 - 8.0 / 256), alone.Validation.Loss * (1 + 8.0 / 256)));
    }
}
