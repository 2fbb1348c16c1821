using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using TorchSharp;

namespace Lips.Runtime.Certification;

/// <summary>A capped weight after sealing: its certified norm in the cap's unit, and the factor it was scaled by (1 when untouched).</summary>
public sealed record SealedWeight(string Weight, UpperBound Norm, Constraint.Cap Cap, double Factor);

/// <summary>
/// Makes caps facts: a weight whose certified norm exceeds its cap by rounding is scaled until the certified norm of the
/// stored tensor is at most the cap.
/// </summary>
public static class Sealing
{
    /// <summary>More than this is no rounding error.</summary>
    public const double Tolerance = 0.001;

    /// <summary>Seals every capped weight in place.</summary>
    /// <param name="rescale">Scale down whatever the excess is.</param>
    /// <exception cref="NotCertified">A weight exceeds its cap by more than 0.1 % and <paramref name="rescale"/> is not set; nothing was changed.</exception>
    public static IReadOnlyList<SealedWeight> Seal(ModelWeights weights, bool rescale = false)
    {
        var capped = weights.All.Where(w => w.Weight.Constraint is Constraint.Cap).ToList();
        var bounds = InParallel.Compute(capped.Count, i => CertifiedNorms.InUnitOfCap(capped[i].Weight, CertifiedNorms.Values(capped[i].View), (Constraint.Cap)capped[i].Weight.Constraint!));
        var norms = capped.Zip(bounds).ToDictionary(p => p.First.Weight.Name, p => p.Second);
        if (!rescale)
        {
            var over = capped.Where(w => Exceeds(norms[w.Weight.Name], (Constraint.Cap)w.Weight.Constraint!)).ToList();
            if (over.Count > 0)
                throw new NotCertified(string.Join('\n', over.Select(w => Complaint(w.Weight, norms[w.Weight.Name]))));
        }
        return capped.Select(w => SealOne(w, norms[w.Weight.Name])).ToList();
    }

    private static bool Exceeds(UpperBound norm, Constraint.Cap cap) =>
        norm > UpperBound.OfDouble(cap.Limit) * UpperBound.OfDouble(1 + Tolerance);

    private static string Complaint(Weight weight, UpperBound norm)
    {
        var cap = (Constraint.Cap)weight.Constraint!;
        return $"'{weight.Name}' has certified norm {norm.ToDecimal(7)} ({UnitName(cap)}), above its cap {cap.Limit.ToString("R", CultureInfo.InvariantCulture)} by more than 0.1 %. Train with a method that keeps the cap, or rescale.";
    }

    public static string UnitName(Constraint.Cap cap) => cap.Unit switch
    {
        CapUnit.Spectral => "spectral",
        CapUnit.Rms => "RMS to RMS",
        CapUnit.RowL2 => "largest row, l2",
        CapUnit.RowRms => "largest row, RMS",
        CapUnit.L2 => "l2",
        _ => "largest entry",
    } + (cap.Extent switch { CapExtent.PerHead => ", each head", CapExtent.Operator => ", operator", _ => "" });

    private static SealedWeight SealOne(BoundWeight bound, UpperBound norm)
    {
        var cap = (Constraint.Cap)bound.Weight.Constraint!;
        var limit = UpperBound.OfDouble(cap.Limit);
        double factor = 1;
        using var noGrad = torch.no_grad();
        // Rounding to the stored type can undo a tiny shrink, so the aim moves down until the certificate holds.
        for (int attempt = 0; norm > limit; attempt++)
        {
            if (attempt == 60)
                throw new NotCertified($"'{bound.Weight.Name}' could not be brought to its cap {cap.Limit.ToString("R", CultureInfo.InvariantCulture)}: its certified norm stays at {norm.ToDecimal(9)}.");
            double margin = System.Math.ScaleB(1, System.Math.Min(attempt, 20) - 22);
            double shrink = cap.Limit == 0 ? 0 : cap.Limit / norm.ToDoubleUp() * (1 - margin);
            bound.View.mul_(shrink);
            factor *= shrink;
            norm = CertifiedNorms.InUnitOfCap(bound.Weight, CertifiedNorms.Values(bound.View), cap);
        }
        return new SealedWeight(bound.Weight.Name, norm, cap, factor);
    }
}
