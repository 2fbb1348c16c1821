using System;
using System.Collections.Generic;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One entry of <c>x[…]</c>: a position, a slice, a new dimension, everything, the rest, or a tensor of positions.</summary>
    public struct TensorIndex
    {
        internal enum Kind { Colon, Ellipsis, None, Single, Slice, Bool, Tensor }

        internal Kind What;
        internal long Start;
        internal long? Stop;
        internal long Step;
        internal Tensor? Positions;

        public static TensorIndex Ellipsis = new() { What = Kind.Ellipsis };
        public static TensorIndex None = new() { What = Kind.None };
        public static TensorIndex Null = new() { What = Kind.None };
        public static TensorIndex Colon = new() { What = Kind.Colon };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { What = Kind.Slice, Start = start ?? 0, Stop = stop, Step = step ?? 1 };

        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range) => Slice(
            range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value,
            range.End.IsFromEnd ? (range.End.Value == 0 ? null : -range.End.Value) : range.End.Value);

        public static TensorIndex Bool(bool value) => new() { What = Kind.Bool, Start = value ? 1 : 0 };

        public static TensorIndex Single(long? index) => index is { } i ? new() { What = Kind.Single, Start = i } : None;

        public static TensorIndex Tensor(Tensor tensor) => new() { What = Kind.Tensor, Positions = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);
    }

    public partial class Tensor
    {
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        public Tensor this[params long[] indices]
        {
            get => index(Array.ConvertAll(indices, TensorIndexOf));
            set => index_put_(value, Array.ConvertAll(indices, TensorIndexOf));
        }

        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => index_put_(value, TensorIndexOf(i1));
        }

        public Tensor this[long i1, long i2]
        {
            get => index(TensorIndexOf(i1), TensorIndexOf(i2));
            set => index_put_(value, TensorIndexOf(i1), TensorIndexOf(i2));
        }

        public Tensor this[long i1, long i2, long i3]
        {
            get => index(TensorIndexOf(i1), TensorIndexOf(i2), TensorIndexOf(i3));
            set => index_put_(value, TensorIndexOf(i1), TensorIndexOf(i2), TensorIndexOf(i3));
        }

        /// <summary>Positions, slices and new dimensions give a view; tensors of positions give a copy.</summary>
        public Tensor index(params TensorIndex[] indices)
        {
            Tensor view = View(indices, out Tensor?[]? positions);
            if (positions is null) return view;
            Tensor result = Ops.index__Tensor.Call(view, Arg.OptionalList(positions));
            view.Dispose();
            return result;
        }

        public Tensor index(params Tensor[] indices) => Ops.index__Tensor.Call(this, Arg.OptionalList(indices));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            using Tensor view = View(indices, out Tensor?[]? positions);
            using Tensor source = value.dtype == dtype && value.device_type == device_type ? value.alias() : value.to(dtype, device);
            if (positions is not null) Ops.index_put_.Run(view, Arg.OptionalList(positions), source, accumulate);
            else if (accumulate) view.add_(source);
            else view.copy_(source);
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => Ops.index_put_.InPlace(this, this, Arg.OptionalList(indices), value, accumulate);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using Tensor number = full([], value, dtype, device);
            return index_put_(number, indices, false);
        }

        private static TensorIndex TensorIndexOf(long i) => TensorIndex.Single(i);

        /// <summary>What is left to index by tensors after positions, slices and new dimensions; null when nothing is.</summary>
        private Tensor View(TensorIndex[] indices, out Tensor?[]? positions)
        {
            int consumed = 0;
            foreach (TensorIndex i in indices)
                consumed += i.What switch { TensorIndex.Kind.Ellipsis or TensorIndex.Kind.None or TensorIndex.Kind.Bool => 0, TensorIndex.Kind.Tensor => Dimensions(i.Positions!), _ => 1 };
            if (consumed > ndim) throw new ArgumentException($"{consumed} indices for a tensor of {ndim} dimensions");
            Tensor view = alias();
            List<Tensor?>? list = null;
            long dim = 0;
            foreach (TensorIndex i in indices)
            {
                switch (i.What)
                {
                    case TensorIndex.Kind.Colon: dim++; break;
                    case TensorIndex.Kind.Ellipsis: dim += ndim - consumed; break;
                    case TensorIndex.Kind.Single: Replace(ref view, view.select(dim, i.Start)); break;
                    case TensorIndex.Kind.None: Replace(ref view, view.unsqueeze(dim++)); break;
                    case TensorIndex.Kind.Slice: Replace(ref view, Ops.slice__Tensor.Call(view, dim++, i.Start, i.Stop, i.Step)); break;
                    case TensorIndex.Kind.Bool: Add(ref list, dim, tensor(i.Start != 0, device: device)); Replace(ref view, view.unsqueeze(dim++)); break;
                    case TensorIndex.Kind.Tensor: Add(ref list, dim, i.Positions!); dim += Dimensions(i.Positions!); break;
                }
            }
            positions = list?.ToArray();
            return view;

            static int Dimensions(Tensor t) => t.dtype is ScalarType.Bool ? (int)t.ndim : 1;

            static void Replace(ref Tensor view, Tensor next)
            {
                view.Dispose();
                view = next;
            }

            static void Add(ref List<Tensor?>? list, long dim, Tensor index)
            {
                list ??= [];
                int at = (int)dim;
                int used = 0;
                foreach (Tensor? t in list) used += t is null ? 1 : Dimensions(t);
                while (used++ < at) list.Add(null);
                list.Add(index);
            }
        }
    }
}
