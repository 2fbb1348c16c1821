using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>down(gain·(up(x) ⊙ activation(gate(x)))), on every token: a gated linear unit (Shazeer 2020), SwiGLU with silu.</summary>
public sealed class GatedMlp : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Linear up;
    private readonly Linear gate;
    private readonly Linear down;
    private readonly Func<torch.Tensor, torch.Tensor> _activation;
    private readonly double _gain;

    public GatedMlp(long width, long hidden, Func<torch.Tensor, torch.Tensor> activation, double gain = 1, bool hasBias = true)
        : base(nameof(GatedMlp))
    {
        (_activation, _gain) = (activation, gain);
        register_module(nameof(up), up = torch.nn.Linear(inputSize: width, outputSize: hidden, hasBias: hasBias));
        register_module(nameof(gate), gate = torch.nn.Linear(inputSize: width, outputSize: hidden, hasBias: hasBias));
        register_module(nameof(down), down = torch.nn.Linear(inputSize: hidden, outputSize: width, hasBias: hasBias));
    }

    /// <param name="x">Any shape whose last axis is the width.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return Scaled.Call(down, up.call(x).mul(_activation(gate.call(x))), _gain).MoveToOuterDisposeScope();
    }
}
