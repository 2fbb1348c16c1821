using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using Lips.Runtime.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Modules;

/// <summary>What a device's attention in one operator is given, where it may be used and where not; queries and keys that are turned in one tensor.</summary>
public sealed class FusedHeadsTests
{
    private static Tensor Random(long seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, dtype: float64, generator: generator);
    }

    private static void Same(Tensor expected, Tensor found, string what)
    {
        Assert.Equal(expected.shape, found.shape);
        double error = (expected - found).abs().max().item<double>(), size = 1 + expected.abs().max().item<double>();
        Assert.True(error <= 1e-12 * size, $"{what}: off by {error}");
    }

    private static readonly Dictionary<string, Func<Attention>> Modules = new()
    {
        ["cosine, causal, turned"] = () => new(8, 2, 0.7, causal: true, rotary: new Rotary(4, 50), similarity: new Cosine(1e-3, nu: 1.5)),
        ["norms, sliding, turned in part"] = () => new(8, 2, 0.7, sliding: 2, rotary: new Rotary(2, 50), similarity: new QkNorm(4, 1e-5)),
        ["turned, shared heads"] = () => new(16, 4, 0.7, keyHeads: 2, causal: true, rotary: new Rotary(4, 50)),
        ["padding, causal"] = () => new(8, 2, 0.7, causal: true, tokenMask: TokenMask.Padding(0)),
        ["documents"] = () => new(8, 2, 0.7, tokenMask: TokenMask.Document(1)),
        ["documents, sliding, causal"] = () => new(8, 2, 0.7, causal: true, sliding: 3, tokenMask: TokenMask.Document(1)),
        ["windows, norms"] = () => new(8, 2, 0.7, windows: [new(1, 3, 1)], relativeBias: true, similarity: new QkNorm(4, 1e-5, centre: true)),
        ["windows that look back"] = () => new(8, 2, 0.7, causal: true, sliding: 2, windows: [new(1, 3, 1)]),
    };

    public static TheoryData<string> Names => [.. Modules.Keys];

    private static Attention Make(string name)
    {
        manual_seed(4);
        var module = Modules[name]();
        module.to(float64);
        using var noGrad = no_grad();
        foreach (var (index, parameter) in module.parameters().Index())
            parameter.copy_(Random(10 + index, parameter.shape));
        return module;
    }

    private static Tensor Call(Attention module, string name, Tensor x)
    {
        var tokens = tensor(new long[] { 2, 0, 3, 1, 5, 0, 1, 1, 4, 2, 0, 2 }).reshape(2, 6);
        return name.Contains("padding", StringComparison.Ordinal) || name.Contains("documents", StringComparison.Ordinal) ? module.call(x, tokens) : module.call(x);
    }

    /// <summary>The value at a drawn input, and the gradients of a drawn combination of its entries.</summary>
    private static (Tensor X, List<Tensor> All) Pass(Attention module, string name)
    {
        long width = module.named_parameters().First(p => p.name == "out.weight").parameter.shape[0];
        var (x, weights) = (Random(1, 2, 6, width).requires_grad_(), Random(2, 2, 6, width));
        var value = Call(module, name, x);
        return (x, [value, .. autograd.grad([value.mul(weights).sum()], [x, .. module.parameters()])]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_and_gradients_are_those_of_the_composed_form(string name)
    {
        using var scope = NewDisposeScope();
        using var module = Make(name);
        var (x, composed) = Pass(module, name);
        var device = new WrittenAttention();
        module.Fused = device;
        foreach (var (index, (expected, found)) in composed.Zip(Pass(module, name).All).Index())
            Same(expected, found, $"{name}, tensor {index}");
        Assert.Equal(1, device.Calls);
        // whoever reads probabilities, or wants derivatives of a model that is not trained, has the composed form
        module.Probabilities = _ => { };
        Pass(module, name);
        module.Probabilities = null;
        module.eval();
        Pass(module, name);
        Assert.Equal(1, device.Calls);
        using (no_grad())
            Same(composed[0], Call(module, name, x), name);
        Assert.Equal(2, device.Calls);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_operator_of_libtorch_computes_the_composed_form_where_it_is_there(string name)
    {
        using var scope = NewDisposeScope();
        // before 2.1 there is none, and no device is asked for it
        Assert.Equal(TorchExtras.HasDotProductAttention, TorchExtras.FusesAttention(device(DeviceType.CUDA)));
        using var module = Make(name);
        var (_, composed) = Pass(module, name);
        if (TorchExtras.HasDotProductAttention)
            module.Fused = new LibtorchAttention();
        foreach (var (index, (expected, found)) in composed.Zip(Pass(module, name).All).Index())
            Same(expected, found, $"{name}, tensor {index}");
    }

    [Fact]
    public void Another_similarity_than_softmax_of_products_is_composed()
    {
        using var scope = NewDisposeScope();
        Similarity[] others = [new Distance(), new SigmoidWeights(-1), new ReluWeights(4), new LinearWeights(4)];
        foreach (var similarity in others)
        {
            var device = new WrittenAttention();
            using var module = new Attention(8, 2, 0.7, causal: true, similarity: similarity) { Fused = device };
            module.call(ones(1, 3, 8));
            Assert.Equal(0, device.Calls);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_memory_is_attended_in_one_operator(bool padded)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var module = new CrossAttention(8, 2, 0.7, memoryWidth: 6, gain: 0.4, similarity: new QkNorm(4, 1e-5), tokenMask: padded ? TokenMask.Padding(0) : null).to(float64);
        var (x, memory, weights) = (Random(1, 2, 3, 8).requires_grad_(), Random(2, 2, 5, 6).requires_grad_(), Random(3, 2, 3, 8));
        var tokens = tensor(new long[] { 1, 0, 2, 0, 0, 0, 0, 0, 0, 0 }).reshape(2, 5);
        List<Tensor> All()
        {
            var value = padded ? module.call(x, memory, tokens) : module.call(x, memory);
            return [value, .. autograd.grad([value.mul(weights).sum()], [x, memory, .. module.parameters()])];
        }
        var composed = All();
        var device = new WrittenAttention();
        module.Fused = device;
        foreach (var (expected, found) in composed.Zip(All()))
            Same(expected, found, "value or gradient");
        Assert.Equal(1, device.Calls);
    }

    // ---- queries and keys, turned ------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(3, 3, 4)]
    [InlineData(4, 2, 4)]
    [InlineData(2, 1, 2)]
    public void Turned_heads_are_those_of_slices(long heads, long keyHeads, long channels)
    {
        if (!TorchExtras.IsSupported) return;
        using var scope = NewDisposeScope();
        var rotary = new Rotary(channels, 50);
        const long Length = 7, Width = 4;
        (Tensor, Tensor, Tensor) Sliced(Tensor all)
        {
            Tensor Part(long first, long count) => all.narrow(2, first * Width, count * Width).reshape(2, Length, count, Width);
            Tensor Turned(Tensor part) => rotary.Turn(part.permute(0, 2, 1, 3)).permute(0, 2, 1, 3);
            return (Turned(Part(0, heads)), Turned(Part(heads, keyHeads)), Part(heads + keyHeads, keyHeads));
        }
        (Tensor, Tensor, Tensor) Once(Tensor all)
        {
            var (cosine, sine) = rotary.Tables(Length, all);
            return TorchExtras.TurnedHeads(all, cosine, sine, heads, keyHeads)!.Value;
        }
        var (a, b, c) = (Random(1, 2, Length, heads, Width), Random(2, 2, Length, keyHeads, Width), Random(3, 2, Length, keyHeads, Width));
        var direction = Random(4, 2, Length, (heads + (2 * keyHeads)) * Width);
        List<Tensor> All(Func<Tensor, (Tensor, Tensor, Tensor)> parts)
        {
            var x = Random(9, 2, Length, (heads + (2 * keyHeads)) * Width).requires_grad_();
            var (q, k, v) = parts(x);
            var loss = q.pow(3).mul(a).sum() + k.pow(3).mul(b).sum() + v.pow(3).mul(c).sum();
            var first = autograd.grad([loss], [x], retain_graph: true)[0];
            var slope = autograd.grad([loss], [x], create_graph: true)[0];
            // keys and values do not reach this one
            var (asked, _, _) = parts(x);
            return [q, k, v, first, slope, autograd.grad([(slope * direction).sum()], [x])[0], autograd.grad([asked.mul(a).sum()], [x])[0]];
        }
        foreach (var (index, (expected, found)) in All(Sliced).Zip(All(Once)).Index())
            Same(expected, found, $"tensor {index}");
    }

    [Fact]
    public void Turned_heads_have_shapes_on_the_meta_device_and_none_of_a_transposed_product()
    {
        if (!TorchExtras.IsSupported) return;
        using var scope = NewDisposeScope();
        var all = empty([2, 5, 32], device: META, dtype: float32).requires_grad_();
        var (cosine, sine) = new Rotary(4, 50).Tables(5, all);
        var (q, k, v) = TorchExtras.TurnedHeads(all, cosine, sine, 4, 2)!.Value;
        Assert.Equal([2, 5, 4, 4], q.shape);
        Assert.Equal([2, 5, 2, 4], k.shape);
        Assert.Equal([2, 5, 2, 4], v.shape);
        (q.sum() + k.sum() + v.sum()).backward();
        Assert.Equal(all.shape, all.grad!.shape);
        var turned = new Rotary(4, 50).Tables(2, ones(1));
        Assert.Null(TorchExtras.TurnedHeads(ones(5, 2, 32).transpose(0, 1).transpose(1, 2).transpose(1, 2), turned.Cosine, turned.Sine, 4, 2));
    }
}
