using System.Collections.Generic;
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
    /// <returns>Each [batch, length, heads, head width], ready to be compared; key and value heads once for each head that reads them.</returns>
    public (torch.Tensor Queries, torch.Tensor Keys, torch.Tensor Values) Of(torch.Tensor tokens)
    {
        if (_q is not null && _v is not null)
        {
            var y = Split(_q.call(tokens), _heads);
            return (y, y, _tiedValue ? TimesQuery(y, _v) : Split(_v.call(tokens), _heads));
        }
        return Parted(Joined(tokens));
    }

    /// <summary>What <see cref="Joined"/> gives, apart, as <see cref="Of"/> gives it.</summary>
    public (torch.Tensor Queries, torch.Tensor Keys, torch.Tensor Values) Parted(torch.Tensor all)
    {
        var q = Split(all.narrow(-1, 0, _width), _heads);
        var k = Split(all.narrow(-1, _width, KeyWidth), _keyHeads);
        var v = Split(all.narrow(-1, _width + KeyWidth, KeyWidth), _keyHeads);
        return (_similarity.Query(q), Shared(_similarity.Key(k)), Shared(v));
    }

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
