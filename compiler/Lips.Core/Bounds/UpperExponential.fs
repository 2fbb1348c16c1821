namespace Lips.Core

/// e^x and ln(1 + x) on `Upper`. Arguments are reduced and series summed in 64-bit fixed point with every step rounded in
/// one direction and the tail of the series bounded; nothing here uses floating point or a library function.
/// `Q0.64` is a word w for w/2^64, `Q1.63` one for w/2^63.
module internal UpperExponential =

    let private add = Directed.add
    let private subtract = Directed.subtract
    let private multiply = Directed.multiply
    let private divide = Directed.divide
    let private scale = Directed.scale
    let private less = Directed.less
    let private word (n: int64) = Directed.ofWord (uint64 n)
    let private one = Upper.One
    let private half = Upper(Wide.top, -64L)
    /// 2^60: e^x overflows the exponent beyond.
    let private huge = Upper(Wide.top, -3L)

    // ln 2 = 0.B17217F7D1CF79AB'C9E3B39803F2F6AF'40F3… in base 16.
    let private ln2High = 0xB17217F7D1CF79ABUL
    let private ln2Low = 0xC9E3B39803F2F6AFUL
    let private ln2Up = Upper(0xB17217F7D1CF79ACUL, -64L)
    /// ⌊2^63/ln 2⌋
    let private inverseLn2 = 0xB8AA3B295C17F0BBUL
    /// ⌈1.04·2^63⌉
    let private tail = 0x851EB851EB851EB9UL

    /// x as (integer part, Q0.64), for x < 2^60.
    let private toFixed (up: bool) (x: Upper) : struct (uint64 * uint64) =
        let shift = x.Exponent + 64L

        if x.IsZero then struct (0UL, 0UL)
        elif shift > 0L then struct (x.Mantissa >>> int (64L - shift), x.Mantissa <<< int shift)
        elif shift = 0L then struct (0UL, x.Mantissa)
        elif shift <= -64L then struct (0UL, (if up then 1UL else 0UL))
        else
            let low = x.Mantissa >>> int -shift
            let rest = (x.Mantissa <<< int (64L + shift)) <> 0UL
            // low < 2^63, so the carry stays below the point.
            struct (0UL, (if up && rest then low + 1UL else low))

    /// From term 18 of the series of e^r down to term `last`, as Q1.63: Σ_{j ≥ last−1} r^(j−last+1)·(last−1)!/j!
    /// without its leading factor: s ← 1 + r·s/i for i = 18 … last. The start is 1 downward; upward it is 1.04,
    /// which covers 1 + r/19 + r²/(19·20) + … ≤ 1/(1 − r/19) for r ≤ 0.7.
    let private exponentialSeries (up: bool) (r: uint64) (last: int) : struct (uint64 * bool) =
        let mutable s = if up then tail else Wide.top
        let mutable overflow = false

        for i = 18 downto last do
            let high = Wide.multiplyHigh r s
            let product = if up && r * s <> 0UL then high + 1UL else high
            let quotient = product / uint64 i

            let q =
                if up && quotient * uint64 i <> product then quotient + 1UL else quotient

            // s ≤ 2 only just exceeds the format, at i = 1 and r next to ln 2.
            overflow <- q >= Wide.top
            s <- Wide.top + q

        struct (s, overflow)

    /// e^x: e^r·2^n with x = n·ln 2 + r, 0 ≤ r ≤ ln 2 + 2^-62; ln 2 has 128 bits, n at most 61.
    let exponential (up: bool) (x: Upper) : Upper =
        if x.IsZero then one
        elif not (less x huge) then (if up then Upper.Infinity else Upper(Wide.top, Directed.limit))
        else
            let struct (whole, fraction) = toFixed up x

            // x − n·ln 2 in Q64.64; the subtrahend is cut upward-safe: down for an upper bound, up for a lower.
            let remainder (n: uint64) : struct (uint64 * uint64) =
                let low = if up then ln2Low else ln2Low + 1UL
                let middle = Wide.multiplyHigh n low
                let s1 = n * ln2High
                let w1 = s1 + middle
                let carry = if w1 < s1 then 1UL else 0UL
                let w2 = Wide.multiplyHigh n ln2High + carry
                let c1 = if up then w1 else w1 + 1UL
                let c2 = if not up && c1 = 0UL then w2 + 1UL else w2
                let f = fraction - c1
                struct (whole - c2 - (if fraction < c1 then 1UL else 0UL), f)

            // Never above x/ln 2, at most 2 below it.
            let high = Wide.multiplyHigh whole inverseLn2
            let low = whole * inverseLn2
            let estimate = ((high <<< 1) ||| (low >>> 63)) + (Wide.multiplyHigh fraction inverseLn2 >>> 63)
            let mutable n = if up || estimate = 0UL then estimate else estimate - 1UL
            let mutable r = if n = 0UL then struct (whole, fraction) else remainder n

            let tooLarge (struct (h: uint64, f: uint64)) = h <> 0UL || f > ln2High + 3UL

            while tooLarge r do
                n <- n + 1UL
                r <- remainder n

            let struct (_, f) = r
            let struct (s, overflow) = exponentialSeries up f 1

            if overflow then
                // s − 2^64 wrapped: the value is (2^64 + s)/2^63.
                Directed.finish up (Wide.top ||| (s >>> 1)) (int64 n - 62L) ((s &&& 1UL) <> 0UL)
            else
                Directed.finish up s (int64 n - 63L) false

    /// e^x − 1 with small relative error: x·(1 + x/2·(1 + x/3·(…))) below 1/2.
    let exponentialMinusOne (x: Upper) : Upper =
        if x.IsZero then
            Upper.Zero
        elif less x half then
            let struct (_, r) = toFixed true x
            let struct (s, _) = exponentialSeries true r 2
            multiply true x (Upper(s, -63L))
        else
            subtract true (exponential true x) one

    /// ln(1 + y) ≤ the result: 2·artanh z = 2z(1 + w/3 + w²/5 + …), w = z² ≤ 1/9, for z = y/(2+y), after
    /// taking powers of two out of 1 + y when y ≥ 1/2.
    let logarithmOfOnePlus (y: Upper) : Upper =
        let artanhTwice (z: Upper) =
            let struct (h, f) = toFixed true (multiply true z z)
            let w = if h <> 0UL then System.UInt64.MaxValue else f
            // The tail from w^21 on is at most (1/43)/(1 − 1/8) < 1/37 of w^21.
            let mutable s = System.UInt64.MaxValue / 37UL + 1UL

            for j = 20 downto 1 do
                let product = Wide.multiplyHigh w s + 1UL
                s <- System.UInt64.MaxValue / uint64 (2 * j + 1) + 1UL + product

            let series = Wide.top + ((Wide.multiplyHigh w s + 1UL) >>> 1) + 1UL
            scale true (multiply true z (Upper(series, -63L))) 1L

        if y.IsZero || y.IsInfinity then
            y
        elif less y half then
            artanhTwice (divide true y (add false (word 2L) y))
        else
            let x = add true one y
            // x = f·2^k, f in [1, 2).
            let k = x.Exponent + 63L
            let f = Upper(x.Mantissa, -63L)
            let z = divide true (subtract true f one) (add false f one)
            let powers = multiply true (word k) ln2Up
            add true powers (artanhTwice z)
