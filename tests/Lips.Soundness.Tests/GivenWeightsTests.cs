using System;
using System.Globalization;
using System.Linq;
using Lips.Cli.Falsification;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Falsification;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>Bounds at the certified norms of given weights: never below an attack, and what products, blocks and symbols gain.</summary>
public sealed class GivenWeightsTests
{
    private const string Caps = "weights(constraint: spectral_cap(20)); weights of bias (constraint: l2_cap(20))\n";

    public GivenWeightsTests() => torch.set_num_threads(1);

    private static Subject With(string body, double size, ulong seed)
    {
        var subject = new Subject(Emitted.One(Case.Of("given", body)));
        using var noGrad = no_grad();
        using var generator = new Generator(seed);
        foreach (var bound in subject.Weights.All)
            bound.View.copy_(randn([.. bound.Weight.Shape], dtype: float64, generator: generator) * size);
        return subject;
    }

    private static double Bound(Subject subject, Reading reading, Norms norms) => subject.Model.Bound(subject.ClaimOf(reading), norms).ToDoubleUp();

    private static Norms Without(Norms norms, Func<NormRequest, bool> left)
    {
        var kept = new Norms();
        foreach (var (key, value) in norms.Values)
            if (!left(NormRequest.TryParse(key)!))
                kept.Add(key, value);
        return kept;
    }

