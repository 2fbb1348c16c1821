using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>
/// A tensor that depends on nothing learned, kept for the size, device and type it was last asked for. It is no buffer:
/// no checkpoint holds it, and it follows its argument to any device, <c>meta</c> included.
/// </summary>
/// <param name="make">Makes the table of a height and a width, in float64 (or bool, or int64) on a device.</param>
internal sealed class ConstantTable(Func<long, long, torch.Device, torch.Tensor> make)
{
    private torch.Tensor? _table;
    private (long Height, long Width, torch.ScalarType Type) _asked;

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
        if (_table is { } kept && _asked == asked && kept.device.Equals(device))
            return kept;
        // made under inference_mode, it could not take part in training afterwards
        using var ordinary = torch.inference_mode(false);
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var made = make(height, width, device);
        if (made.is_floating_point() && made.dtype != like.dtype)
            made = made.to(like.dtype);
        _table?.Dispose();
        (_table, _asked) = (made.DetachFromDisposeScope(), asked);
        return _table;
    }
}
