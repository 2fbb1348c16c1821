using System;
using System.Collections;
using System.Collections.Generic;
using TorchSharp.Native;

namespace TorchSharp.Utils;

/// <summary>Elements of a CPU tensor in their logical order, whatever its strides.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor tensor;
    private readonly long[] sizes;
    private readonly long[] strides;

    internal TensorAccessor(torch.Tensor tensor)
    {
        this.tensor = tensor.alias().DetachFromDisposeScope();
        sizes = tensor.shape;
        strides = tensor.stride();
        Count = tensor.numel();
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    public T[] ToArray()
    {
        var values = new T[Count];
        CopyTo(values);
        return values;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0)
    {
        using torch.Tensor plain = tensor.is_contiguous() ? tensor.alias() : tensor.contiguous();
        var start = (T*)NativeMethods.lips_tensor_data(plain.Handle);
        if (Count > tensorIndex) new ReadOnlySpan<T>(start + tensorIndex, checked((int)(Count - tensorIndex))).CopyTo(array.AsSpan(arrayIndex));
        GC.KeepAlive(plain);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0)
    {
        for (int i = arrayIndex; i < array.Length && tensorIndex < Count; i++) *Address(tensorIndex++) = array[i];
    }

    public T this[params long[] indices]
    {
        get => *Address(indices);
        set => *Address(indices) = value;
    }

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)ToArray()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    private T* Address(long[] indices)
    {
        if (indices.Length == 1 && sizes.Length != 1) return Address(indices[0]);
        if (indices.Length != sizes.Length) throw new ArgumentException($"{indices.Length} indices for {sizes.Length} dimensions");
        long at = 0;
        for (int i = 0; i < indices.Length; i++)
        {
            if ((ulong)indices[i] >= (ulong)sizes[i]) throw new IndexOutOfRangeException($"index {indices[i]} is outside dimension {i} of size {sizes[i]}");
            at += indices[i] * strides[i];
        }
        return (T*)NativeMethods.lips_tensor_data(tensor.Handle) + at;
    }

    private T* Address(long position)
    {
        if ((ulong)position >= (ulong)Count) throw new IndexOutOfRangeException($"index {position} is outside {Count} elements");
        long at = 0;
        for (int i = sizes.Length - 1; i >= 0; i--)
        {
            at += position % sizes[i] * strides[i];
            position /= sizes[i];
        }
        return (T*)NativeMethods.lips_tensor_data(tensor.Handle) + at;
    }
}
