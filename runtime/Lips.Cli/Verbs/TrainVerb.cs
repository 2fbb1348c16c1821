using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Cli.Runs;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Distributed;
using Lips.Runtime.Training;

namespace Lips.Cli.Verbs;

/// <summary><c>lips train SPEC</c>: from a spec to a trained, sealed and certified model in <c>runs/NAME/</c>.</summary>
internal static class TrainVerb
{
    public static Command Create()
    {
        var command = new Command("train", "Train a model, seal it and certify it.");
        var spec = new SpecArguments(command);
        var resume = new Option<bool>("--resume") { Description = "go on from the run's checkpoint, bit by bit; under a launcher of several workers, begin where there is none yet" };
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
        var seed = Terminal.WholeNumber("--seed", least: 0, "in place of the recipe's", "N");
        var name = new Option<string?>("--name") { Description = "name of the folder in runs/; that of the spec if not said", HelpName = "NAME" };
        var stopAt = Terminal.WholeNumber("--stop-at", least: 1, "stop with a checkpoint after this step; the schedule stays that of the whole recipe", "STEP");
        var workers = Terminal.WholeNumber("--workers", least: 1, "so many processes on this machine, each with a share of every batch; on several machines, set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT for each", "N");
        var timeout = Terminal.WholeNumber("--timeout", least: 1, "of several workers: how long to wait for one that does not answer; 300 if not said", "SECONDS");
        var checkEvery = Terminal.WholeNumber("--check-every", least: 0, "of several workers: steps between comparisons of their gradients and weights, bit by bit; 100 if not said, 0 for none", "STEPS");
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
        foreach (Option option in new Option[] { resume, device, seed, name, stopAt, workers, timeout, checkEvery, dry })
            command.Add(option);
        command.SetAction(given =>
        {
            WorkerProcesses.FollowSupervisor();
            var company = WorkerPlace.FromEnvironment(Environment.GetEnvironmentVariable) is { } place && !given.GetValue(dry)
                ? new WorkerOptions(place, TimeSpan.FromSeconds(given.GetValue(timeout) ?? 300), given.GetValue(checkEvery) ?? 100)
                : null;
            int count = (int)Math.Min(given.GetValue(workers) ?? 1, 1 << 16);
            if (company is not null && count > 1)
                throw new LipsException($"--workers {count} would start workers, but this process is one already (RANK={company.Place.Rank}, WORLD_SIZE={company.Place.Size}); leave --workers out, or unset these.", ExitCode.Usage);
            bool talks = company is null || company.Place.Rank == 0;
            var overrides = spec.Overrides(given).ToList();
            if (given.GetValue(seed) is { } chosen)
                overrides.Add(("seed", chosen.ToString(CultureInfo.InvariantCulture)));
            var compiled = Spec.Compile(spec.Path(given), overrides, spec.ModelName(given), Run.Options);
            if (!compiled.HasModels)
                return compiled.ShowLack();
            int code = talks ? compiled.Show() : compiled.ExitCode;
            if (code != ExitCode.Ok)
                return code;
            if (count > 1 && !given.GetValue(dry))
            {
                // what every worker would have to do first, once
                if (given.GetValue(resume))
                    RunTraining.MustHoldCheckpoint(FolderOf(spec.Path(given), given.GetValue(name), resume: true).Folder);
                ModelAssembly.TypeOf(compiled.Model);
                return WorkerProcesses.Run(count, Arguments());
            }
            string chosenDevice = given.GetValue(device)!;
            if (!talks)
                return Train();
            var report = ReportModule.create(compiled.Compilation.Source, At.Caps, Microsoft.FSharp.Collections.FSharpList<Tuple<Norm, Norm>>.Empty, compiled.Model);
            Console.Out.Write(Terminal.Verdicts(ReportText.print(report)) + "\n");
            Console.Out.Flush();
            return Train();

            int Train()
            {
                bool goesOn = given.GetValue(resume);
                var (folder, source) = FolderOf(spec.Path(given), given.GetValue(name), goesOn);
                // launchers start their workers again with the same command: until there is a checkpoint, it begins the run
                if (goesOn && company is not null && !folder.Exists)
                {
                    goesOn = false;
                    (folder, source) = FolderOf(spec.Path(given), given.GetValue(name), goesOn);
                }
                return RunTraining.Start(compiled, overrides, folder, source, goesOn, company?.Device(chosenDevice) ?? chosenDevice, given.GetValue(stopAt), given.GetValue(dry), company).Code;
            }

            List<string> Arguments()
            {
                List<string> arguments = ["train", spec.Path(given), .. spec.Overrides(given).Select(o => $"{o.Path}={o.Value}"), "--device", given.GetValue(device)!];
                if (given.GetValue(resume))
                    arguments.Add("--resume");
                foreach (var (option, value) in new[] { ("--model", spec.ModelName(given)), ("--name", given.GetValue(name)) })
                    if (value is not null)
                        arguments.AddRange([option, value]);
                foreach (var option in new[] { seed, stopAt, timeout, checkEvery })
                    if (given.GetValue(option) is { } number)
                        arguments.AddRange([option.Name, number.ToString(CultureInfo.InvariantCulture)]);
                return arguments;
            }
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
