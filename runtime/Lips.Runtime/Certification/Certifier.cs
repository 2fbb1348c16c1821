using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Numerics;
using System.Security.Cryptography;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Torch;

namespace Lips.Runtime.Certification;

/// <summary>Derives certificates from weights, and derives them again to check one.</summary>
public static class Certifier
{
    /// <summary>The certificate of the weights as they are now. Seal first where caps are to be facts.</summary>
    /// <param name="source">The bytes of the spec kept beside the weights.</param>
    /// <param name="tight">Bound residual blocks as wholes, by multipliers, where a rule can read that.</param>
    public static Certificate Derive(ModelWeights weights, ReadOnlySpan<byte> source, bool tight = false) => Derive(weights, source, tight, null);

    private static Certificate Derive(ModelWeights weights, ReadOnlySpan<byte> source, bool tight, IReadOnlyList<CertifiedNorm>? given)
    {
        var model = weights.Model;
        var norms = CertifiedNorms.Of(model.NormsNeeded, weights, tight, given);
        var capped = weights.All.Where(w => w.Weight.Constraint is Constraint.Cap).ToList();
        var caps = capped.Zip(InParallel.Compute(capped.Count, i => CertifiedNorms.InUnitOfCap(capped[i], norms)), (w, norm) => (w.Weight, Norm: norm)).ToList();
        // with every cap kept, what holds at caps holds of these weights
        bool kept = caps.All(c => c.Norm <= UpperBound.OfDouble(((Constraint.Cap)c.Weight.Constraint!).Limit));
        return new Certificate
        {
            Model = model.Name,
            Meaning = model.Meaning,
            Source = Convert.ToHexStringLower(SHA256.HashData(source)),
            Weights = ModelFile.Hash(ModelFile.Store(weights)),
            Claims = model.Claims.Select((claim, index) => Claim(claim, model.DomainAt(index, norms), kept ? UpperBound.Min(model.Bound(index, norms), model.BoundAtCaps(index)) : model.Bound(index, norms), model.SubstitutionAt(index, norms))).ToList(),
            Norms = norms.Values.Select(n => new CertifiedNorm(n.Key, n.Value.ToString(), n.Value.ToDecimal(8), norms.ProofOf(n.Key).Method, norms.ProofOf(n.Key).Witness)).ToList(),
            Caps = caps.Select(c => Cap(c.Weight, c.Norm)).ToList(),
            Rules = CertifiedNorms.RuleVersion,
            Provider = TorchExtras.ProviderName,
            Libtorch = TorchExtras.LibtorchVersion,
        };
    }

    private static CertifiedCap Cap(Weight weight, UpperBound norm)
    {
        var cap = (Constraint.Cap)weight.Constraint!;
        return new CertifiedCap(weight.Name, Sealing.UnitName(cap), norm.ToString(), norm.ToDecimal(8), cap.Limit.ToString("R", CultureInfo.InvariantCulture));
    }

    private static CertifiedClaim Claim(ClaimInfo claim, string domain, UpperBound bound, UpperBound? distance) => new(
        claim.Text, claim.From, claim.To, claim.NormIn, claim.NormOut, domain,
        bound.ToString(), bound.ToDecimal(6), bound.Log10(6), claim.Limit, claim.Limit is null || IsAtMost(bound, claim.Limit),
        distance is { } moves ? Substitution(claim.From, claim.To, claim.NormIn, claim.NormOut, moves, moves * bound) : null);

    /// <summary>What exchanging tokens does, from how far one exchange moves the vectors and how far the output then moves.</summary>
    public static CertifiedSubstitution Substitution(string from, string to, string normIn, string normOut, UpperBound distance, UpperBound bound) => new(
        normIn == "l2"
            ? $"exchanging k tokens moves the embedding vectors at '{from}' by at most {distance.ToDecimal(6)}·√k in l2, so '{to}' by at most {bound.ToDecimal(6)}·√k in {normOut}"
            : $"exchanging any number of tokens moves the embedding vectors at '{from}' by at most {distance.ToDecimal(6)} in {normIn}, so '{to}' by at most {bound.ToDecimal(6)} in {normOut}",
        distance.ToString(), bound.ToString(), bound.ToDecimal(6));

