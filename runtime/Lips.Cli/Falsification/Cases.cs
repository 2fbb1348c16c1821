using System.Collections.Generic;
using System.Linq;

namespace Lips.Cli.Falsification;

/// <summary>
/// Small specs around every layer kind and every constraint, with caps on every weight. A new layer kind needs one here:
/// a test walks the catalogue.
/// </summary>
public static class Cases
{
    private const string Caps =
        "weights(constraint: spectral_cap(3/2)); weights of bias (constraint: l2_cap(1/2)); weights of gain (constraint: max_cap(3/2))\n" +
        "weights of alpha (constraint: max_cap(3/4)); weights of table (constraint: row_cap(1/2)); weights of embedding (constraint: row_cap(1))\n";

    private const string Row = "input x = features(4, 4, radius: 3/2)\n" + Caps;
    private const string Wide = "input x = features(3, 8, radius: 1)\n" + Caps;
    private const string Unknown = "input x = features(3, 4)\n" + Caps;
    private const string Map = "input x = image(2, 4, 4, range: [0, 1])\n" + Caps;
    private const string Five = "input x = image(2, 5, 5, range: [-1, 1])\n" + Caps;

    /// <summary>y = 1-to-1 linear map, so that what comes after a case is not the identity.</summary>
    private static Case After(string name, string before, string layer) => Case.Of(name, before + layer.Replace("$", "y = "));

    private static IEnumerable<Case> Tokenwise()
    {
        yield return After("linear", Row, "$linear(3)");
        yield return After("linear-rms", "input x = features(4, 4, radius: 3/2)\nweights(constraint: rms_cap(2)); weights of bias (constraint: l2_cap(1/2))\n", "$linear(3)");
        yield return After("linear-chain", Row, "linear(5); linear(2)\n$linear(6)");
        yield return After("bias", Row, "$bias");
        yield return After("scale", Row, "$scale(-7/3)");
        yield return After("scale-root", Row, "$scale(sqrt(2))");
        yield return After("identity", Row, "$identity");
        yield return After("dropout", Row, "$dropout(1/2)");
        yield return After("soft_cap", Row, "$soft_cap(1/2)");
        yield return After("position", Row, "$position(learned)");
        yield return After("position-sinusoidal", Row, "$position(sinusoidal)");
        yield return After("standardize", Map, "$standardize(mean: [1/4, 1/2], std: [1/4, 1/2])");
        yield return new Case("embedding", "model M in rms {\ninput t = tokens(7, 4)\n" + Caps + "x = embedding(4, scale: 3/2)\ny = linear(3)\nclaim lipschitz(x -> y) <= 1000000\n}\n");
        yield return new Case("embedding-attention", "model M in rms {\ninput t = tokens(7, 3)\n" + Caps + "x = embedding(4)\ny = attention(2)\nclaim lipschitz(x -> y) <= 1000000\n}\n");
        foreach (var mask in new[] { "padding(0)", "padding(1, causal: true)", "document(1)", "document(0, causal: false)" })
            yield return new Case("embedding, " + mask, "model M in rms {\ninput t = tokens(5, 4)\n" + Caps + "x = embedding(4)\ny = attention(2, scale: 1, mask: " + mask + ", tokens: t)\nclaim lipschitz(x -> y) <= 1000000\n}\n");
        foreach (var activation in new[] { "relu", "gelu", "gelu_tanh", "quick_gelu", "silu", "mish", "tanh", "sigmoid", "abs", "leaky_relu", "leaky_relu(-3/2)", "softplus", "squared_relu", "group_sort" })
        {
            yield return After(activation, Row, "$" + activation);
            yield return After("near " + activation, "input x = features(3, 4, radius: 1/2)\n" + Caps, "$" + activation);
        }
        yield return After("householder", Row, "$householder");
        yield return After("householder between", Row + "weights of alpha (constraint: max_cap(4))\n", "linear(6)\nhouseholder\n$linear(4)");
        foreach (var activation in new[] { "relu", "gelu", "gelu_tanh", "quick_gelu", "silu", "mish", "tanh", "sigmoid", "leaky_relu(slope: 2)", "softplus", "squared_relu", "group_sort", "softmax", "none" })
            yield return After("mlp " + activation, Row, "$mlp(6, activation: " + activation + ", gain: 3/2)");
        yield return After("softmax", "input x = features(3, 2, radius: 1)\n" + Caps, "$softmax");
        yield return After("softmax of four", Row, "linear(4)\n$softmax");
        foreach (var activation in new[] { "silu", "gelu", "none", "relu", "sigmoid", "mish", "squared_relu", "group_sort", "softmax" })
            yield return After("mlp gated " + activation, Row, "$mlp(6, activation: " + activation + ", gated: true, gain: -1/2)");
        yield return After("mlp gated no bias", Row, "$mlp(ratio: 2, activation: silu, gated: true, bias: false)");
        yield return After("swiglu", "input x = features(2, 4, radius: 2)\nweights(bias: false, constraint: spectral_cap(1))\n", "$mlp(6, activation: silu, gated: true)");
        yield return After("bilinear", "input x = features(2, 4, radius: 1)\nweights(bias: false, constraint: spectral_cap(3/2))\n", "$mlp(6, activation: none, gated: true)");
        foreach (var activation in new[] { "relu", "tanh", "gelu", "abs", "leaky_relu(slope: -1/2)" })
            yield return After("descent " + activation, Row, "$descent(6, activation: " + activation + ", step: 3/4)");
        yield return After("descent that does not lengthen", "input x = features(2, 4, radius: 2)\nweights(bias: false, constraint: spectral_cap(1))\n", "$descent(3, step: 2)");
        yield return After("mlp no bias", Row, "$mlp(ratio: 2, activation: gelu, bias: false)");
        yield return After("mlp rms", "input x = features(2, 4, radius: 2)\nweights(bias: false, constraint: rms_cap(1))\n", "$mlp(16, activation: gelu)");
        yield return After("mlp unknown radius", Unknown, "$mlp(5, activation: gelu)");
    }

