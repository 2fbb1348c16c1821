using System;
using System.Linq;
using Lips.Runtime.Torch;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>
/// Multi-head attention of a sequence to itself: heads = softmax(scale·q·kᵀ + bias)·v, output = out(gain·heads).
/// <c>qkv.weight</c> holds the rows of q, then k, then v; head h owns rows and, in <c>out.weight</c>, columns
/// h·width/heads and on.
/// </summary>
public sealed class Attention : torch.nn.Module<torch.Tensor, torch.Tensor>, IAttention
{
    private readonly Linear @out;
    private readonly Parameter? bias_table;
    private readonly Parameter? lepe;
    private readonly Parameter? lepe_bias;
    private readonly long _heads;
    private readonly Similarity _similarity;
    private readonly Projections _projections;
    private readonly double _scale;
    private readonly double _gain;
    private readonly ConstantTable? _outOfSight;
    private readonly Rotary? _rotary;
    private readonly AttentionWindow[] _windows;
    private readonly TokenMask? _tokenMask;
    private readonly bool _plain;
    private readonly bool _sliding;

    /// <param name="width">Channels of a token.</param>
    /// <param name="heads">Heads; divides the width.</param>
    /// <param name="scale">Factor on every q·k.</param>
    /// <param name="keyHeads">Key and value heads, each read by heads/keyHeads heads in a row (arXiv 2305.13245); 0: as many as heads.</param>
    /// <param name="gain">Factor on the heads' output.</param>
    /// <param name="causal">Whether the tokens after a token are out of its sight.</param>
    /// <param name="sliding">Least distance of a token out of sight.</param>
    /// <param name="rotary">Turns queries and keys by their position.</param>
    /// <param name="windows">The rectangles of a map that attend each to itself, one kind for every equal share of the heads; none: all tokens see each other.</param>
    /// <param name="relativeBias">Whether <c>bias_table</c>, [offsets in a window, heads], is added to the logits; needs one kind of window.</param>
    /// <param name="lepe">Taps per axis of the depthwise convolution <c>lepe</c> of the values, inside every window, that is added to the heads' output (arXiv 2107.00652); 0: none. Needs windows.</param>
    /// <param name="similarity">How queries are compared with keys; none: softmax(scale·q·kᵀ).</param>
    /// <param name="tokenMask">Keys out of sight by their token ids, which each call then takes.</param>
    /// <param name="hasBias">Whether the projections, and the convolution, add a learned vector.</param>
    public Attention(
        long width, long heads, double scale, long keyHeads = 0, double gain = 1, bool causal = false, long? sliding = null, Rotary? rotary = null,
        AttentionWindow[]? windows = null, bool relativeBias = false, long lepe = 0, Similarity? similarity = null, TokenMask? tokenMask = null, bool hasBias = true)
        : base(nameof(Attention))
    {
        (_heads, _scale, _gain, _rotary, _windows, _similarity) = (heads, scale, gain, rotary, windows ?? [], similarity ?? Similarity.Dot);
        if ((relativeBias && _windows.Length != 1) || (lepe > 0 && _windows.Length == 0))
            throw new ArgumentException("a relative bias needs one kind of window, and a convolution of the values at least one", nameof(windows));
        _tokenMask = tokenMask;
        (IsCausal, _sliding) = (causal, sliding is not null);
        _plain = tokenMask is null && sliding is null && similarity is null && _windows.Length == 0 && (keyHeads == 0 || keyHeads == heads);
        ProductScale = _plain && rotary is null ? scale : null;
        _outOfSight = causal || sliding is not null ? SoftmaxHeads.OutOfSight(sliding - 1, causal ? 0 : sliding - 1) : null;
        _projections = new Projections(_similarity, width, heads, keyHeads == 0 ? heads : keyHeads, hasBias);
        foreach (var (name, part) in _projections.Parts)
            register_module(name, part);
        register_module("out", @out = torch.nn.Linear(inputSize: width, outputSize: width, hasBias: hasBias));
        if (relativeBias)
            register_parameter(nameof(bias_table), bias_table = Leaf.Filled(0, _windows[0].OffsetCount, heads));
        if (lepe == 0)
            return;
        register_parameter(nameof(lepe), this.lepe = Leaf.Uniform(lepe * lepe, width, 1, lepe, lepe));
        if (hasBias)
            register_parameter(nameof(lepe_bias), lepe_bias = Leaf.Uniform(lepe * lepe, width));
    }

