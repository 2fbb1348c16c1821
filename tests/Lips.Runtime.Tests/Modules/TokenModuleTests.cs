using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Modules;

public sealed class TokenModuleTests
{
    private static Tensor Random(long seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, dtype: float64, generator: generator);
    }

    /// <summary>A module in float64 whose parameters are random, so that no term is hidden by zeros or ones.</summary>
    private static T Filled<T>(T module) where T : nn.Module
    {
        module.to(float64);
        using var mode = no_grad();
        long seed = 100;
        foreach (var parameter in module.parameters())
            parameter.copy_(Random(seed++, parameter.shape));
        return module;
    }

    private static IEnumerable<(string Name, nn.Module<Tensor, Tensor> Module, long[] Shape)> All()
    {
        yield return ("attention", new Attention(width: 8, heads: 2, scale: 0.7), [2, 5, 8]);
        yield return ("attention, causal, rotary", new Attention(width: 8, heads: 2, scale: 0.7, gain: -0.5, causal: true, rotary: new Rotary(channels: 2, wavelengths: 100), hasBias: false), [2, 5, 8]);
        yield return ("attention on a map", new Attention(width: 4, heads: 1, scale: 0.5, rotary: new Rotary(4, 10000)), [2, 2, 3, 4]);
        yield return ("mlp", new Mlp(width: 4, hidden: 6, activation: h => h.gelu(), gain: 0.5), [2, 3, 4]);
        yield return ("mlp, group_sort", new Mlp(width: 4, hidden: 6, activation: Activations.GroupSort, hasBias: false), [2, 3, 4]);
        yield return ("mlp, mish", new Mlp(width: 4, hidden: 6, activation: Activations.Mish), [2, 3, 4]);
        yield return ("mlp, quick_gelu", new Mlp(width: 4, hidden: 6, activation: Activations.QuickGelu), [2, 3, 4]);
        yield return ("mlp, gated", new GatedMlp(width: 4, hidden: 6, activation: h => h.silu(), gain: 0.5), [2, 3, 4]);
        yield return ("mlp, softplus", new Mlp(width: 4, hidden: 6, activation: Activations.Softplus), [2, 2, 2, 4]);
        yield return ("householder", new Householder(width: 4), [2, 3, 4]);
        yield return ("learned position", new LearnedPosition(length: 6, width: 4), [2, 2, 3, 4]);
        yield return ("sinusoidal position", new SinusoidalPosition(length: 3, width: 4, wavelengths: 10000), [2, 3, 4]);
        yield return ("bias", new Bias(width: 4), [2, 3, 4]);
        yield return ("branch", new Branch(alphas: 4, clamp: 0.5, dropPath: 0), [2, 3, 4]);
    }

    [Fact]
    public void Every_module_runs_on_the_meta_device()
    {
        using var scope = NewDisposeScope();
        foreach (var (name, module, shape) in All())
        {
            using (module)
            {
                module.to(META);
                var y = module.call(empty(shape, device: META));
                Assert.True(y.device.type == DeviceType.META && shape.SequenceEqual(y.shape), name);
            }
        }
        using var cross = new CrossAttention(width: 8, heads: 2, scale: 1, memoryWidth: 6).to(META);
        Assert.Equal([2, 5, 8], cross.call(empty([2, 5, 8], device: META), empty([2, 7, 6], device: META)).shape);
        Assert.Equal([2, 3, 5], Tied.Rows(zeros([2, 3], dtype: int64, device: META), empty([9, 5], device: META)).shape);
    }

    [Fact]
    public void Gradients_agree_with_differences()
    {
        using var scope = NewDisposeScope();
        foreach (var (name, module, shape) in All())
        {
            using var filled = Filled(module);
            var x = Random(6, shape).requires_grad_();
            Compare(name, [.. module.parameters(), x], () => module.call(x).mul(Random(5, shape)).sum());
        }
        using var cross = Filled(new CrossAttention(width: 4, heads: 2, scale: 0.7, memoryWidth: 6, gain: 2));
        var (asks, seen) = (Random(7, 2, 3, 4).requires_grad_(), Random(8, 2, 5, 6).requires_grad_());
        Compare("cross attention", [.. cross.parameters(), asks, seen], () => cross.call(asks, seen).mul(Random(9, 2, 3, 4)).sum());
    }

    /// <summary>Along a random direction of each leaf, (f(x + h·d) − f(x − h·d))/2h against ∇f·d.</summary>
    private static void Compare(string name, Tensor[] leaves, Func<Tensor> loss)
    {
        const double step = 1e-5;
        loss().backward();
        foreach (var (leaf, i) in leaves.Select((leaf, i) => (leaf, i)))
        {
            Assert.True(leaf.grad is not null, $"{name}: no gradient");
            var direction = Random(20 + i, leaf.shape);
            double Shifted(double h)
            {
                using var mode = no_grad();
                leaf.add_(direction * h);
                double value = loss().item<double>();
                leaf.sub_(direction * h);
                return value;
            }
            double difference = (Shifted(step) - Shifted(-step)) / (2 * step);
            double gradient = leaf.grad!.mul(direction).sum().item<double>();
            Assert.True(Math.Abs(difference - gradient) <= 1e-6 * (1 + Math.Abs(gradient)), $"{name}, leaf {i}: {gradient} against {difference}");
        }
    }

    /// <summary>Row <paramref name="row"/> of the batch's value times the rows first … first + count of a weight, plus the bias.</summary>
    private static double[] Project(Tensor weight, Tensor? bias, Tensor token, int first, int count) =>
        [.. Enumerable.Range(first, count).Select(r => weight[r].dot(token).item<double>() + (bias is null ? 0 : bias[r].item<double>()))];

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Attention_is_its_definition(bool causal, bool rotary)
    {
        using var scope = NewDisposeScope();
        const int length = 5, width = 8, heads = 2, head = 4;
        using var module = Filled(new Attention(width, heads, scale: 0.3, gain: 0.25, causal: causal, rotary: rotary ? new Rotary(channels: 2, wavelengths: 100) : null));
        using var mode = no_grad();
        var x = Random(1, 1, length, width);
        var (qkv, bias) = (module.get_parameter("qkv.weight")!, module.get_parameter("qkv.bias")!);
        var (final, finalBias) = (module.get_parameter("out.weight")!, module.get_parameter("out.bias")!);
        var y = module.call(x);

        // channels 0 and 1 of a head are one pair, turned by the position itself (the first wavelength)
        double[] Turn(double[] v, int position) =>
            rotary
                ? [v[0] * Math.Cos(position) - v[1] * Math.Sin(position), v[0] * Math.Sin(position) + v[1] * Math.Cos(position), v[2], v[3]]
                : v;

        for (int i = 0; i < length; i++)
        {
            var mixed = new List<double>();
            for (int h = 0; h < heads; h++)
            {
                var q = Turn(Project(qkv, bias, x[0, i], h * head, head), i);
                var seen = Enumerable.Range(0, causal ? i + 1 : length).ToArray();
                var weights = seen
                    .Select(j => Math.Exp(0.3 * q.Zip(Turn(Project(qkv, bias, x[0, j], width + h * head, head), j), (a, b) => a * b).Sum()))
                    .ToArray();
                var values = seen.Select(j => Project(qkv, bias, x[0, j], 2 * width + h * head, head)).ToArray();
                mixed.AddRange(Enumerable.Range(0, head).Select(c => seen.Sum(j => weights[j] * values[j][c]) / weights.Sum()));
            }
            var expected = Project(final, finalBias, tensor(mixed.Select(v => 0.25 * v).ToArray(), dtype: float64), 0, width);
            for (int c = 0; c < width; c++)
                Assert.Equal(expected[c], y[0, i, c].item<double>(), 1e-10);
        }
    }

    [Fact]
    public void Cross_attention_of_a_sequence_to_itself_is_attention()
    {
        using var scope = NewDisposeScope();
        using var self = Filled(new Attention(width: 8, heads: 2, scale: 0.3, gain: 0.5));
        using var cross = Filled(new CrossAttention(width: 8, heads: 2, scale: 0.3, memoryWidth: 8, gain: 0.5));
        using var mode = no_grad();
        foreach (var (name, i) in new[] { "q", "k", "v" }.Select((name, i) => (name, i)))
        {
            cross.get_parameter(name + ".weight")!.copy_(self.get_parameter("qkv.weight")!.narrow(0, 8 * i, 8));
            cross.get_parameter(name + ".bias")!.copy_(self.get_parameter("qkv.bias")!.narrow(0, 8 * i, 8));
        }
        cross.get_parameter("out.weight")!.copy_(self.get_parameter("out.weight")!);
        cross.get_parameter("out.bias")!.copy_(self.get_parameter("out.bias")!);
        var x = Random(1, 2, 5, 8);
        Assert.True(cross.call(x, x).sub(self.call(x)).abs().max().item<double>() < 1e-12);
    }

    [Fact]
    public void Probabilities_are_shown_on_request()
    {
        using var scope = NewDisposeScope();
        using var module = Filled(new Attention(width: 8, heads: 2, scale: 1, causal: true));
        Tensor? shown = null;
        module.Probabilities = p => shown = p.detach().clone().MoveToOuterDisposeScope();
        module.call(Random(1, 3, 5, 8));
        Assert.Equal([3, 2, 5, 5], shown!.shape);
        Assert.True(shown.sum(-1).sub(1).abs().max().item<double>() < 1e-12);
        Assert.Equal(0, shown.triu(1).abs().max().item<double>());
    }

    [Fact]
    public void Rotary_turns_and_does_not_stretch()
    {
        using var scope = NewDisposeScope();
        var rotary = new Rotary(channels: 4, wavelengths: 10000);
        var (q, k) = (Random(1, 1, 1, 1, 6).expand(1, 1, 9, 6), Random(2, 1, 1, 1, 6).expand(1, 1, 9, 6));
        var (a, b) = (rotary.Turn(q), rotary.Turn(k));
        Assert.True(a.square().sum(-1).sub(q.square().sum(-1)).abs().max().item<double>() < 1e-12);
        // logits depend on the distance of positions alone
        var logits = a.matmul(b.transpose(-2, -1))[0, 0];
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 8; j++)
                Assert.Equal(logits[i, j].item<double>(), logits[i + 1, j + 1].item<double>(), 1e-10);
        // the last two channels stay
        Assert.True(a.narrow(-1, 4, 2).sub(q.narrow(-1, 4, 2)).abs().max().item<double>() == 0);
    }

    [Fact]
    public void Constant_tables_follow_type_and_length_and_survive_scopes()
    {
        var module = new Attention(width: 4, heads: 1, scale: 1, causal: true, rotary: new Rotary(4, 100)).to(float64);
        foreach (long length in new long[] { 3, 7, 3 })
        {
            using var scope = NewDisposeScope();
            using (inference_mode())
                module.call(Random(1, 1, length, 4));
            module.call(Random(1, 1, length, 4).requires_grad_()).sum().backward();
        }
        using var outer = NewDisposeScope();
        module.to(float32);
        Assert.Equal(float32, module.call(zeros([1, 3, 4], dtype: float32)).dtype);
        Assert.Equal(["qkv.weight", "qkv.bias", "out.weight", "out.bias"], module.state_dict().Keys);
        module.Dispose();
    }

    [Fact]
    public void Sinusoidal_vectors_have_norm_root_of_half_the_width()
    {
        using var scope = NewDisposeScope();
        using var module = new SinusoidalPosition(length: 11, width: 6, wavelengths: 10000);
        var p = module.call(zeros([1, 11, 6], dtype: float64))[0];
        Assert.True(p.square().sum(-1).sub(3).abs().max().item<double>() < 1e-12);
        Assert.Equal(Math.Sin(4), p[4, 0].item<double>(), 1e-12);
        Assert.Equal(Math.Cos(4 * Math.Pow(10000, -2.0 / 6)), p[4, 3].item<double>(), 1e-12);
        Assert.Throws<ArgumentException>(() => module.call(zeros([1, 10, 6])));
    }

    [Fact]
    public void Sorting_pairs_and_softplus_are_their_definitions()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { 1.0, 2, 5, -3, -1, -1 });
        Assert.Equal([2.0, 1, 5, -3, -1, -1], Activations.GroupSort(x.unsqueeze(0)).data<double>().ToArray());
        var y = Activations.Softplus(tensor(new[] { -800.0, -1, 0, 1, 30, 800 }));
        double[] expected = [0, Math.Log(1 + Math.Exp(-1)), Math.Log(2), 1 + Math.Log(1 + Math.Exp(-1)), 30 + Math.Exp(-30), 800];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], y[i].item<double>(), 1e-12);
    }

    /// <summary>By the definition with its two cases, at angles beyond a full turn too, and with the first angle sorted pairs.</summary>
    [Fact]
    public void Pairs_are_mirrored_in_their_line()
    {
        using var scope = NewDisposeScope();
        using var module = new Householder(6);
        module.to(float64);
        var x = Random(9, 2, 5, 6);
        Assert.InRange(module.call(x).sub(Activations.GroupSort(x)).abs().max().item<double>(), 0, 1e-6);
        double[] angles = [0.3, -2, 9];
        using (no_grad())
            module.parameters().Single().copy_(tensor(angles));
        var input = x.requires_grad_(true);
        var y = module.call(input);
        double[] given = [.. x.detach().data<double>()], found = [.. y.detach().data<double>()];
        int mirrored = 0;
        for (int i = 0; i < given.Length; i += 2)
        {
            double angle = angles[i / 2 % 3], a = given[i], b = given[i + 1];
            bool stays = (a * Math.Sin(angle / 2)) - (b * Math.Cos(angle / 2)) > 0;
            Assert.Equal(stays ? a : (Math.Cos(angle) * a) + (Math.Sin(angle) * b), found[i], 1e-12);
            Assert.Equal(stays ? b : (Math.Sin(angle) * a) - (Math.Cos(angle) * b), found[i + 1], 1e-12);
            mirrored += stays ? 0 : 1;
        }
        Assert.InRange(mirrored, 1, (given.Length / 2) - 1);
        // the norm is kept, so its gradient with respect to the angles is 0, and that of the entries is not
        var norms = autograd.grad([y.square().sum()], [module.parameters().Single()], retain_graph: true)[0];
        Assert.InRange(norms.abs().max().item<double>(), 0, 1e-12);
        Assert.True(autograd.grad([y.sum()], [module.parameters().Single()])[0].abs().min().item<double>() > 1e-3);
    }

    [Fact]
    public void A_branch_is_weighted_always_and_left_out_in_training_only()
    {
        using var scope = NewDisposeScope();
        using var module = new Branch(alphas: 2, clamp: 0.5, dropPath: 0.75).to(float64);
        using var mode = no_grad();
        module.get_parameter("alpha")!.copy_(tensor(new[] { 0.25, -3.0 }));
        var y = ones([400, 3, 2], dtype: float64);
        module.eval();
        Assert.Equal([0.25, -0.5], module.call(y)[0, 0].data<double>().ToArray());
        module.train();
        var dropped = module.call(y);
        // a sample is kept whole, times 4, or not at all
        var first = dropped.select(2, 0);
        Assert.True(first.sub(first.select(1, 0).unsqueeze(1)).abs().max().item<double>() == 0);
        Assert.Equal([0.0, 1.0], first.select(1, 0).unique().output.data<double>().ToArray());
        Assert.InRange(first.mean().item<double>(), 0.15, 0.35);
    }

    [Fact]
    public void A_dropped_layer_is_left_out_for_all_samples_in_training_only()
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        using var module = new Branch(layerDrop: 0.5);
        using var mode = no_grad();
        var y = randn([3, 2, 4]);
        var seen = Enumerable.Range(0, 40).Select(_ => module.call(y)).Select(z => z.eq(y).all().item<bool>() ? "kept" : z.eq(0).all().item<bool>() ? "left out" : "else").ToList();
        Assert.Equal(["kept", "left out"], seen.Distinct().Order());
        module.eval();
        Assert.True(module.call(y).eq(y).all().item<bool>());
    }

    [Fact]
    public void Tied_rows_are_an_embedding()
    {
        using var scope = NewDisposeScope();
        var table = Random(1, 7, 3).requires_grad_();
        var ids = tensor(new long[,] { { 6, 0 }, { 3, 3 } });
        var rows = Tied.Rows(ids, table);
        Assert.Equal([2, 2, 3], rows.shape);
        Assert.True(rows[0, 0].sub(table[6]).abs().max().item<double>() == 0);
        rows.sum().backward();
        Assert.Equal(2, table.grad![3, 1].item<double>());
    }
}
