using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Lips.Cli.Falsification;
using Lips.Runtime.Falsification;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Norm = Lips.Core.Norm;

namespace Lips.Soundness.Tests;

/// <summary>
/// How far bounds lie apart on the same caps: ours, ours composed in one norm, the published attention bound composed, and an
/// estimate from below. The table is what `tests/Lips.Benchmarks/README.md` shows.
/// </summary>
public sealed class PeerTests(ITestOutputHelper output)
{
    private void Row(string what, params double[] numbers) =>
        output.WriteLine($"| {what} | " + string.Join(" | ", numbers.Select(n => n.ToString("G4", CultureInfo.InvariantCulture))) + " |");

    private static double Gain(double s)
    {
        if (s <= 0.5)
            return 1;
        double z = Math.Pow(1 + (2 * s), 2) / (8 * s);
        return (z * z) + ((1 - z) * (1 - z));
    }

    /// <summary>The bound of Castin, Ablin and Peyré on a ball as we read it, F to F, for one head: √3·√(s²(4n + 1) + n).</summary>
    private static double Published(int tokens, double s) => Math.Sqrt(3 * ((s * s * ((4 * tokens) + 1)) + tokens));

    /// <summary>Twelve blocks on 197 tokens, (11/12)·x + f(x)/12 around one-head attention and a gelu MLP, caps 1, tokens of norm 1.</summary>
    [Fact]
    public void A_convex_stack_of_twelve_blocks_on_197_tokens()
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        using var subject = new Subject(Emitted.One(Case.Of("vit", "input x = features(197, 8, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\ny = repeat 12 { residual(convex(1/12)) { attention(1, scale: 1/4) }\nresidual(convex(1/12)) { mlp(16, activation: gelu) } }")));
        double ours = subject.Bound(Reading.WholeToWhole), token = subject.Bound(Reading.WholeToToken);
        const double s = 0.25, keep = 11.0 / 12, mlp = 1.1289041451851548;
        double PerBlock(double attention) => Math.Pow((keep + (attention / 12)) * (keep + (mlp / 12)), 12);
        // radii stay 1 in both: a gelu MLP with caps 1 and attention with caps 1 do not lengthen tokens
        double g = 197 * Gain(s), oneNorm = PerBlock(Math.Sqrt(g + (s * s) + (s * (Math.Sqrt(g) + Math.Sqrt(1 + (s * s)))))), published = PerBlock(Published(197, s));
        double found = new Falsifier(subject) { Steps = 6, Batch = 2 }.Attack(Reading.WholeToWhole, Start.Orthogonal, 5).Gain;
        output.WriteLine("| stack | found | ours, F to one token | ours, F to F | our rule in F alone | published, composed |");
        Row("12 blocks, N = 197, s = 1/4", found, token, ours, oneNorm, published);
        Assert.True(found <= ours * (1 + 1e-9));
        Assert.True(token <= ours);
        Assert.True(published >= 1000 * ours, $"published {published}, ours {ours}");
    }

    /// <summary>
    /// Whole networks in two norms and in one. Every block is attention and a gelu MLP of caps 1 without biases on tokens of norm 1, logits of size s at first, each as
    /// x + f/L or (1 − 1/L)·x + f/L; radii follow from the rules. In one norm the published bound from F to F, times √H, is multiplied.
    /// </summary>
    [Theory]
    [InlineData("A", 197, 12, 3, "1", false, "")]
    [InlineData("B", 197, 12, 3, "1", true, "")]
    [InlineData("C", 197, 12, 1, "1/4", true, "")]
    [InlineData("D", 197, 12, 12, "1/20", true, "")]
    [InlineData("E", 1024, 24, 1, "1/4", false, ", mask: causal")]
    public void Two_norms_pay_for_the_length_once(string name, int tokens, int blocks, int heads, string s, bool convex, string mask)
    {
        (double Whole, double Token) Bounds(int count, string end)
        {
            string sum(string layer, string with) => convex ? $"residual(convex(1/{blocks})) {{ {layer}({with}) }}" : $"residual {{ {layer}({with}, gain: 1/{blocks}) }}";
            var model = Emitted.Compile(Case.Of("stack", $"input x = features({tokens}, 12, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\n"
                + $"blocks = repeat {count} {{ {sum("attention", $"{heads}, scale: {s}{mask}")}\n{sum("mlp", "24, activation: gelu")} }}\ny = {end}"));
            double At(Norm from, Norm to) => model.AtCaps.Single(a => a.Item1.Norms.Item1.Equals(from) && a.Item1.Norms.Item2.Equals(to)).Item2.ToDoubleUp();
            return (At(Norm.L2Norm, Norm.L2Norm), At(Norm.L2Norm, Norm.TokenNorm));
        }

        var (whole, token) = Bounds(blocks, "identity");
        double mean = Bounds(blocks, "pool(mean)").Token;
        double keep = convex ? 1 - (1.0 / blocks) : 1, scale = heads == 1 ? 1 : Math.Sqrt(heads), size = heads == 3 ? 1 : heads == 12 ? 0.05 : 0.25;
        // radii of a convex sum stay 1; of a plain one they grow at least as those of tokens that add nothing, 1
        double published = Math.Pow((keep + (Published(tokens, size) * scale / blocks)) * (keep + (1.1289041451851548 / blocks)), blocks);
        Row($"{name}: N = {tokens}, L = {blocks}, H = {heads}, s = {s}, {(convex ? "convex" : "plain")}", whole, token, mean, published);
        Assert.True(mean <= token * (1 + 1e-12) && token <= whole * (1 + 1e-12), $"{whole}, {token}, {mean}");
        Assert.True(published >= 1000 * whole, $"published {published}, ours {whole}");
        Assert.True(token * Math.Sqrt(tokens) >= whole * (1 - 1e-12));
    }

    /// <summary>One head in the token-max norm: antipodal tokens of equal weight and a query apart, all caps 1, tokens of norm 1.</summary>
    [Theory]
    [InlineData(15, 1.0)]
    [InlineData(15, 0.25)]
    [InlineData(40, 2.0)]
    public void One_attention_layer_is_within_a_twentieth(int pairs, double scale)
    {
        torch.set_num_threads(1);
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        int n = (2 * pairs) + 1;
        using var subject = new Subject(Emitted.One(Case.Of("antipodal", $"input x = features({n}, 2, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\ny = attention(1, scale: {scale.ToString(CultureInfo.InvariantCulture)})")));
        using (no_grad())
        {
            foreach (string name in new[] { "y.q", "y.v", "y.out" })
                subject.Weights[name].View.copy_(eye(2, dtype: float64));
            subject.Weights["y.k"].View.copy_(tensor([1.0, 0, 0, -1]).view(2, 2));
        }
        var tokens = Enumerable.Range(0, pairs).SelectMany(_ => new[] { 1.0, 0, -1, 0 }).Concat([0.0, 1]).ToArray();
        var still = new Falsifier(subject) { Steps = 120, MovesWeights = false, MovesInputs = false };
        double found = still.Ascend(Reading.TokenToToken, cat([.. Enumerable.Repeat(tensor(tokens).view(1, n, 2), n)], 0), generator);
        double bound = subject.Bound(Reading.TokenToToken);
        output.WriteLine("| one head, token-max | attained | ours | √n times the published F bound |");
        Row($"N = {n}, s = {scale}", found, bound, Math.Sqrt(n) * Published(n, scale));
        Assert.InRange(bound, found * (1 - 1e-12), 1.05 * found);
    }
}
