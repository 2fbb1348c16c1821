using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    private static unsafe Tensor FromMemory<T>(ReadOnlySpan<T> data, ReadOnlySpan<long> size, ScalarType stored, ScalarType? dtype, Device? device, bool requires_grad, string[]? names) where T : unmanaged
    {
        long count = 1;
        foreach (long n in size) count *= n;
        if (count != data.Length) throw new ArgumentException($"{data.Length} values do not fill the shape [{string.Join(", ", size.ToArray())}] ({count} values)");
        Tensor made = Ops.empty__memory_format.Call(size.ToArray(), stored, Arg.None, CPU, Arg.None);
        if (count > 0) data.CopyTo(new Span<T>(NativeMethods.lips_tensor_data(made.Handle), data.Length));
        GC.KeepAlive(made);
        ScalarType type = dtype ?? stored;
        Device place = device ?? defaultDevice;
        if (type != stored) made = made.to_type(type, disposeAfter: true);
        if (place.type != DeviceType.CPU) made = made.to(place, disposeAfter: true);
        return Finish(made, requires_grad, names);
    }

    private static unsafe Tensor FromArray<T>(Array data, ScalarType stored, ScalarType? dtype, Device? device, bool requires_grad, string[]? names) where T : unmanaged
    {
        var size = new long[data.Rank];
        for (int i = 0; i < size.Length; i++) size[i] = data.GetLongLength(i);
        return FromMemory(MemoryMarshal.CreateReadOnlySpan(ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(data)), data.Length), size, stored, dtype, device, requires_grad, names);
    }

    public static Tensor tensor(bool scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromMemory<bool>([scalar], [], ScalarType.Bool, dtype, device, requires_grad, null);
    public static Tensor tensor(bool[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<bool>(rawArray, [rawArray.LongLength], ScalarType.Bool, dtype, device, requires_grad, names);
    public static Tensor tensor(bool[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<bool>(rawArray, dimensions, ScalarType.Bool, dtype, device, requires_grad, names);
    public static Tensor tensor(bool[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<bool>(rawArray, ScalarType.Bool, dtype, device, requires_grad, names);
    public static Tensor tensor(bool[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<bool>(rawArray, ScalarType.Bool, dtype, device, requires_grad, names);
    public static Tensor tensor(bool[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<bool>(rawArray, ScalarType.Bool, dtype, device, requires_grad, names);

    public static Tensor tensor(byte scalar, Device? device = null, bool requires_grad = false) => FromMemory<byte>([scalar], [], ScalarType.Byte, null, device, requires_grad, null);
    public static Tensor tensor(byte[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<byte>(rawArray, [rawArray.LongLength], ScalarType.Byte, dtype, device, requires_grad, names);
    public static Tensor tensor(byte[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<byte>(rawArray, dimensions, ScalarType.Byte, dtype, device, requires_grad, names);
    public static Tensor tensor(byte[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<byte>(rawArray, ScalarType.Byte, dtype, device, requires_grad, names);
    public static Tensor tensor(byte[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<byte>(rawArray, ScalarType.Byte, dtype, device, requires_grad, names);
    public static Tensor tensor(byte[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<byte>(rawArray, ScalarType.Byte, dtype, device, requires_grad, names);

    public static Tensor tensor(sbyte scalar, Device? device = null, bool requires_grad = false) => FromMemory<sbyte>([scalar], [], ScalarType.Int8, null, device, requires_grad, null);
    public static Tensor tensor(sbyte[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<sbyte>(rawArray, [rawArray.LongLength], ScalarType.Int8, dtype, device, requires_grad, names);
    public static Tensor tensor(sbyte[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<sbyte>(rawArray, dimensions, ScalarType.Int8, dtype, device, requires_grad, names);
    public static Tensor tensor(sbyte[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<sbyte>(rawArray, ScalarType.Int8, dtype, device, requires_grad, names);
    public static Tensor tensor(sbyte[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<sbyte>(rawArray, ScalarType.Int8, dtype, device, requires_grad, names);
    public static Tensor tensor(sbyte[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<sbyte>(rawArray, ScalarType.Int8, dtype, device, requires_grad, names);

    public static Tensor tensor(short scalar, Device? device = null, bool requires_grad = false) => FromMemory<short>([scalar], [], ScalarType.Int16, null, device, requires_grad, null);
    public static Tensor tensor(short[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<short>(rawArray, [rawArray.LongLength], ScalarType.Int16, dtype, device, requires_grad, names);
    public static Tensor tensor(short[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<short>(rawArray, dimensions, ScalarType.Int16, dtype, device, requires_grad, names);
    public static Tensor tensor(short[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<short>(rawArray, ScalarType.Int16, dtype, device, requires_grad, names);
    public static Tensor tensor(short[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<short>(rawArray, ScalarType.Int16, dtype, device, requires_grad, names);
    public static Tensor tensor(short[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<short>(rawArray, ScalarType.Int16, dtype, device, requires_grad, names);

    public static Tensor tensor(int scalar, Device? device = null, bool requires_grad = false) => FromMemory<int>([scalar], [], ScalarType.Int32, null, device, requires_grad, null);
    public static Tensor tensor(int[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<int>(rawArray, [rawArray.LongLength], ScalarType.Int32, dtype, device, requires_grad, names);
    public static Tensor tensor(int[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<int>(rawArray, dimensions, ScalarType.Int32, dtype, device, requires_grad, names);
    public static Tensor tensor(int[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<int>(rawArray, ScalarType.Int32, dtype, device, requires_grad, names);
    public static Tensor tensor(int[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<int>(rawArray, ScalarType.Int32, dtype, device, requires_grad, names);
    public static Tensor tensor(int[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<int>(rawArray, ScalarType.Int32, dtype, device, requires_grad, names);

    public static Tensor tensor(long scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromMemory<long>([scalar], [], ScalarType.Int64, dtype, device, requires_grad, null);
    public static Tensor tensor(long[] dataArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<long>(dataArray, [dataArray.LongLength], ScalarType.Int64, dtype, device, requires_grad, names);
    public static Tensor tensor(long[] dataArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<long>(dataArray, dimensions, ScalarType.Int64, dtype, device, requires_grad, names);
    public static Tensor tensor(long[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<long>(rawArray, ScalarType.Int64, dtype, device, requires_grad, names);
    public static Tensor tensor(long[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<long>(rawArray, ScalarType.Int64, dtype, device, requires_grad, names);
    public static Tensor tensor(long[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<long>(rawArray, ScalarType.Int64, dtype, device, requires_grad, names);

    public static Tensor tensor(Half[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<Half>(rawArray, [rawArray.LongLength], ScalarType.Float16, dtype, device, requires_grad, names);
    public static Tensor tensor(Half[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<Half>(rawArray, dimensions, ScalarType.Float16, dtype, device, requires_grad, names);
    public static Tensor tensor(Half[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<Half>(rawArray, ScalarType.Float16, dtype, device, requires_grad, names);
    public static Tensor tensor(Half[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<Half>(rawArray, ScalarType.Float16, dtype, device, requires_grad, names);
    public static Tensor tensor(Half[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<Half>(rawArray, ScalarType.Float16, dtype, device, requires_grad, names);

    public static Tensor tensor(float scalar, Device? device = null, bool requires_grad = false) => FromMemory<float>([scalar], [], ScalarType.Float32, null, device, requires_grad, null);
    public static Tensor tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<float>(rawArray, [rawArray.LongLength], ScalarType.Float32, dtype, device, requires_grad, names);
    public static Tensor tensor(float[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<float>(rawArray, dimensions, ScalarType.Float32, dtype, device, requires_grad, names);
    public static Tensor tensor(float[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<float>(rawArray, ScalarType.Float32, dtype, device, requires_grad, names);
    public static Tensor tensor(float[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<float>(rawArray, ScalarType.Float32, dtype, device, requires_grad, names);
    public static Tensor tensor(float[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<float>(rawArray, ScalarType.Float32, dtype, device, requires_grad, names);

    public static Tensor tensor(double scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => FromMemory<double>([scalar], [], ScalarType.Float64, dtype, device, requires_grad, null);
    public static Tensor tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<double>(rawArray, [rawArray.LongLength], ScalarType.Float64, dtype, device, requires_grad, names);
    public static Tensor tensor(double[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromMemory<double>(rawArray, dimensions, ScalarType.Float64, dtype, device, requires_grad, names);
    public static Tensor tensor(double[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<double>(rawArray, ScalarType.Float64, dtype, device, requires_grad, names);
    public static Tensor tensor(double[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<double>(rawArray, ScalarType.Float64, dtype, device, requires_grad, names);
    public static Tensor tensor(double[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) => FromArray<double>(rawArray, ScalarType.Float64, dtype, device, requires_grad, names);

    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device);

    /// <summary>A copy of an array of any rank and number type.</summary>
    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null) => rawArray.GetType().GetElementType() switch
    {
        { } type when type == typeof(bool) => FromArray<bool>(rawArray, ScalarType.Bool, dtype, device, requires_grad, names),
        { } type when type == typeof(byte) => FromArray<byte>(rawArray, ScalarType.Byte, dtype, device, requires_grad, names),
        { } type when type == typeof(sbyte) => FromArray<sbyte>(rawArray, ScalarType.Int8, dtype, device, requires_grad, names),
        { } type when type == typeof(short) => FromArray<short>(rawArray, ScalarType.Int16, dtype, device, requires_grad, names),
        { } type when type == typeof(int) => FromArray<int>(rawArray, ScalarType.Int32, dtype, device, requires_grad, names),
        { } type when type == typeof(long) => FromArray<long>(rawArray, ScalarType.Int64, dtype, device, requires_grad, names),
        { } type when type == typeof(Half) => FromArray<Half>(rawArray, ScalarType.Float16, dtype, device, requires_grad, names),
        { } type when type == typeof(float) => FromArray<float>(rawArray, ScalarType.Float32, dtype, device, requires_grad, names),
        { } type when type == typeof(double) => FromArray<double>(rawArray, ScalarType.Float64, dtype, device, requires_grad, names),
        _ => throw new ArgumentException($"an array of {rawArray.GetType().GetElementType()} cannot become a tensor", nameof(rawArray)),
    };

    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device? device = null) => data.to(dtype ?? data.dtype, device ?? data.device);

    /// <summary>A CPU tensor that shares the array's memory; the array stays pinned as long as the tensor's memory is used.</summary>
    public static unsafe Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        long bytes = Buffer.ByteLength(rawArray), size = SizeOf(dtype);
        if (offset < 0 || offset > bytes) throw new ArgumentOutOfRangeException(nameof(offset), offset, $"the array has {bytes} bytes");
        if (count < 0) count = (bytes - offset) / size;
        if (offset + (count * size) > bytes) throw new ArgumentOutOfRangeException(nameof(count), count, $"the array has {bytes} bytes");
        GCHandle pin = GCHandle.Alloc(rawArray, GCHandleType.Pinned);
        IntPtr made;
        int result = NativeMethods.lips_from_blob((byte*)pin.AddrOfPinnedObject() + offset, &count, 1, (int)dtype, &Unpin, GCHandle.ToIntPtr(pin), &made);
        if (result != 0) pin.Free();
        NativeMethods.Check(result);
        return Finish(new Tensor(made), requires_grad);
    }

    [UnmanagedCallersOnly]
    private static void Unpin(IntPtr pin) => GCHandle.FromIntPtr(pin).Free();
}
