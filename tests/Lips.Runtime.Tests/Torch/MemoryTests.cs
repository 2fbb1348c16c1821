using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Torch;

/// <summary>The memory of tensors: kept blocks, and what a block of a model lets go of on the way.</summary>
public sealed class MemoryTests
{
    [Fact]
    public void Tensors_alive_at_once_never_share_memory()
    {
        Parallel.For(0, 4, worker =>
        {
            using var scope = NewDisposeScope();
            var random = new Random(worker);
            var alive = new Queue<(Tensor Tensor, float Value)>();
            for (int i = 0; i < 60; i++)
            {
                float value = 1000 * worker + i;
                alive.Enqueue((full(new long[] { random.Next(1, 3_000_000) }, value, dtype: float32), value));
                if (alive.Count <= 4)
                    continue;
                var (tensor, wanted) = alive.Dequeue();
                Assert.Equal(wanted, tensor.min().item<float>());
                Assert.Equal(wanted, tensor.max().item<float>());
                tensor.Dispose();
            }
        });
    }

    [Fact]
    public void A_block_lets_go_of_its_intermediate_values_and_trains_the_same()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var model = new TwoBlocks();
        var x = randn(3, 4);
        (Tensor Slope, int Left) Train()
        {
            model.zero_grad();
            using var inner = NewDisposeScope();
            model.call(x).square().sum().backward();
            int left = inner.DisposablesCount;
            return (model.parameters().First().grad!.clone().MoveToOuterDisposeScope(), left);
        }
        model.train();
        var before = Train();
        var scopes = new BlockScopes(model);
        var during = Train();
        scopes.Dispose();
        var after = Train();
        Assert.Equal(0, (before.Slope - during.Slope).abs().max().item<float>());
        Assert.Equal(before.Left, after.Left);
        // two blocks, each with four values on the way to its own
        Assert.Equal(before.Left - 8, during.Left);
    }

    private sealed class TwoBlocks : nn.Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.ModuleList<Block> blocks = nn.ModuleList(new Block(), new Block());

        public TwoBlocks()
            : base(nameof(TwoBlocks)) => register_module(nameof(blocks), blocks);

        public override Tensor forward(Tensor x) => blocks[1].call(blocks[0].call(x));
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Linear layer = nn.Linear(4, 4);

        public Block()
            : base(nameof(Block)) => register_module(nameof(layer), layer);

        public override Tensor forward(Tensor x) => x * 0.5 + layer.call(x).tanh() * 0.5;
    }
}
