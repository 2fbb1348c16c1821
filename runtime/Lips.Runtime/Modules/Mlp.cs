using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>down(gain·activation(up(x))), on every token.</summary>
public sealed class Mlp : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Linear up;
    private readonly Linear down;
    private readonly Func<torch.Tensor, torch.Tensor> _activation;
    private readonly double _gain;

    public Mlp(long width, long hidden, Func<torch.Tensor, torch.Tensor> activation, double gain = 1, bool hasBias = true)
        : base(nameof(Mlp))
    {
        (_activation, _gain) = (activation, gain);
        register_module(nameof(up), up = torch.nn.Linear(inputSize: width, outputSize: hidden, hasBias: hasBias));
        register_module(nameof(down), down = torch.nn.Linear(inputSize: hidden, outputSize: width, hasBias: hasBias));
    }

    /// <param name="x">Any shape whose last axis is the width.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return Scaled.Call(down, _activation(up.call(x)), _gain).MoveToOuterDisposeScope();
    }
}
