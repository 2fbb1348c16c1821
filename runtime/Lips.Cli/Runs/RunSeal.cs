using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;

namespace Lips.Cli.Runs;

/// <summary>Seals a run's weights and writes its certificate; says what was proven and what was measured beside it.</summary>
internal static class RunSeal
{
    /// <summary>Certifies the run in place.</summary>
    /// <exception cref="NotCertified">A weight exceeds its cap by more than rounding explains; nothing was written.</exception>
    /// <param name="tight">Bound residual blocks as wholes.</param>
    public static Certificate Certify(Run run, bool rescale, bool tight = false)
    {
        using var weights = new ModelWeights(run.Model);
        var (certificate, seals) = Certifier.Certify(weights, run.Folder.Model, run.Folder.Certificate, File.ReadAllBytes(run.Folder.Spec), rescale, tight);
        foreach (var seal in seals.Where(s => s.Factor != 1))
            Console.Out.WriteLine(FormattableString.Invariant($"  {seal.Weight} scaled by {seal.Factor:R} to its cap"));
        foreach (var claim in certificate.Claims)
            Console.Out.WriteLine($"{claim.Text} <= {claim.Bound} for these weights" + (claim.Limit is null ? "" : claim.Holds ? $"; claim <= {claim.Limit} holds" : $"; claim <= {claim.Limit} DOES NOT HOLD"));
        return certificate;
    }

    /// <summary>For each claim a value that the constant was seen to reach. An estimate: no part of a certificate.</summary>
    public static IReadOnlyList<(string Name, string Value)> Estimates(Run run, int samples = 2, int ascents = 20)
    {
        var facts = new List<(string, string)>();
        using var batch = run.Sample(samples);
        foreach (var claim in run.Model.Claims)
        {
            try
            {
                var estimate = Estimator.OfClaim(run.Model, claim, batch.Inputs, ascents);
                Console.Out.WriteLine($"{claim.Text} >= {estimate} estimated from below at real inputs");
                facts.Add(($"{claim.Text}, estimated from below", "≥ " + estimate));
            }
            catch (Exception e) when (e is ArgumentException or RunFailed)
            {
                Terminal.Complain($"no estimate of {claim.Text}: {e.Message}");
            }
        }
        Console.Out.Flush();
        return facts;
    }
}
