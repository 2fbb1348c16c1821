using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>
/// Configurations set by hand, each with the gain that a line of algebra gives: the emitted module must have exactly this
/// gain, and the bound must be at least it and at most a stated multiple of it.
/// </summary>
public sealed class ExtremalTests
{
    public ExtremalTests() => torch.set_num_threads(1);

    internal static Tensor Matrix(long columns, params double[] entries) => tensor(entries).view(-1, columns);

    internal static void Set(Subject subject, params (string Weight, Tensor Value)[] values)
    {
        using var noGrad = no_grad();
        foreach (var (name, value) in values)
            subject.Weights[name].View.copy_(value);
    }

    /// <summary>The gain with the weights and tokens as they are: functional and direction alternate, nothing else moves.</summary>
    internal static double Gain(Subject subject, Reading reading, Tensor input, int steps = 300)
    {
        using var generator = new Generator(3);
        var still = new Falsifier(subject) { Steps = steps, MovesWeights = false, MovesInputs = false };
        long outputs = subject.Emitted.Compiled.Derivation.Points[subject.Emitted.Compiled.Derivation.Output].Shape.Tokens;
        var copies = cat([.. Enumerable.Repeat(input, (int)outputs)], 0);
        return Enumerable.Range(0, 3).Max(_ => still.Ascend(reading, copies, generator));
    }

    /// <summary>The gain must be the expected one to 10 digits; gain ≤ bound ≤ slack · gain.</summary>
    internal static void Holds(Subject subject, Reading reading, Tensor input, double expected, double slack = 1 + 1e-9, int steps = 300)
    {
        double gain = Gain(subject, reading, input, steps), bound = subject.Bound(reading);
        Assert.Equal(expected, gain, Math.Abs(expected) * 1e-10);
        Assert.InRange(bound, gain * (1 - 1e-12), gain * slack);
    }

