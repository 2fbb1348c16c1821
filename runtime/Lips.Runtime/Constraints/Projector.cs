using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Optimizers;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// Enforces the weight constraints after each optimizer step, in float32: on the CPU where the weights lie, elsewhere matrices of
/// equal shape in one batch. The result is within about 10⁻³ of the cap, and sealing makes it a fact.
/// </summary>
public sealed partial class Projector
{
    private readonly List<Group> _groups;
    private readonly List<(BoundWeight Weight, Constraint.Cap Cap)> _entrywise = [];
    private readonly List<(BoundWeight Weight, Constraint.Cap Cap)> _operators = [];
    private readonly List<(BoundWeight Weight, StepNumber Strength)> _spectralDecays = [];
    private readonly List<(BoundWeight Weight, StepNumber Kept)> _decays = [];
    private readonly Reach[] _reaches;
    private readonly string? _obstacle;

    /// <param name="weights">What is constrained.</param>
    /// <param name="numbers">Of the update that the projection ends; its own, of a single step, where it is null.</param>
    /// <param name="rate">A weight's learning rate; 1 where it is null.</param>
    /// <param name="reach">A bound of σ_max of a weight's matrices over its cap after the step, when it was at most the cap before; null where the optimizer gives no such bound.</param>
    public Projector(ModelWeights weights, StepNumbers? numbers = null, Func<Weight, StepNumber>? rate = null, Func<Weight, StepNumber?>? reach = null)
    {
        numbers ??= new StepNumbers();
        var one = StepNumber.Of(1);
        var ownRate = rate ?? (_ => one);
        var decays = new Dictionary<(StepNumber, double, bool), StepNumber>();
        StepNumber Decay(Weight weight, double strength, bool before)
        {
            var learning = ownRate(weight);
            if (!decays.TryGetValue((learning, strength, before), out var number))
                decays[(learning, strength, before)] = number = numbers.Add((_, _) => before ? 1 - learning.Host * strength : learning.Host * strength);
            return number;
        }
        var reaches = new Dictionary<(StepNumber, CapMethod), Reach>();
        Reach? ReachOf(Weight weight, Constraint.Cap cap)
        {
            if (cap.Method is not (CapMethod.Soft or CapMethod.Hard) || cap.Limit <= 0 || reach?.Invoke(weight) is not { } bound)
                return null;
            if (!reaches.TryGetValue((bound, cap.Method), out var known))
                reaches[(bound, cap.Method)] = known = new Reach(bound, cap.Method, numbers, weight.Name);
            return known;
        }
        var groups = new Dictionary<(CapMethod, long, long), Group>();
        foreach (var bound in weights.All)
        {
            switch (bound.Weight.Constraint)
            {
                case Constraint.Cap { Unit: CapUnit.RowL2 or CapUnit.RowRms or CapUnit.L2 or CapUnit.MaxAbs } cap:
                    _entrywise.Add((bound, cap));
                    break;
                case Constraint.Cap { Extent: CapExtent.Operator } cap:
                    _operators.Add((bound, cap));
                    break;
                case Constraint.Cap cap:
                    var (_, rows, columns) = MatrixBlocks.Shape(bound.Weight, MatrixBlocks.ArePerHead(bound.Weight));
                    var key = (cap.Method, Math.Min(rows, columns), Math.Max(rows, columns));
                    if (!groups.TryGetValue(key, out var group))
                        groups[key] = group = new Group(cap.Method, numbers);
                    group.Members.Add(new Member(bound, cap, ReachOf(bound.Weight, cap)));
                    break;
                case Constraint.SpectralDecay decay:
                    _spectralDecays.Add((bound, Decay(bound.Weight, decay.Rate, before: false)));
                    break;
                case Constraint.WeightDecay decay:
                    _decays.Add((bound, Decay(bound.Weight, decay.Rate, before: true)));
                    break;
            }
        }
        _groups = [.. groups.Values];
        _reaches = [.. reaches.Values];
        _obstacle = _operators.Count > 0 ? $"the projection reads the norm of '{_operators[0].Weight.Weight.Name}', whose cap is of the operator"
            : _groups.Select(g => g.Obstacle).FirstOrDefault(o => o is not null);
    }

    /// <summary>Why the projection after this step reads values in its midst, and so cannot be recorded; null where it does not.</summary>
    internal string? Obstacle
    {
        get
        {
            if (_obstacle is null)
                foreach (var reach in _reaches)
                    if (reach.Needs is Reach.Call.Exact)
                        return reach.Obstacle;
            return _obstacle;
        }
    }

