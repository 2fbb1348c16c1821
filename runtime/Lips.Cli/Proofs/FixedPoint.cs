using System.Numerics;

namespace Lips.Cli.Proofs;

/// <summary>π, sines and cosines as integers in units of 2⁻¹⁶⁰, off by less than 2⁻¹⁴⁰.</summary>
internal static class FixedPoint
{
    public const int Bits = 160;

    private static readonly BigInteger One = BigInteger.One << Bits;

    /// <summary>Machin's 16·arctan(1/5) − 4·arctan(1/239).</summary>
    public static BigInteger Pi { get; } = (16 * Arctangent(5)) - (4 * Arctangent(239));

    private static BigInteger Arctangent(int inverse)
    {
        BigInteger power = One / inverse, sum = power;
        for (int n = 3; !power.IsZero; n += 2)
        {
            power /= inverse * inverse;
            sum += (n % 4 == 3 ? -power : power) / n;
        }
        return sum;
    }

    /// <summary>cos and sin of 2π·numerator/denominator, by their series.</summary>
    public static (BigInteger Cosine, BigInteger Sine) Turn(long numerator, long denominator)
    {
        // at most half a turn either way, where the terms stay below 2³
        numerator %= denominator;
        if (2 * numerator > denominator)
            numerator -= denominator;
        BigInteger angle = 2 * Pi * numerator / denominator, term = One, cosine = 0, sine = 0;
        for (int n = 0; !term.IsZero; n++)
        {
            switch (n % 4)
            {
                case 0: cosine += term; break;
                case 1: sine += term; break;
                case 2: cosine -= term; break;
                default: sine -= term; break;
            }
            term = (term * angle >> Bits) / (n + 1);
        }
        return (cosine, sine);
    }

    /// <summary>The nearest integer in units of 2^−<paramref name="bits"/>.</summary>
    public static long Rounded(BigInteger value, int bits) => (long)((value + (BigInteger.One << (Bits - bits - 1))) >> (Bits - bits));
}
