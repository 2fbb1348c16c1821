using System.Linq;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>Channels-last normalizations with an optional gain (<c>weight</c>) and bias of one entry per channel.</summary>
public abstract class AffineNorm : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private protected readonly Parameter? weight;
    private protected readonly Parameter? bias;

    private protected AffineNorm(string name, long width, bool affine, bool hasBias)
        : base(name)
    {
        if (affine)
            register_parameter(nameof(weight), weight = Leaf.Filled(1, width));
        if (hasBias)
            register_parameter(nameof(bias), bias = Leaf.Filled(0, width));
    }

    /// <summary>gain·factor·x + bias.</summary>
    private protected torch.Tensor Affine(torch.Tensor x, double factor = 1)
    {
        if (weight is null)
        {
            var scaled = factor == 1 ? x : x.mul(factor);
            return bias is null ? scaled : scaled.add(bias);
        }
        var gain = factor == 1 ? weight : weight.mul(factor);
        return bias is null ? x.mul(gain) : torch.addcmul(bias, x, gain, 1);
    }
}

/// <summary>x/√(mean(x²) + eps), per token (Zhang and Sennrich 2019).</summary>
public sealed class RmsNorm(long width, double eps, bool affine) : AffineNorm(nameof(RmsNorm), width, affine, hasBias: false)
{
    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return Affine(x.mul(x.square().mean([-1], keepdim: true).add(eps).rsqrt())).MoveToOuterDisposeScope();
    }
}

/// <summary>(x − mean(x))/(deviation(x) + eps), per token: layer normalization with eps beside the root of the variance.</summary>
public sealed class DeviationNorm(long width, double eps, bool affine, bool hasBias) : AffineNorm(nameof(DeviationNorm), width, affine, hasBias)
{
    /// <summary>Far below the square of any eps: the root's slope at 0 would be NaN.</summary>
    private const double Smallest = 1e-30;

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var centred = x.sub(x.mean([-1], keepdim: true));
        var deviation = centred.square().mean([-1], keepdim: true).clamp_min(Smallest).sqrt();
        return Affine(centred.div(deviation.add(eps))).MoveToOuterDisposeScope();
    }
}

/// <summary>width/(width − 1)·(x − mean(x)), per token (arXiv 2304.09856).</summary>
public sealed class CenterNorm(long width, bool affine, bool hasBias) : AffineNorm(nameof(CenterNorm), width, affine, hasBias)
{
    private readonly double _factor = (double)width / (width - 1);

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return Affine(x.sub(x.mean([-1], keepdim: true)), _factor).MoveToOuterDisposeScope();
    }
}

/// <summary>gain · tanh(alpha · x) + bias (arXiv 2503.10622).</summary>
public sealed class DyT : AffineNorm
{
    private readonly Parameter alpha;

    public DyT(long width, bool affine, bool hasBias)
        : base(nameof(DyT), width, affine, hasBias) => register_parameter(nameof(alpha), alpha = Leaf.Filled(0.5, 1));

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return Affine(x.mul(alpha).tanh()).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// (x − mean)/√(variance + eps) per channel. In training the statistics are the batch's, over all tokens, and the running
/// ones follow with the given momentum (the variance with Bessel's correction); in evaluation they are the running ones,
/// and the layer is a diagonal map.
/// </summary>
public sealed class BatchNorm : AffineNorm
{
    private readonly torch.Tensor running_mean;
    private readonly torch.Tensor running_var;
    private readonly double _eps;
    private readonly double _momentum;

    public BatchNorm(long width, double eps, double momentum, bool affine, bool hasBias)
        : base(nameof(BatchNorm), width, affine, hasBias)
    {
        (_eps, _momentum) = (eps, momentum);
        register_buffer(nameof(running_mean), running_mean = Leaf.Buffer(0, width));
        register_buffer(nameof(running_var), running_var = Leaf.Buffer(1, width));
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        if (x.device.type == DeviceType.CUDA && x.numel() > x.size(-1))
            return InOneOperator(x).MoveToOuterDisposeScope();
        if (!training)
            return Affine(Normalize(x, running_mean, running_var)).MoveToOuterDisposeScope();
        var axes = Enumerable.Range(0, (int)x.ndim - 1).Select(i => (long)i).ToArray();
        var mean = x.mean(axes);
        var variance = x.sub(mean).square().mean(axes);
        Follow(mean, variance, x.numel() / x.size(-1));
        return Affine(Normalize(x, mean, variance)).MoveToOuterDisposeScope();
    }

    /// <summary>The same of more than one token by the library's kernel: on a CUDA device one launch in place of a dozen, with statistics in float32 of whatever <paramref name="x"/> is.</summary>
    internal torch.Tensor InOneOperator(torch.Tensor x) =>
        torch.nn.functional.batch_norm(x.reshape(-1, x.size(-1)), running_mean, running_var, weight!, bias!, training, _momentum, _eps).reshape(x.shape);

    private torch.Tensor Normalize(torch.Tensor x, torch.Tensor mean, torch.Tensor variance) =>
        x.sub(mean).mul(variance.add(_eps).rsqrt());

    private void Follow(torch.Tensor mean, torch.Tensor variance, long count)
    {
        using var noGrad = torch.no_grad();
        double correction = count > 1 ? (double)count / (count - 1) : 1;
        running_mean.mul_(1 - _momentum).add_(mean.detach().mul(_momentum));
        running_var.mul_(1 - _momentum).add_(variance.detach().mul(_momentum * correction));
    }
}

/// <summary>(x − mean)/std per channel, with declared numbers.</summary>
public sealed class Standardize : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly torch.Tensor mean;
    private readonly torch.Tensor std;

    public Standardize(double[] mean, double[] std)
        : base(nameof(Standardize))
    {
        this.mean = torch.tensor(mean, dtype: torch.float32).DetachFromDisposeScope();
        this.std = torch.tensor(std, dtype: torch.float32).DetachFromDisposeScope();
        register_buffer(nameof(mean), this.mean);
        register_buffer(nameof(std), this.std);
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var centred = x.sub(mean);
        return centred.div(std);
    }
}
