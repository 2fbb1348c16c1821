using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Training;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using TorchSharp;

namespace Lips.Cli.Runs;

/// <summary>
/// <c>eval --certified</c>: certified accuracy of a run's model beside its accuracy under attack, with the constants it rests on.
/// The constants are the compiler's, evaluated at norms certified from the model file's bytes.
/// </summary>
internal sealed class RunRobustness
{
    private readonly Run _run;
    /// <summary>Above this many classes the largest distance of two rows stands for every pair's.</summary>
    private const int MostPairs = 4096;

    private readonly StoredNorms _norms;
    private readonly Valuation _valuation;
    private readonly Query _query;
    private readonly Norm _norm;

    private RunRobustness(Run run, Norm norm)
    {
        _run = run;
        _norm = norm;
        var model = run.Spec.Model;
        _norms = new StoredNorms(model, run.Folder.Model);
        _valuation = new Valuation(_norms.Point, model.Derivation.Program);
        _query = model.Derivation.Queries.FirstOrDefault(q => q.Into == model.Derivation.Output)
            ?? throw new RunFailed($"'{model.Resolved.Model.Name}' bounds nothing up to its output; claim a constant from an input or an embedding to the output.");
    }

    /// <summary>Evaluates, prints, and writes <c>robustness.json</c> into the run.</summary>
    /// <param name="radii">Ascending; null chooses them.</param>
    public static int Evaluate(Run run, Norm norm, IReadOnlyList<double>? radii, long? samples, bool isText)
    {
        var robustness = new RunRobustness(run, norm);
        if (run.Plan.Objective is Objective.Ctc)
            throw new RunFailed($"'{run.Model.Name}' aligns sequences, and a certified radius is of a classifier.");
        if (run.Model.Inputs.Count != 1)
            throw new RunFailed($"'{run.Model.Name}' has {run.Model.Inputs.Count} inputs; certified accuracy is of models with one.");
        return robustness.Evaluate(radii, samples, isText);
    }

    private bool IsText => _run.Model.Inputs.Any(i => i.Kind == "tokens");

    private int Evaluate(IReadOnlyList<double>? radii, long? samples, bool isText)
    {
        var (constant, toHead, radius) = Proof();
        // the measured side runs the float32 model as it was trained; the certified one moves it to float64
        var estimate = Estimated();
        long count = samples ?? (IsText ? 4 : 100);
        var result = new CertifiedAccuracy(_run.Model, _query.From, _norm.IsL2Norm ? ValueNorm.L2 : ValueNorm.Token, radius) { Radius = LargestToken() }.Run(Batches(count), p => radii ?? Chosen(p));
        string json = Json(constant, toHead, estimate, result);
        AtomicFile.WriteText(Path.Combine(_run.Folder.Path, "robustness.json"), json);
        Console.Out.Write(isText ? Text(constant, toHead, estimate, result) : json);
        Console.Out.Flush();
        return Conclude(_query.From, constant, estimate, result);
    }

    /// <summary>Certified ≤ true ≤ attack in every row and the constant above what was seen; or it is said what is not, and the run fails.</summary>
    internal static int Conclude(string from, Upper constant, double? estimate, CertifiedEvaluation result)
    {
        var wrong = result.Violations.ToList();
        if (estimate is double reached && reached > constant.ToDoubleUp())
            wrong.Add(FormattableString.Invariant($"the constant from {from} was seen to reach {reached:R}, above the bound {constant.ToDoubleUp():R}"));
        if (result.Rows.FirstOrDefault(r => r.Certified > r.Surviving || r.Surviving > r.Clean) is { } row && wrong.Count == 0)
            wrong.Add(FormattableString.Invariant($"at radius {row.Radius:R} certified {row.Certified}, surviving {row.Surviving} and clean {row.Clean} are out of order"));
        if (wrong.Count == 0)
            return ExitCode.Ok;
        Terminal.Complain("A CERTIFIED RADIUS IS WRONG: what is proven is contradicted by what was measured. This is a fault of lips, and no certificate by these rules can be trusted:");
        foreach (string one in wrong.Take(20))
            Console.Error.WriteLine("  " + one);
        return ExitCode.RunFailed;
    }

