using System.Collections.Generic;
using Lips.Runtime.Torch;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>
/// Queries, keys and values of a sequence's own tokens. One matrix <c>qkv</c> holds the rows of q, then k, then v; where keys are
/// the queries, <c>q</c> is theirs and <c>v</c> the values'. Head h owns rows h·head width and on.
/// </summary>
internal sealed class Projections
{
    private readonly Similarity _similarity;
    private readonly long _width;
    private readonly long _heads;
    private readonly long _keyHeads;
    private readonly Linear? _qkv;
    private readonly Linear? _q;
    private readonly Linear? _v;
    private readonly bool _tiedValue;

    public Projections(Similarity similarity, long width, long heads, long keyHeads, bool hasBias)
    {
        (_similarity, _width, _heads, _keyHeads) = (similarity, width, heads, keyHeads);
        if (similarity is Distance distance)
        {
            _tiedValue = distance.TiedValue;
            _q = torch.nn.Linear(inputSize: width, outputSize: width, hasBias: hasBias);
            // of a tied value, row by row: the matrices of the heads below each other
            _v = torch.nn.Linear(inputSize: _tiedValue ? width / heads : width, outputSize: width, hasBias: hasBias);
        }
        else
        {
            _qkv = torch.nn.Linear(inputSize: width, outputSize: width + 2 * KeyWidth, hasBias: hasBias);
        }
    }

    private long KeyWidth => _width / _heads * _keyHeads;

    /// <summary>The modules by the names they have in the layer.</summary>
    public IEnumerable<(string Name, torch.nn.Module Module)> Parts
    {
        get
        {
            if (_qkv is not null)
                yield return ("qkv", _qkv);
            if (_q is not null && _v is not null)
            {
                yield return ("q", _q);
                yield return ("v", _v);
            }
            foreach (var part in _similarity.Parts)
                yield return part;
        }
    }

    /// <summary>Queries, keys and values as they come from one matrix, side by side: [batch, length, 3·width].</summary>
    public torch.Tensor Joined(torch.Tensor tokens) => _qkv!.call(tokens);

    /// <param name="tokens">[batch, length, width]</param>
    /// <param name="rotary">Turns queries and keys by their position.</param>
    /// <returns>Each [batch, length, heads, head width], ready to be compared; key and value heads once for each head that reads them.</returns>
    public (torch.Tensor Queries, torch.Tensor Keys, torch.Tensor Values) Of(torch.Tensor tokens, Rotary? rotary)
    {
        if (_q is not null && _v is not null)
        {
            var y = Split(_q.call(tokens), _heads);
            var turned = Turned(y, rotary);
            return (turned, turned, _tiedValue ? TimesQuery(y, _v) : Split(_v.call(tokens), _heads));
        }
        return Parted(Joined(tokens), rotary);
    }

    /// <summary>What <see cref="Joined"/> gives, apart, as <see cref="Of"/> gives it.</summary>
    public (torch.Tensor Queries, torch.Tensor Keys, torch.Tensor Values) Parted(torch.Tensor all, Rotary? rotary)
    {
        if (rotary is not null && !_similarity.Prepares)
        {
            var (cosine, sine) = rotary.Tables(all.size(1), all);
            if (TorchExtras.TurnedHeads(all, cosine, sine, _heads, _keyHeads) is var (q, k, v))
                return (q, Shared(k), Shared(v));
        }
        // one split: its gradient is one tensor, where each slice's would be one of all heads
        var parts = Split(all, _heads + 2 * _keyHeads).split([_heads, _keyHeads, _keyHeads], dim: 2);
        return (Turned(_similarity.Query(parts[0]), rotary), Shared(Turned(_similarity.Key(parts[1]), rotary)), Shared(parts[2]));
    }

    private static torch.Tensor Turned(torch.Tensor heads, Rotary? rotary) =>
        rotary is null ? heads : rotary.Turn(heads.permute(0, 2, 1, 3)).permute(0, 2, 1, 3);

    private static torch.Tensor Split(torch.Tensor tokens, long heads) =>
        tokens.reshape(tokens.size(0), tokens.size(1), heads, tokens.size(2) / heads);

    /// <summary>Every head's own matrix times its query.</summary>
    private static torch.Tensor TimesQuery(torch.Tensor y, Linear v)
    {
        var (heads, width) = (y.size(2), y.size(3));
        var value = y.unsqueeze(3).matmul(v.weight.reshape(heads, width, width).transpose(-2, -1)).squeeze(3);
        return v.bias is null ? value : value.add(v.bias.reshape(heads, width));
    }

    /// <summary>Every key head once for each head that reads it.</summary>
    private torch.Tensor Shared(torch.Tensor tokens) =>
        _keyHeads == _heads
            ? tokens
            : tokens.unsqueeze(3).expand(-1, -1, -1, _heads / _keyHeads, -1).reshape(tokens.size(0), tokens.size(1), _heads, tokens.size(3));
}
