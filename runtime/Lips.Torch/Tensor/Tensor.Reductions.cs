using System;
using System.Collections.Generic;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Sums, extremes, statistics and order.</summary>
    public partial class Tensor
    {
        public Tensor sum(ScalarType? type = null) => Ops.sum.Call(this, type);
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => Ops.sum__dim_IntList.Call(this, dim, keepdim, type);
        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1], keepdim, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => Ops.sum__dim_IntList.Call(this, dim, keepdim, type);
        public Tensor mean() => Ops.mean.Call(this);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Ops.mean__dim.Call(this, dimensions, keepdim, type);
        public Tensor var(bool unbiased = true) => Ops.var.Call(this, unbiased);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim], unbiased, keepdim, type);
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Cast(Ops.var__dim.Call(this, dimensions, unbiased, keepdim), type);
        public Tensor std(bool unbiased = true) => Ops.std.Call(this, unbiased);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim], unbiased, keepdim, type);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Cast(Ops.std__dim.Call(this, dimensions, unbiased, keepdim), type);
        public Tensor prod(ScalarType? type = null) => Ops.prod.Call(this, type);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => Ops.prod__dim_int.Call(this, dim, keepdim, type);
        public Tensor cumsum(long dim, ScalarType? type = null) => Ops.cumsum.Call(this, dim, type);
        public Tensor cumprod(long dim, ScalarType? type = null) => Ops.cumprod.Call(this, dim, type);
        public Tensor logsumexp(long dim, bool keepdim = false) => Ops.logsumexp.Call(this, dim, keepdim);
        public Tensor norm(float p = 2) => Ops.norm__Scalar.Call(this, (double)p);
        public Tensor norm(int dim, bool keepdim = false, float p = 2) => Ops.norm__ScalarOpt_dim.Call(this, (double)p, dim, keepdim);
        public Tensor max() => Ops.max.Call(this);
        public Tensor max(Tensor other) => Ops.max__other.Call(this, other);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Ops.max__dim.Call2(this, dim, keepdim);
        public Tensor min() => Ops.min.Call(this);
        public Tensor min(Tensor other) => Ops.min__other.Call(this, other);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Ops.min__dim.Call2(this, dim, keepdim);
        public Tensor amax(params long[] dims) => Ops.amax.Call(this, dims);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) => @out is null ? Ops.amax.Call(this, dims, keepdim) : Ops.amax__out.InPlace(@out, this, dims, keepdim, @out);
        public Tensor amin(params long[] dims) => Ops.amin.Call(this, dims);
        public Tensor amin(long[] dims, bool keepdim = false, Tensor? @out = null) => @out is null ? Ops.amin.Call(this, dims, keepdim) : Ops.amin__out.InPlace(@out, this, dims, keepdim, @out);
        public Tensor argmax() => Ops.argmax.Call(this);
        public Tensor argmax(long dim, bool keepdim = false) => Ops.argmax.Call(this, dim, keepdim);
        public Tensor argmin() => Ops.argmin.Call(this);
        public Tensor argmin(long dim, bool keepdim = false) => Ops.argmin.Call(this, dim, keepdim);
        public Tensor argsort(long dim = -1, bool descending = false) => Ops.argsort.Call(this, dim, descending);
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) => Ops.sort__stable.Call2(this, stable, dim, descending);
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => Ops.topk.Call2(this, k, dim, largest, sorted);
        public (Tensor values, Tensor indices) kthvalue(long k, long? dim, bool keepdim = false) => Ops.kthvalue.Call2(this, k, dim ?? -1, keepdim);
        public Tensor median() => Ops.median.Call(this);
        public Tensor all() => Ops.all.Call(this);
        public Tensor all(long dim, bool keepdim = false) => Ops.all__dim.Call(this, dim, keepdim);
        public Tensor any() => Ops.any.Call(this);
        public Tensor any(long dim, bool keepdim = false) => Ops.any__dim.Call(this, dim, keepdim);
        public Tensor count_nonzero(long[]? dims = null) => dims is null ? Ops.count_nonzero.Call(this) : Ops.count_nonzero__dim_IntList.Call(this, dims);
        public Tensor bincount(Tensor? weights, long minlength = 0) => Ops.bincount.Call(this, weights, minlength);
        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false, int? dim = null) =>
            dim is { } d ? Ops.unique_dim.Call3(this, d, sorted, return_inverse, return_counts) : Ops._unique2.Call3(this, sorted, return_inverse, return_counts);

        private static Tensor Cast(Tensor result, ScalarType? type) => type is { } wanted && wanted != result.dtype ? result.to_type(wanted, disposeAfter: true) : result;
    }
}
