using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Lips.Benchmarks;

/// <summary>
/// What is waited for before anything is computed, whole processes of the installed command: <c>lips check</c> of every spec, and
/// the first training step, once with an empty cache of compiled models and once with a filled one.
/// </summary>
internal static class StartBenchmark
{
    private static readonly string Command = Path.Combine(Machine.Repository, "artifacts", "cli", "lips");

    public static int Run(string[] args)
    {
        Arguments given;
        try
        {
            given = new Arguments(args, "runs", "trained");
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine($"lips bench start: {e.Message}");
            return 2;
        }
        // the launcher builds the command where it is missing or stale
        Finish(Path.Combine(Machine.Repository, "lips"), ["check", Spec("quickstart.lips")]);
        int runs = given.Number("runs", 9);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; {runs} processes each\n"));

        Console.WriteLine("| `lips check`, cold | median | spread |\n|---|---|---|");
        foreach (var (spec, seconds) in Specs().Select(s => (s, Repeat(runs, () => Finish(Command, ["check", s])))).OrderByDescending(s => PairedRuns.Median(s.Item2)))
            Console.WriteLine($"| {Path.GetRelativePath(Spec(""), spec)} | {Times(seconds)} |");

        Console.WriteLine("\n| first training step, from the start of the process | model compiled | model from the cache |\n|---|---|---|");
        foreach (string spec in given.Text("trained", "quickstart.lips").Split(','))
        {
            string folder = Directory.CreateTempSubdirectory("lips-start-").FullName;
            try
            {
                var first = Repeat(runs, () => FirstStep(spec, folder, empty: true));
                var again = Repeat(runs, () => FirstStep(spec, folder, empty: false));
                Console.WriteLine($"| {spec} | {Times(first, " ")} | {Times(again, " ")} |");
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return 0;
    }

    private static string Spec(string name) => Path.Combine(Machine.Repository, "specs", name);

    /// <summary>The specs that declare a model.</summary>
    private static IEnumerable<string> Specs() =>
        Directory.EnumerateFiles(Spec(""), "*.lips", SearchOption.AllDirectories).Where(f => File.ReadLines(f).Any(l => l.StartsWith("model ", StringComparison.Ordinal))).Order(StringComparer.Ordinal);

    private static double[] Repeat(int runs, Func<double> run)
    {
        run();
        return [.. Enumerable.Range(0, runs).Select(_ => run())];
    }

    private static string Times(double[] seconds, string between = " | ") =>
        string.Create(CultureInfo.InvariantCulture, $"{1000 * PairedRuns.Median(seconds):F0} ms{between}({1000 * seconds.Min():F0} to {1000 * seconds.Max():F0})");

    /// <summary>Seconds a process takes from start to end.</summary>
    private static double Finish(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        long begun = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        return process.ExitCode == 0 ? seconds : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with code {process.ExitCode}");
    }

    /// <summary>Seconds until the training of a spec says that its first step is done; the process is ended then.</summary>
    private static double FirstStep(string spec, string folder, bool empty)
    {
        string cache = Path.Combine(folder, "cache");
        if (empty && Directory.Exists(cache))
            Directory.Delete(cache, recursive: true);
        if (Directory.Exists(Path.Combine(folder, "runs")))
            Directory.Delete(Path.Combine(folder, "runs"), recursive: true);
        var start = new ProcessStartInfo(Command, ["train", Spec(spec)]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.Environment["XDG_CACHE_HOME"] = cache;
        long begun = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        double? seconds = null;
        while (seconds is null && process.StandardError.ReadLine() is { } line)
            if (line.StartsWith("step 1/", StringComparison.Ordinal))
                seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        process.Kill();
        process.WaitForExit();
        return seconds ?? throw new InvalidOperationException($"the training of {spec} ended without a step");
    }
}
