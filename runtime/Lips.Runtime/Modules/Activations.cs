using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>Activations that the tensor library lacks, or has in a form whose bound would not hold.</summary>
public static class Activations
{
    /// <summary>ln(1 + e^x). The library's own jumps to x above a threshold; this one is the function itself everywhere.</summary>
    public static torch.Tensor Softplus(torch.Tensor x) => x.relu().add(x.abs().neg().exp().log1p());

    /// <summary>x·σ(1.702·x), the fast form of GELU (Hendrycks and Gimpel 2016).</summary>
    public static torch.Tensor QuickGelu(torch.Tensor x) => x.mul(1.702).silu().div(1.702);

    /// <summary>x·tanh(ln(1 + e^x)) (Misra 2019).</summary>
    public static torch.Tensor Mish(torch.Tensor x) => x.mul(Softplus(x).tanh());

    /// <summary>Every pair of neighbouring channels sorted, the larger first (Anil, Lucas and Grosse 2019).</summary>
    /// <param name="x">[…, channels], an even number of channels.</param>
    /// <returns>The shape of <paramref name="x"/>.</returns>
    public static torch.Tensor GroupSort(torch.Tensor x)
    {
        long[] paired = [.. x.shape[..^1], x.size(-1) / 2, 2];
        var pairs = x.reshape(paired);
        var (a, b) = (pairs.select(-1, 0), pairs.select(-1, 1));
        return torch.stack([torch.maximum(a, b), torch.minimum(a, b)], dim: -1).reshape(x.shape);
    }
}
