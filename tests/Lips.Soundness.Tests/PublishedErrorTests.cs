using System;
using System.Linq;
using Lips.Compiler;
using Lips.Core;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>
/// Constants that papers and published code claim, each with an input and weights that exceed it, and the bound of this
/// project above both.
/// </summary>
public sealed class PublishedErrorTests(ITestOutputHelper output)
{
    /// <summary>The attack must find more than was claimed; the bound must be above what it finds.</summary>
    private void Refutes(string spec, Reading reading, double claimed, double known, int rounds = 6, int steps = 80)
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("published", spec)));
        double found = 0, bound = subject.Bound(reading);
        for (int round = 0; round < rounds && found < known; round++)
            found = Math.Max(found, new Falsifier(subject) { Steps = steps, Batch = 16 }.Attack(reading, (Start)(round % 3), 40 + round).Gain);
        output.WriteLine($"claimed {claimed}, found {found}, bound {bound}");
        Assert.True(found > claimed * (1 + 1e-9), $"found {found}, claimed {claimed}");
        Assert.True(bound >= Math.Max(found, known) * (1 - 1e-9), $"bound {bound}, found {found}, known {known}");
    }

    /// <summary>The gain of weights and input set by hand.</summary>
    private static (double Gain, double Bound) Of(string spec, Reading reading, Tensor input, params (string Name, Tensor Value)[] weights)
    {
        torch.set_num_threads(1);
        using var generator = new Generator(2);
        using var subject = new Subject(Emitted.One(Case.Of("published", spec)));
        using (no_grad())
            foreach (var (name, value) in weights)
                subject.Weights[name].View.copy_(value);
        var still = new Falsifier(subject) { Steps = 300, MovesWeights = false, MovesInputs = false };
        long outputs = subject.Emitted.Compiled.Derivation.Points[subject.Emitted.Compiled.Derivation.Output].Shape.Tokens;
        double gain = still.Ascend(reading, cat([.. Enumerable.Repeat(input, (int)outputs)], 0), generator);
        return (gain, subject.Bound(reading));
    }

    /// <summary>
    /// The reference certificate of arXiv 2507.13338 takes (1/3)·w·(v + 2·v·a²·q·k)·scale for an attention layer of RMS caps and
    /// RMS a, with logits of factor scale/head width: no √heads on the values, no heads in the logits, and the scale on the
    /// values. Caps 1 and a = 1 give `scale`. Known gains: see the design's table.
    /// </summary>
    [Theory]
    [InlineData(4, "1/4", 1, 2.730, 4, 16)]
    [InlineData(4, "1/8", 0.5, 1.445, 4, 16)]
    [InlineData(1, "1/40", 0.1, 0.374, 2, 4)]
    [InlineData(4, "1", 4, 10.68, 4, 16)]
    public void A_certificate_of_attention_that_forgets_heads(int heads, string scale, double claimed, double known, int radius, int width) => Refutes(
        $"input x = features(4, {width}, radius: {radius})\nweights(bias: false, constraint: rms_cap(1))\ny = attention({heads}, scale: {scale}, position: rotary, gain: 1/3)",
        Reading.TokenToToken, claimed, known);

    [Fact]
    public void A_certificate_of_an_mlp_that_divides_by_the_slope_twice() => Refutes(
        "input x = features(2, 4, radius: 2)\nweights(bias: false, constraint: rms_cap(1))\ny = mlp(16, activation: gelu_tanh, gain: 1/1.1289)",
        Reading.TokenToToken, 1 / 1.1289, 0.99);

    [Theory]
    [InlineData("gelu", 1.4142135623730951, 1.12)]
    [InlineData("gelu", 1.4142135623730951, 1.1289)]
    [InlineData("gelu_tanh", 1.41850400879, 1.1289041451851548)]
    public void Slopes_of_gelu_that_were_rounded_down(string activation, double at, double claimed)
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of($"input x = features(1, 2, radius: 2)\ny = {activation}", Reading.WholeToWhole, tensor([at, 0.0]).view(1, 2));
        Assert.True(gain > claimed);
        Assert.True(bound >= gain);
    }

    [Fact]
    public void A_norm_layer_declared_to_be_1_Lipschitz()
    {
        foreach (string layer in new[] { "layer_norm", "rms_norm" })
            Refutes($"input x = features(2, 4, radius: 1)\nweights of gain (constraint: max_cap(1)); weights of bias (constraint: l2_cap(1))\ny = {layer}", Reading.WholeToWhole, 1, 300);
    }

    [Fact]
    public void A_spectral_norm_estimated_by_what_one_input_does() =>
        // √(|Σ Wx|/|Σ x|) is 10 for W = 100·I
        Refutes("input x = features(1, 4)\nweights(bias: false, constraint: spectral_cap(100))\ny = linear(4)", Reading.WholeToWhole, 10, 99.9);

    [Fact]
    public void Groups_whose_norms_are_multiplied()
    {
        using var scope = NewDisposeScope();
        var kernel = cat([full([1, 1, 1, 1], 0.1, dtype: float64), full([1, 1, 1, 1], 0.2, dtype: float64)], 0);
        var (gain, bound) = Of("input x = image(2, 2, 2, range: [0, 1])\nweights(bias: false, constraint: spectral_cap(1/4))\ny = conv2d(2, kernel: 1, groups: 2)", Reading.WholeToWhole, rand(1, 2, 2, 2, dtype: float64), ("y.weight", kernel));
        Assert.Equal(0.2, gain, 1e-9);
        Assert.True(gain > 0.1 * 0.2 && bound >= gain);
    }

    /// <summary>Zero padding with the average number of windows over a pixel: (3 − 2/16)² of 9 at 16 × 16.</summary>
    [Fact]
    public void Average_coverage_of_a_padded_convolution()
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of("input x = image(1, 16, 16, range: [0, 1])\nweights(bias: false, constraint: spectral_cap(1))\ny = conv2d(1, kernel: 3, padding: 1)", Reading.WholeToWhole, rand(1, 1, 16, 16, dtype: float64),
            ("y.weight", full([1, 1, 3, 3], 1.0 / 3, dtype: float64)));
        double exact = Math.Pow(1 + (2 * Math.Cos(Math.PI / 17)), 2) / 3, claimed = 3 - (2.0 / 16);
        Assert.Equal(exact, gain, 1e-8);
        Assert.True(gain > claimed && bound >= gain);
    }

    /// <summary>An orthonormal reshape, whose norm is 1: the gain is the root of the number of windows that read the most read pixel.</summary>
    [Theory]
    [InlineData(3, 7, "padding: 1, padding_mode: reflect", 3, 4)]
    [InlineData(5, 7, "padding: 2, padding_mode: replicate", 5, 6)]
    [InlineData(3, 9, "stride: 2, dilation: 2", 2, 3)]
    [InlineData(3, 4, "stride: 3, padding: 1, padding_mode: circular", 1, 2)]
    [InlineData(3, 5, "", 1, 3)]
    public void Coverage_that_was_counted_for_another_convolution(int kernel, int side, string settings, double claimed, double exact)
    {
        using var scope = NewDisposeScope();
        int taps = kernel * kernel;
        string more = settings.Length == 0 ? "" : ", " + settings;
        var (gain, bound) = Of($"input x = image(1, {side}, {side}, range: [0, 1])\nweights(bias: false, constraint: spectral_cap(1))\ny = conv2d({taps}, kernel: {kernel}{more})", Reading.WholeToWhole, rand(1, 1, side, side, dtype: float64),
            ("y.weight", eye(taps, dtype: float64).view(taps, 1, kernel, kernel)));
        Assert.Equal(exact, gain, 1e-8);
        Assert.True(gain > claimed && bound >= gain * (1 - 1e-12));
        Assert.Equal(exact, bound, 1e-9);
    }

    /// <summary>relu(x) − relu(x − 1): multipliers that couple neurons claim as little as 0.001.</summary>
    [Fact]
    public void Coupled_multipliers_of_a_difference_of_neurons()
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of("input x = features(1, 1, radius: 3)\nweights(constraint: spectral_cap(3/2)); weights of bias (constraint: l2_cap(1))\nlinear(2)\nrelu\ny = linear(1, bias: false)", Reading.WholeToWhole, tensor([0.5]).view(1, 1),
            ("linear.weight", tensor([1.0, 1]).view(2, 1)), ("linear.bias", tensor([0.0, -1])), ("y.weight", tensor([1.0, -1]).view(1, 2)));
        Assert.Equal(1, gain, 1e-12);
        Assert.True(gain > 0.316 && bound >= gain);
    }

    /// <summary>Two patches at 0 and a class token at distance 10: their spread is not that of the patches.</summary>
    [Fact]
    public void A_constant_token_far_from_the_others()
    {
        using var scope = NewDisposeScope();
        var one = ones(1, 1, dtype: float64);
        var (gain, bound) = Of("input x = features(2, 1, radius: 1/1000)\nweights(bias: false, constraint: spectral_cap(1)); weights of table (constraint: row_cap(10))\nclass_token\ny = attention(1, scale: 1)", Reading.TokenToToken, zeros(1, 2, 1, dtype: float64),
            ("class_token.token", full([1, 1], 10, dtype: float64)), ("y.q", one), ("y.k", one), ("y.v", one), ("y.out", one));
        // weights 1/3 each: the variance of {0, 0, 10} is 200/9, and two thirds are values
        Assert.Equal((200.0 / 9) + (2.0 / 3), gain, 1e-9);
        Assert.True(bound >= gain);
    }

    /// <summary>Windows of 1, 2 and 3 tokens: the column sums of an average that does not count its padding exceed 1.</summary>
    [Fact]
    public void An_average_that_does_not_count_its_padding() =>
        Refutes("input x = image(1, 5, 5, range: [0, 1])\ny = avg_pool(3, stride: 1, padding: 1, count_padding: false)", Reading.WholeToWhole, 1, 1.0243, rounds: 2, steps: 200);

    [Theory]
    [InlineData("input x = features(3, 4, radius: 1)\ny = layer_norm(eps: 0)")]
    [InlineData("input x = features(3, 4, radius: 1)\ny = rms_norm(eps: 0)")]
    public void A_layer_without_any_constant_is_refused(string body) =>
        Assert.Contains(SpecCompiler.Compile(new SourceText("refused.lips", "model M in rms {\n" + body + "\n}"), _ => null).Diagnostics, DiagnosticModule.isError);

    [Theory]
    [InlineData("input x = features(3, 4)\nweights(bias: false, constraint: spectral_cap(1))\ny = attention(1)")]
    [InlineData("input x = features(3, 4)\ny = squared_relu")]
    [InlineData("input x = features(3, 4)\nweights(constraint: spectral_cap(1))\ny = pool(attention)")]
    [InlineData("input x = features(3, 4, radius: 1)\nweights(constraint: spectral_cap(1))\ny = attention(1)")]
    [InlineData("input x = features(3, 4, radius: 1)\nweights(constraint: spectral_cap(1))\ny = linear(4, weight.constraint: none)")]
    [InlineData("input x = features(3, 4, radius: 1)\ny = layer_norm")]
    public void A_map_without_a_bound_is_called_infinite(string body)
    {
        var model = Emitted.Compile(Case.Of("infinite", body));
        Assert.All(model.AtCaps, a => Assert.True(a.Item2.IsInfinity));
    }
}
