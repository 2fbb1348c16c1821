using System;
using System.Globalization;
using System.Linq;
using Lips.Compiler;
using Lips.Core;
using Lips.Runtime.Certification;
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
    /// <summary>LIPS_FALSIFY_BUDGET multiplies the length of the attacks.</summary>
    private static readonly int Budget = int.TryParse(Environment.GetEnvironmentVariable("LIPS_FALSIFY_BUDGET"), NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n > 0 ? n : 1;

    /// <summary>The attack must find more than was claimed; the bound must be above what it finds.</summary>
    private void Refutes(string spec, Reading reading, double claimed, double known, int rounds = 6, int steps = 80)
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("published", spec)));
        double found = 0, bound = subject.Bound(reading);
        for (int round = 0; round < rounds && found < known; round++)
            found = Math.Max(found, new Falsifier(subject) { Steps = steps * Budget, Batch = 16 }.Attack(reading, (Start)(round % 3), 40 + round).Gain);
        output.WriteLine($"claimed {claimed}, found {found}, bound {bound}");
        Assert.True(found > claimed * (1 + 1e-9), $"found {found}, claimed {claimed}");
        Assert.True(bound >= Math.Max(found, known) * (1 - 1e-9), $"bound {bound}, found {found}, known {known}");
    }

    /// <summary>The gain of weights and input set by hand.</summary>
    internal static (double Gain, double Bound) Of(string spec, Reading reading, Tensor input, params (string Name, Tensor Value)[] weights)
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
    /// values. Caps 1 and a = 1 give `scale`. `known` is what an earlier search reached.
    /// </summary>
    [Theory]
    [InlineData(4, "1/4", 1, 2.730, 4, 16)]
    [InlineData(4, "1/8", 0.5, 1.445, 4, 16)]
    [InlineData(1, "1/40", 0.1, 0.374, 2, 4)]
    [InlineData(4, "1", 4, 10.68, 4, 16)]
    public void A_certificate_of_attention_that_forgets_heads(int heads, string scale, double claimed, double known, int radius, int width) => Refutes(
        $"input x = features(4, {width}, radius: {radius})\nweights(bias: false, constraint: rms_cap(1))\ny = attention({heads}, scale: {scale}, position: rotary, gain: 1/3)",
        Reading.TokenToToken, claimed, known);

    /// <summary>The same certificate of a whole block: (½ + ½·1)·(½ + ½/1.1289) for halves of skip and branch.</summary>
    [Fact]
    public void A_certificate_of_a_block_that_forgets_heads() => Refutes(
        "input x = features(4, 16, radius: 4)\nweights(bias: false, constraint: rms_cap(1))\nresidual(convex(1/2)) { attention(4, scale: 1/4, position: rotary, gain: 1/3) }\ny = residual(convex(1/2)) { mlp(16, activation: gelu_tanh, gain: 1/1.1289) }",
        Reading.TokenToToken, (1 + (1 / 1.1289)) / 2, 1.867, rounds: 3);

    /// <summary>√(|Q| + |V|) for an attention layer, where products belong: √6 for matrices of norm 3, whose values alone gain 9.</summary>
    [Fact]
    public void Norms_of_attention_that_were_added() => Refutes(
        "input x = features(3, 4, radius: 1/2)\nweights(bias: false, constraint: spectral_cap(3))\ny = attention(1, scale: 1/10)", Reading.TokenToToken, Math.Sqrt(6), 9, rounds: 3);

    /// <summary>
    /// √3·|V|·√(|A|²R⁴(4n + 1) + n), the bound of Castin, Ablin and Peyré on a ball as we read it: sound, and √n where the logits cannot
    /// saturate. At s = 1/10 and 32 tokens it says 9.99; the truth lies between what the attack finds and our bound, 1.21.
    /// </summary>
    [Fact]
    public void A_root_of_the_length_that_bounded_logits_do_not_cost()
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("published", "input x = features(32, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\ny = attention(1, scale: 1/10)")));
        double published = Math.Sqrt(3) * Math.Sqrt((0.01 * 129) + 32), bound = subject.Bound(Reading.WholeToWhole);
        double found = Enumerable.Range(0, 3).Max(seed => new Falsifier(subject) { Steps = 60 }.Attack(Reading.WholeToWhole, (Start)seed, seed).Gain);
        output.WriteLine($"published {published}, bound {bound}, found {found}");
        Assert.Equal(9.99, published, 0.01);
        Assert.InRange(bound, found, published / 8);
        Assert.InRange(found, 0.85 * bound, bound * (1 + 1e-9));
    }

    /// <summary>The symbol of (1, 0, −1) is 2·sin ω: three sampled frequencies see √3, nine tokens in a ring gain 2·sin 80°.</summary>
    [Fact]
    public void A_convolution_sampled_at_as_many_frequencies_as_it_has_taps()
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of("input x = features(9, 1)\nweights(bias: false, constraint: spectral_cap(2, of: operator))\ny = conv1d(1, kernel: 3, padding: 1, padding_mode: circular)", Reading.WholeToWhole, randn(1, 9, 1, dtype: float64),
            ("y.weight", tensor([1.0, 0, -1]).view(1, 1, 3)));
        Assert.Equal(2 * Math.Sin(80 * Math.PI / 180), gain, 1e-9);
        Assert.True(gain > Math.Sqrt(3) && bound >= gain);
    }

    /// <summary>A few power iterations see part of the largest singular value; a certificate is never below it.</summary>
    [Fact]
    public void Power_iteration_as_if_it_were_a_bound()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(11);
        var w = randn([128, 128], dtype: float64, generator: generator);
        var v = randn([128], dtype: float64, generator: generator);
        for (int i = 0; i < 5; i++)
            v = w.t().matmul(w.matmul(v / v.norm()));
        double claimed = w.matmul(v / v.norm()).norm().item<double>();
        double truth = linalg.svdvals(w).max().item<double>();
        double certified = SpectralNorm.Certify(w.data<double>().ToArray(), 128, 128);
        Assert.True(claimed < 0.995 * truth, $"{claimed} of {truth}");
        Assert.InRange(certified, truth * (1 - 1e-12), truth * (1 + 1e-7));
    }

    /// <summary>Long tokens with nearly equal entries: |x| ≥ 1 does not keep the variance from 0.</summary>
    [Fact]
    public void A_lower_radius_that_layer_norm_must_not_use()
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of("input x = features(2, 4, radius: 2, lower: 1)\ny = layer_norm(eps: 1/100, affine: false)", Reading.WholeToWhole, full([1, 2, 4], 0.5, dtype: float64));
        Assert.Equal(10, gain, 1e-9);
        Assert.True(gain > 1 / Math.Sqrt(0.25 + 0.01) && bound >= gain * (1 - 1e-12));
    }

    /// <summary>(2, 1) minus its mean has norm 1/√2; a skip that keeps half of the first channel makes it (1, 1), which is its own mean.</summary>
    [Fact]
    public void Channels_kept_unequally_lose_what_the_mean_leaves()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("mixed", "input x = features(1, 2, radius: 3, spread: 1/2)\nweights(bias: false, constraint: spectral_cap(1/1000)); weights of alpha (constraint: max_cap(1))\ny = residual(mixed(least: 0, most: 1/2)) { linear(2) }")));
        using (no_grad())
        {
            subject.Weights["y.alpha"].View.copy_(tensor([0.5, 0]));
            foreach (var weight in subject.Weights.All.Where(w => w.Weight.Shape.Count == 2))
                weight.View.zero_();
        }
        using var generator = new Generator(1);
        var (_, _, _, left) = new Falsifier(subject).Outputs(tensor([2.0, 1]).view(1, 1, 2), generator);
        Assert.Equal(0, left, 1e-12);
        Assert.True(subject.Output.LowerCentred <= 0);
    }

    /// <summary>With eps beside the deviation the gain is 1/eps where the variance is 0: 100, where the form under the root has 10.</summary>
    [Fact]
    public void Eps_beside_the_deviation_is_not_eps_under_the_root()
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of("input x = features(2, 4, radius: 2)\ny = layer_norm(eps: added(1/100), affine: false)", Reading.WholeToWhole, full([1, 2, 4], 0.5, dtype: float64));
        Assert.Equal(100, gain, 1e-6);
        Assert.True(gain > 10 && bound >= gain * (1 - 1e-12));
    }

    /// <summary>Four queries that look at one memory token all move with it: 2, where weights of norm 1 would say 1.</summary>
    [Fact]
    public void One_memory_token_seen_by_four_queries()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("memory", "input b = features(1, 2, radius: 1)\ninput a = features(4, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\nmemory = from b { identity }\ny = from a { cross_attention(1, memory: memory, scale: 1/100) }")), "b");
        double found = new Falsifier(subject).Attack(Reading.WholeToWhole, Start.Orthogonal, 1).Gain;
        Assert.Equal(2, found, 1e-6);
        Assert.True(subject.Bound(Reading.WholeToWhole) >= found * (1 - 1e-12));
    }

    /// <summary>All tokens at e₁/4 and the class token at −e₁: the tokens lie within 5/8 of a point, not within their own spread.</summary>
    [Fact]
    public void The_spread_of_equal_tokens_and_a_class_token()
    {
        using var subject = new Subject(Emitted.One(Case.Of("spread", "input x = features(2, 2, radius: 1/4)\nweights of table (constraint: row_cap(1))\ny = class_token")));
        Assert.InRange(subject.Output.Centred, 5.0 / 8, 1);
    }

    /// <summary>A key bias moves all logits of a row alike and a value bias all outputs: neither has a place in the constant, unless keys turn.</summary>
    [Fact]
    public void Biases_that_softmax_does_not_see()
    {
        string With(string cap, string position) => $"input x = features(3, 4, radius: 1)\nweights(constraint: spectral_cap(1)); weights of bias (constraint: l2_cap(1/1000))\ny = attention(2, scale: 1/2, position: {position}, k_bias.constraint: l2_cap({cap}), v_bias.constraint: l2_cap({cap}))";
        double Bound(string spec)
        {
            using var subject = new Subject(Emitted.One(Case.Of("biases", spec)));
            return subject.Bound(Reading.TokenToToken);
        }

        Assert.Equal(Bound(With("1/1000", "none")), Bound(With("50", "none")));
        Assert.True(Bound(With("50", "rotary")) > 10 * Bound(With("1/1000", "rotary")));
    }

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

    /// <summary>A channel whose alpha is 1 keeps nothing of x: (3, 0) with alpha (1, 0) and a branch of 0 becomes 0, whatever |x| was at least.</summary>
    [Fact]
    public void A_mixed_sum_that_keeps_nothing()
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("mixed", "input x = features(1, 2, radius: 3, lower: 3)\nweights(bias: false, constraint: spectral_cap(1/1000)); weights of alpha (constraint: max_cap(1))\ny = residual(mixed) { linear(2) }")));
        using (no_grad())
        {
            subject.Weights["y.alpha"].View.copy_(tensor([1.0, 0]));
            foreach (var weight in subject.Weights.All.Where(w => w.Weight.Shape.Count == 2))
                weight.View.zero_();
        }
        using var generator = new Generator(1);
        var (_, least, _, _) = new Falsifier(subject).Outputs(tensor([3.0, 0]).view(1, 1, 2), generator);
        Assert.Equal(0, least, 1e-12);
        Assert.True(subject.Output.Lower <= 0);
    }

    /// <summary>Equal tokens, transposed: two tokens alike become channels' tokens as far apart as the entries, and all move by √N.</summary>
    [Fact]
    public void Channels_as_tokens_are_longer_and_farther_apart()
    {
        using var scope = NewDisposeScope();
        var (gain, bound) = Of("input x = features(4, 2, radius: 1)\ny = transpose", Reading.TokenToToken, zeros(1, 4, 2, dtype: float64));
        Assert.Equal(2, gain, 1e-9);
        Assert.Equal(2, bound, 1e-9);
        // tokens that all equal (1, −1)/√2 lie within 0 of a point, their channels ±(1, 1, 1, 1)/√2 within √2
        using var subject = new Subject(Emitted.One(Case.Of("spread", "input x = features(4, 2, radius: 1)\ny = transpose")));
        Assert.True(subject.Output.Centred >= 2 * Math.Sqrt(0.5));
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
