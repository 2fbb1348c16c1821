using System;

namespace Lips.Runtime.Data;

/// <summary>
/// Digits drawn by this program, for trying image models where no data set is at hand: the ten digits of a 5 × 7 pixel
/// font, at a random place, size, slant and brightness, blurred, with noise. Made data: figures on it say nothing about MNIST.
/// </summary>
public static class MadeDigits
{
    private static readonly string[] Glyphs =
    [
        "01110 10001 10011 10101 11001 10001 01110", "00100 01100 00100 00100 00100 00100 01110",
        "01110 10001 00001 00110 01000 10000 11111", "11111 00010 00100 00010 00001 10001 01110",
        "00010 00110 01010 10010 11111 00010 00010", "11111 10000 11110 00001 00001 10001 01110",
        "00110 01000 10000 11110 10001 10001 01110", "11111 00001 00010 00100 01000 01000 01000",
        "01110 10001 10001 01110 10001 10001 01110", "01110 10001 10001 01111 00001 00010 01100",
    ];

    /// <summary><paramref name="count"/> images of channels × size × size bytes, the same for the same seed everywhere.</summary>
    public static LabelledSet Draw(int count, int size, int channels, long seed)
    {
        if (size < 8)
            throw new RunFailed($"Digits need images of at least 8 × 8 pixels, got {size}.");
        var random = SeededRandom.For(seed, "made digits");
        var pixels = new byte[count * channels * size * size];
        var labels = new int[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = (int)random.Below(10);
            DrawOne(random, Glyphs[labels[i]], size, channels, pixels.AsSpan(i * channels * size * size, channels * size * size));
        }
        return new LabelledSet("made digits", [channels, size, size], pixels, labels);
    }

    private static void DrawOne(SeededRandom random, string glyph, int size, int channels, Span<byte> target)
    {
        double scale = size / 9.0 * (0.75 + 0.25 * random.Uniform());
        double slant = 0.4 * (random.Uniform() - 0.5);
        double left = (size - 5 * scale) * random.Uniform(), top = (size - 7 * scale) * random.Uniform();
        double brightness = 0.6 + 0.4 * random.Uniform();
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++)
            {
                double v = (y + 0.5 - top) / scale, u = (x + 0.5 - left) / scale + slant * (v - 3.5);
                double ink = brightness * Ink(glyph, u - 0.5, v - 0.5);
                for (int c = 0; c < channels; c++)
                    target[(c * size + y) * size + x] = (byte)Math.Clamp(255 * (ink + 0.1 * (random.Uniform() - 0.5)), 0, 255);
            }
    }

    /// <summary>The glyph at a real position, interpolated between its pixels.</summary>
    private static double Ink(string glyph, double u, double v)
    {
        int x = (int)Math.Floor(u), y = (int)Math.Floor(v);
        double fx = u - x, fy = v - y;
        return (1 - fy) * ((1 - fx) * Pixel(glyph, x, y) + fx * Pixel(glyph, x + 1, y))
            + fy * ((1 - fx) * Pixel(glyph, x, y + 1) + fx * Pixel(glyph, x + 1, y + 1));
    }

    private static double Pixel(string glyph, int x, int y) =>
        x is >= 0 and < 5 && y is >= 0 and < 7 && glyph[y * 6 + x] == '1' ? 1 : 0;
}
