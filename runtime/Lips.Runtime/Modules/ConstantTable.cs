using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>
/// A tensor that depends on nothing learned, kept for the size, device and type it was last asked for where gradients are computed,
/// and for those where they are not: what a training step reads stays where it is when the model is evaluated in between, at another
/// length or in another type. It is no buffer: no checkpoint holds it, and it follows its argument to any device, <c>meta</c> included.
/// </summary>
/// <param name="make">Makes the table of a height and a width, in float64 (or bool, or int64) on a device.</param>
internal sealed class ConstantTable(Func<long, long, torch.Device, torch.Tensor> make)
{
    private readonly (torch.Tensor Table, (long Height, long Width, torch.ScalarType Type) Asked)?[] _kept = new (torch.Tensor, (long, long, torch.ScalarType))?[2];

    /// <param name="make">Makes the table of a length.</param>
    public ConstantTable(Func<long, torch.Device, torch.Tensor> make)
        : this((length, _, device) => make(length, device))
    {
    }

    /// <inheritdoc cref="For(long, long, torch.Tensor)"/>
    public torch.Tensor For(long length, torch.Tensor like) => For(length, 1, like);

    /// <summary>The table of a size, on the device of <paramref name="like"/>, and of its type where it holds real numbers.</summary>
    public torch.Tensor For(long height, long width, torch.Tensor like)
    {
        var (device, asked) = (like.device, (height, width, like.dtype));
        ref var kept = ref _kept[torch.is_grad_enabled() ? 1 : 0];
        if (kept is { } found && found.Asked == asked && found.Table.device.Equals(device))
            return found.Table;
        // made under inference_mode, it could not take part in training afterwards
        using var ordinary = torch.inference_mode(false);
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var made = make(height, width, device);
        if (made.is_floating_point() && made.dtype != like.dtype)
            made = made.to(like.dtype);
        kept?.Table.Dispose();
        kept = (made.DetachFromDisposeScope(), asked);
        return made;
    }
}
