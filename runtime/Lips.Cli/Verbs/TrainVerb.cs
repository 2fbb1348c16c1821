using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Cli.Runs;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Data;
using Lips.Runtime.Torch;
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
            return Train(compiled, overrides, folder, source, given.GetValue(resume), given.GetValue(device)!, given.GetValue(stopAt), given.GetValue(dry));
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

    private static int Train(Spec spec, IReadOnlyList<(string, string)> overrides, RunFolder folder, string data, bool resume, string device, long? stopAt, bool dry)
    {
        using var model = ModelAssembly.Create(spec.Model);
        var plan = TrainingPlan.Parse(model.Recipe);
        if (resume && !folder.Exists)
            throw new RunFailed($"'{folder.Path}' holds no checkpoint to resume from.");
        if (TorchExtras.IsReferenceBlas)
            Terminal.Complain("matrix products run on the reference BLAS, some ten times slower than OpenBLAS (apt-get install libopenblas0-pthread).");
        using var interrupt = new Interrupt();
        var progress = ProgressLine.ForConsole();
        if (dry)
        {
            Console.Out.WriteLine($"would train {spec.Model.Resolved.Model.Name} ({spec.Model.Parameters} parameters) for {(plan.Steps is { } steps ? $"{steps} steps" : FormattableString.Invariant($"{plan.Epochs} epochs"))} of {plan.Batch} on {plan.Data.GetType().Name.ToLowerInvariant()} data, into {folder.Path}");
            return ExitCode.Ok;
        }
        TrainingResult result;
        using (var trainer = new Trainer(model, plan, new TrainingOptions { Folder = folder, Device = device, Resume = resume, Files = new DataFiles(data), Progress = progress, Stop = interrupt.Token, StopAt = stopAt }))
        {
            // the data is there and fits: now there is a run
            if (!resume)
            {
                SpecCopy.Write(spec, overrides, folder.Spec);
                Run.Remember(folder, spec.Model.Resolved.Model.Name, data);
            }
            Console.Out.WriteLine($"{(resume ? "resuming" : "training")} {folder.Path} ({spec.Model.Parameters} parameters)");
            Console.Out.Flush();
            result = trainer.Run();
        }
        if (result.Interrupted)
        {
            Console.Out.WriteLine($"stopped at step {result.Step} of {result.Steps}; --resume goes on from {folder.Checkpoint}");
            return stopAt is not null && !interrupt.Token.IsCancellationRequested ? ExitCode.Ok : ExitCode.RunFailed;
        }
        return Finish(folder, result);
    }

    /// <summary>Seals, certifies and reports, on the CPU from the file that was written.</summary>
    private static int Finish(RunFolder folder, TrainingResult result)
    {
        using var run = Run.Open(folder.Path) ?? throw new RunFailed($"The spec in '{folder.Path}' does not compile any more.");
        var facts = new List<(string Name, string Value)>();
        if (result.Validation is { } validation)
        {
            facts.Add(("validation loss", RunPage.Number(validation.Loss)));
            facts.Add(("validation accuracy", FormattableString.Invariant($"{100 * validation.Accuracy:F2} % of {validation.Count} predictions")));
        }
        facts.Add(("steps", result.Step.ToString(CultureInfo.InvariantCulture)));
        facts.Add(("training time", ProgressLine.Duration(result.Time.TotalSeconds)));
        Certificate? certificate = null;
        try
        {
            certificate = RunSeal.Certify(run, rescale: false);
            facts.AddRange(RunSeal.Estimates(run));
        }
        finally
        {
            RunPage.Write(folder, run.Spec, certificate, facts);
        }
        if (result.Sample.Length > 0)
            Console.Out.WriteLine($"\n{Terminal.Harmless(result.Sample)}\n");
        Console.Out.WriteLine($"{folder.Path}: model.safetensors, certificate.json, metrics.jsonl, spec.lips, report.html{(result.Sample.Length > 0 ? ", sample.txt" : "")}");
        return certificate.Claims.All(c => c.Holds) ? ExitCode.Ok : ExitCode.ClaimFails;
    }
}
