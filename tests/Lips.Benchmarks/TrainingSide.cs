using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Cli.Falsification;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Benchmarks;

/// <summary>Our side of the training benchmark: what a <see cref="Trainer"/> does in a step, but for the projection onto the caps.</summary>
internal static class TrainingSide
{
    public const string Name = "training-side";

    private static readonly OptimizerPlan.AdamW Plan = new(1e-3, 0.9, 0.95, 1e-8, 0.1);

    private static ILipsModel Model(string spec, int context)
    {
        string text = File.ReadAllText(Path.Combine(Machine.Repository, "specs", spec));
        // a shorter context has fewer positions: what the spec says of its size is for the one it declares
        text = string.Join('\n', text.Split('\n').Where(line => !line.TrimStart().StartsWith("claim parameters", StringComparison.Ordinal)));
        return Emitted.One(new Case(Path.GetFileNameWithoutExtension(spec), text), ("context", context.ToString(CultureInfo.InvariantCulture))).New();
    }

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

    /// <summary>Trains for some steps; prints seconds and losses of each, and the peak of memory.</summary>
    public static int Run(string[] args)
    {
        var given = new Arguments(args, "spec", "start", "steps", "context", "batch");
        int context = given.Number("context", 256), batch = given.Number("batch", 16), steps = given.Number("steps", 20);
        using var model = Model(given.Text("spec", ""), context);
        using var weights = new ModelWeights(model);
        long[] tokens = Load(given.Text("start", ""), weights);
        // what was read is no part of the training
        GC.Collect(2, GCCollectionMode.Aggressive);
        model.Module.train();
        var rule = UpdateRule.Create(Plan, weights.Distinct, "");
        var (seconds, losses) = (new List<double>(), new List<double>());
        for (int step = 0; step < steps; step++)
        {
            long begun = Stopwatch.GetTimestamp();
            using (torch.NewDisposeScope())
            {
                var loss = Losses.Mean(new Objective.NextToken(null, 0), model.Forward([Part(tokens, step, batch, context, 0)]), new Batch([Part(tokens, step, batch, context, 0)], Part(tokens, step, batch, context, 1)));
                loss.backward();
                rule.Step(1);
                model.Module.zero_grad();
                losses.Add(loss.item<float>());
            }
            seconds.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
        }
        static string List(IEnumerable<double> numbers) => string.Join(", ", numbers.Select(x => x.ToString("R", CultureInfo.InvariantCulture)));
        Console.WriteLine($"{{\"seconds\": [{List(seconds)}], \"losses\": [{List(losses)}], \"peak_bytes\": {Machine.PeakBytes}}}");
        return 0;
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

    private static torch.Tensor Part(long[] tokens, int step, int batch, int context, int shift)
    {
        var part = new long[batch * context];
        for (int b = 0; b < batch; b++)
            Array.Copy(tokens, ((long)step * batch + b) * (context + 1) + shift, part, b * context, context);
        return torch.tensor(part).view(batch, context);
    }
}
