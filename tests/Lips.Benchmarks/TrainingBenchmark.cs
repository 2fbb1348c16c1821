using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;

namespace Lips.Benchmarks;

/// <summary>
/// Training steps (batch, forward, backward, AdamW; no dropout, no projection) of <c>specs/enforced/shakespeare.lips</c> and
/// <c>specs/baselines/gpt.lips</c>, from the same weights and batches as the peer, which is eager PyTorch.
/// </summary>
internal static class TrainingBenchmark
{
    private sealed record Setting(string Model, string Spec, int Steps, int WarmUp);

    /// <param name="args">Of the command: models, pairs of runs, steps of a run, batch, context, threads to try, device, precision, whether the peer is compiled (1), and graphs of ours (auto or off).</param>
    public static int Run(string[] args)
    {
        Arguments given;
        try
        {
            given = new Arguments(args, "models", "pairs", "steps", "batch", "context", "threads", "device", "compile", "precision", "graphs");
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"lips bench training: {e.Message}");
            return 2;
        }
        string device = given.Text("device", "cpu"), precision = given.Text("precision", "float32"), compile = given.Text("compile", "0");
        if (precision is not ("float32" or "bfloat16"))
        {
            Console.Error.WriteLine($"lips bench training: --precision must be float32 or bfloat16, found '{precision}'.");
            return 2;
        }
        // graphs are recorded, and the peer is compiled, within the first steps
        bool onCpu = device == "cpu";
        int pairs = given.Number("pairs", 5), batch = given.Number("batch", 16), context = given.Number("context", 256);
        int[] threads = given.Text("threads", "") is { Length: > 0 } list ? [.. list.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))] : Machine.Threads;
        string[] models = given.Text("models", "shakespeare,gpt").Split(',');
        Setting[] settings = [new("shakespeare", "enforced/shakespeare.lips", 20, 4), new("gpt", "baselines/gpt.lips", 4, 1)];
        var rows = new List<string>();
        var parts = new List<string>();
        foreach (var setting in settings.Where(s => models.Contains(s.Model)))
        {
            int steps = given.Number("steps", onCpu ? setting.Steps : 60), warmUp = Math.Min(onCpu ? setting.WarmUp : 10, steps - 1);
            string start = Path.Combine(Path.GetTempPath(), $"lips-training-{setting.Model}-{Environment.ProcessId}.safetensors");
            try
            {
                string[] common = ["--steps", steps.ToString(CultureInfo.InvariantCulture), "--device", device, "--precision", precision];
                Side Ours(int n) => new($"Lips {setting.Model}", "dotnet", [Assembly.GetExecutingAssembly().Location, TrainingSide.Name, "--spec", setting.Spec, "--start", start, "--context", $"{context}", "--batch", $"{batch}", "--graphs", given.Text("graphs", "auto"), .. common]);
                Side Peer(int n) => new($"PyTorch {setting.Model}", Machine.Python, [Path.Combine(Machine.Repository, "tests", "Lips.Benchmarks", "peers", "training.py"), setting.Model, "--start", start, "--threads", $"{n}", "--compile", compile, .. common]);
                TrainingSide.Prepare(setting.Spec, context, batch, steps, start);
                var c = PairedRuns.Compare(Ours, Peer, threads, pairs, warmUp);
                rows.Add(string.Create(CultureInfo.InvariantCulture, $"| {setting.Model}, {batch} × {context}, {precision} on {device} | {Seconds(c.OurSeconds)} ({c.OurThreads}) | {Seconds(c.PeerSeconds)} ({c.PeerThreads}) | {c.Ratio:F2} ({c.Ratios.Min():F2} to {c.Ratios.Max():F2}) | {c.OurPeak / 1e6:F0} MB | {c.PeerPeak / 1e6:F0} MB | {c.MemoryRatio:F2} | {c.LossDifference:0.0e+0} over {steps} steps |"));
                // what a device was given to do is not what it has done: only whole steps are waited for there
                if (!onCpu)
                {
                    parts.Add(string.Create(CultureInfo.InvariantCulture, $"| {setting.Model} | {c.Ours.Median(warmUp, "managed") / 1e3:F1} kB |"));
                    continue;
                }
                var floor = PairedRuns.Run(Ours(c.OurThreads) with { Name = "floor of " + setting.Model, Arguments = [.. Ours(c.OurThreads).Arguments, "--steps", "1", "--floor", "1"] }, c.OurThreads, warmUp: 0);
                string Part(string name) => $"{Seconds(c.Ours.Median(warmUp, name))} / {Seconds(c.Peer.Median(warmUp, name))}";
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"| {setting.Model} | {Part("forward")} | {Part("backward")} | {Part("update")} | {Seconds(floor.Median(0, "products"))} | {c.Ours.Median(warmUp, "managed") / 1e3:F0} kB |"));
            }
            finally
            {
                File.Delete(start);
            }
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; {pairs} alternating pairs of processes\n"));
        Console.WriteLine($"| model, batch | ours (threads) | PyTorch {(compile == "1" ? "compiled" : "eager")} (threads) | ratio (spread) | our peak | its peak | ratio | largest difference of losses |\n|---|---|---|---|---|---|---|---|");
        rows.ForEach(Console.WriteLine);
        Console.WriteLine(!onCpu ? "\n| ours | managed objects of a step |\n|---|---|" : "\n| ours / PyTorch | forward | backward | AdamW | floor: the products with the weights alone, in float32 | managed objects of a step |\n|---|---|---|---|---|---|");
        parts.ForEach(Console.WriteLine);
        return 0;
    }

    private static string Seconds(double value) => value < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{1000 * value:F0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{value:F2} s");
}
