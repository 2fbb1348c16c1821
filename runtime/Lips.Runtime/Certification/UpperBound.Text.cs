using System;
using System.Globalization;
using System.Numerics;

namespace Lips.Runtime;

// Text: exact and reversible in hexadecimal, decimal rounded up.
public readonly partial struct UpperBound
{
    /// <summary>Exact: <c>0</c>, <c>∞</c>, or <c>0x8000000000000000p-63</c> for m·2^e.</summary>
    public override string ToString() =>
        IsZero ? "0" : IsInfinity ? "∞" : "0x" + m.ToString("x16", CultureInfo.InvariantCulture) + "p" + e.ToString(CultureInfo.InvariantCulture);

    /// <summary><c>R</c>: exact and read back by <see cref="Parse"/>. <c>D5</c>: five significant decimals, rounded up.</summary>
    public string ToString(string format)
    {
        ArgumentNullException.ThrowIfNull(format);
        if (format == "R")
            return ToString();
        if (format.Length > 1 && format[0] == 'D' && int.TryParse(format.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int digits) && digits > 0)
            return ToDecimal(digits);
        throw new FormatException($"A bound is printed as \"R\" (exact) or \"D5\" (five significant decimals, rounded up), not as \"{format}\".");
    }

    /// <summary>Reads what <see cref="ToString()"/> wrote, and nothing else.</summary>
    public static UpperBound Parse(string text) =>
        TryParse(text, out UpperBound value) ? value : throw new FormatException($"\"{text}\" is not an exact bound, such as 0x8000000000000000p-63.");

    /// <summary>Reads what <see cref="ToString()"/> wrote, and nothing else.</summary>
    public static bool TryParse(string? text, out UpperBound value)
    {
        value = text == "∞" ? Infinity : Zero;
        if (text is "0" or "∞")
            return true;
        if (text is null || text.Length < 20 || !text.StartsWith("0x", StringComparison.Ordinal) || text[18] != 'p')
            return false;
        bool read = ulong.TryParse(text.AsSpan(2, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mantissa)
            & long.TryParse(text.AsSpan(19), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long exponent);
        if (!read || mantissa < Top || exponent is < -Limit or > Limit)
            return false;
        value = new(mantissa, exponent);
        if (value.ToString() == text)
            return true;
        value = Zero;
        return false;
    }

    /// <summary>Is this at most numerator/denominator (denominator above 0)? Exact.</summary>
    public bool IsAtMost(BigInteger numerator, BigInteger denominator)
    {
        if (IsInfinity)
            return false;
        if (IsZero || numerator.Sign <= 0)
            return IsZero && numerator.Sign >= 0;
        long size = (long)(numerator.GetBitLength() - denominator.GetBitLength());
        if (e + 64 <= size - 1)
            return true;
        if (e + 63 >= size + 1)
            return false;
        BigInteger left = m * denominator;
        return e >= 0 ? left << (int)e <= numerator : left <= numerator << (int)-e;
    }

    /// <summary>The least double that is not below: for drawing and logging.</summary>
    public double ToDoubleUp()
    {
        if (IsZero)
            return 0;
        if (IsInfinity || e > 1023 - 63)
            return double.PositiveInfinity;
        // Subnormal doubles keep fewer bits.
        int drop = (int)Math.Max(11, Math.Min(65, -1074 - e));
        ulong kept = drop >= 64 ? 0 : m >> drop;
        bool rest = drop >= 64 || m << (64 - drop) != 0;
        ulong rounded = rest ? kept + 1 : kept;
        return Math.ScaleB((double)rounded, (int)Math.Max(e + drop, -1074));
    }

    /// <summary>Significant decimals, rounded up: <c>0.92770</c>, <c>1.0401e8</c>; beyond 10^±12000 only a power of ten.</summary>
    public string ToDecimal(int digits)
    {
        if (IsZero)
            return "0";
        if (IsInfinity)
            return "∞";
        if (Math.Abs(e) >= 40000)
            return "1e" + Log10(0);
        BigInteger numerator = e >= 0 ? (BigInteger)m << (int)e : m;
        BigInteger denominator = e >= 0 ? BigInteger.One : BigInteger.One << (int)-e;
        var (d, k) = Significant(numerator, denominator, digits);
        return Print(d, k, digits);
    }

    /// <summary>The digits of a positive fraction, rounded up: d·10^k.</summary>
    private static (BigInteger Digits, int Power) Significant(BigInteger numerator, BigInteger denominator, int digits)
    {
        long size = (long)(numerator.GetBitLength() - denominator.GetBitLength());
        int k = (int)(size * 30103 / 100000) - digits - 2;
        while (Quotient(k) > Ten(digits))
            k++;
        BigInteger d = Quotient(k);
        return d == Ten(digits) ? (Ten(digits - 1), k + 1) : (d, k);

        BigInteger Quotient(int power) =>
            power >= 0 ? Ceiling(numerator, denominator * Ten(power)) : Ceiling(numerator * Ten(-power), denominator);
    }

    private static string Print(BigInteger d, int k, int digits)
    {
        int lead = k + digits - 1;
        if (lead is >= 7 or < -5)
            return Point(d, digits - 1) + "e" + lead.ToString(CultureInfo.InvariantCulture);
        return k >= 0 ? (d * Ten(k)).ToString(CultureInfo.InvariantCulture) : Point(d, -k);
    }

    /// <summary>At most <paramref name="digits"/> significant decimals, rounded down, for a radius: what holds on a ball holds inside it.</summary>
    public string ToDecimalDown(int digits)
    {
        if (IsInfinity)
            return "∞";
        if (IsZero || Math.Abs(e) >= 40000)
            return "0";
        BigInteger numerator = e >= 0 ? (BigInteger)m << (int)e : m;
        BigInteger denominator = e >= 0 ? BigInteger.One : BigInteger.One << (int)-e;
        var (d, k) = Significant(numerator, denominator, digits);
        // One less where rounding up moved it.
        if (k >= 0 ? d * Ten(k) * denominator > numerator : d * denominator > numerator * Ten(-k))
            d--;
        string text = Print(d, k, digits);
        return text.Contains('.') && !text.Contains('e') ? text.TrimEnd('0').TrimEnd('.') : text;
    }

    /// <summary>log₁₀, rounded up to <paramref name="digits"/> decimals; exact for powers of ten.</summary>
    public string Log10(int digits)
    {
        if (IsZero)
            return "-∞";
        if (IsInfinity)
            return "∞";
        // m·2^e = f·2^k with f in [1, 2): ln = k·ln 2 + 2·artanh((f − 1)/(f + 1)); ln 10 = 3·ln 2 + 2·artanh(1/9).
        BigInteger k = (BigInteger)e + 63;
        BigInteger one = BigInteger.One << 63;
        (BigInteger ln2Down, BigInteger ln2Up) = TwiceArtanh(1, 3);
        (BigInteger ninthDown, BigInteger ninthUp) = TwiceArtanh(1, 9);
        (_, BigInteger mantissa) = TwiceArtanh(m - one, m + one);
        BigInteger natural = k * (k.Sign >= 0 ? ln2Up : ln2Down) + mantissa;
        BigInteger ln10 = natural.Sign >= 0 ? 3 * ln2Down + ninthDown : 3 * ln2Up + ninthUp;
        BigInteger up = Ceiling(natural * Ten(digits), ln10);
        // The enclosure cannot decide m·2^e = 10^p; exact arithmetic can.
        (BigInteger p, BigInteger part) = BigInteger.DivRem(up - 1, Ten(digits));
        if (part.IsZero && BigInteger.Abs(p) < 20000
            && (p.Sign >= 0 ? IsAtMost(Ten((int)p), 1) : IsAtMost(1, Ten(-(int)p))))
            up--;
        return Point(up, digits);
    }

    /// <summary>An enclosure of 2·artanh(n/d)·2^192 for 0 ≤ n/d ≤ 1/3; each of the terms is cut by less than 2 units.</summary>
    private static (BigInteger Down, BigInteger Up) TwiceArtanh(BigInteger n, BigInteger d)
    {
        if (n.IsZero)
            return (0, 0);
        BigInteger power = (n << 192) / d;
        BigInteger sum = power;
        int k = 1;
        while (!power.IsZero)
        {
            power = power * n * n / (d * d);
            k += 2;
            sum += power / k;
        }
        return (2 * sum, 2 * (sum + 2 * k));
    }

    private static BigInteger Ten(int k) => BigInteger.Pow(10, k);

    private static BigInteger Ceiling(BigInteger n, BigInteger d)
    {
        (BigInteger q, BigInteger r) = BigInteger.DivRem(n, d);
        return r.Sign > 0 ? q + 1 : q;
    }

    private static string Point(BigInteger n, int decimals)
    {
        string text = BigInteger.Abs(n).ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        string sign = n.Sign < 0 ? "-" : "";
        return decimals == 0 ? sign + text : sign + text[..^decimals] + "." + text[^decimals..];
    }
}
