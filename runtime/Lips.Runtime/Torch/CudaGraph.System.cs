using System;
using System.Collections.Generic;
using Lips.Runtime.Training;
using TorchSharp;
using TorchSharp.Native;

namespace Lips.Runtime.Torch;

/// <summary>
/// A CUDA graph, with a stream of its own to warm up and record on; repetitions are launched on the stream that is current. Random
/// numbers go on from repetition to repetition, as libtorch's default generator takes part in the recording.
/// <c>CudaGraph.Package.cs</c> has the same members for the TorchSharp packages.
/// </summary>
internal sealed class CudaGraph : IPassRecorder
{
    private IntPtr _handle;

    public CudaGraph(torch.Device device)
    {
        unsafe
        {
            IntPtr handle;
            NativeMethods.Check(NativeMethods.lips_graph_new(device.index, &handle));
            _handle = handle;
        }
    }

    /// <summary>Whether the native library was compiled with CUDA.</summary>
    public static bool IsSupported => NativeMethods.lips_cuda_compiled() != 0;

    /// <summary>Why not.</summary>
    public static string Lack => "the native library was compiled without CUDA's headers (runtime/native/build.sh looks for them in $CUDA_HOME)";

    public void WarmUp(Action work)
    {
        NativeMethods.Check(NativeMethods.lips_graph_enter(_handle));
        try
        {
            work();
        }
        finally
        {
            NativeMethods.Check(NativeMethods.lips_graph_leave(_handle));
        }
    }

    public IReadOnlyList<torch.Tensor> Record(Func<IReadOnlyList<torch.Tensor>> work)
    {
        IReadOnlyList<torch.Tensor>? result = null;
        WarmUp(() =>
        {
            NativeMethods.Check(NativeMethods.lips_graph_begin(_handle));
            try
            {
                result = work();
            }
            finally
            {
                // a recording that failed is ended as well, or the stream would refuse everything after it
                int code = NativeMethods.lips_graph_end(_handle);
                if (result is not null)
                    NativeMethods.Check(code);
            }
        });
        return result!;
    }

    public void Replay() => NativeMethods.Check(NativeMethods.lips_graph_replay(_handle));

    public void Dispose()
    {
        if (_handle != 0)
            NativeMethods.lips_graph_free(_handle);
        _handle = 0;
    }
}
