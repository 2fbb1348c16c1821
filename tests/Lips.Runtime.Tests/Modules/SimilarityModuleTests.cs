using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Modules;

/// <summary>Attention by other similarities, against loops over numbers written down from the definitions.</summary>
public class SimilarityModuleTests
{
    private const int Channels = 8, Tokens = 5, Heads = 2, Each = Channels / Heads;
    private const double Scale = 0.7, Eps = 0.3;

    /// <param name="Prepare">What is done to a head's query or key (`q` or `k`).</param>
    /// <param name="Logit">Of a query and a key.</param>
    /// <param name="Value">What is done to a head's value.</param>
    private sealed record Setting(Func<Similarity> Make, Func<Weights, string, double[], double[]> Prepare, Func<double[], double[], double> Logit, Func<double[], double[]> Value)
    {
        /// <summary>A weight of its logit; none: softmax.</summary>
        public Func<double, double>? Alone { get; init; }

        public bool OneProjection { get; init; }

        public bool TiedValue { get; init; }
    }

    /// <summary>Parameters as numbers.</summary>
    private sealed class Weights(Dictionary<string, Tensor> tensors)
    {
        public double[] Row(string name, long row) => [.. tensors[name].select(0, row).data<double>()];

        public double[]? Vector(string name) => tensors.TryGetValue(name, out var vector) ? [.. vector.data<double>()] : null;

        public double[] Apply(string name, double[] x, int first, int rows) =>
            [.. Enumerable.Range(first, rows).Select(r => Row(name + ".weight", r).Zip(x, (a, b) => a * b).Sum() + (Vector(name + ".bias")?[r] ?? 0))];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[] Times(double[] a, double factor) => [.. a.Select(x => x * factor)];

    private static double[] Smooth(double[] y) => Times(y, 1 / Math.Sqrt(Dot(y, y) + Eps));

    private static double[] Clamped(double[] y) => Times(y, 1 / Math.Max(Math.Sqrt(Dot(y, y)), Eps));

    private static double[] Normalized(Weights weights, string part, double[] y, bool centre)
    {
        var x = centre ? [.. y.Select(v => v - y.Average())] : y;
        var n = Times(x, 1 / Math.Sqrt((Dot(x, x) / x.Length) + Eps));
        return [.. n.Select((v, i) => (v * (weights.Vector(part + "_norm.weight")?[i] ?? 1)) + (weights.Vector(part + "_norm.bias")?[i] ?? 0))];
    }

    private static readonly Dictionary<string, Setting> All = new()
    {
        ["cosine"] = new(() => new Cosine(Eps, nu: 1.5), (_, _, y) => Smooth(y), (q, k) => Scale * Dot(q, k), v => Times(Smooth(v), 1.5)),
        ["cosine, clamped"] = new(() => new Cosine(Eps, clamp: true), (_, _, y) => Clamped(y), (q, k) => Scale * Dot(q, k), Clamped),
        ["cosine, raw values"] = new(() => new Cosine(Eps, nu: 2, values: false), (_, _, y) => Smooth(y), (q, k) => Scale * Dot(q, k), v => Times(v, 2)),
        ["rms"] = new(() => new QkNorm(Each, Eps, hasBias: true), (w, part, y) => Normalized(w, part, y, false), (q, k) => Scale * Dot(q, k), v => v),
        ["layer norm"] = new(() => new QkNorm(Each, Eps, centre: true, affine: false), (w, part, y) => Normalized(w, part, y, true), (q, k) => Scale * Dot(q, k), v => v),
        ["distance"] = new(() => new Distance(), (_, _, y) => y, (q, k) => -Scale * q.Zip(k, (a, b) => (a - b) * (a - b)).Sum(), v => v) { OneProjection = true, TiedValue = true },
        ["distance, free value"] = new(() => new Distance(tiedValue: false), (_, _, y) => y, (q, k) => -Scale * q.Zip(k, (a, b) => (a - b) * (a - b)).Sum(), v => v) { OneProjection = true },
        ["sigmoid"] = new(() => new SigmoidWeights(-1.25), (_, _, y) => y, (q, k) => (Scale * Dot(q, k)) - 1.25, v => v) { Alone = l => 1 / (1 + Math.Exp(-l)) },
        ["relu"] = new(() => new ReluWeights(keys: 5, bias: 0.25), (_, _, y) => y, (q, k) => (Scale * Dot(q, k)) + 0.25, v => v) { Alone = l => Math.Max(l, 0) / 5 },
        ["linear"] = new(() => new LinearWeights(keys: 3, bias: -0.5), (_, _, y) => y, (q, k) => (Scale * Dot(q, k)) - 0.5, v => v) { Alone = l => l / 3 },
    };

    public static TheoryData<string, bool> Names => [.. All.Keys.SelectMany(name => new[] { (name, false), (name, true) })];

    private static Tensor Random(long seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, dtype: float64, generator: generator);
    }

