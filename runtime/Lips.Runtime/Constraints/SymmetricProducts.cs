using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// Products of batches of matrices that are known to be symmetric: W·Wᵀ, and products of polynomials of one symmetric matrix.
/// On the CPU only the tiles on and below the diagonal are computed, and copied to the other side.
/// </summary>
internal static class SymmetricProducts
{
    /// <summary>scale·a·b for a (batch, n, k) and b (batch, k, n), written over <paramref name="into"/> where that is given.</summary>
    public static torch.Tensor Product(torch.Tensor a, torch.Tensor b, double scale = 1, torch.Tensor? into = null)
    {
        var result = into ?? torch.empty(a.shape[0], a.shape[1], a.shape[1], dtype: a.dtype, device: a.device);
        if (!TorchExtras.SymmetricProduct(result, a, b, scale))
            TorchExtras.MultiplyInto(result, a, b, alpha: scale);
        return result;
    }

    /// <summary>scale·W·Wᵀ for W = x, or its transpose where x is <paramref name="tall"/>, written over <paramref name="into"/> where that is given.</summary>
    public static torch.Tensor Gram(torch.Tensor x, bool tall, double scale = 1, torch.Tensor? into = null)
    {
        using var transposed = x.mT;
        return tall ? Product(transposed, x, scale, into) : Product(x, transposed, scale, into);
    }
}