    /// <summary>
    /// At the stored weights' certified norms: the constant from the claim's source to one token of the output in ℓ2, that to the
    /// head's input where the model ends in one, and the radius they prove: the larger of the pairwise and the global rule's.
    /// </summary>
    private (Upper ToOutput, Upper? ToHead, Func<double[], int, double, double> Radius) Proof()
    {
        var derivation = _run.Spec.Model.Derivation;
        Upper AtNorms(Bound bound) => Margins.atNorms(derivation, FuncConvert.FromFunc<string, Upper>(_norms.Of), bound);
        var output = derivation.Steps.Last().After;
        var toOutput = MapModule.TryFind(_query.From, output.Constants) is { Value: var (source, constants) }
            ? AtNorms(SpaceModule.read(_norm, Norm.TokenNorm, source, output.Shape, constants))
            : Upper.Infinity;
        double Global(double[] logits, int label, double error) => Margins.globalRadius(toOutput, error, logits, label);
        if (Margins.head(derivation) is not { Value: var head } || Margins.constant(_norm, _query.From, head) is not { Value: var moves })
            return (toOutput, null, Global);
        var toHead = AtNorms(moves);
        int classes = checked((int)head.Classes);
        Func<int, int, double> distance;
        if (classes > MostPairs)
        {
            double largest = AtNorms(head.Diameter).ToDoubleUp();
            distance = (_, _) => largest;
        }
        else
        {
            double[,] pairs = CertifiedNorms.PairDistances(_norms.ValuesOf(head.Weight), classes, checked((int)head.Input.Shape.Width), head.Weight);
            distance = (a, b) => pairs[a, b];
        }
        return (toOutput, toHead, (logits, label, error) => Math.Max(Margins.radius(toHead, distance, error, logits, label), Global(logits, label, error)));
    }

    /// <summary>The largest ℓ2 norm of a token at the source, on which the bound was derived; ∞ where it holds everywhere.</summary>
    private double LargestToken()
    {
        var derivation = _run.Spec.Model.Derivation;
        if (_run.Model.Inputs.Any(i => i.Name == _query.From && i.Kind == "image"))
            return double.PositiveInfinity;
        return MapModule.TryFind(_query.From, derivation.Points) is { Value: { } space } && space.Shape.Vocabulary is null
            // rounded down: the attack stays inside of what the bound speaks about
            ? Math.BitDecrement(_valuation.Value(FSharpList<Tuple<string, long>>.Empty, space.Radius).ToDoubleUp()) * (1 - 1e-12)
            : double.PositiveInfinity;
    }

    /// <summary>The largest gain seen at real inputs, in the norms of the proof.</summary>
    private double? Estimated()
    {
        using var inputs = _run.Samples(2);
        var claim = new ClaimInfo("", _query.From, _query.Into, _norm.IsL2Norm ? "l2" : "token", "token", "", null, double.IsInfinity(LargestToken()) ? null : LargestToken());
        try
        {
            return Estimator.OfClaim(_run.Model, claim, [inputs], ascents: 20).Value;
        }
        catch (Exception e) when (e is ArgumentException or RunFailed)
        {
            Terminal.Complain($"no estimate from below: {e.Message}");
            return null;
        }
    }

    private IEnumerable<Batch> Batches(long count)
    {
        long left = count;
        foreach (var batch in BatchSource.Open(_run.Model, _run.Plan, _run.Data).Validation((int)Math.Min(count, IsText ? 4 : 50), torch.CPU))
        {
            if (left <= 0)
                yield break;
            long size = Math.Min(left, batch.Inputs[0].shape[0]);
            yield return size == batch.Inputs[0].shape[0] ? batch : batch with { Inputs = [batch.Inputs[0].narrow(0, 0, size)], Target = batch.Target.narrow(0, 0, size) };
            left -= size;
        }
    }

