using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Lips.Runtime.Data;

/// <summary>Where data is looked for: beside the spec, then under <c>$LIPS_DATA</c>, or <c>data/</c> when that is not set.</summary>
public sealed class DataFiles(string? specFolder)
{
    /// <summary>The folders searched, in order.</summary>
    public IReadOnlyList<string> Folders { get; } =
    [
        .. specFolder is null ? Array.Empty<string>() : [Path.GetFullPath(specFolder)],
        Path.GetFullPath(Environment.GetEnvironmentVariable("LIPS_DATA") is { Length: > 0 } named ? named : "data"),
    ];

    /// <summary>The full path of a file or folder.</summary>
    /// <exception cref="RunFailed">It is in none of the folders; the message lists them.</exception>
    public string Find(string name)
    {
        var candidates = Path.IsPathRooted(name) ? [name] : Folders.Select(folder => Path.Combine(folder, name)).ToList();
        return candidates.FirstOrDefault(Path.Exists)
            ?? throw new RunFailed($"Data '{name}' was not found. Looked at: {string.Join(", ", candidates)}. Put it there, or set LIPS_DATA to the folder that holds it.");
    }
}
