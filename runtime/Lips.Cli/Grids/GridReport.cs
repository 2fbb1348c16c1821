using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json.Nodes;
using Lips.Runtime.Reporting;

namespace Lips.Cli.Grids;

/// <summary>What a grid prints and writes: runs that differ in their seeds only make one row.</summary>
internal sealed class GridReport
{
    private readonly GridPlan _plan;
    private readonly IReadOnlyList<GridRun> _runs;
    private readonly List<List<GridRun>> _rows;

    public GridReport(GridPlan plan, IReadOnlyList<GridRun> runs)
    {
        (_plan, _runs) = (plan, runs);
        _rows = runs.GroupBy(r => string.Join('\n', plan.Shown.Select(r.Value))).Select(g => g.ToList())
            .OrderBy(row => row.TrueForAll(r => r.Accuracy is null)).ThenByDescending(row => row.Average(r => r.Accuracy)).ToList();
    }

    /// <summary>Aligned columns for a terminal.</summary>
    public string Text()
    {
        var rows = Cells();
        int[] widths = Enumerable.Range(0, rows[0].Length).Select(i => rows.Max(r => r[i].Length)).ToArray();
        var text = new StringBuilder("\n");
        foreach (string[] row in rows)
            text.Append(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd()).Append('\n');
        return text.ToString();
    }

    /// <summary>The same rows as Markdown.</summary>
    public string Markdown()
    {
        var rows = Cells();
        string Line(IEnumerable<string> cells) => "| " + string.Join(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))) + " |\n";
        return Line(rows[0]) + Line(rows[0].Select(_ => "---")) + string.Concat(rows.Skip(1).Select(r => Line(r)));
    }

    public JsonArray Json() =>
    [
        .. _rows.SelectMany(row => row).OrderBy(r => r.Accuracy is null).ThenByDescending(r => r.Accuracy).Select(r =>
        {
            var json = new JsonObject();
            foreach (string key in _plan.Seeds > 1 ? [.. _plan.Shown, "seed"] : _plan.Shown)
                json[key] = r.Value(key);
            json["run"] = r.Folder.Replace('\\', '/');
            json["accuracy"] = r.Accuracy;
            json["loss"] = r.Loss;
            json["bound"] = r.Bound;
            if (r.Failure is not null)
                json["failure"] = r.Failure;
            return (JsonNode)json;
        }),
    ];

    /// <summary>Accuracy over log₁₀ of the bound: one colour for each value of the last key, one dot for each run.</summary>
    public string Scatter() => ScatterPlot.Draw(
        _runs.Where(r => r.Log10 is not null && r.Accuracy is not null)
            .Select(r => new Dot(_plan.Shown.Count > 0 ? r.Value(_plan.Shown[^1]) : "runs", r.Log10!.Value, 100 * r.Accuracy!.Value, string.Join(", ", _plan.Shown.Select(r.Value)))).ToList(),
        "log10 of the certified bound", "accuracy, %");

    private List<string[]> Cells()
    {
        bool pooled = _plan.Seeds > 1;
        List<string[]> rows =
        [
            [
                .. _plan.Shown,
                pooled ? $"accuracy, mean of {_plan.Seeds} seeds" : "accuracy", .. pooled ? ["least … most"] : Array.Empty<string>(), "loss",
                pooled ? "largest bound of the trained weights" : "bound of the trained weights", pooled ? "runs" : "run",
            ],
        ];
        foreach (var row in _rows)
        {
            var done = row.Where(r => r.Accuracy is not null).ToList();
            int failed = row.Count(r => r.Accuracy is null);
            string accuracy = done.Count > 0 ? Percent(done.Average(r => r.Accuracy!.Value)) + " %" : "";
            string lack = failed == 0 ? "" : pooled ? $"{failed} of {row.Count} failed" : "failed";
            rows.Add(
            [
                .. _plan.Shown.Select(key => Short(row[0], key)),
                string.Join(", ", new[] { accuracy, lack }.Where(t => t.Length > 0)),
                .. !pooled ? Array.Empty<string>() : [done.Count > 0 ? $"{Percent(done.Min(r => r.Accuracy!.Value))} … {Percent(done.Max(r => r.Accuracy!.Value))}" : ""],
                done.Count > 0 ? done.Average(r => r.Loss)?.ToString("F4", CultureInfo.InvariantCulture) ?? "" : "",
                // a bound that is not finite is the largest
                done.OrderByDescending(r => r.Log10 is null).ThenByDescending(r => r.Log10).FirstOrDefault()?.Bound ?? "",
                pooled ? string.Join(' ', row.Select((r, i) => i == 0 ? r.Folder : System.IO.Path.GetFileName(r.Folder))) : row[0].Folder,
            ]);
        }
        return rows;
    }

    private string Short(GridRun run, string key) => LearningCurves.Short(run.Value(key), _runs.Select(r => r.Value(key)));

    private static string Percent(double share) => (100 * share).ToString("F2", CultureInfo.InvariantCulture);
}
