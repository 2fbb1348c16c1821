using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Runtime.Training;

namespace Lips.Benchmarks;

/// <summary>
/// What several workers on one machine bring: <c>lips train</c> with one process on one core, one process on all cores, and as many
/// processes as cores, on the same batches, in turns. Everything of a step counts: data, forward, backward, exchange, update and
/// projection; the comparison of all bits is on, as it is by default.
/// </summary>
internal static class WorkersBenchmark
{
    private sealed record Way(string Name, int Workers, int Cores);

    public static int Run(string[] args)
    {
        Arguments given;
        try
        {
            given = new Arguments(args, "spec", "batch", "steps", "rounds", "workers");
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"lips bench workers: {e.Message}");
            return 2;
        }
        int steps = given.Number("steps", 24), rounds = given.Number("rounds", 3), batch = given.Number("batch", 16);
        int cores = Environment.ProcessorCount, workers = given.Number("workers", cores);
        string spec = given.Text("spec", Path.Combine("specs", "enforced", "shakespeare.lips"));
        List<Way> ways = [new("one process on one core", 1, 1), new($"one process on {cores} cores", 1, cores), new($"{workers} processes on {cores} cores", workers, cores)];
        var measured = ways.ToDictionary(w => w, _ => new List<double>());
        string unit = "units";
        for (int round = 0; round < rounds; round++)
            // who begins changes, so that a machine that warms up or is disturbed favours nobody
            foreach (var way in ways.Skip(round % ways.Count).Concat(ways.Take(round % ways.Count)))
            {
                var (perSecond, counted) = Measure(spec, batch, steps, way);
                unit = counted;
                measured[way].Add(perSecond);
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {way.Name}: {perSecond:F0} {unit}/s"));
            }
        double alone = PairedRuns.Median(measured[ways[1]]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; {spec}, batch {batch}, median of the steps from 5 to {steps}; {rounds} rounds in turns\n"));
        Console.WriteLine($"| | {unit}/s | spread | to one process on {cores} cores |\n|---|---|---|---|");
        foreach (var (way, rates) in measured)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {way.Name} | {PairedRuns.Median(rates):F0} | {rates.Min():F0} to {rates.Max():F0} | {PairedRuns.Median(rates) / alone:F2} |"));
        return 0;
    }

    /// <summary>The median rate of the steps after the first four, as the run's own log has it.</summary>
    private static (double PerSecond, string Unit) Measure(string spec, int batch, int steps, Way way)
    {
        string folder = Directory.CreateTempSubdirectory("lips-workers-").FullName;
        try
        {
            // a plan of 2000 steps logs every one; this run ends after the first few
            string[] arguments =
            [
                "train", Path.GetFullPath(spec, Machine.Repository), $"batch={batch}", "steps=2000", "--name", "bench",
                "--stop-at", steps.ToString(CultureInfo.InvariantCulture), .. way.Workers > 1 ? new[] { "--workers", $"{way.Workers}" } : [],
            ];
            string program = Path.Combine(AppContext.BaseDirectory, "lips");
            var start = new ProcessStartInfo("taskset", ["-c", way.Cores == 1 ? "0" : $"0-{way.Cores - 1}", program, .. arguments]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["OMP_NUM_THREADS"] = start.Environment["OPENBLAS_NUM_THREADS"] = way.Cores.ToString(CultureInfo.InvariantCulture);
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"{way.Name} ended with code {process.ExitCode}: {errors.Result}");
            var lines = MetricsLog.Read(Path.Combine(folder, "runs", "bench", "metrics.jsonl"));
            string unit = errors.Result.Contains("tokens/s", StringComparison.Ordinal) ? "tokens" : "samples";
            return (PairedRuns.Median(lines.Where(l => l.Step > 4 && l.PerSecond is not null).Select(l => l.PerSecond!.Value)), unit);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
