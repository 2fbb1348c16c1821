using Lips.Runtime.Torch;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>Linear layers behind an activation or a fixed factor.</summary>
internal static class Scaled
{
    /// <summary>layer(gain·x), the factor within the matrix product where the provider can: no scaled copy of x is made or kept.</summary>
    public static torch.Tensor Call(Linear layer, torch.Tensor x, double gain) =>
        TorchExtras.Linear(layer, x, gain) ?? layer.call(gain == 1 ? x : x.mul(gain));
}
