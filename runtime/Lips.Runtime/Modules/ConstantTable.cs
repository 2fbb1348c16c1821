using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>
/// A tensor that depends on nothing learned, kept for the length, device and type it was last asked for. It is no buffer:
/// no checkpoint holds it, and it follows its argument to any device, <c>meta</c> included.
/// </summary>
/// <param name="make">Makes the table of a length, in float64 (or bool) on a device.</param>
internal sealed class ConstantTable(Func<long, torch.Device, torch.Tensor> make)
{
    private torch.Tensor? _table;
    private long _length;
    private torch.ScalarType _asked;

    /// <summary>The table of a length, on the device of <paramref name="like"/> and of its type unless it is boolean.</summary>
    public torch.Tensor For(long length, torch.Tensor like)
    {
        var (device, type) = (like.device, like.dtype);
        if (_table is { } kept && _length == length && _asked == type && kept.device.Equals(device))
            return kept;
        // made under inference_mode, it could not take part in training afterwards
        using var ordinary = torch.inference_mode(false);
        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var made = make(length, device);
        if (made.dtype != torch.ScalarType.Bool && made.dtype != type)
            made = made.to(type);
        _table?.Dispose();
        (_table, _length, _asked) = (made.DetachFromDisposeScope(), length, type);
        return _table;
    }
}
