using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Lips.Cli.Grids;
using Lips.Runtime.Checkpoints;

namespace Lips.Cli.Verbs;

/// <summary>
/// <c>lips grid SPEC … key=a|b …</c>: trains every combination of the values given, of one spec or several and from as many seeds
/// as wanted, and prints accuracy against certified bound as a table; <c>runs/NAME/</c> holds it as <c>grid.json</c>,
/// <c>grid.md</c> and the plot <c>grid.svg</c>, and learning curves as <c>curves.svg</c>.
/// </summary>
internal static class GridVerb
{
    public static Command Create()
    {
        var command = new Command("grid", "Train every combination of values, of specs and seeds; print accuracy against bound, draw learning curves.");
        var arguments = new Argument<string[]>("arguments")
        {
            Description = "one .lips file or several, and model parameters and recipe entries with their values: optimizer.lr=0.05|0.1; NAME:key=value is for the file of that name alone",
            HelpName = "SPEC|key=a|b",
            Arity = ArgumentArity.OneOrMore,
        };
        var model = new Option<string?>("--model") { Description = "which model of the file; the last if not said", HelpName = "NAME" };
        var name = new Option<string?>("--name") { Description = "name of the folder in runs/; that of the first spec and -grid if not said", HelpName = "NAME" };
        var seeds = Terminal.WholeNumber("--seeds", least: 1, "train every combination from the seeds 0 to N-1 and show them together", "N");
        var resume = new Option<bool>("--resume") { Description = "go on with the grid of that name: what is trained is read, what is stopped goes on from its checkpoint" };
        var curves = new Option<string?>("--curves") { Description = $"draw learning curves of {string.Join(", ", LearningCurves.Names)}", HelpName = "LIST" };
        var figure = new Option<string?>("--figure") { Description = "write the figure here too: the curves if there are any, else accuracy over bound", HelpName = "FILE.svg" };
        name.Validators.Add(found =>
        {
            if (found.GetValueOrDefault<string?>() is { } text && (text is "" or "." or ".." || Path.GetFileName(text) != text))
                found.AddError($"--name must be the name of a folder in runs/, found '{text}'.");
        });
        seeds.Validators.Add(found =>
        {
            if (found.GetValueOrDefault<long?>() is > 1000)
                found.AddError("--seeds may be at most 1000.");
        });
        curves.Validators.Add(found =>
        {
            if (found.GetValueOrDefault<string?>() is { } text && (Wanted(text).Count == 0 || !Wanted(text).TrueForAll(LearningCurves.Names.Contains)))
                found.AddError($"--curves must be a list of {string.Join(", ", LearningCurves.Names)}, found '{text}'.");
        });
        command.Add(arguments);
        foreach (Option option in new Option[] { model, name, seeds, resume, curves, figure })
            command.Add(option);
        command.SetAction(given =>
        {
            var plan = GridPlan.Parse(given.GetValue(arguments)!, given.GetValue(seeds));
            string first = Path.Combine("runs", given.GetValue(name) ?? Path.GetFileNameWithoutExtension(plan.First.Path) + "-grid"), folder = first;
            for (int i = 2; Directory.Exists(given.GetValue(resume) ? $"{first}-{i}" : folder); i++)
                folder = $"{first}-{i}";
            var combinations = plan.Combinations().ToList();
            var runs = new List<GridRun>();
            foreach (var (spec, values) in combinations)
            {
                Console.Out.WriteLine($"\n{runs.Count + 1}/{combinations.Count}  {spec.Name}  {string.Join("  ", values.Select(v => $"{v.Path}={v.Value}"))}");
                runs.Add(GridRun.Train(spec, given.GetValue(model), values, Path.Combine(folder, (runs.Count + 1).ToString("00", CultureInfo.InvariantCulture)), given.GetValue(resume)));
                if (runs[^1].Stopped)
                    break;
            }
            var report = new GridReport(plan, runs);
            Console.Out.Write(report.Text());
            void Write(string path, string text) => AtomicFile.WriteText(Path.Combine(folder, path), text);
            Write("grid.json", report.Json().ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");
            Write("grid.md", report.Markdown());
            Write("grid.svg", report.Scatter());
            if (given.GetValue(curves) is { } list)
                Write("curves.svg", LearningCurves.Draw(plan, runs, Wanted(list)));
            // a grid that was stopped is not what the figure is to show
            if (given.GetValue(figure) is { } shown && !runs[^1].Stopped)
                AtomicFile.WriteText(shown, File.ReadAllText(Path.Combine(folder, given.GetValue(curves) is null ? "grid.svg" : "curves.svg")));
            Console.Out.WriteLine($"{folder}: grid.json, grid.md, grid.svg{(given.GetValue(curves) is null ? "" : ", curves.svg")}, and a run for each combination");
            return runs.Exists(r => r.Failure is not null) ? ExitCode.RunFailed : ExitCode.Ok;
        });
        return command;
    }

    private static List<string> Wanted(string list) => [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];
}
