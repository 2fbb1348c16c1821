using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static Lips.Runtime.RecipeValue;

// Torch has one global generator, one default device and one count of all tensors: tests that share them run one by one.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Lips.Runtime.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private const string Rhyme = "The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a warm cloak. ";
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-train-").FullName;

    public TrainerTests() => File.WriteAllText(Path.Combine(_folder, "text.txt"), string.Concat(Enumerable.Repeat(Rhyme, 20)));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static RecipeEntry Entry(string path, RecipeValue value, params string[] roles) => new(path, roles, value);

    private static Call Choice(string name, params (string?, RecipeValue)[] arguments) => new(name, arguments);

    private static List<RecipeEntry> Recipe(int steps, Call optimizer) =>
    [
        Entry("data", Choice("text", (null, new Text("text.txt")), ("alphabet", Choice("characters")))),
        Entry("objective", Choice("next_token")),
        Entry("optimizer", optimizer),
        Entry("schedule", Choice("linear")),
        Entry("steps", new Number(steps)),
        Entry("batch", new Number(8)),
        Entry("sample", new Number(20)),
    ];

    private static readonly Call Muon = Choice("muon", ("lr", new Number(0.1)));

    private Trainer Start(ILipsModel model, IReadOnlyList<RecipeEntry> recipe, string run, bool resume = false, long? stopAt = null, CancellationToken? stop = null) =>
        new(model, TrainingPlan.Parse(recipe), new TrainingOptions { Folder = new RunFolder(Path.Combine(_folder, run)), Files = new DataFiles(_folder), Resume = resume, StopAt = stopAt, Stop = stop ?? TestContext.Current.CancellationToken });

    private static int Vocabulary => Rhyme.Distinct().Count();

    [Fact]
    public void A_transformer_learns_and_every_cap_can_be_sealed()
    {
        using var model = new TinyTransformer(Vocabulary);
        using var trainer = Start(model, Recipe(120, Muon), "a");
        double before = trainer.Validate().Loss;
        var result = trainer.Run();
        Assert.Equal(Math.Log(Vocabulary), before, 3);
        Assert.True(result.Validation!.Loss < before - 0.7, $"{before} to {result.Validation.Loss}");
        Assert.Equal(20 + 0, result.Sample.Length - 32);
        Assert.Equal(20 * Rhyme.Length - (int)(20 * Rhyme.Length * 0.9), result.Validation.Count);
        Assert.All(Sealing.Seal(trainer.Weights), s => Assert.True(s.Norm <= UpperBound.OfDouble(s.Cap.Limit)));

        var folder = new RunFolder(Path.Combine(_folder, "a"));
        var metrics = MetricsLog.Read(folder.Metrics);
        Assert.Contains(metrics, m => m.ValidationLoss is not null && m.Step == 120);
        Assert.Contains(metrics, m => m.Norms is not null && m.Norms.Values.All(n => n <= 1.002));
        var stored = Safetensors.Read(folder.Model);
        Assert.Equal(model.Weights.Select(w => w.Name).Order(), stored.Tensors.Keys.Order());
        Assert.Equal("characters", stored.Metadata["lips.alphabet"]);
    }

    public static TheoryData<string> Optimizers() => ["muon", "adamw", "sgd", "lars", "muon+"];

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void A_resumed_run_continues_bit_by_bit(string optimizer)
    {
        var recipe = Recipe(12, optimizer switch
        {
            "adamw" => Choice("adamw", ("lr", new Number(1e-2)), ("weight_decay", new Number(0.1))),
            "sgd" => Choice("sgd", ("lr", new Number(0.1)), ("momentum", new Number(0.9)), ("nesterov", new Flag(true))),
            "lars" => Choice("lars", ("lr", new Number(5))),
            _ => Muon,
        });
        if (optimizer == "muon+")
            recipe.AddRange([Entry("ema", new Number(0.9)), Entry("clip", new Number(1)), Entry("accumulate", new Number(2)), Entry("optimizer", Choice("adamw", ("lr", new Number(0.01))), "embedding")]);

        Dictionary<string, StoredTensor> Finish(string run, bool split)
        {
            if (split)
                using (var first = new TinyTransformer(Vocabulary))
                using (var trainer = Start(first, recipe, run, stopAt: 5))
                    Assert.True(trainer.Run().Interrupted);
            using var model = new TinyTransformer(Vocabulary);
            using var second = Start(model, recipe, run, resume: split);
            Assert.Equal(split ? 5 : 0, second.Step);
            second.Run();
            return Safetensors.Read(new RunFolder(Path.Combine(_folder, run)).Checkpoint).Tensors.ToDictionary();
        }

        var whole = Finish("whole", false);
        var parts = Finish("parts", true);
        Assert.Equal(whole.Keys.Order(), parts.Keys.Order());
        foreach (var (name, tensor) in whole)
            Assert.True(tensor.Data.Span.SequenceEqual(parts[name].Data.Span), name);
        Assert.Equal(
            MetricsLog.Read(new RunFolder(Path.Combine(_folder, "whole")).Metrics).Select(m => (m.Step, m.Loss, m.ValidationLoss)),
            MetricsLog.Read(new RunFolder(Path.Combine(_folder, "parts")).Metrics).Select(m => (m.Step, m.Loss, m.ValidationLoss)));
    }

    [Fact]
    public void Stopping_leaves_a_checkpoint_of_the_step_reached()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        using var model = new TinyTransformer(Vocabulary);
        using var trainer = Start(model, Recipe(12, Muon), "stopped", stop: stop.Token);
        Assert.True(trainer.Run().Interrupted);
        Assert.Equal("0", Safetensors.Read(new RunFolder(Path.Combine(_folder, "stopped")).Checkpoint).Metadata["lips.step"]);
    }

    [Fact]
    public void A_loss_that_is_not_finite_ends_the_run_and_spares_the_checkpoint()
    {
        using var model = new TinyTransformer(Vocabulary);
        using var trainer = Start(model, [.. Recipe(6, Muon), Entry("checkpoint_every", new Number(1))], "nan", stopAt: 2);
        trainer.Run();
        string checkpoint = new RunFolder(Path.Combine(_folder, "nan")).Checkpoint;
        byte[] before = File.ReadAllBytes(checkpoint);
        using var broken = new TinyTransformer(Vocabulary);
        using var resumed = Start(broken, [.. Recipe(6, Muon), Entry("checkpoint_every", new Number(1))], "nan", resume: true);
        using (torch.no_grad())
            resumed.Weights["gain"].View.fill_(double.NaN);
        var error = Assert.Throws<RunFailed>(() => resumed.Run());
        Assert.Equal(5, error.ExitCode);
        Assert.Contains("step 3", error.Message);
        Assert.Equal(before, File.ReadAllBytes(checkpoint));
    }

    [Fact]
    public void A_checkpoint_of_another_recipe_data_or_model_is_refused()
    {
        using var model = new TinyTransformer(Vocabulary);
        using (var trainer = Start(model, Recipe(4, Muon), "x", stopAt: 2))
            trainer.Run();
        using var other = new TinyTransformer(Vocabulary);
        Assert.Contains("another recipe", Assert.Throws<RunFailed>(() => Start(other, Recipe(4, Choice("sgd", ("lr", new Number(1)))), "x", resume: true)).Message);
        File.AppendAllText(Path.Combine(_folder, "text.txt"), "The end.");
        using var third = new TinyTransformer(Vocabulary);
        Assert.Contains("other data", Assert.Throws<RunFailed>(() => Start(third, Recipe(4, Muon), "x", resume: true)).Message);
    }

    [Fact]
    public void An_mlp_learns_made_digits_within_its_caps()
    {
        var input = new InputInfo("pixels", "image", [1, 12, 12], RangeLow: 0, RangeHigh: 1);
        using var model = new TinyMlp(144, 64, 10, 3, CapMethod.Soft, info: input);
        RecipeEntry[] recipe =
        [
            Entry("data", Choice("digits", ("samples", new Number(1500)))), Entry("objective", Choice("cross_entropy")),
            Entry("optimizer", Choice("muon", ("lr", new Number(0.2)), ("nesterov", new Flag(true)))), Entry("schedule", Choice("cosine", ("warmup_epochs", new Number(1)))),
            Entry("epochs", new Number(6)), Entry("batch", new Number(50)),
        ];
        using var trainer = Start(model, recipe, "digits");
        Assert.Equal(162, trainer.Steps);
        var result = trainer.Run();
        Assert.Equal(150, result.Validation!.Count);
        Assert.True(result.Validation.Accuracy > 0.6, $"accuracy {result.Validation.Accuracy}");
        Assert.All(Sealing.Seal(trainer.Weights), s => Assert.True(s.Norm <= UpperBound.OfDouble(s.Cap.Limit)));
    }

    [Fact]
    public void The_running_average_is_what_is_validated_and_kept()
    {
        using var model = new TinyTransformer(Vocabulary);
        using var trainer = Start(model, [.. Recipe(30, Muon), Entry("ema", new Number(0.9))], "ema");
        var result = trainer.Run();
        var folder = new RunFolder(Path.Combine(_folder, "ema"));
        var stored = Safetensors.Read(folder.Model);
        byte[] kept = stored["mlp.up"].Data.ToArray();
        Assert.Equal(kept, TensorStorage.Store("up", trainer.Weights["mlp.up"].View).Data.ToArray());
        Assert.NotEqual(kept, Safetensors.Read(folder.Checkpoint)["weight/mlp.up"].Data.ToArray());
        Assert.Equal(kept, Safetensors.Read(folder.Checkpoint)["optimizer/ema/up"].Data.ToArray());
        Assert.Equal(result.Validation, trainer.Validate());
    }

    [Fact]
    public void Steps_leave_no_tensors_behind()
    {
        using var model = new TinyTransformer(Vocabulary);
        using var trainer = Start(model, [.. Recipe(30, Muon), Entry("clip", new Number(1)), Entry("accumulate", new Number(2)), Entry("validate_every", new Number(1))], "leak", stopAt: 4);
        trainer.Run();
        long before = Alive();
        for (int i = 0; i < 5; i++)
            trainer.Validate();
        Assert.True(torch.Tensor.TotalCount <= before);
        using var second = new TinyTransformer(Vocabulary);
        using var longer = Start(second, [.. Recipe(30, Muon), Entry("clip", new Number(1)), Entry("accumulate", new Number(2)), Entry("validate_every", new Number(1))], "leak2", stopAt: 20);
        long ready = Alive();
        longer.Run();
        Assert.True(torch.Tensor.TotalCount - ready <= 2);
    }

    /// <summary>Tensors alive once the finalizers of other tests' tensors have run.</summary>
    private static long Alive()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return torch.Tensor.TotalCount;
    }
}
