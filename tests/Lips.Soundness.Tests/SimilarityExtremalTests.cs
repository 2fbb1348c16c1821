using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Lips.Cli.Falsification;
using Lips.Runtime.Falsification;
using TorchSharp;
using Xunit;
using static Lips.Soundness.Tests.ExtremalTests;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>
/// Attention by other similarities than the dot product, set by hand: gains that a line of algebra gives, how near they come to
/// the bounds, and the constants that are false without the condition they lack.
/// </summary>
public sealed class SimilarityExtremalTests
{
    public SimilarityExtremalTests() => torch.set_num_threads(1);

    /// <summary>Enough where the best direction is plain to see.</summary>
    private const int Steps = 40;

    private const int Pairs = 8;

    /// <summary>Tokens that look, and one that asks.</summary>
    private const int Length = (2 * Pairs) + 1;

    private static Subject Spec(string input, string attention, string caps = "weights(bias: false, constraint: spectral_cap(1))") =>
        new(Emitted.One(Case.Of(attention, $"input x = features({input})\n{caps}\ny = attention({attention})")));

    /// <summary>±far·e₁ eight times, then apart·e₂: [1, 17, width].</summary>
    private static Tensor Antipodal(int width, double far, double apart)
    {
        var entries = new List<double>();
        double[] Along(int axis, double length) => [.. Enumerable.Range(0, width).Select(i => i == axis ? length : 0.0)];
        for (int i = 0; i < Pairs; i++)
            entries.AddRange([.. Along(0, far), .. Along(0, -far)]);
        entries.AddRange(Along(1, apart));
        return tensor(entries.ToArray()).view(1, Length, width);
    }

    /// <summary>The matrix with ones at the given places.</summary>
    private static Tensor Ones(int width, params (int Row, int Column)[] places)
    {
        var matrix = zeros(width, width, dtype: float64);
        foreach (var (row, column) in places)
            matrix[row, column] = 1.0;
        return matrix;
    }

    /// <summary>Values that are saturated and keys that are not: the weights carry nearly all of τ/√eps.</summary>
    [Theory]
    [InlineData(4, 0.92)]
    [InlineData(10, 0.93)]
    public void Cosine_attention_of_saturated_values_and_sensitive_keys(double tau, double share)
    {
        using var scope = NewDisposeScope();
        string text = tau.ToString(CultureInfo.InvariantCulture);
        using var subject = Spec($"{Length}, 3", $"1, similarity: cosine(tau: {text}, eps: smooth(1/4))");
        // the query is e₂; keys are 0 and move along e₂ when their token moves along e₃
        Set(subject, ("y.q", Ones(3, (1, 1))), ("y.k", Ones(3, (1, 2))), ("y.v", Ones(3, (0, 0))), ("y.out", eye(3, dtype: float64)));
        const double far = 100;
        double rho2 = far * far / ((far * far) + 0.25);
        double expected = 2 * ((2 * Pairs * Math.Sqrt(Math.Pow(1 - rho2, 3) + (tau * tau * rho2 * rho2))) + 1) / Length;
        Holds(subject, Reading.TokenToToken, Antipodal(3, far, far), expected, 1 / share, Steps);
        Assert.Equal(2 * Math.Sqrt(1 + (tau * tau)), subject.Bound(Reading.TokenToToken), 1e-9);
    }

    /// <summary>
    /// With y/max(|y|, eps) values, keys and query are sensitive where they are largest, so the constants of keys and query add
    /// up: a rule like that of √(|y|² + eps) claims less than is found.
    /// </summary>
    [Fact]
    public void Clamped_norms_gain_through_keys_and_query_at_once()
    {
        using var scope = NewDisposeScope();
        const double tau = 4, eps = 0.5, rho = 0.999, far = eps * rho;
        using var subject = Spec($"{Length}, 5", "1, similarity: cosine(tau: 4, eps: clamp(1/2))");
        // keys lie along e₃ and move along the query's e₂ with e₄; the query moves along e₃ with e₅
        Set(subject, ("y.q", Ones(5, (1, 1), (2, 4))), ("y.k", Ones(5, (2, 0), (1, 3))), ("y.v", Ones(5, (0, 0))), ("y.out", eye(5, dtype: float64)));
        double path = tau * rho * rho;
        double expected = ((2 * Pairs * Math.Sqrt(1 + (path * path))) + Math.Sqrt(1 + Math.Pow(2 * Pairs * path, 2))) / (Length * eps);
        Holds(subject, Reading.TokenToToken, Antipodal(5, far, far), expected, 1 / 0.84, Steps);
        Assert.True(expected > Math.Sqrt(1 + (tau * tau)) / eps * 1.8);
        Assert.Equal((1 + (2 * tau)) / eps, subject.Bound(Reading.TokenToToken), 1e-9);
    }

