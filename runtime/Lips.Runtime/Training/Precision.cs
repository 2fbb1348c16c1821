using System;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>What layers compute in while a model is trained. Weights, gradients, the optimizer's state and the projections are float32 with either.</summary>
public enum Precision
{
    Float32,
    BFloat16,
}

/// <summary>
/// The part of a step that a recipe's precision is for: the forward pass and the loss, by torch's autocast. The backward pass runs
/// outside of it, each operator in the type of its forward pass. Nothing that is proven, validated or sampled is computed in it: the
/// bound speaks of the weights as they are kept, and a projection in bfloat16 would drift above its cap.
/// </summary>
internal sealed class ComputePrecision
{
    private readonly Precision _precision;
    private readonly DeviceType _device;

    /// <exception cref="RunFailed">The provider or the device cannot compute so.</exception>
    public ComputePrecision(Precision precision, torch.Device device)
    {
        (_precision, _device) = (precision, device.type);
        if (precision == Precision.Float32)
            return;
        if (!Autocast.IsSupported)
            throw new RunFailed($"precision: bfloat16 needs torch's autocast, which the provider '{TorchExtras.ProviderName}' lacks; build with TorchProvider=system, or leave it out.");
        if (!Autocast.HasBFloat16(device))
            throw new RunFailed($"precision: bfloat16 needs a device that computes it, and {device} has no units for it (compute capability 8.0 and later have); leave it out, or choose another --device.");
    }

    /// <summary>Within it the forward pass runs; null where there is nothing to arrange.</summary>
    public IDisposable? Enter() => _precision == Precision.Float32 ? null : new Autocast(_device, torch.ScalarType.BFloat16);

    /// <summary>After a forward pass without a graph, within a region that goes on with one.</summary>
    public void Forget()
    {
        if (_precision != Precision.Float32)
            Autocast.Forget();
    }

    /// <summary>Logits as losses read them. A sum of exponentials needs more than eight bits; on CUDA devices autocast does the same by itself.</summary>
    public static torch.Tensor Widened(torch.Tensor logits) => logits.dtype == torch.ScalarType.BFloat16 ? logits.to(torch.ScalarType.Float32) : logits;
}
