using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Cli;
using Lips.Cli.Runs;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Benchmarks;

/// <summary>Our side of the training benchmark: what a <see cref="Trainer"/> does in a step, but for the projection onto the caps.</summary>
internal static class TrainingSide
{
    public const string Name = "training-side";

    private static readonly OptimizerPlan.AdamW Plan = new(1e-3, 0.9, 0.95, 1e-8, 0.1);

    /// <summary>The benchmark's tokens, step by step.</summary>
    private sealed class TokenBatches(long[] tokens, int context) : BatchSource
    {
        private ulong _step;

        public override string Name => "tokens of the benchmark";

        public override string Unit => "tokens";

        public override long UnitsPerSample => context;

        public override double SamplesPerEpoch => (double)tokens.Length / (context + 1);

        public override ulong[] Position
        {
            get => [_step];
            set => _step = value[0];
        }

        public override string Fingerprint => Name;

        public override Batch Next(int count, torch.Device device)
        {
            int step = (int)_step++;
            return new Batch(Part(tokens, step, count, context, 0, device), Part(tokens, step, count, context, 1, device));
        }

        public override IEnumerable<Batch> Validation(int count, torch.Device device) => [];
    }

    /// <summary>The model of a spec, as <c>lips train</c> makes it: compiled once, and loaded from the cache after that.</summary>
    private static ILipsModel Model(string spec, int context) =>
        ModelAssembly.Create(Spec.Compile(Path.Combine(Machine.Repository, "specs", spec), [("context", context.ToString(CultureInfo.InvariantCulture))], options: Cli.Runs.Run.Options).Model);

    /// <summary>Writes the weights that both sides start from, and their batches: <c>tokens</c>, int64 [steps, batch, context + 1], low ids more often than high ones.</summary>
    public static void Prepare(string spec, int context, int batch, int steps, string path)
    {
        using var model = Model(spec, context);
        Initialization.Apply(model, seed: 1);
        using var weights = new ModelWeights(model);
        var random = SeededRandom.For(1, "batches of the benchmark");
        long vocabulary = model.Inputs[0].Vocabulary!.Value;
        var tokens = new long[steps * batch * (context + 1)];
        for (int i = 0; i < tokens.Length; i++)
            tokens[i] = (long)(vocabulary * Math.Pow(random.Uniform(), 3));
        var stored = new StoredTensor("tokens", StoredType.I64, [steps, batch, context + 1], MemoryMarshal.AsBytes(tokens.AsSpan()).ToArray());
        Safetensors.Write(path, [.. ModelFile.Store(weights), stored]);
    }

