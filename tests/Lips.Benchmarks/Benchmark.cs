using System;
using System.Collections.Generic;
using System.Globalization;

namespace Lips.Benchmarks;

/// <summary>A benchmark that <c>./lips bench</c> knows by name. Without a summary it is a part of another, which starts it as a process.</summary>
internal sealed record Benchmark(string Name, string? Summary, Func<string[], int> Run);

/// <summary>Arguments of the form <c>--name value</c>.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _given = new(StringComparer.Ordinal);

    public Arguments(string[] args, params string[] known)
    {
        for (int i = 0; i < args.Length; i += 2)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal) || Array.IndexOf(known, args[i][2..]) < 0 || i + 1 == args.Length)
                throw new ArgumentException($"'{args[i]}' is not understood; there are --{string.Join(" VALUE, --", known)} VALUE.");
            _given[args[i][2..]] = args[i + 1];
        }
    }

    public string Text(string name, string fallback) => _given.GetValueOrDefault(name, fallback);

    public int Number(string name, int fallback) => _given.TryGetValue(name, out string? text) ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;
}
