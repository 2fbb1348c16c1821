using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using TorchSharp.Modules;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A tensor of libtorch. Dispose it, or let a <see cref="DisposeScope"/> do it: the finalizer frees the memory too,
    /// but the garbage collector does not know how large it is.
    /// </summary>
    public unsafe partial class Tensor : IDisposable
    {
        private static long totalCount;
        private static long peakCount;

        private IntPtr handle;

        internal DisposeScope? OwningScope;
        internal int ScopeIndex;

        internal Tensor(IntPtr handle)
        {
            this.handle = handle;
            long count = Interlocked.Increment(ref totalCount);
            if (count > peakCount) peakCount = count;
            DisposeScopeManager.Current?.Register(this);
        }

        ~Tensor() => Dispose(false);

        /// <summary>Live tensor objects of this process.</summary>
        public static long TotalCount => Interlocked.Read(ref totalCount);

        public static long PeakCount => Interlocked.Read(ref peakCount);

        /// <summary>The native tensor.</summary>
        /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
        public IntPtr Handle
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get
            {
                if (handle == 0) ThrowDisposed();
                return handle;
            }
        }

        /// <summary>Whether the tensor was disposed.</summary>
        public bool IsInvalid => handle == 0;

        /// <summary>A name for people; no effect.</summary>
        public string? name { get; set; }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            IntPtr owned = Interlocked.Exchange(ref handle, 0);
            if (owned == 0) return;
            // A finalizer runs on its own thread; a scope belongs to the thread that made it, and being reachable from
            // it, a tensor with a live scope is never finalized.
            if (disposing) OwningScope?.Remove(this);
            Interlocked.Decrement(ref totalCount);
            NativeMethods.lips_tensor_free(owned);
        }

        /// <summary>Hands the native tensor over; this object is empty afterwards.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            IntPtr owned = Handle;
            OwningScope?.Remove(this);
            GC.SuppressFinalize(this);
            Interlocked.Decrement(ref totalCount);
            handle = 0;
            return owned;
        }

        /// <summary>Takes over another object's native tensor and lets go of the own one; the identity stays.</summary>
        internal void Adopt(Tensor other)
        {
            IntPtr taken = other.DecoupleFromNativeHandle();
            NativeMethods.lips_tensor_free(Interlocked.Exchange(ref handle, taken));
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningScope?.Remove(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            OwningScope?.Remove(this);
            other?.Register(this);
            return this;
        }

        /// <summary>The same values as a leaf parameter; takes over the native tensor.</summary>
        internal Parameter ToParameter(bool requires_grad = true) => new(this, requires_grad);

        private static void ThrowDisposed() => throw new ObjectDisposedException(nameof(Tensor), "the tensor was disposed: by hand, or with the scope it was made in");

        // ---- what is known of it -----------------------------------------------------------------------------------

        public ScalarType dtype
        {
            get
            {
                var type = (ScalarType)NativeMethods.lips_tensor_dtype(Handle);
                GC.KeepAlive(this);
                return type;
            }
        }

        public long ndim
        {
            get
            {
                long count = NativeMethods.lips_tensor_dim(Handle);
                GC.KeepAlive(this);
                return count;
            }
        }

        public long dim() => ndim;

        public long Dimensions => ndim;

        public long numel()
        {
            long count = NativeMethods.lips_tensor_numel(Handle);
            GC.KeepAlive(this);
            return count;
        }

        public long NumberOfElements => numel();

        /// <summary>Bytes of one element.</summary>
        public long element_size() => SizeOf(dtype);

        public long ElementSize => element_size();

        public Device device
        {
            get
            {
                int index;
                var type = (DeviceType)NativeMethods.lips_tensor_device(Handle, &index);
                GC.KeepAlive(this);
                return type == DeviceType.CPU ? CPU : type == DeviceType.META ? META : new Device(type, index);
            }
        }

        public DeviceType device_type
        {
            get
            {
                int index;
                var type = (DeviceType)NativeMethods.lips_tensor_device(Handle, &index);
                GC.KeepAlive(this);
                return type;
            }
        }

        public int device_index
        {
            get
            {
                int index;
                _ = NativeMethods.lips_tensor_device(Handle, &index);
                GC.KeepAlive(this);
                return index;
            }
        }

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_meta => device_type == DeviceType.META;

        public long[] shape
        {
            get
            {
                var sizes = new long[NativeMethods.lips_tensor_dim(Handle)];
                fixed (long* start = sizes) NativeMethods.lips_tensor_sizes(handle, start);
                GC.KeepAlive(this);
                return sizes;
            }
        }

        public long[] size() => shape;

        /// <param name="dim">Negative: counted from the end.</param>
        public long size(int dim)
        {
            int count = NativeMethods.lips_tensor_dim(Handle);
            if (dim < -count || dim >= count) throw new ArgumentOutOfRangeException(nameof(dim), dim, $"the tensor has {count} dimensions");
            long* sizes = stackalloc long[count];
            NativeMethods.lips_tensor_sizes(handle, sizes);
            GC.KeepAlive(this);
            return sizes[dim < 0 ? dim + count : dim];
        }

        /// <summary>Steps between neighbours along each dimension, in elements.</summary>
        public long[] stride()
        {
            var strides = new long[NativeMethods.lips_tensor_dim(Handle)];
            fixed (long* start = strides) NativeMethods.Check(NativeMethods.lips_tensor_strides(handle, start));
            GC.KeepAlive(this);
            return strides;
        }

        public long stride(int dim)
        {
            long[] strides = stride();
            return strides[dim < 0 ? dim + strides.Length : dim];
        }

        private int Flags
        {
            get
            {
                int flags = NativeMethods.Check(NativeMethods.lips_tensor_flags(Handle));
                GC.KeepAlive(this);
                return flags;
            }
        }

        public bool is_leaf => (Flags & 2) != 0;

        public bool is_contiguous() => (Flags & 4) != 0;

        public bool is_sparse => (Flags & 8) != 0;

        public bool is_floating_point() => dtype is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

        public bool is_integral() => dtype is ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64 or ScalarType.Bool;

        public bool is_complex() => dtype is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;

        public override string ToString() => IsInvalid ? "(disposed)" : $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";

        public override bool Equals(object? obj) => ReferenceEquals(this, obj);

        public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

        internal static Tensor? OrNull(IntPtr handle) => handle == 0 ? null : new Tensor(handle);

        internal static IntPtr[] Handles(IList<Tensor>? tensors)
        {
            if (tensors is null) return [];
            var handles = new IntPtr[tensors.Count];
            for (int i = 0; i < handles.Length; i++) handles[i] = tensors[i] is { } t ? t.Handle : 0;
            return handles;
        }
    }

    internal static long SizeOf(ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool or ScalarType.QInt8 or ScalarType.QUInt8 => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 or ScalarType.QInt32 => 4,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => throw new NotSupportedException($"element type {type} is not supported"),
    };
}
