using System;
using TorchSharp;
using TorchSharp.Native;

namespace Lips.Runtime.Torch;

/// <summary>
/// While it lives, this thread's operators on a kind of device run under torch's autocast: matrix products and convolutions in a
/// narrower type, from weights that stay as they are and are cast once for each use of it. <c>Autocast.Package.cs</c> has the same
/// members for the TorchSharp packages.
/// </summary>
public sealed class Autocast : IDisposable
{
    private readonly DeviceType _device;
    private readonly torch.ScalarType _type;
    private readonly bool _before;

    public Autocast(DeviceType device, torch.ScalarType type)
    {
        (_device, _type) = (device, type);
        _before = NativeMethods.Check(NativeMethods.lips_autocast((int)device, 1, (int)type)) != 0;
    }

    /// <summary>Whether it exists at all.</summary>
    public static bool IsSupported => true;

    /// <summary>Whether a device has units for bfloat16, as Ampere's and later ones have; a CPU always computes it.</summary>
    public static bool HasBFloat16(torch.Device device) =>
        device.type != DeviceType.CUDA || NativeMethods.Check(NativeMethods.lips_cuda_bfloat16(device.index)) != 0;

    /// <summary>Forgets the casts of weights: those made without a graph must not be used where there is to be one.</summary>
    public static void Forget() => NativeMethods.Check(NativeMethods.lips_autocast_clear());

    public void Dispose() => NativeMethods.Check(NativeMethods.lips_autocast((int)_device, _before ? 1 : 0, (int)_type));
}
