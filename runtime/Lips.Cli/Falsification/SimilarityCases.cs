using System.Collections.Generic;
using System.Linq;

namespace Lips.Cli.Falsification;

/// <summary>Attention by every similarity but the dot product, in every setting that has a rule of its own.</summary>
internal static class SimilarityCases
{
    private const string Caps =
        "weights(constraint: spectral_cap(3/2)); weights of bias (constraint: l2_cap(1/2)); weights of gain (constraint: max_cap(3/2)); weights of table (constraint: max_cap(1/2))\n";

    private const string Near = "input x = features(4, 4, radius: 1)\n" + Caps;
    private const string Far = "input x = features(4, 4)\n" + Caps;
    private const string Map = "input x = image(2, 4, 4, range: [0, 1])\n" + Caps;

    private static IEnumerable<Case> Of(string before, params string[] settings) =>
        settings.Select(setting => Case.Of("attention(" + setting + (before == Far ? "), unknown radius" : ")"), before + "y = attention(" + setting + ")"));

    public static IEnumerable<Case> All =>
    [
        .. Of(
            Far,
            "1, similarity: cosine(tau: 1, eps: smooth(1/4))",
            "2, similarity: cosine(tau: 4, eps: smooth(1/4))",
            "2, similarity: cosine(tau: 1/4, nu: 3/2, eps: clamp(1/2)), mask: causal",
            "4, similarity: cosine(eps: smooth(4)), mask: causal, gain: -1/2",
            "2, similarity: l2",
            "1, similarity: l2, mask: causal, bias: false",
            "2, similarity: l2, scale: 3, gain: -2"),
        .. Of(
            Near,
            "2, similarity: cosine(tau: 2, eps: added(1/4))",
            "1, similarity: cosine(tau: 2, eps: smooth(1/4)), bias: false",
            "2, similarity: cosine(tau: 1/2, eps: smooth(4)), position: rotary",
            "2, similarity: cosine(tau: 2, normalize: [q, k], eps: smooth(1/4))",
            "1, similarity: cosine(tau: 2, nu: 2, normalize: [q, k], eps: clamp(1/2)), bias: false",
            "4, similarity: cosine(tau: 1, normalize: [q, k], eps: clamp(1/4)), kv_heads: 2",
            "1, similarity: qk_norm(eps: 1/4), scale: 1",
            "2, similarity: qk_norm(eps: 1/4, bias: true), scale: 1/4",
            "2, similarity: qk_norm(eps: 1/4, bias: true), position: rotary, bias: false",
            "2, similarity: qk_norm(norm: layer_norm, eps: 1/4, bias: true), mask: causal",
            "1, similarity: qk_norm(norm: layer_norm, affine: false, eps: 1/4), scale: 1/8",
            "4, similarity: qk_norm(eps: 1/4), kv_heads: 1, scale: 1/2",
            "2, similarity: l2, scale: 1/8",
            "1, similarity: l2(value: free), scale: 1/2",
            "2, similarity: l2(value: free), scale: 1/20, mask: causal",
            "1, similarity: sigmoid, scale: 1, bias: false",
            "2, similarity: sigmoid, scale: 1",
            "2, similarity: sigmoid(bias: 0), mask: causal",
            "1, similarity: sigmoid(bias: -3), scale: 3, position: rotary",
            "4, similarity: sigmoid(bias: 2), kv_heads: 2, scale: 2",
            "1, similarity: relu, scale: 1, bias: false",
            "2, similarity: relu(bias: 1/2), mask: causal",
            "1, similarity: relu(bias: -1/4), scale: 2, position: rotary",
            "4, similarity: relu, kv_heads: 2, scale: 2, mask: sliding(2)",
            "1, similarity: linear, scale: 1, mask: causal, bias: false",
            "2, similarity: linear(bias: -1), gain: -1/2",
            "2, similarity: linear, scale: -1, mask: sliding(2), position: rotary"),
        .. Of(
            Map,
            "1, similarity: cosine(tau: 1, eps: smooth(1)), partition: window(2, shift: 1), position: relative_bias",
            "2, similarity: cosine(tau: 1, eps: smooth(1)), partition: cross(2), position: lepe(3)",
            "1, similarity: l2, scale: 1/4, partition: window(2), position: relative_bias",
            "2, similarity: sigmoid, scale: 1/4, partition: window(2), position: relative_bias",
            "2, similarity: sigmoid, scale: 1/4, partition: cross(1), bias: false",
            "2, similarity: relu, scale: 1/4, partition: window(2, shift: 1), position: relative_bias",
            "2, similarity: linear(bias: 1/2), scale: 1/4, partition: cross(2), position: lepe(3)"),
        Case.Of("attention by cosine, caps per head", "input x = features(4, 4)\nweights(bias: false, constraint: spectral_cap(1, per: head))\ny = attention(2, similarity: cosine(tau: 2, eps: smooth(1/4)))"),
        Case.Of("attention by distance, caps per head", "input x = features(4, 4)\nweights(bias: false, constraint: spectral_cap(1, per: head))\ny = attention(2, similarity: l2)"),
        Case.Of("sigmoid attention, caps per head", "input x = features(4, 4, radius: 1)\nweights(bias: false, constraint: spectral_cap(1, per: head))\ny = attention(2, similarity: sigmoid, scale: 1)"),
        .. new[] { "relu", "linear" }.Select(similarity => Case.Of(similarity + " attention, caps per head", $"input x = features(4, 4, radius: 1)\nweights(bias: false, constraint: spectral_cap(1, per: head))\ny = attention(2, similarity: {similarity}, scale: 1)")),
        Case.Of("cosine attention in a residual, twice", "input x = features(3, 4)\n" + Caps + "residual(convex(1/2)) { attention(2, similarity: cosine(tau: 1, eps: smooth(1))) }\ny = attention(1, similarity: l2)"),
        .. new[] { "cosine(tau: 2, eps: smooth(1/4))", "cosine(tau: 1, normalize: [q, k], eps: clamp(1/2))", "qk_norm(eps: 1/4, bias: true)", "sigmoid", "sigmoid(bias: 1)", "relu", "linear(bias: 1)" }
            .Select(similarity => Case.Of($"cross_attention by {similarity}", $"input a = features(2, 4, radius: 3/2)\ninput b = features(4, 4, radius: 1)\n{Caps}memory = from b {{ identity }}\ny = from a {{ cross_attention(2, similarity: {similarity}, memory: memory) }}")),
    ];
}
