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

    /// <summary>1 − rate·decay, −rate and −rate·momentum.</summary>
    private readonly StepNumber _kept, _down, _downMomentum;

    public Sgd(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Sgd plan, StepNumbers? numbers = null)
        : base(name, units, numbers)
    {
        _plan = plan;
        _momentum = plan.Momentum > 0 ? Zeros("momentum") : [];
        _down = Numbers.Add((factor, _) => -(plan.LearningRate * factor));
        _kept = Numbers.Add((factor, _) => 1 - plan.LearningRate * factor * plan.WeightDecay);
        _downMomentum = Numbers.Add((_, _) => _down.Host * plan.Momentum);
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients)
    {
        var values = Values(active);
        if (_plan.WeightDecay > 0)
            TensorLists.Multiply(values, _kept);
        if (_plan.Momentum > 0)
        {
            var momentum = Pick(_momentum, active);
            TensorLists.Blend(momentum, gradients, _plan.Momentum, 1);
            if (_plan.Nesterov)
            {
                TensorLists.Add(values, gradients, _down);
                TensorLists.Add(values, momentum, _downMomentum);
                return;
            }
            gradients = momentum;
        }
        TensorLists.Add(values, gradients, _down);
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
    private readonly StepNumber _rate;

    public Lars(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Lars plan, StepNumbers? numbers = null)
        : base(name, units, numbers)
    {
        _plan = plan;
        _momentum = Zeros("momentum");
        _rate = Numbers.Add((factor, _) => plan.LearningRate * factor);
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients)
    {
        var (values, momentum) = (Values(active), Pick(_momentum, active));
        var scaled = gradients.Select((g, i) => Scaled(values[i], g)).ToArray();
        TensorLists.Multiply(momentum, _plan.Momentum);
        TensorLists.Add(momentum, scaled, _rate);
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
