using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>How a residual and its branch are joined.</summary>
public static class Residual
{
    /// <summary>keep·skip + share·branch, of one shape, in one pass where the provider can.</summary>
    public static torch.Tensor Mix(torch.Tensor skip, double keep, torch.Tensor branch, double share) =>
        TorchExtras.Mix(skip, keep, branch, share) ?? skip.mul(keep).add(branch, alpha: share);
}
