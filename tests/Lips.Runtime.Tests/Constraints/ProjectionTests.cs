using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Constraints;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Constraints;

public class ProjectionTests
{
    private static Tensor WithSingularValues(double[] values, int rows, int columns, long seed)
    {
        using var generator = new Generator((ulong)seed);
        int n = Math.Min(rows, columns);
        var (u, _) = linalg.qr(randn(rows, n, dtype: float64, generator: generator));
        var (v, _) = linalg.qr(randn(columns, n, dtype: float64, generator: generator));
        return (u * tensor(values)).mm(v.T);
    }

    private static Tensor Capped(Tensor x, Action<Tensor> method)
    {
        var copy = x.clone();
        method(copy);
        return copy;
    }

    private static double[] SingularValues(Tensor w) => linalg.svdvals(w.to(float64)).data<double>().ToArray();

    [Theory]
    [InlineData(CapMethod.Hard)]
    [InlineData(CapMethod.Svd)]
    public void A_hard_cap_is_the_minimum_with_the_cap(CapMethod method)
    {
        using var scope = NewDisposeScope();
        double[] values = [3, 1.5, 1.02, 1.0005, 1, 0.999, 0.9, 0.5, 0.1, 0.003, 1e-6, 0];
        using var model = new TinyMlp(12, 40, 12, 1, method);
        using var weights = new ModelWeights(model);
        weights["up"].View.copy_(WithSingularValues(values, 40, 12, 1));
        weights["down"].View.copy_(WithSingularValues(values, 12, 40, 2));
        new Projector(weights).Enforce();
        foreach (string name in new[] { "up", "down" })
            Assert.All(SingularValues(weights[name].View).Zip(values), p => Assert.InRange(p.First, Math.Min(p.Second, 1) - 1e-3, Math.Min(p.Second, 1) + 1e-3));
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.2)]
    [InlineData(0.3)]
    public void The_soft_cap_brings_the_largest_reach_back_to_the_cap_and_keeps_order(double step)
    {
        using var scope = NewDisposeScope();
        double alpha = SoftCap.Coefficient(1 + step)!.Value;
        Assert.Equal(step switch { 0.05 => 0.12244, 0.2 => 0.18863, _ => alpha }, alpha, 4);
        double[] values = Enumerable.Range(0, 12).Select(i => (1 + step) * (12 - i) / 12).ToArray();
        var capped = WithSingularValues(values, 12, 30, 3).to(float32).unsqueeze(0);
        MatrixFunctions.Apply(g => SoftCap.Gain(g, alpha), capped, tall: false, 1);
        var after = SingularValues(capped[0]);
        Assert.Equal(1, after[0], 5);
        Assert.All(after, s => Assert.True(s <= 1 + 1e-5));
        // Non-decreasing: sorted values before give sorted values after, one by one.
        double[] expected = values.Select(s => { double p = s - alpha * s * s * s; return p + alpha * p * p * p; }).ToArray();
        Assert.All(after.Zip(expected), p => Assert.Equal(p.Second, p.First, 4));
    }

    [Fact]
    public void The_soft_cap_refuses_steps_that_would_turn_the_order()
    {
        Assert.Null(SoftCap.Coefficient(1.31));
        Assert.Null(SoftCap.Coefficient(double.NaN));
        Assert.Equal(0, SoftCap.Coefficient(0.99));
        Assert.NotNull(SoftCap.Coefficient(SoftCap.LargestReach));
    }

    [Fact]
    public void The_other_methods_do_what_they_say()
    {
        using var scope = NewDisposeScope();
        double[] values = [3, 1.5, 1.2, 0.9, 0.5, 0.3, 0.2, 0.1];
        double[] After(CapMethod method)
        {
            using var model = new TinyMlp(8, 20, 8, 2, method);
            using var weights = new ModelWeights(model);
            weights["up"].View.copy_(WithSingularValues(values, 20, 8, 1) * 2);
            new Projector(weights).AfterStep();
            return SingularValues(weights["up"].View).Select(s => s / 2).ToArray();
        }

        Assert.All(After(CapMethod.Normalize).Zip(values), p => Assert.Equal(p.Second / 3, p.First, 0.002));
        Assert.All(After(CapMethod.Stiefel), s => Assert.Equal(1, s, 0.001));
        var hammered = After(CapMethod.Hammer);
        Assert.Equal([1.5, 1.2, 1, 0.9], hammered.Take(4).Select(s => Math.Round(s, 3)));
        // A step too large for the soft cap's coupling falls back to the exact cap.
        Assert.All(After(CapMethod.Soft).Zip(values), p => Assert.Equal(Math.Min(1, p.Second), p.First, 0.001));
    }

    [Fact]
    public void Projecting_many_matrices_together_is_projecting_each()
    {
        using var scope = NewDisposeScope();
        var x = randn(5, 8, 20);
        foreach (Func<Tensor, Tensor> method in new Func<Tensor, Tensor>[]
                 {
                     t => Capped(t, y => MatrixFunctions.Apply(g => MatrixFunctions.HardCapGain(g), y, tall: false, 1)), t => Capped(t / 10, y => MatrixFunctions.Apply(g => MatrixFunctions.HardCapGain(g, 1.3), y, tall: false, 1)),
                     t => MatrixFunctions.Orthogonalize(t, 2), t => MatrixFunctions.LargestSingular(t).Norm, t => Capped(t / 10, y => MatrixFunctions.Apply(g => SoftCap.Gain(g, 0.1), y, tall: false, 1)),
                 })
        {
            var together = method(x);
            for (int i = 0; i < 5; i++)
                Assert.True((method(x.narrow(0, i, 1))[0] - together[i]).abs().max().item<float>() < 1e-4);
        }
    }

    [Theory]
    [InlineData(CapMethod.Soft)]
    [InlineData(CapMethod.Normalize)]
    [InlineData(CapMethod.Svd)]
    public void After_sealing_every_cap_is_a_fact_and_projecting_again_changes_nothing(CapMethod method)
    {
        using var scope = NewDisposeScope();
        using var model = new TinyTransformer(20, method);
        using var weights = new ModelWeights(model);
        foreach (var weight in weights.Distinct)
            weight.View.copy_(randn_like(weight.View) * 3);
        var projector = new Projector(weights);
        projector.Enforce();
        Assert.All(projector.NormsOverCaps(), n => Assert.InRange(n.Value, 0, 1.002));
        var sealing = Sealing.Seal(weights);
        Assert.Equal(model.Weights.Count, sealing.Count);
        Assert.All(sealing, s => Assert.True(s.Norm <= UpperBound.OfDouble(s.Cap.Limit)));

        var before = weights.Distinct.Select(w => w.View.clone()).ToList();
        projector.Enforce();
        for (int i = 0; i < before.Count; i++)
            Assert.True((weights.Distinct[i].View - before[i]).abs().max().item<float>() < 3e-3, weights.Distinct[i].Weight.Name);
        Assert.All(Sealing.Seal(weights), s => Assert.InRange(s.Factor, 0.999, 1));
    }

    [Fact]
    public void Heads_are_capped_one_by_one()
    {
        using var scope = NewDisposeScope();
        using var model = new TinyTransformer(20);
        using var weights = new ModelWeights(model);
        weights["attention.q"].View.copy_(randn(16, 16) * 5);
        weights["attention.out"].View.copy_(randn(16, 16) * 5);
        new Projector(weights).Enforce();
        for (int h = 0; h < 2; h++)
        {
            Assert.Equal(Math.Sqrt(0.5), SingularValues(weights["attention.q"].View.narrow(0, 8 * h, 8))[0], 3);
            Assert.Equal(Math.Sqrt(2), SingularValues(weights["attention.out"].View.narrow(1, 8 * h, 8))[0], 3);
        }
        // The fused leaf holds the same numbers, and the rows of k were not touched.
        Assert.True(weights.Leaves.Single(l => l.Name == "qkv").Parameter.narrow(0, 0, 16).allclose(weights["attention.q"].View));
        Assert.Equal(0, weights["attention.k"].View.abs().max().item<float>());
    }

    [Fact]
    public void A_weight_far_above_its_cap_is_not_sealed_but_named()
    {
        using var model = new TinyMlp(4, 6, 3);
        Initialization.Apply(model, 0);
        using var weights = new ModelWeights(model);
        using (no_grad())
            weights["down"].View.mul_(1.1);
        var before = CertifiedNorms.Values(weights["down"].View);
        var error = Assert.Throws<NotCertified>(() => Sealing.Seal(weights));
        Assert.Contains("'down'", error.Message);
        Assert.Equal(4, error.ExitCode);
        Assert.Equal(before, CertifiedNorms.Values(weights["down"].View));
        Assert.All(Sealing.Seal(weights, rescale: true), s => Assert.True(s.Norm <= UpperBound.OfDouble(s.Cap.Limit)));
    }

    [Fact]
    public void Gradients_are_not_touched_by_a_projection()
    {
        using var scope = NewDisposeScope();
        using var model = new TinyMlp(4, 6, 3);
        Initialization.Apply(model, 0);
        using var weights = new ModelWeights(model);
        model.Forward([randn(5, 1, 4)]).square().sum().backward();
        var gradients = weights.Leaves.Select(l => l.Parameter.grad!.clone()).ToList();
        using (no_grad())
            weights["up"].View.mul_(3);
        new Projector(weights).Enforce();
        for (int i = 0; i < gradients.Count; i++)
        {
            Assert.True(weights.Leaves[i].Parameter.requires_grad);
            Assert.True(weights.Leaves[i].Parameter.grad!.eq(gradients[i]).all().item<bool>());
        }
    }

    [Fact]
    public void Initial_weights_have_the_norm_they_promise()
    {
        using var model = new TinyTransformer(20);
        Initialization.Apply(model, 3);
        using var weights = new ModelWeights(model);
        foreach (var weight in weights.All.Where(w => w.Weight.Init is Init.Orthogonal or Init.Spectral))
        {
            var norm = CertifiedNorms.InUnitOfCap(weight.Weight, CertifiedNorms.Values(weight.View), (Constraint.Cap)weight.Weight.Constraint!);
            Assert.True(norm <= UpperBound.One, $"{weight.Weight.Name}: {norm.ToDecimal(9)}");
            Assert.True(norm.ToDoubleUp() > 1 - 2e-5);
        }
        var q = weights["attention.q"].View;
        using var scope = NewDisposeScope();
        Assert.All(SingularValues(q.narrow(0, 0, 8)), s => Assert.Equal(Math.Sqrt(0.5), s, 4));
        using var same = new TinyTransformer(20);
        Initialization.Apply(same, 3);
        using var sameWeights = new ModelWeights(same);
        Assert.All(weights.Distinct.Zip(sameWeights.Distinct), p => Assert.True(p.First.View.eq(p.Second.View).all().item<bool>()));
    }
}
