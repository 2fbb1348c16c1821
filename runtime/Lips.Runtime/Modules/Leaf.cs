using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>Makes the parameters of modules. They outlive any dispose scope that is open while a model is built.</summary>
internal static class Leaf
{
    public static Parameter Filled(double value, params long[] shape) =>
        new(torch.full(shape, value, dtype: torch.float32).DetachFromDisposeScope());

    /// <summary>Uniform in ±1/√fanIn, as torch.nn.Linear starts; the weight's own initializer replaces it.</summary>
    public static Parameter Uniform(long fanIn, params long[] shape)
    {
        var data = torch.empty(shape, dtype: torch.float32).DetachFromDisposeScope();
        torch.nn.init.uniform_(data, -1 / Math.Sqrt(fanIn), 1 / Math.Sqrt(fanIn));
        return new Parameter(data);
    }

    public static torch.Tensor Buffer(double value, params long[] shape) =>
        torch.full(shape, value, dtype: torch.float32).DetachFromDisposeScope();
}