    [Fact]
    public void A_normalized_query_far_from_0_and_keys_at_it()
    {
        using var scope = NewDisposeScope();
        using var subject = Spec($"{Length}, 4, radius: 1", "1, similarity: qk_norm(eps: 1/10000, affine: false), scale: 1/4");
        Set(subject, ("y.q", Ones(4, (1, 1))), ("y.k", Ones(4, (1, 2))), ("y.v", Ones(4, (0, 0))), ("y.out", eye(4, dtype: float64)));
        // √4·¼/√eps = 50, times the query's share
        double path = 50 / Math.Sqrt(1 + (4 * 0.0001));
        double expected = ((2 * Pairs * Math.Sqrt(1 + (path * path))) + 1) / Length;
        Holds(subject, Reading.TokenToToken, Antipodal(4, 1, 1), expected, 1 / 0.92, Steps);
        Assert.Equal(51, subject.Bound(Reading.TokenToToken), 1e-9);
    }

    /// <summary>v(1 + τ·√d·g_q·g_k·r·max(θ, κ)/√eps), without the query's bias, is exceeded.</summary>
    [Fact]
    public void A_bias_behind_the_norm_of_queries_counts()
    {
        using var scope = NewDisposeScope();
        using var subject = Spec(
            $"{Length}, 4, radius: 1", "1, similarity: qk_norm(eps: 1, bias: true), scale: 1, bias: false",
            "weights(constraint: spectral_cap(1)); weights of gain (constraint: max_cap(1)); weights of bias (constraint: l2_cap(5))");
        Set(subject, ("y.q", Ones(4)), ("y.k", Ones(4, (1, 2))), ("y.v", Ones(4, (0, 0))), ("y.out", eye(4, dtype: float64)),
            ("y.q_norm", ones(4, dtype: float64)), ("y.k_norm", ones(4, dtype: float64)), ("y.q_norm_bias", tensor([0.0, 5, 0, 0])), ("y.k_norm_bias", tensor([3.0, 4, 0, 0])));
        double expected = ((2 * Pairs * Math.Sqrt(1 + 25)) + 1) / Length;
        Holds(subject, Reading.TokenToToken, Antipodal(4, 1, 1), expected, 1.7, Steps);
        Assert.True(expected > 1 + 2);
        // 1 + √4 + 5; the keys' bias moves all logits of a row alike
        Assert.Equal(8, subject.Bound(Reading.TokenToToken), 1e-9);
    }

    /// <summary>Two tokens at squared distance s: p = 1/(1 + e^s) on the other, tanh(s/2) + s/cosh²(s/2).</summary>
    [Fact]
    public void Two_tokens_in_attention_by_distance()
    {
        using var scope = NewDisposeScope();
        using var subject = Spec("2, 1", "1, similarity: l2, scale: 1");
        foreach (string weight in new[] { "q", "v", "out" })
            Set(subject, ("y." + weight, ones(1, 1, dtype: float64)));
        double expected = Math.Tanh(1) + (2 / Math.Pow(Math.Cosh(1), 2));
        Holds(subject, Reading.TokenToToken, tensor([0.0, Math.Sqrt(2)]).view(1, 2, 1), expected, 1 / 0.757, Steps);
    }

    /// <summary>A bias that favours the other token by T hides the own one, on which 1 + 4W₀(1/e) rests.</summary>
    [Fact]
    public void A_logit_bias_in_attention_by_distance_counts()
    {
        using var scope = NewDisposeScope();
        using var subject = Spec("2, 1", "1, similarity: l2, scale: 1, position: relative_bias", "weights(bias: false, constraint: spectral_cap(1)); weights of table (constraint: max_cap(3/2))");
        foreach (string weight in new[] { "q", "v", "out" })
            Set(subject, ("y." + weight, ones(1, 1, dtype: float64)));
        Set(subject, ("y.bias_table", tensor([1.5, -1.5, 1.5]).view(3, 1)));
        // T = s = 3: both weights ½, so |½ − s/2| + ½ + s/2
        Holds(subject, Reading.TokenToToken, tensor([0.0, Math.Sqrt(3)]).view(1, 2, 1), 3, 2.5, Steps);
        Assert.True(3 > 1 + (4 * 0.27846454276107));
    }