    private static IEnumerable<Case> Norms()
    {
        yield return After("layer_norm", Row, "$layer_norm(eps: 1/100)");
        yield return After("layer_norm-plain", Unknown, "$layer_norm(eps: 1/10, affine: false)");
        yield return After("rms_norm", Row, "$rms_norm(eps: 1/100)");
        yield return After("rms_norm-shell", "input x = features(3, 4, radius: 2, lower: 1)\n" + Caps, "$rms_norm(eps: 1/100)");
        yield return After("rms_norm-shell-shifted", "input x = features(3, 4, radius: 3, lower: 2)\n" + Caps, "bias\n scale(-2)\n position(learned)\n$rms_norm(eps: 1/100)");
        yield return After("rms_norm-shell-residual", "input x = features(3, 4, radius: 3, lower: 2)\n" + Caps, "residual(weighted) { linear(4, constraint: spectral_cap(1/4), bias: false) }\n$rms_norm(eps: 1/100)");
        yield return After("rms_norm-shell-flat", "input x = features(3, 4, radius: 2, lower: 1)\n" + Caps, "group_sort\n flatten\n abs\n$rms_norm(eps: 1/100)");
        const string apart = "input x = features(3, 4, radius: 2, spread: 1)\n" + Caps;
        yield return After("layer_norm-shell", apart, "$layer_norm(eps: 1/100)");
        yield return After("layer_norm-shell-shifted", "input x = features(3, 4, radius: 3, spread: 2)\n" + Caps, "bias\n scale(-2)\n position(learned)\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-shell-residual", "input x = features(3, 4, radius: 3, spread: 2)\n" + Caps, "residual(weighted) { linear(4, constraint: spectral_cap(1/4), bias: false) }\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-shell-mixed", "input x = features(3, 4, radius: 2, spread: 2)\n" + Caps, "residual(mixed(init: 1/8, least: 0, most: 1/4)) { linear(4, constraint: spectral_cap(1/4), bias: false) }\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-shell-flat", apart, "group_sort\n flatten\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-shell-standardized", apart, "standardize(mean: [1, 1, 1, 3/2], std: [1/4, 1/4, 1/4, 1/5])\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-added", Row, "$layer_norm(eps: added(1/2))");
        yield return After("layer_norm-added-shell", apart, "$layer_norm(eps: added(1/10))");
        yield return After("layer_norm-plain-twice", apart, "layer_norm(eps: 1/4, affine: false)\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-added-twice", apart, "layer_norm(eps: added(1/2), affine: false)\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-after-rms_norm", apart, "rms_norm(eps: 1/4, affine: false)\n$layer_norm(eps: 1/100)");
        yield return After("layer_norm-after-center_norm", apart, "center_norm(affine: false)\n$layer_norm(eps: 1/100)");
        yield return After("rms_norm-twice", "input x = features(3, 4, radius: 2, lower: 1)\n" + Caps, "rms_norm(eps: 1/4, affine: false)\n$rms_norm(eps: 1/100)");
        yield return After("center_norm", Row, "$center_norm");
        yield return After("batch_norm", Row, "$batch_norm(eps: 1/10)");
        yield return After("dyt", Row, "$dyt");
    }

