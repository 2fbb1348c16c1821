using System;
using System.Collections.Generic;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Shape, slicing and joining. Views share memory with the tensor.</summary>
    public partial class Tensor
    {
        public Tensor alias() => Ops.alias.Call(this);
        public Tensor clone() => Ops.clone.Call(this);
        public Tensor contiguous() => Ops.contiguous.Call(this);
        public Tensor view(params long[] shape) => Ops.view.Call(this, shape);
        public Tensor view_as(Tensor other) => Ops.view_as.Call(this, other);
        public Tensor reshape(params long[] shape) => Ops.reshape.Call(this, shape);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Ops.flatten__using_ints.Call(this, start_dim, end_dim);
        public Tensor unflatten(long dim, params long[] sizes) => Ops.unflatten__int.Call(this, dim, sizes);
        public Tensor permute(params long[] permutation) => Ops.permute.Call(this, permutation);
        public Tensor transpose(long dim0, long dim1) => Ops.transpose__int.Call(this, dim0, dim1);
        public Tensor movedim(long[] source, long[] destination) => Ops.movedim__intlist.Call(this, source, destination);
        public Tensor matrix_power(int n) => Ops.matrix_power.Call(this, n);
        public Tensor t() => Ops.t.Call(this);
        public Tensor T => Ops.numpy_T.Call(this);
        public Tensor mT => Ops.mT.Call(this);
        public Tensor H => Ops.matrix_H.Call(this);
        public Tensor squeeze(long? dim = null) => dim is { } d ? Ops.squeeze__dim.Call(this, d) : Ops.squeeze.Call(this);
        public Tensor unsqueeze(long dim) => Ops.unsqueeze.Call(this, dim);
        public Tensor expand(params long[] sizes) => Ops.expand.Call(this, sizes);
        public Tensor expand(long[] sizes, bool isImplicit = false) => Ops.expand.Call(this, sizes, isImplicit);
        public Tensor expand_as(Tensor other) => Ops.expand_as.Call(this, other);
        public Tensor broadcast_to(params long[] shape) => Ops.broadcast_to.Call(this, shape);
        public Tensor repeat(params long[] sizes) => Ops.repeat.Call(this, sizes);
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => Ops.repeat_interleave__self_int.Call(this, repeats, dim, output_size);
        public Tensor narrow(long dim, long start, long length) => Ops.narrow.Call(this, dim, start, length);
        public Tensor slice(long dim, long start, long finish, long step) => Ops.slice__Tensor.Call(this, dim, start, finish, step);
        public Tensor select(long dim, long index) => Ops.select__int.Call(this, dim, index);
        public Tensor index_select(long dim, Tensor index) => Ops.index_select.Call(this, dim, index);
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Ops.index_add.Call(this, dim, index, source, alpha);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Ops.index_add_.InPlace(this, this, dim, index, source, alpha);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Ops.index_copy_.InPlace(this, this, dim, index, source);
        public Tensor gather(long dim, Tensor index) => Ops.gather.Call(this, dim, index);
        public Tensor scatter(long dim, Tensor index, Tensor src) => Ops.scatter__src.Call(this, dim, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Ops.scatter___src.InPlace(this, this, dim, index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Ops.scatter_add.Call(this, dim, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Ops.scatter_add_.InPlace(this, this, dim, index, src);
        public Tensor take_along_dim(Tensor indices, long dim) => Ops.take_along_dim.Call(this, indices, dim);
        public Tensor masked_fill(Tensor mask, Scalar value) => Ops.masked_fill__Scalar.Call(this, mask, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Ops.masked_fill___Scalar.InPlace(this, this, mask, value);
        public Tensor masked_select(Tensor mask) => Ops.masked_select.Call(this, mask);
        public Tensor where(Tensor condition, Tensor y) => Ops.where__self.Call(condition, this, y);
        public Tensor nonzero() => Ops.nonzero.Call(this);
        public Tensor roll(long shifts, long? dims = null) => dims is { } d ? Ops.roll.Call(this, shifts, d) : Ops.roll.Call(this, shifts);
        public Tensor roll(long[] shifts, long[] dims) => Ops.roll.Call(this, shifts, dims);
        public Tensor flip(params long[] dims) => Ops.flip.Call(this, dims);
        public Tensor tril(long diagonal = 0) => Ops.tril.Call(this, diagonal);
        public Tensor tril_(long diagonal = 0) => Ops.tril_.InPlace(this, this, diagonal);
        public Tensor triu(long diagonal = 0) => Ops.triu.Call(this, diagonal);
        public Tensor triu_(long diagonal = 0) => Ops.triu_.InPlace(this, this, diagonal);
        public Tensor diagonal(long offset = 0, long dim1 = 0, long dim2 = 1) => Ops.diagonal.Call(this, offset, dim1, dim2);
        public Tensor diag(long diagonal = 0) => Ops.diag.Call(this, diagonal);
        public Tensor diag_embed(long offset = 0, long dim1 = -2, long dim2 = -1) => Ops.diag_embed.Call(this, offset, dim1, dim2);
        public Tensor unfold(long dimension, long size, long step) => Ops.unfold.Call(this, dimension, size, step);
        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) => Ops.as_strided.Call(this, size, strides, storageOffset);
        public Tensor[] chunk(long chunks, long dim = 0) => Ops.chunk.CallList(this, chunks, dim);
        public Tensor[] split(long size, int dim = 0) => Ops.split__Tensor.CallList(this, size, dim);
        public Tensor[] split(long[] sizes, long dim = 0) => Ops.split_with_sizes.CallList(this, sizes, dim);
        public Tensor[] split(params long[] sizes) => Ops.split_with_sizes.CallList(this, sizes, 0);
        public Tensor[] unbind(long dimension = 0) => Ops.unbind__int.CallList(this, dimension);
    }

    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Ops.cat.Call(Arg.List(tensors), dim);

    public static Tensor cat(Tensor[] tensors, long dim = 0) => Ops.cat.Call(Arg.List(tensors), dim);

    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => Ops.cat.Call(Arg.List(tensors), dim);

    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Ops.stack.Call(Arg.List(tensors), dim);

    public static Tensor hstack(params Tensor[] tensors) => Ops.hstack.Call(Arg.List(tensors));

    public static Tensor vstack(Tensor[] tensors) => Ops.vstack.Call(Arg.List(tensors));

    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") => Ops.meshgrid__indexing.CallList(Arg.List(tensors), indexing);

    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Ops.where__self.Call(condition, x, y);
}
