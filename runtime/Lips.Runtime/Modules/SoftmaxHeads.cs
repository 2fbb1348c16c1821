using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>The part of softmax attention between the projections, on [batch, heads, length, head width].</summary>
internal static class SoftmaxHeads
{
    /// <summary>True where a token would look further than <paramref name="before"/> back or <paramref name="after"/> ahead: [length, length].</summary>
    public static ConstantTable OutOfSight(long? before, long? after) =>
        new((length, device) =>
        {
            var all = torch.ones(length, length, dtype: torch.ScalarType.Bool, device: device);
            var ahead = after is { } a ? all.triu(Math.Min(a, length) + 1) : null;
            var behind = before is { } b ? all.tril(-Math.Min(b, length) - 1) : null;
            return ahead is null ? behind ?? all.logical_not() : behind is null ? ahead : ahead.logical_or(behind);
        });

    /// <summary>softmax(scale·q·kᵀ)·v over the keys in sight, or what a similarity has instead.</summary>
    /// <param name="similarity">Has prepared the queries and keys.</param>
    /// <param name="dress">What is done to the logits, [batch, heads, length, length], before the softmax: biases and masks.</param>
    public static torch.Tensor Mix(Similarity similarity, torch.Tensor q, torch.Tensor k, torch.Tensor v, double scale, Func<torch.Tensor, torch.Tensor>? dress, Action<torch.Tensor>? observe)
    {
        var logits = similarity.Logits(q, k, scale);
        if (dress is not null)
            logits = dress(logits);
        var probabilities = similarity.Weights(logits);
        observe?.Invoke(similarity.Shares(probabilities));
        return probabilities.matmul(similarity.Value(v));
    }
}