    /// <summary>0, and for images of range [0, 1] the radii the field reports; else four steps up to the largest certified radius.</summary>
    private IReadOnlyList<double> Chosen(IReadOnlyList<CertifiedPrediction> predictions)
    {
        if (_norm.IsL2Norm && _run.Model.Inputs.FirstOrDefault(i => i.Name == _query.From) is { Kind: "image", RangeLow: 0, RangeHigh: 1 })
            return [0, 36 / 255.0, 72 / 255.0, 108 / 255.0];
        double largest = predictions.Select(p => p.Radius).Where(double.IsFinite).DefaultIfEmpty(0).Max();
        return largest > 0 ? [0, largest / 8, largest / 4, largest / 2, largest] : [0];
    }

    private string Unit => IsText
        ? $"the embedding vectors at '{_query.From}'"
        : $"the units of '{_query.From}'";

    private string Ball => _norm.IsL2Norm ? "the l2 norm of the whole change" : "the l2 norm of the largest change of a token";

    private string Text(Upper constant, Upper? toHead, double? estimate, CertifiedEvaluation result)
    {
        var text = new StringBuilder();
        var radii = result.Predictions.Where(p => p.Right).Select(p => p.Radius).Order().ToList();
        text.Append(CultureInfo.InvariantCulture, $"{_run.Model.Name}: certified accuracy of {result.Predictions.Count} predictions of the validation part\n");
        text.Append(CultureInfo.InvariantCulture, $"  radius: {Ball}, in {Unit}; points stay in the declared domain of the input\n");
        text.Append(CultureInfo.InvariantCulture, $"  {Assumed}\n");
        text.Append(CultureInfo.InvariantCulture, $"  constant to one output token in l2: {(estimate is double e ? $"seen {e.ToString("G6", CultureInfo.InvariantCulture)}, " : "")}proven <= {Number(constant)}{(toHead is { } head ? $"; to the head's input <= {Number(head)}" : "")}\n\n");
        text.Append("      radius   certified   survives attack      clean\n");
        foreach (var row in result.Rows)
            text.Append(CultureInfo.InvariantCulture, $"  {row.Radius,10:G5}   {100 * row.Certified,7:F2} %   {100 * row.Surviving,13:F2} %   {100 * row.Clean,6:F2} %\n");
        if (radii.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $"\n  certified radius of the right predictions: median {radii[radii.Count / 2]:G5}, largest {radii[^1]:G5}\n");
        text.Append(CultureInfo.InvariantCulture, $"  wrote {Path.Combine(_run.Folder.Path, "robustness.json")}\n");
        return text.ToString();
    }

    /// <summary>The one thing in a radius that is not proven.</summary>
    private static string Assumed => FormattableString.Invariant($"assumed: logits, computed in float64, are exact to {CertifiedAccuracy.Rounding:G} of the largest");

    private static string Number(Upper value) => ReportModule.shown(7, value);

    private string Json(Upper constant, Upper? toHead, double? estimate, CertifiedEvaluation result) => JsonPrinting.Object(json =>
    {
        json.WriteString("model", _run.Model.Name);
        json.WriteString("meaning", _run.Spec.Model.Meaning);
        json.WriteString("weights", ModelFile.Hash(_norms.File.Tensors.Values));
        json.WriteString("from", _query.From);
        json.WriteString("norm", _norm.IsL2Norm ? "l2" : "token");
        json.WriteString("unit", Unit);
        json.WriteString("assumed", Assumed);
        json.WriteString("constant", Number(constant));
        json.WriteString("constant_to_head", toHead is { } head ? Number(head) : null);
        json.WriteMeasured("estimate_from_below", estimate ?? double.NaN);
        json.WriteNumber("predictions", result.Predictions.Count);
        json.WriteObjects("rows", result.Rows, r =>
        {
            json.WriteNumber("radius", r.Radius);
            json.WriteNumber("certified", r.Certified);
            json.WriteNumber("surviving", r.Surviving);
            json.WriteNumber("clean", r.Clean);
        });
        json.WriteObjects("samples", result.Predictions, p =>
        {
            json.WriteNumber("sample", p.Sample);
            json.WriteNumber("position", p.Position);
            json.WriteBoolean("right", p.Right);
            json.WriteMeasured("radius", p.Radius);
        });
        json.WriteStartArray("contradictions");
        foreach (string violation in result.Violations)
            json.WriteStringValue(violation);
        json.WriteEndArray();
    });
}
