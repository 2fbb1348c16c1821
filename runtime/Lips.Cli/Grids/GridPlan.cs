using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Runtime;

namespace Lips.Cli.Grids;

/// <summary>A spec of a grid, under the name by which its own values are given and its runs are shown.</summary>
internal sealed record GridSpec(string Name, string Path);

/// <summary>The values of a key; of every spec where <paramref name="Spec"/> is null.</summary>
internal sealed record GridAxis(string? Spec, string Key, IReadOnlyList<string> Values);

/// <summary>What a grid trains: every combination of values, of every spec, from every seed.</summary>
internal sealed class GridPlan
{
    /// <summary>The key that stands for the spec itself.</summary>
    public const string SpecKey = "spec";

    private const string SeedKey = "seed";

    private readonly IReadOnlyList<GridSpec> _specs;
    private readonly IReadOnlyList<GridAxis> _axes;

    private GridPlan(IReadOnlyList<GridSpec> specs, IReadOnlyList<GridAxis> axes)
    {
        (_specs, _axes) = (specs, axes);
        Shown = [.. specs.Count > 1 ? [SpecKey] : Array.Empty<string>(), .. axes.Where(a => a.Values.Count > 1 && a.Key != SeedKey).Select(a => a.Key).Distinct()];
        Seeds = axes.FirstOrDefault(a => a.Key == SeedKey)?.Values.Count ?? 1;
    }

    public GridSpec First => _specs[0];

    /// <summary>The keys that runs differ in, the seed apart.</summary>
    public IReadOnlyList<string> Shown { get; }

    /// <summary>Runs that differ in their seeds only.</summary>
    public int Seeds { get; }

    /// <param name="arguments">Specs, and <c>key=a|b</c> for all of them or <c>NAME:key=a|b</c> for one.</param>
    /// <param name="seeds">0 to this number less one as seeds; null where the values say.</param>
    public static GridPlan Parse(IReadOnlyList<string> arguments, long? seeds)
    {
        static LipsException Usage(string message) => new(message, ExitCode.Usage);
        var paths = arguments.Where(a => !a.Contains('=', StringComparison.Ordinal)).ToList();
        if (paths.Count == 0)
            throw Usage("grid needs a spec: lips grid SPEC key=a|b …");
        var specs = paths.Select(path => new GridSpec(NameOf(path, paths), path)).ToList();
        if (specs.GroupBy(s => s.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw Usage($"'{twice.First().Path}' is named twice; to vary a spec against itself give its values as key=a|b.");
        var axes = new List<GridAxis>();
        foreach (string text in arguments.Where(a => a.Contains('=', StringComparison.Ordinal)))
        {
            int sign = text.IndexOf('=', StringComparison.Ordinal), colon = text.AsSpan(0, sign).IndexOf(':');
            string key = text[(colon + 1)..sign].Trim();
            string? owner = colon < 0 ? null : text[..colon].Trim();
            if (key.Length == 0)
                throw Usage($"'{text}' is not of the form key=value.");
            if (owner is not null && !specs.Exists(s => s.Name == owner))
                throw Usage($"'{text}' names no spec of this grid; they are {string.Join(", ", specs.Select(s => s.Name))}.");
            axes.Add(new GridAxis(owner, key, Split(text[(sign + 1)..])));
        }
        if (seeds is long count)
        {
            if (axes.Exists(a => a.Key == SeedKey))
                throw Usage("the seeds are given twice, by --seeds and by seed=.");
            axes.Add(new GridAxis(null, SeedKey, [.. Enumerable.Range(0, (int)count).Select(i => i.ToString(CultureInfo.InvariantCulture))]));
        }
        return new GridPlan(specs, axes);
    }

    /// <summary>Seed by seed, so that a grid that is stopped early has as many seeds of one combination as of another.</summary>
    public IEnumerable<(GridSpec Spec, IReadOnlyList<(string Path, string Value)> Values)> Combinations()
    {
        var all = new List<(int Seed, GridSpec Spec, IReadOnlyList<(string Path, string Value)> Values)>();
        foreach (var spec in _specs)
        {
            // a spec's own value takes the place of the one for all
            var axes = _axes.Where(a => a.Spec == spec.Name || (a.Spec is null && !_axes.Any(own => own.Spec == spec.Name && own.Key == a.Key)));
            List<(int Seed, List<(string Path, string Value)> Values)> found = [(0, [])];
            foreach (var axis in axes)
                found = found.SelectMany(before => axis.Values.Select((value, i) =>
                    (axis.Key == SeedKey ? i : before.Seed, before.Values.Append((axis.Key, value)).ToList()))).ToList();
            all.AddRange(found.Select(f => (f.Seed, spec, (IReadOnlyList<(string, string)>)f.Values)));
        }
        return all.OrderBy(c => c.Seed).Select(c => (c.Spec, c.Values));
    }

    public static bool IsSeed(string key) => key == SeedKey;

    /// <summary>The end of the path that no other spec of the grid shares, without the ending, and the folder where there are several: <c>vit-p-1gf</c>, <c>swin/swin-tiny</c>.</summary>
    private static string NameOf(string path, IReadOnlyList<string> all)
    {
        static string[] Parts(string p) => Path.ChangeExtension(p, null).Split('/', '\\');
        static string End(string[] parts, int count) => string.Join('/', parts.TakeLast(count));
        string[] parts = Parts(path);
        int least = all.Select(Path.GetDirectoryName).Distinct().Count() > 1 ? 2 : 1;
        int length = Enumerable.Range(least, parts.Length).FirstOrDefault(n => all.Count(other => End(Parts(other), n) == End(parts, n)) == 1, parts.Length);
        return End(parts, length);
    }

    /// <summary>Values between '|' signs outside of brackets and quotes.</summary>
    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        int depth = 0, start = 0;
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            quoted ^= text[i] == '"';
            if (!quoted)
                depth += text[i] is '(' or '[' ? 1 : text[i] is ')' or ']' ? -1 : 0;
            if (text[i] == '|' && depth == 0 && !quoted)
            {
                parts.Add(text[start..i].Trim());
                start = i + 1;
            }
        }
        parts.Add(text[start..].Trim());
        return parts;
    }
}
