using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Constraints;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>
/// Muon: an average of gradients, orthogonalized by Newton–Schulz (six quintics without overshoot, arXiv 2507.13338), scaled
/// by √(out/in), so that an update has RMS→RMS norm at most the learning rate. Matrices of equal shape are orthogonalized
/// together; where the constraint is per head, so is the update. Kernels count as (out, rest).
/// </summary>
public sealed class Muon : UpdateRule
{
    private readonly OptimizerPlan.Muon _plan;
    private readonly torch.Tensor[] _momentum;

    public Muon(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Muon plan)
        : base(name, units)
    {
        _plan = plan;
        _momentum = Zeros("momentum");
    }

    /// <summary>The largest RMS→RMS norm of an update of one block, over the learning rate.</summary>
    public const double UpdateNorm = MatrixFunctions.OrthogonalizeCeiling;

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients, double factor)
    {
        double rate = _plan.LearningRate * factor, beta = _plan.Momentum;
        var momentum = Pick(_momentum, active);
        TensorLists.Blend(momentum, gradients, beta, 1 - beta);
        if (_plan.WeightDecay > 0)
            TensorLists.Multiply(Values(active), 1 - rate * _plan.WeightDecay);

        var blocks = new List<Block>();
        for (int i = 0; i < active.Count; i++)
        {
            var unit = Units[active[i]];
            var direction = _plan.Nesterov ? momentum[i] * beta + gradients[i] * (1 - beta) : momentum[i];
            blocks.Add(Block.Of(unit, direction));
        }
        foreach (var group in blocks.GroupBy(b => (b.Direction.shape[1], b.Direction.shape[2])))
        {
            var members = group.ToList();
            var orthogonal = MatrixFunctions.Orthogonalize(torch.cat(members.Select(m => m.Direction).ToArray(), 0));
            long at = 0;
            foreach (var member in members)
            {
                long count = member.Direction.shape[0];
                member.Target.sub_((orthogonal.narrow(0, at, count) * (rate * member.Scale)).to(member.Target.dtype));
                at += count;
            }
        }
    }

    /// <summary>The matrices of one weight: the direction in float32 with rows ≤ columns, and the values in the same layout.</summary>
    private sealed record Block(torch.Tensor Direction, torch.Tensor Target, double Scale)
    {
        public static Block Of(OptimizerUnit unit, torch.Tensor direction)
        {
            bool perHead = MatrixBlocks.ArePerHead(unit.Weight!);
            var (_, rows, columns) = MatrixBlocks.Shape(unit.Weight!, perHead);
            var from = MatrixBlocks.Of(direction, unit.Weight!, perHead).to(torch.ScalarType.Float32);
            var target = MatrixBlocks.Of(unit.Value, unit.Weight!, perHead);
            double scale = Math.Sqrt((double)rows / columns);
            return rows <= columns ? new Block(from, target, scale) : new Block(from.mT, target.mT, scale);
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

    public RowMomentum(string name, IReadOnlyList<OptimizerUnit> units, OptimizerPlan.Rows plan)
        : base(name, units)
    {
        _plan = plan;
        _momentum = Zeros("momentum");
    }

    protected override void Update(IReadOnlyList<int> active, IReadOnlyList<torch.Tensor> gradients, double factor)
    {
        double rate = _plan.LearningRate * factor, beta = _plan.Momentum;
        var momentum = Pick(_momentum, active);
        TensorLists.Blend(momentum, gradients, beta, 1 - beta);
        for (int i = 0; i < active.Count; i++)
        {
            var direction = _plan.Nesterov ? momentum[i] * beta + gradients[i] * (1 - beta) : momentum[i];
            var rms = direction.square().mean([1L], keepdim: true).sqrt();
            var divisor = rms.maximum(rms.max() / Inflation).clamp_min(1e-30f);
            Units[active[i]].Value.sub_(direction / divisor * rate);
        }
    }
}
