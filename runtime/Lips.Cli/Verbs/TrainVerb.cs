using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Cli.Runs;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Training;

namespace Lips.Cli.Verbs;

/// <summary><c>lips train SPEC</c>: from a spec to a trained, sealed and certified model in <c>runs/NAME/</c>.</summary>
internal static class TrainVerb
{
    public static Command Create()
    {
        var command = new Command("train", "Train a model, seal it and certify it.");
        var spec = new SpecArguments(command);
        var resume = new Option<bool>("--resume") { Description = "go on from the run's checkpoint, bit by bit" };
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
        var seed = Terminal.WholeNumber("--seed", least: 0, "in place of the recipe's", "N");
        var name = new Option<string?>("--name") { Description = "name of the folder in runs/; that of the spec if not said", HelpName = "NAME" };
        var stopAt = Terminal.WholeNumber("--stop-at", least: 1, "stop with a checkpoint after this step; the schedule stays that of the whole recipe", "STEP");
        var dry = new Option<bool>("--dry-run") { Description = "compile, bound and plan, but train nothing" };
        device.Validators.Add(found =>
        {
            string text = found.GetValueOrDefault<string>();
            if (text is not "cpu" and not "cuda" && !(text.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out _)))
                found.AddError($"--device must be cpu, cuda or cuda:N, found '{text}'.");
        });
        name.Validators.Add(found =>
        {
            if (found.GetValueOrDefault<string?>() is { } text && (text is "" or "." or ".." || Path.GetFileName(text) != text))
                found.AddError($"--name must be the name of a folder in runs/, found '{text}'.");
        });
        foreach (Option option in new Option[] { resume, device, seed, name, stopAt, dry })
            command.Add(option);
        command.SetAction(given =>
        {
            var overrides = spec.Overrides(given).ToList();
            if (given.GetValue(seed) is { } chosen)
                overrides.Add(("seed", chosen.ToString(CultureInfo.InvariantCulture)));
            var compiled = Spec.Compile(spec.Path(given), overrides, spec.ModelName(given), Run.Options);
            if (!compiled.HasModels)
                return compiled.ShowLack();
            int code = compiled.Show();
            if (code != ExitCode.Ok)
                return code;
            var report = ReportModule.create(compiled.Compilation.Source, At.Caps, Microsoft.FSharp.Collections.FSharpList<Tuple<Norm, Norm>>.Empty, compiled.Model);
            Console.Out.Write(Terminal.Verdicts(ReportText.print(report)) + "\n");
            Console.Out.Flush();
            var (folder, source) = FolderOf(spec.Path(given), given.GetValue(name), given.GetValue(resume));
            return RunTraining.Start(compiled, overrides, folder, source, given.GetValue(resume), given.GetValue(device)!, given.GetValue(stopAt), given.GetValue(dry)).Code;
        });
        return command;
    }

    /// <summary>The run's folder, and the folder its data is looked for in. A new run never writes over an old one.</summary>
    private static (RunFolder Folder, string Data) FolderOf(string spec, string? name, bool resume)
    {
        string beside = Path.GetDirectoryName(Path.GetFullPath(spec))!;
        // runs/NAME/spec.lips, to be resumed, is its own run
        if (resume && name is null && Path.GetFileName(spec) == "spec.lips" && File.Exists(new RunFolder(beside).Checkpoint))
            return (new RunFolder(Path.GetRelativePath(".", beside)), Run.Recall(new RunFolder(beside)).Data ?? beside);
        string first = Path.Combine("runs", name ?? Path.GetFileNameWithoutExtension(spec));
        string folder = first;
        for (int i = 2; Directory.Exists(resume ? $"{first}-{i}" : folder); i++)
            folder = $"{first}-{i}";
        return (new RunFolder(folder), beside);
    }
}
