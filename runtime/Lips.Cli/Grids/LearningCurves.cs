using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Lips.Runtime.Reporting;
using Lips.Runtime.Training;

namespace Lips.Cli.Grids;

/// <summary>
/// A grid's learning curves: one colour for each value of the first key, one panel for each combination of the others, a band over
/// the seeds, and a row of panels for each quantity.
/// </summary>
internal static class LearningCurves
{
    private const int Stretches = 48;

    /// <summary>What may be drawn, by the name it is asked for.</summary>
    private static readonly IReadOnlyList<(string Name, string Label, bool MayExplode, Func<MetricsLine, double?> Of)> Known =
    [
        ("loss", "training loss", true, m => m.Loss),
        ("validation", "validation loss", true, m => m.ValidationLoss),
        ("accuracy", "accuracy, %", false, m => 100 * m.ValidationAccuracy),
        ("entropy", "attention entropy, nats", false, m => m.Attention is { Count: > 0 } layers ? layers.Values.SelectMany(heads => heads).Average(h => h.Entropy) : null),
    ];

    public static IReadOnlyList<string> Names => [.. Known.Select(k => k.Name)];

    public static string Draw(GridPlan plan, IReadOnlyList<GridRun> runs, IReadOnlyList<string> wanted)
    {
        string colour = plan.Shown.Count > 0 ? plan.Shown[0] : GridPlan.SpecKey;
        var others = plan.Shown.Skip(1).ToList();
        string Panel(GridRun run) => string.Join(", ", others.Select(key => (others.Count == 1 ? key + " = " : "") + Short(run.Value(key), runs.Select(r => r.Value(key)))));
        var titles = runs.Select(Panel).Distinct().ToList();
        var colours = runs.Select(r => r.Value(colour)).Distinct().ToList();
        var metrics = runs.ToDictionary(r => r, r => MetricsLog.Read(new RunFolder(r.Folder).Metrics));
        var rows = wanted.Select(name => Known.First(k => k.Name == name)).Select(kind => new CurveRow(kind.Label, kind.MayExplode,
        [
            .. titles.Select(title => (IReadOnlyList<Curve>)
            [
                .. colours.Select(value => Pool(
                    Short(value, colours),
                    runs.Where(r => Panel(r) == title && r.Value(colour) == value).Select(r => (r.Failure is not null && !r.Stopped, Series(metrics[r], kind.Of))).ToList())),
            ]),
        ])).ToList();
        string band = plan.Seeds > 1 ? string.Create(CultureInfo.InvariantCulture, $"line: mean of {plan.Seeds} seeds; band: least to most; ") : "";
        return CurvePlot.Draw(titles, rows, "step", band + "×: a run whose loss is no longer a number");
    }

    /// <summary>A long call by its name alone, where no other value is a call of that name.</summary>
    public static string Short(string value, IEnumerable<string> among)
    {
        static string Head(string text) => text.Split('(')[0];
        return value.Length > 32 && among.Distinct().Count(other => Head(other) == Head(value)) == 1 ? Head(value) : value;
    }

    private static List<(double X, double Y)> Series(IReadOnlyList<MetricsLine> lines, Func<MetricsLine, double?> of) =>
        lines.Select(m => ((double)m.Step, Y: of(m))).Where(p => p.Y is double y && double.IsFinite(y)).Select(p => (p.Item1, p.Y!.Value)).ToList();

    /// <summary>Means over stretches of steps, run by run, then their mean, least and most over the runs.</summary>
    private static Curve Pool(string name, IReadOnlyList<(bool Failed, List<(double X, double Y)> Points)> runs)
    {
        double end = runs.SelectMany(r => r.Points).Select(p => p.X).DefaultIfEmpty(1).Max();
        bool few = runs.All(r => r.Points.Count <= Stretches);
        double Place(double x) => few ? x : Math.Min(Math.Floor(x / end * Stretches), Stretches - 1);
        var means = runs.Select(r => r.Points.GroupBy(p => Place(p.X)).ToDictionary(g => g.Key, g => (X: g.Average(p => p.X), Y: g.Average(p => p.Y)))).ToList();
        var points = means.SelectMany(m => m.Keys).Distinct().Order().Select(place =>
        {
            var here = means.Where(m => m.ContainsKey(place)).Select(m => m[place]).ToList();
            return new BandPoint(here.Max(p => p.X), here.Min(p => p.Y), here.Average(p => p.Y), here.Max(p => p.Y));
        }).ToList();
        return new Curve(name, points, [.. runs.Where(r => r.Failed && r.Points.Count > 0).Select(r => r.Points[^1])]);
    }
}