    private static double Attack(Subject subject, Reading reading)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        var still = new Falsifier(subject) { Steps = 40, MovesWeights = false };
        var inputs = randn([16, .. subject.Shape], dtype: float64, generator: generator) * 3;
        return still.Ascend(reading, inputs, generator);
    }

    [Theory]
    [InlineData("attention(1, scale: 1/2)")]
    [InlineData("attention(2, scale: 1/2)")]
    [InlineData("attention(4, scale: 1/4, mask: causal)")]
    [InlineData("attention(2, scale: 1/2, position: rotary)")]
    public void Products_of_weights_tighten_attention_and_stay_above_every_attack(string layer)
    {
        using var scope = NewDisposeScope();
        using var subject = With("input x = features(4, 8, radius: 1)\n" + Caps + "y = " + layer, 0.35, 6);
        Assert.Equal(layer.Contains("rotary", StringComparison.Ordinal), !subject.Model.NormsNeeded.Any(n => n.Kind is NormKind.TransposedProduct or NormKind.StackedTransposedProduct));
        var norms = CertifiedNorms.Of(subject.Model, subject.Weights);
        var plain = Without(norms, n => n.Right is not null);
        foreach (var reading in Enum.GetValues<Reading>())
        {
            double with = Bound(subject, reading, norms), without = Bound(subject, reading, plain), reached = Attack(subject, reading);
            Assert.True(with <= 0.97 * without, $"{layer}, {reading}: {with:R} with products, {without:R} without");
            Assert.True(reached <= with, $"{layer}, {reading}: gain {reached:R} above the bound {with:R}");
            Assert.True(reached > 0.05 * with, $"{layer}, {reading}: gain {reached:R} is far below the bound {with:R}");
        }
    }

    [Fact]
    public void A_rotation_between_queries_and_keys_keeps_their_product_out()
    {
        // Q = e₁e₁ᵀ, K = e₂e₂ᵀ: KᵀQ is 0, but what is turned between them is not
        using var scope = NewDisposeScope();
        using var subject = With("input x = features(4, 2, radius: 3)\n" + Caps + "y = attention(1, scale: 1, position: rotary(base: 1), bias: false)", 0, 1);
        using (no_grad())
        {
            subject.Weights["y.q"].View.copy_(tensor([1.0, 0, 0, 0]).view(2, 2));
            subject.Weights["y.k"].View.copy_(tensor([0.0, 0, 0, 1]).view(2, 2));
            subject.Weights["y.v"].View.copy_(eye(2, dtype: float64));
            subject.Weights["y.out"].View.copy_(eye(2, dtype: float64));
        }
        double gain = Attack(subject, Reading.TokenToToken), bound = Bound(subject, Reading.TokenToToken, CertifiedNorms.Of(subject.Model, subject.Weights));
        Assert.InRange(gain, 1.5, bound);
    }

    [Fact]
    public void Blocks_bounded_as_wholes_are_tighter_and_stay_above_every_attack()
    {
        using var scope = NewDisposeScope();
        using var subject = With("input x = features(2, 6, radius: 2)\n" + Caps + "blocks = repeat 2 { residual { mlp(12) }; residual(convex(1/3)) { mlp(12, activation: relu, gain: 1/2) } }\ny = linear(4)", 0.3, 3);
        Assert.Equal(4, subject.Model.NormsNeeded.Count(n => n.Kind == NormKind.BlockGain));
        var plain = CertifiedNorms.Of(subject.Model, subject.Weights);
        var tight = CertifiedNorms.Of(subject.Model.NormsNeeded, subject.Weights, tight: true);
        Assert.Equal(plain.Values.Count + 4, tight.Values.Count);
        foreach (var reading in Enum.GetValues<Reading>())
        {
            double whole = Bound(subject, reading, tight), parts = Bound(subject, reading, plain), reached = Attack(subject, reading);
            Assert.True(whole <= 0.8 * parts, $"{reading}: {whole:R} by blocks, {parts:R} by layers");
            Assert.InRange(reached, 0.2 * whole, whole);
        }
    }

    [Fact]
    public void A_block_of_one_channel_reaches_its_certificate()
    {
        // x + 2·relu(x) has slope 3, x − 2·relu(x) slopes −1 and 1, where the product rule says 3
        using var scope = NewDisposeScope();
        using var subject = With("input x = features(1, 1, radius: 1)\n" + Caps + "y = residual { mlp(1, activation: relu) }", 0, 1);
        foreach (var (down, gain) in new[] { (2.0, 3.0), (-2.0, 1.0) })
        {
            using (no_grad())
            {
                subject.Weights["mlp.up"].View.fill_(1);
                subject.Weights["mlp.down"].View.fill_(down);
            }
            var norms = CertifiedNorms.Of(subject.Model.NormsNeeded, subject.Weights, tight: true);
            Assert.InRange(Bound(subject, Reading.TokenToToken, norms), gain * (1 - 1e-9), gain * (1 + 1e-3));
            Assert.Equal(gain, Attack(subject, Reading.TokenToToken), 1e-9);
        }
    }

    [Fact]
    public void The_mean_slope_of_an_mlp_acts_like_a_linear_map()
    {
        using var scope = NewDisposeScope();
        using var subject = With("input x = features(1, 8)\n" + Caps + "y = mlp(24, activation: relu)", 0.3, 2);
        var norms = CertifiedNorms.Of(subject.Model, subject.Weights);
        double with = Bound(subject, Reading.TokenToToken, norms), without = Bound(subject, Reading.TokenToToken, Without(norms, n => n.Right is not null));
        Assert.True(with < 0.9 * without, $"{with:R} and {without:R}");
        Assert.InRange(Attack(subject, Reading.TokenToToken), 0.3 * with, with);
    }

    /// <summary>The slopes that a block's certificate rests on, against the activation's own steps: never outside, and reached.</summary>
    [Theory]
    [InlineData("relu")]
    [InlineData("abs")]
    [InlineData("tanh")]
    [InlineData("sigmoid")]
    [InlineData("gelu")]
    [InlineData("gelu_tanh")]
    [InlineData("silu")]
    [InlineData("quick_gelu")]
    [InlineData("mish")]
    [InlineData("softplus")]
    [InlineData("leaky_relu(slope: -3/4)")]
    [InlineData("leaky_relu(slope: 2)")]
    [InlineData("none")]
    public void An_activation_stays_within_its_slopes(string activation)
    {
        using var scope = NewDisposeScope();
        using var block = With("input x = features(1, 2, radius: 9)\n" + Caps + $"y = residual {{ mlp(2, activation: {activation}) }}", 1, 1);
        string numbers = block.Model.NormsNeeded.Single(n => n.Kind == NormKind.BlockGain).Numbers!;
        Assert.StartsWith("1; 1; ", numbers);
        double[] slopes = [.. numbers.Split("; ")[2..].Select(n => n.Split('/')).Select(n => double.Parse(n[0], CultureInfo.InvariantCulture) / (n.Length == 2 ? double.Parse(n[1], CultureInfo.InvariantCulture) : 1))];
        if (activation == "none")
        {
            Assert.Equal([1.0, 1.0], slopes);
            return;
        }
        using var alone = new Subject(Emitted.One(Case.Of("alone", $"input x = features(1, 1)\ny = {activation}")));
        using var noGrad = no_grad();
        const double step = 1e-4;
        var x = arange(-120_000, 120_000, dtype: float64).view(-1, 1, 1) * step;
        double[] y = alone.Map(x).reshape(-1).data<double>().ToArray();
        var steps = y.Skip(1).Zip(y, (b, a) => (b - a) / step).ToArray();
        Assert.InRange(steps.Min(), slopes[0] - 1e-10, slopes[0] + 1e-4);
        Assert.InRange(steps.Max(), slopes[1] - 1e-4, slopes[1] + 1e-10);
    }

    [Theory]
    [InlineData("mlp(4, activation: group_sort)")]
    [InlineData("mlp(4, activation: squared_relu)")]
    [InlineData("mlp(4, activation: silu, gated: true)")]
    [InlineData("linear(4)")]
    public void What_has_no_slopes_of_its_own_is_not_bounded_as_a_block(string body)
    {
        var compiled = Emitted.Compile(Case.Of("block", "input x = features(1, 4, radius: 1)\n" + Caps + $"y = residual {{ {body} }}"));
        Assert.DoesNotContain("BlockGain", compiled.CSharp);
    }

    /// <summary>Every padding mode, stride, dilation and grouping against the layer's matrix, column by column.</summary>
    [Theory]
    [InlineData("zeros")]
    [InlineData("circular")]
    [InlineData("reflect")]
    [InlineData("replicate")]
    public void A_convolution_never_exceeds_its_bound_for_given_weights(string mode)
    {
        string[] layers =
        [
            "conv2d(3, kernel: 3, padding: 1", "conv2d(2, kernel: 3, padding: 2, stride: 2", "conv2d(3, kernel: 2, padding: 1, dilation: 2", "conv2d(2, kernel: [3, 1], padding: [2, 0], stride: [1, 2]",
            "conv2d(4, kernel: 3, padding: 1, groups: 2", "conv2d(kernel: 3, padding: 2, groups: 2", "conv2d(3, kernel: 3, padding: 4, dilation: 2, stride: 3",
        ];
        double tightest = 0;
        foreach (string layer in layers)
            for (ulong seed = 1; seed <= 3; seed++)
            {
                using var scope = NewDisposeScope();
                using var subject = With("input x = image(2, 5, 5, range: [-1, 1])\n" + Caps + $"y = {layer}, padding_mode: {mode}, bias: false)", 0.5, seed);
                var norms = CertifiedNorms.Of(subject.Model, subject.Weights);
                double reached = Norm(subject), bound = Bound(subject, Reading.WholeToWhole, norms);
                Assert.True(reached <= bound * (1 + 1e-12), $"{layer}, {mode}: norm {reached:R} above the bound {bound:R}");
                tightest = Math.Max(tightest, reached / bound);
                Assert.True(Bound(subject, Reading.TokenToToken, norms) >= RowSums(subject) * (1 - 1e-12), $"{layer}, {mode}");
            }
        Assert.InRange(tightest, 0.75, 1 + 1e-12);
    }

    /// <summary>
    /// Taps that all write into one channel, each reading a direction of its own: a window of tokens along these adds up their norms,
    /// 1 + ½ + 2, where √3 times the reshape's norm says √15.75. Of two groups the larger counts, tap by tap.
    /// </summary>
    [Theory]
    [InlineData("conv1d(2, kernel: 3", new[] { 1.0, 0, -2, 0, 0.5, 0, 0, 0, 0, 0, 0, 0 }, 3.5)]
    [InlineData("conv1d(2, kernel: 3, groups: 2", new[] { 1.0, 0.25, -2, 0.5, 0.5, -1 }, 3.5)]
    public void A_token_of_a_convolution_gains_the_sum_of_its_taps(string layer, double[] kernel, double sum)
    {
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("taps", "input x = features(3, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(5))\ny = " + layer + ")")));
        ExtremalTests.Set(subject, ("y.weight", tensor(kernel).view(2, -1, 3)));
        var norms = CertifiedNorms.Of(subject.Model, subject.Weights);
        Assert.Equal(sum, norms.TapNorms("y.weight").ToDoubleUp(), 1e-9);
        double bound = Bound(subject, Reading.TokenToToken, norms), gain = ExtremalTests.Gain(subject, Reading.TokenToToken, zeros(1, 3, 2, dtype: float64));
        Assert.InRange(gain, layer.Contains("groups", StringComparison.Ordinal) ? 3 : sum * (1 - 1e-9), bound);
        Assert.Equal(sum, bound, 1e-9);
        // at caps nothing is known of the taps, and the reshape's rule stands
        Assert.Equal(5 * Math.Sqrt(3), subject.Bound(Reading.TokenToToken), 1e-9);
    }

    private static double[] Matrix(Subject subject, out int rows, out int columns)
    {
        using var noGrad = no_grad();
        columns = 50;
        var basis = eye(columns, dtype: float64).view(columns, 2, 5, 5);
        var images = AttackedMap.OutputTokens(subject.Map(basis, null)).reshape(columns, -1).t().contiguous();
        rows = (int)images.shape[0];
        return images.data<double>().ToArray();
    }

    /// <summary>σ_max of the layer on 5 × 5 images with two channels.</summary>
    private static double Norm(Subject subject)
    {
        double[] matrix = Matrix(subject, out int rows, out int columns);
        return SpectralNorm.Certify(matrix, rows, columns) * (1 - 1e-9);
    }

    /// <summary>From below: the image of a constant ±1 input, token by token, over the largest token of the input, √2.</summary>
    private static double RowSums(Subject subject)
    {
        using var noGrad = no_grad();
        using var generator = new Generator(1);
        var x = randint(0, 2, [64, 2, 5, 5], dtype: float64, generator: generator) * 2 - 1;
        var tokens = AttackedMap.OutputTokens(subject.Map(x, null)).square().sum(-1).sqrt();
        return tokens.max().item<double>() / Math.Sqrt(2);
    }
}
