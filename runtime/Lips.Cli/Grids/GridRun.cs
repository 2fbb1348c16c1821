using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Cli.Runs;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Training;

namespace Lips.Cli.Grids;

/// <summary>One combination of a grid and what came of it: a failure, or what the run reached.</summary>
internal sealed record GridRun(GridSpec Spec, IReadOnlyList<(string Path, string Value)> Values, string Folder)
{
    /// <summary>On the whole validation part, per prediction.</summary>
    public double? Loss { get; private init; }

    public double? Accuracy { get; private init; }

    /// <summary>The first claim's certified bound of the trained weights.</summary>
    public string Bound { get; private init; } = "";

    /// <summary>log₁₀ of the bound; null where it is not finite.</summary>
    public double? Log10 { get; private init; }

    public string? Failure { get; private init; }

    /// <summary>Stopped by the user: neither trained to its end nor failed.</summary>
    public bool Stopped { get; private init; }

    public string Value(string key) => key == GridPlan.SpecKey ? Spec.Name : Values.LastOrDefault(v => v.Path == key).Value ?? "";

    /// <param name="resume">Read what is there of this very combination, or go on from its checkpoint, instead of training it again.</param>
    public static GridRun Train(GridSpec spec, string? model, IReadOnlyList<(string Path, string Value)> values, string folder, bool resume)
    {
        var run = new GridRun(spec, values, folder);
        var place = new RunFolder(folder);
        string failure = Path.Combine(folder, "failure.txt");
        try
        {
            var compiled = Cli.Spec.Compile(spec.Path, values, model, Run.Options);
            if (!compiled.HasModels || compiled.ExitCode is not ExitCode.Ok)
            {
                compiled.Show();
                return run with { Failure = "the spec does not compile with these values" };
            }
            bool begun = resume && IsOf(place, compiled, values);
            if (begun && File.Exists(failure))
                return run.Failed(File.ReadAllText(failure).TrimEnd(), trained: File.Exists(place.Model));
            if (begun && File.Exists(place.Certificate) && Certificate.Read(place.Certificate) is var old && old.Meaning == compiled.Model.Meaning)
            {
                var last = Validated(place);
                return run.With(last?.ValidationLoss, last?.ValidationAccuracy, old);
            }
            var (_, result, certificate) = RunTraining.Start(compiled, values, place, Path.GetDirectoryName(Path.GetFullPath(spec.Path))!, resume: begun && place.Exists, device: "cpu", stopAt: null, dry: false);
            return result is null || certificate is null
                ? run with { Failure = "stopped", Stopped = true }
                : run.With(result.Validation?.Loss, result.Validation?.Accuracy, certificate);
        }
        catch (LipsException e)
        {
            // one combination that diverges is a result of the grid, not its end
            Terminal.Complain(e.Message);
            if (Directory.Exists(folder))
                AtomicFile.WriteText(failure, e.Message + "\n");
            return run.Failed(e.Message, e is NotCertified);
        }
    }

    /// <summary>Trained to its end or not: a way to keep weights small that has not kept its cap leaves a model without a bound.</summary>
    private GridRun Failed(string why, bool trained)
    {
        var last = trained ? Validated(new RunFolder(Folder)) : null;
        return this with { Failure = why, Loss = last?.ValidationLoss, Accuracy = last?.ValidationAccuracy, Bound = trained ? "none: a cap is not kept" : "" };
    }

    private static MetricsLine? Validated(RunFolder place) => MetricsLog.Read(place.Metrics).LastOrDefault(m => m.ValidationLoss is not null);

    private GridRun With(double? loss, double? accuracy, Certificate certificate)
    {
        var claim = certificate.Claims.FirstOrDefault();
        double? log = double.TryParse(claim?.Log10, NumberStyles.Float, CultureInfo.InvariantCulture, out double exponent) && double.IsFinite(exponent) ? exponent : null;
        return this with { Loss = loss, Accuracy = accuracy, Bound = claim?.Bound ?? "", Log10 = log };
    }

    /// <summary>Whether a folder's run is one of this spec with these values: its own copy of the spec is what would be written now.</summary>
    private static bool IsOf(RunFolder place, Cli.Spec spec, IReadOnlyList<(string Path, string Value)> values)
    {
        if (!File.Exists(place.Spec))
            return false;
        var fresh = Directory.CreateTempSubdirectory("lips-grid-");
        try
        {
            string copy = Path.Combine(fresh.FullName, "spec.lips");
            SpecCopy.Write(spec, values, copy);
            return File.ReadAllText(copy) == File.ReadAllText(place.Spec);
        }
        finally
        {
            fresh.Delete(recursive: true);
        }
    }
}
