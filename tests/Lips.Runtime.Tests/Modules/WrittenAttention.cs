using System;
using Lips.Runtime.Modules;
using Lips.Runtime.Torch;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Modules;

/// <summary>In place of a device's kernels: what they compute, written down, with what they demand of their arguments.</summary>
internal sealed class WrittenAttention : IFusedAttention
{
    public int Calls { get; private set; }

    public bool Takes(Tensor q) => true;

    public Tensor Heads(Tensor q, Tensor k, Tensor v, Tensor? mask, double scale, bool causal)
    {
        Calls++;
        Assert.Equal((4, 4, 4), (q.ndim, k.ndim, v.ndim));
        Assert.Equal((q.dtype, q.dtype), (k.dtype, v.dtype));
        Assert.False(causal && mask is not null, "a mask and causal at once");
        var logits = q.matmul(k.transpose(2, 3)).mul(scale);
        if (causal)
            mask = ones([q.shape[2], k.shape[2]], dtype: bool_).tril();
        if (mask is null)
            return logits.softmax(-1).matmul(v);
        // of one shape with the logits, once expanded
        var all = mask.expand(logits.shape);
        logits = all.dtype == bool_ ? logits.masked_fill(all.logical_not(), double.NegativeInfinity) : logits.add(all);
        return logits.softmax(-1).matmul(v);
    }

    private const ScalarType bool_ = ScalarType.Bool;
}

/// <summary>libtorch's operator on the CPU, where modules leave it alone.</summary>
internal sealed class LibtorchAttention : IFusedAttention
{
    public bool Takes(Tensor q) => true;

    public Tensor Heads(Tensor q, Tensor k, Tensor v, Tensor? mask, double scale, bool causal) => TorchExtras.DotProductAttention(q, k, v, mask, scale, causal);
}
