using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Optimizers;

/// <summary>What one rule updates: a whole parameter, or a weight that is a slice of one.</summary>
public sealed class OptimizerUnit
{
    private readonly Parameter _leaf;

    private OptimizerUnit(string name, Parameter leaf, Weight? weight, torch.Tensor value) =>
        (Name, _leaf, Weight, Value) = (name, leaf, weight, value);

    /// <summary>The name of its state in checkpoints: the weight's, or <c>leaf:</c> and the parameter's.</summary>
    public string Name { get; }

    /// <summary>The slice; null for a whole parameter.</summary>
    public Weight? Weight { get; }

    /// <summary>The values, sharing the parameter's memory.</summary>
    public torch.Tensor Value { get; }

    /// <summary>The gradient's part, or null when nothing flowed there.</summary>
    public torch.Tensor? Gradient() => _leaf.grad is not { } gradient ? null : Weight is null ? gradient : ModelWeights.View(Weight, gradient);

    public static OptimizerUnit Of(BoundWeight bound) => new(bound.Weight.Name, bound.Leaf, bound.Weight, bound.View);

    /// <summary>Whole parameters where all their weights are in <paramref name="weights"/>, slices otherwise.</summary>
    public static IEnumerable<OptimizerUnit> Merge(IReadOnlyList<BoundWeight> weights)
    {
        foreach (var leaf in weights.GroupBy(w => w.Leaf, ReferenceEqualityComparer.Instance))
        {
            var parameter = leaf.First().Leaf;
            if (leaf.Count() > 1 && leaf.Sum(w => w.View.numel()) == parameter.numel())
                yield return new OptimizerUnit("leaf:" + leaf.First().Weight.Leaf, parameter, null, parameter.detach().DetachFromDisposeScope());
            else
                foreach (var weight in leaf)
                    yield return Of(weight);
        }
    }
}
