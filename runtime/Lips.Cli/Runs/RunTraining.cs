using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Cli.Runs;

/// <summary>Trains a compiled spec into a run's folder, and seals, certifies and reports what came of it.</summary>
internal static class RunTraining
{
    /// <summary>From a compiled spec to a certified run; the result is null where nothing was trained to the end.</summary>
    /// <param name="company">Where this process is one of several workers.</param>
    public static (int Code, TrainingResult? Result, Certificate? Certificate) Start(Spec spec, IReadOnlyList<(string, string)> overrides, RunFolder folder, string data, bool resume, string device, long? stopAt, bool dry, WorkerOptions? company = null)
    {
        using var model = ModelAssembly.Create(spec.Model);
        var plan = TrainingPlan.Parse(model.Recipe);
        if (resume)
            MustHoldCheckpoint(folder);
        if (TorchExtras.IsReferenceBlas && (company is null || company.Place.Rank == 0))
            Terminal.Complain("matrix products run on the reference BLAS, some ten times slower than OpenBLAS (apt-get install libopenblas0-pthread).");
        using var interrupt = new Interrupt();
        bool first = company is null || company.Place.Rank == 0;
        var progress = first ? ProgressLine.ForConsole() : null;
        if (dry)
        {
            Console.Out.WriteLine($"would train {spec.Model.Resolved.Model.Name} ({spec.Model.Parameters} parameters) for {(plan.Steps is { } steps ? $"{steps} steps" : FormattableString.Invariant($"{plan.Epochs} epochs"))} of {plan.Batch} on {plan.Data.GetType().Name.ToLowerInvariant()} data, into {folder.Path}");
            return (ExitCode.Ok, null, null);
        }
        using var workers = company?.Join(model, device);
        TrainingResult result;
        var files = new DataFiles(data);
        try
        {
            result = Train();
        }
        catch (Exception e) when (workers is not null)
        {
            workers.Leave(e);
            throw;
        }
        if (!first)
            return (ExitCode.Ok, null, null);
        if (result.Interrupted)
        {
            Console.Out.WriteLine($"stopped at step {result.Step} of {result.Steps}; --resume goes on from {folder.Checkpoint}");
            return (stopAt is not null && !interrupt.Token.IsCancellationRequested ? ExitCode.Ok : ExitCode.RunFailed, null, null);
        }
        var certificate = Finish(folder, plan, result);
        return (certificate.Claims.All(c => c.Holds) ? ExitCode.Ok : ExitCode.ClaimFails, result, certificate);

        TrainingResult Train()
        {
            using var teacher = Teacher(spec, plan, files, device);
            using var trainer = new Trainer(model, plan, new TrainingOptions
            {
                Folder = folder,
                Device = device,
                Resume = resume,
                Files = files,
                Teacher = teacher,
                Progress = progress,
                Stop = interrupt.Token,
                StopAt = stopAt,
                Workers = workers,
                CheckEvery = company?.CheckEvery ?? 0,
            });
            if (first)
            {
                // the data is there and fits: now there is a run
                if (!resume)
                {
                    SpecCopy.Write(spec, overrides, folder.Spec);
                    Run.Remember(folder, spec.Model.Resolved.Model.Name, data);
                }
                string by = workers is null ? "" : $", {workers.Size} workers";
                Console.Out.WriteLine($"{(resume ? "resuming" : "training")} {folder.Path} ({spec.Model.Parameters} parameters{by})");
                Console.Out.Flush();
            }
            return trainer.Run();
        }
    }

    /// <exception cref="RunFailed">There is nothing to go on from.</exception>
    public static void MustHoldCheckpoint(RunFolder folder)
    {
        if (!folder.Exists)
            throw new RunFailed($"'{folder.Path}' holds no checkpoint to resume from.");
    }

    /// <summary>Seals, certifies and reports, on the CPU from the file that was written.</summary>
    private static Certificate Finish(RunFolder folder, TrainingPlan plan, TrainingResult result)
    {
        using var run = Run.Open(folder.Path) ?? throw new RunFailed($"The spec in '{folder.Path}' does not compile any more.");
        var facts = new List<(string Name, string Value)>();
        if (result.Validation is { } validation)
        {
            facts.Add(("validation loss", RunPage.Number(validation.Loss)));
            facts.Add(("validation accuracy", FormattableString.Invariant($"{100 * validation.Accuracy:F2} % of {validation.Count} predictions")));
        }
        facts.Add(("steps", result.Step.ToString(CultureInfo.InvariantCulture)));
        if (plan.Precision == Precision.BFloat16)
            facts.Add(("precision of the training", "bfloat16, of float32 weights; all else on this page is of the weights in float32"));
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
        return certificate;
    }

    /// <summary>The model that the recipe distils from, from the same spec, with its weights; null where there is none.</summary>
    private static ILipsModel? Teacher(Spec spec, TrainingPlan plan, DataFiles files, string device)
    {
        if (plan.Objective is not Objective.Nkd nkd)
            return null;
        var declared = spec.Compilation.Models.FirstOrDefault(m => m.Resolved.Model.Name == nkd.Teacher)
            ?? throw new RecipeException($"objective: nkd, teacher: the spec declares no model '{nkd.Teacher}'; it has {string.Join(", ", spec.Compilation.Models.Select(m => m.Resolved.Model.Name))}.");
        string path = File.Exists(nkd.Weights) ? nkd.Weights : files.Find(nkd.Weights);
        var teacher = ModelAssembly.Create(declared);
        using (var weights = new ModelWeights(teacher))
            ModelFile.Load(Safetensors.Read(path), weights, path);
        teacher.Module.to(torch.device(device));
        return teacher;
    }
}
