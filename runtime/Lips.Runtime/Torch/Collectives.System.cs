using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using TorchSharp.Native;

namespace Lips.Runtime.Torch;

/// <summary>
/// c10d's key-value store over TCP, where processes that shall work together find each other. <c>Collectives.Package.cs</c> has
/// the members of this file for the TorchSharp packages.
/// </summary>
public sealed unsafe class RendezvousStore : IDisposable
{
    private IntPtr _handle;

    /// <param name="serves">This process holds the store; the others connect to it.</param>
    /// <param name="port">0 where the process that serves takes any free one; <see cref="Port"/> tells.</param>
    /// <param name="prefix">Put before all keys.</param>
    public RendezvousStore(string host, int port, bool serves, TimeSpan timeout, string prefix = "")
    {
        IntPtr handle;
        int bound;
        fixed (byte* h = NativeText.Of(host), p = NativeText.Of(prefix))
            NativeMethods.Check(NativeMethods.lips_store_new(h, port, serves ? 1 : 0, NativeText.Milliseconds(timeout), p, &handle, &bound));
        (_handle, Port) = (handle, bound);
    }

    public int Port { get; }

    internal IntPtr Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(RendezvousStore));

    public void Set(string key, ReadOnlySpan<byte> value)
    {
        fixed (byte* k = NativeText.Of(key), v = value)
            NativeMethods.Check(NativeMethods.lips_store_set(Handle, k, v, value.Length));
    }

    /// <summary>The value, waited for; null where nobody set it in time.</summary>
    public byte[]? Get(string key, TimeSpan wait)
    {
        byte* bytes;
        long count;
        fixed (byte* k = NativeText.Of(key))
            if (NativeMethods.Check(NativeMethods.lips_store_get(Handle, k, NativeText.Milliseconds(wait), &bytes, &count)) == 0)
                return null;
        byte[] value = new ReadOnlySpan<byte>(bytes, checked((int)count)).ToArray();
        NativeMethods.lips_free(bytes);
        return value;
    }

    /// <summary>Adds to a number that starts at 0, and gives the sum.</summary>
    public long Add(string key, long amount)
    {
        long sum;
        fixed (byte* k = NativeText.Of(key))
            NativeMethods.Check(NativeMethods.lips_store_add(Handle, k, amount, &sum));
        return sum;
    }

    public void Dispose()
    {
        if (_handle != 0)
            NativeMethods.lips_store_free(_handle);
        _handle = 0;
    }
}

/// <summary>A collective on its way. <see cref="Wait"/> once; the tensor must live until then.</summary>
public sealed class PendingWork
{
    private readonly torch.Tensor _tensor;
    private IntPtr _handle;

    internal PendingWork(IntPtr handle, torch.Tensor tensor) => (_handle, _tensor) = (handle, tensor);

    /// <exception cref="ExternalException">A process is gone, or did not answer in time.</exception>
    public void Wait()
    {
        IntPtr handle = _handle;
        _handle = 0;
        if (handle != 0)
            NativeMethods.Check(NativeMethods.lips_work_wait(handle));
        GC.KeepAlive(_tensor);
    }
}

/// <summary>Processes that exchange tensors through one of c10d's engines. All must call the same collectives in the same order.</summary>
public sealed unsafe class ProcessGroup : IDisposable
{
    private IntPtr _handle;

    /// <param name="engine"><c>gloo</c> for tensors on the CPU, <c>nccl</c> for those on CUDA devices.</param>
    /// <param name="place">For Gloo: the network interface, or <c>@</c> and a host name whose address is used; empty for this machine's name.</param>
    public ProcessGroup(RendezvousStore store, string prefix, string engine, string place, int rank, int size, TimeSpan timeout)
    {
        IntPtr handle;
        fixed (byte* p = NativeText.Of(prefix), e = NativeText.Of(engine), w = NativeText.Of(place))
            NativeMethods.Check(NativeMethods.lips_group_new(store.Handle, p, e, w, rank, size, NativeText.Milliseconds(timeout), &handle));
        (_handle, Rank, Size) = (handle, rank, size);
    }

    public int Rank { get; }

    public int Size { get; }

    internal IntPtr Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(nameof(ProcessGroup));

    /// <summary>The tensor becomes the sum of all processes' tensors.</summary>
    public PendingWork Sum(torch.Tensor tensor) => Reduce(tensor, 0);

    /// <summary>The tensor becomes the largest of all processes' tensors, entry by entry.</summary>
    public PendingWork Largest(torch.Tensor tensor) => Reduce(tensor, 1);

    /// <summary>The tensor becomes that of process <paramref name="root"/>.</summary>
    public PendingWork Broadcast(torch.Tensor tensor, int root)
    {
        IntPtr work;
        NativeMethods.Check(NativeMethods.lips_broadcast(Handle, tensor.Handle, root, &work));
        return new PendingWork(work, tensor);
    }

    public PendingWork Send(torch.Tensor tensor, int to, int tag = 0)
    {
        IntPtr work;
        NativeMethods.Check(NativeMethods.lips_send(Handle, tensor.Handle, to, tag, &work));
        return new PendingWork(work, tensor);
    }

    public PendingWork Receive(torch.Tensor tensor, int from, int tag = 0)
    {
        IntPtr work;
        NativeMethods.Check(NativeMethods.lips_receive(Handle, tensor.Handle, from, tag, &work));
        return new PendingWork(work, tensor);
    }

    private PendingWork Reduce(torch.Tensor tensor, int operation)
    {
        IntPtr work;
        NativeMethods.Check(NativeMethods.lips_all_reduce(Handle, tensor.Handle, operation, &work));
        return new PendingWork(work, tensor);
    }

    public void Dispose()
    {
        if (_handle != 0)
            NativeMethods.lips_group_free(_handle);
        _handle = 0;
    }
}

/// <summary>
/// Sums the gradients of all processes while the backward pass still computes: buckets of gradients leave as soon as they are
/// full. A round: <see cref="Arm"/>, the backward pass that completes the gradients, <see cref="Finish"/>.
/// </summary>
public sealed unsafe class GradientReducer : IDisposable
{
    private IntPtr _handle;

    public GradientReducer(ProcessGroup group, IReadOnlyList<torch.Tensor> parameters, long bucketBytes)
    {
        IntPtr[] handles = [.. parameters.Select(p => p.Handle)];
        IntPtr handle;
        fixed (IntPtr* p = handles)
            NativeMethods.Check(NativeMethods.lips_reducer_new(group.Handle, p, handles.Length, bucketBytes, &handle));
        GC.KeepAlive(parameters);
        _handle = handle;
    }

    /// <summary>Announces the backward pass that completes the gradients.</summary>
    public void Arm() => NativeMethods.Check(NativeMethods.lips_reducer_arm(_handle));

    /// <summary>Afterwards every parameter's gradient is the sum over all processes.</summary>
    public void Finish() => NativeMethods.Check(NativeMethods.lips_reducer_finish(_handle));

    public void Dispose()
    {
        if (_handle != 0)
            NativeMethods.lips_reducer_free(_handle);
        _handle = 0;
    }
}

internal static class NativeText
{
    public static byte[] Of(string text) => Encoding.UTF8.GetBytes(text + "\0");

    public static long Milliseconds(TimeSpan time) => Math.Max(1, (long)time.TotalMilliseconds);
}
