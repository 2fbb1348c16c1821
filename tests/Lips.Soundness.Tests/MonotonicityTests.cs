using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using Xunit;

namespace Lips.Soundness.Tests;

/// <summary>A bound that fell when a norm grew could be wrong at certified norms, which are upper bounds themselves.</summary>
public sealed class MonotonicityTests
{
    [Fact]
    public void A_bound_never_falls_when_a_norm_grows()
    {
        var random = new Random(99);
        int raised = 0;
        foreach (var one in Cases.All.Concat(RandomStacks.Draw(150, 7)))
        {
            var program = Emitted.Compile(one).Derivation.Program;
            var norms = new Dictionary<string, double>(StringComparer.Ordinal);
            double spread = Math.Pow(10, random.Next(-1, 2));
            var before = At(program, norms, () => spread * random.NextDouble());
            foreach (string key in norms.Keys.Order(StringComparer.Ordinal).ToList())
            {
                double old = norms[key];
                norms[key] = old * (1 + random.NextDouble()) + (random.Next(3) == 0 ? 1 : 0);
                var after = At(program, norms, () => throw new InvalidOperationException("a norm that was not read before"));
                for (int i = 0; i < before.Length; i++)
                    // every operation rounds up, by at most 2^-62
                    Assert.True(after[i] >= before[i] * (1 - 1e-12), $"{one.Name}: result {i} falls from {before[i]} to {after[i]} when {key} grows from {old} to {norms[key]}\n{one.Spec}");
                norms[key] = old;
                raised++;
            }
        }
        Assert.True(raised > 1000, $"{raised} norms raised");
    }

    private static double[] At(Lips.Core.Program program, Dictionary<string, double> norms, Func<double> draw)
    {
        Upper Measure(Measure measure, FSharpList<Tuple<string, long>> indices, FSharpOption<int>? head)
        {
            string key = Evaluate.key(measure, indices, head);
            if (!norms.TryGetValue(key, out double value))
                norms[key] = value = draw();
            return Upper.OfDouble(value);
        }

        var measure = FuncConvert.FromFunc<Measure, FSharpList<Tuple<string, long>>, FSharpOption<int>?, Upper>(Measure);
        return [.. Evaluate.run(Evaluate.upper, measure, null, program).Select(u => u.ToDoubleUp())];
    }
}
