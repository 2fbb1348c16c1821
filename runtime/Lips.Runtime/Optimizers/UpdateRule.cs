using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>
/// An optimizer for a group of weights with one plan. Its state is a list of named tensors, so that a checkpoint holds it whole.
/// </summary>
public abstract class UpdateRule
{
    private readonly List<(string Name, torch.Tensor Tensor)> _state = [];

    protected UpdateRule(string name, IReadOnlyList<OptimizerUnit> units)
    {
        Name = name;
        Units = units;
    }

    public string Name { get; }

    public IReadOnlyList<OptimizerUnit> Units { get; }

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    public IReadOnlyList<(string Name, torch.Tensor Tensor)> State => _state;

    /// <summary>One step with learning rate plan·<paramref name="factor"/>; gradients are in the parameters.</summary>
    public void Step(double factor)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        Steps++;
        var active = new List<int>();
        var gradients = new List<torch.Tensor>();
        for (int i = 0; i < Units.Count; i++)
            if (Units[i].Gradient() is { } gradient)
            {
                active.Add(i);
                gradients.Add(gradient);
            }
        if (active.Count > 0)
            Update(active, gradients, factor);
    }

    protected abstract void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients, double factor);

    /// <summary>Zero tensors like the units, one each, kept as state under <paramref name="kind"/>.</summary>
    protected torch.Tensor[] Zeros(string kind)
    {
        using var noGrad = torch.no_grad();
        var tensors = Units.Select(u => torch.zeros_like(u.Value).DetachFromDisposeScope()).ToArray();
        for (int i = 0; i < tensors.Length; i++)
            _state.Add(($"{Name}.{kind}/{Units[i].Name}", tensors[i]));
        return tensors;
    }

    protected static torch.Tensor[] Pick(torch.Tensor[] all, IReadOnlyList<int> active) =>
        active.Count == all.Length ? all : active.Select(i => all[i]).ToArray();

    protected torch.Tensor[] Values(IReadOnlyList<int> active) => active.Select(i => Units[i].Value).ToArray();

    /// <summary>The rule of a plan.</summary>
    public static UpdateRule Create(OptimizerPlan plan, IReadOnlyList<BoundWeight> weights, string suffix) => plan switch
    {
        OptimizerPlan.Muon muon => new Muon("muon" + suffix, weights.Select(OptimizerUnit.Of).ToList(), muon),
        OptimizerPlan.Rows rows => new RowMomentum("rows" + suffix, weights.Select(OptimizerUnit.Of).ToList(), rows),
        OptimizerPlan.Lars lars => new Lars("lars" + suffix, weights.Select(OptimizerUnit.Of).ToList(), lars),
        OptimizerPlan.AdamW adamW => new AdamW("adamw" + suffix, OptimizerUnit.Merge(weights).ToList(), adamW),
        OptimizerPlan.Sgd sgd => new Sgd("sgd" + suffix, OptimizerUnit.Merge(weights).ToList(), sgd),
        _ => throw new ArgumentOutOfRangeException(nameof(plan), plan, "No such optimizer."),
    };
}
