namespace Lips.Core

open System
open System.Numerics
open System.Globalization

/// Bounds as decimal text, always rounded up.
module UpperText =

    let private culture = CultureInfo.InvariantCulture
    let private ten (k: int) = BigInteger.Pow(BigInteger 10, k)

    /// Bits after the point of the logarithms below.
    let private precision = 192

    let private unit = BigInteger.One <<< precision

    /// An enclosure of 2·atanh(n/d)·2^192 for 0 ≤ n/d ≤ 1/3: n/d + (n/d)³/3 + …; each of the k terms is cut by
    /// less than 2 units and what follows the last, which is 0 after cutting, by less than one.
    let private twiceArtanh (n: BigInteger) (d: BigInteger) : struct (BigInteger * BigInteger) =
        let mutable power = (n <<< precision) / d
        let mutable sum = power
        let mutable k = 1

        while not power.IsZero do
            power <- (power * n * n) / (d * d)
            k <- k + 2
            sum <- sum + power / BigInteger k

        if n.IsZero then
            struct (BigInteger.Zero, BigInteger.Zero)
        else
            struct (BigInteger 2 * sum, BigInteger 2 * (sum + BigInteger(2 * k)))

    // ln 2 = 2·atanh(1/3), ln 10 = 3·ln 2 + 2·atanh(1/9).
    let private ln2 = twiceArtanh BigInteger.One (BigInteger 3)

    let private ln10 =
        let struct (l, u) = ln2
        let struct (a, b) = twiceArtanh BigInteger.One (BigInteger 9)
        struct (BigInteger 3 * l + a, BigInteger 3 * u + b)

    let private ceiling (n: BigInteger) (d: BigInteger) = (Rational.Create(n, d)).Ceiling

    /// log₁₀ of a positive finite bound, rounded up to `digits` decimals; exact for powers of ten.
    let private log10Scaled (x: Upper) (digits: int) : BigInteger =
        let struct (ln2Down, ln2Up) = ln2
        let struct (ln10Down, ln10Up) = ln10
        // x = f·2^k with f in [1, 2): ln x = k·ln 2 + 2·atanh((f − 1)/(f + 1)).
        let k = BigInteger(x.Exponent + 63L)
        let m = BigInteger x.Mantissa
        let one = BigInteger.One <<< 63
        let struct (_, mantissa) = twiceArtanh (m - one) (m + one)
        let natural = k * (if k.Sign >= 0 then ln2Up else ln2Down) + mantissa
        let divisor = if natural.Sign >= 0 then ln10Down else ln10Up
        let up = ceiling (natural * ten digits) divisor
        // The enclosure cannot decide x = 10^p; exact arithmetic can.
        let p = (Rational.Create(up - BigInteger.One, ten digits))

        if p.IsInteger && BigInteger.Abs p.Numerator < BigInteger 20000 then
            let power = int p.Numerator
            let exact = if power >= 0 then Rational.OfBig(ten power) else Rational.Create(BigInteger.One, ten -power)
            if x.IsAtMost exact then up - BigInteger.One else up
        else
            up

    /// Zeros before a number, up to a length. One by one: what fills a text with vectors is compiled at every start.
    let rec private padded (length: int) (digits: string) = if digits.Length >= length then digits else padded length ("0" + digits)

    let private point (n: BigInteger) (decimals: int) =
        let text = padded (decimals + 1) ((BigInteger.Abs n).ToString culture)
        let sign = if n.Sign < 0 then "-" else ""

        if decimals = 0 then
            sign + text
        else
            sign + text.Substring(0, text.Length - decimals) + "." + text.Substring(text.Length - decimals)

    /// log₁₀ of a bound, rounded up to `digits` decimals: `3.1416`, `-∞` of 0, `∞`.
    let log10 (digits: int) (x: Upper) : string =
        if x.IsZero then "-∞"
        elif x.IsInfinity then "∞"
        else point (log10Scaled x digits) digits

    /// `digits` significant decimals of a positive rational, rounded up: (D, k) stands for D·10^k.
    let private significant (digits: int) (r: Rational) : struct (BigInteger * int) =
        let quotient k =
            if k >= 0 then
                ceiling r.Numerator (r.Denominator * ten k)
            else
                ceiling (r.Numerator * ten -k) r.Denominator

        // 0.30103 > log₁₀ 2 would overshoot: start low and step.
        let size = Whole.bits r.Numerator - Whole.bits r.Denominator
        let mutable k = int (size * 30103L / 100000L) - digits - 2

        while quotient k > ten digits do
            k <- k + 1

        let d = quotient k
        if d.Equals(ten digits) then struct (ten (digits - 1), k + 1) else struct (d, k)

    let private print (digits: int) (d: BigInteger) (k: int) =
        // Place of the leading digit.
        let lead = k + digits - 1

        if lead >= 7 || lead < -5 then
            point d (digits - 1) + "e" + lead.ToString culture
        elif k >= 0 then
            (d * ten k).ToString culture
        else
            point d -k

    /// A non-negative rational with `digits` significant decimals, rounded up.
    let rationalToDecimal (digits: int) (r: Rational) : string =
        if r.Sign = 0 then
            "0"
        else
            let struct (d, k) = significant digits r
            print digits d k

    /// A bound with `digits` significant decimals, rounded up: `0.92770`, `1.0401e8`, `0`, `∞`. Beyond 10^±12000
    /// only the power of ten is given: `1e30103`.
    let toDecimal (digits: int) (x: Upper) : string =
        if x.IsZero then "0"
        elif x.IsInfinity then "∞"
        elif abs x.Exponent < 40000L then rationalToDecimal digits x.TryRational.Value
        else "1e" + (log10Scaled x 0).ToString culture

    /// A radius with at most `digits` significant decimals, rounded down: what holds on a ball holds on one inside it.
    let toDecimalDown (digits: int) (x: Upper) : string =
        if x.IsZero then "0"
        elif x.IsInfinity then "∞"
        elif abs x.Exponent >= 40000L then "0"
        else
            let r = x.TryRational.Value
            let struct (d, k) = significant digits r
            // One less where rounding up moved it; a power of ten may lose its leading digit, which print pads.
            let moved = ((if k >= 0 then Rational.OfBig(d * ten k) else Rational.Create(d, ten -k)) - r).Sign > 0
            let text = print digits (if moved then d - BigInteger.One else d) k
            if text.Contains "." && not (text.Contains "e") then text.TrimEnd('0').TrimEnd('.') else text

    /// A rational as a person writes it where that is exact and short (`0.25`, `20`), else as a fraction.
    let rational (r: Rational) : string =
        let rec scale k =
            if k > 12 then None
            elif (r * Rational.OfBig(ten k)).IsInteger then Some k
            else scale (k + 1)

        match scale 0 with
        | Some k ->
            let sign = if r.Sign < 0 then "-" else ""
            let digits = (r.Abs * Rational.OfBig(ten k)).Numerator.ToString culture
            let padded = padded (k + 1) digits
            if k = 0 then sign + digits else sign + padded.Substring(0, padded.Length - k) + "." + padded.Substring(padded.Length - k)
        | None -> r.ToString()
