using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>
/// Rotary positions (Su et al. 2021): at position n, channel pair (k, k + channels/2) is turned by the angle
/// n·wavelengths^(−2k/channels). Channels beyond <paramref name="channels"/> stay. Every position is an isometry.
/// </summary>
/// <param name="channels">How many channels of a head are turned; even.</param>
/// <param name="wavelengths">Ratio of the longest to the shortest wavelength.</param>
public sealed class Rotary(long channels, double wavelengths)
{
    private readonly ConstantTable _cosine = new((length, device) => Angles(length, channels, wavelengths, device).cos());
    private readonly ConstantTable _sine = new((length, device) => Angles(length, channels, wavelengths, device).sin());

    /// <summary>Cosine and sine of every position's angles, each [length, channels/2], where <paramref name="like"/> is and of its type.</summary>
    internal (torch.Tensor Cosine, torch.Tensor Sine) Tables(long length, torch.Tensor like) => (_cosine.For(length, like), _sine.For(length, like));

    /// <param name="heads">[batch, heads, length, head width]</param>
    /// <returns>The same shape.</returns>
    public torch.Tensor Turn(torch.Tensor heads)
    {
        var length = heads.size(2);
        var (cosine, sine) = Tables(length, heads);
        var half = channels / 2;
        var (a, b) = (heads.narrow(-1, 0, half), heads.narrow(-1, half, half));
        var first = a.mul(cosine).addcmul(b, sine, -1);
        var second = b.mul(cosine).addcmul(a, sine, 1);
        var rest = heads.size(3) - channels;
        return rest == 0
            ? torch.cat([first, second], dim: -1)
            : torch.cat([first, second, heads.narrow(-1, channels, rest)], dim: -1);
    }

    /// <summary>[length, channels/2]: position times frequency.</summary>
    internal static torch.Tensor Angles(long length, long channels, double wavelengths, torch.Device device)
    {
        var positions = torch.arange(length, dtype: torch.float64, device: device);
        var exponents = torch.arange(channels / 2, dtype: torch.float64, device: device);
        var frequencies = exponents.mul(-2 * Math.Log(wavelengths) / channels).exp();
        return positions.unsqueeze(1).mul(frequencies);
    }
}