    private static IEnumerable<Case> Grids()
    {
        yield return After("flatten", Row, "$flatten");
        yield return After("transpose", Row, "$transpose");
        yield return After("transpose mixes tokens", Row, "residual { transpose; linear(4); gelu; transpose }\n$attention(1, scale: 1/4)");
        yield return After("flatten-map", Map, "flatten\n$linear(3)");
        yield return After("patchify", Map, "$patchify(2, 5)");
        yield return After("patch_merging", Map, "$patch_merging(3, norm: layer_norm(eps: 1/10))");
        yield return After("patch_merging-center", Map, "$patch_merging(3, norm: center_norm)");
        yield return After("patch_merging-none", Map, "$patch_merging(3, norm: none)");
        yield return After("class_token", Row, "$class_token");
        yield return After("class_token-attention", Row, "class_token\n$attention(1)");
        foreach (var by in new[] { "mean", "max", "class_token", "last", "attention" })
        {
            yield return After("pool " + by, Row, "$pool(" + by + ")");
            yield return After("pool map " + by, Map, "$pool(" + by + ")");
        }
        yield return After("avg_pool", Map, "$avg_pool(2)");
        yield return After("avg_pool-over", Five, "$avg_pool(3, stride: 1, padding: 1)");
        yield return After("avg_pool-uncounted", Five, "$avg_pool(3, stride: 1, padding: 1, count_padding: false)");
        yield return After("avg_pool-row", Row, "$avg_pool(2, stride: 1)");
        yield return After("max_pool", Map, "$max_pool(2)");
        yield return After("max_pool-over", Five, "$max_pool(3, stride: 2, padding: 1)");
        yield return After("max_pool-row", Row, "$max_pool(3, stride: 1, padding: 1)");
        yield return After("conv1d", Row, "$conv1d(3, kernel: 3, padding: 1)");
        yield return After("conv1d-dilated", "input x = features(7, 2, radius: 1)\n" + Caps, "$conv1d(4, kernel: 3, stride: 2, dilation: 2)");
        foreach (var mode in new[] { "zeros", "circular", "reflect", "replicate" })
        {
            yield return After("conv2d " + mode, Five, "$conv2d(3, kernel: 3, padding: 1, padding_mode: " + mode + ")");
            yield return After("conv2d wide " + mode, Five, "$conv2d(2, kernel: 3, padding: 2, stride: 2, padding_mode: " + mode + ")");
            yield return After("conv2d operator " + mode, Five, "$conv2d(2, kernel: 3, padding: 1, padding_mode: " + mode + ", weight.constraint: spectral_cap(1, of: operator))");
        }
        yield return After("conv2d circular 4-3-3-1", Map, "$conv2d(18, kernel: 3, stride: 3, padding: 1, padding_mode: circular)");
        yield return After("conv2d groups", "input x = image(4, 4, 4, range: [-1, 1])\n" + Caps, "$conv2d(4, kernel: 2, groups: 2)");
        yield return After("conv2d depthwise", "input x = image(3, 4, 4, range: [-1, 1])\n" + Caps, "$conv2d(kernel: 3, padding: 1, groups: 3)");
        yield return After("conv2d rms", "input x = image(2, 4, 4, range: [-1, 1])\nweights(bias: false, constraint: rms_cap(1))\n", "$conv2d(6, kernel: 2)");
        yield return After("conv2d rms operator", "input x = image(2, 4, 4, range: [-1, 1])\nweights(bias: false, constraint: rms_cap(1, of: operator))\n", "$conv2d(6, kernel: 2, padding: 1)");
    }

