using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime.Modules;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Training;

/// <summary>Activations that are computed again give what kept ones give, bit by bit, and only the memory and the time differ.</summary>
public sealed class RecomputationTests
{
    private const int Width = 6;

    /// <summary>All that a second forward pass could spoil: random numbers, running statistics, a value that several blocks read.</summary>
    private sealed class Block : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Linear up = nn.Linear(Width, 2 * Width), down = nn.Linear(2 * Width, Width);
        private readonly Lips.Runtime.Modules.BatchNorm norm = new(Width, 1e-5, 0.1, affine: true, hasBias: true);
        private readonly Dropout dropout = nn.Dropout(0.3);
        private readonly Branch branch = new(alphas: Width, dropPath: 0.4);

        public Block() : base(nameof(Block))
        {
            register_module(nameof(up), up);
            register_module(nameof(down), down);
            register_module(nameof(norm), norm);
            register_module(nameof(dropout), dropout);
            register_module(nameof(branch), branch);
        }

        public int Calls { get; private set; }

        public override Tensor forward(Tensor h, Tensor memory)
        {
            Calls++;
            return h + branch.call(dropout.call(down.call(nn.functional.gelu(up.call(norm.call(h)) + up.call(memory)))));
        }
    }

    private sealed class Stack : nn.Module<Tensor, Tensor>
    {
        private readonly Linear first = nn.Linear(Width, Width), last = nn.Linear(Width, Width);
        public readonly ModuleList<Block> blocks = nn.ModuleList<Block>(new Block(), new Block(), new Block());

        public Stack() : base(nameof(Stack))
        {
            register_module(nameof(first), first);
            register_module(nameof(blocks), blocks);
            register_module(nameof(last), last);
        }

        public override Tensor forward(Tensor x)
        {
            var h = first.call(x);
            var memory = h.tanh();
            foreach (var block in blocks)
                h = block.call(h, memory);
            return last.call(h);
        }
    }

    /// <summary>Gradients, running statistics and the random numbers drawn afterwards, of two rounds of two micro-batches.</summary>
    private static (List<float[]> Gradients, List<float[]> Statistics, float[] Later, int[] Calls) Train(bool recompute, Precision precision = Precision.Float32)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var model = new Stack();
        var compute = new ComputePrecision(precision, CPU);
        using var recomputation = recompute ? new Recomputation(model, CPU, compute) : null;
        for (int i = 0; i < 2; i++)
        {
            var x = randn([5, Width]);
            Tensor loss;
            using (compute.Enter())
                loss = ComputePrecision.Widened(model.call(x)).square().sum();
            loss.backward();
        }
        static float[] Values(Tensor t) => [.. t.detach().flatten().to(float32).data<float>()];
        return ([.. model.parameters().Select(p => Values(p.grad!))], [.. model.buffers().Select(Values)], Values(randn([4])), [.. model.blocks.Select(b => b.Calls)]);
    }

    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void Gradients_statistics_and_random_numbers_are_the_same_bit_by_bit(Precision precision)
    {
        if (!TorchExtras.CallersGraphSupported) return;
        var kept = Train(recompute: false, precision);
        var again = Train(recompute: true, precision);
        Assert.Equal([2, 2, 2], kept.Calls);
        Assert.Equal([4, 4, 4], again.Calls);
        Assert.Equal(kept.Statistics, again.Statistics);
        Assert.Equal(kept.Later, again.Later);
        Assert.All(kept.Gradients, g => Assert.Contains(g, v => v != 0));
        foreach (var (expected, actual) in kept.Gradients.Zip(again.Gradients))
            Assert.Equal(expected, actual);
    }

    [Fact]
    public void Nothing_is_computed_twice_without_a_gradient_and_the_hooks_come_off()
    {
        if (!TorchExtras.CallersGraphSupported) return;
        using var scope = NewDisposeScope();
        using var model = new Stack();
        var x = randn([5, Width]);
        using (new Recomputation(model, CPU))
        {
            model.eval();
            model.call(x).sum().backward();
            model.train();
            using (no_grad())
                Assert.False(model.call(x).requires_grad);
            Assert.All(model.blocks, b => Assert.Equal(2, b.Calls));
            // a block that fails leaves the gradient mode as it was, once this is disposed of
            Assert.ThrowsAny<Exception>(() => model.blocks[0].call(randn([5, Width + 1]), x));
            Assert.False(is_grad_enabled());
        }
        Assert.True(is_grad_enabled());
        model.call(x).sum().backward();
        Assert.All(model.blocks.Skip(1), b => Assert.Equal(3, b.Calls));
    }

    [Fact]
    public void A_failure_in_the_backward_pass_is_told_and_a_graph_serves_once()
    {
        if (!TorchExtras.CallersGraphSupported) return;
        using var scope = NewDisposeScope();
        var x = ones([3], requires_grad: true);
        int released = 0;
        Tensor Node(Func<Tensor, Tensor?> backward)
        {
            var y = x.detach() * 2;
            TorchExtras.SetBackward(y, [x], g => [backward(g)], () => released++);
            return y;
        }
        using (NewDisposeScope())
        {
            var failing = Node(_ => throw new InvalidOperationException("no way back")).sum();
            Assert.Contains("no way back", Assert.ThrowsAny<ExternalException>(() => failing.backward()).Message, StringComparison.Ordinal);
        }
        Assert.Equal(1, released);
        var good = Node(g => (g * 2).DetachFromDisposeScope());
        good.sum().backward();
        Assert.Equal([2f, 2f, 2f], x.grad!.data<float>().ToArray());
        Assert.Equal(2, released);
        Assert.ThrowsAny<ExternalException>(() => good.sum().backward());
    }

    [Fact]
    public void A_model_that_repeats_nothing_is_refused()
    {
        using var model = nn.Linear(2, 2);
        Assert.Contains("repeat", Assert.Throws<RunFailed>(() => new Recomputation(model, CPU)).Message, StringComparison.Ordinal);
    }
}
