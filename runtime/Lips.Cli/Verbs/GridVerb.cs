using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json.Nodes;
using Lips.Cli.Runs;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Reporting;
using Lips.Runtime.Training;

namespace Lips.Cli.Verbs;

/// <summary>
/// <c>lips grid SPEC key=a|b …</c>: trains every combination of the values given, and prints accuracy against certified bound,
/// as a table, as <c>grid.json</c> and as the plot <c>grid.svg</c> in <c>runs/NAME/</c>.
/// </summary>
internal static class GridVerb
{
    /// <summary>One combination and what came of it; the result is null where it failed.</summary>
    private sealed record Cell(IReadOnlyList<(string Path, string Value)> Values, string Folder, double? Loss, double? Accuracy, string Bound, double? Log10, string? Failure);

    public static Command Create()
    {
        var command = new Command("grid", "Train every combination of values; print accuracy against bound.");
        var spec = new SpecArguments(command);
        var name = new Option<string?>("--name") { Description = "name of the folder in runs/; that of the spec and -grid if not said", HelpName = "NAME" };
        name.Validators.Add(found =>
        {
            if (found.GetValueOrDefault<string?>() is { } text && (text is "" or "." or ".." || Path.GetFileName(text) != text))
                found.AddError($"--name must be the name of a folder in runs/, found '{text}'.");
        });
        command.Add(name);
        command.SetAction(given =>
        {
            string path = spec.Path(given);
            var axes = spec.Overrides(given).Select(o => (o.Path, Values: Split(o.Value))).ToList();
            string first = Path.Combine("runs", given.GetValue(name) ?? Path.GetFileNameWithoutExtension(path) + "-grid"), folder = first;
            for (int i = 2; Directory.Exists(folder); i++)
                folder = $"{first}-{i}";
            var shown = axes.Where(a => a.Values.Count > 1).Select(a => a.Path).ToList();
            var cells = new List<Cell>();
            foreach (var combination in Combinations(axes))
                cells.Add(Train(path, spec.ModelName(given), combination, Path.Combine(folder, (cells.Count + 1).ToString("00", CultureInfo.InvariantCulture))));
            var ranked = cells.OrderBy(c => c.Failure is not null).ThenByDescending(c => c.Accuracy).ToList();
            Console.Out.Write(Table(ranked, shown));
            AtomicFile.WriteText(Path.Combine(folder, "grid.json"), Json(ranked, shown).ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");
            AtomicFile.WriteText(Path.Combine(folder, "grid.svg"), Plot(cells, shown));
            Console.Out.WriteLine($"{folder}: grid.json, grid.svg, and a run for each row");
            return cells.Exists(c => c.Failure is not null) ? ExitCode.RunFailed : ExitCode.Ok;
        });
        return command;
    }

    private static Cell Train(string path, string? model, IReadOnlyList<(string Path, string Value)> values, string folder)
    {
        Console.Out.WriteLine($"\n{string.Join("  ", values.Select(v => $"{v.Path}={v.Value}"))}");
        try
        {
            var compiled = Spec.Compile(path, values, model, Run.Options);
            if (!compiled.HasModels || compiled.ExitCode is not ExitCode.Ok)
            {
                compiled.Show();
                return new Cell(values, folder, null, null, "", null, "the spec does not compile with these values");
            }
            var (_, result, certificate) = RunTraining.Start(compiled, values, new RunFolder(folder), Path.GetDirectoryName(Path.GetFullPath(path))!, resume: false, device: "cpu", stopAt: null, dry: false);
            if (result is null || certificate is null)
                return new Cell(values, folder, null, null, "", null, "stopped");
            var claim = certificate.Claims.FirstOrDefault();
            double? log = double.TryParse(claim?.Log10, NumberStyles.Float, CultureInfo.InvariantCulture, out double exponent) && double.IsFinite(exponent) ? exponent : null;
            return new Cell(values, folder, result.Validation?.Loss, result.Validation?.Accuracy, claim?.Bound ?? "", log, null);
        }
        catch (LipsException e)
        {
            // one combination that diverges is a result of the grid, not its end
            Terminal.Complain(e.Message);
            return new Cell(values, folder, null, null, "", null, e.Message);
        }
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

    private static IEnumerable<IReadOnlyList<(string Path, string Value)>> Combinations(IReadOnlyList<(string Path, List<string> Values)> axes)
    {
        List<List<(string Path, string Value)>> all = [[]];
        foreach (var (path, values) in axes)
            all = all.SelectMany(before => values.Select(value => before.Append((path, value)).ToList())).ToList();
        return all;
    }

    private static string Value(Cell cell, string path) => cell.Values.First(v => v.Path == path).Value;

    private static string Table(IReadOnlyList<Cell> cells, IReadOnlyList<string> shown)
    {
        List<string[]> rows = [[.. shown, "accuracy", "loss", "bound of the trained weights", "run"]];
        rows.AddRange(cells.Select(c => (string[])
        [
            .. shown.Select(p => Value(c, p)),
            c.Accuracy is double a ? (100 * a).ToString("F2", CultureInfo.InvariantCulture) + " %" : "failed",
            c.Loss?.ToString("F4", CultureInfo.InvariantCulture) ?? "",
            c.Bound,
            c.Folder,
        ]));
        int[] widths = Enumerable.Range(0, rows[0].Length).Select(i => rows.Max(r => r[i].Length)).ToArray();
        var text = new StringBuilder("\n");
        foreach (var row in rows)
            text.Append(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd()).Append('\n');
        return text.ToString();
    }

    private static JsonArray Json(IEnumerable<Cell> cells, IReadOnlyList<string> shown) =>
    [
        .. cells.Select(c =>
        {
            var row = new JsonObject();
            foreach (string path in shown)
                row[path] = Value(c, path);
            row["run"] = c.Folder.Replace('\\', '/');
            row["accuracy"] = c.Accuracy;
            row["loss"] = c.Loss;
            row["bound"] = c.Bound;
            if (c.Failure is not null)
                row["failure"] = c.Failure;
            return (JsonNode)row;
        }),
    ];

    /// <summary>Accuracy over log₁₀ of the bound: one colour for each value of the last axis, one dot for each run.</summary>
    private static string Plot(IReadOnlyList<Cell> cells, IReadOnlyList<string> shown)
    {
        string Colour(Cell cell) => shown.Count > 0 ? Value(cell, shown[^1]) : "runs";
        string Label(Cell cell) => string.Join(", ", shown.Select(p => Value(cell, p)));
        return ScatterPlot.Draw(
            cells.Where(c => c.Log10 is not null && c.Accuracy is not null).Select(c => new Dot(Colour(c), c.Log10!.Value, 100 * c.Accuracy!.Value, Label(c))).ToList(),
            "log10 of the certified bound", "accuracy, %");
    }
}
