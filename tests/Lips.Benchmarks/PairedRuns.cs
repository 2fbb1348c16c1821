using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Text.Json;

namespace Lips.Benchmarks;

/// <summary>A program to be timed. It times itself, and its last line is JSON: <c>seconds</c> of every repetition, <c>peak_bytes</c> resident, and, where there are any, <c>losses</c> and further lists of numbers.</summary>
internal sealed record Side(string Name, string Program, IReadOnlyList<string> Arguments);

/// <summary>What one run of a side said.</summary>
internal sealed record Measurement(IReadOnlyDictionary<string, double[]> Lists, long PeakBytes)
{
    public IReadOnlyList<double> Seconds => Lists["seconds"];

    public IReadOnlyList<double> Losses => Lists.TryGetValue("losses", out var losses) ? losses : [];

    /// <summary>The median repetition, without the first ones.</summary>
    public double Median(int warmUp, string list = "seconds") => PairedRuns.Median(Lists[list].Skip(warmUp));
}

/// <summary>Two sides after several pairs of runs: medians over the runs, the ratio of each pair (ours over the peer's), and the last run of each.</summary>
internal sealed record Comparison(int OurThreads, int PeerThreads, double OurSeconds, double PeerSeconds, IReadOnlyList<double> Ratios, long OurPeak, long PeerPeak, IReadOnlyList<double> MemoryRatios, double LossDifference, Measurement Ours, Measurement Peer)
{
    public double Ratio => PairedRuns.Median(Ratios);

    public double MemoryRatio => PairedRuns.Median(MemoryRatios);
}

/// <summary>Runs two programs in turns, each at its own best number of threads, which a sweep finds first.</summary>
internal static class PairedRuns
{
    /// <param name="ours">Our side with a number of threads.</param>
    /// <param name="peer">The peer with a number of threads.</param>
    /// <param name="threads">The numbers that the sweep tries.</param>
    /// <param name="pairs">How many pairs are run; who begins alternates.</param>
    /// <param name="warmUp">Repetitions of a run that are not counted.</param>
    public static Comparison Compare(Func<int, Side> ours, Func<int, Side> peer, IReadOnlyList<int> threads, int pairs, int warmUp)
    {
        var (ourThreads, ourSweep) = Best(ours, threads, warmUp);
        var (peerThreads, peerSweep) = Best(peer, threads, warmUp);
        // the runs of the sweep at the best number of threads are the first pair
        List<Measurement> mine = [ourSweep], its = [peerSweep];
        for (int i = 1; i < pairs; i++)
        {
            if (i % 2 == 0)
                mine.Add(Run(ours(ourThreads), ourThreads, warmUp));
            its.Add(Run(peer(peerThreads), peerThreads, warmUp));
            if (i % 2 == 1)
                mine.Add(Run(ours(ourThreads), ourThreads, warmUp));
        }
        double difference = mine[0].Losses.Zip(its[0].Losses, (a, b) => Math.Abs(a - b)).DefaultIfEmpty(double.NaN).Max();
        return new Comparison(
            ourThreads, peerThreads, Median(mine.Select(m => m.Median(warmUp))), Median(its.Select(m => m.Median(warmUp))),
            [.. mine.Zip(its, (a, b) => a.Median(warmUp) / b.Median(warmUp))],
            (long)Median(mine.Select(m => (double)m.PeakBytes)), (long)Median(its.Select(m => (double)m.PeakBytes)),
            [.. mine.Zip(its, (a, b) => (double)a.PeakBytes / b.PeakBytes)], difference, mine[^1], its[^1]);
    }

    private static (int Threads, Measurement Run) Best(Func<int, Side> side, IReadOnlyList<int> threads, int warmUp) =>
        threads.Select(n => (n, Run(side(n), n, warmUp))).MinBy(r => r.Item2.Median(warmUp));

    /// <summary>Runs a side to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed, or its last line is not what it should be.</exception>
    public static Measurement Run(Side side, int threads, int warmUp)
    {
        var start = new ProcessStartInfo(side.Program, side.Arguments) { RedirectStandardOutput = true };
        // of the BLAS, of torch, and of what is computed in C#
        start.Environment["OMP_NUM_THREADS"] = start.Environment["OPENBLAS_NUM_THREADS"] = start.Environment["DOTNET_PROCESSOR_COUNT"] = threads.ToString(CultureInfo.InvariantCulture);
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        string last = output.TrimEnd().Split('\n')[^1];
        if (process.ExitCode != 0 || !last.StartsWith('{'))
            throw new InvalidOperationException($"{side.Name} ended with code {process.ExitCode}: {side.Program} {string.Join(' ', side.Arguments)}");
        using var json = JsonDocument.Parse(last);
        var lists = json.RootElement.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Array)
            .ToDictionary(p => p.Name, p => p.Value.EnumerateArray().Select(x => x.GetDouble()).ToArray(), StringComparer.Ordinal);
        var run = new Measurement(lists, json.RootElement.GetProperty("peak_bytes").GetInt64());
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {side.Name}, {threads} threads: {1000 * run.Median(warmUp):F1} ms, {run.PeakBytes / 1e6:F0} MB"));
        return run;
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
