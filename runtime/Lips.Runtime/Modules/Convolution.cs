using System.Linq;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Modules;

/// <summary>
/// A convolution over tokens on a grid, channels last: (batch, length, width) with one kernel axis, (batch, height, width,
/// width of a token) with two. The weight is (out, in/groups, taps…), as PyTorch stores it.
/// </summary>
public sealed class Convolution : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly long[] _dilation;
    private readonly PaddingModes _paddingMode;
    private readonly long _groups;

    /// <param name="inputWidth">Channels of a token of the input.</param>
    /// <param name="outputWidth">Channels of a token of the output.</param>
    /// <param name="kernel">Taps per axis: one number for a row of tokens, two (height, width) for a map. So the next three.</param>
    /// <param name="stride">Distance between neighbouring windows.</param>
    /// <param name="padding">Tokens added at each end.</param>
    /// <param name="paddingMode">What they are.</param>
    /// <param name="dilation">Distance between neighbouring taps.</param>
    /// <param name="groups">Channel groups that do not mix.</param>
    /// <param name="hasBias">Whether a learned vector is added.</param>
    public Convolution(long inputWidth, long outputWidth, long[] kernel, long[] stride, long[] padding, PaddingModes paddingMode, long[] dilation, long groups, bool hasBias)
        : base(nameof(Convolution))
    {
        long fanIn = kernel.Aggregate(inputWidth / groups, (product, taps) => product * taps);
        weight = Leaf.Uniform(fanIn, [outputWidth, inputWidth / groups, .. kernel]);
        bias = hasBias ? Leaf.Uniform(fanIn, outputWidth) : null;
        (_stride, _padding, _dilation, _paddingMode, _groups) = (stride, padding, dilation, paddingMode, groups);
        register_parameter(nameof(weight), weight);
        if (bias is not null)
            register_parameter(nameof(bias), bias);
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        return (_stride.Length == 1 ? Row(x) : Map(x)).MoveToOuterDisposeScope();
    }

    // A permuted view of channels-last tokens is exactly libtorch's channels_last memory format: nothing is copied.
    private torch.Tensor Map(torch.Tensor x)
    {
        var padded = Pad(x.permute(0, 3, 1, 2), [_padding[1], _padding[1], _padding[0], _padding[0]]);
        return Convolve(padded, weight, _stride, Remaining, _dilation).permute(0, 2, 3, 1);
    }

    /// <summary>A row is a map of height 1.</summary>
    private torch.Tensor Row(torch.Tensor x)
    {
        var padded = Pad(x.transpose(1, 2), [_padding[0], _padding[0]]).unsqueeze(2);
        return Convolve(padded, weight.unsqueeze(2), [1, _stride[0]], [0, Remaining[0]], [1, _dilation[0]]).squeeze(2).transpose(1, 2);
    }

    /// <summary>libtorch 1.13 has neither convolution nor mirrored padding on the meta device, where shapes are all there is to compute.</summary>
    private torch.Tensor Convolve(torch.Tensor x, torch.Tensor kernel, long[] stride, long[] padding, long[] dilation)
    {
        if (x.device.type != DeviceType.META)
            return torch.nn.functional.conv2d(x, kernel, bias, strides: stride, padding: padding, dilation: dilation, groups: _groups);
        long Outputs(int axis) =>
            (x.size(axis + 2) + 2 * padding[axis] - dilation[axis] * (kernel.size(axis + 2) - 1) - 1) / stride[axis] + 1;
        return torch.empty([x.size(0), kernel.size(0), Outputs(0), Outputs(1)], dtype: x.dtype, device: x.device);
    }

    /// <summary>What the convolution itself still pads with zeros.</summary>
    private long[] Remaining => _paddingMode == PaddingModes.Zeros ? _padding : new long[_padding.Length];

    private torch.Tensor Pad(torch.Tensor x, long[] amounts) =>
        _paddingMode == PaddingModes.Zeros || amounts.All(a => a == 0)
            ? x
            : torch.nn.functional.pad(x, amounts, mode: x.device.type == DeviceType.META ? PaddingModes.Constant : _paddingMode);
}
