using System;
using System.Numerics;

namespace Lips.Runtime.Tests.Certification;

/// <summary>A rational number, for checks that have no rounding.</summary>
internal readonly record struct Fraction(BigInteger Numerator, BigInteger Denominator)
{
    public static Fraction Of(double value)
    {
        if (value == 0)
            return new Fraction(0, 1);
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long mantissa = bits & 0xFFFFFFFFFFFFF;
        mantissa = exponent == 0 ? mantissa : mantissa | (1L << 52);
        int power = Math.Max(exponent, 1) - 1075;
        BigInteger signed = bits < 0 ? -mantissa : mantissa;
        return power >= 0 ? new Fraction(signed << power, 1) : new Fraction(signed, BigInteger.One << -power);
    }

    public Fraction Reduced()
    {
        var divisor = BigInteger.GreatestCommonDivisor(Numerator, Denominator);
        return divisor.IsOne ? this : new Fraction(Numerator / divisor, Denominator / divisor);
    }

    public int Sign => Numerator.Sign * Denominator.Sign;

    public static Fraction operator +(Fraction a, Fraction b) => new Fraction(a.Numerator * b.Denominator + b.Numerator * a.Denominator, a.Denominator * b.Denominator).Reduced();

    public static Fraction operator -(Fraction a, Fraction b) => a + new Fraction(-b.Numerator, b.Denominator);

    public static Fraction operator *(Fraction a, Fraction b) => new Fraction(a.Numerator * b.Numerator, a.Denominator * b.Denominator).Reduced();

    public static Fraction operator /(Fraction a, Fraction b) => new Fraction(a.Numerator * b.Denominator, a.Denominator * b.Numerator).Reduced();
}

internal static class ExactMatrix
{
    /// <summary>Whether ‖W‖₂ ≤ bound, decided exactly.</summary>
    public static bool NormAtMost(double[] w, int rows, int columns, double bound) =>
        SquareAtMost(Of(w, rows, columns), Fraction.Of(bound) * Fraction.Of(bound));

    public static Fraction[,] Of(double[] w, int rows, int columns)
    {
        var exact = new Fraction[rows, columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                exact[i, j] = Fraction.Of(w[i * columns + j]);
        return exact;
    }

    public static Fraction[,] Times(Fraction[,] a, Fraction[,] b)
    {
        var product = new Fraction[a.GetLength(0), b.GetLength(1)];
        for (int i = 0; i < a.GetLength(0); i++)
            for (int j = 0; j < b.GetLength(1); j++)
            {
                var sum = new Fraction(0, 1);
                for (int k = 0; k < a.GetLength(1); k++)
                    sum += a[i, k] * b[k, j];
                product[i, j] = sum;
            }
        return product;
    }

    public static Fraction[,] Transposed(Fraction[,] a)
    {
        var transposed = new Fraction[a.GetLength(1), a.GetLength(0)];
        for (int i = 0; i < a.GetLength(0); i++)
            for (int j = 0; j < a.GetLength(1); j++)
                transposed[j, i] = a[i, j];
        return transposed;
    }

    /// <summary>Whether ‖W‖₂² ≤ square, decided exactly: square·I − W·Wᵀ is positive semidefinite.</summary>
    public static bool SquareAtMost(Fraction[,] w, Fraction square)
    {
        var a = Times(w, Transposed(w));
        for (int i = 0; i < a.GetLength(0); i++)
            for (int j = 0; j < a.GetLength(0); j++)
                a[i, j] = (i == j ? square : new Fraction(0, 1)) - a[i, j];
        return IsSemidefinite(a);
    }

    /// <summary>Whether a symmetric matrix, which is overwritten, is positive semidefinite: elimination without rounding.</summary>
    public static bool IsSemidefinite(Fraction[,] a)
    {
        int rows = a.GetLength(0);
        for (int p = 0; p < rows; p++)
        {
            if (a[p, p].Sign < 0)
                return false;
            for (int i = p + 1; i < rows; i++)
            {
                if (a[p, p].Sign == 0)
                {
                    if (a[i, p].Sign != 0)
                        return false;
                    continue;
                }
                var factor = a[i, p] / a[p, p];
                for (int j = p + 1; j < rows; j++)
                    a[i, j] -= factor * a[p, j];
            }
        }
        return true;
    }
}
