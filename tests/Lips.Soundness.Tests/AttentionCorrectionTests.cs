using System;
using System.Linq;
using Lips.Runtime.Falsification;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>
/// Rules of attention that look right and are not: each with an input and weights whose gain is above what the wrong rule
/// says, and the bound of this project above that gain.
/// </summary>
public sealed class AttentionCorrectionTests
{
    public AttentionCorrectionTests() => torch.set_num_threads(1);

    private static readonly double Half = Math.Sqrt(0.5);

    private static Tensor Matrix(long columns, params double[] entries) => tensor(entries).view(-1, columns);

    /// <summary>The gain of weights and input set by hand, and the bound.</summary>
    private static (double Gain, double Bound) Of(string spec, Reading reading, Tensor input, params (string Name, Tensor Value)[] weights)
    {
        using var generator = new Generator(2);
        using var subject = new Subject(Emitted.One(Case.Of("correction", spec)));
        using (no_grad())
            foreach (var (name, value) in weights)
                subject.Weights[name].View.copy_(value);
        var still = new Falsifier(subject) { Steps = 300, MovesWeights = false, MovesInputs = false };
        long outputs = subject.Emitted.Compiled.Derivation.Points[subject.Emitted.Compiled.Derivation.Output].Shape.Tokens;
        double gain = Enumerable.Range(0, 3).Max(_ => still.Ascend(reading, cat([.. Enumerable.Repeat(input, (int)outputs)], 0), generator));
        return (gain, subject.Bound(reading));
    }

    private static void Refutes((double Gain, double Bound) of, double wrong, double exact)
    {
        Assert.Equal(exact, of.Gain, exact * 1e-6);
        Assert.True(of.Gain > wrong * (1 + 1e-9), $"gain {of.Gain}, the wrong rule says {wrong}");
        Assert.True(of.Bound >= of.Gain * (1 - 1e-12), $"gain {of.Gain}, bound {of.Bound}");
    }

    private const string Caps = "weights(bias: false, constraint: spectral_cap(1))\n";

