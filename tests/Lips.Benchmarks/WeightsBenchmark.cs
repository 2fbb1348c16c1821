using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;

namespace Lips.Benchmarks;

/// <summary>
/// What is done to the weights of <c>specs/enforced/nanogpt.lips</c> (or another spec) beside training: constraint enforcement, a step
/// of Muon, certified norms. The peer takes one weight after the other in eager PyTorch.
/// </summary>
internal static class WeightsBenchmark
{
    public static int Enforcement(string[] args) => Run("enforcement", args, "soft,hard,normalize");

    public static int Muon(string[] args) => Run("muon", args, "muon");

    public static int Norms(string[] args) => Run("norms", args, "norms");

    private static int Run(string name, string[] args, string every)
    {
        Arguments given;
        try
        {
            given = new Arguments(args, "methods", "specs", "pairs", "repeat", "threads", "share", "device");
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"lips bench {name}: {e.Message}");
            return 2;
        }
        int pairs = given.Number("pairs", 5), repeat = given.Number("repeat", 2);
        int[] threads = given.Text("threads", "") is { Length: > 0 } list ? [.. list.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))] : Machine.Threads;
        string[] methods = given.Text("methods", every).Split(','), specs = given.Text("specs", name == "enforcement" ? $"enforced/nanogpt.lips,{WeightsSide.Squares}" : "enforced/nanogpt.lips").Split(',');
        var rows = new List<string>();
        foreach (string spec in specs)
        {
            string start = Path.Combine(Path.GetTempPath(), $"lips-weights-{Environment.ProcessId}.safetensors");
            try
            {
                WeightsSide.Prepare(spec, start);
                double step = given.Text("share", "") is { Length: > 0 } share ? StepSeconds(spec, share, threads) : double.NaN;
                foreach (string what in methods)
                {
                    // the first repetition of each run compiles and touches memory
                    int warmUp = repeat > 1 ? 1 : 0;
                    string[] common = ["--start", start, "--repeat", $"{repeat}", "--device", given.Text("device", "cpu")];
                    Side Ours(int n) => new($"Lips {what}", "dotnet", [Assembly.GetExecutingAssembly().Location, WeightsSide.Name, "--what", what, "--spec", spec, .. common]);
                    Side Peer(int n) => new($"PyTorch {what}", Machine.Python, [Path.Combine(Machine.Repository, "tests", "Lips.Benchmarks", "peers", "matrices.py"), what, "--threads", $"{n}", .. common]);
                    var c = PairedRuns.Compare(Ours, Peer, threads, pairs, warmUp);
                    string note = "";
                    if (what == "norms")
                        note = Accuracy(PairedRuns.Run(Ours(c.OurThreads), c.OurThreads, warmUp).Losses, PairedRuns.Run(Peer(c.PeerThreads), c.PeerThreads, warmUp).Losses);
                    else if (what == "soft" && spec.Contains("nanogpt", StringComparison.Ordinal))
                    {
                        var head = PairedRuns.Run(new Side("PyTorch, the head by its larger side (estimate)", Machine.Python, [.. Peer(c.PeerThreads).Arguments.Select(a => a == what ? "head" : a)]), c.PeerThreads, 0);
                        note = string.Create(CultureInfo.InvariantCulture, $"the head by its larger side, as released, would add {head.Seconds[0]:F0} s to the peer's");
                    }
                    if (!double.IsNaN(step))
                        note += string.Create(CultureInfo.InvariantCulture, $"{(note == "" ? "" : "; ")}{100 * c.OurSeconds / step:F2} % of a step of {step:F1} s");
                    rows.Add(string.Create(CultureInfo.InvariantCulture, $"| {what}, {spec} | {Seconds(c.OurSeconds)} ({c.OurThreads}) | {Seconds(c.PeerSeconds)} ({c.PeerThreads}) | {c.Ratio:F3} ({c.Ratios.Min():F3} to {c.Ratios.Max():F3}) | {note} |"));
                }
            }
            finally
            {
                File.Delete(start);
            }
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; {pairs} alternating pairs of processes\n"));
        Console.WriteLine("| what | ours (threads) | PyTorch, one weight after the other (threads) | ratio (spread) | |\n|---|---|---|---|---|");
        rows.ForEach(Console.WriteLine);
        return 0;
    }

    /// <summary>Seconds of forward and backward of so many tokens, <c>BATCH x CONTEXT x TIMES</c>: measured on one batch, times as many as a step has.</summary>
    private static double StepSeconds(string spec, string share, int[] threads)
    {
        int[] sizes = [.. share.Split('x').Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
        string start = Path.Combine(Path.GetTempPath(), $"lips-share-{Environment.ProcessId}.safetensors");
        try
        {
            TrainingSide.Prepare(spec, sizes[1], sizes[0], 2, start);
            return sizes[2] * threads.Min(n => PairedRuns.Run(new Side($"a batch of {sizes[0]} × {sizes[1]}", "dotnet",
                [Assembly.GetExecutingAssembly().Location, TrainingSide.Name, "--spec", spec, "--start", start, "--context", $"{sizes[1]}", "--batch", $"{sizes[0]}", "--steps", "2"]), n, 1).Median(1));
        }
        finally
        {
            File.Delete(start);
        }
    }

    /// <summary>How far certified norms are from those of the decomposition, which has errors of its own.</summary>
    private static string Accuracy(IReadOnlyList<double> certified, IReadOnlyList<double> computed)
    {
        double[] excess = [.. certified.Zip(computed, (ours, its) => ours / its - 1)];
        return string.Create(CultureInfo.InvariantCulture, $"{excess.Length} norms, from {excess.Min():0.0e+0} to {excess.Max():0.0e+0} above svdvals");
    }

    private static string Seconds(double value) => value < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{1000 * value:F0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{value:F2} s");
}