    private static Weights Fill(nn.Module module)
    {
        module.to(float64);
        using var mode = no_grad();
        long seed = 50;
        foreach (var parameter in module.parameters())
            parameter.copy_(Random(seed++, parameter.shape));
        return new Weights(module.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter));
    }

    private static double[][] Rows(Tensor x) => [.. Enumerable.Range(0, (int)x.size(1)).Select(i => x[0, i].data<double>().ToArray())];

    private static Tensor Direct(Setting setting, Weights weights, double[][] x, double[][] memory, bool causal, Func<string, double[], int, double[]> project, double gain)
    {
        var rows = x.Select((token, i) =>
        {
            var heads = Enumerable.Range(0, Heads).SelectMany(h =>
            {
                var seen = memory.Take(causal ? i + 1 : memory.Length).ToList();
                var q = setting.Prepare(weights, "q", project("q", token, h));
                var logits = seen.Select(m => setting.Logit(q, setting.Prepare(weights, "k", project("k", m, h)))).ToList();
                var factors = logits.Select(setting.Alone ?? (l => Math.Exp(l) / logits.Sum(Math.Exp)));
                return seen.Select(m => setting.Value(project("v", m, h))).Zip(factors, Times).Aggregate((a, b) => [.. a.Zip(b, (s, t) => s + t)]);
            });
            return weights.Apply("out", Times([.. heads], gain), 0, Channels);
        });
        return tensor(rows.SelectMany(r => r).ToArray()).view(1, x.Length, Channels);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_are_those_of_the_definition(string name, bool causal)
    {
        using var scope = NewDisposeScope();
        var setting = All[name];
        using var module = new Attention(Channels, Heads, Scale, gain: -0.5, causal: causal, similarity: setting.Make());
        var weights = Fill(module);
        double[] Project(string part, double[] token, int head)
        {
            if (!setting.OneProjection)
                return weights.Apply("qkv", token, (Array.IndexOf(["q", "k", "v"], part) * Channels) + (head * Each), Each);
            if (part != "v")
                return weights.Apply("q", token, head * Each, Each);
            return weights.Apply("v", setting.TiedValue ? Project("q", token, head) : token, head * Each, Each);
        }

        var input = Random(3, 1, Tokens, Channels);
        var tokens = Rows(input);
        var expected = Direct(setting, weights, tokens, tokens, causal, Project, -0.5);
        Assert.InRange(module.call(input).sub(expected).abs().max().item<double>(), 0, 1e-12);
    }

    [Theory]
    [InlineData("cosine")]
    [InlineData("cosine, raw values")]
    [InlineData("rms")]
    [InlineData("sigmoid")]
    [InlineData("relu")]
    [InlineData("linear")]
    public void A_memory_is_compared_likewise(string name)
    {
        using var scope = NewDisposeScope();
        var setting = All[name];
        using var module = new CrossAttention(Channels, Heads, Scale, memoryWidth: 3, similarity: setting.Make());
        var weights = Fill(module);
        var (input, memory) = (Random(3, 1, Tokens, Channels), Random(4, 1, 4, 3));
        var expected = Direct(setting, weights, Rows(input), Rows(memory), false, (part, token, head) => weights.Apply(part, token, head * Each, Each), 1);
        Assert.InRange(module.call(input, memory).sub(expected).abs().max().item<double>(), 0, 1e-12);
    }

    [Fact]
    public void A_clamped_norm_has_a_gradient_at_0()
    {
        using var scope = NewDisposeScope();
        using var module = new Attention(Channels, Heads, Scale, similarity: new Cosine(Eps, clamp: true), hasBias: false);
        Fill(module);
        var input = zeros(1, Tokens, Channels, dtype: float64).requires_grad_(true);
        var gradient = autograd.grad([module.call(input).sum()], [input])[0];
        Assert.True(gradient.isfinite().all().item<bool>());
        Assert.True(gradient.abs().max().item<double>() > 0);
    }

    public static TheoryData<string> Elementwise => ["sigmoid", "relu", "linear"];

    [Theory]
    [MemberData(nameof(Elementwise))]
    public void Probabilities_are_observed(string name)
    {
        using var scope = NewDisposeScope();
        (double Ahead, double Uneven, double Least)? seen = null;
        using var module = new Attention(Channels, Heads, Scale, causal: true, similarity: All[name].Make()) { Probabilities = p => seen = (p.triu(1).sum().item<double>(), p.sum(-1).mul(p.sum(-1).sub(1)).abs().max().item<double>(), p.min().item<double>()) };
        Fill(module);
        module.call(Random(3, 1, Tokens, Channels));
        // what lies ahead has no weight; the rest is watched as shares, which add up to 1, or to 0 where no logit is positive
        Assert.Equal(0.0, seen?.Ahead);
        Assert.InRange(seen?.Uneven ?? 1, 0, 1e-12);
        Assert.InRange(seen?.Least ?? -1, 0, 1);
    }

    /// <summary>No logit is positive: every weight is 0, and so is every share.</summary>
    [Fact]
    public void A_row_without_weights_has_no_shares()
    {
        using var scope = NewDisposeScope();
        double? seen = null;
        using var module = new Attention(Channels, Heads, Scale, similarity: new ReluWeights(Tokens, bias: -100)) { Probabilities = p => seen = p.abs().max().item<double>() };
        Fill(module);
        module.call(Random(3, 1, Tokens, Channels));
        Assert.Equal(0.0, seen);
    }

    /// <summary>What is out of sight is −∞ before the weights are taken: no gradient may come from it as NaN.</summary>
    [Theory]
    [MemberData(nameof(Elementwise))]
    public void A_masked_row_has_a_gradient(string name)
    {
        using var scope = NewDisposeScope();
        using var module = new Attention(Channels, Heads, Scale, causal: true, similarity: All[name].Make());
        Fill(module);
        var input = Random(3, 1, Tokens, Channels).requires_grad_(true);
        var gradient = autograd.grad([module.call(input).square().sum()], [input])[0];
        Assert.True(gradient.isfinite().all().item<bool>());
        Assert.True(gradient.abs().max().item<double>() > 0);
    }
}
