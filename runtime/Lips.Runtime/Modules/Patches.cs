using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>Cuts a map (batch, height, width, channels) into squares and maps each linearly to one token. The weight is (out, in, patch, patch), a convolution's.</summary>
public sealed class Patchify : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly long _patch;

    public Patchify(long patch, long inputWidth, long outputWidth, bool hasBias)
        : base(nameof(Patchify))
    {
        _patch = patch;
        long fanIn = inputWidth * patch * patch;
        weight = Leaf.Uniform(fanIn, outputWidth, inputWidth, patch, patch);
        bias = hasBias ? Leaf.Uniform(fanIn, outputWidth) : null;
        register_parameter(nameof(weight), weight);
        if (bias is not null)
            register_parameter(nameof(bias), bias);
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        long batch = x.size(0), height = x.size(1) / _patch, width = x.size(2) / _patch, channels = x.size(3);
        var patches = x.reshape(batch, height, _patch, width, _patch, channels)
            .permute(0, 1, 3, 5, 2, 4)                                      // [B, h, w, C, patch, patch]
            .reshape(batch, height, width, channels * _patch * _patch);
        return torch.nn.functional.linear(patches, weight.flatten(1), bias).MoveToOuterDisposeScope();
    }
}

/// <summary>How the gathered token of <see cref="PatchMerging"/> is normalized.</summary>
public enum MergingNorm { None, LayerNorm, CenterNorm }

/// <summary>2 × 2 neighbours of a map, in the order (0,0), (1,0), (0,1), (1,1), become one token of four times the width, which is normalized and reduced without bias (arXiv 2103.14030).</summary>
public sealed class PatchMerging : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly torch.nn.Module<torch.Tensor, torch.Tensor>? norm;
    private readonly Linear reduction;

    public PatchMerging(long inputWidth, long outputWidth, MergingNorm norm, double eps)
        : base(nameof(PatchMerging))
    {
        long gathered = 4 * inputWidth;
        this.norm = norm switch
        {
            MergingNorm.LayerNorm => torch.nn.LayerNorm(normalized_shape: gathered, eps: eps, elementwise_affine: true, bias: true),
            MergingNorm.CenterNorm => new CenterNorm(width: gathered, affine: true, hasBias: true),
            _ => null,
        };
        reduction = torch.nn.Linear(inputSize: gathered, outputSize: outputWidth, hasBias: false);
        if (this.norm is not null)
            register_module(nameof(norm), this.norm);
        register_module(nameof(reduction), reduction);
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        long batch = x.size(0), height = x.size(1) / 2, width = x.size(2) / 2, channels = x.size(3);
        var gathered = x.reshape(batch, height, 2, width, 2, channels)
            .permute(0, 1, 3, 4, 2, 5)                                      // the row index runs fastest
            .reshape(batch, height, width, 4 * channels);
        return reduction.call(norm is null ? gathered : norm.call(gathered)).MoveToOuterDisposeScope();
    }
}
