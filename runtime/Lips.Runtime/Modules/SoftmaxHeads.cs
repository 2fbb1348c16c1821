using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>The part of softmax attention between the projections, on [batch, heads, length, head width].</summary>
internal static class SoftmaxHeads
{
    /// <summary>True where a token would look ahead of itself: [length, length].</summary>
    public static ConstantTable Ahead() =>
        new((length, device) => torch.ones(length, length, dtype: torch.ScalarType.Bool, device: device).triu(1));

    /// <summary>softmax(scale·q·kᵀ)·v over the keys that <paramref name="hidden"/> does not hide.</summary>
    public static torch.Tensor Mix(torch.Tensor q, torch.Tensor k, torch.Tensor v, double scale, ConstantTable? hidden, Action<torch.Tensor>? observe)
    {
        var logits = q.mul(scale).matmul(k.transpose(-2, -1));
        if (hidden is not null)
            logits = logits.masked_fill(hidden.For(logits.size(-1), logits), double.NegativeInfinity);
        var probabilities = logits.softmax(-1);
        observe?.Invoke(probabilities);
        return probabilities.matmul(v);
    }

    /// <summary>Heads side by side, times the gain: [batch, length, heads·head width].</summary>
    public static torch.Tensor Merge(torch.Tensor heads, double gain)
    {
        var merged = heads.permute(0, 2, 1, 3).reshape(heads.size(0), heads.size(2), -1);
        return gain == 1 ? merged : merged.mul(gain);
    }
}
