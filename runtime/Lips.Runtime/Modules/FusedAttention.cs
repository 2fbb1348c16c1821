using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>softmax(scale·q·kᵀ + mask)·v in one operator.</summary>
internal interface IFusedAttention
{
    /// <summary>Whether it is there for values like this.</summary>
    bool Takes(torch.Tensor q);

    /// <param name="q">[batch, heads, queries, head width]</param>
    /// <param name="k">[batch, heads, keys, head width]</param>
    /// <param name="v">As <paramref name="k"/>.</param>
    /// <param name="mask">Of a shape that expands to [batch, heads, queries, keys]: true where a key is seen, or numbers to be added; null where <paramref name="causal"/>.</param>
    /// <param name="scale">Factor on every q·k.</param>
    /// <param name="causal">Whether query i sees keys 1 … i only.</param>
    /// <returns>The shape of <paramref name="q"/>.</returns>
    torch.Tensor Heads(torch.Tensor q, torch.Tensor k, torch.Tensor v, torch.Tensor? mask, double scale, bool causal);
}

/// <summary>The kernels of libtorch for the device that the values are on.</summary>
internal sealed class FusedAttention : IFusedAttention
{
    public static FusedAttention OfTheDevice { get; } = new();

    private FusedAttention()
    {
    }

    public bool Takes(torch.Tensor q) => TorchExtras.FusesAttention(q.device);

    public torch.Tensor Heads(torch.Tensor q, torch.Tensor k, torch.Tensor v, torch.Tensor? mask, double scale, bool causal) =>
        TorchExtras.DotProductAttention(q, k, v, mask, scale, causal);
}
