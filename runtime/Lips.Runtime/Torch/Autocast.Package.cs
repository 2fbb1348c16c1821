using System;
using TorchSharp;

namespace Lips.Runtime.Torch;

/// <summary>What the TorchSharp packages lack; <c>Autocast.System.cs</c> has it.</summary>
public sealed class Autocast : IDisposable
{
    public Autocast(DeviceType device, torch.ScalarType type) =>
        throw new NotSupportedException("the TorchSharp packages (provider 'package') lack autocast; build with TorchProvider=system for it");

    public static bool IsSupported => false;

    public static bool HasBFloat16(torch.Device device) => false;

    public static void Forget()
    {
    }

    public void Dispose()
    {
    }
}
