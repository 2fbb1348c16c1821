using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using Lips.Cli.Proofs;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Training;
using Microsoft.FSharp.Core;

namespace Lips.Cli.Runs;

/// <summary>
/// Checks a certificate from <c>spec.lips</c> and <c>model.safetensors</c> alone: no generated code and no tensor library takes
/// part, norms are certified from the file's bytes and proven again in exact integers, and bounds are evaluated by the compiler's
/// 256-bit arithmetic.
/// </summary>
internal sealed class RunCheck
{
    private readonly RunFolder _folder;
    private readonly Certificate _given;
    private readonly CompiledModel _model;
    private readonly StoredNorms _stored;
    private readonly At _point;
    /// <summary>Norms that a second proof holds of, by what it rests on.</summary>
    private readonly SortedDictionary<string, int> _proven = new(StringComparer.Ordinal);

    private RunCheck(RunFolder folder, Certificate given, CompiledModel model, StoredNorms stored) =>
        (_folder, _given, _model, _stored, _point) = (folder, given, model, stored, stored.Point);

    /// <summary>The first disagreement, or what was found to hold.</summary>
    public static (string? Disagreement, IReadOnlyList<string> Accepted) Verify(string path)
    {
        var folder = new RunFolder(path.TrimEnd('/'));
        try
        {
            var spec = Run.Compile(folder);
            if (!File.Exists(folder.Certificate))
                throw new LipsException($"'{folder.Path}' has no certificate.json; 'lips certify {folder.Path}' makes one.", ExitCode.Usage);
            if (!File.Exists(folder.Model))
                throw new LipsException($"'{folder.Path}' has no model.safetensors, so there are no weights to verify certificate.json against.", ExitCode.Usage);
            var given = Certificate.Read(folder.Certificate);
            string? early = (given.FirstDamage(folder.Certificate) is { } damage ? "certificate.json: " + damage : null)
                ?? Differ("source of the spec", given.Source, Hash(folder.Spec));
            if (early is not null)
                return (early, []);
            if (!spec.HasModels || spec.ExitCode is not (ExitCode.Ok or ExitCode.ClaimFails))
            {
                spec.Show();
                return ("spec.lips has errors", []);
            }
            early = Differ("meaning of the spec", given.Meaning, spec.Model.Meaning)
                ?? Differ("model file", given.File ?? "", Hash(folder.Model));
            return early is not null ? (early, []) : new RunCheck(folder, given, spec.Model, new StoredNorms(spec.Model, folder.Model, given: given.Norms)).Check();
        }
        catch (LipsException e) when (e.ExitCode is ExitCode.RunFailed or ExitCode.ClaimFails)
        {
            return (e.Message, []);
        }
    }

    private (string?, IReadOnlyList<string>) Check()
    {
        string name = _model.Resolved.Model.Name;
        string? difference = Differ("version", Text(_given.Version), Text(Certificate.CurrentVersion))
            ?? Differ("model", _given.Model, name)
            ?? Differ("model named in the model file", _stored.File.Metadata.GetValueOrDefault("lips.model", ""), name)
            ?? Differ("meaning named in the model file", _stored.File.Metadata.GetValueOrDefault("lips.meaning", ""), _model.Meaning)
            ?? Differ("weights", _given.Weights, ModelFile.Hash(_stored.File.Tensors.Values))
            ?? Differ("rules", _given.Rules, CertifiedNorms.RuleVersion);
        if (difference is not null)
            return (difference, []);
        var (caps, kept) = Caps();
        return (caps ?? Claims(kept) ?? Norms(), Accepted());
    }

    /// <summary>Every capped weight's norm in its cap's unit again, and whether all keep their caps.</summary>
    private (string? Difference, bool Kept) Caps()
    {
        var capped = _stored.Weights.Where(w => w.Constraint is Lips.Runtime.Constraint.Cap).ToList();
        if (capped.Count != _given.Caps.Count)
            return ($"caps: the certificate has {_given.Caps.Count}, the spec {capped.Count}", false);
        bool kept = true;
        foreach (var (weight, given) in capped.Zip(_given.Caps))
        {
            var cap = (Lips.Runtime.Constraint.Cap)weight.Constraint!;
            var norm = CertifiedNorms.InUnitOfCap(weight, _stored.ValuesOf(weight.Name), cap);
            var derived = new CertifiedCap(weight.Name, Sealing.UnitName(cap), norm.ToString(), norm.ToDecimal(8), cap.Limit.ToString("R", CultureInfo.InvariantCulture));
            if (derived != given)
                return ($"cap of {weight.Name}: the certificate says {given.Exact} in {given.Unit} of {given.Cap}, the weights give {derived.Exact} in {derived.Unit} of {derived.Cap}", false);
            kept &= norm <= UpperBound.OfDouble(cap.Limit);
        }
        return (null, kept);
    }

    private string? Claims(bool kept)
    {
        var queries = _model.Derivation.Queries.ToList();
        if (queries.Count != _given.Claims.Count)
            return $"claims: the certificate has {_given.Claims.Count}, the spec {queries.Count}";
        var values = Recheck.atNorms(_model.Derivation, FuncConvert.FromFunc<string, Upper>(_stored.Of));
        var atCaps = Recheck.atCaps(_model.Derivation);
        for (int i = 0; i < queries.Count; i++)
        {
            var value = kept ? Recheck.least(values[i], atCaps[i]) : values[i];
            if (Claim(_given.Claims[i], queries[i], value) is { } difference)
                return difference;
        }
        return null;
    }