    /// <inheritdoc/>
    public Action<torch.Tensor>? Probabilities { get; set; }

    /// <inheritdoc/>
    public double? ProductScale { get; }

    /// <summary>What has the heads in one operator.</summary>
    internal IFusedAttention Fused { get; set; } = FusedAttention.OfTheDevice;

    /// <inheritdoc/>
    public bool IsCausal { get; }

    /// <param name="x">[batch, length, width], or a map [batch, height, width, channels] read row by row.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x) => _tokenMask is null
        ? Attend(x, outOfSight: null)
        : throw new InvalidOperationException("attention with a mask of token ids is called with the tokens");

    /// <param name="x">As of <see cref="forward"/>.</param>
    /// <param name="tokens">int64 [batch, length], for the token mask.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public torch.Tensor call(torch.Tensor x, torch.Tensor tokens)
    {
        using var scope = torch.NewDisposeScope();
        return Attend(x, _tokenMask?.AmongThemselves(tokens)).MoveToOuterDisposeScope();
    }

    private torch.Tensor Attend(torch.Tensor x, torch.Tensor? outOfSight)
    {
        using var scope = torch.NewDisposeScope();
        var width = x.size(-1);
        if (_plain && Probabilities is null && !MayFuse(x))
            return Plain(x).MoveToOuterDisposeScope();
        var shifted = _windows is [var window] ? window.Roll(x) : x;
        var (q, k, v) = _projections.Of(shifted.reshape(x.size(0), -1, width), _rotary);
        var heads = _windows.Length == 0 ? Everywhere(q, k, v, outOfSight) : InWindows(q, k, v, x.dim() == 4 ? x.size(1) : 1);
        var merged = heads.reshape(shifted.shape);
        var output = Scaled.Call(@out, merged, _gain);
        return (_windows is [var same] ? same.Unroll(output) : output).MoveToOuterDisposeScope();
    }

    /// <summary>The same where nothing but the order of the tokens decides what is seen: the heads in one pass, where the provider has it.</summary>
    private torch.Tensor Plain(torch.Tensor x)
    {
        var tokens = x.reshape(x.size(0), -1, x.size(-1));
        var qkv = _projections.Joined(tokens);
        var turned = _rotary?.Tables(tokens.size(1), qkv);
        var heads = TorchExtras.Attention(qkv, turned?.Cosine, turned?.Sine, _heads, _scale, IsCausal) ?? Composed(qkv);
        return Scaled.Call(@out, heads.reshape(x.shape), _gain);
    }

    private torch.Tensor Composed(torch.Tensor qkv)
    {
        var (q, k, v) = _projections.Parted(qkv, _rotary);
        return Everywhere(q, k, v, outOfSight: null).reshape(qkv.size(0), qkv.size(1), -1);
    }

    /// <returns>[batch, length, heads, head width], as the arguments.</returns>
    private torch.Tensor Everywhere(torch.Tensor q, torch.Tensor k, torch.Tensor v, torch.Tensor? outOfSight)
    {
        (q, k, v) = (q.permute(0, 2, 1, 3), k.permute(0, 2, 1, 3), v.permute(0, 2, 1, 3));
        var fused = MayFuse(q)
            ? Fused.Heads(q, k, _similarity.Value(v), _sliding || outOfSight is not null ? InSight(q, outOfSight) : null, _scale, IsCausal && !_sliding && outOfSight is null)
            : null;
        return (fused ?? SoftmaxHeads.Mix(_similarity, q, k, v, _scale, Hide, Probabilities)).permute(0, 2, 1, 3);

        torch.Tensor Hide(torch.Tensor logits)
        {
            // of a product that nobody else reads
            if (_outOfSight is not null)
                logits = logits.masked_fill_(_outOfSight.For(logits.size(-1), logits), double.NegativeInfinity);
            return outOfSight is null ? logits : logits.masked_fill_(outOfSight, double.NegativeInfinity);
        }
    }

