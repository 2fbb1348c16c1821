using System;
using System.Collections.Generic;
using TorchSharp;

namespace Lips.Runtime.Torch;

/// <summary>What the TorchSharp packages lack; <c>Collectives.System.cs</c> has it.</summary>
public sealed class RendezvousStore : IDisposable
{
    public RendezvousStore(string host, int port, bool serves, TimeSpan timeout, string prefix = "") => throw Missing();

    public int Port => throw Missing();

    public void Set(string key, ReadOnlySpan<byte> value) => throw Missing();

    public byte[]? Get(string key, TimeSpan wait) => throw Missing();

    public long Add(string key, long amount) => throw Missing();

    public void Dispose()
    {
    }

    internal static NotSupportedException Missing() =>
        new("the TorchSharp packages (provider 'package') lack c10d, torch's engine for several processes; build with TorchProvider=system for it");
}

public sealed class PendingWork
{
    public void Wait() => throw RendezvousStore.Missing();
}

public sealed class ProcessGroup : IDisposable
{
    public ProcessGroup(RendezvousStore store, string prefix, string engine, string place, int rank, int size, TimeSpan timeout) => throw RendezvousStore.Missing();

    public int Rank => throw RendezvousStore.Missing();

    public int Size => throw RendezvousStore.Missing();

    public PendingWork Sum(torch.Tensor tensor) => throw RendezvousStore.Missing();

    public PendingWork Largest(torch.Tensor tensor) => throw RendezvousStore.Missing();

    public PendingWork Broadcast(torch.Tensor tensor, int root) => throw RendezvousStore.Missing();

    public PendingWork Send(torch.Tensor tensor, int to, int tag = 0) => throw RendezvousStore.Missing();

    public PendingWork Receive(torch.Tensor tensor, int from, int tag = 0) => throw RendezvousStore.Missing();

    public void Dispose()
    {
    }
}

public sealed class GradientReducer : IDisposable
{
    public GradientReducer(ProcessGroup group, IReadOnlyList<torch.Tensor> parameters, long bucketBytes) => throw RendezvousStore.Missing();

    public void Arm() => throw RendezvousStore.Missing();

    public void Finish() => throw RendezvousStore.Missing();

    public void Dispose()
    {
    }
}
