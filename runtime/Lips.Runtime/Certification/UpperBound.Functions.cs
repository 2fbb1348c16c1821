using System;
using System.Numerics;

namespace Lips.Runtime;

// The functions of bounds, step for step those of Lips.Core's UpperFunctions, where each is derived. All are
// non-decreasing, so that they may be taken of an upper bound. No floating point and no library function.
public readonly partial struct UpperBound
{
    private static readonly UpperBound Half = new(Top, -64);

    // ln 2 = 0.B17217F7D1CF79AB'C9E3B39803F2F6AF'… in base 16; ⌊2^63/ln 2⌋; ⌈1.04·2^63⌉.
    private const ulong Ln2High = 0xB17217F7D1CF79ABUL;
    private const ulong Ln2Low = 0xC9E3B39803F2F6AFUL;
    private const ulong InverseLn2 = 0xB8AA3B295C17F0BBUL;
    private const ulong SeriesTail = 0x851EB851EB851EB9UL;
    private static readonly UpperBound Ln2Up = new(0xB17217F7D1CF79ACUL, -64);

    // 2^60: e^x overflows the exponent beyond.
    private static readonly UpperBound Huge = new(Top, -3);

    // 1/√(2π), √(2/π), 1.1289041451851548, 1.09983932012886693, 1.12899307, 0.044715 and 0.134145 rounded up;
    // 0.044715, 0.79788456 and the places 1.4185 and 2.3993572805 rounded down.
    private static readonly UpperBound Gaussian = new(0xCC42299EA1B28469UL, -65);
    private static readonly UpperBound TanhScaleUp = new(0xCC42299EA1B28469UL, -64);
    private static readonly UpperBound GeluPeak = new(0x907FEE57F1CD4000UL, -63);
    private static readonly UpperBound SiluPeak = new(0x8CC788EB67784800UL, -63);
    private static readonly UpperBound GeluTanhPeak = new(0x9082D84C87C30274UL, -63);
    private static readonly UpperBound Cubic = new(0xB727136A400FBA89UL, -68);
    private static readonly UpperBound CubicSlope = new(0x895D4E8FB00BCBE7UL, -66);
    private static readonly UpperBound CubicDown = new(0xB727136A400FBA88UL, -68);
    private static readonly UpperBound TanhScaleDown = new(0xCC42299B2EF00286UL, -64);
    private static readonly UpperBound GeluTanhPlace = new(0xB5916872B020C49BUL, -63);
    private static readonly UpperBound SiluPlace = new(0x998F11D6CAB01A98UL, -62);

    private static ulong MultiplyHigh(ulong a, ulong b) => Math.BigMul(a, b, out _);

    /// <summary>x as integer part and 64 bits after the point, for x &lt; 2^60.</summary>
    private static (ulong Whole, ulong Fraction) ToFixed(bool up, UpperBound x)
    {
        long shift = x.e + 64;
        if (x.IsZero)
            return (0, 0);
        if (shift > 0)
            return (x.m >> (int)(64 - shift), x.m << (int)shift);
        if (shift == 0)
            return (0, x.m);
        if (shift <= -64)
            return (0, up ? 1UL : 0UL);
        ulong low = x.m >> (int)-shift;
        bool rest = x.m << (int)(64 + shift) != 0;
        return (0, up && rest ? low + 1 : low);
    }

    /// <summary>The series of e^r from term 18 down to term <paramref name="last"/>, in units of 2^-63.</summary>
    private static (ulong Sum, bool Overflow) ExponentialSeries(bool up, ulong r, int last)
    {
        ulong s = up ? SeriesTail : Top;
        bool overflow = false;
        for (int i = 18; i >= last; i--)
        {
            ulong high = Math.BigMul(r, s, out ulong low);
            ulong product = up && low != 0 ? high + 1 : high;
            ulong quotient = product / (ulong)i;
            ulong q = up && quotient * (ulong)i != product ? quotient + 1 : quotient;
            overflow = q >= Top;
            s = unchecked(Top + q);
        }
        return (s, overflow);
    }

    private static UpperBound Exponential(bool up, UpperBound x)
    {
        if (x.IsZero)
            return One;
        if (x >= Huge)
            return up ? Infinity : new(Top, Limit);
        (ulong whole, ulong fraction) = ToFixed(up, x);
        ulong high = Math.BigMul(whole, InverseLn2, out ulong low);
        ulong estimate = ((high << 1) | (low >> 63)) + (MultiplyHigh(fraction, InverseLn2) >> 63);
        ulong n = up || estimate == 0 ? estimate : estimate - 1;
        (ulong h, ulong f) = n == 0 ? (whole, fraction) : Remainder(up, whole, fraction, n);
        while (h != 0 || f > Ln2High + 3)
            (h, f) = Remainder(up, whole, fraction, ++n);
        (ulong s, bool overflow) = ExponentialSeries(up, f, 1);
        return overflow
            ? Finish(up, Top | (s >> 1), (long)n - 62, (s & 1) != 0)
            : Finish(up, s, (long)n - 63, false);
    }

    /// <summary>x − n·ln 2, cut upward for an upper bound and downward for a lower one.</summary>
    private static (ulong Whole, ulong Fraction) Remainder(bool up, ulong whole, ulong fraction, ulong n)
    {
        ulong middle = MultiplyHigh(n, up ? Ln2Low : Ln2Low + 1);
        UInt128 taken = Math.BigMul(n, Ln2High) + middle + (up ? 0u : 1u);
        UInt128 left = unchecked(new UInt128(whole, fraction) - taken);
        return ((ulong)(left >> 64), (ulong)left);
    }

    /// <summary>e^x − 1 with small relative error.</summary>
    private static UpperBound ExponentialMinusOne(UpperBound x)
    {
        if (x.IsZero)
            return Zero;
        if (x >= Half)
            return Subtract(true, Exponential(true, x), One);
        (_, ulong r) = ToFixed(true, x);
        (ulong s, _) = ExponentialSeries(true, r, 2);
        return x * new UpperBound(s, -63);
    }

    /// <summary>ln(1 + y).</summary>
    private static UpperBound LogarithmOfOnePlus(UpperBound y)
    {
        if (y.IsZero || y.IsInfinity)
            return y;
        if (y < Half)
            return TwiceArtanh(y / Add(false, 2, y));
        UpperBound x = One + y;
        UpperBound f = new(x.m, -63);
        UpperBound z = Subtract(true, f, One) / Add(false, f, One);
        return (x.e + 63) * Ln2Up + TwiceArtanh(z);
    }

    private static UpperBound TwiceArtanh(UpperBound z)
    {
        (ulong h, ulong f) = ToFixed(true, z * z);
        ulong w = h != 0 ? ulong.MaxValue : f;
        ulong s = ulong.MaxValue / 37 + 1;
        for (int j = 20; j >= 1; j--)
            s = ulong.MaxValue / (ulong)(2 * j + 1) + 1 + (MultiplyHigh(w, s) + 1);
        ulong series = Top + ((MultiplyHigh(w, s) + 1) >> 1) + 1;
        return Scale(true, z * new UpperBound(series, -63), 1);
    }

    /// <summary>e^x.</summary>
    public static UpperBound Exp(UpperBound x) => Exponential(true, x);

    /// <summary>cosh x.</summary>
    public static UpperBound Cosh(UpperBound x)
    {
        UpperBound exponential = Exponential(true, x);
        if (x.IsZero)
            return One;
        return exponential.IsInfinity ? exponential : Scale(true, exponential + One / exponential, -1);
    }

    /// <summary>1 − N/(1 + (N−1)e^t): what is left after the common part of N softmax weights with logit range t.</summary>
    public static UpperBound DoeblinComplement(long tokens, UpperBound t)
    {
        UpperBound growth = ExponentialMinusOne(t);
        if (tokens == 1 || growth.IsZero)
            return Zero;
        if (growth.IsInfinity)
            return One;
        UpperBound others = tokens - 1;
        UpperBound below = Add(false, tokens, Multiply(false, others, growth));
        return Min(One, others * growth / below);
    }

    /// <summary>e^t/(e^t + N − 1): the largest of N softmax weights with logit range t.</summary>
    public static UpperBound LargestSoftmaxWeight(long tokens, UpperBound t)
    {
        UpperBound exponential = Exponential(true, t);
        return exponential.IsInfinity || tokens == 1
            ? One
            : Min(One, exponential / Add(false, exponential, tokens - 1));
    }

    /// <summary>Σ_{i=0}^{N−1} e^t/(e^t + i): the largest column sum of a causal softmax matrix.</summary>
    public static UpperBound CausalColumnMass(long tokens, UpperBound t)
    {
        UpperBound mass = Exponential(true, t);
        UpperBound all = tokens;
        if (mass.IsInfinity)
            return all;
        long direct = tokens <= 64 ? tokens : 32;
        UpperBound sum = One;
        for (long i = 1; i < direct; i++)
            sum += mass / Add(false, mass, i);
        if (tokens > direct)
        {
            UpperBound aDown = Add(false, mass, direct);
            UpperBound aUp = Add(true, mass, direct);
            UpperBound bDown = Add(false, mass, all);
            UpperBound bUp = Add(true, mass, all);
            UpperBound count = tokens - direct;
            UpperBound deltaUp = count / Multiply(false, aDown, bDown);
            UpperBound deltaDown = Divide(false, count, aUp * bUp);
            UpperBound inverseUp = One / aDown;
            UpperBound inverseDown = Divide(false, One, aUp);
            UpperBound bInverseUp = One / bDown;
            UpperBound pairUp = inverseUp + bInverseUp;
            UpperBound bInverseDown = Divide(false, One, bUp);
            UpperBound pairDown = Add(false, inverseDown, bInverseDown);
            UpperBound squaresDown = Add(false, Multiply(false, inverseDown, inverseDown), Multiply(false, bInverseDown, bInverseDown));
            UpperBound logarithm = LogarithmOfOnePlus(count / aDown);
            UpperBound second = deltaUp * pairUp / 12;
            UpperBound sixth = Subtract(true, Power(true, inverseUp, 6), Power(false, bInverseDown, 6)) / 252;
            UpperBound eighth = Power(bInverseUp, 8) / 240;
            UpperBound fourth = Divide(false, Multiply(false, deltaDown, Multiply(false, pairDown, squaresDown)), 120);
            UpperBound positive = logarithm + Scale(true, deltaUp, -1) + (second + (sixth + eighth));
            sum += mass * Subtract(true, positive, fourth);
        }
        return Min(all, sum);
    }

    /// <summary>1 up to t = 1/2; beyond, z² + (1−z)² with z = (1+2t)²/(8t).</summary>
    public static UpperBound SaturationG(UpperBound t)
    {
        if (t <= Half)
            return One;
        if (t.IsInfinity)
            return t;
        UpperBound twice = Scale(true, t, 1);
        UpperBound eight = Scale(true, t, 3);
        UpperBound p = One + twice;
        UpperBound q = Subtract(true, twice, One);
        UpperBound z = p * p / eight;
        UpperBound d = q * q / eight;
        return z * z + d * d;
    }

    /// <summary>σ(t): sup |silu(x)/x| on [−t, t].</summary>
    public static UpperBound SigmoidGain(UpperBound t)
    {
        UpperBound exponential = Exponential(true, t);
        return exponential.IsInfinity ? One : Min(One, exponential / Add(false, One, exponential));
    }

    private static UpperBound SigmoidSlope(UpperBound down)
    {
        UpperBound exponential = Exponential(false, down);
        UpperBound p = Add(false, One, exponential);
        return exponential / Multiply(false, p, p);
    }

    private static UpperBound GaussianDenominator(UpperBound t) => Exponential(false, Scale(false, Multiply(false, t, t), -1));

    /// <summary>Φ(t): sup |gelu(x)/x| on [−t, t].</summary>
    public static UpperBound GeluGain(UpperBound t)
    {
        if (t.IsZero)
            return Half;
        if (t > 9)
            return One;
        UpperBound square = t * t;
        UpperBound term = t;
        UpperBound sum = t;
        long k = 1;
        do
        {
            k += 2;
            term = term * square / k;
            sum += term;
        }
        while (k + 2 < Scale(true, square, 1) || Scale(true, sum, -68) < term);
        UpperBound series = (sum + term) * Gaussian;
        return Min(One, Half + series / GaussianDenominator(t));
    }

    /// <summary>sup |gelu′| on [−t, t].</summary>
    public static UpperBound GeluSlope(UpperBound t)
    {
        if (t * t >= 2)
            return GeluPeak;
        UpperBound density = t * Gaussian / GaussianDenominator(t);
        return Min(GeluPeak, GeluGain(t) + density);
    }

    private static UpperBound TanhArgument(bool up, UpperBound t)
    {
        UpperBound square = Multiply(up, t, t);
        UpperBound factor = Add(up, One, Multiply(up, up ? Cubic : CubicDown, square));
        return Multiply(up, Multiply(up, up ? TanhScaleUp : TanhScaleDown, t), factor);
    }

    /// <summary>sup |f(x)/x| on [−t, t] for the tanh form f of GELU.</summary>
    public static UpperBound GeluTanhGain(UpperBound t) => t.IsInfinity ? One : SigmoidGain(Scale(true, TanhArgument(true, t), 1));

    /// <summary>sup |f′| on [−t, t] for the tanh form f of GELU, for any coefficient from 0.79788456 to √(2/π).</summary>
    public static UpperBound GeluTanhSlope(UpperBound t)
    {
        if (t >= GeluTanhPlace)
            return GeluTanhPeak;
        UpperBound gain = SigmoidGain(Scale(true, TanhArgument(true, t), 1));
        UpperBound inner = TanhScaleUp * (One + CubicSlope * (t * t));
        UpperBound slope = SigmoidSlope(Scale(false, TanhArgument(false, t), 1));
        return Min(GeluTanhPeak, gain + Scale(true, t * (slope * inner), 1));
    }

    /// <summary>sup |silu′| on [−t, t].</summary>
    public static UpperBound SiluSlope(UpperBound t) => t >= SiluPlace ? SiluPeak : Min(SiluPeak, SigmoidGain(t) + t * SigmoidSlope(t));

    /// <summary>1/√(max(0, start − t)²/dim + eps), with start and eps given as exact quotients, eps > 0.</summary>
    public static UpperBound ShellGain(BigInteger startNumerator, BigInteger startDenominator, long dim, BigInteger epsNumerator, BigInteger epsDenominator, UpperBound t)
    {
        UpperBound start = startNumerator.Sign <= 0 ? Zero : OfRational(false, startNumerator, startDenominator);
        UpperBound eps = OfRational(false, epsNumerator, epsDenominator);
        UpperBound left = Subtract(false, start, t);
        UpperBound mean = Divide(false, Multiply(false, left, left), dim);
        return One / SquareRoot(false, Add(false, mean, eps));
    }

    /// <summary>1/(max(0, start − t)/√dim + eps), with start and eps given as exact quotients, eps > 0.</summary>
    public static UpperBound ShellGainAdded(BigInteger startNumerator, BigInteger startDenominator, long dim, BigInteger epsNumerator, BigInteger epsDenominator, UpperBound t)
    {
        UpperBound start = startNumerator.Sign <= 0 ? Zero : OfRational(false, startNumerator, startDenominator);
        UpperBound eps = OfRational(false, epsNumerator, epsDenominator);
        UpperBound deviation = Divide(false, Subtract(false, start, t), SquareRoot(true, dim));
        return One / Add(false, deviation, eps);
    }

    /// <summary>max(0, t − 1)</summary>
    public static UpperBound LessOne(UpperBound t) => Subtract(true, t, One);

    /// <summary>W₀(n·e^(t−1)), n ≥ 0.</summary>
    public static UpperBound LambertW(long n, UpperBound t)
    {
        if (n == 0)
            return Zero;
        UpperBound target = n * Exponential(true, t);
        if (target.IsInfinity)
            return Infinity;
        long exponent = -63;
        while (!Passes(new(Top, exponent), target))
            exponent++;
        while (Passes(new(Top, exponent - 1), target))
            exponent--;
        // 2^63 at exponent − 1 fails and 2^64 at exponent − 1 passes: settle the bits between.
        ulong mantissa = Top;
        for (int bit = 62; bit >= 0; bit--)
        {
            ulong trial = mantissa | (1UL << bit);
            if (!Passes(new(trial, exponent - 1), target))
                mantissa = trial;
        }
        return Finish(true, mantissa, exponent - 1, true);
    }

    /// <summary>Is w·e^(w+1), rounded down, at least the target?</summary>
    private static bool Passes(UpperBound w, UpperBound target) => Multiply(false, w, Exponential(false, Add(false, w, One))) >= target;

    /// <summary>σ(x) = E/(1+E), E = e^x, x ≥ 0.</summary>
    private static UpperBound Above(bool up, UpperBound x)
    {
        UpperBound exponential = Exponential(up, x);
        return exponential.IsInfinity ? One : Divide(up, exponential, Add(!up, One, exponential));
    }

    /// <summary>σ(−x) = 1/(1+E), E = e^x, x ≥ 0.</summary>
    private static UpperBound Below(bool up, UpperBound x) => Divide(up, One, Add(!up, One, Exponential(!up, x)));

    /// <summary>σ(l), or σ(−l) where reflected, at l = ±magnitude ± t.</summary>
    private static UpperBound Logistic(bool up, UpperBound magnitude, bool negative, UpperBound t, bool plus, bool reflected)
    {
        bool same = negative != plus;
        bool beyond = magnitude < t;
        bool positive = same || beyond ? plus : !negative;
        UpperBound X(bool direction) => same ? Add(direction, magnitude, t) : beyond ? Subtract(direction, t, magnitude) : Subtract(direction, magnitude, t);
        return positive != reflected ? Above(up, X(up)) : Below(up, X(!up));
    }

    /// <summary>sup of σ(l) + slopes·t·σ′(l) over |l − bias| ≤ t, the bias given as an exact quotient.</summary>
    public static UpperBound SigmoidWeight(BigInteger numerator, BigInteger denominator, int slopes, UpperBound t)
    {
        if (t.IsInfinity)
            return slopes == 0 ? One : Infinity;
        bool negative = numerator.Sign < 0;
        UpperBound magnitude = OfRational(true, BigInteger.Abs(numerator), denominator);
        UpperBound k = slopes * t;
        UpperBound At(bool plus) => Logistic(true, magnitude, negative, t, plus, false) * (One + k * Logistic(true, magnitude, negative, t, plus, true));
        if (k <= One)
            return At(true);
        UpperBound kDown = Multiply(false, slopes, t);
        UpperBound peakDown = Add(false, Half, Divide(false, One, Scale(true, k, 1)));
        UpperBound peakUp = Half + One / Scale(false, kDown, 1);
        if (Logistic(true, magnitude, negative, t, true, false) <= peakDown)
            return At(true);
        if (Logistic(false, magnitude, negative, t, false, false) >= peakUp)
            return At(false);
        return Half + (Scale(true, k, -2) + Scale(true, One / kDown, -2));
    }

    /// <summary>sup of σ′(l) over |l − bias| ≤ t.</summary>
    public static UpperBound SigmoidSteepness(BigInteger numerator, BigInteger denominator, UpperBound t)
    {
        UpperBound magnitude = OfRational(false, BigInteger.Abs(numerator), denominator);
        UpperBound quarter = Scale(true, One, -2);
        return t >= magnitude ? quarter : Min(quarter, SigmoidSlope(Subtract(false, magnitude, t)));
    }
}
