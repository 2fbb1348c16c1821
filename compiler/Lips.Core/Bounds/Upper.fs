namespace Lips.Core

open System
open System.Numerics

/// 64- and 128-bit integer steps that .NET Standard 2.0 lacks. A pair is (high, low).
module internal Wide =

    let top = 0x8000000000000000UL
    let private mask = 0xFFFFFFFFUL

    /// High word of the 128-bit product; the low word is a * b.
    let multiplyHigh (a: uint64) (b: uint64) : uint64 =
        let a0 = a &&& mask
        let a1 = a >>> 32
        let b0 = b &&& mask
        let b1 = b >>> 32
        let t = a1 * b0 + ((a0 * b0) >>> 32)
        let u = a0 * b1 + (t &&& mask)
        a1 * b1 + (t >>> 32) + (u >>> 32)

    /// Quotient and remainder of (high, low) by d; needs high < d and the top bit of d set.
    /// Schoolbook division with 32-bit digits: each trial digit is at most 2 too large.
    let divide (high: uint64) (low: uint64) (d: uint64) : struct (uint64 * uint64) =
        let d1 = d >>> 32
        let d0 = d &&& mask

        let digit (n: uint64) (next: uint64) =
            let mutable q = n / d1
            let mutable r = n - q * d1

            while r <= mask && (q > mask || q * d0 > ((r <<< 32) ||| next)) do
                q <- q - 1UL
                r <- r + d1

            q

        let q1 = digit high (low >>> 32)
        let middle = ((high <<< 32) ||| (low >>> 32)) - q1 * d
        let q0 = digit middle (low &&& mask)
        let rest = ((middle <<< 32) ||| (low &&& mask)) - q0 * d
        struct ((q1 <<< 32) ||| q0, rest)

    let leadingZeros (n: uint64) : int =
        if n = 0UL then
            64
        else
            let mutable x = n
            let mutable zeros = 0

            if x >>> 32 = 0UL then
                zeros <- zeros + 32
                x <- x <<< 32

            if x >>> 48 = 0UL then
                zeros <- zeros + 16
                x <- x <<< 16

            if x >>> 56 = 0UL then
                zeros <- zeros + 8
                x <- x <<< 8

            if x >>> 60 = 0UL then
                zeros <- zeros + 4
                x <- x <<< 4

            if x >>> 62 = 0UL then
                zeros <- zeros + 2
                x <- x <<< 2

            if x >>> 63 = 0UL then zeros + 1 else zeros

    /// ⌊√n⌋ of a word, bit by bit.
    let squareRootWord (n: uint64) : uint64 =
        let mutable rest = n
        let mutable root = 0UL
        let mutable bit = 1UL <<< 62

        while bit <> 0UL do
            if rest >= root + bit then
                rest <- rest - (root + bit)
                root <- (root >>> 1) + bit
            else
                root <- root >>> 1

            bit <- bit >>> 2

        root

    /// ⌊√(high, low)⌋ and whether the root is inexact; needs high ≥ 2^62.
    /// One Newton step from above doubles the 32 correct bits of the root of the high word; the last
    /// digit is then settled by squaring.
    let squareRoot (high: uint64) (low: uint64) : struct (uint64 * bool) =
        let start = squareRootWord high
        let x = if start >= mask then UInt64.MaxValue else (start + 1UL) <<< 32
        // x ≥ √(high, low), so the quotient fits a word, and x has its top bit set.
        let struct (q, _) = if high >= x then struct (UInt64.MaxValue, 0UL) else divide high low x
        let mutable root = (x >>> 1) + (q >>> 1) + (x &&& q &&& 1UL)

        let above (r: uint64) =
            let h = multiplyHigh r r
            h > high || (h = high && r * r > low)

        while above root do
            root <- root - 1UL

        while root <> UInt64.MaxValue && not (above (root + 1UL)) do
            root <- root + 1UL

        struct (root, not (multiplyHigh root root = high && root * root = low))

