using System;
using System.Collections.Generic;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>AdamW (Loshchilov and Hutter 2019, algorithm 2), with bias correction.</summary>
public sealed class AdamW : UpdateRule
{
    private readonly OptimizerPlan.AdamW _plan;
    private readonly torch.Tensor[] _first;
    private readonly torch.Tensor[] _second;

    /// <summary>The rate and the step's number; 1 − rate·decay, 1/√(1 − β₂ⁿ) and −rate/(1 − β₁ⁿ).</summary>
    private readonly StepNumber _rate, _step, _kept, _root, _scale;

    public AdamW(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.AdamW plan, StepNumbers? numbers = null)
        : base(name, units, numbers)
    {
        _plan = plan;
        _first = Zeros("first");
        _second = Zeros("second");
        _rate = Numbers.Add((factor, _) => plan.LearningRate * factor);
        _step = Numbers.Add((_, step) => step);
        _kept = Numbers.Add((_, _) => 1 - _rate.Host * plan.WeightDecay);
        _root = Numbers.Add((_, step) => 1 / Math.Sqrt(1 - Math.Pow(plan.Beta2, step)));
        _scale = Numbers.Add((_, step) => -_rate.Host / (1 - Math.Pow(plan.Beta1, step)));
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients)
    {
        var (first, second, values) = (Pick(_first, active), Pick(_second, active), Values(active));
        if (_rate.OnDevice is { } rate
                ? TorchExtras.AdamW(values, [.. gradients], first, second, rate, _step.OnDevice!, _plan.Beta1, _plan.Beta2, _plan.WeightDecay, _plan.Epsilon)
                : TorchExtras.AdamW(values, [.. gradients], first, second, _kept.Value, _plan.Beta1, _plan.Beta2, _root.Value, _plan.Epsilon, -_scale.Value))
            return;
        if (_plan.WeightDecay > 0)
            TensorLists.Multiply(values, _kept);
        TensorLists.Blend(first, gradients, _plan.Beta1, 1 - _plan.Beta1);
        TensorLists.Multiply(second, _plan.Beta2);
        TensorLists.AddSquares(second, gradients, 1 - _plan.Beta2);
        TensorLists.AddQuotients(values, first, second, _root, _plan.Epsilon, _scale);
    }
}
