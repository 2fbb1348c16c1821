using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>x − step·Wᵀ·activation(W·x + b) on every token (Meunier et al. 2022, arXiv 2110.12690).</summary>
public sealed class Descent : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly Func<torch.Tensor, torch.Tensor> _activation;
    private readonly double _step;

    public Descent(long width, long hidden, Func<torch.Tensor, torch.Tensor> activation, double step, bool hasBias = true)
        : base(nameof(Descent))
    {
        (_activation, _step) = (activation, step);
        register_parameter(nameof(weight), weight = Leaf.Uniform(width, hidden, width));
        if (hasBias)
            register_parameter(nameof(bias), bias = Leaf.Filled(0, hidden));
    }

    /// <param name="x">Any shape whose last axis is the width.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var h = x.matmul(weight.t());
        if (bias is not null)
            h = h.add(bias);
        return x.sub(_activation(h).mul(_step).matmul(weight)).MoveToOuterDisposeScope();
    }
}
