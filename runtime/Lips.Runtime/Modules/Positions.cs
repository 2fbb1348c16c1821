using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>Adds row n of a learned table (<c>weight</c>, [length, width]) to the token at position n.</summary>
public sealed class LearnedPosition : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter weight;

    public LearnedPosition(long length, long width)
        : base(nameof(LearnedPosition)) =>
        register_parameter(nameof(weight), weight = Leaf.Filled(0, length, width));

    /// <param name="x">[batch, length, width], or a map [batch, height, width, channels] read row by row.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x) => x.add(weight.reshape(x.shape[1..]));
}

/// <summary>
/// Adds sin(n·f_k) to channel 2k and cos(n·f_k) to channel 2k + 1 of the token at position n,
/// f_k = wavelengths^(−2k/width) (Vaswani et al. 2017, section 3.5): a vector of ℓ2 norm √(width/2).
/// </summary>
public sealed class SinusoidalPosition(long length, long width, double wavelengths)
    : torch.nn.Module<torch.Tensor, torch.Tensor>(nameof(SinusoidalPosition))
{
    private readonly ConstantTable _table = new((n, device) =>
    {
        var angles = Rotary.Angles(n, width, wavelengths, device);
        return torch.stack([angles.sin(), angles.cos()], dim: -1).reshape(n, width);
    });

    /// <param name="x">[batch, length, width]</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x)
    {
        if (x.size(1) != length)
            throw new ArgumentException($"the positions are for {length} tokens, but the value has {x.size(1)}", nameof(x));
        return x.add(_table.For(length, x));
    }
}

/// <summary>Adds one learned vector (<c>bias</c>, [width]) to every token.</summary>
public sealed class Bias : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter bias;

    public Bias(long width)
        : base(nameof(Bias)) =>
        register_parameter(nameof(bias), bias = Leaf.Filled(0, width));

    public override torch.Tensor forward(torch.Tensor x) => x.add(bias);
}
