using System;
using System.Collections.Generic;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Torch;

/// <summary>What the TorchSharp packages lack; <c>CudaGraph.System.cs</c> has it.</summary>
internal sealed class CudaGraph : IPassRecorder
{
    public CudaGraph(torch.Device device) => throw Missing();

    public static bool IsSupported => false;

    public static string Lack => "the TorchSharp packages (provider 'package') lack it; build with TorchProvider=system for it";

    public void WarmUp(Action work) => throw Missing();

    public IReadOnlyList<torch.Tensor> Record(Func<IReadOnlyList<torch.Tensor>> work) => throw Missing();

    public void Replay() => throw Missing();

    public void Dispose()
    {
    }

    private static NotSupportedException Missing() =>
        new("the TorchSharp packages (provider 'package') lack CUDA graphs; build with TorchProvider=system for them");
}