    private static IEnumerable<Case> Attentions()
    {
        const string small = "input x = features(4, 4, radius: 1)\n";
        string[] settings =
        [
            "1", "2", "1, mask: causal", "2, mask: causal", "1, position: rotary", "2, position: rotary", "2, mask: causal, position: rotary",
            "1, scale: 2", "2, scale: 1/10", "2, scale: -1, gain: -1/3", "1, bias: false", "2, scale: 3, bias: false", "1, scale: 1/20, mask: causal",
        ];
        foreach (var setting in settings)
            yield return After("attention(" + setting + ")", small + Caps, "$attention(" + setting + ")");
        yield return After("attention per head", small + "weights(bias: false, constraint: spectral_cap(3/2))\n", "$attention(2, scale: 1, qkv.constraint: spectral_cap(1, per: head))");
        yield return After("attention all per head", small + "weights(constraint: spectral_cap(1, per: head)); weights of bias (constraint: l2_cap(1))\n", "$attention(2, scale: 1)");
        yield return After("attention per head rms", Wide + "weights(bias: false, constraint: rms_cap(1))\n", "$attention(4, scale: 1/head_width, position: rotary, gain: 1/3, qkv.constraint: rms_cap(1, per: head))");
        yield return After("attention rotary part", Wide, "$attention(2, position: rotary(fraction: 1/2, base: 10))");
        yield return After("attention on a map", "input x = image(2, 2, 2, range: [0, 1])\n" + Caps, "$attention(1, scale: 1)");
        yield return After("attention after bias", small + Caps, "bias\n$attention(1, scale: 1)");
        yield return After("attention twice", small + Caps, "attention(2, scale: 1/2)\n$attention(2, scale: 1/2)");
        yield return After("attention then pool", small + Caps, "attention(1, scale: 1/4)\n$pool(mean)");
        yield return After("attention two tokens", "input x = features(2, 2, radius: 2)\n" + Caps, "$attention(2, scale: 1, bias: false)");
        yield return After("attention many tokens", "input x = features(12, 2, radius: 1)\n" + Caps, "$attention(1, scale: 1/2, bias: false)");
    }

    /// <summary>Who sees whom: masks, windows, stripes, shared heads, and what tells positions apart.</summary>
    private static IEnumerable<Case> Sights()
    {
        const string row = "input x = features(5, 4, radius: 1)\n" + Caps;
        const string map = "input x = image(4, 4, 4, range: [0, 1])\n" + Caps;
        const string oblong = "input x = image(2, 2, 6, range: [-1, 1])\n" + Caps;
        string[] ofRows =
        [
            "2, scale: 1, mask: sliding(2)", "1, scale: 1/20, mask: sliding(2)", "1, scale: 2, mask: sliding(2, causal: false)", "2, scale: 1/20, mask: sliding(2, causal: false), bias: false",
            "4, kv_heads: 2, scale: 1", "2, kv_heads: 1, scale: 1/50", "2, kv_heads: 1, scale: 1, mask: causal, position: rotary", "4, kv_heads: 1, scale: 1/50, mask: causal",
            "2, scale: 1/20, position: relative_bias", "1, scale: 1, mask: causal, position: relative_bias",
        ];
        foreach (var setting in ofRows)
            yield return After("attention(" + setting + ")", row, "$attention(" + setting + ")");
        string[] ofMaps =
        [
            "1, scale: 1/2, partition: window(2)", "2, scale: 1/20, partition: window(2)", "1, scale: 1/20, partition: window(2, shift: 1)", "2, scale: 1/2, partition: window(4, shift: 1)",
            "2, scale: 1/20, partition: window(2, shift: 1), position: relative_bias", "2, scale: 1/2, position: lepe(3), partition: window(2)", "2, scale: 1/20, position: lepe(1)",
            "2, scale: 1/50, partition: cross(1)", "4, kv_heads: 2, scale: 1/50, partition: cross(2)", "2, scale: 1/4, partition: cross(2), position: lepe(3), gain: -1/2",
        ];
        foreach (var setting in ofMaps)
            yield return After("attention(" + setting + ")", map, "$attention(" + setting + ")");
        yield return After("attention of oblong stripes", oblong, "$attention(2, scale: 1/2, partition: cross(2))");
        yield return After("attention with capped relative bias", "input x = image(2, 2, 4, range: [0, 1])\n" + Caps, "$attention(1, scale: 1, position: relative_bias, bias_table.constraint: max_cap(1))");
        yield return After("attention with lepe of capped operator", "input x = image(2, 4, 4, range: [0, 1])\n" + Caps, "$attention(1, scale: 1/4, position: lepe(3), lepe.constraint: spectral_cap(1, of: operator))");
        yield return After("attention in windows twice", map, "attention(1, scale: 1/20, partition: window(2), bias: false)\nattention(1, scale: 1/20, partition: window(2, shift: 1), bias: false)\n$pool(mean)");
    }

