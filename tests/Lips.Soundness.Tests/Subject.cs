using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Microsoft.FSharp.Collections;
using TorchSharp;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>A pair of norms an attack measures in, all in raw ℓ2: token is the largest token, l2 the whole value.</summary>
public enum Reading { TokenToToken, WholeToWhole, WholeToToken }

/// <summary>What the derivation says of the output's tokens when every weight is at its cap; ∞ where nothing is known.</summary>
public sealed record Claimed(double Radius, double Centred, double Lower);

/// <summary>
/// An emitted model in float64 with the facts an attack needs: the map from the source of its bound, the domain of that
/// source, and the bounds to compare with.
/// </summary>
public sealed class Subject : IDisposable
{
    private readonly InputInfo? _input;
    private readonly double _besideRadius;

    /// <param name="from">The source that moves; left out, the first claim's.</param>
    public Subject(Emitted emitted, string? from = null)
    {
        Emitted = emitted;
        Model = emitted.New();
        Model.Module.to(ScalarType.Float64);
        Model.Module.eval();
        Weights = new ModelWeights(Model);
        From = from ?? Model.Claims[0].From;
        _input = Model.Inputs.FirstOrDefault(i => i.Name == From && i.Kind != "tokens");
        if (Model.Inputs.Count > 1)
        {
            Beside = Model.Inputs.Single(i => i.Name != From);
            _besideRadius = AtCaps(emitted.Compiled.Derivation.Points[Beside.Name].Radius);
        }
        var source = emitted.Compiled.Derivation.Points[From];
        var shape = source.Shape;
        SourceTokens = shape.Tokens;
        SourceWidth = shape.Width;
        Shape = _input is not null ? [.. _input.Shape] : shape.Grid.IsMap ? throw new NotSupportedException("a map as source") : shape.Grid.IsSingle ? [shape.Width] : [shape.Tokens, shape.Width];
        var output = emitted.Compiled.Derivation.Points[emitted.Compiled.Derivation.Output];
        OutputWidth = output.Shape.Width;
        Radius = AtCaps(source.Radius);
        LowerRadius = source.Lower.Start.ToDoubleNearest;
        double loss = AtCaps(output.Lower.Loss);
        Output = new Claimed(AtCaps(output.Radius), AtCaps(output.Centred), double.IsInfinity(loss) ? 0 : output.Lower.Start.ToDoubleNearest - loss);
    }

    public Emitted Emitted { get; }

    public ILipsModel Model { get; }

    public ModelWeights Weights { get; }

    public string From { get; }

    /// <summary>Shape of the source without the batch: (tokens, width), (width), or (channels, height, width) of an image.</summary>
    public long[] Shape { get; }

    public long SourceTokens { get; }

    public long SourceWidth { get; }

    public long OutputWidth { get; }

    /// <summary>Largest and least ℓ2 norm of a token of the source.</summary>
    public double Radius { get; }

    public double LowerRadius { get; }

    public bool IsImage => _input?.Kind == "image";

    public (double Low, double High)? Range => IsImage && _input!.RangeLow is double low ? (low, _input.RangeHigh!.Value) : null;

    public Claimed Output { get; }

    /// <summary>A second input, which an attack may choose but which does not move.</summary>
    public InputInfo? Beside { get; }

    /// <param name="beside">The second input, where there is one, with the same batch.</param>
    public Tensor Map(Tensor x, Tensor? beside = null) => beside is null ? Model.Continue(From, x)
        : Model.Forward(Model.Inputs[0].Name == From ? [x, beside] : [beside, x]);

    /// <summary>The sources whose movement the model's bounds speak of.</summary>
    public static IEnumerable<string> Sources(Emitted emitted) => emitted.Compiled.AtCaps.Select(q => q.Item1.From).Distinct();

    /// <summary>The bound at caps in raw ℓ2 units.</summary>
    public double Bound(Reading reading) => AtCaps(Norms(reading));

    private (Norm, Norm) Norms(Reading reading) => reading switch
    {
        Reading.TokenToToken => (Norm.TokenNorm, Norm.TokenNorm),
        Reading.WholeToWhole => (Norm.L2Norm, Norm.L2Norm),
        _ => (Norm.L2Norm, Norm.TokenNorm),
    };

    private double AtCaps((Norm, Norm) norms) => AtCapsOf(norms).ToDoubleUp();

    private Upper AtCapsOf((Norm, Norm) norms) => Emitted.Compiled.AtCaps.First(q => q.Item1.From == From && q.Item1.Into == Emitted.Compiled.Derivation.Output && q.Item1.Norms.Equals(Tuple.Create(norms.Item1, norms.Item2))).Item2;

    /// <summary>The bound in rms units, times √(width out / width in): what a token gain must not exceed either.</summary>
    public double RmsBoundAsToken() => AtCaps((Norm.RmsNorm, Norm.RmsNorm)) * Math.Sqrt((double)OutputWidth / SourceWidth);

    /// <summary>The index of the emitted claim that speaks of this reading.</summary>
    public int ClaimOf(Reading reading)
    {
        var (a, b) = Norms(reading);
        return Enumerable.Range(0, Model.Claims.Count).First(i => Model.Claims[i].NormIn == a.ToString() && Model.Claims[i].NormOut == b.ToString() && Model.Claims[i].From == From);
    }

    /// <summary>The value at caps of anything the derivation names.</summary>
    private double AtCaps(Bound bound)
    {
        var program = new Lips.Core.Program(Emitted.Compiled.Derivation.Program.Statements, ListModule.OfSeq([Tuple.Create("", bound)]));
        return Evaluate.atCaps(Evaluate.upper, null, program)[0].ToDoubleUp();
    }

    /// <summary>The source as (batch, tokens, width).</summary>
    public Tensor Tokens(Tensor x) => IsImage ? x.flatten(2).transpose(1, 2) : x.dim() == 2 ? x.unsqueeze(1) : x.reshape(x.shape[0], -1, x.shape[^1]);

    /// <summary>Values inside a model are channels last.</summary>
    public static Tensor OutputTokens(Tensor y) => y.dim() == 2 ? y.unsqueeze(1) : y.reshape(y.shape[0], -1, y.shape[^1]);

    public Tensor Back(Tensor tokens, Tensor like) => IsImage ? tokens.transpose(1, 2).reshape(like.shape) : tokens.reshape(like.shape);

    /// <summary>The nearest point of the declared domain, token by token (entry by entry for an image).</summary>
    public Tensor ClipBeside(Tensor x) => x * (_besideRadius / x.square().sum(-1, keepdim: true).sqrt().clamp_min(1e-300)).clamp_max(1);

    /// <inheritdoc cref="ClipBeside"/>
    public Tensor Clip(Tensor x)
    {
        if (Range is var (low, high))
            return x.clamp(low, high);
        var tokens = Tokens(x);
        var length = tokens.square().sum(2, keepdim: true).sqrt().clamp_min(1e-300);
        var factor = double.IsInfinity(Radius) ? ones_like(length) : (Radius / length).clamp_max(1);
        if (LowerRadius > 0)
            factor = factor.maximum(LowerRadius / length);
        return Back(tokens * factor, x).contiguous();
    }

    public void Dispose()
    {
        Weights.Dispose();
        Model.Dispose();
    }
}
