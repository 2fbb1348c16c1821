using System;

namespace Lips.Runtime.Certification;

/// <summary>
/// Sums, products, quotients and roots of non-negative doubles, each rounded up: the next double above the correctly rounded
/// result is at least the true one. +∞ stays +∞, so an overflow can only enlarge.
/// </summary>
internal static class Outward
{
    public static double Add(double a, double b) => a == 0 ? b : b == 0 ? a : Math.BitIncrement(a + b);

    public static double Multiply(double a, double b) => a == 0 || b == 0 ? 0 : a == 1 ? b : b == 1 ? a : Math.BitIncrement(a * b);

    public static double Divide(double a, double b) => a == 0 ? 0 : b == 1 ? a : Math.BitIncrement(a / b);

    public static double Sqrt(double a) => a is 0 or 1 ? a : Math.BitIncrement(Math.Sqrt(a));

    /// <summary>a·2^exponent rounded up.</summary>
    public static double Scale(double a, int exponent)
    {
        if (a == 0)
            return 0;
        double scaled = Math.ScaleB(a, exponent);
        // Exact unless the result is subnormal.
        return scaled < 2.3e-308 ? Math.BitIncrement(scaled) : scaled;
    }

    /// <summary>The root of a sum of squares, given as an ordinary sum of <paramref name="terms"/> rounded products.</summary>
    /// <remarks>The computed sum S of N rounded products is at least (1 − N·u)·true − N·2⁻¹⁰⁷⁴, whatever the order (Higham, section 4.2).</remarks>
    public static double SumOfRounded(double computed, long terms)
    {
        double factor = 1 + Multiply(2.0 * (terms + 2), 1.2e-16);
        return Add(Multiply(computed, Math.BitIncrement(factor)), Multiply(terms + 2, double.Epsilon));
    }
}
