using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Distributed;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static Lips.Runtime.RecipeValue;
using static Lips.Runtime.Tests.Training.TrainerTests;

namespace Lips.Runtime.Tests.Distributed;

/// <summary>Training by several workers is training by one.</summary>
public sealed class DataParallelTests : IDisposable
{
    private const string Rhyme = "The north wind and the sun were disputing which was the stronger, when a traveller came along wrapped in a warm cloak. ";
    private const int Steps = 6;
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-workers-").FullName;

    public DataParallelTests() => File.WriteAllText(Path.Combine(_folder, "text.txt"), string.Concat(Enumerable.Repeat(Rhyme, 10)));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Call Choice(string name, params (string?, RecipeValue)[] arguments) => new(name, arguments);

    /// <summary>Everything that a share could get wrong: several rules, clipping, a running average, parts of a step, and shares that differ in size.</summary>
    private static List<RecipeEntry> Recipe(int batch = 8, int accumulate = 2) =>
    [
        Entry("data", Choice("text", (null, new Text("text.txt")), ("alphabet", Choice("characters")))),
        Entry("objective", Choice("next_token")),
        Entry("optimizer", Choice("muon", ("lr", new Number(0.05)))),
        Entry("optimizer", Choice("adamw", ("lr", new Number(0.003)), ("eps", new Number(1e-4))), "embedding"),
        Entry("optimizer", Choice("sgd", ("lr", new Number(0.1)), ("momentum", new Number(0.9))), "gain"),
        Entry("steps", new Number(Steps)), Entry("batch", new Number(batch)), Entry("accumulate", new Number(accumulate)),
        Entry("clip", new Number(0.5)), Entry("ema", new Number(0.8)), Entry("sample", new Number(8)), Entry("checkpoint_every", new Number(2)),
    ];

    private Trainer Start(ILipsModel model, List<RecipeEntry> recipe, string run, Workers? workers, bool resume = false, long? stopAt = null, Action<Trainer>? exchanged = null) =>
        new(model, TrainingPlan.Parse(recipe), new TrainingOptions { Folder = new RunFolder(Path.Combine(_folder, run)), Files = new DataFiles(_folder), Workers = workers, CheckEvery = 1, Resume = resume, StopAt = stopAt, Exchanged = exchanged });

    private static TinyTransformer Model() => new(Rhyme.Distinct().Count());

    private StoredTensors Checkpoint(string run) => Safetensors.Read(new RunFolder(Path.Combine(_folder, run)).Checkpoint);

    private TrainingResult One(List<RecipeEntry> recipe, string run, bool resume = false, long? stopAt = null)
    {
        using var model = Model();
        using var trainer = Start(model, recipe, run, null, resume, stopAt);
        return trainer.Run();
    }

    private TrainingResult[] Several(int size, List<RecipeEntry> recipe, string run, bool resume = false, long? stopAt = null, Func<Workers, Action<Trainer>>? exchanged = null) => Company.Run(size, workers =>
    {
        using var model = Model();
        using var trainer = Start(model, recipe, run, workers, resume, stopAt, exchanged?.Invoke(workers));
        return trainer.Run();
    });

    private static void Near(StoredTensors expected, StoredTensors actual, double tolerance)
    {
        Assert.Equal(expected.Tensors.Keys.Order(), actual.Tensors.Keys.Order());
        foreach (var (name, tensor) in expected.Tensors.Where(t => t.Value.Type == StoredType.F32))
        {
            using var scope = torch.NewDisposeScope();
            var (a, b) = (TensorStorage.Load(tensor), TensorStorage.Load(actual[name]));
            double difference = (a - b).abs().max().item<float>(), size = Math.Max(a.abs().max().item<float>(), 0.01);
            Assert.True(difference <= tolerance * size, $"{name}: {difference} of {size}");
        }
    }

    [Theory]
    [InlineData(2, 8, 2)]
    [InlineData(4, 8, 1)]
    [InlineData(3, 8, 1)]
    public void Several_workers_train_what_one_trains(int size, int batch, int accumulate)
    {
        var recipe = Recipe(batch, accumulate);
        var alone = One(recipe, "one");
        var together = Several(size, recipe, "several");
        Near(Checkpoint("one"), Checkpoint("several"), 2e-4);
        Assert.Equal(Checkpoint("one")["position/data"].Data.ToArray(), Checkpoint("several")["position/data"].Data.ToArray());
        Assert.All(together, result =>
        {
            Assert.Equal(alone.Validation!.Count, result.Validation!.Count);
            Assert.Equal(alone.Validation.Loss, result.Validation.Loss, 4);
        });
        // what was logged is of the whole batch, and norms are of all weights
        var (one, several) = (MetricsLog.Read(new RunFolder(Path.Combine(_folder, "one")).Metrics), MetricsLog.Read(new RunFolder(Path.Combine(_folder, "several")).Metrics));
        Assert.Equal(one.Count, several.Count);
        foreach (var (a, b) in one.Zip(several))
        {
            Assert.Equal(a.Step, b.Step);
            Assert.Equal(a.Loss ?? 0, b.Loss ?? 0, 4);
            Assert.Equal(a.GradientNorm ?? 0, b.GradientNorm ?? 0, 4);
            Assert.Equal(a.Norms?.Keys.Order() ?? Enumerable.Empty<string>(), b.Norms?.Keys.Order() ?? Enumerable.Empty<string>());
        }
        Assert.Equal(alone.Sample.Length, together[0].Sample.Length);
    }

