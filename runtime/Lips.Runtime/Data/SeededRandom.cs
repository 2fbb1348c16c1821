using System;
using System.Numerics;

namespace Lips.Runtime.Data;

/// <summary>
/// xoshiro256** (Blackman and Vigna 2018), seeded by SplitMix64. The same on every machine and provider, and its whole
/// state is four words, so that a checkpoint can hold the position in the data.
/// </summary>
public sealed class SeededRandom
{
    private ulong _a, _b, _c, _d;
    private double? _spareNormal;

    public SeededRandom(long seed)
    {
        ulong x = unchecked((ulong)seed);
        _a = SplitMix(ref x);
        _b = SplitMix(ref x);
        _c = SplitMix(ref x);
        _d = SplitMix(ref x);
    }

    /// <summary>A generator for a named use of the same seed, independent of the others.</summary>
    public static SeededRandom For(long seed, string use)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in use)
            hash = unchecked((hash ^ c) * 1099511628211);
        return new SeededRandom(unchecked(seed * 0x5851F42D4C957F2D + (long)hash));
    }

    /// <summary>The state as four words; a pending normal number is not part of it and is dropped.</summary>
    public ulong[] State
    {
        get => [_a, _b, _c, _d];
        set
        {
            if (value.Length != 4)
                throw new RunFailed($"A generator's state has four words, got {value.Length}.");
            (_a, _b, _c, _d, _spareNormal) = (value[0], value[1], value[2], value[3], null);
        }
    }

    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>A uniform integer in [0, limit), without bias (Lemire 2019).</summary>
    public long Below(long limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ulong range = (ulong)limit;
        ulong high = Math.BigMul(Next(), range, out ulong low);
        if (low < range)
        {
            ulong threshold = (0 - range) % range;
            while (low < threshold)
                high = Math.BigMul(Next(), range, out low);
        }
        return (long)high;
    }

    /// <summary>A uniform number in [0, 1) with 53 bits.</summary>
    public double Uniform() => (Next() >> 11) * (1.0 / (1L << 53));

    /// <summary>A standard normal number (Marsaglia's polar method).</summary>
    public double Normal()
    {
        if (_spareNormal is double spare)
        {
            _spareNormal = null;
            return spare;
        }
        while (true)
        {
            double x = 2 * Uniform() - 1, y = 2 * Uniform() - 1, s = x * x + y * y;
            if (s >= 1 || s == 0)
                continue;
            double factor = Math.Sqrt(-2 * Math.Log(s) / s);
            _spareNormal = y * factor;
            return x * factor;
        }
    }

    /// <summary>Shuffles in place (Fisher and Yates).</summary>
    public void Shuffle(Span<int> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong SplitMix(ref ulong x)
    {
        ulong z = x += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
