using System;
using System.Linq;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>A convolution's operator norm by its symbol on a grid of frequencies, in float32: what the projection uses; the certificate has its own.</summary>
internal static class OperatorNormEstimate
{
    /// <summary>Kernel (out, in/groups, spatial…); the largest over groups, with the grid's correction factor, so that it seldom lies below.</summary>
    public static double Of(torch.Tensor kernel, Weight weight)
    {
        using var scope = torch.NewDisposeScope();
        int[] spatial = weight.Shape.Skip(2).Select(s => (int)s).ToArray();
        int samples = 8 * spatial.Max();
        var symbolReal = kernel.to(torch.ScalarType.Float32);
        long perGroup = weight.Shape[0] / weight.Groups;
        int height = spatial.Length == 2 ? spatial[0] : 1, width = spatial[^1];
        int gridY = height == 1 ? 1 : samples, gridX = width == 1 ? 1 : samples / 2 + 1;
        var cosines = new float[gridY * gridX * height * width];
        var sines = new float[cosines.Length];
        int at = 0;
        for (int y = 0; y < gridY; y++)
            for (int x = 0; x < gridX; x++)
                for (int a = 0; a < height; a++)
                    for (int b = 0; b < width; b++, at++)
                        (sines[at], cosines[at]) = ((float)Math.Sin(2 * Math.PI * (y * a + x * b) / samples), (float)Math.Cos(2 * Math.PI * (y * a + x * b) / samples));
        var taps = symbolReal.reshape(weight.Shape[0] * weight.Shape[1], height * width).transpose(0, 1);
        torch.Tensor Symbol(float[] table) => torch.tensor(table, device: kernel.device).view(gridY * gridX, height * width)
            .mm(taps).view(gridY * gridX * weight.Groups, perGroup, weight.Shape[1]);
        var re = Symbol(cosines);
        var im = Symbol(sines);
        var full = torch.cat([torch.cat([re, im], 2), torch.cat([-im, re], 2)], 1);
        full = full.shape[1] > full.shape[2] ? full.mT : full;
        double largest = MatrixFunctions.LargestSingular(full).Norm.max().item<float>();
        return largest / spatial.Aggregate(1.0, (p, k) => p * Math.Cos(Math.PI * (k - 1) / (2.0 * samples)));
    }
}
