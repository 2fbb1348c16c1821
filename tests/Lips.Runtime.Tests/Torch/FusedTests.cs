using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Lips.Runtime.Tests.Torch;

/// <summary>What is computed in one pass, against the operators it stands for: values, gradients and, where there are any, second derivatives.</summary>
public sealed class FusedTests
{
    private static Tensor Random(long seed, ScalarType type, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, dtype: float64, generator: generator).to(type);
    }

    private static void Same(Tensor expected, Tensor found, double tolerance, string what)
    {
        Assert.Equal(expected.shape, found.shape);
        double error = (expected.to(float64) - found.to(float64)).abs().max().item<double>();
        double size = expected.to(float64).abs().max().item<double>();
        Assert.True(error <= tolerance * Math.Max(1, size), $"{what}: off by {error} of {size}");
    }

    private static bool HasOpenBlas => TorchExtras.IsSupported && TorchExtras.BlasName.Contains("OpenBLAS", StringComparison.Ordinal);

    // ---- attention ---------------------------------------------------------------------------------------------------------

    private sealed record Case(long Batch, long Length, long Heads, long Width, bool Causal, long Turned)
    {
        public Tensor Input(ScalarType type) => Random(Length + 7 * Heads, type, Batch, Length, 3 * Heads * Width).requires_grad_();

        public (Tensor Cosine, Tensor Sine)? Tables(ScalarType type) =>
            Turned == 0 ? null : new Rotary(Turned, 100).Tables(Length, zeros([1], type));

        public Tensor? Fused(Tensor qkv) => TorchExtras.Attention(qkv, Tables(qkv.dtype)?.Cosine, Tables(qkv.dtype)?.Sine, Heads, 0.3, Causal);

        public Tensor Composed(Tensor qkv)
        {
            Tensor Part(int i) => qkv.narrow(-1, i * Heads * Width, Heads * Width).reshape(Batch, Length, Heads, Width).permute(0, 2, 1, 3);
            var (q, k) = (Part(0), Part(1));
            if (Turned > 0)
                (q, k) = (new Rotary(Turned, 100).Turn(q), new Rotary(Turned, 100).Turn(k));
            var logits = q.mul(0.3).matmul(k.transpose(-2, -1));
            if (Causal)
                logits = logits.masked_fill(ones([Length, Length], ScalarType.Bool).triu(1), double.NegativeInfinity);
            return logits.softmax(-1).matmul(Part(2)).permute(0, 2, 1, 3).reshape(Batch, Length, Heads * Width);
        }
    }

    private static readonly Dictionary<string, Case> Cases = new()
    {
        ["one token"] = new(2, 1, 2, 3, true, 0),
        ["all see all"] = new(2, 37, 3, 5, false, 0),
        ["causal"] = new(2, 37, 3, 5, true, 0),
        ["a block exactly"] = new(1, 64, 2, 8, true, 0),
        ["one more than a block"] = new(1, 65, 2, 8, true, 0),
        ["three blocks, turned"] = new(2, 150, 2, 8, true, 8),
        ["some channels turned"] = new(1, 70, 1, 7, true, 4),
        ["turned, all see all"] = new(2, 66, 2, 6, false, 6),
    };

    public static TheoryData<string, ScalarType> Attentions =>
        new(Cases.Keys.SelectMany(name => new[] { ScalarType.Float32, ScalarType.Float64 }.Select(type => (name, type))));

    [Theory]
    [MemberData(nameof(Attentions))]
    public void Attention_is_its_composed_form(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var one = Cases[name];
        double tolerance = type == ScalarType.Float64 ? 1e-12 : 1e-5;
        var (a, b) = (one.Input(type), one.Input(type));
        var weights = Random(5, type, one.Batch, one.Length, one.Heads * one.Width);
        var (expected, found) = (one.Composed(a), one.Fused(b));
        Assert.Equal(HasOpenBlas, found is not null);
        found ??= one.Composed(b);
        Same(expected, found, tolerance, "value");
        Same(autograd.grad([(expected * weights).sum()], [a])[0], autograd.grad([(found * weights).sum()], [b])[0], tolerance, "gradient");
    }

    [Theory]
    [InlineData("causal")]
    [InlineData("some channels turned")]
    [InlineData("turned, all see all")]
    public void Attention_has_second_derivatives(string name)
    {
        using var scope = NewDisposeScope();
        var one = Cases[name];
        var weights = Random(5, ScalarType.Float64, one.Batch, one.Length, one.Heads * one.Width);
        var direction = Random(6, ScalarType.Float64, one.Batch, one.Length, 3 * one.Heads * one.Width);
        Tensor Second(Func<Tensor, Tensor> attention)
        {
            var x = one.Input(ScalarType.Float64);
            var slope = autograd.grad([(attention(x) * weights).sum()], [x], create_graph: true)[0];
            return autograd.grad([(slope * direction).sum()], [x])[0];
        }
        Same(Second(one.Composed), Second(x => one.Fused(x) ?? one.Composed(x)), 1e-11, "second derivative");
    }

    [Fact]
    public void Attention_passes_on_what_is_no_number()
    {
        using var scope = NewDisposeScope();
        var one = Cases["causal"];
        var x = Random(1, ScalarType.Float32, 1, one.Length, 3 * one.Heads * one.Width);
        x[0, 20, 0] = float.NaN;
        var found = (one with { Batch = 1 }).Fused(x) ?? (one with { Batch = 1 }).Composed(x);
        Assert.True(found[0, 20, 0].isnan().item<bool>());
        Assert.False(found[0, 19].isnan().any().item<bool>());
    }

    [Fact]
    public void A_watched_attention_gives_the_same_values()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var module = new Attention(width: 12, heads: 2, scale: 0.4, gain: 0.7, causal: true, rotary: new Rotary(4, 50));
        var x = Random(4, ScalarType.Float32, 2, 9, 12);
        var plain = module.call(x);
        Tensor? watched = null;
        module.Probabilities = p => watched = p.sum(-1).DetachFromDisposeScope();
        Same(module.call(x), plain, 1e-6, "value");
        Assert.Equal([2, 2, 9], watched!.shape);
        watched.Dispose();
    }

    // ---- linear ------------------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_scaled_layer_is_its_composed_form(bool gelu, bool bias)
    {
        using var scope = NewDisposeScope();
        using var layer = nn.Linear(6, 5, hasBias: bias).to(float64);
        var direction = Random(9, ScalarType.Float64, 3, 4, 6);
        Tensor[] All(Func<Tensor, Tensor> apply)
        {
            var x = Random(8, ScalarType.Float64, 3, 4, 6).requires_grad_();
            var value = apply(gelu ? x.gelu() : x * 2);
            Tensor[] inputs = bias ? [x, layer.weight, layer.bias!] : [x, layer.weight];
            var loss = value.pow(3).sum();
            var first = autograd.grad([loss], inputs, retain_graph: true);
            var slope = autograd.grad([loss], [x], create_graph: true)[0];
            return [value, .. first, .. autograd.grad([(slope * direction).sum()], [x, layer.weight])];
        }
        var (expected, found) = (All(h => layer.call(h * 0.7)), All(h => Scaled.Call(layer, h, 0.7)));
        for (int i = 0; i < expected.Length; i++)
            Same(expected[i], found[i], 1e-12, $"tensor {i}");
    }

    /// <summary>Autograd's own zeros have no memory; the second derivative of |x| is made of them.</summary>
    /// <summary>One row's bias, expanded to it, has the layout of the result; it must not become it.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 1)]
    public void A_layer_leaves_its_bias_alone(long batch, long length)
    {
        using var scope = NewDisposeScope();
        using var layer = nn.Linear(6, 5).to(float64);
        var before = layer.bias!.detach().clone();
        var x = Random(3, float64, batch, length, 6);
        var first = layer.call(x);
        Same(first, layer.call(x), 0, "a second call");
        Same(before, layer.bias!.detach(), 0, "the bias");
        Same(x.matmul(layer.weight.t()) + before, first, 1e-14, "the value");
        var row = Random(4, float64, 1, 6);
        Same(row.matmul(layer.weight.t()) + before, layer.call(row), 1e-14, "a value of one row");
        Same(before, layer.bias!.detach(), 0, "the bias after one row");
    }

    [Fact]
    public void A_gradient_of_zeros_without_memory_passes()
    {
        using var scope = NewDisposeScope();
        using var layer = nn.Linear(6, 6, hasBias: false).to(float64);
        Tensor Second(Func<Tensor, Tensor> apply)
        {
            var x = Random(8, ScalarType.Float64, 3, 6).requires_grad_();
            var slope = autograd.grad([apply(apply(x).abs()).sum()], [x], create_graph: true)[0];
            return autograd.grad([slope.square().sum()], [layer.weight])[0];
        }
        Same(Second(h => h.matmul(layer.weight.t())), Second(layer.call), 1e-12, "second derivative");
    }

    [Fact]
    public void Hooks_of_a_scaled_layer_run()
    {
        using var scope = NewDisposeScope();
        using var layer = nn.Linear(3, 3);
        int calls = 0;
        var hook = layer.register_forward_hook((_, _, y) => { calls++; return y; });
        Scaled.Call(layer, ones(2, 3), 0.5);
        hook.remove();
        Scaled.Call(layer, ones(2, 3), 0.5);
        Assert.Equal(1, calls);
    }

    /// <summary>Where a product takes no factor, it is the smaller one's of layer and values.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(50)]
    public void A_factor_of_another_type_is_the_weights_or_the_values(long tokens)
    {
        if (!TorchExtras.IsSupported) return;
        using var scope = NewDisposeScope();
        using var layer = nn.Linear(6, 5);
        // no power of two, and not representable: the other order rounds elsewhere
        const double Gain = 0.7;
        Tensor[] All(Func<Tensor, Tensor> apply)
        {
            var x = Random(8, ScalarType.Float32, 1, tokens, 6).requires_grad_();
            Tensor value;
            using (new Autocast(DeviceType.CPU, ScalarType.BFloat16))
                value = apply(x);
            return [value.detach(), .. autograd.grad([value.to(float32).pow(2).sum()], [x, layer.weight, layer.bias!])];
        }
        var (expected, found) = (All(h => tokens > 5 ? F.linear(h, layer.weight * Gain, layer.bias) : layer.call(h * Gain)), All(h => Scaled.Call(layer, h, Gain)));
        for (int i = 0; i < expected.Length; i++)
            Same(expected[i], found[i], 0, $"tensor {i}");
    }

    [Fact]
    public void A_mixed_residual_is_its_composed_form()
    {
        using var scope = NewDisposeScope();
        Tensor[] All(Func<Tensor, Tensor, Tensor> mix)
        {
            var (x, y) = (Random(1, ScalarType.Float64, 3, 7).requires_grad_(), Random(2, ScalarType.Float64, 3, 7).requires_grad_());
            var slope = autograd.grad([mix(x, y).pow(3).sum()], [x, y], create_graph: true);
            return [.. slope, .. autograd.grad([slope[0].square().sum() + slope[1].sum()], [x, y])];
        }
        foreach (var (wanted, found) in All((x, y) => x * (5.0 / 6) + y * (1.0 / 6)).Zip(All((x, y) => Residual.Mix(x, 5.0 / 6, y, 1.0 / 6))))
            Same(wanted, found, 1e-14, "value or gradient");
        // what only a device has otherwise: another layout, with factors of sum 1 (or not) and of two types
        foreach (var (wanted, found) in All((x, y) => x * (5.0 / 6) + y * (1.0 / 6)).Zip(All((x, y) => Residual.Mix(x.t(), 5.0 / 6, y.t(), 1.0 / 6).t())))
            Same(wanted, found, 1e-14, "value or gradient of another layout");
        foreach (var (wanted, found) in All((x, y) => x * 0.9 + y * 2).Zip(All((x, y) => Residual.Mix(x.t(), 0.9, y.t(), 2).t())))
            Same(wanted, found, 1e-14, "value or gradient of factors that do not sum to 1");
        var (wide, narrow) = (Random(1, ScalarType.Float32, 3, 7), Random(2, ScalarType.BFloat16, 3, 7));
        Same(wide * 0.75f + narrow.to(float32) * 0.25f, Residual.Mix(wide, 0.75, narrow, 0.25), 1e-2, "value of two types");
        Assert.Equal(float32, Residual.Mix(wide, 0.75, narrow, 0.25).dtype);
        Same(ones(2, 3) * 3, Residual.Mix(ones(3, 2).t(), 1, ones(2, 3), 2), 0, "value");
    }

    // ---- cross-entropy -----------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float64, 1e-13)]
    public void Consumed_logits_give_the_loss_and_the_gradients(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var target = tensor(new long[] { 3, Batch.Ignored, 0, 16, 5, 5 });
        var objective = new Objective.NextToken(null, 0);
        Tensor[] All(Func<Objective, Tensor, Batch, Tensor> mean, double factor)
        {
            var x = Random(8, type, 2, 3, 4).requires_grad_();
            var weight = Random(9, type, 17, 4).requires_grad_();
            var loss = mean(objective, F.linear(x, weight), new Batch(x, target.reshape(2, 3))) * factor;
            return [loss.detach(), .. autograd.grad([loss], [x, weight])];
        }
        foreach (double factor in new[] { 1.0, 0.25, 0 })
        {
            var (expected, found) = (All(Losses.Mean, factor), All(Losses.Consuming, factor));
            for (int i = 0; i < expected.Length; i++)
                Same(expected[i], found[i], tolerance, $"tensor {i} at {factor}");
        }
    }

    [Fact]
    public void Logits_that_others_may_read_are_not_written_over()
    {
        using var scope = NewDisposeScope();
        var target = tensor(new long[] { 1, 2 });
        var leaf = Random(8, ScalarType.Float32, 2, 3).requires_grad_();
        var kept = leaf.detach().clone();
        Losses.Consuming(new Objective.CrossEntropy(0), leaf, new Batch(leaf, target)).backward();
        Same(kept, leaf.detach(), 0, "a leaf");
        // softmax keeps its value for its own backward pass
        var inputs = Random(9, ScalarType.Float32, 2, 3);
        Tensor Slope(Func<Objective, Tensor, Batch, Tensor> mean)
        {
            var x = inputs.clone().requires_grad_();
            return autograd.grad([mean(new Objective.CrossEntropy(0), x.softmax(-1), new Batch(x, target))], [x])[0];
        }
        Same(Slope(Losses.Mean), Slope(Losses.Consuming), 1e-6, "gradient");
    }

    [Fact]
    public void A_target_beyond_the_classes_is_refused()
    {
        using var scope = NewDisposeScope();
        var x = Random(8, ScalarType.Float32, 2, 3).requires_grad_();
        Assert.ThrowsAny<Exception>(() => Losses.Consuming(new Objective.CrossEntropy(0), x * 1, new Batch(x, tensor(new long[] { 1, 3 }))));
    }

    // ---- AdamW -------------------------------------------------------------------------------------------------------------

    [Fact]
    public void One_pass_of_AdamW_is_its_formula()
    {
        using var scope = NewDisposeScope();
        var (value, slope, first, second) = (Random(1, ScalarType.Float64, 5, 40), Random(2, ScalarType.Float64, 5, 40), Random(3, ScalarType.Float64, 5, 40), Random(4, ScalarType.Float64, 5, 40).square());
        var m = first * 0.9 + slope * (1 - 0.9);
        var v = second * 0.95 + slope.square() * (1 - 0.95);
        var expected = value * 0.99 - m / (v.sqrt() * 1.3 + 1e-3) * 0.02;
        if (!TorchExtras.AdamW([value], [slope], [first], [second], 0.99, 0.9, 0.95, 1.3, 1e-3, 0.02))
            Assert.False(TorchExtras.IsSupported);
        else
            foreach (var (wanted, found) in new[] { (expected, value), (m, first), (v, second) })
                Same(wanted, found, 1e-14, "state");
    }

    [Fact]
    public void Tensors_of_different_layout_are_left_to_the_operators()
    {
        using var scope = NewDisposeScope();
        var (value, slope, zero) = (ones([3, 4]), ones([4, 3]).t(), zeros([3, 4]));
        Assert.False(TorchExtras.AdamW([value], [slope], [zero], [zero.clone()], 0.9, 0.9, 0.95, 1, 1e-8, 0.1));
        Same(ones([3, 4]), value, 0, "value");
        Same(zeros([3, 4]), zero, 0, "moment");
    }
}
