using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Lips.Core;
using TorchSharp;
using Xunit;

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
