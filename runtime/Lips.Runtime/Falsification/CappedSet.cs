using System;
using System.Linq;
using Lips.Runtime.Certification;
using TorchSharp;
using static TorchSharp.torch;

namespace Lips.Runtime.Falsification;

/// <summary>How the weights of an attack start.</summary>
public enum Start { Orthogonal, RankOne, Gaussian }

/// <summary>
/// The set of tensors within a weight's cap, in float64: its extreme points, and its farthest point in a direction. A cap's
/// set is convex, so a step towards such a point never leaves it.
/// </summary>
public static class CappedSet
{
    /// <summary>A random point with norm exactly the cap; a weight without a cap keeps its value.</summary>
    public static void Draw(BoundWeight bound, Start start, Generator generator)
    {
        if (bound.Weight.Constraint is not Constraint.Cap)
            return;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long[] shape = [.. bound.Weight.Shape];
        var noise = randn(shape, dtype: float64, generator: generator);
        bound.View.copy_(start switch
        {
            Start.RankOne when IsMatrix(bound.Weight) => Farthest(bound.Weight, RankOne(bound.Weight, generator)),
            Start.Gaussian => AtCap(bound.Weight, noise),
            _ => Farthest(bound.Weight, noise),
        });
    }

    /// <summary>The point of the set that is largest along a direction: polar factors, normalized rows, signs.</summary>
    public static Tensor Farthest(Weight weight, Tensor direction)
    {
        var cap = (Constraint.Cap)weight.Constraint!;
        switch (cap.Unit)
        {
            case CapUnit.MaxAbs:
                return direction.sign() * cap.Limit;
            case CapUnit.L2:
                return OfNorm(direction.flatten(), cap.Limit).view_as(direction);
            case CapUnit.RowL2 or CapUnit.RowRms:
                double row = cap.Limit * (cap.Unit == CapUnit.RowRms ? Math.Sqrt(weight.Shape.Skip(1).Aggregate(1L, (a, b) => a * b)) : 1);
                return OfNorm(direction, row);
        }
        if (cap.Extent == CapExtent.Operator)
            return AtCap(weight, direction);
        var (blocks, limit) = Blocks(weight, direction, cap);
        var (u, _, vh) = linalg.svd(blocks, fullMatrices: false);
        return Place(weight, u.matmul(vh) * (limit * (1 - 1e-15)));
    }

    /// <summary>Each row scaled to a norm, 0 where it is 0: by its largest entry first, for the squares of slopes below 1e-154 are 0.</summary>
    private static Tensor OfNorm(Tensor rows, double norm)
    {
        var near = rows / rows.abs().amax([-1], keepdim: true).clamp_min(1e-300);
        return near * (norm / near.square().sum(-1, keepdim: true).sqrt().clamp_min(1e-300));
    }

    /// <summary>A multiple of the tensor with norm exactly the cap.</summary>
    public static Tensor AtCap(Weight weight, Tensor value)
    {
        var cap = (Constraint.Cap)weight.Constraint!;
        switch (cap.Unit)
        {
            case CapUnit.MaxAbs:
                return value * (cap.Limit / value.abs().max().clamp_min(1e-300));
            case CapUnit.L2 or CapUnit.RowL2 or CapUnit.RowRms:
                return Farthest(weight, value);
        }
        if (cap.Extent == CapExtent.Operator)
        {
            double norm = CertifiedNorms.InUnitOfCap(weight, CertifiedNorms.Values(value), cap).ToDoubleUp();
            return norm == 0 ? value : value * (cap.Limit / norm);
        }
        var (blocks, limit) = Blocks(weight, value, cap);
        var largest = linalg.svdvals(blocks).amax([-1]).view(-1, 1, 1).clamp_min(1e-300);
        return Place(weight, blocks * (limit / largest));
    }

    private static bool IsMatrix(Weight weight) => weight.Shape.Count > 1 && weight.Constraint is Constraint.Cap { Unit: CapUnit.Spectral or CapUnit.Rms };

    private static Tensor RankOne(Weight weight, Generator generator)
    {
        long rows = weight.Shape[0], columns = weight.Shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        // a trace of everything else decides the farthest point's other directions
        var one = randn([rows, 1], dtype: float64, generator: generator).matmul(randn([1, columns], dtype: float64, generator: generator));
        return one.view([.. weight.Shape]);
    }

    /// <summary>(blocks, rows, columns), and σ's limit in a block.</summary>
    private static (Tensor Blocks, double Limit) Blocks(Weight weight, Tensor value, Constraint.Cap cap)
    {
        bool perHead = MatrixBlocks.ArePerHead(weight);
        var (_, rows, columns) = MatrixBlocks.Shape(weight, perHead);
        return (MatrixBlocks.Of(value.contiguous(), weight, perHead), cap.Unit == CapUnit.Rms ? cap.Limit * Math.Sqrt((double)rows / columns) : cap.Limit);
    }

    private static Tensor Place(Weight weight, Tensor blocks)
    {
        var placed = zeros([.. weight.Shape], dtype: float64);
        MatrixBlocks.Of(placed, weight, MatrixBlocks.ArePerHead(weight)).copy_(blocks);
        return placed;
    }
}