    /// <summary>Two inputs: each is a source, the other stays.</summary>
    private static IEnumerable<Case> Memories()
    {
        foreach (var (queries, keys, setting) in new[] { (3, 4, "1, scale: 1"), (4, 1, "2, scale: 1"), (2, 5, "2, scale: 1/20"), (3, 3, "1, scale: 2, bias: false"), (1, 3, "1, scale: 1/2, gain: -2") })
            yield return Case.Of($"cross_attention {queries} x {keys} ({setting})", $"input a = features({queries}, 4, radius: 3/2)\ninput b = features({keys}, 4, radius: 1)\n{Caps}memory = from b {{ identity }}\ny = from a {{ cross_attention({setting}, memory: memory) }}");
        yield return Case.Of("cross_attention of two chains", $"input a = features(3, 4, radius: 1)\ninput b = features(4, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\nmemory = from b {{ attention(1, scale: 1); linear(6) }}\ny = from a {{ residual {{ cross_attention(2, memory: memory, scale: 1) }}; pool(mean) }}");
    }

    private static IEnumerable<Case> Branches()
    {
        yield return After("residual", Row, "$residual { linear(4) }");
        yield return After("residual convex", Row, "$residual(convex(1/3)) { linear(4) }");
        yield return After("residual convex outside", Row, "$residual(convex(-1/2)) { linear(4) }");
        yield return After("residual convex beyond", Row, "$residual(convex(3/2)) { mlp(5, activation: relu) }");
        yield return After("residual weighted", Row, "$residual(weighted) { linear(4) }");
        yield return After("residual clamped", Row, "$residual(weighted(clamp: 1/4), drop_path: 1/10) { linear(4) }");
        yield return After("residual mixed", Row, "$residual(mixed) { linear(4) }");
        yield return After("residual mixed part", Row, "$residual(mixed(least: 1/4, most: 3/4)) { mlp(5, activation: relu) }");
        yield return After("residual mixed beyond", Row, "$residual(mixed(least: -1/2, most: 5/4, init: 1)) { linear(4) }");
        yield return After("residual attention", Row, "$residual(convex(1/2)) { attention(2, scale: 1/2) }");
        yield return After("residual norm", Row, "$residual { layer_norm(eps: 1/10); mlp(4, activation: gelu) }");
        yield return After("stack", Row, "$stack { linear(3); relu; linear(2) }");
        yield return After("repeat", Row, "blocks = repeat 3 { residual(convex(1/4)) { attention(1, scale: 1/4); linear(4) } }\n$linear(2)");
        yield return After("repeat activations", Row, "repeat 4 { residual(weighted) { linear(4, constraint: spectral_cap(1/2)); gelu } }\n$pool(mean)");
    }

    /// <summary>Every cap unit, extent and method of the language; the method does not change the set.</summary>
    private static IEnumerable<Case> Constraints()
    {
        foreach (var method in new[] { "soft", "hard", "normalize", "stiefel", "svd", "hammer" })
            yield return After("by " + method, "input x = features(2, 4, radius: 1)\nweights(bias: false, constraint: spectral_cap(2, by: " + method + "))\n", "linear(3)\n$mlp(6, activation: relu)");
        yield return After("per head by svd", "input x = features(3, 4, radius: 1)\nweights(bias: false, constraint: rms_cap(1, per: head, by: svd))\nweights of kernel (constraint: rms_cap(1))\n", "$attention(2)");
        yield return After("row_rms_cap", "input x = features(3, 4, radius: 1)\nweights(bias: false, constraint: rms_cap(1)); weights of table (constraint: row_rms_cap(1/4))\n", "position(learned)\n$attention(1, scale: 1)");
        yield return After("max_cap table", "input x = features(3, 4, radius: 1)\nweights(bias: false, constraint: rms_cap(1)); weights of table (constraint: max_cap(1/4))\n", "class_token\n position(learned)\n$attention(1, scale: 1)");
        yield return After("biases matter", "input x = features(3, 4, radius: 1/2)\nweights(constraint: spectral_cap(1)); weights of bias (constraint: l2_cap(2))\n", "linear(4)\n squared_relu\n$linear(2)");
    }

    public static IReadOnlyList<Case> All { get; } = [.. Tokenwise(), .. Norms(), .. Grids(), .. Attentions(), .. Sights(), .. SimilarityCases.All, .. Memories(), .. Branches(), .. Constraints()];

    public static Case Named(string name) => All.First(c => c.Name == name);
}
