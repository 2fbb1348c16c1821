using System;
using System.Linq;
using System.Threading.Tasks;

namespace Lips.Cli.Proofs;

/// <summary>
/// The norm of a convolution on the unbounded grid: at M = 8·(largest axis of the kernel) frequencies an axis the symbol Σ_t W_t·e^(−iωt) is
/// formed in integers, and its norm is proven there to be at most s·∏ cos(π(k−1)/(2M)); between them it is then at most s, for
/// u*Ŵ(ω)v is a trigonometric polynomial of degree (k−1)/2 in each frequency. Sines and cosines come from
/// <see cref="FixedPoint"/>.
/// </summary>
internal static class ConvolutionProof
{
    /// <param name="kernel">(out, in/groups, height, width), row-major.</param>
    public static bool Holds(double[] kernel, int rows, int columns, int height, int width, int groups, double s)
    {
        int perGroup = rows / groups, size = perGroup * columns * height * width;
        return Enumerable.Range(0, groups).All(g => OfGroup(kernel.AsSpan(g * size, size).ToArray(), perGroup, columns, height, width, s));
    }

    private static bool OfGroup(double[] kernel, int rows, int columns, int height, int width, double s)
    {
        int taps = height * width;
        if (taps == 1)
            return IntegerMatrix.Of(kernel, rows, columns).IsAtMost(s);
        int samples = 8 * Math.Max(height, width);
        var turns = Enumerable.Range(0, samples).Select(j => FixedPoint.Turn(j, samples)).Select(z => (Cosine: FixedPoint.Rounded(z.Cosine, IntegerMatrix.Bits), Sine: FixedPoint.Rounded(z.Sine, IntegerMatrix.Bits))).ToArray();
        var w = IntegerMatrix.Of(kernel, rows * columns, taps);
        // |Σ W_t z_t − Σ Ŵ_t ẑ_t| ≤ Σ|Ŵ_t||z_t − ẑ_t| + Σ|W_t − Ŵ_t|, each ẑ off by at most √½ of its unit; sums of taps by √taps
        double error = Math.Sqrt(taps) * ((0.71 * w.Length) + (w.Error * Math.ScaleB(1, IntegerMatrix.Bits))) * (1 + 1e-13);
        double limit = Below(Below(s, height, samples), width, samples);
        int across = height == 1 ? 1 : samples, along = width == 1 ? 1 : (samples / 2) + 1;
        bool holds = true;
        // frequencies that differ in sign have conjugate symbols
        Parallel.For(0, across * along, (f, state) =>
        {
            if (IntegerMatrix.Rounded(Symbol(w.Entries, rows, columns, height, width, f / along, f % along, turns), 2 * rows, 2 * columns, w.Exponent - IntegerMatrix.Bits, error).IsAtMost(limit))
                return;
            holds = false;
            state.Stop();
        });
        return holds;
    }

    /// <summary>s·cos(π(k−1)/(2M)), rounded down; an axis of one tap has one frequency.</summary>
    private static double Below(double s, int taps, int samples) =>
        taps == 1 ? s : s * Math.ScaleB(FixedPoint.Rounded(FixedPoint.Turn(taps - 1, 4L * samples).Cosine, 52) - 1, -52) * (1 - 1e-15);

    /// <summary>[Re −Im; Im Re], the real form of a complex matrix, which has its norm.</summary>
    private static Int128[] Symbol(long[] kernel, int rows, int columns, int height, int width, int y, int x, (long Cosine, long Sine)[] turns)
    {
        var symbol = new Int128[4 * rows * columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
            {
                Int128 re = 0, im = 0;
                int tap = ((i * columns) + j) * height * width;
                for (int a = 0; a < height; a++)
                    for (int b = 0; b < width; b++, tap++)
                    {
                        var (cosine, sine) = turns[((y * a) + (x * b)) % turns.Length];
                        re += Math.BigMul(kernel[tap], cosine);
                        im -= Math.BigMul(kernel[tap], sine);
                    }
                symbol[(i * 2 * columns) + j] = symbol[((rows + i) * 2 * columns) + columns + j] = re;
                symbol[(i * 2 * columns) + columns + j] = -im;
                symbol[((rows + i) * 2 * columns) + j] = im;
            }
        return symbol;
    }
}
