using System.Globalization;
using System.Numerics;
using System.Text;
using Lips.Core;

namespace Lips.Compiler;

/// <summary>Numbers and texts as they are written, within the limits of the language.</summary>
internal static class Literals
{
    internal const int MaxExponent = 4096;
    internal const int MaxBits = 65536;

    // 10^19729 has more than 65,536 bits, so longer literals need not be read to be refused.
    private const int MaxDigits = 19729;

    /// <summary>The limit that `12`, `0.25`, `1e-6` or `4.7G` exceeds, if any.</summary>
    internal static string? Limit(string written)
    {
        (string digits, int scale, string? limit) = Scan(written);
        if (limit is not null || digits.Length + System.Math.Abs(scale) < MaxDigits)
        {
            return limit;
        }

        Rational value = Value(digits, scale);
        return Fits(value.Numerator) && Fits(value.Denominator) ? null : "65,536 bits";
    }

    /// <summary>The exact value of a number within the limits; zero for another.</summary>
    internal static Rational Number(string written)
    {
        (string digits, int scale, string? limit) = Scan(written);
        return limit is null ? Value(digits, scale) : Rational.Zero;
    }

    private static Rational Value(string digits, int scale)
    {
        // the general way is compiled at every start
        BigInteger mantissa = digits.Length <= 18 ? long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) : BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        return scale >= 0
            ? Rational.OfBig(mantissa * BigInteger.Pow(10, scale))
            : Rational.Create(mantissa, BigInteger.Pow(10, -scale));
    }

    /// <summary>All digits as one integer, and the power of ten that it is multiplied by.</summary>
    private static (string Digits, int Scale, string? Limit) Scan(string written)
    {
        int at = 0;
        int end = written.Length;
        int scale = written[end - 1] switch { 'k' => 3, 'M' => 6, 'G' => 9, _ => 0 };
        if (scale > 0)
        {
            end--;
        }

        var digits = new StringBuilder();
        bool fraction = false;
        for (; at < end && written[at] is not ('e' or 'E'); at++)
        {
            if (written[at] == '.')
            {
                fraction = true;
                continue;
            }

            digits.Append(written[at]);
            scale -= fraction ? 1 : 0;
        }

        if (digits.Length > MaxDigits)
        {
            return ("", 0, "65,536 bits");
        }

        string exponent = at < end ? written.Substring(at + 1, end - at - 1) : "0";
        int power = exponent.Length > 8 ? int.MaxValue : int.Parse(exponent, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return power is < -MaxExponent or > MaxExponent
            ? ("", 0, "a decimal exponent of 4,096")
            : (digits.ToString(), scale + power, null);
    }

    private static bool Fits(BigInteger n) => n.ToByteArray().Length <= MaxBits / 8 + 1;

    /// <summary>The place in a written text (with its quotation marks) of its first unknown escape, or -1.</summary>
    internal static int UnknownEscape(string written)
    {
        for (int i = 1; i + 1 < written.Length; i++)
        {
            if (written[i] != '\\')
            {
                continue;
            }

            if (written[i + 1] is not ('"' or '\\' or 'n' or 't'))
            {
                return i;
            }

            i++;
        }

        return -1;
    }

    /// <summary>What a text with known escapes says.</summary>
    internal static string Text(string written)
    {
        var text = new StringBuilder(written.Length);
        for (int i = 1; i < written.Length - 1; i++)
        {
            if (written[i] != '\\')
            {
                text.Append(written[i]);
                continue;
            }

            i++;
            text.Append(written[i] switch { 'n' => '\n', 't' => '\t', char c => c });
        }

        return text.ToString();
    }
}
