using System.Linq;
using TorchSharp;

namespace Lips.Runtime;

/// <summary>The matrices inside a weight: itself as (out, rest), or one per head.</summary>
public static class MatrixBlocks
{
    /// <summary>Whether a weight's constraint speaks of each head's slice.</summary>
    public static bool ArePerHead(Weight weight) =>
        weight is { Heads: > 1, HeadAxis: not HeadAxis.None, Constraint: Constraint.Cap { Extent: CapExtent.PerHead } };

    /// <summary>A view of shape (blocks, rows, columns) on a tensor of the weight's shape.</summary>
    public static torch.Tensor Of(torch.Tensor value, Weight weight, bool perHead)
    {
        long rows = weight.Shape[0], columns = weight.Shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        if (!perHead)
            return value.dim() == 2 ? value.unsqueeze(0) : value.view(1, rows, columns);
        return weight.HeadAxis == HeadAxis.Rows
            ? value.unflatten(0, weight.Heads, rows / weight.Heads)
            : value.unflatten(1, weight.Heads, columns / weight.Heads).permute(1, 0, 2);
    }

    /// <summary>(blocks, rows, columns) of <see cref="Of"/>.</summary>
    public static (int Count, long Rows, long Columns) Shape(Weight weight, bool perHead)
    {
        long rows = weight.Shape[0], columns = weight.Shape.Skip(1).Aggregate(1L, (a, b) => a * b);
        return !perHead ? (1, rows, columns)
            : weight.HeadAxis == HeadAxis.Rows ? (weight.Heads, rows / weight.Heads, columns)
            : (weight.Heads, rows, columns / weight.Heads);
    }
}
