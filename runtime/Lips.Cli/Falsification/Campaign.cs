using System;
using System.Collections.Generic;
using System.Globalization;
using Lips.Runtime.Falsification;
using static TorchSharp.torch;

namespace Lips.Cli.Falsification;

/// <summary>
/// Attacks on any number of subjects: gains of the Jacobian by ascent, gains of distant pairs, and what is claimed of the
/// output's tokens. Whatever exceeds its bound is kept with all that is needed to see it again.
/// </summary>
/// <param name="seed">Other seeds, other attacks.</param>
public sealed class Campaign(int seed = 0)
{
    /// <summary>What float64 may add to a gain.</summary>
    public const double Allowance = 1 + 1e-9;

    private readonly List<string> _violations = [];

    /// <summary>Each finding above its bound, in words.</summary>
    public IReadOnlyList<string> Violations => _violations;

    public int Attacks { get; private set; }

    /// <summary>Attacks that had a finite bound to exceed.</summary>
    public int Bounded { get; private set; }

    /// <summary>Attacks every reading that often; the largest gain over its bound, one per <see cref="Reading"/>.</summary>
    /// <param name="index">Tells the subjects of one campaign apart: seeds and starts follow from it.</param>
    public double[] Attack(Subject subject, int index, int rounds)
    {
        var best = new double[3];
        foreach (var reading in Enum.GetValues<Reading>())
        {
            double bound = subject.Bound(reading);
            for (int round = 0; round < rounds; round++)
            {
                var start = (Start)((index + (int)reading + round) % 3);
                int own = unchecked((1_000_003 * seed) + (1000 * round) + index) & int.MaxValue;
                var found = new Falsifier(subject).Attack(reading, start, own);
                Attacks++;
                Bounded += double.IsInfinity(bound) ? 0 : 1;
                best[(int)reading] = Math.Max(best[(int)reading], Share(found.Gain, bound));
                if (found.Gain > bound * Allowance)
                    _violations.Add(subject.Tell(found, bound));
                if (reading == Reading.TokenToToken && found.Gain > subject.RmsBoundAsToken() * Allowance)
                    _violations.Add("in rms: " + subject.Tell(found, subject.RmsBoundAsToken()));
                best[(int)reading] = Math.Max(best[(int)reading], Values(subject, reading, bound, own));
            }
        }
        return best;
    }

    /// <summary>At the weights an attack ended with: gains of distant pairs, and what is claimed of the output's tokens.</summary>
    private double Values(Subject subject, Reading reading, double bound, int own)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)own + 7);
        var falsifier = new Falsifier(subject) { Batch = 24 };
        var inputs = falsifier.Inputs(generator);
        double pair = falsifier.Pairs(reading, inputs, generator);
        var (largest, least, spread, leastCentred) = falsifier.Outputs(inputs, generator);
        void Check(string what, double found, double limit)
        {
            if (found > limit * Allowance + 1e-12)
                _violations.Add(string.Create(CultureInfo.InvariantCulture, $"{subject.Name}: {what} {found:R} against {limit:R}, seed {own}\n{subject.Emitted.Case.Spec}"));
        }

        Check("the gain of a pair", pair, bound);
        Check("the norm of a token", largest, subject.Output.Radius);
        Check("half the distance of two tokens", spread, subject.Output.Centred);
        Check("the least norm claimed", subject.Output.Lower, least);
        Check("the least norm claimed of a token without its mean", subject.Output.LowerCentred, leastCentred);
        return Share(pair, bound);
    }

    /// <summary>A gain of 0 attains a bound of 0.</summary>
    private static double Share(double gain, double bound) => bound > 0 ? gain / bound : gain > 0 ? double.PositiveInfinity : 1;
}
