using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>The part of a step that begins when the gradients are there: what records steps needs to know of it.</summary>
internal interface IStepUpdate
{
    /// <summary>Its numbers; whoever calls <see cref="Update"/> advances them before.</summary>
    StepNumbers Numbers { get; }

    /// <summary>Why the update of the step that the numbers are of cannot be recorded; null where it can.</summary>
    string? Obstacle { get; }

    /// <summary>Whether an update now would be the kernels that the last one was.</summary>
    bool IsAlike { get; }

    /// <summary>Gives the gradient's norm where it is clipped.</summary>
    torch.Tensor? Update();
}

/// <summary>
/// An optimizer for a group of weights with one plan. Its state is a list of named tensors, so that a checkpoint holds it whole.
/// </summary>
public abstract class UpdateRule : IStepUpdate
{
    private readonly List<(string Name, torch.Tensor Tensor)> _state = [];

    /// <param name="numbers">Of the update that the rule is a part of; its own where it is null.</param>
    protected UpdateRule(string name, IReadOnlyList<OptimizerUnit> units, StepNumbers? numbers)
    {
        Name = name;
        Units = units;
        Numbers = numbers ?? StepNumbers.For(units.Count > 0 ? units[0].Value.device : torch.CPU);
    }

    public string Name { get; }

    public IReadOnlyList<OptimizerUnit> Units { get; }

    public StepNumbers Numbers { get; }

    public IReadOnlyList<(string Name, torch.Tensor Tensor)> State => _state;

    /// <summary>One step with learning rate plan·<paramref name="factor"/>, of a rule with numbers of its own; gradients are in the parameters.</summary>
    public void Step(double factor)
    {
        Numbers.Advance(factor);
        Update();
    }

    /// <summary>The step that its numbers are of.</summary>
    public void Update()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var active = new List<int>();
        var gradients = new List<torch.Tensor>();
        for (int i = 0; i < Units.Count; i++)
            if (Units[i].Gradient() is { } gradient)
            {
                active.Add(i);
                gradients.Add(gradient);
            }
        if (active.Count > 0)
            Update(active, gradients);
    }

    protected abstract void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients);

    string? IStepUpdate.Obstacle => null;

    bool IStepUpdate.IsAlike => true;

    torch.Tensor? IStepUpdate.Update()
    {
        Update();
        return null;
    }

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
    public static UpdateRule Create(OptimizerPlan plan, IReadOnlyList<BoundWeight> weights, string suffix, StepNumbers? numbers = null) => plan switch
    {
        OptimizerPlan.Muon muon => new Muon("muon" + suffix, weights.Select(OptimizerUnit.Of).ToList(), muon, numbers),
        OptimizerPlan.Rows rows => new RowMomentum("rows" + suffix, weights.Select(OptimizerUnit.Of).ToList(), rows, numbers),
        OptimizerPlan.Lars lars => new Lars("lars" + suffix, weights.Select(OptimizerUnit.Of).ToList(), lars, numbers),
        OptimizerPlan.AdamW adamW => new AdamW("adamw" + suffix, OptimizerUnit.Merge(weights).ToList(), adamW, numbers),
        OptimizerPlan.Sgd sgd => new Sgd("sgd" + suffix, OptimizerUnit.Merge(weights).ToList(), sgd, numbers),
        _ => throw new ArgumentOutOfRangeException(nameof(plan), plan, "No such optimizer."),
    };
}
