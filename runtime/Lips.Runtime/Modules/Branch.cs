using System.Linq;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>
/// What a residual does to its branch before adding it: times a learned <c>alpha</c> for every channel (LipsFormer), and,
/// in training only, left out for a share of the samples (stochastic depth, Huang et al. 2016), the kept ones times
/// 1/(1 − share), or for all samples in a share of the steps (LayerDrop, Fan et al. 2020), unchanged in the others.
/// </summary>
public sealed class Branch : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter? alpha;
    private readonly double? _clamp;
    private readonly double? _least;
    private readonly double _dropPath;
    private readonly double _layerDrop;

    /// <param name="alphas">Number of channels with a learned factor; 0: none.</param>
    /// <param name="clamp">Largest |alpha| that takes effect; with <paramref name="least"/> the largest alpha.</param>
    /// <param name="least">Least alpha that takes effect.</param>
    /// <param name="dropPath">Share of the samples left out, below 1.</param>
    /// <param name="layerDrop">Share of the steps that leave all samples out, below 1.</param>
    public Branch(long alphas = 0, double? clamp = null, double? least = null, double dropPath = 0, double layerDrop = 0)
        : base(nameof(Branch))
    {
        (_clamp, _least, _dropPath, _layerDrop) = (clamp, least, dropPath, layerDrop);
        if (alphas > 0)
            register_parameter(nameof(alpha), alpha = Leaf.Filled(1, alphas));
    }

    /// <param name="y">[batch, …, channels]</param>
    /// <returns>The shape of <paramref name="y"/>.</returns>
    public override torch.Tensor forward(torch.Tensor y)
    {
        if (alpha is not null)
            y = y.mul(_clamp is { } c ? alpha.clamp(_least ?? -c, c) : alpha);
        if (training && _layerDrop > 0)
            y = y.mul(torch.empty([1L], dtype: y.dtype, device: y.device).bernoulli_(1 - _layerDrop));
        if (!training || _dropPath == 0)
            return y.alias();
        long[] oneEach = [y.size(0), .. Enumerable.Repeat(1L, (int)y.dim() - 1)];
        var kept = torch.empty(oneEach, dtype: y.dtype, device: y.device).bernoulli_(1 - _dropPath);
        return y.mul(kept.div(1 - _dropPath));
    }
}