    [Fact]
    public void Gradients_weights_and_certified_norms_agree_after_every_step_and_every_state_has_one_holder()
    {
        // gradients are compared by the run itself, with CheckEvery = 1, and once more here by what came of them
        var seen = new ConcurrentDictionary<(long Step, int Rank), (string Weights, string Certificate)>();
        var states = new ConcurrentDictionary<int, List<string>>();
        Several(4, Recipe(), "agree", exchanged: workers => trainer =>
        {
            using var scope = torch.NewDisposeScope();
            string certificate = JsonSerializer.Serialize(Certifier.Derive(trainer.Weights, "source"u8).Norms);
            seen[(trainer.Step, workers.Rank)] = (string.Join(' ', trainer.Weights.Leaves.Select(l => DriftCheck.Hash(l.Parameter))), certificate);
            states[workers.Rank] = trainer.Optimizer.Store("").Select(s => s.Name).ToList();
        });
        Assert.Equal(4 * Steps, seen.Count);
        foreach (var step in seen.GroupBy(s => s.Key.Step))
            Assert.Single(step.Select(s => s.Value).Distinct());
        Assert.Equal(Steps, seen.Values.Select(v => v.Weights).Distinct().Count());
        // held once, and together what one worker alone holds
        var held = states.Values.SelectMany(s => s).ToList();
        Assert.Equal(held.Distinct().Count(), held.Count);
        Assert.All(states.Values, s => Assert.NotEmpty(s));
        One(Recipe(), "alone", stopAt: 1);
        Assert.Equal(Checkpoint("alone").Tensors.Keys.Where(k => k.StartsWith("optimizer/", StringComparison.Ordinal)).Select(k => k["optimizer/".Length..]).Order(), held.Order());
    }

    [Fact]
    public void A_worker_that_drifts_stops_all_and_is_named_with_step_and_tensor()
    {
        var failures = Company.Try(3, workers =>
        {
            using var model = Model();
            using var trainer = Start(model, Recipe(), "drift", workers, exchanged: trainer =>
            {
                // the last bit of one weight
                using var noGrad = torch.no_grad();
                if (workers.Rank == 2 && trainer.Step == 3)
                    trainer.Weights["mlp.down"].View[0, 1].mul_(1 + 1.2e-7f);
            });
            return trainer.Run();
        }, out var _);
        Assert.All(failures, f => Assert.Contains("drifted apart at step 4: worker 2 has another 'down' than worker 0", Assert.IsType<RunFailed>(f).Message, StringComparison.Ordinal));
        // what stands in the checkpoint is of a step before
        Assert.Equal("2", Checkpoint("drift").Metadata["lips.step"]);
    }

    [Fact]
    public void A_resumed_run_of_several_is_the_one_that_was_not_stopped_bit_by_bit()
    {
        Several(3, Recipe(), "whole");
        Several(3, Recipe(), "parts", stopAt: 3);
        Several(3, Recipe(), "parts", resume: true);
        var (whole, parts) = (Checkpoint("whole"), Checkpoint("parts"));
        Assert.Equal(whole.Tensors.Keys.Order(), parts.Tensors.Keys.Order());
        foreach (var (name, tensor) in whole.Tensors.Where(t => t.Key != "position/device"))
            Assert.True(tensor.Data.Span.SequenceEqual(parts[name].Data.Span), name);
        Assert.Equal(File.ReadAllBytes(new RunFolder(Path.Combine(_folder, "whole")).Model), File.ReadAllBytes(new RunFolder(Path.Combine(_folder, "parts")).Model));
    }

    [Fact]
    public void A_run_goes_on_with_another_number_of_workers()
    {
        One(Recipe(), "one");
        One(Recipe(), "changed", stopAt: 2);
        Several(3, Recipe(), "changed", resume: true, stopAt: 4);
        Several(2, Recipe(), "changed", resume: true, stopAt: 5);
        One(Recipe(), "changed", resume: true);
        Near(Checkpoint("one"), Checkpoint("changed"), 2e-4);
    }

    [Fact]
    public void Workers_that_start_from_different_weights_are_refused_and_both_hashes_are_named()
    {
        One(Recipe(), "a", stopAt: 2);
        One([.. Recipe(), Entry("seed", new Number(5))], "b", stopAt: 2);
        var failures = Company.Try(2, workers =>
        {
            using var model = Model();
            using var trainer = Start(model, Recipe(), workers.Rank == 0 ? "a" : "b", workers, resume: true);
            return trainer.Run();
        }, out var _);
        foreach (var failure in failures)
        {
            string message = Assert.IsType<RunFailed>(failure).Message;
            foreach (string run in new[] { "a", "b" })
            {
                var file = Checkpoint(run);
                var weights = file.Tensors.Values.Where(t => t.Name.StartsWith("weight/", StringComparison.Ordinal)).Select(t => t with { Name = t.Name["weight/".Length..] });
                Assert.Contains(ModelFile.Short(ModelFile.Hash(weights)), message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void More_workers_than_samples_are_refused()
    {
        var failures = Company.Try(3, workers =>
        {
            using var model = Model();
            return Start(model, Recipe(batch: 4, accumulate: 2), "few", workers).Steps;
        }, out var _);
        Assert.All(failures, f => Assert.Contains("3 workers cannot share 2 samples (a step's 4 in 2 parts)", Assert.IsType<RunFailed>(f).Message, StringComparison.Ordinal));
    }
}