    /// <summary>Whether the heads may come from one operator: nobody reads the probabilities, or asks for a second derivative, as who attacks or falsifies a model does.</summary>
    private bool MayFuse(torch.Tensor like) =>
        _similarity.IsSoftmaxOfProducts && Probabilities is null && (training || !torch.is_grad_enabled()) && Fused.Takes(like);

    /// <summary>True where a key is in sight: [length, length], or by the tokens too, [batch, 1, length or 1, length].</summary>
    private torch.Tensor InSight(torch.Tensor q, torch.Tensor? outOfSight)
    {
        var always = _outOfSight?.For(q.size(2), q);
        return (always is null ? outOfSight! : outOfSight is null ? always : outOfSight.logical_or(always)).logical_not();
    }

    /// <inheritdoc cref="Everywhere"/>
    private torch.Tensor InWindows(torch.Tensor q, torch.Tensor k, torch.Tensor v, long mapHeight)
    {
        var (share, mapWidth) = (_heads / _windows.Length, q.size(1) / mapHeight);
        torch.Tensor Map(torch.Tensor tokens) => tokens.reshape(tokens.size(0), mapHeight, mapWidth, _heads, tokens.size(3));
        (q, k, v) = (Map(q), Map(k), Map(v));
        torch.Tensor[] shares = [.. _windows.Select((window, i) =>
        {
            torch.Tensor Cut(torch.Tensor map) => window.Cut(map.narrow(3, i * share, share));
            torch.Tensor Dress(torch.Tensor logits)
            {
                if (bias_table is not null)
                    logits = logits.add(window.Bias(bias_table));
                logits = window.Hide(logits, mapHeight, mapWidth);
                return _outOfSight is null ? logits : logits.masked_fill(_outOfSight.For(window.Tokens, logits), double.NegativeInfinity);
            }
            var (queries, keys, values) = (Cut(q), Cut(k), Cut(v));
            var heads = MayFuse(queries)
                ? Fused.Heads(queries, keys, _similarity.Value(values), window.Mask(queries, mapHeight, mapWidth, bias_table, _outOfSight), _scale, causal: false)
                : SoftmaxHeads.Mix(_similarity, queries, keys, values, _scale, Dress, Probabilities);
            return window.Join(lepe is null ? heads : heads.add(Convolved(values, window, i * share * values.size(3))), mapHeight, mapWidth);
        })];
        return shares is [var all] ? all : torch.cat(shares, dim: 3);
    }

    /// <summary>The values of a share of the heads, whose channels begin at <paramref name="first"/>, convolved inside every window: the shape of <paramref name="values"/>.</summary>
    private torch.Tensor Convolved(torch.Tensor values, AttentionWindow window, long first)
    {
        var (count, heads, channels) = (values.size(0), values.size(1), values.size(1) * values.size(3));
        var maps = values.permute(0, 1, 3, 2).reshape(count, channels, window.Height, window.Width);
        var taps = lepe!.size(2);
        // libtorch 1.13 has no convolution on the meta device; this one keeps the shape
        var convolved = maps.device.type == DeviceType.META ? maps : torch.nn.functional.conv2d(
            maps, lepe.narrow(0, first, channels), lepe_bias?.narrow(0, first, channels), strides: [1, 1], padding: [taps / 2, taps / 2], dilation: [1, 1], groups: channels);
        return convolved.reshape(count, heads, values.size(3), window.Tokens).permute(0, 1, 3, 2);
    }
}
