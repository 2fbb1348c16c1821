using System;
using System.Linq;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>
/// A proven upper bound of a convolution's ℓ2 operator norm for any image size, stride, and zero or no padding, from its
/// symbol: the maximum over an M × M grid of frequencies of σ_max(Σ_t W_t·e^(−iωt)), divided by ∏ cos(π(k−1)/(2M)), because a
/// trigonometric polynomial of degree n exceeds its largest of M equispaced samples by at most 1/cos(πn/M). Groups: the
/// largest of them.
/// </summary>
public static class ConvolutionNorm
{
    /// <summary>
    /// An upper bound for a kernel of shape (out, in/groups, spatial…), one or two spatial axes, row-major. For an even
    /// number k of taps the degree is a half-integer: the polynomial in ω/2 has degree k − 1 and is known, up to its sign, at twice as many samples.
    /// </summary>
    public static double Certify(ReadOnlySpan<double> kernel, int outChannels, int inChannels, int[] spatial, int groups, string name)
    {
        if (spatial.Length is < 1 or > 2)
            throw new NotCertified($"'{name}' has {spatial.Length} spatial axes; the frequency rule covers one and two.");
        int height = spatial.Length == 2 ? spatial[0] : 1, width = spatial[^1], taps = height * width;
        int perGroup = outChannels / groups;
        double largest = 0;
        for (int g = 0; g < groups; g++)
        {
            var part = kernel.Slice(g * perGroup * inChannels * taps, perGroup * inChannels * taps).ToArray();
            largest = Math.Max(largest, OneGroup(part, perGroup, inChannels, height, width, name));
        }
        return largest;
    }

    private static double OneGroup(double[] kernel, int rows, int columns, int height, int width, string name)
    {
        int taps = height * width;
        if (taps == 1)
            return SpectralNorm.Certify(kernel, rows, columns, name);
        double scale = SpectralNorm.LargestEntry(kernel, name);
        if (scale == 0)
            return 0;
        int exponent = Math.ILogB(scale) + 1;
        for (int i = 0; i < kernel.Length; i++)
            kernel[i] = Math.ScaleB(kernel[i], -exponent);
        int samples = 8 * Math.Max(height, width);
        var (cosines, sines) = Turn(samples);
        int samplesY = height == 1 ? 1 : samples, samplesX = width == 1 ? 1 : samples;

        // Each entry of the computed symbol is off by at most (taps + 4)·2⁻⁵⁰·Σ_t|W_t|: the table's 2⁻⁵² and the sum's rounding.
        double errorSquared = 0;
        for (int entry = 0; entry < rows * columns; entry++)
        {
            double sum = 0;
            for (int t = 0; t < taps; t++)
                sum = Outward.Add(sum, Math.Abs(kernel[entry * taps + t]));
            double error = Outward.Multiply(sum, (taps + 4) * (4.0 / (1L << 52)));
            errorSquared = Outward.Add(errorSquared, Outward.Multiply(error, error));
        }
        // Real form [Re −Im; Im Re] doubles the Frobenius norm's square; the extra term covers underflow in scaling and in the squares.
        double errorNorm = Outward.Add(Outward.Sqrt(Outward.Multiply(2, errorSquared)), 1e-150);

        // ω and −ω give conjugate matrices: half of the grid is enough.
        var frequencies = (from y in Enumerable.Range(0, samplesY) from x in Enumerable.Range(0, samplesX / 2 + 1) select (y, x)).ToArray();
        var norms = new double[frequencies.Length];
        Parallel.For(0, frequencies.Length, f =>
        {
            var symbol = Symbol(kernel, rows, columns, height, width, frequencies[f].y, frequencies[f].x, samples, cosines, sines);
            norms[f] = SpectralNorm.Certify(symbol, 2 * rows, 2 * columns, name);
        });
        double divisor = CosineBelow(height, samplesY) * CosineBelow(width, samplesX);
        return Outward.Scale(Outward.Divide(Outward.Add(norms.Max(), errorNorm), Math.BitDecrement(divisor)), exponent);
    }

    private static double[] Symbol(double[] kernel, int rows, int columns, int height, int width, int y, int x, int samples, double[] cosines, double[] sines)
    {
        var symbol = new double[4 * rows * columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
            {
                double re = 0, im = 0;
                int tap = (i * columns + j) * height * width;
                for (int a = 0; a < height; a++)
                    for (int b = 0; b < width; b++, tap++)
                    {
                        int angle = (int)(((long)y * a + (long)x * b) % samples);
                        re += kernel[tap] * cosines[angle];
                        im -= kernel[tap] * sines[angle];
                    }
                symbol[i * 2 * columns + j] = symbol[(rows + i) * 2 * columns + columns + j] = re;
                symbol[i * 2 * columns + columns + j] = -im;
                symbol[(rows + i) * 2 * columns + j] = im;
            }
        return symbol;
    }

    /// <summary>cos x ≥ 1 − x²/2 at x = π(k−1)/(2M), rounded down; 1 when the axis has one tap.</summary>
    private static double CosineBelow(int taps, int samples)
    {
        if (taps == 1)
            return 1;
        double x = Outward.Divide(Outward.Multiply(Math.BitIncrement(Math.PI), taps - 1), 2 * samples);
        return Math.BitDecrement(1 - Outward.Multiply(x, x) / 2);
    }

    /// <summary>cos and sin of 2πj/M within 2⁻⁵² of the truth: their series in 28-digit decimals, rounded once.</summary>
    private static (double[] Cosines, double[] Sines) Turn(int samples)
    {
        const decimal pi = 3.1415926535897932384626433833m;
        var cosines = new double[samples];
        var sines = new double[samples];
        for (int j = 0; j < samples; j++)
        {
            decimal angle = 2 * pi * j / samples;
            angle = j * 2 > samples ? angle - 2 * pi : angle;
            decimal term = 1, cosine = 0, sine = 0;
            for (int i = 0; i < 40; i++)
            {
                switch (i % 4)
                {
                    case 0: cosine += term; break;
                    case 1: sine += term; break;
                    case 2: cosine -= term; break;
                    default: sine -= term; break;
                }
                term = term * angle / (i + 1);
            }
            (cosines[j], sines[j]) = ((double)cosine, (double)sine);
        }
        return (cosines, sines);
    }
}