    private string? Claim(CertifiedClaim given, Query query, Precise value)
    {
        string text = query.ToString();
        string? difference = Differ("claim", given.Text, text)
            ?? Differ(text + ", from", given.From, query.From)
            ?? Differ(text + ", to", given.To, query.Into)
            ?? Differ(text + ", norm of the input", given.NormIn, query.Norms.Item1.ToString())
            ?? Differ(text + ", norm of the output", given.NormOut, query.Norms.Item2.ToString())
            ?? Differ(text + ", domain", given.Domain, ReportModule.domain(_point, _model, query));
        if (difference is not null)
            return difference;
        if (Upper.TryParse(given.Exact) is not { Value: { } claimed })
            return $"{text}: '{given.Exact}' is no bound";
        if (!Recheck.covers(claimed, value))
            return $"{text}: the certificate says <= {given.Bound}, but spec and weights prove no less than {Recheck.text(value)}";
        if (!Recheck.isNear(claimed, value))
            return $"{text}: the certificate says <= {given.Bound}, far above the {Recheck.text(value)} that spec and weights prove";
        var limit = _model.Verdicts.Where(v => v.Item1.Subject.IsLipschitz && v.Item1.Norms.Equals(query.Norms) && v.Item1.Subject.Equals(ClaimSubject.NewLipschitz(query.From, query.Into))).Select(v => v.Item1).FirstOrDefault();
        var bound = UpperBound.Parse(given.Exact);
        return Differ(text + ", decimal", given.Bound, bound.ToDecimal(6))
            ?? Differ(text + ", log10", given.Log10, bound.Log10(6))
            ?? Differ(text + ", limit", given.Limit ?? "none", limit is null ? "none" : limit.Limit.ToString())
            ?? Differ(text + ", verdict", given.Holds ? "holds" : "fails", limit is null || claimed.IsAtMost(limit.Limit) ? "holds" : "fails")
            ?? Substitution(given, query, value);
    }

    /// <summary>What the certificate says of exchanged tokens: its numbers by the other arithmetic, its words by its numbers.</summary>
    private string? Substitution(CertifiedClaim given, Query query, Precise value)
    {
        string text = query + ", exchanged tokens";
        var derived = Pipeline.substitution(_model.Resolved.Model, _model.Derivation, query);
        if (derived is null != given.Substitution is null)
            return Differ(text, given.Substitution is null ? "nothing" : "a bound", derived is null ? "nothing" : "a bound");
        if (given.Substitution is not { } own || derived is null)
            return null;
        var distance = Recheck.measured(derived.Value, FuncConvert.FromFunc<string, Upper>(_stored.Of));
        foreach (var (part, exact, proven) in new[] { ("distance", own.Distance, distance), ("bound", own.Exact, Recheck.product(distance, value)) })
            if (Upper.TryParse(exact) is not { Value: { } claimed } || !Recheck.covers(claimed, proven) || !Recheck.isNear(claimed, proven))
                return $"{text}, {part}: the certificate says {exact}, spec and weights prove {Recheck.text(proven)}";
        var again = Certifier.Substitution(given.From, given.To, given.NormIn, given.NormOut, UpperBound.Parse(own.Distance), UpperBound.Parse(own.Exact));
        return Differ(text, own.Text, again.Text) ?? Differ(text + ", decimal", own.Bound, again.Bound);
    }

    /// <summary>The norms that the bounds read, one by one; asked for by then.</summary>
    private string? Norms()
    {
        foreach (var norm in _given.Norms)
        {
            string derived = _stored.Of(norm.Norm).ToString();
            if ((Differ("norm " + norm.Norm, norm.Exact, derived) ?? Differ($"norm {norm.Norm}, method", norm.Method, _stored.MethodOf(norm.Norm))) is { } difference)
                return difference;
        }
        // the floating-point arithmetic above is the certifier's own; this one is not
        var witnesses = _given.Norms.GroupBy(n => n.Norm, StringComparer.Ordinal).ToDictionary(n => n.Key, n => n.First().Witness, StringComparer.Ordinal);
        foreach (var (norm, bound) in _stored.Known)
        {
            var (holds, kind) = _stored.Proves(norm, bound.ToDoubleUp(), witnesses.GetValueOrDefault(norm));
            if (!holds)
                return $"norm {norm}: <= {bound.ToDoubleUp().ToString("R", CultureInfo.InvariantCulture)} is not proven of the weights in exact integers";
            string how = NormProof.Words(kind);
            _proven[how] = _proven.GetValueOrDefault(how) + 1;
        }
        return null;
    }

    private IReadOnlyList<string> Accepted() =>
    [
        $"{_folder.Path}: the certificate stands.",
        .. _given.Claims.Select(c => $"  {c.Text} <= {c.Bound}" + (c.Limit is null ? "" : c.Holds ? $"; claim <= {c.Limit} holds" : $"; claim <= {c.Limit} does not hold") + $"\n    {c.Domain}" + (c.Substitution is null ? "" : $"\n    {c.Substitution.Text}")),
        $"  {_stored.Known.Count} norms certified again from {_given.Caps.Count} capped weights, {_proven.Values.Sum()} of them also proven in exact integers{Proofs()}; meaning {ModelFile.Short(_given.Meaning)}, weights {ModelFile.Short(_given.Weights)}",
    ];

    /// <summary><c> (4 of products, 2 at sampled frequencies)</c>: those whose proof is more than that of one matrix.</summary>
    private string Proofs() =>
        _proven.Keys.Any(how => how.Length > 0) ? " (" + string.Join(", ", _proven.Where(p => p.Key.Length > 0).Select(p => $"{p.Value} {p.Key}")) + ")" : "";

    private static string? Differ(string what, string given, string derived) =>
        given == derived ? null : $"{what}: the certificate says {ModelFile.Short(given)}, the files give {ModelFile.Short(derived)}";

    private static string Hash(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