    /// <summary>Four heads of equal logits that read one value: they move together, by √4, where the uniform part was counted once.</summary>
    [Theory]
    [InlineData(Reading.TokenToToken, 1, 2)]
    [InlineData(Reading.WholeToWhole, 1, 2)]
    [InlineData(Reading.WholeToToken, 0.70710678118654757, 1.4142135623730951)]
    public void Heads_that_share_values_are_stacked(Reading reading, double wrong, double exact)
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of("input x = features(2, 4, radius: 1)\n" + Caps + "y = attention(4, kv_heads: 1, scale: 0)", reading, rand(1, 2, 4, dtype: float64),
            ("y.v", Matrix(4, 1, 0, 0, 0)), ("y.out", Matrix(4, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
        Refutes((gain, bound), wrong, exact);
        Assert.Equal(exact, bound, 1e-9);
    }

    /// <summary>
    /// One head sees a token's column of a 4 × 4 map, the other its row: the means have only the token itself in common. The seven
    /// tokens move by one each, the shared one between both directions: √2·(3 + √½)/4.
    /// </summary>
    [Fact]
    public void Heads_that_see_different_tokens_have_no_uniform_part_in_common()
    {
        using var scope = NewDisposeScope();
        Refutes(Of("input x = image(2, 4, 4, range: [0, 1])\n" + Caps + "y = attention(2, scale: 0, partition: cross(1))", Reading.TokenToToken, rand(1, 2, 4, 4, dtype: float64),
            ("y.v", eye(2, dtype: float64)), ("y.out", Matrix(2, Half, Half, 0, 0))), 1, Math.Sqrt(2) * (3 + Half) / 4);
    }

    /// <summary>One key that four queries see moves all four: √4, where √N_k·cosh says 1.</summary>
    [Fact]
    public void A_key_that_many_queries_see_moves_them_all()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("cross", "input b = features(1, 2, radius: 1)\ninput a = features(4, 2, radius: 1)\n" + Caps + "memory = from b { identity }\ny = from a { cross_attention(1, memory: memory, scale: 1) }")), "b");
        double gain = new Falsifier(subject) { Steps = 60 }.Attack(Reading.WholeToWhole, Start.Orthogonal, 1).Gain;
        Refutes((gain, subject.Bound(Reading.WholeToWhole)), 1, 2);
    }

    /// <summary>
    /// Turned keys of tokens that lie close together are far apart: the query path has |K|R + |b_k|, not |K|r. The pixels lie in [9/10, 1], so R = √2 and
    /// r = √2/20, and 1 + s1/√2 + s2 with s2 = scale·r² is what holds of one token without rotary positions.
    /// </summary>
    [Theory]
    [InlineData(Reading.WholeToToken)]
    [InlineData(Reading.TokenToToken)]
    public void Turned_keys_of_close_tokens_are_far_apart(Reading reading)
    {
        const double large = 1.4142135623730951, small = large / 20;
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("rotary", "input x = image(2, 2, 2, range: [9/10, 1])\nweights(constraint: spectral_cap(1)); weights of bias (constraint: l2_cap(1/1000000))\n"
            + "y = attention(1, scale: 1, position: rotary(base: 1), k_bias.constraint: l2_cap(60))")));
        double gain = 0;
        for (int seed = 0; seed < 3; seed++)
            gain = Math.Max(gain, new Falsifier(subject) { Steps = 60 }.Attack(reading, (Start)seed, seed).Gain);
        double s1 = large * small, wrong = (reading == Reading.WholeToToken ? 1 + (s1 / Math.Sqrt(2)) : Math.Sqrt(1 + (s1 * s1))) + (small * small);
        Assert.True(gain > wrong * 1.1, $"gain {gain}, the wrong rule says {wrong}");
        Assert.True(gain <= subject.Bound(reading) * (1 + 1e-9));
    }

    /// <summary>With Q = e₁e₁ᵀ and K = e₂e₂ᵀ, KᵀQ = 0, and without rotary positions no logit moves: gain 1. Turned keys meet the queries.</summary>
    [Fact]
    public void The_product_of_both_projections_says_nothing_where_keys_are_turned()
    {
        using var scope = NewDisposeScope();
        var (query, key) = (Matrix(2, 1, 0, 0, 0), Matrix(2, 0, 0, 0, 1));
        var one = eye(2, dtype: float64);
        (double Gain, double Bound) At(string position)
        {
            using var subject = new Subject(Emitted.One(Case.Of("product", $"input x = features(4, 2, radius: 1)\n{Caps}y = attention(1, scale: 2{position})")));
            using (no_grad())
                foreach (var (name, value) in new[] { ("q", query), ("k", key), ("v", one), ("out", one) })
                    subject.Weights["y." + name].View.copy_(value);
            using var generator = new Generator(4);
            var fixedWeights = new Falsifier(subject) { Steps = 150, MovesWeights = false };
            double gain = Enumerable.Range(0, 3).Max(_ => fixedWeights.Ascend(Reading.TokenToToken, fixedWeights.Inputs(generator), generator));
            return (gain, subject.Bound(Reading.TokenToToken));
        }
        Assert.Equal(1, At("").Gain, 1e-6);
        var (turned, bound) = At(", position: rotary");
        Assert.InRange(turned, 1.5, bound);
    }

    /// <summary>A key bias drops out of softmax without rotary positions; turned with its key, it is another logit for every position.</summary>
    [Fact]
    public void A_key_bias_counts_where_keys_are_turned()
    {
        using var scope = NewDisposeScope();
        (double Gain, double Bound) At(string settings)
        {
            using var subject = new Subject(Emitted.One(Case.Of("key bias", "input x = features(3, 2, radius: 1)\nweights(constraint: spectral_cap(1)); weights of bias (constraint: l2_cap(1/1000000))\n"
                + "y = attention(1, scale: 1/2, k_bias.constraint: l2_cap(6)" + settings + ")")));
            double gain = Enumerable.Range(0, 3).Max(seed => new Falsifier(subject) { Steps = 80 }.Attack(Reading.TokenToToken, (Start)(seed % 3), seed).Gain);
            return (gain, subject.Bound(Reading.TokenToToken));
        }
        var still = At("");
        // s2 + √(1 + s1²) with s1 = s2 = ½, whatever the bias
        Assert.Equal(0.5 + Math.Sqrt(1.25), still.Bound, 1e-5);
        Assert.True(still.Gain <= still.Bound * (1 + 1e-9));
        // 1 + s1 + s2 = 2 is the rule with turned keys and no key bias
        var turned = At(", position: rotary(base: 2)");
        Assert.True(turned.Gain > 2.02 && turned.Gain <= turned.Bound * (1 + 1e-9), $"{turned}");
    }

    /// <summary>
    /// Eight tokens ±1: rows 1 … 4 see keys 1 and 2, rows 5 … 8 keys 3 and 4, so four rows see a key. The rule of both paths together, with four in place of
    /// all rows, says √(4G + s² + s(2√G + √(1 + s²))); what is claimed of sparse masks, √(4G) + s, holds.
    /// </summary>
    [Fact]
    public void The_cross_term_of_sparse_masks_counts_all_rows()
    {
        const double s = 30, share = (1 + (2 * s)) / (4 * s);
        using var scope = NewDisposeScope();
        double[] signs = [1, -1, 1, -1, -1, -1, -1, -1];
        var bias = full([8, 8], double.NegativeInfinity, dtype: float64);
        for (int i = 0; i < 8; i++)
            foreach (int j in i < 4 ? new[] { 0, 1 } : [2, 3])
                // a learned bias gives the key of the row's own sign this share of the weight
                bias[i, j] = Math.Log(signs[j] == signs[i] ? share : 1 - share) - (s * signs[i] * signs[j]);
        var x = tensor(signs).requires_grad_();
        var y = (((x.unsqueeze(1) * x) * s) + bias).softmax(1).matmul(x);
        var rows = new Tensor[8];
        for (int i = 0; i < 8; i++)
        {
            x.grad = null;
            y[i].backward(retain_graph: true);
            rows[i] = x.grad!.clone();
        }
        double gain = linalg.svdvals(stack(rows))[0].item<double>();
        double z = Math.Pow(1 + (2 * s), 2) / (8 * s), g = (z * z) + ((1 - z) * (1 - z));
        double wrong = Math.Sqrt((4 * g) + (s * s) + (s * ((2 * Math.Sqrt(g)) + Math.Sqrt(1 + (s * s)))));
        Assert.InRange(gain, wrong + 0.4, Math.Sqrt(4 * g) + s);
        using var subject = new Subject(Emitted.One(Case.Of("sparse", $"input x = features(8, 1, radius: 1)\n{Caps}y = attention(1, scale: 30, mask: sliding(4))")));
        Assert.Equal(Math.Sqrt(4 * g) + s, subject.Bound(Reading.WholeToWhole), 1e-9);
    }
}
