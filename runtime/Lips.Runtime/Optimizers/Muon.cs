using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Constraints;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>
/// Muon: an average of gradients, orthogonalized by Newton–Schulz (six quintics without overshoot, arXiv 2507.13338), scaled
/// by √(out/in), so that an update has RMS→RMS norm at most the learning rate. Away from the CPU, matrices of equal
/// shape are orthogonalized together; where the constraint is per head, so is the update. Kernels count as (out, rest).
/// </summary>
public sealed class Muon : UpdateRule
{
    private readonly OptimizerPlan.Muon _plan;
    private readonly torch.Tensor[] _momentum;

    /// <summary>The rate, and 1 − rate·decay.</summary>
    private readonly StepNumber _rate, _kept;

    public Muon(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Muon plan, StepNumbers? numbers = null)
        : base(name, units, numbers)
    {
        _plan = plan;
        _momentum = Zeros("momentum");
        _rate = Numbers.Add((factor, _) => plan.LearningRate * factor);
        _kept = Numbers.Add((_, _) => 1 - _rate.Host * plan.WeightDecay);
    }

    /// <summary>The largest RMS→RMS norm of an update of one block, over the learning rate.</summary>
    public const double UpdateNorm = MatrixFunctions.OrthogonalizeCeiling;

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients)
    {
        double beta = _plan.Momentum;
        var momentum = Pick(_momentum, active);
        if (_plan.WeightDecay > 0)
            TensorLists.Multiply(Values(active), _kept);
        if (gradients[0].device_type == DeviceType.CPU && !Numbers.AreOnDevice)
        {
            // one weight after the other: its products keep all cores busy, and the cache is what matters
            for (int i = 0; i < active.Count; i++)
            {
                using var scope = torch.NewDisposeScope();
                momentum[i].mul_(beta).add_(gradients[i], 1 - beta);
                var block = Block.Of(Units[active[i]], Direction(momentum[i], gradients[i]));
                MatrixFunctions.AddOrthogonalized(block.Target, block.Direction, block.Tall, -_rate.Value * block.Scale);
            }
            return;
        }
        TensorLists.Blend(momentum, gradients, beta, 1 - beta);
        var blocks = active.Select((unit, i) => Block.Of(Units[unit], Direction(momentum[i], gradients[i]))).ToList();
        foreach (var group in blocks.GroupBy(b => (Math.Min(b.Direction.shape[1], b.Direction.shape[2]), Math.Max(b.Direction.shape[1], b.Direction.shape[2]))))
        {
            var members = group.ToList();
            var orthogonal = MatrixFunctions.Orthogonalize(torch.cat(members.Select(m => m.Tall ? m.Direction.mT : m.Direction).ToArray(), 0));
            long at = 0;
            foreach (var member in members)
            {
                long count = member.Direction.shape[0];
                var update = orthogonal.narrow(0, at, count);
                member.Target.add_((member.Tall ? update.mT : update).to(member.Target.dtype), _rate, -member.Scale);
                at += count;
            }
        }
    }

    private torch.Tensor Direction(torch.Tensor momentum, torch.Tensor gradient) =>
        _plan.Nesterov ? (momentum * _plan.Momentum).add_(gradient, 1 - _plan.Momentum) : momentum;

    /// <summary>The matrices of one weight as they are stored: the direction in float32, and the values.</summary>
    private sealed record Block(torch.Tensor Direction, torch.Tensor Target, bool Tall, double Scale)
    {
        public static Block Of(OptimizerUnit unit, torch.Tensor direction)
        {
            bool perHead = MatrixBlocks.ArePerHead(unit.Weight!);
            var (_, rows, columns) = MatrixBlocks.Shape(unit.Weight!, perHead);
            var from = MatrixBlocks.Of(direction, unit.Weight!, perHead).to(torch.ScalarType.Float32);
            return new Block(from, MatrixBlocks.Of(unit.Value, unit.Weight!, perHead), rows > columns, Math.Sqrt((double)rows / columns));
        }
    }
}

/// <summary>
/// Muon's companion for embeddings (arXiv 2507.13338): momentum whose rows are scaled to RMS 1, the rows of rare tokens
/// inflated at most 16 times against the largest; an update moves a row by at most the learning rate in RMS.
/// </summary>
public sealed class RowMomentum : UpdateRule
{
    private const double Inflation = 16;
    private readonly OptimizerPlan.Rows _plan;
    private readonly torch.Tensor[] _momentum;
    private readonly StepNumber _rate;

    public RowMomentum(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Rows plan, StepNumbers? numbers = null)
        : base(name, units, numbers)
    {
        _plan = plan;
        _momentum = Zeros("momentum");
        _rate = Numbers.Add((factor, _) => plan.LearningRate * factor);
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients)
    {
        double beta = _plan.Momentum;
        var momentum = Pick(_momentum, active);
        TensorLists.Blend(momentum, gradients, beta, 1 - beta);
        for (int i = 0; i < active.Count; i++)
        {
            var direction = _plan.Nesterov ? momentum[i] * beta + gradients[i] * (1 - beta) : momentum[i];
            var rms = direction.square().mean([1L], keepdim: true).sqrt();
            var divisor = rms.maximum(rms.max() / Inflation).clamp_min(1e-30f);
            Units[active[i]].Value.sub_((direction / divisor).mul(_rate));
        }
    }
}