    /// <summary>All tokens alike and along the query: every weight is at its largest slope, and a value bias counts.</summary>
    [Theory]
    [InlineData("bias: false", 0)]
    [InlineData("v_bias.constraint: l2_cap(1)", 1)]
    public void Sigmoid_attention_attains_its_bound(string setting, double valueBias)
    {
        using var scope = NewDisposeScope();
        using var subject = Spec("4, 1, radius: 1", $"1, similarity: sigmoid, scale: 1, {setting}", "weights(constraint: spectral_cap(1)); weights of bias (constraint: l2_cap(1/10^12))");
        foreach (string weight in new[] { "q", "k", "v", "out" })
            Set(subject, ("y." + weight, ones(1, 1, dtype: float64)));
        if (valueBias > 0)
            foreach (string bias in new[] { "q_bias", "k_bias", "v_bias", "out_bias" })
                Set(subject, ("y." + bias, full([1], bias == "v_bias" ? valueBias : 0, dtype: float64)));
        double l = 1 - (Math.Round(Math.Log(4) * 1048576) / 1048576), sigma = 1 / (1 + Math.Exp(-l));
        double expected = 4 * (sigma + (2 * (1 + valueBias) * sigma * (1 - sigma)));
        foreach (var reading in new[] { Reading.TokenToToken, Reading.WholeToWhole })
            Holds(subject, reading, ones(1, 4, 1, dtype: float64), expected, steps: Steps);
        Assert.True(valueBias == 0 || expected > 4 * (sigma + (2 * sigma * (1 - sigma))));
    }

    /// <summary>
    /// Four tokens alike and along the query, c = 1/2, R = 2, value bias ¼ where there is one: with s = 2 and β = ½ every token counts
    /// ¼·(2.5 + 2 + 2) in token-max and whole; a row's blocks are p = ¼·(2.5 + 2·(1 + ¼/2)) three times and p + s = p + 2·(1 + ¼/2).
    /// </summary>
    [Theory]
    [InlineData("relu", 0)]
    [InlineData("linear", 0)]
    [InlineData("relu", 0.25)]
    [InlineData("linear", 0.25)]
    public void Attention_by_piecewise_linear_weights_attains_its_bound(string similarity, double valueBias)
    {
        using var scope = NewDisposeScope();
        using var subject = Spec(
            "4, 1, radius: 2", $"1, similarity: {similarity}(bias: 1/2), scale: 1/2" + (valueBias > 0 ? ", v_bias.constraint: l2_cap(1/4)" : ", bias: false"),
            "weights(constraint: spectral_cap(1)); weights of bias (constraint: l2_cap(1/10^12))");
        foreach (string weight in new[] { "q", "k", "v", "out" })
            Set(subject, ("y." + weight, ones(1, 1, dtype: float64)));
        if (valueBias > 0)
            foreach (string bias in new[] { "q_bias", "k_bias", "v_bias", "out_bias" })
                Set(subject, ("y." + bias, full([1], bias == "v_bias" ? valueBias : 0, dtype: float64)));
        double path = 2 * (1 + (valueBias / 2)), pair = (2.5 + path) / 4;
        foreach (var (reading, expected) in new[] { (Reading.TokenToToken, 2.5 + (2 * path)), (Reading.WholeToWhole, 2.5 + (2 * path)), (Reading.WholeToToken, Math.Sqrt((3 * pair * pair) + Math.Pow(pair + path, 2))) })
            Holds(subject, reading, full([1, 4, 1], 2, dtype: float64), expected, steps: Steps);
    }

    [Theory]
    [InlineData("cosine(tau: 1, nu: 3, eps: smooth(1/4))", "100", 100, 0.9999)]
    [InlineData("cosine(tau: 1, normalize: [q, k], eps: clamp(1/4))", "2", 2, 1)]
    [InlineData("qk_norm(eps: 1, affine: false)", "2", 2, 1)]
    [InlineData("l2", "2", 2, 1)]
    [InlineData("sigmoid(bias: -1)", "2", 2, 1)]
    [InlineData("relu(bias: -1)", "2", 2, 1)]
    [InlineData("linear(bias: 1/4)", "2", 2, 1)]
    public void Equal_tokens_reach_the_radius(string similarity, string radius, double length, double share)
    {
        using var scope = NewDisposeScope();
        using var subject = Spec($"3, 2, radius: {radius}", $"1, similarity: {similarity}, gain: -2", "weights(bias: false, constraint: spectral_cap(3/2))");
        using var generator = new Generator(1);
        var w = eye(2, dtype: float64) * 1.5;
        foreach (string weight in new[] { "q", "k", "v", "out" }.Where(n => n != "k" || similarity != "l2"))
            Set(subject, ("y." + weight, w));
        var (largest, _, _, _) = new Falsifier(subject).Outputs(tensor([length, 0, length, 0, length, 0]).view(1, 3, 2), generator);
        Assert.InRange(largest, subject.Output.Radius * share * (1 - 1e-9), subject.Output.Radius * (1 + 1e-9));
    }
}
