using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>
/// Every pair (a, b) of neighbouring channels mirrored in the line at half its learned <c>angle</c> where it lies above that line,
/// a·sin(angle/2) ≤ b·cos(angle/2), and left as it is below (arXiv 2108.04062). At the first angle, π/2, the larger comes first.
/// </summary>
/// <param name="width">Channels, an even number; there is an angle for every two.</param>
public sealed class Householder : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter angle;

    public Householder(long width)
        : base(nameof(Householder)) => register_parameter(nameof(angle), angle = Leaf.Filled(Math.PI / 2, width / 2));

    /// <param name="x">[…, channels]</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var half = angle.mul(0.5);
        var (sine, cosine) = (half.sin(), half.cos());
        long[] paired = [.. x.shape[..^1], x.size(-1) / 2, 2];
        var pairs = x.reshape(paired);
        var (a, b) = (pairs.select(-1, 0), pairs.select(-1, 1));
        // twice the distance above the line, along its normal
        var above = b.mul(cosine).sub(a.mul(sine)).relu().mul(2);
        return torch.stack([a.add(above.mul(sine)), b.sub(above.mul(cosine))], dim: -1).reshape(x.shape).MoveToOuterDisposeScope();
    }
}
