using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Modules;

public class GridModuleTests
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

    /// <summary>An instance of every module here with an input it takes.</summary>
    private static IEnumerable<(string Name, nn.Module<Tensor, Tensor> Module, long[] Input, long[] Output)> All()
    {
        foreach (var mode in Enum.GetValues<PaddingModes>().Where(m => m != PaddingModes.Constant))
        {
            yield return ($"conv2d {mode}", new Convolution(4, 6, [3, 2], [2, 1], [1, 2], mode, [1, 2], 2, true), [2, 5, 6, 4], [2, 3, 8, 6]);
            yield return ($"conv1d {mode}", new Convolution(3, 2, [3], [1], [2], mode, [2], 1, false), [2, 7, 3], [2, 7, 2]);
        }
        yield return ("patchify", new Patchify(2, 3, 5, true), [2, 4, 6, 3], [2, 2, 3, 5]);
        foreach (var norm in Enum.GetValues<MergingNorm>())
            yield return ($"patch_merging {norm}", new PatchMerging(3, 5, norm, 0.01), [2, 4, 6, 3], [2, 2, 3, 5]);
        yield return ("rms_norm", new RmsNorm(5, 0.01, true), [2, 3, 5], [2, 3, 5]);
        yield return ("deviation_norm", new DeviationNorm(5, 0.1, true, true), [2, 3, 5], [2, 3, 5]);
        yield return ("center_norm", new CenterNorm(5, true, true), [2, 3, 5], [2, 3, 5]);
        yield return ("dyt", new DyT(5, true, true), [2, 3, 5], [2, 3, 5]);
        yield return ("batch_norm", new BatchNorm(5, 0.01, 0.1, true, true), [2, 3, 4, 5], [2, 3, 4, 5]);
        yield return ("standardize", new Standardize([0.5, 0.25, 0.1], [0.2, 0.3, 0.4]), [2, 3, 3], [2, 3, 3]);
        yield return ("max_pool", new MaxPool([3, 2], [2, 2], [1, 0]), [2, 5, 6, 3], [2, 3, 3, 3]);
        yield return ("avg_pool", new AveragePool([3, 2], [2, 2], [1, 0], true), [2, 5, 6, 3], [2, 3, 3, 3]);
        yield return ("avg_pool without padding counted", new AveragePool([3], [1], [1], false), [2, 5, 3], [2, 5, 3]);
        yield return ("attention pool", new AttentionPool(4), [2, 2, 3, 4], [2, 4]);
        yield return ("class_token", new ClassToken(4), [2, 2, 3, 4], [2, 7, 4]);
    }

    [Fact]
    public void Every_module_gives_the_shape_it_promises_on_the_meta_device()
    {
        using var scope = NewDisposeScope();
        foreach (var (name, module, input, output) in All())
        {
            using (module)
            {
                module.to(META);
                foreach (bool training in new[] { true, false })
                {
                    module.train(training);
                    var y = module.call(empty(input, device: META));
                    Assert.True(y.device.type == DeviceType.META && output.SequenceEqual(y.shape), $"{name}: {string.Join(", ", y.shape)} on {y.device}");
                }
            }
        }
    }

    [Fact]
    public void Gradients_agree_with_differences()
    {
        using var scope = NewDisposeScope();
        foreach (var (name, module, input, output) in All())
        {
            using var filled = Filled(module);
            var weights = Random(5, output);
            var x = Random(6, input).requires_grad_();
            foreach (bool training in new[] { true, false })
            {
                module.train(training);
                module.zero_grad();
                x.grad = null;
                Tensor Loss() => module.call(x).mul(weights).sum();
                Loss().backward();
                foreach (var leaf in module.parameters().Append<Tensor>(x).ToList())
                    Compare(name, leaf, Loss);
            }
        }
    }

    /// <summary>Along three random directions, (f(x + h·d) − f(x − h·d))/2h against ∇f·d.</summary>
    private static void Compare(string name, Tensor leaf, Func<Tensor> loss)
    {
        const double step = 1e-5;
        Assert.True(leaf.grad is not null, $"{name}: no gradient");
        for (int i = 0; i < 3; i++)
        {
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
            Assert.True(Math.Abs(difference - gradient) <= 1e-6 * (1 + Math.Abs(gradient)), $"{name}: {gradient} against {difference}");
        }
    }

    private static int Copy(int q, int n, PaddingModes mode) => mode switch
    {
        _ when q >= 0 && q < n => q,
        PaddingModes.Circular => (q % n + n) % n,
        PaddingModes.Reflect => q < 0 ? -q : 2 * (n - 1) - q,
        PaddingModes.Replicate => q < 0 ? 0 : n - 1,
        _ => -1,
    };

    [Theory]
    [InlineData(PaddingModes.Zeros)]
    [InlineData(PaddingModes.Circular)]
    [InlineData(PaddingModes.Reflect)]
    [InlineData(PaddingModes.Replicate)]
    public void A_convolution_is_its_definition(PaddingModes mode)
    {
        using var scope = NewDisposeScope();
        using var module = Filled(new Convolution(4, 6, [3, 2], [2, 1], [1, 2], mode, [1, 2], 2, true));
        var (x, w, b) = (Random(1, 2, 5, 6, 4), module.get_parameter("weight")!.detach(), module.get_parameter("bias")!.detach());
        var y = module.call(x);
        foreach (var (i, o, p, c) in from i in Enumerable.Range(0, 2) from o in Enumerable.Range(0, 3) from p in Enumerable.Range(0, 8) from c in Enumerable.Range(0, 6) select (i, o, p, c))
        {
            double sum = b[c].item<double>();
            for (int t = 0; t < 3; t++)
                for (int u = 0; u < 2; u++)
                {
                    int row = Copy(o * 2 + t - 1, 5, mode), column = Copy(p + 2 * u - 2, 6, mode);
                    if (row < 0 || column < 0)
                        continue;
                    for (int d = 0; d < 2; d++)
                        sum += w[c, d, t, u].item<double>() * x[i, row, column, c / 3 * 2 + d].item<double>();
                }
            Assert.Equal(sum, y[i, o, p, c].item<double>(), 10);
        }
    }

    [Fact]
    public void A_patch_is_a_convolution_whose_stride_is_its_kernel()
    {
        using var scope = NewDisposeScope();
        using var patches = Filled(new Patchify(2, 3, 5, true));
        using var convolution = Filled(new Convolution(3, 5, [2, 2], [2, 2], [0, 0], PaddingModes.Zeros, [1, 1], 1, true));
        var x = Random(1, 2, 4, 6, 3);
        Assert.True(patches.call(x).allclose(convolution.call(x)));
    }

    [Fact]
    public void Merging_gathers_rows_first()
    {
        using var scope = NewDisposeScope();
        using var module = new PatchMerging(1, 4, MergingNorm.None, 0);
        using (no_grad())
            module.get_parameter("reduction.weight")!.copy_(eye(4));
        var x = arange(8, dtype: float32).reshape(1, 2, 4, 1);          // rows 0 1 2 3 / 4 5 6 7
        Assert.Equal([0f, 4, 1, 5, 2, 6, 3, 7], module.call(x).flatten().data<float>().ToArray());
    }

    [Fact]
    public void Norms_are_their_formulas()
    {
        using var scope = NewDisposeScope();
        var x = Random(1, 2, 3, 5);
        using var rms = new RmsNorm(5, 0.01, false).to(float64);
        Assert.True(rms.call(x).allclose(x / (x * x).mean([-1], true).add(0.01).sqrt()));
        using var deviation = new DeviationNorm(5, 0.1, false, false).to(float64);
        Assert.True(deviation.call(x).allclose((x - x.mean([-1], true)) / (x.var([-1], unbiased: false, keepdim: true).sqrt() + 0.1)));
        // a token of equal entries has a slope: 10·(I − 11ᵀ/5)
        using var flatToken = ones(1, 5, dtype: float64).requires_grad_(true);
        var slope = autograd.grad([deviation.call(flatToken).narrow(1, 0, 1).sum()], [flatToken])[0];
        Assert.True(slope.allclose(tensor([8.0, -2, -2, -2, -2]).view(1, 5)));
        using var centre = new CenterNorm(5, false, false).to(float64);
        var y = centre.call(x);
        Assert.True(y.allclose((x - x.mean([-1], true)) * 1.25));
        using var batch = new BatchNorm(5, 0.01, 0.25, false, false).to(float64);
        var flat = x.reshape(6, 5);
        var trained = batch.call(x);
        Assert.True(trained.allclose((x - flat.mean([0])) / flat.var([0], unbiased: false).add(0.01).sqrt()));
        Assert.True(batch.get_buffer("running_mean")!.allclose(flat.mean([0]) * 0.25));
        Assert.True(batch.get_buffer("running_var")!.allclose(flat.var([0], unbiased: true) * 0.25 + 0.75));
        batch.eval();
        var (mean, variance) = (batch.get_buffer("running_mean")!, batch.get_buffer("running_var")!);
        Assert.True(batch.call(x).allclose((x - mean) / (variance + 0.01).sqrt()));
        Assert.True(mean.allclose(flat.mean([0]) * 0.25));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_batch_norm_in_one_operator_is_the_composed_one(bool affine)
    {
        using var scope = NewDisposeScope();
        var (x, weights) = (Random(1, 2, 3, 4, 5).requires_grad_(), Random(2, 2, 3, 4, 5));
        List<Tensor> All(Func<BatchNorm, Tensor, Tensor> call)
        {
            using var module = new BatchNorm(5, 0.01, 0.25, affine, affine).to(float64);
            using (no_grad())
                foreach (var (index, parameter) in module.parameters().Index())
                    parameter.copy_(Random(3 + index, 5));
            var leaves = module.parameters().Prepend(x).ToList();
            var trained = call(module, x);
            var slopes = autograd.grad([trained.mul(weights).sum()], leaves);
            module.eval();
            var evaluated = call(module, x);
            return [trained, evaluated, module.get_buffer("running_mean")!.clone(), module.get_buffer("running_var")!.clone(), .. slopes, .. autograd.grad([evaluated.mul(weights).sum()], leaves)];
        }
        foreach (var (index, (expected, found)) in All((m, v) => m.call(v)).Zip(All((m, v) => m.InOneOperator(v))).Index())
            Assert.True(found.allclose(expected, 1e-10, 1e-12), $"tensor {index}");
    }

    [Fact]
    public void Pools_are_their_definitions()
    {
        using var scope = NewDisposeScope();
        var x = Random(1, 1, 5, 1);
        double[] v = x.flatten().data<double>().ToArray();
        double[] Of(nn.Module<Tensor, Tensor> m) => m.call(x).flatten().data<double>().ToArray();
        Assert.Equal([Math.Max(v[0], v[1]), v[1..4].Max(), Math.Max(v[3], v[4])], Of(new MaxPool([3], [2], [1])));
        double[] counted = [(v[0] + v[1]) / 3, v[1..4].Average(), (v[3] + v[4]) / 3];
        double[] present = [(v[0] + v[1]) / 2, v[1..4].Average(), (v[3] + v[4]) / 2];
        Assert.All(Of(new AveragePool([3], [2], [1], true)).Zip(counted), p => Assert.Equal(p.Second, p.First, 12));
        Assert.All(Of(new AveragePool([3], [2], [1], false)).Zip(present), p => Assert.Equal(p.Second, p.First, 12));
        using var attention = Filled(new AttentionPool(1));
        double q = attention.get_parameter("query")!.item<double>();
        double[] e = v.Select(t => Math.Exp(q * t)).ToArray();
        Assert.Equal(v.Zip(e, (a, b) => a * b).Sum() / e.Sum(), Of(attention).Single(), 12);
        using var token = Filled(new ClassToken(1));
        Assert.Equal([token.get_parameter("token")!.item<double>(), .. v], Of(token));
    }
}
