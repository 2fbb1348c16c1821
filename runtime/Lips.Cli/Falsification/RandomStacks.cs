using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Lips.Cli.Falsification;

/// <summary>Random programs of the language: stacks of up to six layers over a row of tokens or an image, every weight capped.</summary>
public static class RandomStacks
{
    private static readonly string[] Rows =
    [
        "linear(4)", "bias", "scale(-3/2)", "relu", "gelu", "silu", "abs", "group_sort", "householder", "tanh", "softplus", "squared_relu",
        "position(learned)", "layer_norm(eps: 1/4)", "rms_norm(eps: 1/4)", "center_norm", "dyt", "soft_cap(1)",
        "mlp(6, activation: gelu)", "mlp(4, activation: silu, gain: 1/2)",
        "attention(1, scale: 1/4)", "attention(2, scale: 1/4)", "attention(2, scale: 1/4, mask: causal)", "attention(1, scale: 1/4, position: rotary)", "attention(2, scale: 1/8, position: rotary, mask: causal)",
        "residual { linear(4); relu }", "residual(convex(1/3)) { attention(2, scale: 1/4) }", "residual(weighted) { mlp(4, activation: gelu_tanh) }", "descent(6, activation: relu, step: 1/2)", "residual(mixed) { linear(4) }", "residual(mixed(least: 1/4, most: 3/4)) { attention(2, scale: 1/4) }", "stack { transpose; gelu; transpose }",
        "residual(convex(2/3)) { layer_norm(eps: 1); attention(1, scale: 1/2, position: rotary) }",
        "conv1d(4, kernel: 3, padding: 1)", "conv1d(4, kernel: 3, padding: 1, padding_mode: replicate)", "avg_pool(3, stride: 1, padding: 1)", "max_pool(2, stride: 1)", "class_token",
        "repeat 2 { residual(convex(1/2)) { attention(1, scale: 1/4); linear(4) } }",
        "mish", "quick_gelu", "softmax", "sigmoid", "leaky_relu(-3/2)", "identity", "dropout(1/2)", "position(sinusoidal)", "standardize(mean: 1/4, std: 2)", "stack { linear(6); relu; linear(4) }",
        "mlp(6, activation: silu, gated: true)", "mlp(4, activation: none, gated: true, gain: 1/2)", "residual(convex(-1/4)) { linear(4) }",
        "attention(2, scale: 1/4, kv_heads: 1)", "attention(2, scale: 1/4, mask: sliding(2))", "attention(1, scale: 1/4, position: relative_bias)",
        "attention(2, scale: 1/2, qkv.constraint: spectral_cap(1, per: head))", "linear(4, constraint: rms_cap(3/2))", "conv1d(4, kernel: 3, padding: 1, groups: 2)",
        "attention(2, similarity: cosine(tau: 2, eps: smooth(1/4)))", "attention(1, similarity: cosine(tau: 2, normalize: [q, k], eps: clamp(1/2)), mask: causal)", "attention(2, similarity: qk_norm(eps: 1/4), scale: 1/4)",
        "attention(2, similarity: l2, scale: 1/4)", "attention(1, similarity: l2(value: free), scale: 1/8)", "attention(2, similarity: sigmoid, scale: 1/4)",
        "attention(2, similarity: relu, scale: 1/4)", "attention(1, similarity: linear(bias: 1/2), scale: 1/4, mask: causal)",
    ];

    /// <summary>Layers that keep a 4 × 4 map of width 4.</summary>
    private static readonly string[] Maps =
    [
        "conv2d(4, kernel: 3, padding: 1)", "conv2d(4, kernel: 3, padding: 1, padding_mode: reflect)", "conv2d(4, kernel: 3, padding: 1, padding_mode: circular)",
        "conv2d(4, kernel: 3, padding: 1, groups: 4)", "conv2d(4, kernel: 3, padding: 1, weight.constraint: spectral_cap(1, of: operator))",
        "avg_pool(3, stride: 1, padding: 1)", "max_pool(3, stride: 1, padding: 1)", "linear(4)", "relu", "gelu", "group_sort", "layer_norm(eps: 1/4)", "center_norm", "bias", "mlp(6, activation: gelu)",
        "attention(2, scale: 1/8, partition: window(2))", "attention(2, scale: 1/8, partition: window(2, shift: 1))", "attention(2, scale: 1/8, partition: cross(2))",
        "attention(1, scale: 1/8, position: lepe(3))", "attention(2, similarity: cosine(tau: 2, eps: smooth(1/4)), partition: window(2))", "attention(2, scale: 1/8, kv_heads: 1, partition: window(2, shift: 1))", "residual(convex(1/2)) { attention(1, scale: 1/8, partition: window(2)) }", "residual { conv2d(4, kernel: 3, padding: 1); relu }",
    ];

    private static readonly string[] MapEnds = ["linear(3)", "pool(mean)", "pool(attention)", "flatten", "patchify(2, 3)", "patch_merging(3, norm: center_norm)", "conv2d(3, kernel: 2, stride: 2)"];

    private static readonly string[] Ends = ["linear(3)", "pool(mean)", "pool(max)", "pool(attention)", "pool(last)", "flatten"];

    public static IEnumerable<Case> Draw(int count, int seed)
    {
        var random = new Random(seed);
        string One(string[] of) => of[random.Next(of.Length)];
        for (int i = 0; i < count; i++)
        {
            var body = new StringBuilder();
            bool map = random.Next(4) == 0;
            body.Append(map ? "input x = image(4, 4, 4, range: [0, 1])\n" : $"input x = features(4, 4, radius: {random.Next(1, 4)})\n")
                .Append("weights(bias: ").Append(random.Next(2) == 0 ? "true" : "false").Append(", constraint: spectral_cap(").Append(random.Next(2, 7)).Append("/4))\n")
                .Append("weights of bias (constraint: l2_cap(1/2)); weights of [gain, alpha] (constraint: max_cap(1)); weights of table (constraint: row_cap(1/2))\n");
            foreach (int _ in Enumerable.Range(0, random.Next(2, 6)))
                body.Append(One(map ? Maps : Rows)).Append('\n');
            body.Append("y = ").Append(One(map ? MapEnds : Ends)).Append('\n');
            yield return Case.Of("random stack " + i, body.ToString());
        }
    }
}
