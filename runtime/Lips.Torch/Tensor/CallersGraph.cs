using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp.Native;

namespace TorchSharp;

/// <summary>Parts of a graph whose backward pass is a function of the caller's.</summary>
internal static unsafe class CallersGraph
{
    private sealed record Node(Func<torch.Tensor, IReadOnlyList<torch.Tensor?>> Backward, Action Release);

    /// <summary>Makes <paramref name="value"/> depend on <paramref name="inputs"/>; see <c>TorchExtras.SetBackward</c>.</summary>
    internal static void Attach(torch.Tensor value, IList<torch.Tensor> inputs, Func<torch.Tensor, IReadOnlyList<torch.Tensor?>> backward, Action release)
    {
        GCHandle node = GCHandle.Alloc(new Node(backward, release));
        IntPtr[] handles = torch.Tensor.Handles(inputs);
        fixed (IntPtr* p = handles)
        {
            int result = NativeMethods.lips_set_backward(value.Handle, p, handles.Length, &Backward, &Release, GCHandle.ToIntPtr(node));
            if (result != 0) node.Free();
            NativeMethods.Check(result);
        }
        GC.KeepAlive(value);
        GC.KeepAlive(inputs);
    }

    /// <summary>Called by the native node; no exception may leave it, so its text is written to <paramref name="message"/>.</summary>
    [UnmanagedCallersOnly]
    private static int Backward(IntPtr context, IntPtr gradient, IntPtr* gradients, int count, byte* message, int room)
    {
        try
        {
            using torch.Tensor given = new(gradient);
            IReadOnlyList<torch.Tensor?> answers = ((Node)GCHandle.FromIntPtr(context).Target!).Backward(given);
            for (int i = 0; i < count; i++)
            {
                if (answers[i] is not { } answer) continue;
                gradients[i] = NativeMethods.lips_tensor_copy_handle(answer.Handle);
                answer.Dispose();
            }
            return 0;
        }
        catch (Exception e)
        {
            byte[] text = Encoding.UTF8.GetBytes(e.Message);
            int length = Math.Min(text.Length, room - 1);
            text.AsSpan(0, length).CopyTo(new Span<byte>(message, room));
            message[length] = 0;
            return -1;
        }
    }

    [UnmanagedCallersOnly]
    private static void Release(IntPtr context)
    {
        GCHandle handle = GCHandle.FromIntPtr(context);
        ((Node)handle.Target!).Release();
        handle.Free();
    }
}
