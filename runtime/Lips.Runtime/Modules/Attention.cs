using System;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>
/// Multi-head softmax attention of a sequence to itself: heads = softmax(scale·q·kᵀ)·v, output = out(gain·heads).
/// <c>qkv.weight</c> holds the rows of q, then k, then v; head h owns rows and, in <c>out.weight</c>, columns
/// h·width/heads and on.
/// </summary>
public sealed class Attention : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Linear qkv;
    private readonly Linear @out;
    private readonly long _heads;
    private readonly double _scale;
    private readonly double _gain;
    private readonly ConstantTable? _hidden;
    private readonly Rotary? _rotary;

    public Attention(long width, long heads, double scale, double gain = 1, bool causal = false, Rotary? rotary = null, bool hasBias = true)
        : base(nameof(Attention))
    {
        (_heads, _scale, _gain, _rotary) = (heads, scale, gain, rotary);
        _hidden = causal ? SoftmaxHeads.Ahead() : null;
        register_module("qkv", qkv = torch.nn.Linear(inputSize: width, outputSize: 3 * width, hasBias: hasBias));
        register_module("out", @out = torch.nn.Linear(inputSize: width, outputSize: width, hasBias: hasBias));
    }

    /// <summary>Called with the probabilities, [batch, heads, length, length], of every forward pass; for entropy and pictures.</summary>
    public Action<torch.Tensor>? Probabilities { get; set; }

    /// <param name="x">[batch, length, width], or a map [batch, height, width, channels] read row by row.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var (batch, width) = (x.size(0), x.size(-1));
        // [3, batch, heads, length, head width]
        var split = qkv.call(x.reshape(batch, -1, width)).reshape(batch, -1, 3, _heads, width / _heads).permute(2, 0, 3, 1, 4).unbind(0);
        var (q, k, v) = (split[0], split[1], split[2]);
        if (_rotary is not null)
            (q, k) = (_rotary.Turn(q), _rotary.Turn(k));
        var heads = SoftmaxHeads.Mix(q, k, v, _scale, _hidden, Probabilities);
        return @out.call(SoftmaxHeads.Merge(heads, _gain)).reshape(x.shape).MoveToOuterDisposeScope();
    }
}
