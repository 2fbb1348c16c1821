using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>A <c>lips</c> of its own, or a program that starts some, with the folder of the test as current one.</summary>
internal sealed class LipsProcess : IDisposable
{
    /// <summary>A spec whose steps take some milliseconds.</summary>
    public static readonly string Digits = RunVerbTests.Digits.Replace("steps: 6; batch: 8; seed: 1", "steps: 8; batch: 8; seed: 1; checkpoint_every: 4", StringComparison.Ordinal);

    /// <summary>Far more than anything here takes, however loaded the machine is.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly string[] OfLaunchers = ["RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RESTART_COUNT"];

    private readonly StringBuilder _output = new(), _errors = new();

    public LipsProcess(IEnumerable<string> arguments, IEnumerable<(string Name, string Value)>? variables = null, string? program = null)
    {
        var start = new ProcessStartInfo(program ?? Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string name in OfLaunchers)
            start.Environment.Remove(name);
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach (var (name, value) in variables ?? [])
            start.Environment[name] = value;
        Process = Process.Start(start)!;
        Process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        Process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    /// <summary>The command that is tested.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "lips");

    public Process Process { get; }

    public string Said
    {
        get
        {
            lock (_output)
                lock (_errors)
                    return _output.ToString() + _errors;
        }
    }

    public int Wait()
    {
        Assert.True(Process.WaitForExit(Patience), "still running: " + Said);
        Process.WaitForExit();
        return Process.ExitCode;
    }

    /// <summary>The last step in a run's log; -1 where there is none yet.</summary>
    public static long LastStep(string metrics)
    {
        if (!File.Exists(metrics))
            return -1;
        string last;
        using (var reader = new StreamReader(new FileStream(metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)))
            last = reader.ReadToEnd().TrimEnd().Split('\n')[^1];
        const string key = "\"step\":";
        int start = last.IndexOf(key, StringComparison.Ordinal);
        return start < 0 ? -1 : long.Parse(new string([.. last[(start + key.Length)..].TrimStart().TakeWhile(char.IsAsciiDigit)]), CultureInfo.InvariantCulture);
    }

    private static void Keep(StringBuilder kept, string? line)
    {
        lock (kept)
            if (line is not null)
                kept.Append(line).Append('\n');
    }

    public void Dispose()
    {
        if (!Process.HasExited)
            Process.Kill(entireProcessTree: true);
        Process.WaitForExit();
        Process.Dispose();
    }
}
