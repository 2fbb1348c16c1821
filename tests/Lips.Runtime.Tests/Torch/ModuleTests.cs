using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Torch;

/// <summary>Modules' names and state, ownership of memory, and what optimizers do.</summary>
public sealed class ModuleTests
{
    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Linear up;
        private readonly ModuleList<Linear> list;
        private readonly Parameter gain;

        public Block() : base(nameof(Block))
        {
            up = nn.Linear(inputSize: 3, outputSize: 3, hasBias: false);
            list = nn.ModuleList(nn.Linear(3, 3), nn.Linear(3, 3));
            gain = nn.Parameter(ones(3));
            register_module(nameof(up), up);
            register_module(nameof(list), list);
            register_parameter(nameof(gain), gain);
            register_buffer("counter", zeros(1));
            register_buffer("cache", zeros(1), persistent: false);
        }

        public override Tensor forward(Tensor input) => list.Aggregate(up.call(input), (x, layer) => layer.call(x)) * gain;
    }

    [Fact]
    public void State_has_dotted_names_in_order_of_registration()
    {
        using var block = new Block();
        Assert.Equal(["gain", "up.weight", "list.0.weight", "list.0.bias", "list.1.weight", "list.1.bias"], block.named_parameters().Select(p => p.name));
        Assert.Equal(["gain", "counter", "up.weight", "list.0.weight", "list.0.bias", "list.1.weight", "list.1.bias"], block.state_dict().Keys);
        Assert.Equal(["up", "list", "list.0", "list.1"], block.named_modules().Select(m => m.name));
        Assert.Throws<InvalidOperationException>(() => block.register_buffer("counter", ones(1)));
        Assert.Throws<ArgumentException>(() => block.register_buffer("a.b", ones(1)));
    }

    [Fact]
    public void State_loads_by_name_and_says_what_does_not_fit()
    {
        using Block a = new(), b = new();
        using Tensor x = randn(2, 3);
        b.load_state_dict(a.state_dict());
        Assert.True(a.call(x).Equals(b.call(x)));
        Dictionary<string, Tensor> state = a.state_dict();
        state.Remove("gain");
        Assert.Contains("gain", Assert.Throws<InvalidOperationException>(() => b.load_state_dict(state)).Message, StringComparison.Ordinal);
        Assert.Equal(["gain"], b.load_state_dict(state, strict: false).missing_keys);
    }

    [Fact]
    public void Conversion_keeps_names_objects_and_optimizers()
    {
        using var block = new Block();
        Parameter gain = block.get_parameter("gain")!;
        using var optimizer = optim.SGD(block.parameters(), learningRate: 0.5);
        block.to(float64).eval();
        Assert.False(block.training);
        Assert.Same(gain, block.get_parameter("gain"));
        Assert.Equal(ScalarType.Float64, gain.dtype);
        Assert.True(gain.is_leaf && gain.requires_grad);
        block.call(ones([1, 3], float64)).sum().backward();
        Tensor before = gain.detach().clone(), gradient = gain.grad!;
        optimizer.step();
        Assert.True(gain.allclose(before - (0.5 * gradient)));
    }

    [Fact]
    public void AdamW_follows_its_recurrence()
    {
        using DisposeScope scope = NewDisposeScope();
        var p = new Parameter(tensor(new double[] { 1.0 }));
        using var optimizer = optim.AdamW([p], lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.01);
        double w = 1, m = 0, v = 0;
        for (int t = 1; t <= 5; t++)
        {
            optimizer.zero_grad();
            (p * p * 3).sum().backward();
            optimizer.step();
            double g = 6 * w;
            (m, v) = ((0.9 * m) + (0.1 * g), (0.99 * v) + (0.01 * g * g));
            w = (w * (1 - (0.1 * 0.01))) - (0.1 * (m / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(v / (1 - Math.Pow(0.99, t))) + 1e-8));
        }
        Assert.Equal(w, p.item<double>(), 12);
    }

    [Fact]
    public void A_network_learns_exclusive_or_without_leaking()
    {
        manual_seed(3);
        using var model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1));
        using var optimizer = optim.AdamW(model.parameters(), lr: 0.05);
        using Tensor x = tensor(new float[] { 0, 0, 0, 1, 1, 0, 1, 1 }, [4, 2]), y = tensor(new float[] { 0, 1, 1, 0 }, [4, 1]);
        float loss = 1;
        long live = 0;
        for (int step = 0; step < 200; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            Tensor error = nn.functional.mse_loss(model.call(x), y);
            error.backward();
            nn.utils.clip_grad_norm_(model.parameters(), 1.0);
            optimizer.step();
            loss = error.item<float>();
            scope.Dispose();
            if (step == 1) live = Tensor.TotalCount;
        }
        Assert.True(loss < 0.01, $"loss {loss}");
        Assert.True(Tensor.TotalCount - live <= 2, $"{Tensor.TotalCount - live} tensors more than after two steps");
    }

    [Fact]
    public void Clipping_scales_all_gradients_by_one_factor()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter a = new(ones(2)), b = new(ones(1));
        (a * 3).sum().backward();
        (b * 4).sum().backward();
        Assert.Equal(Math.Sqrt(34), nn.utils.clip_grad_norm_([a, b], 1.0), 5);
        Assert.Equal(3 / Math.Sqrt(34), a.grad![0].item<float>(), 5);
        Assert.Equal(4 / Math.Sqrt(34), b.grad![0].item<float>(), 5);
    }

    [Fact]
    public void A_scope_disposes_what_it_made_and_spares_what_left()
    {
        Tensor kept, moved, inner;
        using (DisposeScope outer = NewDisposeScope())
        {
            using (DisposeScope scope = NewDisposeScope())
            {
                Tensor x = ones(2);
                inner = x + 1;
                moved = (x * 2).MoveToOuterDisposeScope();
                kept = (x * 3).DetachFromDisposeScope();
                Assert.Equal(2, scope.DisposablesCount);
            }
            Assert.True(inner.IsInvalid);
            Assert.False(moved.IsInvalid);
            Assert.Equal(1, outer.DisposablesCount);
        }
        Assert.True(moved.IsInvalid);
        Assert.Equal(3, kept[0].item<float>());
        kept.Dispose();
        kept.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kept.shape);
    }

    [Fact]
    public void Built_in_layers_survive_the_scope_they_are_made_in()
    {
        nn.Module<Tensor, Tensor> model;
        using (NewDisposeScope()) model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.LayerNorm([6, 6]), nn.Flatten(), nn.Linear(72, 4));
        using Tensor x = ones(1, 1, 8, 8), y = model.call(x);
        Assert.Equal([1, 4], y.shape);
        model.Dispose();
        Assert.All(model.parameters(), p => Assert.True(p.IsInvalid));
    }

    [Fact]
    public void Hooks_see_and_change_calls()
    {
        using var layer = nn.Identity();
        var hook = layer.register_forward_hook((_, _, output) => output * 2);
        layer.register_forward_pre_hook((_, input) => input + 1);
        using Tensor x = ones(1);
        Assert.Equal(4, layer.call(x).item<float>());
        hook.remove();
        Assert.Equal(2, layer.call(x).item<float>());
        Assert.Equal(1, layer.forward(x).item<float>());
    }

    [Fact]
    public void Batch_statistics_are_kept_for_evaluation()
    {
        using DisposeScope scope = NewDisposeScope();
        var layer = nn.BatchNorm2d(2);
        Tensor x = randn([8, 2, 4, 4]) + 3;
        layer.call(x);
        Assert.Equal(1, layer.num_batches_tracked!.item<long>());
        Assert.True(layer.running_mean!.allclose(0.1 * x.mean([0, 2, 3]), rtol: 1e-4));
        layer.eval();
        Assert.True(layer.call(x).mean().item<float>() > 1);
        Assert.Throws<ArgumentException>(() => layer.call(ones(2, 2)));
    }
}
