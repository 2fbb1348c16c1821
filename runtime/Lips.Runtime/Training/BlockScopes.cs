using System;
using System.Collections.Generic;
using TorchSharp;
using static TorchSharp.torch;

namespace Lips.Runtime.Training;

/// <summary>
/// Lets go of what a repeated block computes on its way to its value as soon as it has it, in training: what the backward pass needs
/// the graph keeps, and the rest would stay until the step is over.
/// </summary>
internal sealed class BlockScopes : IDisposable
{
    private readonly Stack<DisposeScope> _open = [];
    private readonly List<Action> _unhook = [];

    public BlockScopes(nn.Module model)
    {
        foreach (var (_, module) in Recomputation.Blocks(model))
            switch (module)
            {
                case nn.Module<Tensor, Tensor> one:
                    _unhook.Add(one.register_forward_pre_hook((_, x) => { Enter(one); return x; }).remove);
                    _unhook.Add(one.register_forward_hook((_, _, y) => Leave(one, y)).remove);
                    break;
                case nn.Module<Tensor, Tensor, Tensor> two:
                    _unhook.Add(two.register_forward_pre_hook((_, x, a) => { Enter(two); return (x, a); }).remove);
                    _unhook.Add(two.register_forward_hook((_, _, _, y) => Leave(two, y)).remove);
                    break;
                case nn.Module<Tensor, Tensor, Tensor, Tensor> three:
                    _unhook.Add(three.register_forward_pre_hook((_, x, a, b) => { Enter(three); return (x, a, b); }).remove);
                    _unhook.Add(three.register_forward_hook((_, _, _, _, y) => Leave(three, y)).remove);
                    break;
            }
    }

    private void Enter(nn.Module block)
    {
        if (block.training && is_grad_enabled())
            _open.Push(NewDisposeScope());
    }

    private Tensor Leave(nn.Module block, Tensor value)
    {
        if (!block.training || !is_grad_enabled())
            return value;
        using var scope = _open.Pop();
        return scope.MoveToOuter(value);
    }

    public void Dispose()
    {
        foreach (var remove in _unhook)
            remove();
        // of a forward pass that failed within a block
        while (_open.TryPop(out var scope))
            scope.Dispose();
    }
}
