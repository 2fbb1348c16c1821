using System;
using System.Numerics;

namespace Lips.Runtime;

/// <summary>
/// A non-negative extended real m·2^e that is never below what it stands for: every operation rounds up, and only when a
/// remainder is left, so that exact results stay exact. The twin of <c>Upper</c> in Lips.Core, equal to it bit for bit.
/// </summary>
/// <remarks>
/// m is a 64-bit integer with its top bit set; 0 is (0, 0) and ∞ is (2^63, the largest exponent). Beyond 2^(2^60) a value
/// becomes ∞, below 2^-(2^60) the smallest positive value. Integer arithmetic throughout: no floating point.
/// </remarks>
public readonly partial struct UpperBound : IEquatable<UpperBound>, IComparable<UpperBound>
{
    private const ulong Top = 0x8000000000000000UL;
    private const long Limit = 1L << 60;

    private readonly ulong m;
    private readonly long e;

    private UpperBound(ulong mantissa, long exponent) => (m, e) = (mantissa, exponent);

    public static UpperBound Zero => default;

    public static UpperBound One => new(Top, -63);

    public static UpperBound Infinity => new(Top, long.MaxValue);

    public bool IsZero => m == 0;

    public bool IsInfinity => e == long.MaxValue;

    /// <summary>The integer m of m·2^e: 0, or with its top bit set.</summary>
    public ulong Mantissa => m;

    /// <summary>The exponent e of m·2^e.</summary>
    public long Exponent => e;

    /// <summary>Exact; negative numbers are refused.</summary>
    public static implicit operator UpperBound(long n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        return OfPair(true, 0, (ulong)n, 0, false);
    }

    /// <summary>The exact value of a double; NaN and negative numbers are refused.</summary>
    public static UpperBound OfDouble(double x)
    {
        if (double.IsPositiveInfinity(x))
            return Infinity;
        if (double.IsNaN(x) || x < 0)
            throw new ArgumentOutOfRangeException(nameof(x), x, "A bound is a number and not negative.");
        long raw = BitConverter.DoubleToInt64Bits(x);
        int field = (int)(raw >> 52) & 0x7FF;
        ulong fraction = (ulong)raw & 0xFFFFFFFFFFFFFUL;
        return OfPair(true, 0, field == 0 ? fraction : fraction | 0x10000000000000UL, Math.Max(field, 1) - 1075, false);
    }

    /// <summary>The least bound that is at least numerator/denominator, for a numerator of at least 0 and a denominator above it.</summary>
    public static UpperBound OfRational(BigInteger numerator, BigInteger denominator) => OfRational(true, numerator, denominator);

    /// <summary>The least bound that is at least numerator/denominator, for a numerator of at least 0 and a denominator above it.</summary>
    public static UpperBound OfRational(long numerator, long denominator)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(numerator);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(denominator);
        return (UpperBound)numerator / denominator;
    }

    private static UpperBound OfRational(bool up, BigInteger numerator, BigInteger denominator)
    {
        if (numerator.Sign < 0 || denominator.Sign <= 0)
            throw new ArgumentOutOfRangeException(nameof(numerator), "A bound is not negative.");
        if (numerator.IsZero)
            return Zero;
        // A quotient of 64 or 65 bits.
        long shift = 64 - (long)(numerator.GetBitLength() - denominator.GetBitLength());
        BigInteger n = shift >= 0 ? numerator << (int)shift : numerator;
        BigInteger d = shift >= 0 ? denominator : denominator << (int)-shift;
        (BigInteger q, BigInteger rest) = BigInteger.DivRem(n, d);
        return OfPair(up, (ulong)(q >> 64), (ulong)(q & ulong.MaxValue), -shift, !rest.IsZero);
    }

    /// <summary>Rounded up.</summary>
    public static UpperBound operator +(UpperBound a, UpperBound b) => Add(true, a, b);

    /// <summary>Rounded up; 0·∞ = ∞, since a factor of ∞ means that no bound is known.</summary>
    public static UpperBound operator *(UpperBound a, UpperBound b) => Multiply(true, a, b);

    /// <summary>Rounded up; x/0 = ∞. The divisor must be exact or a lower bound.</summary>
    public static UpperBound operator /(UpperBound a, UpperBound b) => Divide(true, a, b);

    public static bool operator <(UpperBound a, UpperBound b) => a.CompareTo(b) < 0;

    public static bool operator >(UpperBound a, UpperBound b) => a.CompareTo(b) > 0;

    public static bool operator <=(UpperBound a, UpperBound b) => a.CompareTo(b) <= 0;

    public static bool operator >=(UpperBound a, UpperBound b) => a.CompareTo(b) >= 0;

    public static bool operator ==(UpperBound a, UpperBound b) => a.Equals(b);

    public static bool operator !=(UpperBound a, UpperBound b) => !a.Equals(b);

    /// <summary>The least; ∞ of none.</summary>
    public static UpperBound Min(params ReadOnlySpan<UpperBound> values)
    {
        UpperBound least = Infinity;
        foreach (UpperBound x in values)
            least = x < least ? x : least;
        return least;
    }

    /// <summary>The largest; 0 of none.</summary>
    public static UpperBound Max(params ReadOnlySpan<UpperBound> values)
    {
        UpperBound largest = Zero;
        foreach (UpperBound x in values)
            largest = x > largest ? x : largest;
        return largest;
    }

    /// <summary>Rounded up.</summary>
    public static UpperBound Sqrt(UpperBound x) => SquareRoot(true, x);

    /// <summary>x^n for n ≥ 0, rounded up; x^0 = 1.</summary>
    public static UpperBound Power(UpperBound x, int n) => Power(true, x, n);

    /// <summary>Σ of <paramref name="term"/> over 0 … count − 1, for heads.</summary>
    public static UpperBound SumOver(int count, Func<int, UpperBound> term)
    {
        UpperBound sum = Zero;
        for (int h = 0; h < count; h++)
            sum += term(h);
        return sum;
    }

    /// <summary>The largest of <paramref name="term"/> over 0 … count − 1; 0 of none.</summary>
    public static UpperBound MaxOver(int count, Func<int, UpperBound> term)
    {
        UpperBound largest = Zero;
        for (int h = 0; h < count; h++)
            largest = Max(largest, term(h));
        return largest;
    }

    public int CompareTo(UpperBound other)
    {
        if (m == 0 || other.m == 0)
            return m.CompareTo(other.m);
        return e != other.e ? e.CompareTo(other.e) : m.CompareTo(other.m);
    }

    public bool Equals(UpperBound other) => m == other.m && e == other.e;

    public override bool Equals(object? obj) => obj is UpperBound other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(m, e);

    // The operations in both directions: up = true never falls below the exact result, up = false never exceeds it. Lower
    // bounds are needed inside functions (a divisor, a number to subtract) and never leave this type.

    /// <summary>m·2^e for m with its top bit set; <paramref name="rest"/>: a positive part below m was cut off.</summary>
    private static UpperBound Finish(bool up, ulong m, long e, bool rest)
    {
        if (up && rest && ++m == 0)
        {
            m = Top;
            e++;
        }
        if (e > Limit)
            return up ? Infinity : new(ulong.MaxValue, Limit);
        if (e < -Limit)
            return up ? new(Top, -Limit) : Zero;
        return new(m, e);
    }

    /// <summary>(high·2^64 + low)·2^e, with a positive part below it if <paramref name="rest"/>.</summary>
    private static UpperBound OfPair(bool up, ulong high, ulong low, long e, bool rest)
    {
        if (high != 0)
        {
            int z = BitOperations.LeadingZeroCount(high);
            return z == 0
                ? Finish(up, high, e + 64, rest || low != 0)
                : Finish(up, (high << z) | (low >> (64 - z)), e + 64 - z, rest || (low << z) != 0);
        }
        if (low != 0)
        {
            int z = BitOperations.LeadingZeroCount(low);
            return Finish(up, low << z, e - z, rest);
        }
        return rest && up ? new(Top, -Limit) : Zero;
    }

    /// <summary>x·2^k.</summary>
    private static UpperBound Scale(bool up, UpperBound x, long k) => x.IsZero || x.IsInfinity ? x : Finish(up, x.m, x.e + k, false);

    private static UpperBound Add(bool up, UpperBound a, UpperBound b)
    {
        if (a.m == 0)
            return b;
        if (b.m == 0)
            return a;
        if (a.IsInfinity || b.IsInfinity)
            return Infinity;
        (UpperBound x, UpperBound y) = a.e < b.e ? (b, a) : (a, b);
        long d = x.e - y.e;
        if (d >= 64)
            return Finish(up, x.m, x.e, true);
        bool rest = d > 0 && (y.m << (int)(64 - d)) != 0;
        ulong sum = x.m + (y.m >> (int)d);
        return sum < x.m
            ? Finish(up, (sum >> 1) | Top, x.e + 1, rest || (sum & 1) != 0)
            : Finish(up, sum, x.e, rest);
    }

    /// <summary>max(0, a − b).</summary>
    private static UpperBound Subtract(bool up, UpperBound a, UpperBound b)
    {
        if (b.m == 0)
            return a;
        if (a.IsInfinity)
            // ∞ − ∞ is bounded by ∞ above and by 0 below.
            return b.IsInfinity && !up ? Zero : a;
        if (a <= b)
            return Zero;
        long d = a.e - b.e;
        if (d == 0)
            return OfPair(up, 0, a.m - b.m, a.e, false);
        // Bits of b below 2^-64 of a are a rest to take away.
        UInt128 taken = d >= 128 ? 0 : new UInt128(b.m, 0) >> (int)d;
        bool rest = d >= 128 || (d > 64 && (b.m << (int)(128 - d)) != 0);
        UInt128 left = new UInt128(a.m, 0) - taken - (rest && !up ? 1u : 0u);
        return OfPair(up, (ulong)(left >> 64), (ulong)left, a.e - 64, false);
    }

    /// <summary>0·∞ is ∞ upward and 0 downward.</summary>
    private static UpperBound Multiply(bool up, UpperBound a, UpperBound b)
    {
        if (a.IsInfinity || b.IsInfinity)
            return !up && (a.m == 0 || b.m == 0) ? Zero : Infinity;
        if (a.m == 0 || b.m == 0)
            return Zero;
        ulong high = Math.BigMul(a.m, b.m, out ulong low);
        return high >= Top
            ? Finish(up, high, a.e + b.e + 64, low != 0)
            : Finish(up, (high << 1) | (low >> 63), a.e + b.e + 63, low << 1 != 0);
    }

    /// <summary>x/0 and ∞/∞ are ∞ upward.</summary>
    private static UpperBound Divide(bool up, UpperBound a, UpperBound b)
    {
        if (a.IsInfinity)
            return !up && b.IsInfinity ? Zero : Infinity;
        if (b.m == 0)
            return !up && a.m == 0 ? Zero : Infinity;
        if (a.m == 0 || b.IsInfinity)
            return Zero;
        int shift = a.m >= b.m ? 63 : 64;
        (UInt128 q, UInt128 r) = UInt128.DivRem((UInt128)a.m << shift, b.m);
        return Finish(up, (ulong)q, a.e - b.e - shift, r != 0);
    }

    private static UpperBound SquareRoot(bool up, UpperBound x)
    {
        if (x.m == 0 || x.IsInfinity)
            return x;
        // m·2^k with e − k even and m·2^k in [2^126, 2^128).
        int k = (x.e & 1) == 0 ? 64 : 63;
        UInt128 n = (UInt128)x.m << k;
        // Newton from above, then the last digit by squaring.
        ulong start = WordSquareRoot((ulong)(n >> 64));
        ulong guess = start >= uint.MaxValue ? ulong.MaxValue : (start + 1) << 32;
        UInt128 q = n / guess;
        ulong root = (ulong)((guess + q) >> 1);
        while (Math.BigMul(root, root) > n)
            root--;
        while (root != ulong.MaxValue && Math.BigMul(root + 1, root + 1) <= n)
            root++;
        return Finish(up, root, (x.e - k) / 2, Math.BigMul(root, root) != n);
    }

    /// <summary>⌊√n⌋ bit by bit.</summary>
    private static ulong WordSquareRoot(ulong n)
    {
        ulong root = 0;
        for (ulong bit = 1UL << 62; bit != 0; bit >>= 2)
        {
            if (n >= root + bit)
            {
                n -= root + bit;
                root = (root >> 1) + bit;
            }
            else
            {
                root >>= 1;
            }
        }
        return root;
    }

    /// <summary>By squaring, from the leading bit of n.</summary>
    private static UpperBound Power(bool up, UpperBound x, int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(n);
        if (n == 0)
            return One;
        UpperBound result = x;
        for (int i = 30 - BitOperations.LeadingZeroCount((uint)n); i >= 0; i--)
        {
            result = Multiply(up, result, result);
            if (((n >> i) & 1) == 1)
                result = Multiply(up, result, x);
        }
        return result;
    }
}
