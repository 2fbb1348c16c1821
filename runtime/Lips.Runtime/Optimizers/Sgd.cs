using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>Stochastic gradient descent with momentum, as PyTorch defines it; weight decay is decoupled.</summary>
public sealed class Sgd : UpdateRule
{
    private readonly OptimizerPlan.Sgd _plan;
    private readonly torch.Tensor[] _momentum;

    public Sgd(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Sgd plan)
        : base(name, units)
    {
        _plan = plan;
        _momentum = plan.Momentum > 0 ? Zeros("momentum") : [];
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients, double factor)
    {
        double rate = _plan.LearningRate * factor;
        var values = Values(active);
        if (_plan.WeightDecay > 0)
            TensorLists.Multiply(values, 1 - rate * _plan.WeightDecay);
        if (_plan.Momentum > 0)
        {
            var momentum = Pick(_momentum, active);
            TensorLists.Blend(momentum, gradients, _plan.Momentum, 1);
            if (_plan.Nesterov)
            {
                TensorLists.Add(values, gradients, -rate);
                TensorLists.Add(values, momentum, -rate * _plan.Momentum);
                return;
            }
            gradients = momentum;
        }
        TensorLists.Add(values, gradients, -rate);
    }
}

/// <summary>
/// Layer-wise adaptive rate scaling (You et al. 2017, algorithm 1): momentum of the gradient times trust·‖w‖/(‖g‖ + decay·‖w‖);
/// vectors take the plain rate, as is the practice.
/// </summary>
public sealed class Lars : UpdateRule
{
    private readonly OptimizerPlan.Lars _plan;
    private readonly torch.Tensor[] _momentum;

    public Lars(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Lars plan)
        : base(name, units)
    {
        _plan = plan;
        _momentum = Zeros("momentum");
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients, double factor)
    {
        double rate = _plan.LearningRate * factor;
        var (values, momentum) = (Values(active), Pick(_momentum, active));
        var scaled = gradients.Select((g, i) => Scaled(values[i], g)).ToArray();
        TensorLists.Blend(momentum, scaled, _plan.Momentum, rate);
        TensorLists.Add(values, momentum, -1);
    }

    private torch.Tensor Scaled(torch.Tensor value, torch.Tensor gradient)
    {
        if (value.dim() < 2)
            return gradient;
        var size = value.norm();
        var local = size * _plan.Trust / (gradient.norm() + size * _plan.WeightDecay + 1e-12);
        // A weight of norm zero takes the plain rate, or it could never leave zero.
        local = torch.where(size.gt(0), local, torch.ones_like(local));
        return (gradient + value * _plan.WeightDecay) * local;
    }
}
