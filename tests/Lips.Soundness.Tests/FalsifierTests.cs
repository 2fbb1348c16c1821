using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;
using TorchSharp;
using Xunit;
using CapExtent = Lips.Runtime.CapExtent;
using CapMethod = Lips.Runtime.CapMethod;
using CapUnit = Lips.Runtime.CapUnit;
using Constraint = Lips.Runtime.Constraint;

namespace Lips.Soundness.Tests;

/// <summary>No attack on any layer kind, constraint or random stack may exceed its bound, its radius or its spread.</summary>
public sealed class FalsifierTests(ITestOutputHelper output)
{
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

    /// <summary>Slopes deep in a stack are as small as they like; their squares are 0 long before they are.</summary>
    [Theory]
    [InlineData(CapUnit.L2)]
    [InlineData(CapUnit.RowL2)]
    [InlineData(CapUnit.RowRms)]
    [InlineData(CapUnit.MaxAbs)]
    [InlineData(CapUnit.Spectral)]
    public void The_farthest_point_of_a_set_keeps_the_cap_however_small_the_slope(CapUnit unit)
    {
        using var scope = torch.NewDisposeScope();
        var cap = new Constraint.Cap(0.5, unit, CapExtent.Whole, CapMethod.Soft);
        var weight = new Lips.Runtime.Weight("w", "w", Lips.Runtime.Role.Matrix, [2, 3], Constraint: cap);
        foreach (double size in new[] { 1, 1e-150, 1e-160, 1e-200, 1e-280, 3e-308 })
        {
            var direction = torch.tensor([3 * size, -2 * size, size, size, 2 * size, size], dtype: torch.float64).view(2, 3);
            double norm = CertifiedNorms.InUnitOfCap(weight, CertifiedNorms.Values(CappedSet.Farthest(weight, direction)), cap).ToDoubleUp();
            Assert.InRange(norm, 0.5 * (1 - 1e-12), 0.5 * (1 + 1e-12));
        }
    }

    [Fact]
    public void No_attack_exceeds_a_bound()
    {
        torch.set_num_threads(1);
        IReadOnlyList<Emitted> all = [.. Emitted.Cases, .. Emitted.All([.. RandomStacks.Draw(40 * Budget, 20261121)])];
        var campaign = new Campaign();
        var table = new List<string>();
        var sources = all.SelectMany(e => Subject.Sources(e).Select(from => (Emitted: e, From: from))).ToList();
        for (int index = 0; index < sources.Count; index++)
        {
            using var subject = new Subject(sources[index].Emitted, sources[index].From);
            double[] best = campaign.Attack(subject, index, Budget);
            table.Add(string.Create(CultureInfo.InvariantCulture, $"{subject.Emitted.Case.Name + (subject.Beside is null ? "" : ", from " + subject.From),-40} {best[0]:F4} {best[1]:F4} {best[2]:F4}"));
        }
        output.WriteLine("largest gain over bound: token to token, whole to whole, whole to token\n" + string.Join("\n", table));
        output.WriteLine($"{campaign.Attacks} attacks, {campaign.Bounded} against a finite bound");
        Assert.True(campaign.Violations.Count == 0, string.Join("\n", campaign.Violations));
        Assert.True(all.Count >= 200, $"only {all.Count} specs were attacked");
        Assert.True(campaign.Bounded >= 500, $"only {campaign.Bounded} attacks had a finite bound to exceed");
    }
}
