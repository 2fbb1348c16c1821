using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>Uses of a weight that another layer owns.</summary>
public static class Tied
{
    /// <summary>The rows of <paramref name="table"/> that <paramref name="ids"/> (int64) name: [.. ids, table width].</summary>
    public static torch.Tensor Rows(torch.Tensor ids, torch.Tensor table)
    {
        long[] shape = [.. ids.shape, table.size(1)];
        return table.index_select(0, ids.reshape(-1)).reshape(shape);
    }
}