/// A non-negative extended real m·2^e that is never below what it stands for: every operation rounds up, and
/// only when a remainder is left, so that exact results stay exact. m is a 64-bit integer with its top bit
/// set; 0 is (0, 0) and ∞ is (2^63, the largest exponent). Beyond 2^(2^60) a value becomes ∞, below
/// 2^-(2^60) the smallest positive value. Integer arithmetic throughout: no floating point.
[<Struct; CustomEquality; CustomComparison>]
type Upper =
    val internal M: uint64
    val internal E: int64
    internal new(m, e) = { M = m; E = e }

    static member Zero = Upper(0UL, 0L)
    static member One = Upper(Wide.top, -63L)
    static member Infinity = Upper(Wide.top, Int64.MaxValue)
    member this.IsZero = (this.M = 0UL)
    member this.IsInfinity = (this.E = Int64.MaxValue)
    /// The integer m of m·2^e: 0, or with its top bit set.
    member this.Mantissa = this.M
    /// The exponent e of m·2^e.
    member this.Exponent = this.E

    static member Compare(a: Upper, b: Upper) : int =
        if a.M = 0UL || b.M = 0UL then compare a.M b.M
        elif a.E <> b.E then compare a.E b.E
        else compare a.M b.M

    override this.Equals other =
        match other with
        | :? Upper as u -> u.M = this.M && u.E = this.E
        | _ -> false

    override this.GetHashCode() = this.M.GetHashCode() * 397 ^^^ this.E.GetHashCode()

    interface IEquatable<Upper> with
        member this.Equals other = other.M = this.M && other.E = this.E

    interface IComparable<Upper> with
        member this.CompareTo other = Upper.Compare(this, other)

    interface IComparable with
        member this.CompareTo other =
            match other with
            | :? Upper as u -> Upper.Compare(this, u)
            | _ -> invalidArg (nameof other) "an upper bound compares with upper bounds only"

    /// Exact and reversible: `0`, `∞`, or `0x8000000000000000p-63` for m·2^e.
    override this.ToString() =
        if this.IsZero then "0"
        elif this.IsInfinity then "∞"
        else "0x" + this.M.ToString("x16") + "p" + this.E.ToString(Globalization.CultureInfo.InvariantCulture)

