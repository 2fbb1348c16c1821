namespace Lips.Core

/// The functions of `Fn` on `Upper`, rounded up. Arguments are reduced and series summed in 64-bit fixed point
/// with every step rounded in one direction and the tail of the series bounded; nothing here uses floating
/// point or a library function. `Q0.64` is a word w for w/2^64, `Q1.63` one for w/2^63.
/// Each function is evaluated at the upper bound of its argument, which is sound since all are non-decreasing.
module UpperFunctions =

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
    let private exponential (up: bool) (x: Upper) : Upper =
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

    let exp (x: Upper) = exponential true x

    /// e^x − 1 with small relative error: x·(1 + x/2·(1 + x/3·(…))) below 1/2.
    let private exponentialMinusOne (x: Upper) : Upper =
        if x.IsZero then
            Upper.Zero
        elif less x half then
            let struct (_, r) = toFixed true x
            let struct (s, _) = exponentialSeries true r 2
            multiply true x (Upper(s, -63L))
        else
            subtract true (exponential true x) one

    /// (E + 1/E)/2 at E = e^x ≥ 1, where it grows with E.
    let cosh (x: Upper) =
        let e = exponential true x

        if x.IsZero then one
        elif e.IsInfinity then e
        else scale true (add true e (divide true one e)) -1L

    /// ln(1 + y) ≤ the result: 2·artanh z = 2z(1 + w/3 + w²/5 + …), w = z² ≤ 1/9, for z = y/(2+y), after
    /// taking powers of two out of 1 + y when y ≥ 1/2.
    let private logarithmOfOnePlus (y: Upper) : Upper =
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

    /// (N−1)(E−1)/(N + (N−1)(E−1)) at E = e^t, growing with E.
    let doeblinComplement (tokens: int64) (t: Upper) =
        let m = exponentialMinusOne t

        if tokens = 1L || m.IsZero then Upper.Zero
        elif m.IsInfinity then one
        else
            let others = word (tokens - 1L)
            let below = add false (word tokens) (multiply false others m)
            Upper.Min(one, divide true (multiply true others m) below)

    let largestSoftmaxWeight (tokens: int64) (t: Upper) =
        let e = exponential true t

        if e.IsInfinity || tokens = 1L then one
        else Upper.Min(one, divide true e (add false e (word (tokens - 1L))))

    /// Σ_{i<N} E/(E+i) at E = e^t. The first 32 terms are added (all, up to N = 64); the others sum to
    /// E·(ψ(b) − ψ(a)), a = E+32, b = E+N. Binet: 1/(e^x−1) − 1/x + 1/2 = Σ_k 2x/(x²+4π²k²), each term enveloped
    /// by its geometric series, so ψ(x) = ln x − 1/(2x) − 1/(12x²) + 1/(120x⁴) − 1/(252x⁶) + … is enveloped for
    /// x > 0: cutting after a positive term bounds ψ(b) above, after a negative one ψ(a) below. Hence
    /// ψ(b) − ψ(a) ≤ ln(b/a) + δ/2 + δ(1/a+1/b)/12 − δ(1/a+1/b)(1/a²+1/b²)/120 + (1/a⁶ − 1/b⁶)/252 + 1/(240b⁸) with
    /// δ = 1/a − 1/b, which exceeds it by less than 1/(240a⁸) < 4e-15.
    let causalColumnMass (tokens: int64) (t: Upper) =
        let e = exponential true t
        let all = word tokens

        if e.IsInfinity then
            all
        else
            let direct = if tokens <= 64L then tokens else 32L
            let mutable sum = one

            for i in 1L .. direct - 1L do
                sum <- add true sum (divide true e (add false e (word i)))

            if tokens > direct then
                let aDown = add false e (word direct)
                let aUp = add true e (word direct)
                let bDown = add false e all
                let bUp = add true e all
                let count = word (tokens - direct)
                let deltaUp = divide true count (multiply false aDown bDown)
                let deltaDown = divide false count (multiply true aUp bUp)
                let inverseUp = divide true one aDown
                let inverseDown = divide false one aUp
                let bInverseUp = divide true one bDown
                let pairUp = add true inverseUp bInverseUp
                let bInverseDown = divide false one bUp
                let pairDown = add false inverseDown bInverseDown

                let squaresDown =
                    add false (multiply false inverseDown inverseDown) (multiply false bInverseDown bInverseDown)

                let logarithm = logarithmOfOnePlus (divide true count aDown)
                let second = divide true (multiply true deltaUp pairUp) (word 12L)
                let sixths = subtract true (Directed.power true inverseUp 6) (Directed.power false bInverseDown 6)
                let sixth = divide true sixths (word 252L)
                let eighth = divide true (Directed.power true bInverseUp 8) (word 240L)

                let fourth =
                    divide false (multiply false deltaDown (multiply false pairDown squaresDown)) (word 120L)

                let positive = add true (add true logarithm (scale true deltaUp -1L)) (add true second (add true sixth eighth))
                sum <- add true sum (multiply true e (subtract true positive fourth))

            Upper.Min(all, sum)

    /// 1 up to 1/2; beyond, z² + (z−1)² with z = (1+2t)²/(8t), z − 1 = (2t−1)²/(8t).
    let saturationG (t: Upper) =
        if not (less half t) then one
        elif t.IsInfinity then t
        else
            let twice = scale true t 1L
            let eight = scale true t 3L
            let p = add true one twice
            let q = subtract true twice one
            let z = divide true (multiply true p p) eight
            let d = divide true (multiply true q q) eight
            add true (multiply true z z) (multiply true d d)

    /// σ(x) = E/(1+E), growing with E.
    let sigmoid (x: Upper) =
        let e = exponential true x
        if e.IsInfinity then one else Upper.Min(one, divide true e (add false one e))

    /// σ'(x) = E/(1+E)² falls with E ≥ 1: evaluated at a lower bound of x.
    let private sigmoidSlope (xDown: Upper) =
        let e = exponential false xDown
        let p = add false one e
        divide true e (multiply false p p)

    // 1/√(2π), rounded up.
    let private gaussian = Upper(0xCC42299EA1B28469UL, -65L)

    /// φ(t)/C = e^(−t²/2), rounded up, as its denominator rounded down.
    let private gaussianDenominator (t: Upper) =
        exponential false (scale false (multiply false t t) -1L)

    /// Φ(t) = 1/2 + φ(t)·Σ t^(2n+1)/(2n+1)!!. The sum stops at a term whose successors shrink by a ratio below
    /// 1/2, so that they add at most that term once more; the stop is below 2^-68 of the sum. Beyond t = 9,
    /// where 1 − Φ < 2^-62, the value is 1.
    let gaussianCdf (t: Upper) =
        if t.IsZero then half
        elif less (word 9L) t then one
        else
            let square = multiply true t t
            let mutable term = t
            let mutable sum = t
            let mutable k = 1L
            let mutable go = true

            while go do
                k <- k + 2L
                term <- divide true (multiply true term square) (word k)
                sum <- add true sum term
                go <- less (word (k + 2L)) (scale true square 1L) || less (scale true sum -68L) term

            let series = multiply true (add true sum term) gaussian
            Upper.Min(one, add true half (divide true series (gaussianDenominator t)))

    // Double constants of the suprema, rounded up: 1.1289041451851548 at √2, 1.09983932012886693 at 2.39935728….
    let private geluPeak = Upper(0x907FEE57F1CD4000UL, -63L)
    let private siluPeak = Upper(0x8CC788EB67784800UL, -63L)
    // 1.12899307 and 0.044715, 0.134145 = 3·0.044715, rounded up.
    let private geluTanhPeak = Upper(0x9082D84C87C30274UL, -63L)
    let private cubic = Upper(0xB727136A400FBA89UL, -68L)
    let private cubicSlope = Upper(0x895D4E8FB00BCBE7UL, -66L)
    let private cubicDown = Upper(0xB727136A400FBA88UL, -68L)
    // √(2/π) rounded up, and the truncated coefficient 0.79788456 rounded down.
    let private tanhScaleUp = Upper(0xCC42299EA1B28469UL, -64L)
    let private tanhScaleDown = Upper(0xCC42299B2EF00286UL, -64L)
    // 1.4185 and 2.3993572805, below the places of the peaks, rounded down.
    let private geluTanhPlace = Upper(0xB5916872B020C49BUL, -63L)
    let private siluPlace = Upper(0x998F11D6CAB01A98UL, -62L)

    /// Φ(t) + tφ(t) while t² < 2, at most the peak.
    let geluSlope (t: Upper) =
        if less (multiply true t t) (word 2L) then
            let density = divide true (multiply true t gaussian) (gaussianDenominator t)
            Upper.Min(geluPeak, add true (gaussianCdf t) density)
        else
            geluPeak

    /// u(t) = c·t·(1 + 0.044715t²)
    let private tanhArgument (up: bool) (t: Upper) =
        let square = multiply up t t
        let factor = add up one (multiply up (if up then cubic else cubicDown) square)
        multiply up (multiply up (if up then tanhScaleUp else tanhScaleDown) t) factor

    let geluTanhGain (t: Upper) =
        if t.IsInfinity then one else sigmoid (scale true (tanhArgument true t) 1L)

    /// σ(2u) + 2tσ'(2u)u' before the peak: σ at the largest coefficient, σ' at the smallest.
    let geluTanhSlope (t: Upper) =
        if less t geluTanhPlace then
            let gain = sigmoid (scale true (tanhArgument true t) 1L)
            let square = multiply true t t
            let inner = multiply true tanhScaleUp (add true one (multiply true cubicSlope square))
            let slope = sigmoidSlope (scale false (tanhArgument false t) 1L)
            let product = scale true (multiply true t (multiply true slope inner)) 1L
            Upper.Min(geluTanhPeak, add true gain product)
        else
            geluTanhPeak

    /// σ(t) + tσ'(t) before the peak.
    let siluSlope (t: Upper) =
        if less t siluPlace then
            Upper.Min(siluPeak, add true (sigmoid t) (multiply true t (sigmoidSlope t)))
        else
            siluPeak

    /// 1/√(max(0, start−t)²/dim + eps), from lower bounds of start and eps.
    let shellGain (start: Upper) (dim: int64) (eps: Upper) (t: Upper) =
        let left = subtract false start t
        let mean = divide false (multiply false left left) (word dim)
        divide true one (Directed.squareRoot false (add false mean eps))

    /// The least w of 64 bits with w·e^(w+1) ≥ n·e^t, both sides rounded against us: w·e^w grows with w, so a
    /// w that passes is at least W₀(n·e^(t−1)).
    let lambertW (n: int64) (t: Upper) =
        if n = 0L then
            Upper.Zero
        else
            let target = multiply true (word n) (exponential true t)

            let passes (w: Upper) =
                not (less (multiply false w (exponential false (add false w one))) target)

            if target.IsInfinity then
                Upper.Infinity
            else
                let mutable e = -63L

                while not (passes (Upper(Wide.top, e))) do
                    e <- e + 1L

                while passes (Upper(Wide.top, e - 1L)) do
                    e <- e - 1L

                // 2^63 at e − 1 fails and 2^64 at e − 1 passes: settle the bits between.
                let mutable m = Wide.top

                for bit = 62 downto 0 do
                    let trial = m ||| (1UL <<< bit)

                    if not (passes (Upper(trial, e - 1L))) then
                        m <- trial

                Directed.finish true m (e - 1L) true

    /// The function on `Upper`, its constants converted once.
    let apply (fn: Fn) : Upper -> Upper =
        match fn with
        | Fn.Exp -> exp
        | Fn.Cosh -> cosh
        | Fn.DoeblinComplement n -> doeblinComplement n
        | Fn.LargestSoftmaxWeight n -> largestSoftmaxWeight n
        | Fn.CausalColumnMass n -> causalColumnMass n
        | Fn.SaturationG -> saturationG
        | Fn.GeluGain -> gaussianCdf
        | Fn.SigmoidGain -> sigmoid
        | Fn.GeluTanhGain -> geluTanhGain
        | Fn.GeluSlope -> geluSlope
        | Fn.GeluTanhSlope -> geluTanhSlope
        | Fn.SiluSlope -> siluSlope
        | Fn.ShellGain(start, dim, eps) ->
            shellGain
                (if start.Sign <= 0 then Upper.Zero else Directed.ofRational false start)
                dim
                (Directed.ofRational false eps)
        | Fn.LambertW n -> lambertW n
