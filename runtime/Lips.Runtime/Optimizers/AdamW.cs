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

    public AdamW(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.AdamW plan)
        : base(name, units)
    {
        _plan = plan;
        _first = Zeros("first");
        _second = Zeros("second");
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients, double factor)
    {
        double rate = _plan.LearningRate * factor;
        var (first, second, values) = (Pick(_first, active), Pick(_second, active), Values(active));
        double correct1 = 1 - Math.Pow(_plan.Beta1, Steps), correct2 = 1 - Math.Pow(_plan.Beta2, Steps);
        double kept = 1 - rate * _plan.WeightDecay, root = 1 / Math.Sqrt(correct2);
        if (TorchExtras.AdamW(values, [.. gradients], first, second, kept, _plan.Beta1, _plan.Beta2, root, _plan.Epsilon, rate / correct1))
            return;
        if (_plan.WeightDecay > 0)
            TensorLists.Multiply(values, kept);
        TensorLists.Blend(first, gradients, _plan.Beta1, 1 - _plan.Beta1);
        TensorLists.Multiply(second, _plan.Beta2);
        TensorLists.AddSquares(second, gradients, 1 - _plan.Beta2);
        TensorLists.AddQuotients(values, first, second, root, _plan.Epsilon, -rate / correct1);
    }
}
