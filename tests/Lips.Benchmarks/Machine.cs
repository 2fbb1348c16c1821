using System;
using System.IO;
using System.Linq;

namespace Lips.Benchmarks;

/// <summary>What the numbers were measured on, and what the sides measure with.</summary>
internal static class Machine
{
    /// <summary>Processor, cores and what of the environment decides speed.</summary>
    public static string Description
    {
        get
        {
            string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor";
            string core = Environment.GetEnvironmentVariable("OPENBLAS_CORETYPE") is { Length: > 0 } named ? named : "as installed";
            return $"{model}, {Environment.ProcessorCount} cores; OPENBLAS_CORETYPE: {core}";
        }
    }

    /// <summary>The numbers of threads a sweep tries: 1, 2, 4, … and all cores.</summary>
    public static int[] Threads =>
        [.. Enumerable.Range(0, 10).Select(i => 1 << i).Where(n => n < Environment.ProcessorCount), Environment.ProcessorCount];

    /// <summary>The Python that has the peers' torch: <c>$LIPS_PEER_PYTHON</c>, or Debian's, which has its libtorch in common with us.</summary>
    public static string Python => Environment.GetEnvironmentVariable("LIPS_PEER_PYTHON") is { Length: > 0 } named ? named : "/usr/bin/python3";

    /// <summary>The most memory this process has had resident.</summary>
    public static long PeakBytes =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(':')[1].Replace("kB", "", StringComparison.Ordinal).Trim());

    /// <summary>The folder that holds Spec.sln.</summary>
    public static string Repository
    {
        get
        {
            string? folder = AppContext.BaseDirectory;
            while (folder is not null && !File.Exists(Path.Combine(folder, "Spec.sln")))
                folder = Path.GetDirectoryName(folder);
            return folder ?? throw new InvalidOperationException("run the benchmarks from inside the repository");
        }
    }
}
