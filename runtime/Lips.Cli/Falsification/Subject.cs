using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Falsification;
using Microsoft.FSharp.Collections;

namespace Lips.Cli.Falsification;

/// <summary>What the derivation says of the output's tokens when every weight is at its cap; ∞ where nothing is known.</summary>
public sealed record Claimed(double Radius, double Centred, double Lower, double LowerCentred);

/// <summary>An emitted model under attack, with the bounds to compare with.</summary>
public sealed class Subject : AttackedMap
{
    /// <param name="from">The source that moves; left out, the first claim's.</param>
    public Subject(Emitted emitted, string? from = null)
        : this(emitted, emitted.New(), from)
    {
    }

    private Subject(Emitted emitted, ILipsModel model, string? from)
        : base(emitted.Case.Name, model, from ?? model.Claims[0].From, Domain(emitted, model, from ?? model.Claims[0].From))
    {
        Emitted = emitted;
        var output = emitted.Compiled.Derivation.Points[emitted.Compiled.Derivation.Output];
        OutputWidth = output.Shape.Width;
        double Least(LowerRadius lower) => AtCaps(emitted, lower.Loss) is var loss && double.IsInfinity(loss) ? 0 : lower.Start.ToDoubleNearest - loss;
        Output = new Claimed(AtCaps(emitted, output.Radius), AtCaps(emitted, output.Centred), Least(output.Lower), Least(output.LowerCentred));
    }

    public Emitted Emitted { get; }

    public long OutputWidth { get; }

    public Claimed Output { get; }

    /// <summary>The sources whose movement the model's bounds speak of.</summary>
    public static IEnumerable<string> Sources(Emitted emitted) => emitted.Compiled.AtCaps.Select(q => q.Item1.From).Distinct();

    /// <summary>The bound at caps in raw ℓ2 units.</summary>
    public double Bound(Reading reading) => AtCaps(Norms(reading));

    /// <summary>The bound in rms units, times √(width out / width in): what a token gain must not exceed either.</summary>
    public double RmsBoundAsToken() => AtCaps((Norm.RmsNorm, Norm.RmsNorm)) * Math.Sqrt((double)OutputWidth / SourceWidth);

    /// <summary>The index of the emitted claim that speaks of this reading.</summary>
    public int ClaimOf(Reading reading)
    {
        var (a, b) = Norms(reading);
        return Enumerable.Range(0, Model.Claims.Count).First(i => Model.Claims[i].NormIn == a.ToString() && Model.Claims[i].NormOut == b.ToString() && Model.Claims[i].From == From);
    }

    /// <summary>One attack's finding with all that is needed to see it again.</summary>
    public string Tell(Found found, double bound) => string.Create(CultureInfo.InvariantCulture,
        $"{Name}, {found.Reading}, from {found.Start} weights with seed {found.Seed}: gain {found.Gain:R} against the bound {bound:R} (ratio {found.Gain / bound:F6})\n{Emitted.Case.Spec}");

    private static (Norm, Norm) Norms(Reading reading) => reading switch
    {
        Reading.TokenToToken => (Norm.TokenNorm, Norm.TokenNorm),
        Reading.WholeToWhole => (Norm.L2Norm, Norm.L2Norm),
        _ => (Norm.L2Norm, Norm.TokenNorm),
    };

    private double AtCaps((Norm, Norm) norms) => Emitted.Compiled.AtCaps
        .First(q => q.Item1.From == From && q.Item1.Into == Emitted.Compiled.Derivation.Output && q.Item1.Norms.Equals(Tuple.Create(norms.Item1, norms.Item2)))
        .Item2.ToDoubleUp();

    private static SourceDomain Domain(Emitted emitted, ILipsModel model, string from)
    {
        var points = emitted.Compiled.Derivation.Points;
        var source = points[from];
        var shape = source.Shape;
        IReadOnlyList<long> dimensions = InputNamed(model, from) is { } input ? input.Shape
            : shape.Grid.IsMap ? throw new RunFailed($"'{from}' of '{emitted.Case.Name}' is a map inside the model; an attack starts from an input or from tokens.")
            : shape.Grid.IsSingle ? [shape.Width] : [shape.Tokens, shape.Width];
        double beside = model.Inputs.Count > 1 ? AtCaps(emitted, points[model.Inputs.Single(i => i.Name != from).Name].Radius) : double.PositiveInfinity;
        return new SourceDomain(dimensions, shape.Tokens, shape.Width, AtCaps(emitted, source.Radius), new TokenDomain(source.Lower.Start.ToDoubleNearest, source.LowerCentred.Start.ToDoubleNearest), beside);
    }

    /// <summary>The value at caps of anything the derivation names.</summary>
    private static double AtCaps(Emitted emitted, Bound bound)
    {
        var program = new Lips.Core.Program(emitted.Compiled.Derivation.Program.Statements, ListModule.OfSeq([Tuple.Create("", bound)]));
        return Evaluate.atCaps(Evaluate.upper, null, program)[0].ToDoubleUp();
    }
}
