using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Lips.Runtime.Training;

/// <summary>
/// Trades time for memory (Chen et al. 2016): of every repeated block only the inputs are kept, and its activations are computed
/// again when its backward pass needs them. The second computation draws the same random numbers and leaves running statistics as
/// the first left them, so that weights, statistics and all later draws are those of a training without it.
/// </summary>
public sealed class Recomputation : IDisposable
{
    private readonly List<Action> _unhook = [];
    private readonly Device _device;
    private readonly ComputePrecision? _precision;
    private IDisposable? _noGrad;
    private Tensor? _random;
    private bool _again;

    /// <summary>Hooks every outermost element of the model's lists: the repetitions of its <c>repeat</c>s.</summary>
    /// <exception cref="RunFailed">The model repeats nothing, or the provider cannot do it.</exception>
    public Recomputation(nn.Module model, Device device)
        : this(model, device, precision: null)
    {
    }

    /// <param name="precision">Of the forward pass, in which the backward pass then computes a block again.</param>
    internal Recomputation(nn.Module model, Device device, ComputePrecision? precision)
    {
        (_device, _precision) = (device, precision);
        if (!TorchExtras.CallersGraphSupported)
            throw new RunFailed($"'recompute' needs a backward pass of its own, which the provider '{TorchExtras.ProviderName}' lacks; build with TorchProvider=system, or leave it out.");
        var blocks = Blocks(model).ToList();
        foreach (var (name, module) in blocks)
            Hook(name, module);
        if (blocks.Count == 0)
            throw new RunFailed($"recompute: blocks needs a 'repeat', and '{model.GetName()}' has none.");
    }

    /// <summary>The outermost elements of a model's lists: the repetitions of its <c>repeat</c>s.</summary>
    internal static IEnumerable<(string Name, nn.Module Module)> Blocks(nn.Module model)
    {
        var lists = new List<string>();
        var blocks = new List<string>();
        foreach (var (name, module) in model.named_modules())
        {
            if (module.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(TorchSharp.Modules.ModuleList<>))
            {
                lists.Add(name);
            }
            else if (name.LastIndexOf('.') is var dot and > 0 && lists.Contains(name[..dot]) && !blocks.Any(b => name.StartsWith(b + ".", StringComparison.Ordinal)))
            {
                blocks.Add(name);
                yield return (name, module);
            }
        }
    }

    private void Hook(string name, nn.Module module)
    {
        switch (module)
        {
            case nn.Module<Tensor, Tensor> one:
                _unhook.Add(one.register_forward_pre_hook((_, x) => { Enter(one); return x; }).remove);
                _unhook.Add(one.register_forward_hook((_, x, y) => Leave(one, [x], y, kept => one.call(kept[0]))).remove);
                break;
            case nn.Module<Tensor, Tensor, Tensor> two:
                _unhook.Add(two.register_forward_pre_hook((_, x, a) => { Enter(two); return (x, a); }).remove);
                _unhook.Add(two.register_forward_hook((_, x, a, y) => Leave(two, [x, a], y, kept => two.call(kept[0], kept[1]))).remove);
                break;
            case nn.Module<Tensor, Tensor, Tensor, Tensor> three:
                _unhook.Add(three.register_forward_pre_hook((_, x, a, b) => { Enter(three); return (x, a, b); }).remove);
                _unhook.Add(three.register_forward_hook((_, x, a, b, y) => Leave(three, [x, a, b], y, kept => three.call(kept[0], kept[1], kept[2]))).remove);
                break;
            default:
                throw new RunFailed($"recompute: blocks cannot repeat '{name}', which reads more than two values beside its input.");
        }
    }

    /// <summary>Before a block: remember where the random numbers stand, and build no graph.</summary>
    private void Enter(nn.Module block)
    {
        if (_again || !block.training || !is_grad_enabled())
            return;
        _random = TorchExtras.GetRngState(_device).DetachFromDisposeScope();
        _noGrad = no_grad();
    }

    /// <summary>After a block: its value, with a backward pass that computes the block again.</summary>
    private Tensor Leave(nn.Module block, Tensor[] inputs, Tensor value, Func<Tensor[], Tensor> call)
    {
        if (_noGrad is null)
            return value;
        _noGrad.Dispose();
        _noGrad = null;
        // a weight that was cast without a graph would keep its gradient to itself where it is used again
        _precision?.Forget();
        var random = _random!;
        _random = null;
        Tensor[] kept = [.. inputs.Select(x => x.detach().DetachFromDisposeScope())];
        bool[] wanted = [.. inputs.Select(x => x.requires_grad)];
        var result = value.detach();
        TorchExtras.SetBackward(result, inputs, gradient => Again(block, kept, wanted, random, gradient, call), () =>
        {
            random.Dispose();
            foreach (var tensor in kept)
                tensor.Dispose();
        });
        return result;
    }

    /// <summary>The block once more, with its graph, and back through it: into the gradients of its weights, and to its inputs.</summary>
    private Tensor?[] Again(nn.Module block, Tensor[] kept, bool[] wanted, Tensor random, Tensor gradient, Func<Tensor[], Tensor> call)
    {
        using var scope = NewDisposeScope();
        using var graph = enable_grad();
        Tensor[] inputs = [.. kept.Zip(wanted, (x, wants) => x.detach().requires_grad_(wants))];
        var statistics = block.buffers().Select(b => (Buffer: b, Before: b.detach().clone())).ToList();
        var later = TorchExtras.GetRngState(_device);
        TorchExtras.SetRngState(_device, random);
        _again = true;
        Tensor value;
        try
        {
            using var region = _precision?.Enter();
            value = call(inputs);
        }
        finally
        {
            _again = false;
            TorchExtras.SetRngState(_device, later);
        }
        using (no_grad())
            foreach (var (buffer, before) in statistics)
                buffer.copy_(before);
        if (value.requires_grad)
            autograd.backward(value, gradient);
        return [.. inputs.Zip(wanted, (x, wants) => wants ? x.grad?.DetachFromDisposeScope() : null)];
    }

    public void Dispose()
    {
        // a forward pass that failed within a block left this on
        _noGrad?.Dispose();
        _random?.Dispose();
        foreach (var remove in _unhook)
            remove();
    }
}
