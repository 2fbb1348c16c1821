using System.Linq;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>Windows of tokens on a grid, channels last, as a view: one or two axes of windows, then channels, then the taps.</summary>
internal sealed record Window(long[] Kernel, long[] Stride, long[] Padding)
{
    /// <param name="x">(batch, length, width) or (batch, height, width, width of a token).</param>
    /// <param name="border">The value beyond the border.</param>
    public torch.Tensor Over(torch.Tensor x, double border)
    {
        if (Padding.Any(p => p > 0))
        {
            // pairs from the last axis on; the channels are not padded
            long[] amounts = [0, 0, .. Padding.Reverse().SelectMany(p => new[] { p, p })];
            x = torch.nn.functional.pad(x, amounts, mode: PaddingModes.Constant, value: border);
        }
        for (int axis = 0; axis < Kernel.Length; axis++)
            x = x.unfold(axis + 1, Kernel[axis], Stride[axis]);
        return x;
    }

    public long[] Taps => Kernel.Length == 1 ? [-1] : [-1, -2];
}

/// <summary>The largest value of each channel in each window.</summary>
public sealed class MaxPool(long[] kernel, long[] stride, long[] padding) : torch.nn.Module<torch.Tensor, torch.Tensor>(nameof(MaxPool))
{
    private readonly Window _window = new(kernel, stride, padding);

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return _window.Over(x, double.NegativeInfinity).amax(_window.Taps).MoveToOuterDisposeScope();
    }
}

/// <summary>The mean of each window; with <paramref name="countPadding"/> zeros beyond the border count as tokens.</summary>
public sealed class AveragePool(long[] kernel, long[] stride, long[] padding, bool countPadding) : torch.nn.Module<torch.Tensor, torch.Tensor>(nameof(AveragePool))
{
    private readonly Window _window = new(kernel, stride, padding);

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var windows = _window.Over(x, 0);
        if (countPadding || _window.Padding.All(p => p == 0))
            return windows.mean(_window.Taps).MoveToOuterDisposeScope();
        long[] grid = [1, .. x.shape[1..^1], 1];
        var present = _window.Over(torch.ones(grid, dtype: x.dtype, device: x.device), 0).sum(_window.Taps);
        return windows.sum(_window.Taps).div(present).MoveToOuterDisposeScope();
    }
}

/// <summary>One vector: Σ a_j x_j over all tokens, a the softmax of their products with a learned query.</summary>
public sealed class AttentionPool : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter query;

    public AttentionPool(long width)
        : base(nameof(AttentionPool)) => register_parameter(nameof(query), query = Leaf.Filled(0, 1, width));

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var tokens = x.ndim == 4 ? x.flatten(1, 2) : x;                      // [B, N, C]
        var weights = torch.nn.functional.softmax(tokens.matmul(query.transpose(0, 1)), dim: 1);
        return weights.transpose(1, 2).matmul(tokens).squeeze(1).MoveToOuterDisposeScope();
    }
}

/// <summary>Puts a learned token before the others; a map becomes a row.</summary>
public sealed class ClassToken : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter token;

    public ClassToken(long width)
        : base(nameof(ClassToken)) => register_parameter(nameof(token), token = Leaf.Filled(0, 1, width));

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var tokens = x.ndim == 4 ? x.flatten(1, 2) : x;
        return torch.cat([token.unsqueeze(0).expand(tokens.size(0), 1, tokens.size(2)), tokens], dim: 1).MoveToOuterDisposeScope();
    }
}