    /// <summary>Exact comparison with a limit written as a decimal or a fraction.</summary>
    internal static bool IsAtMost(UpperBound bound, string limit)
    {
        var (numerator, denominator) = Rational(limit);
        return bound.IsAtMost(numerator, denominator);
    }

    private static (BigInteger Numerator, BigInteger Denominator) Rational(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length == 2)
        {
            var (a, b) = Rational(parts[0]);
            var (c, d) = Rational(parts[1]);
            return (a * d, b * c);
        }
        string[] scientific = text.Trim().Split('e', 'E');
        string[] digits = scientific[0].Split('.');
        string fraction = digits.Length > 1 ? digits[1] : "";
        if (scientific.Length > 2 || digits.Length > 2
            || !BigInteger.TryParse(digits[0] + fraction, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var mantissa)
            || !int.TryParse(scientific.Length == 2 ? scientific[1] : "0", NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int exponent)
            || Math.Abs(exponent) > 20_000)
            throw new NotCertified($"The limit '{text}' of a claim is not a number.");
        int power = exponent - fraction.Length;
        return power >= 0 ? (mantissa * BigInteger.Pow(10, power), BigInteger.One) : (mantissa, BigInteger.Pow(10, -power));
    }

    /// <summary>
    /// Derives everything again from spec and weights and names the first thing in which the certificate differs; null when it
    /// stands. Provider and libtorch version may differ: the proof does not rest on them.
    /// </summary>
    public static string? FirstDisagreement(Certificate given, ModelWeights weights, ReadOnlySpan<byte> source)
    {
        if (given.Version != Certificate.CurrentVersion)
            return $"version: the certificate has {given.Version}, this program writes {Certificate.CurrentVersion}";
        // Hashes first: when a file changed, that is what to say.
        string sourceHash = Convert.ToHexStringLower(SHA256.HashData(source));
        string weightHash = ModelFile.Hash(ModelFile.Store(weights));
        string? early = Differ("model", given.Model, weights.Model.Name)
            ?? Differ("meaning of the spec", given.Meaning, weights.Model.Meaning)
            ?? Differ("source of the spec", given.Source, sourceHash)
            ?? Differ("weights", given.Weights, weightHash)
            ?? Differ("rules", given.Rules, CertifiedNorms.RuleVersion);
        if (early is not null)
            return early;
        Certificate derived;
        try
        {
            derived = Derive(weights, source, false, given.Norms);
        }
        catch (NotCertified e)
        {
            return "norm: " + e.Message;
        }
        return Lists("norm", given.Norms, derived.Norms, n => n.Norm)
            ?? Lists("cap", given.Caps, derived.Caps, c => c.Weight)
            ?? Lists("claim", given.Claims, derived.Claims, c => c.Text);
    }

    private static string? Differ(string what, string given, string derived) =>
        given == derived ? null : $"{what}: the certificate says {ModelFile.Short(given)}, the files give {ModelFile.Short(derived)}";

    private static string? Lists<T>(string what, IReadOnlyList<T> given, IReadOnlyList<T> derived, Func<T, string> name)
        where T : notnull
    {
        for (int i = 0; i < Math.Min(given.Count, derived.Count); i++)
            if (!given[i].Equals(derived[i]))
                return $"{what} {name(derived[i])}: the certificate says {given[i]}, the files give {derived[i]}";
        return given.Count == derived.Count ? null : $"{what}s: the certificate has {given.Count}, the files give {derived.Count}";
    }

    /// <summary>Seals the weights of a run, writes them (keeping what the file says of itself) and their certificate. The weights are written first: a certificate never speaks of a file that is not there.</summary>
    public static (Certificate Certificate, IReadOnlyList<SealedWeight> Sealed) Certify(ModelWeights weights, string modelPath, string certificatePath, byte[] source, bool rescale = false, bool tight = false)
    {
        var sealing = Sealing.Seal(weights, rescale);
        var certificate = Derive(weights, source, tight);
        var metadata = File.Exists(modelPath) ? Safetensors.Read(modelPath).Metadata : null;
        File.Delete(certificatePath);
        ModelFile.Write(modelPath, weights, metadata);
        certificate = certificate with { File = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(modelPath))) };
        certificate.Write(certificatePath);
        return (certificate, sealing);
    }
}
