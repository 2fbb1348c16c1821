using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Lips.Core;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>No attack on any layer kind, constraint or random stack may exceed its bound, its radius or its spread.</summary>
public sealed class FalsifierTests(ITestOutputHelper output)
{
    /// <summary>What float64 may add to a gain.</summary>
    private const double Allowance = 1 + 1e-9;

    /// <summary>LIPS_FALSIFY_BUDGET multiplies the number of attacks of the default run.</summary>
    private static readonly int Budget = int.TryParse(Environment.GetEnvironmentVariable("LIPS_FALSIFY_BUDGET"), NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n > 0 ? n : 1;

    [Fact]
    public void Every_layer_kind_has_a_spec_that_is_attacked()
    {
        var used = Emitted.Cases.SelectMany(e => e.Compiled.Derivation.Steps.Select(s => s.Layer.Kind)).ToHashSet();
        // a stack is expanded before anything is derived
        if (Cases.All.Any(c => c.Spec.Contains("stack {")))
            used.Add("stack");
        foreach (var kind in Catalog.kinds)
            Assert.Contains(kind.Name, used);
    }

    [Fact]
    public void No_attack_exceeds_a_bound()
    {
        torch.set_num_threads(1);
        IReadOnlyList<Emitted> all = [.. Emitted.Cases, .. Emitted.All([.. RandomStacks.Draw(12 * Budget, 20261121)])];
        int attacks = 0, bounded = 0;
        var violations = new List<string>();
        var table = new List<string>();
        var sources = all.SelectMany(e => Subject.Sources(e).Select(from => (Emitted: e, From: from))).ToList();
        for (int index = 0; index < sources.Count; index++)
        {
            using var subject = new Subject(sources[index].Emitted, sources[index].From);
            var best = new double[3];
            foreach (var reading in Enum.GetValues<Reading>())
            {
                double bound = subject.Bound(reading);
                for (int round = 0; round < Budget; round++)
                {
                    var start = (Start)((index + (int)reading + round) % 3);
                    int seed = (1000 * round) + index;
                    var found = new Falsifier(subject).Attack(reading, start, seed);
                    attacks++;
                    bounded += double.IsInfinity(bound) ? 0 : 1;
                    best[(int)reading] = Math.Max(best[(int)reading], found.Gain / bound);
                    if (found.Gain > bound * Allowance)
                        violations.Add(subject.Tell(found, bound));
                    if (reading == Reading.TokenToToken && found.Gain > subject.RmsBoundAsToken() * Allowance)
                        violations.Add("in rms: " + subject.Tell(found, subject.RmsBoundAsToken()));
                    Values(subject, reading, bound, seed, violations);
                }
            }
            table.Add(string.Create(CultureInfo.InvariantCulture, $"{subject.Emitted.Case.Name + (subject.Beside is null ? "" : ", from " + subject.From),-40} {best[0]:F4} {best[1]:F4} {best[2]:F4}"));
        }
        output.WriteLine("largest gain over bound: token to token, whole to whole, whole to token\n" + string.Join("\n", table));
        output.WriteLine($"{attacks} attacks, {bounded} against a finite bound");
        Assert.True(violations.Count == 0, string.Join("\n", violations));
        Assert.True(bounded >= 200, $"only {bounded} attacks had a finite bound to exceed");
    }

    /// <summary>At the weights an attack ended with: gains of distant pairs, and what is claimed of the output's tokens.</summary>
    private static void Values(Subject subject, Reading reading, double bound, int seed, List<string> violations)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed + 7);
        var falsifier = new Falsifier(subject) { Batch = 24 };
        var inputs = falsifier.Inputs(generator);
        double pair = falsifier.Pairs(reading, inputs, generator);
        var (largest, least, spread) = falsifier.Outputs(inputs, generator);
        void Check(string what, double found, double limit)
        {
            if (found > limit * Allowance + 1e-12)
                violations.Add(string.Create(CultureInfo.InvariantCulture, $"{subject.Emitted.Case.Name}: {what} {found:R} against {limit:R}, seed {seed}\n{subject.Emitted.Case.Spec}"));
        }

        Check("the gain of a pair", pair, bound);
        Check("the norm of a token", largest, subject.Output.Radius);
        Check("half the distance of two tokens", spread, subject.Output.Centred);
        Check("the least norm claimed", subject.Output.Lower, Math.Max(least, 0));
    }
}
