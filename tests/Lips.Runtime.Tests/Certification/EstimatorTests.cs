using System;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Certification;

public class EstimatorTests
{
    [Theory]
    [InlineData(ValueNorm.L2)]
    [InlineData(ValueNorm.Token)]
    [InlineData(ValueNorm.Rms)]
    public void A_linear_map_has_the_constant_of_its_matrix(ValueNorm norm)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var w = randn(5, 9, generator: generator);
        double sigma = linalg.svdvals(w).max().item<float>() * (norm == ValueNorm.Rms ? Math.Sqrt(9.0 / 5) : 1);
        var estimate = new Estimator(x => nn.functional.linear(x, w), norm, norm).Search(randn(2, 4, 9, generator: generator));
        Assert.InRange(estimate.Value, 0.98 * sigma, sigma * (1 + 1e-4));
    }

    [Fact]
    public void Mixing_tokens_is_seen_in_each_norm()
    {
        using var scope = NewDisposeScope();
        // y_0 = x_0 + x_1 + x_2: 3 from token to token, √3 in l2.
        Tensor Sum(Tensor x) => x.sum(1, keepdim: true);
        var start = ones(1, 3, 4);
        Assert.Equal(3, new Estimator(Sum, ValueNorm.Token, ValueNorm.Token).Search(start).Value, 3);
        Assert.Equal(Math.Sqrt(3), new Estimator(Sum, ValueNorm.L2, ValueNorm.L2).Search(start).Value, 3);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.15)]
    public void One_attention_layer_reaches_its_constant_at_the_extremal_tokens(double away)
    {
        // Two antipodal keys of equal weight, the query token apart: s + √(1 + s²) with s = 1 (token norm, tokens of norm ≤ 1).
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var start = tensor(new float[] { 1, 0, 0, -1, 0, 0, 0, 1, 0 }).view(1, 3, 3);
        start = start + randn(1, 3, 3, generator: generator) * away;
        var bias = tensor(new float[] { 0, 0, -1e9f, 0, 0, -1e9f, 0, 0, -1e9f }).view(3, 3);
        Tensor Attention(Tensor x) => (x.matmul(x.transpose(1, 2)) + bias).softmax(-1).matmul(x);
        var estimate = new Estimator(Attention, ValueNorm.Token, ValueNorm.Token) { Radius = 1, Ascents = 200 }.Search(away == 0 ? start : start / start.square().sum(2, keepdim: true).sqrt());
        double constant = 1 + Math.Sqrt(2);
        Assert.InRange(estimate.Value, 0.98 * constant, constant * (1 + 1e-4));
    }

    [Fact]
    public void Ascent_on_the_input_finds_the_steep_place()
    {
        using var scope = NewDisposeScope();
        // x² has slope 2|x|: within |x| ≤ 1 the constant is 2, and the start is far from it.
        var estimate = new Estimator(x => x.square(), ValueNorm.L2, ValueNorm.L2) { Radius = 1, Ascents = 200 }.Search(full([1, 1, 1], 0.1));
        Assert.InRange(estimate.Value, 1.96, 2.0001);
    }

    [Fact]
    public void A_claim_of_a_model_is_estimated_below_its_bound()
    {
        using var scope = NewDisposeScope();
        using var model = new TinyMlp(6, 10, 4);
        Initialization.Apply(model, 0);
        using var weights = new ModelWeights(model);
        var estimate = Estimator.OfClaim(model, model.Claims[0], [randn(4, 1, 6)]);
        Assert.InRange(estimate.Value, 0.3, model.Bound(0, CertifiedNorms.Of(model, weights)).ToDoubleUp());

        using var transformer = new TinyTransformer(20);
        Initialization.Apply(transformer, 0);
        using var own = new ModelWeights(transformer);
        using (no_grad())
            own["head"].View.copy_(randn_like(own["head"].View));
        var tokens = randint(0, 20, [2, TinyTransformer.Context], dtype: int64);
        Assert.True(Estimator.OfClaim(transformer, transformer.Claims[0], [tokens], ascents: 5).Value > 0.1);
    }
}
