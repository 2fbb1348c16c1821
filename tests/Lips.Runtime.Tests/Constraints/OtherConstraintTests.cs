using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Constraints;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Tests.Models;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Constraints;

public class OtherConstraintTests
{
    /// <summary>One weight and nothing around it.</summary>
    private sealed class Single(Weight weight) : TinyModel("Single", [weight], new Dictionary<string, long[]> { [weight.Leaf] = [.. weight.Shape] }, new InputInfo("x", "features", [1]), null)
    {
        public override Tensor Forward(IReadOnlyList<Tensor> inputs) => inputs[0];

        public override Tensor ValueAt(string point, IReadOnlyList<Tensor> inputs) => inputs[0];

        public override Tensor Continue(string point, Tensor value) => value;

        public override IReadOnlyList<ClaimInfo> Claims => [];

        public override UpperBound Bound(int claim, Norms norms) => UpperBound.One;

        public override UpperBound BoundAtCaps(int claim) => UpperBound.One;

        public override IReadOnlyList<NormRequest> NormsNeeded => [];
    }

    private static void With(Weight weight, Action<ModelWeights, BoundWeight> check)
    {
        using var scope = NewDisposeScope();
        using var model = new Single(weight);
        using var weights = new ModelWeights(model);
        using var generator = new Generator(3);
        using (no_grad())
            weights.All[0].View.copy_(randn([.. weight.Shape], generator: generator));
        check(weights, weights.All[0]);
    }

    [Fact]
    public void Spectral_decay_shrinks_the_largest_singular_value_alone() =>
        With(new Weight("w", "w", Role.Matrix, [9, 6], Constraint: new Constraint.SpectralDecay(0.5)), (weights, w) =>
        {
            var before = linalg.svdvals(w.View).data<float>().ToArray();
            new Projector(weights, rate: _ => StepNumber.Of(0.2)).AfterStep();
            var after = linalg.svdvals(w.View).data<float>().ToArray();
            before[0] *= 0.9f;
            Assert.All(before.OrderDescending().Zip(after), p => Assert.Equal(p.First, p.Second, 0.002f));
        });

    [Fact]
    public void Weight_decay_shrinks_every_entry_before_the_step() =>
        With(new Weight("w", "w", Role.Matrix, [3, 4], Constraint: new Constraint.WeightDecay(0.5)), (weights, w) =>
        {
            var expected = w.View * 0.9;
            new Projector(weights, rate: _ => StepNumber.Of(0.2)).BeforeStep();
            Assert.True(w.View.allclose(expected));
        });

    [Theory]
    [InlineData(1, 5, 4, 3, 3)]
    [InlineData(4, 8, 1, 3, 3)]
    [InlineData(1, 4, 4, 5)]
    public void A_convolution_keeps_its_operator_cap(int groups, params int[] shape)
    {
        var cap = new Constraint.Cap(0.7, CapUnit.Spectral, CapExtent.Operator, CapMethod.Soft);
        With(new Weight("w", "w", Role.Kernel, [.. shape.Select(s => (long)s)], Constraint: cap, Groups: groups), (weights, w) =>
        {
            new Projector(weights).Enforce();
            var sealing = Sealing.Seal(weights).Single();
            Assert.True(sealing.Norm <= UpperBound.OfDouble(0.7));
            // The projection aims at the same number as the certificate: it does not shrink for nothing.
            Assert.InRange(sealing.Norm.ToDoubleUp(), 0.69, 0.7);
        });
    }

    [Theory]
    [InlineData(CapUnit.RowL2)]
    [InlineData(CapUnit.RowRms)]
    [InlineData(CapUnit.L2)]
    [InlineData(CapUnit.MaxAbs)]
    public void Vectors_and_tables_keep_their_caps(CapUnit unit)
    {
        foreach (long[] shape in new long[][] { [7], [5, 8], [2, 3, 4] })
            With(new Weight("w", "w", Role.Table, shape, Constraint: new Constraint.Cap(0.3, unit, CapExtent.Whole, CapMethod.Soft)), (weights, w) =>
            {
                new Projector(weights).Enforce();
                Assert.InRange(new Projector(weights).NormsOverCaps()["w"], 0.999, 1.001);
                Assert.True(Sealing.Seal(weights).Single().Norm <= UpperBound.OfDouble(0.3));
            });
    }

    [Fact]
    public void A_cap_of_zero_means_a_zero_weight() =>
        With(new Weight("w", "w", Role.Matrix, [3, 4], Constraint: new Constraint.Cap(0, CapUnit.Spectral, CapExtent.Whole, CapMethod.Hard)), (weights, w) =>
        {
            new Projector(weights).Enforce();
            Assert.Equal(0, w.View.abs().max().item<float>());
            Assert.True(Sealing.Seal(weights).Single().Norm.IsZero);
        });
}