    [Fact]
    public void A_linear_map_gains_its_cap_along_its_top_singular_vector()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("linear", "input x = features(3, 2)\nweights(bias: false, constraint: spectral_cap(3/2))\ny = linear(2)")));
        Set(subject, ("y.weight", Matrix(2, 0.9, 1.2, 0, 0)));
        foreach (var reading in Enum.GetValues<Reading>())
            Holds(subject, reading, randn(1, 3, 2, dtype: float64), 1.5);
    }

    [Theory]
    [InlineData("gelu", 1.4142135623730951, 1.1289041451851548)]
    [InlineData("gelu_tanh", 1.41850400879, 1.1289930686587718)]
    [InlineData("silu", 2.39935728052, 1.0998393201288669)]
    [InlineData("tanh", 0, 1)]
    [InlineData("sigmoid", 0, 0.25)]
    public void An_activation_gains_most_where_calculus_says(string activation, double at, double slope)
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("slope", $"input x = features(1, 2, radius: 5)\ny = {activation}")));
        Holds(subject, Reading.WholeToWhole, tensor([at, 0.0]).view(1, 2), slope, 1 + 1e-8);
    }

    [Fact]
    public void An_mlp_gains_the_slope_at_the_right_bias()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("mlp", "input x = features(1, 2, radius: 1)\nweights(constraint: spectral_cap(1)); weights of bias (constraint: l2_cap(2))\ny = mlp(2, activation: gelu)")));
        var up = Matrix(2, 1, 0, 0, 0);
        Set(subject, ("y.up", up), ("y.down", up), ("y.up_bias", tensor([Math.Sqrt(2), 0])), ("y.down_bias", tensor([0.0, 0])));
        Holds(subject, Reading.TokenToToken, zeros(1, 2, dtype: float64), 1.1289041451851548);
    }

    /// <summary>
    /// 2m antipodal tokens ±e₁ and one query token −e₂·… whose own key has logit −s: with own weight w = 1/(1 + 2m·e^s), exact
    /// gain of the query's row; s = scale for tokens of norm 1 and K = Q = V = 1 up to signs.
    /// </summary>
    [Theory]
    [InlineData(7, 1)]
    [InlineData(15, 2)]
    [InlineData(7, 0.25)]
    public void Antipodal_tokens_and_a_query_apart_attain_the_pythagorean_rule(int pairs, double scale)
    {
        using var scope = NewDisposeScope();
        int n = (2 * pairs) + 1;
        string text = scale.ToString(System.Globalization.CultureInfo.InvariantCulture);
        using var subject = new Subject(Emitted.One(Case.Of("antipodal", $"input x = features({n}, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\ny = attention(1, scale: {text})")));
        var one = eye(2, dtype: float64);
        // KᵀQ e₂ = −e₂, KᵀQ e₁ = e₁: the query token e₂ looks away from itself
        Set(subject, ("y.q", one), ("y.k", Matrix(2, 1, 0, 0, -1)), ("y.v", one), ("y.out", one));
        var tokens = new List<double>();
        for (int i = 0; i < pairs; i++)
            tokens.AddRange([1, 0, -1, 0]);
        tokens.AddRange([0, 1]);
        // weights: e^0 for each antipodal token, e^−s for the query's own; the mean lies at w·e₂
        double s = scale, w = Math.Exp(-s) / ((2 * pairs) + Math.Exp(-s)), a = (1 - w) / (2 * pairs);
        // row of e₁ᵀJ: key tokens ±e₁: a(e₁ + p·(±1)), p = −s·e₂; the query token: w·e₁ + s·Var(e₁·x)·e₁ (its own key has no e₁ part)
        double along1 = (2 * pairs * a * Math.Sqrt(1 + (s * s))) + w + (s * 2 * pairs * a);
        double gain = Gain(subject, Reading.TokenToToken, tensor(tokens.ToArray()).view(1, n, 2));
        double bound = subject.Bound(Reading.TokenToToken);
        Assert.True(gain >= along1 * (1 - 1e-10), $"{gain} < {along1}");
        Assert.Equal(s + Math.Sqrt(1 + (s * s)), bound, 1e-9);
        Assert.InRange(gain, 0.97 * bound, bound * (1 + 1e-9));
    }

    [Fact]
    public void Heads_that_look_at_different_tokens_gain_the_root_of_their_number()
    {
        using var scope = NewDisposeScope();
        // V sends every token's channel h to head h; head h looks at token h alone; out adds the heads: √2 on the value path
        using var subject = new Subject(Emitted.One(Case.Of("heads", "input x = features(2, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\ny = attention(2, scale: 40)")));
        double c = Math.Sqrt(0.5);
        var v = eye(2, dtype: float64);
        // logits of head 1 are large at e₁, of head 2 at e₂, for a query with both channels
        Set(subject, ("y.q", Matrix(2, 1, 0, 0, 1)), ("y.k", Matrix(2, 1, 0, 0, 1)), ("y.v", v), ("y.out", v));
        var tokens = tensor([c, -c, -c, c]).view(1, 2, 2);
        // token 1 = (c, −c): in head 1 its key agrees with its own query (logit 40·½ against −20), in head 2 also with itself:
        // a head looks at the token of its query's sign. Flip the sign of K in head 2, and the heads look at different tokens.
        Set(subject, ("y.k", Matrix(2, 1, 0, 0, -1)));
        double gain = Gain(subject, Reading.TokenToToken, tokens);
        Assert.Equal(Math.Sqrt(2), gain, 1e-6);
        Assert.True(subject.Bound(Reading.TokenToToken) >= gain);
    }

    [Fact]
    public void Attention_reaches_its_radius()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("radius", "input x = features(3, 2, radius: 2)\nweights(constraint: spectral_cap(3/2)); weights of bias (constraint: l2_cap(1/2))\ny = attention(1, gain: -2)")));
        using var generator = new Generator(1);
        var half = tensor([0.5, 0.0]);
        var v = eye(2, dtype: float64) * 1.5;
        Set(subject, ("y.q", v), ("y.k", v), ("y.v", v), ("y.out", -v), ("y.q_bias", half), ("y.k_bias", half), ("y.v_bias", half), ("y.out_bias", half));
        // equal tokens 2e₁: 2·1.5·(1.5·2 + ½) + ½
        var (largest, _, _, _) = new Falsifier(subject).Outputs(tensor([2.0, 0, 2, 0, 2, 0]).view(1, 3, 2), generator);
        Assert.Equal(11, largest, 1e-12);
        Assert.Equal(11, subject.Output.Radius, 1e-9);
    }

    [Fact]
    public void Attention_of_two_tokens_reaches_its_spread()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("spread", "input x = features(2, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\ny = attention(1, scale: 3/4)")));
        using var generator = new Generator(1);
        var one = eye(2, dtype: float64);
        Set(subject, ("y.q", one), ("y.k", one), ("y.v", one), ("y.out", one));
        var (_, _, spread, _) = new Falsifier(subject).Outputs(tensor([1.0, 0, -1, 0]).view(1, 2, 2), generator);
        Assert.Equal(Math.Tanh(0.75), spread, 1e-12);
        Assert.Equal(Math.Tanh(0.75), subject.Output.Centred, 1e-9);
    }

    [Fact]
    public void An_embedding_moves_by_its_diameter_for_every_token_that_is_exchanged()
    {
        using var scope = NewDisposeScope();
        using var model = Emitted.One(Case.Of("embedding", "input t = tokens(3, 4)\nweights(constraint: spectral_cap(1)); weights of embedding (constraint: row_cap(2))\nx = embedding(2, scale: 3/2)\ny = linear(2)\nclaim lipschitz(x -> y) <= 1000")).New();
        model.Module.to(ScalarType.Float64);
        using var weights = new ModelWeights(model);
        using var noGrad = no_grad();
        weights["x.weight"].View.copy_(Matrix(2, 2, 0, -2, 0, 0, 1));
        var a = model.ValueAt("x", [tensor(new long[] { 0, 0, 0, 0 }).view(1, 4)]);
        var b = model.ValueAt("x", [tensor(new long[] { 0, 1, 1, 1 }).view(1, 4)]);
        // diameter 3/2·4 = 6, and √3 times it for three tokens
        Assert.Equal(6 * Math.Sqrt(3), (a - b).square().sum().sqrt().item<double>(), 1e-12);
        Assert.Equal(6, (a - b).square().sum(2).sqrt().max().item<double>(), 1e-12);
        // soft tokens: exchanging all of a row's mass is ℓ1 distance 2, so half the diameter per unit
        var rows = tensor([1.0, 0, 0, 0, 1, 0]).view(2, 3).matmul(weights["x.weight"].View) * 1.5;
        Assert.Equal(6.0 / 2, (rows[0] - rows[1]).square().sum().sqrt().item<double>() / 2, 1e-12);
    }

    [Fact]
    public void A_token_of_a_map_that_every_tap_reads_gains_the_root_of_the_coverage()
    {
        using var scope = NewDisposeScope();
        // 4 × 4, k = s = 3, one circular pixel: two copies of a pixel per axis, so 2 where the published rule says 1
        using var subject = new Subject(Emitted.One(Case.Of("circular", "input x = image(1, 4, 4, range: [0, 1])\nweights(bias: false, constraint: spectral_cap(1))\ny = conv2d(9, kernel: 3, stride: 3, padding: 1, padding_mode: circular)")));
        Set(subject, ("y.weight", eye(9, dtype: float64).view(9, 1, 3, 3)));
        Holds(subject, Reading.WholeToWhole, rand(1, 1, 4, 4, dtype: float64), 2);
    }
}
