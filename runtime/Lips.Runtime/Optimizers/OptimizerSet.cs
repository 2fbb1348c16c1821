using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Constraints;
using Lips.Runtime.Reparametrizations;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>One worker's part of the optimizer: its parameters by name, and what its own norm and its own number of states make over all workers.</summary>
public sealed record OptimizerShare(Func<string, bool> Owns, Func<torch.Tensor, torch.Tensor> WholeNorm, Func<long, long> WholeCount);

/// <summary>All update rules of a model, one per distinct plan, with clipping, the running average and the projection onto the caps.</summary>
public sealed class OptimizerSet : IStepUpdate, IDisposable
{
    private readonly IReadOnlyDictionary<Role, OptimizerPlan> _plans;
    private readonly ModelWeights _weights;
    private readonly List<UpdateRule> _rules;
    private readonly torch.Tensor[] _average;
    private readonly TrainingPlan _plan;
    private readonly ReparametrizedWeights _reparametrized;
    private readonly HashSet<Weight> _gains;
    private readonly IReadOnlyList<BoundWeight> _companions;
    private readonly List<TorchSharp.Modules.Parameter> _trained;
    private readonly Func<string, bool> _owns;
    private readonly Func<torch.Tensor, torch.Tensor> _wholeNorm;
    private readonly Func<long, long> _wholeCount;

    /// <param name="weights">The model's.</param>
    /// <param name="plan">How each role is updated.</param>
    /// <param name="companions">Weights that are no part of the model and are trained with it: what an objective learns for itself.</param>
    /// <param name="share">Where several workers update a share each: which parameters are this one's, by name, and what its own numbers make over all workers.</param>
    public OptimizerSet(ModelWeights weights, TrainingPlan plan, IReadOnlyList<BoundWeight>? companions = null, OptimizerShare? share = null)
    {
        _plan = plan;
        _plans = plan.Optimizers;
        _companions = companions ?? [];
        _wholeNorm = share?.WholeNorm ?? (norm => norm);
        _wholeCount = share?.WholeCount ?? (count => count);
        // rules are numbered over all weights, so that their states' names do not depend on who holds them
        var plans = weights.Distinct.Where(w => w.Weight.Reparametrization is null).Select(w => w.Weight).Concat(_companions.Select(c => c.Weight)).Select(w => PlanOf(w, isGain: false))
            .Concat(ReparametrizedWeights.Of(weights).Select(w => PlanOf(w.Weight, w.IsGain)))
            .Distinct().ToList();
        _owns = share?.Owns ?? (_ => true);
        _weights = weights = share is null ? weights : weights.Part(_owns);
        _reparametrized = new ReparametrizedWeights(weights, plan.Seed);
        _gains = _reparametrized.Gains.Select(g => g.Weight).ToHashSet();
        var plain = weights.Distinct.Where(w => w.Weight.Reparametrization is null).ToList();
        plain.AddRange(_companions.Where(c => _owns(c.Weight.Leaf)));
        Numbers = StepNumbers.For(weights.Leaves.Count > 0 ? weights.Leaves[0].Parameter.device : torch.CPU);
        _trained = [.. plain.Select(w => w.Leaf).Distinct(ReferenceEqualityComparer.Instance).Cast<TorchSharp.Modules.Parameter>(), .. _reparametrized.Parameters];
        _rules = plain.Concat(_reparametrized.Weights).Concat(_reparametrized.Gains)
            .GroupBy(w => PlanOf(w.Weight))
            .Select(group => (Index: plans.IndexOf(group.Key), Group: group))
            .OrderBy(g => g.Index)
            .Select(g => UpdateRule.Create(g.Group.Key, g.Group.ToList(), g.Index == 0 ? "" : g.Index.ToString(System.Globalization.CultureInfo.InvariantCulture), Numbers))
            .ToList();
        Projector = ProjectorOf(weights);
        using var noGrad = torch.no_grad();
        _average = plan.Ema is null ? [] : weights.Leaves.Select(l => l.Parameter.detach().clone().DetachFromDisposeScope()).ToArray();
    }

    public Projector Projector { get; }

    /// <summary>Of the rules and of the projection.</summary>
    public StepNumbers Numbers { get; }

    public IReadOnlyList<UpdateRule> Rules => _rules;

    /// <summary>A matrix role on a vector or table falls to the plan's companion; Muon needs two axes.</summary>
    private OptimizerPlan PlanOf(Weight weight) => PlanOf(weight, _gains.Contains(weight));

    private OptimizerPlan PlanOf(Weight weight, bool isGain) => _plans[weight.Role] switch
    {
        // the size of a reparametrized weight is γ alone: to let it decay would be to shrink the weight
        OptimizerPlan.AdamW plan when isGain => plan with { WeightDecay = 0 },
        OptimizerPlan.Sgd plan when isGain => plan with { WeightDecay = 0 },
        OptimizerPlan.Lars plan when isGain => plan with { WeightDecay = 0 },
        OptimizerPlan.Muon or OptimizerPlan.Rows when weight.Shape.Count < 2 => new OptimizerPlan.AdamW(OptimizerPlan.CompanionRate, 0.9, 0.95, 1e-8, 0),
        var plan => plan,
    };

    string? IStepUpdate.Obstacle => Projector.Obstacle;

