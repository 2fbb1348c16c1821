using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;

namespace TorchSharp;

/// <summary>
/// Owns the tensors made on its thread while it is the innermost scope, and disposes them with itself. What shall
/// outlive it is moved to the outer scope or detached.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    private readonly List<torch.Tensor> tensors = [];
    private List<IDisposable>? others;
    private bool disposed;

    internal bool IsDisposed => disposed;

    internal DisposeScope(DisposeScope? outer) => Outer = outer;

    internal DisposeScope? Outer { get; }

    public int DisposablesCount => tensors.Count + (others?.Count ?? 0);

    public IReadOnlyList<IDisposable> DisposablesView => [.. tensors, .. others ?? []];

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(Outer, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second));

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOuter((IEnumerable<IDisposable>)disposables);

    public void MoveToOuter(IEnumerable<IDisposable> disposables)
    {
        foreach (IDisposable disposable in disposables) MoveToOuter(disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        Remove(disposable);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable => (Detach(first), Detach(second));

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => (Detach(first), Detach(second), Detach(third));

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        foreach (IDisposable disposable in disposables) Remove(disposable);
    }

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        if (Remove(disposable)) scope?.Attach(disposable);
        return disposable;
    }

    /// <summary>Takes ownership, also of what another scope owned.</summary>
    public void Attach(IDisposable disposable)
    {
        if (disposable is torch.Tensor tensor)
        {
            tensor.OwningScope?.Remove(tensor);
            Register(tensor);
        }
        else if (others is null || !others.Any(o => ReferenceEquals(o, disposable)))
        {
            (others ??= []).Add(disposable);
        }
    }

    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        IDisposable[] all = disposables.ToArray();
        foreach (IDisposable disposable in all) Attach(disposable);
        return all;
    }

    public bool Contains(IDisposable disposable) =>
        disposable is torch.Tensor tensor ? ReferenceEquals(tensor.OwningScope, this) : others?.Any(o => ReferenceEquals(o, disposable)) == true;

    /// <summary>Tells the scope that something it owned was disposed by hand.</summary>
    public void MarkAsDisposed(IDisposable disposable) => Remove(disposable);

    public void DisposeEverything() => DisposeEverythingBut(Array.Empty<IDisposable>());

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        var keep = new HashSet<IDisposable>(inKeep, ReferenceEqualityComparer.Instance);
        torch.Tensor[] owned = [.. tensors];
        IDisposable[] further = others is null ? [] : [.. others];
        foreach (torch.Tensor tensor in owned)
            if (!keep.Contains(tensor)) tensor.Dispose();
        foreach (IDisposable other in further)
        {
            if (keep.Contains(other)) continue;
            others!.Remove(other);
            other.Dispose();
        }
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        // in the order they were made, and without a list of what is kept: a step ends hundreds of scopes
        for (int i = 0; i < tensors.Count; i++)
        {
            tensors[i].OwningScope = null;
            tensors[i].Dispose();
        }
        tensors.Clear();
        if (others is not null) DisposeEverything();
        DisposeScopeManager.Remove(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Register(torch.Tensor tensor)
    {
        tensor.OwningScope = this;
        tensor.ScopeIndex = tensors.Count;
        tensors.Add(tensor);
    }

    internal bool Remove(IDisposable disposable)
    {
        if (disposable is not torch.Tensor tensor) return others?.Remove(disposable) == true;
        if (!ReferenceEquals(tensor.OwningScope, this)) return false;
        int last = tensors.Count - 1;
        torch.Tensor moved = tensors[last];
        tensors[tensor.ScopeIndex] = moved;
        moved.ScopeIndex = tensor.ScopeIndex;
        tensors.RemoveAt(last);
        tensor.OwningScope = null;
        return true;
    }
}

/// <summary>The stack of scopes of each thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScope? current;

    internal static DisposeScope? Current => current;

    internal static DisposeScope Push() => current = new DisposeScope(current);

    /// <summary>Scopes need not end in the order they began: one that ends leaves the others as they are.</summary>
    internal static void Remove(DisposeScope scope)
    {
        if (ReferenceEquals(current, scope)) current = scope.Outer;
        while (current is { IsDisposed: true }) current = current.Outer;
    }
}

public static partial class torch
{
    /// <summary>Begins a scope that owns every tensor made on this thread until it is disposed.</summary>
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.Push();

    /// <summary>The value of <paramref name="expr"/>; everything else that it made is disposed.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using DisposeScope scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}
