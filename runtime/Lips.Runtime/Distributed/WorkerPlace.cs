using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Lips.Runtime.Distributed;

/// <summary>
/// Which of several processes this is, and where they meet: what torchrun, Slurm scripts and Kubernetes operators put into the
/// environment. <paramref name="LocalRank"/> counts the processes of one machine and chooses the CUDA device.
/// </summary>
/// <param name="ServesStore">This process holds the rendezvous; false where the launcher does.</param>
/// <param name="Attempt">Launchers that start all again count up; an attempt sees nothing of the one before.</param>
public sealed record WorkerPlace(int Rank, int Size, int LocalRank, string Host, int Port, bool ServesStore, string Attempt)
{
    private static readonly string[] Needed = ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"];

    /// <summary>The place that the environment names; null where it names none, or one process alone.</summary>
    /// <exception cref="LipsException">Some of the variables are missing or no numbers that fit.</exception>
    public static WorkerPlace? FromEnvironment(Func<string, string?> variable)
    {
        // a lone RANK or MASTER_ADDR may be another program's; a size of several processes is meant for this one
        if (Text(variable, "WORLD_SIZE") is not { } sizeText)
            return null;
        int size = Whole("WORLD_SIZE", sizeText, 1, 1 << 20);
        if (size == 1)
            return null;
        var missing = Needed.Where(name => Text(variable, name) is null).ToList();
        if (missing.Count > 0)
            throw Wrong($"WORLD_SIZE says {size} workers, but {string.Join(" and ", missing)} {(missing.Count > 1 ? "are" : "is")} not set; every worker needs {string.Join(", ", Needed)}. On one machine --workers {size} sets them; to train alone, unset WORLD_SIZE.");
        int rank = Whole("RANK", Text(variable, "RANK")!, 0, size - 1);
        int port = Whole("MASTER_PORT", Text(variable, "MASTER_PORT")!, 1, ushort.MaxValue);
        int local = Text(variable, "LOCAL_RANK") is { } text ? Whole("LOCAL_RANK", text, 0, 1 << 20) : 0;
        bool launcherServes = string.Equals(Text(variable, "TORCHELASTIC_USE_AGENT_STORE"), "True", StringComparison.OrdinalIgnoreCase);
        return new WorkerPlace(rank, size, local, Text(variable, "MASTER_ADDR")!, port, rank == 0 && !launcherServes, Text(variable, "TORCHELASTIC_RESTART_COUNT") ?? "0");
    }

    /// <summary>The variables that <see cref="FromEnvironment"/> reads.</summary>
    public IEnumerable<(string Name, string Value)> Variables =>
    [
        ("RANK", Number(Rank)), ("WORLD_SIZE", Number(Size)), ("LOCAL_RANK", Number(LocalRank)), ("MASTER_ADDR", Host), ("MASTER_PORT", Number(Port)),
        ("TORCHELASTIC_USE_AGENT_STORE", ServesStore ? "False" : "True"), ("TORCHELASTIC_RESTART_COUNT", Attempt),
    ];

    private static string? Text(Func<string, string?> variable, string name) => variable(name) is { Length: > 0 } text ? text : null;

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static int Whole(string name, string text, int least, int most) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? value
            : throw Wrong($"The environment variable {name} must be a whole number from {least} to {most}, found '{text}'.");

    private static LipsException Wrong(string message) => new(message, 1);
}