    bool IStepUpdate.IsAlike => Projector.IsAlike;

    /// <summary>One step with learning rates plan·<paramref name="factor"/>.</summary>
    public torch.Tensor? Step(double factor)
    {
        Numbers.Advance(factor);
        return Update();
    }

    /// <summary>Clips, steps, projects and averages, as the step that the numbers are of. Returns the gradient's norm where it is clipped.</summary>
    public torch.Tensor? Update()
    {
        using var noGrad = torch.no_grad();
        _reparametrized.PullBack();
        torch.Tensor? norm = _plan.Clip is double limit ? Clip(limit) : null;
        Projector.BeforeStep();
        foreach (var rule in _rules)
            rule.Update();
        Projector.AfterStep();
        _reparametrized.Fold();
        foreach (var companion in _companions)
            companion.Leaf.grad?.zero_();
        if (_plan.Ema is double decay)
            TensorLists.Blend(_average, _weights.Leaves.Select(l => l.Parameter.detach()).ToArray(), decay, 1 - decay);
        return norm;
    }

    /// <summary>The projection, with the rates of the weights' rules and what they can do to a weight at its cap.</summary>
    private Projector ProjectorOf(ModelWeights weights)
    {
        var rates = new Dictionary<OptimizerPlan, StepNumber>();
        var reaches = new Dictionary<(OptimizerPlan, double, double, double), StepNumber>();
        return new Projector(weights, Numbers, Rate, Reach);

        StepNumber Rate(Weight weight)
        {
            var plan = PlanOf(weight);
            if (!rates.TryGetValue(plan, out var rate))
                rates[plan] = rate = Numbers.Add((factor, _) => plan.LearningRate * factor);
            return rate;
        }

        // the largest norm over the cap that a weight at its cap can have after a step; null without such a bound
        StepNumber? Reach(Weight weight)
        {
            if (weight.Constraint is not Constraint.Cap cap || PlanOf(weight) is not OptimizerPlan.Muon muon)
                return null;
            var (_, rows, columns) = MatrixBlocks.Shape(weight, MatrixBlocks.ArePerHead(weight));
            double shape = Math.Sqrt((double)rows / columns), unit = Projector.UnitFactor(cap, rows, columns);
            var rate = Rate(weight);
            if (!reaches.TryGetValue((muon, shape, unit, cap.Limit), out var reach))
                reaches[(muon, shape, unit, cap.Limit)] = reach = Numbers.Add((_, _) => 1 - rate.Host * muon.WeightDecay + rate.Host * Muon.UpdateNorm * shape * unit / cap.Limit);
            return reach;
        }
    }

    private torch.Tensor Clip(double limit)
    {
        var gradients = _trained.Select(p => p.grad).OfType<torch.Tensor>().ToArray();
        var norm = _wholeNorm(gradients.Length > 0 ? TensorLists.Norm(gradients) : torch.zeros([], dtype: torch.ScalarType.Float32));
        var factor = (limit / (norm + 1e-6)).clamp_max(1);
        foreach (var gradient in gradients)
            gradient.mul_(factor.to(gradient.dtype));
        return norm;
    }

    /// <summary>Exchanges the weights with their running average, where the recipe keeps one; a second call brings them back.</summary>
    public void SwapAverage()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        for (int i = 0; i < _average.Length; i++)
        {
            var parameter = _weights.Leaves[i].Parameter.detach();
            var kept = parameter.clone();
            parameter.copy_(_average[i]);
            _average[i].copy_(kept);
        }
    }

    private IEnumerable<(string Name, torch.Tensor Tensor)> Own => _rules.SelectMany(r => r.State)
        .Concat(_average.Select((tensor, i) => ("ema/" + _weights.Leaves[i].Name, tensor)));

    /// <summary>All that a step changes beside the weights.</summary>
    internal IEnumerable<(string Name, torch.Tensor Tensor)> State =>
        Own.Concat(_reparametrized.State).Concat(_companions.Where(c => _owns(c.Weight.Leaf)).Select(c => ("companion/" + c.Weight.Name, c.View)));

    public IEnumerable<StoredTensor> Store(string prefix) => State.Select(s => TensorStorage.Store(prefix + s.Name, s.Tensor));

    /// <summary>Restores the whole state; refuses a checkpoint of another recipe.</summary>
    public void Load(StoredTensors file, string prefix, long steps)
    {
        var state = State.ToList();
        var present = file.Tensors.Keys.Count(k => k.StartsWith(prefix, StringComparison.Ordinal));
        if (present != _wholeCount(state.Count) || state.Any(s => !file.Tensors.ContainsKey(prefix + s.Name)))
            throw new RunFailed("The checkpoint's optimizer state belongs to another recipe: resume with the recipe it was made with, or start anew.");
        foreach (var (name, tensor) in state)
            TensorStorage.CopyInto(tensor, file[prefix + name]);
        Refresh();
        Numbers.Steps = steps;
    }

    /// <summary>After its state was written: what follows from that.</summary>
    internal void Refresh() => _reparametrized.Refresh();

    public void Dispose()
    {
        foreach (var (_, tensor) in Own)
            tensor.Dispose();
        Numbers.Dispose();
        _reparametrized.Dispose();
    }
}
