using System;
using System.Collections.Generic;
using System.IO;
using TorchSharp.Native;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Values in and out, and conversion between element types and devices.</summary>
    public unsafe partial class Tensor
    {
        /// <summary>The one value of a tensor with one element, converted to <typeparamref name="T"/> as C# converts numbers.</summary>
        /// <exception cref="System.Runtime.InteropServices.ExternalException">The tensor has more than one element or none.</exception>
        public T item<T>() where T : unmanaged
        {
            Scalar value = ToScalar();
            if (typeof(T) == typeof(float)) return (T)(object)(float)value.AsDouble;
            if (typeof(T) == typeof(double)) return (T)(object)value.AsDouble;
            if (typeof(T) == typeof(long)) return (T)(object)value.AsLong;
            if (typeof(T) == typeof(int)) return (T)(object)(int)value.AsLong;
            if (typeof(T) == typeof(bool)) return (T)(object)(value.AsDouble != 0);
            if (typeof(T) == typeof(byte)) return (T)(object)(byte)value.AsLong;
            if (typeof(T) == typeof(short)) return (T)(object)(short)value.AsLong;
            if (typeof(T) == typeof(sbyte)) return (T)(object)(sbyte)value.AsLong;
            if (typeof(T) == typeof(Half)) return (T)(object)(Half)value.AsDouble;
            throw new NotSupportedException($"a tensor's value cannot be read as {typeof(T)}");
        }

        public Scalar ToScalar()
        {
            RefuseWhereReadsAre();
            return Ops._local_scalar_dense.CallScalar(One());
        }

        /// <summary>Whether this thread may not read values: what it does stands for something that a device records.</summary>
        [ThreadStatic] internal static bool ReadsAreRefused;

        private static void RefuseWhereReadsAre()
        {
            if (ReadsAreRefused) throw new InvalidOperationException("a value was read in the midst of what is recorded");
        }

        private Tensor One() => numel() == 1 ? this : throw new ArgumentException($"a tensor with one element was expected, this one has {numel()}");

        /// <summary>The elements of a CPU tensor, in order; <typeparamref name="T"/> must be the element type.</summary>
        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            RefuseWhereReadsAre();
            if (device_type != DeviceType.CPU) throw new InvalidOperationException($"data() reads CPU memory and the tensor is on {device}; call cpu() first");
            if (sizeof(T) != SizeOf(dtype)) throw new ArgumentException($"the tensor holds {dtype}, not {typeof(T)}");
            return new TensorAccessor<T>(this);
        }

        /// <summary>The raw memory of a contiguous CPU tensor.</summary>
        public Span<byte> bytes
        {
            get => Memory<byte>(checked((int)(numel() * element_size())));
            set
            {
                Span<byte> own = bytes;
                if (own.Length != value.Length) throw new ArgumentException($"{value.Length} bytes do not fill a tensor of {own.Length}");
                value.CopyTo(own);
            }
        }

        internal Span<T> Memory<T>(int count) where T : unmanaged
        {
            RefuseWhereReadsAre();
            if (device_type != DeviceType.CPU) throw new InvalidOperationException($"the tensor is on {device}; call cpu() first");
            if (!is_contiguous()) throw new InvalidOperationException("the tensor is not contiguous; call contiguous() first");
            return new Span<T>(count == 0 ? null : NativeMethods.lips_tensor_data(Handle), count);
        }

        /// <summary>Address of the first element on the tensor's device.</summary>
        internal IntPtr DataPointer => (IntPtr)NativeMethods.lips_tensor_data(Handle);

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            using Tensor plain = is_contiguous() ? alias() : contiguous();
            var start = (byte*)NativeMethods.lips_tensor_data(plain.Handle);
            long total = plain.numel() * plain.element_size();
            for (long at = 0; at < total; at += 1 << 24) stream.Write(new ReadOnlySpan<byte>(start + at, (int)Math.Min(1 << 24, total - at)));
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            if (device_type != DeviceType.CPU || !is_contiguous()) throw new InvalidOperationException("only a contiguous CPU tensor can be read into");
            var start = (byte*)NativeMethods.lips_tensor_data(Handle);
            long total = numel() * element_size();
            for (long at = 0; at < total; at += 1 << 24) stream.ReadExactly(new Span<byte>(start + at, (int)Math.Min(1 << 24, total - at)));
            GC.KeepAlive(this);
        }

        private Tensor Convert(ScalarType? type, Device? device, bool copy, bool disposeAfter, bool non_blocking)
        {
            if (device is { type: DeviceType.CUDA } wanted && NativeMethods.lips_cuda_device_count() <= wanted.index)
                throw new InvalidOperationException($"there is no device {wanted}: this libtorch sees {NativeMethods.lips_cuda_device_count()} CUDA devices");
            Tensor result = device is null
                ? Ops.to__dtype.Call(this, type ?? dtype, non_blocking, copy)
                : Ops.to__device.Call(this, device, type ?? dtype, non_blocking, copy);
            if (disposeAfter) Dispose();
            return result;
        }

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(type, null, copy, disposeAfter, non_blocking);
        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(type, null, copy, disposeAfter, non_blocking);
        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(null, device, copy, disposeAfter, non_blocking);
        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(type, device, copy, disposeAfter, non_blocking);
        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(null, new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);
        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => Convert(null, new Device(device), copy, disposeAfter, non_blocking);
        public Tensor to(Tensor other, bool non_blocking = false) => Convert(other.dtype, other.device, false, false, non_blocking);
        public Tensor type(ScalarType dtype) => Convert(dtype, null, false, false, false);
        public Tensor type_as(Tensor tensor) => Convert(tensor.dtype, null, false, false, false);
        public Tensor cpu() => Convert(null, CPU, false, false, false);
        public Tensor cuda(Device? device = null, bool non_blocking = false) => Convert(null, device ?? CUDA, false, false, non_blocking);
        public Tensor @float() => Convert(ScalarType.Float32, null, false, false, false);
        public Tensor @double() => Convert(ScalarType.Float64, null, false, false, false);
        public Tensor half() => Convert(ScalarType.Float16, null, false, false, false);
        public Tensor bfloat16() => Convert(ScalarType.BFloat16, null, false, false, false);
        public Tensor @int() => Convert(ScalarType.Int32, null, false, false, false);
        public Tensor @long() => Convert(ScalarType.Int64, null, false, false, false);
        public Tensor @bool() => Convert(ScalarType.Bool, null, false, false, false);
        public Tensor @byte() => Convert(ScalarType.Byte, null, false, false, false);

        public static implicit operator Tensor(Scalar scalar) => scalar.Type switch
        {
            ScalarType.Bool => tensor(scalar.Bits != 0),
            ScalarType.Float64 => tensor(scalar.AsDouble),
            _ => tensor(scalar.Bits),
        };

        public static implicit operator Tensor(bool value) => tensor(value);
        public static implicit operator Tensor(int value) => tensor(value);
        public static implicit operator Tensor(long value) => tensor(value);
        public static implicit operator Tensor(float value) => tensor(value);
        public static implicit operator Tensor(double value) => tensor(value);
        public static explicit operator bool(Tensor value) => value.item<bool>();
        public static explicit operator int(Tensor value) => value.item<int>();
        public static explicit operator long(Tensor value) => value.item<long>();
        public static explicit operator float(Tensor value) => value.item<float>();
        public static explicit operator double(Tensor value) => value.item<double>();
    }

    /// <summary>The element types, numbered as libtorch numbers them.</summary>
    public enum ScalarType : sbyte
    {
        Byte = 0, Int8 = 1, Int16 = 2, Int32 = 3, Int64 = 4, Float16 = 5, Float32 = 6, Float64 = 7,
        ComplexFloat32 = 9, ComplexFloat64 = 10, Bool = 11, QInt8 = 12, QUInt8 = 13, QInt32 = 14, BFloat16 = 15,
    }

    public enum RoundingMode { None = 0, trunc = 1, floor = 2 }

    public static ScalarType uint8 = ScalarType.Byte;
    public static ScalarType int8 = ScalarType.Int8;
    public static ScalarType int16 = ScalarType.Int16;
    public static ScalarType int32 = ScalarType.Int32;
    public static ScalarType int64 = ScalarType.Int64;
    public static ScalarType float16 = ScalarType.Float16;
    public static ScalarType float32 = ScalarType.Float32;
    public static ScalarType float64 = ScalarType.Float64;
    public static ScalarType bfloat16 = ScalarType.BFloat16;
    public static ScalarType @bool = ScalarType.Bool;
}

public static partial class TensorExtensionMethods
{
    public static int ElementSize(this torch.ScalarType type) => (int)torch.SizeOf(type);
    public static bool ToBoolean(this torch.Tensor value) => value.item<bool>();
    public static int ToInt32(this torch.Tensor value) => value.item<int>();
    public static long ToInt64(this torch.Tensor value) => value.item<long>();
    public static float ToSingle(this torch.Tensor value) => value.item<float>();
    public static double ToDouble(this torch.Tensor value) => value.item<double>();
}
