using System;
using System.Linq;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace Lips.Soundness.Tests;

/// <summary>Derives a model again with one rule that claims a multiple of its constants.</summary>
internal static class MutatedCatalog
{
    /// <summary>The token-max bound at caps when every constant a kind's rule adds is multiplied by a factor.</summary>
    public static double Bound(CompiledModel model, string kind, double factor)
    {
        var catalog = MapModule.Add(kind, Scaled(Catalog.byName[kind], Rational.OfDouble(factor)), Catalog.byName);
        var norms = ListModule.OfSeq([Tuple.Create(Norm.TokenNorm, Norm.TokenNorm)]);
        var derivation = Derive.model(catalog, norms, model.Resolved.Model);
        int index = derivation.Queries.ToList().FindIndex(q => q.Norms.Equals(norms.Head));
        return Evaluate.atCaps(Evaluate.upper, null, derivation.Program)[index].ToDoubleUp();
    }

    private static LayerKind Scaled(LayerKind k, Rational factor)
    {
        var by = Lips.Core.Bound.NewConst(factor);
        Lips.Core.Bound Times(Lips.Core.Bound b) => BoundModule.mul(by, b);
        Judgement Rule(RuleInput input)
        {
            var honest = k.Rule.Invoke(input);
            var s = honest.Space;
            var constants = MapModule.Map(
                FuncConvert.FromFunc<string, Tuple<Source, Constants>, Tuple<Source, Constants>>(
                    (_, c) => Tuple.Create(c.Item1, new Constants(Times(c.Item2.Whole), Times(c.Item2.Token), Times(c.Item2.Local)))),
                s.Constants);
            return new Judgement(new Space(s.Shape, s.Radius, s.Centred, s.Lower, s.LowerCentred, s.Centre, constants), honest.Rule, honest.Candidates, honest.Needs);
        }

        return new LayerKind(k.Name, k.Summary, k.Citation, k.Hyperparameters, k.Positional, k.Parts, k.TakesBody, k.Shape, k.Weights,
            FuncConvert.FromFunc<RuleInput, Judgement>(Rule), k.Rules, k.Macs, k.Emit);
    }
}
