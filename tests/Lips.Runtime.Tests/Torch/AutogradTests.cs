using System;
using System.Collections.Generic;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Lips.Runtime.Tests.Torch;

/// <summary>Gradients against central differences in float64, and the switches of autograd.</summary>
public sealed class AutogradTests
{
    public static TheoryData<string> Names => [.. Functions.Keys];

    private static readonly Dictionary<string, Func<Tensor, Tensor>> Functions = new()
    {
        ["gelu"] = x => F.gelu(x),
        ["gelu tanh"] = x => F.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh),
        ["silu"] = x => F.silu(x),
        ["layer_norm"] = x => F.layer_norm(x, [4]),
        ["softmax"] = x => x.softmax(-1),
        ["log_softmax"] = x => x.log_softmax(-1),
        ["rsqrt"] = x => (x * x + 1).rsqrt(),
        ["normalize"] = x => F.normalize(x, dim: -1),
        ["attention"] = x => F.scaled_dot_product_attention(x.unsqueeze(0), x.unsqueeze(0) * 0.5, x.unsqueeze(0), is_casual: true),
        ["baddbmm"] = x => x.unsqueeze(0).baddbmm(x.t().unsqueeze(0), ones([1, 3, 3], float64)),
        ["einsum"] = x => einsum("ij,kj->ik", x, x),
        ["index"] = x => x[.., 1..3] * x[TensorIndex.Tensor(tensor(new long[] { 2, 0, 0 })), 0].unsqueeze(1),
        ["circular pad"] = x => F.pad(x.unsqueeze(0), [1, 2], PaddingModes.Circular) * arange(7, dtype: float64),
        ["conv1d"] = x => F.conv1d(x.unsqueeze(0), ones([2, 3, 2], float64).cumsum(0)),
        ["svdvals"] = x => linalg.svdvals(x),
        ["topk"] = x => x.topk(2).values,
        ["where"] = x => where(x > 0, x * 3, x * x),
        ["tril"] = x => x.tril().flip(0).roll(1, 1),
        ["logsumexp"] = x => x.logsumexp(-1),
        ["sort"] = x => x.sort(-1).Values * arange(4, dtype: float64),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_match_central_differences(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(11);
        Tensor x = randn([3, 4], float64).requires_grad_();
        Tensor weights = randn_like(Functions[name](x).detach());
        Tensor Loss(Tensor at) => (Functions[name](at) * weights).sum();
        Tensor gradient = autograd.grad([Loss(x)], [x])[0];
        const double h = 1e-6;
        using IDisposable mode = no_grad();
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 4; j++)
            {
                Tensor step = zeros_like(x);
                step[i, j] = h;
                double expected = (Loss(x + step).item<double>() - Loss(x - step).item<double>()) / (2 * h);
                Assert.Equal(expected, gradient[i, j].item<double>(), 6);
            }
    }

    [Fact]
    public void Second_derivatives_come_from_a_created_graph()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new double[] { 0.7 }, requires_grad: true);
        Tensor first = autograd.grad([x.sin().sum()], [x], create_graph: true)[0];
        Tensor second = autograd.grad([first.sum()], [x])[0];
        Assert.Equal(-Math.Sin(0.7), second.item<double>(), 12);
    }

    [Fact]
    public void An_unused_input_gives_null_when_allowed()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones([1]).requires_grad_(), y = ones([1]).requires_grad_();
        Assert.Null(autograd.grad([x * 2], [x, y], allow_unused: true)[1]);
        Assert.ThrowsAny<Exception>(() => autograd.grad([x * 2], [x, y]));
    }

    [Fact]
    public void Gradients_accumulate_and_are_released()
    {
        using DisposeScope scope = NewDisposeScope();
        var layer = nn.Linear(2, 1, hasBias: false);
        Tensor x = ones(1, 2);
        layer.call(x).sum().backward();
        layer.call(x).sum().backward();
        Assert.Equal(2, layer.weight.grad![0, 0].item<float>());
        layer.zero_grad(set_to_none: true);
        Assert.Null(layer.weight.grad);
        Assert.ThrowsAny<Exception>(() => layer.call(x).backward(grad_tensors: [ones(3)]));
    }

    [Fact]
    public void No_grad_and_inference_mode_record_nothing_and_end_with_their_scope()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones([1]).requires_grad_();
        using (no_grad())
        {
            Assert.False(is_grad_enabled());
            Assert.False((x * 2).requires_grad);
            using (enable_grad()) Assert.True((x * 2).requires_grad);
        }
        using (inference_mode()) Assert.False((x * 2).requires_grad);
        Assert.True(is_grad_enabled());
        Assert.True((x * 2).requires_grad);
    }
}
