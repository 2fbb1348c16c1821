using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>
/// Multi-head attention of a sequence to a memory: queries from the sequence, keys and values from the memory;
/// heads = softmax(scale·q·kᵀ)·v, or as the similarity says, output = out(gain·heads).
/// </summary>
public sealed class CrossAttention : torch.nn.Module<torch.Tensor, torch.Tensor, torch.Tensor>, IAttention
{
    private readonly Linear q;
    private readonly Linear k;
    private readonly Linear v;
    private readonly Linear @out;
    private readonly long _heads;
    private readonly double _scale;
    private readonly double _gain;
    private readonly Similarity _similarity;
    private readonly TokenMask? _tokenMask;

    public CrossAttention(long width, long heads, double scale, long memoryWidth, double gain = 1, Similarity? similarity = null, TokenMask? tokenMask = null, bool hasBias = true)
        : base(nameof(CrossAttention))
    {
        (_heads, _scale, _gain, _similarity, _tokenMask) = (heads, scale, gain, similarity ?? Similarity.Dot, tokenMask);
        register_module(nameof(q), q = torch.nn.Linear(inputSize: width, outputSize: width, hasBias: hasBias));
        register_module(nameof(k), k = torch.nn.Linear(inputSize: memoryWidth, outputSize: width, hasBias: hasBias));
        register_module(nameof(v), v = torch.nn.Linear(inputSize: memoryWidth, outputSize: width, hasBias: hasBias));
        register_module("out", @out = torch.nn.Linear(inputSize: width, outputSize: width, hasBias: hasBias));
        foreach (var (name, part) in _similarity.Parts)
            register_module(name, part);
    }

    /// <inheritdoc/>
    public Action<torch.Tensor>? Probabilities { get; set; }

    /// <summary>What has the heads in one operator.</summary>
    internal IFusedAttention Fused { get; set; } = FusedAttention.OfTheDevice;

    /// <inheritdoc/>
    public double? ProductScale => _similarity == Similarity.Dot && _tokenMask is null ? _scale : null;

    /// <inheritdoc/>
    public bool IsCausal => false;

    /// <param name="x">[batch, length, width], or a map [batch, height, width, channels] read row by row.</param>
    /// <param name="memory">[batch, memory length, memory width], or a map.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x, torch.Tensor memory) => _tokenMask is null
        ? Attend(x, memory, outOfSight: null)
        : throw new InvalidOperationException("attention with a mask of token ids is called with the tokens");

    /// <param name="x">As of <see cref="forward"/>.</param>
    /// <param name="memory">As of <see cref="forward"/>.</param>
    /// <param name="tokens">int64 [batch, memory length], for the token mask.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public torch.Tensor call(torch.Tensor x, torch.Tensor memory, torch.Tensor tokens)
    {
        using var scope = torch.NewDisposeScope();
        return Attend(x, memory, _tokenMask?.OfMemory(tokens)).MoveToOuterDisposeScope();
    }

    private torch.Tensor Attend(torch.Tensor x, torch.Tensor memory, torch.Tensor? outOfSight)
    {
        using var scope = torch.NewDisposeScope();
        var (queries, keys) = (_similarity.Query(Split(q.call(x))), _similarity.Key(Split(k.call(memory))));
        var values = Split(v.call(memory));
        var heads = _similarity.IsSoftmaxOfProducts && Probabilities is null && (training || !torch.is_grad_enabled()) && Fused.Takes(queries)
            ? Fused.Heads(queries, keys, _similarity.Value(values), outOfSight?.logical_not(), _scale, causal: false)
            : SoftmaxHeads.Mix(_similarity, queries, keys, values, _scale, outOfSight is null ? null : logits => logits.masked_fill_(outOfSight, double.NegativeInfinity), Probabilities);
        var merged = heads.permute(0, 2, 1, 3).reshape(heads.size(0), heads.size(2), -1);
        return Scaled.Call(@out, merged, _gain).reshape(x.shape).MoveToOuterDisposeScope();
    }

    /// <summary>[batch, heads, length, head width]</summary>
    private torch.Tensor Split(torch.Tensor tokens) =>
        tokens.reshape(tokens.size(0), -1, _heads, tokens.size(-1) / _heads).permute(0, 2, 1, 3);
}