    /// <summary>Whether a projection now would be the kernels that the last one was.</summary>
    internal bool IsAlike
    {
        get
        {
            foreach (var reach in _reaches)
                if (reach.Needs != reach.Done)
                    return false;
            return true;
        }
    }

    /// <summary>Decay that belongs before the step: W ← (1 − lr·rate)·W.</summary>
    public void BeforeStep()
    {
        using var noGrad = torch.no_grad();
        foreach (var (weight, kept) in _decays)
            weight.View.mul_(kept);
    }

    /// <summary>Projects what the step may have taken beyond its cap.</summary>
    public void AfterStep()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach (var group in _groups)
            group.Project(group.Method, bounded: true);
        foreach (var (weight, strength) in _spectralDecays)
            SpectralDecay(weight, strength);
        foreach (var reach in _reaches)
            reach.Done = reach.Needs;
        Others();
    }

    /// <summary>Brings every cap about, whatever the weights were: at the start, and after weights came from elsewhere.</summary>
    public void Enforce()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach (var group in _groups)
            group.Project(group.Method is CapMethod.Soft ? CapMethod.Hard : group.Method is CapMethod.Hammer or CapMethod.Stiefel ? CapMethod.Normalize : group.Method, bounded: false);
        Others();
    }

    /// <summary>Estimates (not bounds) of every capped matrix's norm over its cap; the largest over heads.</summary>
    public IReadOnlyDictionary<string, double> NormsOverCaps()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var norms = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var group in _groups)
            group.Measure(norms);
        foreach (var (weight, cap) in _entrywise)
            norms[weight.Weight.Name] = EntrywiseNorm(weight, cap).item<float>() / cap.Limit;
        return norms;
    }

    private void Others()
    {
        foreach (var (weight, cap) in _entrywise)
            Entrywise(weight, cap);
        foreach (var (weight, cap) in _operators)
        {
            double norm = OperatorNormEstimate.Of(weight.View, weight.Weight);
            if (norm > cap.Limit)
                weight.View.mul_(cap.Limit / norm);
        }
    }

    /// <summary>Norm in the cap's unit over σ_max.</summary>
    public static double UnitFactor(Constraint.Cap cap, long rows, long columns) =>
        cap.Unit == CapUnit.Rms ? Math.Sqrt((double)columns / rows) : 1;

    private static torch.Tensor EntrywiseNorm(BoundWeight weight, Constraint.Cap cap) => (cap.Unit switch
    {
        CapUnit.MaxAbs => weight.View.abs().max(),
        CapUnit.L2 => weight.View.square().sum().sqrt(),
        _ => RowNorms(weight, cap).max(),
    }).to(torch.ScalarType.Float32);

    private static torch.Tensor RowNorms(BoundWeight weight, Constraint.Cap cap)
    {
        // A vector is one row.
        var rows = (weight.View.dim() < 2 ? weight.View.view(1, -1) : weight.View.flatten(1)).square();
        return (cap.Unit == CapUnit.RowRms ? rows.mean([1L], keepdim: true) : rows.sum(1, keepdim: true)).sqrt();
    }

    private static void Entrywise(BoundWeight weight, Constraint.Cap cap)
    {
        switch (cap.Unit)
        {
            case CapUnit.MaxAbs:
                weight.View.clamp_(-cap.Limit, cap.Limit);
                break;
            case CapUnit.L2:
                weight.View.mul_((cap.Limit / weight.View.square().sum().sqrt().clamp_min(1e-30f)).clamp_max(1));
                break;
            default:
                var factor = (cap.Limit / RowNorms(weight, cap).clamp_min(1e-30f)).clamp_max(1);
                weight.View.mul_(factor.view([-1, .. Enumerable.Repeat(1L, Math.Max((int)weight.View.dim() - 1, 0))]));
                break;
        }
    }

    /// <summary>W ← W − strength·σ₁·u₁·v₁ᵀ.</summary>
    private static void SpectralDecay(BoundWeight weight, StepNumber strength)
    {
        var matrix = MatrixBlocks.Of(weight.View, weight.Weight, perHead: false).to(torch.ScalarType.Float32);
        var (_, left) = MatrixFunctions.LargestSingular(matrix);
        var leading = left.bmm(left.mT.bmm(matrix));
        weight.View.sub_(leading.mul(strength).view([.. weight.Weight.Shape]).to(weight.View.dtype));
    }
}