/// The operations of `Upper` in both directions: `up` = true never falls below the exact result, `up` = false
/// never exceeds it. Lower bounds are needed inside functions (a divisor, a number to subtract) and never
/// leave this assembly.
module internal Directed =

    let limit = 1L <<< 60

    /// m·2^e for m with its top bit set, where `rest` says that a positive part below m was cut off.
    let finish (up: bool) (m: uint64) (e: int64) (rest: bool) : Upper =
        let mutable m = m
        let mutable e = e

        if up && rest then
            m <- m + 1UL

            if m = 0UL then
                m <- Wide.top
                e <- e + 1L

        if e > limit then (if up then Upper.Infinity else Upper(UInt64.MaxValue, limit))
        elif e < -limit then (if up then Upper(Wide.top, -limit) else Upper.Zero)
        else Upper(m, e)

    /// The number (high, low)·2^e, with a positive part below it if `rest`.
    let ofPair (up: bool) (high: uint64) (low: uint64) (e: int64) (rest: bool) : Upper =
        if high <> 0UL then
            let z = Wide.leadingZeros high

            if z = 0 then
                finish up high (e + 64L) (rest || low <> 0UL)
            else
                finish up ((high <<< z) ||| (low >>> (64 - z))) (e + 64L - int64 z) (rest || (low <<< z) <> 0UL)
        elif low <> 0UL then
            let z = Wide.leadingZeros low
            finish up (low <<< z) (e - int64 z) rest
        elif rest && up then
            Upper(Wide.top, -limit)
        else
            Upper.Zero

    let ofWord (n: uint64) : Upper = ofPair true 0UL n 0L false

    /// x·2^k
    let scale (up: bool) (x: Upper) (k: int64) : Upper =
        if x.IsZero || x.IsInfinity then x else finish up x.M (x.E + k) false

    let add (up: bool) (a: Upper) (b: Upper) : Upper =
        if a.M = 0UL then b
        elif b.M = 0UL then a
        elif a.E = Int64.MaxValue || b.E = Int64.MaxValue then Upper.Infinity
        else
            let swap = a.E < b.E
            let x = if swap then b else a
            let y = if swap then a else b
            let d = x.E - y.E

            if d >= 64L then
                finish up x.M x.E true
            else
                let shifted = y.M >>> int d
                let rest = d > 0L && (y.M <<< int (64L - d)) <> 0UL
                let sum = x.M + shifted

                if sum < x.M then
                    finish up ((sum >>> 1) ||| Wide.top) (x.E + 1L) (rest || (sum &&& 1UL) <> 0UL)
                else
                    finish up sum x.E rest

    /// max(0, a − b)
    let subtract (up: bool) (a: Upper) (b: Upper) : Upper =
        if b.M = 0UL then a
        elif a.E = Int64.MaxValue then
            // ∞ − ∞ is bounded by ∞ above and by 0 below.
            if b.E = Int64.MaxValue && not up then Upper.Zero else a
        elif Upper.Compare(a, b) <= 0 then Upper.Zero
        else
            let d = a.E - b.E

            if d = 0L then
                ofPair up 0UL (a.M - b.M) a.E false
            else
                // (a.M, 0) − b.M·2^(64−d); bits of b below the low word are a rest to take away.
                let struct (h, l, rest) =
                    if d < 64L then struct (b.M >>> int d, b.M <<< int (64L - d), false)
                    elif d = 64L then struct (0UL, b.M, false)
                    elif d < 128L then
                        struct (0UL, b.M >>> int (d - 64L), (b.M <<< int (128L - d)) <> 0UL)
                    else struct (0UL, 0UL, true)

                let low = 0UL - l
                let high = a.M - h - (if l <> 0UL then 1UL else 0UL)

                if rest && not up then
                    // (high, low) ≥ 2 here: a.M has its top bit set and b is at most 2^-64 of it.
                    ofPair up (if low = 0UL then high - 1UL else high) (low - 1UL) (a.E - 64L) false
                else
                    ofPair up high low (a.E - 64L) false

    /// 0·∞ is ∞ upward (no bound is known) and 0 downward.
    let multiply (up: bool) (a: Upper) (b: Upper) : Upper =
        if a.E = Int64.MaxValue || b.E = Int64.MaxValue then
            if not up && (a.M = 0UL || b.M = 0UL) then Upper.Zero else Upper.Infinity
        elif a.M = 0UL || b.M = 0UL then
            Upper.Zero
        else
            let high = Wide.multiplyHigh a.M b.M
            let low = a.M * b.M

            if high >= Wide.top then
                finish up high (a.E + b.E + 64L) (low <> 0UL)
            else
                finish up ((high <<< 1) ||| (low >>> 63)) (a.E + b.E + 63L) ((low <<< 1) <> 0UL)

    /// x/0 and ∞/∞ are ∞ upward.
    let divide (up: bool) (a: Upper) (b: Upper) : Upper =
        if a.E = Int64.MaxValue then
            if not up && b.E = Int64.MaxValue then Upper.Zero else Upper.Infinity
        elif b.M = 0UL then
            if not up && a.M = 0UL then Upper.Zero else Upper.Infinity
        elif a.M = 0UL || b.E = Int64.MaxValue then
            Upper.Zero
        elif a.M >= b.M then
            let struct (q, r) = Wide.divide (a.M >>> 1) (a.M <<< 63) b.M
            finish up q (a.E - b.E - 63L) (r <> 0UL)
        else
            let struct (q, r) = Wide.divide a.M 0UL b.M
            finish up q (a.E - b.E - 64L) (r <> 0UL)

    let squareRoot (up: bool) (x: Upper) : Upper =
        if x.M = 0UL || x.E = Int64.MaxValue then
            x
        else
            // m·2^k with e − k even and m·2^k in [2^126, 2^128).
            let even = (x.E &&& 1L) = 0L
            let high = if even then x.M else x.M >>> 1
            let low = if even then 0UL else x.M <<< 63
            let k = if even then 64L else 63L
            let struct (root, rest) = Wide.squareRoot high low
            finish up root ((x.E - k) / 2L) rest

    /// x^n, n ≥ 0, by squaring from the leading bit of n; x^0 = 1.
    let power (up: bool) (x: Upper) (n: int) : Upper =
        if n < 0 then
            invalidArg (nameof n) "a bound has powers with exponent 0 or more only"

        if n = 0 then
            Upper.One
        else
            let mutable bit = 30

            while (n >>> bit) &&& 1 = 0 do
                bit <- bit - 1

            let mutable result = x

            for i = bit - 1 downto 0 do
                result <- multiply up result result

                if (n >>> i) &&& 1 = 1 then
                    result <- multiply up result x

            result

    let ofRational (up: bool) (r: Rational) : Upper =
        if r.Sign < 0 then
            invalidArg (nameof r) ("a bound is not negative: " + r.ToString())

        if r.Sign = 0 then
            Upper.Zero
        else
            // A quotient of 64 or 65 bits.
            let shift = 64L - (Whole.bits r.Numerator - Whole.bits r.Denominator)

            let n, d =
                if shift >= 0L then
                    r.Numerator <<< int shift, r.Denominator
                else
                    r.Numerator, r.Denominator <<< int -shift

            let mutable rest = BigInteger.Zero
            let q = BigInteger.DivRem(n, d, &rest)
            ofPair up (uint64 (q >>> 64)) (uint64 (q &&& BigInteger UInt64.MaxValue)) (-shift) (not rest.IsZero)

    let less (a: Upper) (b: Upper) = Upper.Compare(a, b) < 0
    let least (a: Upper) (b: Upper) = if Upper.Compare(a, b) <= 0 then a else b
    let largest (a: Upper) (b: Upper) = if Upper.Compare(a, b) >= 0 then a else b