    /// <summary>Trains for some steps; prints seconds, losses and bytes of managed objects of each, and the peak of memory, resident or of the device.</summary>
    public static int Run(string[] args)
    {
        var given = new Arguments(args, "spec", "start", "steps", "context", "batch", "floor", "device", "precision", "graphs");
        int context = given.Number("context", 256), batch = given.Number("batch", 16), steps = given.Number("steps", 20);
        using var model = Model(given.Text("spec", ""), context);
        var device = torch.device(given.Text("device", "cpu"));
        model.Module.to(device);
        using var weights = new ModelWeights(model);
        long[] tokens = Load(given.Text("start", ""), weights);
        // what was read is no part of the training
        GC.Collect(2, GCCollectionMode.Aggressive);
        model.Module.train();
        using var scopes = new BlockScopes(model.Module);
        var rule = UpdateRule.Create(Plan, weights.Distinct, "");
        var plan = new TrainingPlan
        {
            Data = new DataPlan.Text(null, "bytes", 0.9),
            Objective = new Objective.NextToken(null, 0),
            Optimizers = new Dictionary<Role, OptimizerPlan>(),
            Schedule = new Schedule.Constant(),
            Precision = given.Text("precision", "float32") == "bfloat16" ? Precision.BFloat16 : Precision.Float32,
            RecordsSteps = given.Text("graphs", "auto") != "off",
        };
        using var loss = TrainingLoss.Create(model, plan, null, device);
        var pass = new GradientPass(model, plan, loss, new ComputePrecision(plan.Precision, device));
        using var graph = StepGraph.Create(pass, rule, plan, new TrainingOptions { Folder = new RunFolder("."), Progress = ProgressLine.ForConsole() }, device);
        using var feed = new BatchFeed(new TokenBatches(tokens, context), batch, device, ahead: device.type == DeviceType.CUDA, steps);
        var (seconds, forward, backward, update, losses, managed) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (int step = 0; step < steps; step++)
        {
            long managedBefore = GC.GetTotalAllocatedBytes(precise: true), begun = Stopwatch.GetTimestamp(), before = begun;
            void Note(List<double> part)
            {
                part.Add(Stopwatch.GetElapsedTime(before).TotalSeconds);
                before = Stopwatch.GetTimestamp();
            }
            using (torch.NewDisposeScope())
            {
                // a recorded step is one
                var value = graph is null ? pass.Add(feed.Next(), beforeBackward: () => Note(forward)) : graph.Run(feed, 1).Loss;
                Note(backward);
                if (graph is null)
                    rule.Step(1);
                if (graph is not { KeepsGradients: true })
                    model.Module.zero_grad();
                Note(update);
                losses.Add(value.item<float>());
            }
            seconds.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
            managed.Add(GC.GetTotalAllocatedBytes(precise: true) - managedBefore);
        }
        double floor = given.Number("floor", 0) == 1 ? Products(model, batch * context) : double.NaN;
        static string List(IEnumerable<double> numbers) => string.Join(", ", numbers.Select(x => x.ToString("R", CultureInfo.InvariantCulture)));
        Console.WriteLine($"{{\"seconds\": [{List(seconds)}], \"forward\": [{List(forward)}], \"backward\": [{List(backward)}], \"update\": [{List(update)}], \"losses\": [{List(losses)}], \"managed\": [{List(managed)}], \"products\": [{(double.IsNaN(floor) ? "" : List([floor]))}], \"peak_bytes\": {(device.type == DeviceType.CPU ? Machine.PeakBytes : TorchExtras.PeakMemoryAllocated(device))}}}");
        return 0;
    }

    /// <summary>What no step can be faster than with this BLAS: seconds for the products with the weights alone, forward and backward, one after the other in warm memory.</summary>
    private static double Products(ILipsModel model, long tokens)
    {
        using var noGrad = torch.no_grad();
        var matrices = model.Weights.Where(w => w.Role == Role.Matrix).Select(w => (Out: w.Shape[0], In: w.Shape[1])).ToList();
        // a head that is tied to the embedding has no weight of its own
        if (model.Weights.All(w => w.Name != "logits.weight"))
            matrices.AddRange(model.Weights.Where(w => w.Role == Role.Embedding).Select(w => (w.Shape[0], w.Shape[1])));
        double total = 0;
        foreach (var group in matrices.GroupBy(m => m))
        {
            using var scope = torch.NewDisposeScope();
            var (x, y, weight) = (torch.rand(tokens, group.Key.In), torch.rand(tokens, group.Key.Out), torch.rand(group.Key.Out, group.Key.In));
            double Time(Func<torch.Tensor> product)
            {
                product().Dispose();
                long begun = Stopwatch.GetTimestamp();
                product().Dispose();
                return Stopwatch.GetElapsedTime(begun).TotalSeconds;
            }
            total += group.Count() * (Time(() => x.mm(weight.t())) + Time(() => y.mm(weight)) + Time(() => y.t().mm(x)));
        }
        return total;
    }

    /// <summary>Puts the weights into the model, and answers the tokens.</summary>
    private static long[] Load(string path, ModelWeights weights)
    {
        var file = Safetensors.Read(path);
        var tensors = new Dictionary<string, StoredTensor>(file.Tensors, StringComparer.Ordinal);
        var tokens = MemoryMarshal.Cast<byte, long>(tensors["tokens"].Data.Span).ToArray();
        tensors.Remove("tokens");
        ModelFile.Load(new StoredTensors(tensors, file.Metadata), weights, path, requireMeaning: false);
        return tokens;
    }

    private static torch.Tensor Part(long[] tokens, int step, int batch, int context, int shift, torch.Device device)
    {
        var part = torch.empty(batch, context, dtype: torch.ScalarType.Int64);
        for (int b = 0; b < batch; b++)
            tokens.AsSpan(((step * batch) + b) * (context + 1) + shift, context).CopyTo(MemoryMarshal.Cast<byte, long>(part.bytes)[(b * context)..]);
        return device.type == DeviceType.CPU ? part : part.to(device);
    }
}
