using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace Lips.Runtime.Falsification;

/// <summary>A pair of norms an attack measures in, all in raw ℓ2: token is the largest token, whole the whole value.</summary>
public enum Reading { TokenToToken, WholeToWhole, WholeToToken }

/// <summary>Where the source of a bound lies, in raw ℓ2 units.</summary>
/// <param name="Shape">Without the batch: (tokens, width), (width), or (channels, height, width) of an image.</param>
/// <param name="Radius">Largest ℓ2 norm of a token; ∞ where none is declared.</param>
/// <param name="Least">How short a token may be.</param>
/// <param name="BesideRadius">Largest ℓ2 norm of a token of the second input, where there is one.</param>
public sealed record SourceDomain(IReadOnlyList<long> Shape, long Tokens, long Width, double Radius, TokenDomain Least, double BesideRadius = double.PositiveInfinity);

/// <summary>A model in float64 as a map from one named source to its output, with the domain in which an attack may search.</summary>
public class AttackedMap : IDisposable
{
    private readonly InputInfo? _input;
    private readonly SourceDomain _domain;
    private readonly InputInfo? _ids;

    /// <param name="name">What messages call it.</param>
    /// <param name="model">Taken over: moved to float64 and disposed with this.</param>
    /// <param name="from">The input or named point that moves.</param>
    public AttackedMap(string name, ILipsModel model, string from, SourceDomain domain)
    {
        Name = name;
        Model = model;
        Model.Module.to(ScalarType.Float64);
        Model.Module.eval();
        Weights = new ModelWeights(Model);
        From = from;
        _domain = domain;
        _input = InputNamed(model, from);
        _ids = Model.Inputs.FirstOrDefault(i => i.Kind == "tokens");
        if (Model.Inputs.Count > 1)
            Beside = Model.Inputs.Single(i => i.Name != From);
    }

    public string Name { get; }

    public ILipsModel Model { get; }

    public ModelWeights Weights { get; }

    public string From { get; }

    /// <summary>Shape of the source without the batch: (tokens, width), (width), or (channels, height, width) of an image.</summary>
    public long[] Shape => [.. _domain.Shape];

    public long SourceTokens => _domain.Tokens;

    public long SourceWidth => _domain.Width;

    /// <summary>Largest ℓ2 norm of a token of the source.</summary>
    public double Radius => _domain.Radius;

    public bool IsImage => _input?.Kind == "image";

    public (double Low, double High)? Range => IsImage && _input!.RangeLow is double low ? (low, _input.RangeHigh!.Value) : null;

    /// <summary>A second input, which an attack may choose but which does not move.</summary>
    public InputInfo? Beside { get; }

    /// <summary>The input of that name whose values move themselves; token ids do not.</summary>
    protected static InputInfo? InputNamed(ILipsModel model, string from) => model.Inputs.FirstOrDefault(i => i.Name == from && i.Kind != "tokens");

    /// <param name="beside">The second input, where there is one, with the same batch.</param>
    public Tensor Map(Tensor x, Tensor? beside = null) => beside is null ? Model.Continue(From, x, Ids(x.shape[0]))
        : Model.Forward(Model.Inputs[0].Name == From ? [x, beside] : [beside, x]);

    /// <summary>Token ids of each sample, which masks may look at: of few kinds and of many, so that much and little is hidden.</summary>
    private Tensor[] Ids(long batch)
    {
        if (_ids is null)
            return [];
        var sample = arange(batch).unsqueeze(1);
        var place = arange(_ids.Shape[0]).unsqueeze(0);
        var drawn = ((sample * 31) + (place * 17) + (sample * place * place * 7)).remainder(101);
        return [drawn.remainder(where(sample.remainder(2).eq(0), full_like(sample, _ids.Vocabulary!.Value), full_like(sample, 2)))];
    }

    /// <summary>The source as (batch, tokens, width).</summary>
    public Tensor Tokens(Tensor x) => IsImage ? x.flatten(2).transpose(1, 2) : OutputTokens(x);

    /// <summary>Values inside a model are channels last.</summary>
    public static Tensor OutputTokens(Tensor y) => y.dim() == 2 ? y.unsqueeze(1) : y.reshape(y.shape[0], -1, y.shape[^1]);

    public Tensor Back(Tensor tokens, Tensor like) => IsImage ? tokens.transpose(1, 2).reshape(like.shape) : tokens.reshape(like.shape);

    /// <summary>The nearest point of the declared domain of the second input, token by token.</summary>
    public Tensor ClipBeside(Tensor x) => x * (_domain.BesideRadius / x.square().sum(-1, keepdim: true).sqrt().clamp_min(1e-300)).clamp_max(1);

    /// <summary>A point of the declared domain nearby, token by token (entry by entry for an image).</summary>
    public Tensor Clip(Tensor x)
    {
        if (Range is var (low, high))
            return x.clamp(low, high);
        var tokens = Tokens(x);
        return Back(_domain.Least.Nearby(tokens, full_like(tokens.narrow(2, 0, 1), double.IsInfinity(Radius) ? 1e150 : Radius)), x).contiguous();
    }

    public void Dispose()
    {
        Weights.Dispose();
        Model.Dispose();
        GC.SuppressFinalize(this);
    }
}