type Upper with

    /// Rounded up.
    static member (+)(a: Upper, b: Upper) = Directed.add true a b
    /// Rounded up; 0·∞ = ∞.
    static member (*)(a: Upper, b: Upper) = Directed.multiply true a b
    /// Rounded up; x/0 = ∞. The divisor must be exact or a lower bound.
    static member (/)(a: Upper, b: Upper) = Directed.divide true a b
    static member Min(a: Upper, b: Upper) = Directed.least a b
    static member Max(a: Upper, b: Upper) = Directed.largest a b
    /// Rounded up.
    static member Sqrt(x: Upper) = Directed.squareRoot true x
    /// x^n for n ≥ 0, rounded up; x^0 = 1.
    static member Power(x: Upper, n: int) = Directed.power true x n
    /// The least `Upper` that is at least a non-negative rational.
    static member OfRational(r: Rational) = Directed.ofRational true r

    /// Exact.
    static member OfInt64(n: int64) =
        if n < 0L then
            invalidArg (nameof n) "a bound is not negative"

        Directed.ofWord (uint64 n)

    /// Exact; NaN and negative numbers are refused.
    static member OfDouble(x: double) =
        if Double.IsPositiveInfinity x then Upper.Infinity
        elif Double.IsNaN x || x < 0.0 then invalidArg (nameof x) "a bound is a number and not negative"
        else Upper.OfRational(Rational.OfDouble x)

    /// m·2^e exactly, the text of `ToString`.
    static member TryParse(text: string) : Upper option =
        let hex (c: char) = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
        let culture = Globalization.CultureInfo.InvariantCulture

        match text with
        | "0" -> Some Upper.Zero
        | "∞" -> Some Upper.Infinity
        | _ when text.Length >= 20 && text.StartsWith("0x", StringComparison.Ordinal) && text.[18] = 'p' ->
            let digits = text.Substring(2, 16)
            let exponent = text.Substring 19
            let ok, e = Int64.TryParse(exponent, Globalization.NumberStyles.AllowLeadingSign, culture)

            if ok && String.forall hex digits && e.ToString culture = exponent then
                let m = UInt64.Parse(digits, Globalization.NumberStyles.AllowHexSpecifier, culture)
                if m >= Wide.top && abs e <= Directed.limit then Some(Upper(m, e)) else None
            else
                None
        | _ -> None

    /// The exact value, or nothing for ∞ and exponents beyond ±10^7.
    member this.TryRational: Rational option =
        if this.IsZero then Some Rational.Zero
        elif this.IsInfinity || abs this.Exponent > 10_000_000L then None
        else
            let m = BigInteger this.Mantissa
            let e = int this.Exponent

            Some(
                if e >= 0 then
                    Rational.OfBig(m <<< e)
                else
                    Rational.Create(m, BigInteger.One <<< -e)
            )

    /// The sign of this − r, exactly.
    member this.CompareTo(r: Rational) : int =
        if this.IsInfinity then 1
        elif this.IsZero || r.Sign <= 0 then compare (if this.IsZero then 0 else 1) r.Sign
        else
            // this < 2^(e+64) and r ≥ 2^(bits n − bits d − 1); this ≥ 2^(e+63) and r < 2^(bits n − bits d + 1).
            let size = Whole.bits r.Numerator - Whole.bits r.Denominator

            if this.Exponent + 64L <= size - 1L then -1
            elif this.Exponent + 63L >= size + 1L then 1
            else
                let m = BigInteger this.Mantissa * r.Denominator
                let e = this.Exponent

                if e >= 0L then
                    BigInteger.Compare(m <<< int e, r.Numerator)
                else
                    BigInteger.Compare(m, r.Numerator <<< int -e)

    /// Does this bound prove "at most r"? Exact.
    member this.IsAtMost(r: Rational) = this.CompareTo r <= 0

    /// The least double that is not below: for drawing and logging, and for code that holds norms as doubles.
    member this.ToDoubleUp() : double =
        if this.IsZero then 0.0
        elif this.IsInfinity || this.Exponent > 1023L - 63L then Double.PositiveInfinity
        else
            // Subnormal doubles keep fewer bits.
            let drop = int (max 11L (min 65L (-1074L - this.Exponent)))
            let kept = if drop >= 64 then 0UL else this.Mantissa >>> drop
            let rest = drop >= 64 || (this.Mantissa <<< (64 - drop)) <> 0UL
            let m = if rest then kept + 1UL else kept
            let e = max (this.Exponent + int64 drop) -1074L
            // m ≤ 2^53: doubles of one sign are ordered as their bit patterns are.
            if m >= 0x20000000000000UL then
                if e >= 971L then Double.PositiveInfinity
                else BitConverter.Int64BitsToDouble((e + 1L + 1075L) <<< 52)
            elif m >= 0x10000000000000UL then
                BitConverter.Int64BitsToDouble(((e + 1075L) <<< 52) ||| int64 (m &&& 0xFFFFFFFFFFFFFUL))
            else
                BitConverter.Int64BitsToDouble(int64 m)
