namespace Lips.Core

open System.Numerics

/// A non-negative number m·2^e with m of at most 256 bits, ∞, or 0: the arithmetic of the independent
/// verifier. It shares no code with `Upper`: other representation, other roundings, other series, other
/// constants. What `Upper` claims must cover what this computes.
[<Struct; CustomEquality; NoComparison>]
type Precise =
    { Mantissa: BigInteger
      Exponent: int64
      IsInfinite: bool }

    override this.Equals other =
        match other with
        | :? Precise as p ->
            this.Mantissa = p.Mantissa && this.Exponent = p.Exponent && this.IsInfinite = p.IsInfinite
        | _ -> false

    override this.GetHashCode() = this.Mantissa.GetHashCode()

/// Directed operations on `Precise` and the functions of `Fn` as enclosures.
module PreciseArithmetic =

    let private bits = 256

    /// Exponents beyond ±2^61 become ∞ or 0 (the least positive number upward).
    let private reach = 1L <<< 61

    type private Direction =
        | Up
        | Down

    let zero = { Mantissa = BigInteger.Zero; Exponent = 0L; IsInfinite = false }
    let infinity = { Mantissa = BigInteger.One; Exponent = 0L; IsInfinite = true }

    let private length (n: BigInteger) =
        let bytes = n.ToByteArray()
        let mutable i = bytes.Length - 1

        while i >= 0 && bytes.[i] = 0uy do
            i <- i - 1

        if i < 0 then
            0
        else
            let mutable count = 8 * i
            let mutable b = int bytes.[i]

            while b > 0 do
                count <- count + 1
                b <- b / 2

            count

    /// n·2^e, plus something less than 2^e if `more`.
    let private rounded direction (n: BigInteger) (e: int64) (more: bool) : Precise =
        if n.IsZero && not more then
            zero
        else
            let drop = length n - bits

            let m, e =
                if drop <= 0 then
                    (if more && direction = Up then n + BigInteger.One else n), e
                else
                    let kept = n >>> drop
                    let cut = more || (kept <<< drop) <> n
                    (if cut && direction = Up then kept + BigInteger.One else kept), e + int64 drop

            if m.IsZero then zero
            elif e > reach then (if direction = Up then infinity else { Mantissa = m; Exponent = reach; IsInfinite = false })
            elif e < -reach then
                (if direction = Up then { Mantissa = m; Exponent = -reach; IsInfinite = false } else zero)
            elif m.IsPowerOfTwo then
                // One text for each power of two, so that equal numbers are found equal more often.
                let k = length m - 1
                { Mantissa = BigInteger.One; Exponent = e + int64 k; IsInfinite = false }
            else
                { Mantissa = m; Exponent = e; IsInfinite = false }

    let private ofWhole (n: BigInteger) = rounded Up n 0L false
    let private one = ofWhole BigInteger.One
    let private whole (n: int64) = ofWhole (BigInteger n)

    /// The place just above the leading bit.
    let private magnitude (x: Precise) = x.Exponent + int64 (length x.Mantissa)

    let private sum direction (a: Precise) (b: Precise) =
        if a.IsInfinite || b.IsInfinite then infinity
        elif a.Mantissa.IsZero then b
        elif b.Mantissa.IsZero then a
        else
            let a, b = if magnitude a >= magnitude b then a, b else b, a

            if magnitude a - magnitude b > int64 (2 * bits) then
                // b only tips the rounding.
                rounded direction (a.Mantissa <<< (2 * bits)) (a.Exponent - int64 (2 * bits)) true
            else
                let e = min a.Exponent b.Exponent
                rounded direction ((a.Mantissa <<< int (a.Exponent - e)) + (b.Mantissa <<< int (b.Exponent - e))) e false

    let private order (a: Precise) (b: Precise) =
        if a.IsInfinite || b.IsInfinite then compare a.IsInfinite b.IsInfinite
        elif a.Mantissa.IsZero || b.Mantissa.IsZero then BigInteger.Compare(a.Mantissa, b.Mantissa)
        elif magnitude a <> magnitude b then compare (magnitude a) (magnitude b)
        else
            let e = min a.Exponent b.Exponent
            BigInteger.Compare(a.Mantissa <<< int (a.Exponent - e), b.Mantissa <<< int (b.Exponent - e))

    /// max(0, a − b) for finite numbers.
    let private difference direction (a: Precise) (b: Precise) =
        if b.Mantissa.IsZero then a
        elif order a b <= 0 then zero
        elif magnitude a - magnitude b > int64 (2 * bits) then
            if direction = Up then a
            else
                rounded Down ((a.Mantissa <<< (2 * bits)) - BigInteger.One) (a.Exponent - int64 (2 * bits)) false
        else
            let e = min a.Exponent b.Exponent
            rounded direction ((a.Mantissa <<< int (a.Exponent - e)) - (b.Mantissa <<< int (b.Exponent - e))) e false

    let private product direction (a: Precise) (b: Precise) =
        if a.IsInfinite || b.IsInfinite then infinity
        else rounded direction (a.Mantissa * b.Mantissa) (a.Exponent + b.Exponent) false

    let private quotient direction (a: Precise) (b: Precise) =
        if a.IsInfinite || b.Mantissa.IsZero then infinity
        elif b.IsInfinite || a.Mantissa.IsZero then zero
        else
            let lift = 2 * bits + 2
            let mutable rest = BigInteger.Zero
            let q = BigInteger.DivRem(a.Mantissa <<< lift, b.Mantissa, &rest)
            rounded direction q (a.Exponent - b.Exponent - int64 lift) (not rest.IsZero)

    let private root direction (a: Precise) =
        if a.IsInfinite || a.Mantissa.IsZero then
            a
        else
            let lift = 2 * bits + (if a.Exponent % 2L = 0L then 0 else 1)
            let n = a.Mantissa <<< lift
            // Heron from above.
            let mutable r = BigInteger.One <<< (length n / 2 + 1)
            let mutable go = true

            while go do
                let s = (r + n / r) / BigInteger 2
                if s >= r then go <- false else r <- s

            rounded direction r ((a.Exponent - int64 lift) / 2L) (r * r <> n)

    let private ratio direction (r: Rational) =
        quotient direction (rounded direction r.Numerator 0L false) (rounded (if direction = Up then Down else Up) r.Denominator 0L false)

    let private twice (x: Precise) = product Up x (whole 2L)
    let private halved direction (x: Precise) = rounded direction x.Mantissa (x.Exponent - 1L) false
    let private least a b = if order a b <= 0 then a else b
    let private opposite direction = if direction = Up then Down else Up

    /// e^x by halving to 2^-16 and squaring back; 20 terms of the series, whose rest is below the last term.
    let private exponential direction (x: Precise) =
        if x.IsInfinite then infinity
        elif x.Mantissa.IsZero then one
        elif magnitude x > 61L then (if direction = Up then infinity else { one with Exponent = reach })
        else
            let k = max 0L (magnitude x + 16L)
            let y = { x with Exponent = x.Exponent - k }
            let mutable term = one
            let mutable total = one

            for i in 1L .. 20L do
                term <- quotient direction (product direction term y) (whole i)
                total <- sum direction total term

            if direction = Up then
                total <- sum Up total term

            for _ in 1L .. k do
                total <- product direction total total

            total

    /// e^x − 1.
    let private growth direction (x: Precise) =
        if x.IsInfinite then infinity
        elif magnitude x > 0L then difference direction (exponential direction x) one
        else
            // Σ x^j/j!, each term at most half the one before.
            let mutable term = x
            let mutable total = x
            let mutable j = 1L

            while not term.Mantissa.IsZero && j < 80L do
                j <- j + 1L
                term <- quotient direction (product direction term x) (whole j)
                total <- sum direction total term

            if direction = Up then sum Up total term else total

    /// ln x for x ≥ 1: square roots down to below 1 + 2^-8, then 2·artanh((x−1)/(x+1)).
    let private logarithm direction (x: Precise) =
        let mutable y = x
        let mutable k = 0L
        let near = sum Up one { one with Exponent = -8L }

        while order y near > 0 do
            y <- root direction y
            k <- k + 1L

        let z = quotient direction (difference direction y one) (sum (opposite direction) y one)
        let w = product direction z z
        let mutable power = z
        let mutable total = z

        for j in 1L .. 20L do
            power <- product direction power w
            total <- sum direction total (quotient direction power (whole (2L * j + 1L)))

        if direction = Up then
            total <- sum Up total power

        rounded direction total.Mantissa (total.Exponent + k + 1L) false

    /// π by Machin's formula in 320-bit fixed point, as an enclosure.
    let private pi direction =
        let scale = BigInteger.One <<< 320

        let arctangent (n: int) =
            let square = BigInteger(n * n)
            let mutable power = scale / BigInteger n
            let mutable total = power
            let mutable k = 1
            let mutable sign = -1

            while not power.IsZero do
                power <- power / square
                k <- k + 2
                total <- total + BigInteger sign * (power / BigInteger k)
                sign <- -sign

            total

        let value = BigInteger 16 * arctangent 5 - BigInteger 4 * arctangent 239
        // Fewer than 200 terms each, each cut by less than 2 units.
        let slack = BigInteger 16000
        rounded direction (if direction = Up then value + slack else value - slack) -320L false

    let private piUp = pi Up
    let private piDown = pi Down

    /// 1/√(2π)
    let private density direction =
        quotient direction one (root (opposite direction) (twice (if direction = Up then piDown else piUp)))

    let private densityUp = density Up

    let private sigmoid direction (x: Precise) =
        // 1/(1 + e^−x)
        if x.IsInfinite then one
        else
            let e = exponential direction x
            let reciprocal = quotient (opposite direction) one e
            quotient direction one (sum (opposite direction) one reciprocal)

    /// 1/(e^(x/2) + e^(−x/2))², which falls with x: take a lower bound of x.
    let private sigmoidDerivative (x: Precise) =
        let e = exponential Down x
        // (1/e)/(1 + 1/e)² with 1/e = q: growing in q < 1.
        let q = quotient Up one e
        let d = sum Down one q
        quotient Up q (product Down d d)

    /// e^(−t²/2)/√(2π)
    let private normalDensity (tDown: Precise) =
        let e = exponential Down (halved Down (product Down tDown tDown))
        quotient Up densityUp e

    /// Φ(t) for t ≤ 13; the rest of the series is at most its last term.
    let private normalCdf (t: Precise) =
        if t.Mantissa.IsZero then { one with Exponent = -1L }
        elif t.IsInfinite || order t (whole 13L) > 0 then one
        else
            let square = product Up t t
            let mutable term = t
            let mutable total = t
            let mutable k = 1L

            while k < 50L
                  || order (whole k) (twice square) < 0
                  || magnitude term > magnitude total - int64 bits do
                k <- k + 2L
                term <- quotient Up (product Up term square) (whole k)
                total <- sum Up total term

            let series = product Up (sum Up total term) (normalDensity t)
            least one (sum Up { one with Exponent = -1L } series)

    let private rootTwo direction = root direction (whole 2L)

    let private geluSlope (t: Precise) =
        let at (up: Precise) (down: Precise) =
            sum Up (normalCdf up) (product Up up (normalDensity down))

        let peak () = at (rootTwo Up) (rootTwo Down)

        if t.IsInfinite || order t (rootTwo Down) >= 0 then peak () else least (peak ()) (at t t)

    // sup silu' = 1.0998393201288669169584…
    let private siluPeak = ratio Up (Rational.TryOfDecimal "1.09983932012886691696").Value
    let private siluPlace = ratio Down (Rational.TryOfDecimal "2.39935728052").Value

    let private siluSlope (t: Precise) =
        if t.IsInfinite || order t siluPlace >= 0 then siluPeak
        else least siluPeak (sum Up (sigmoid Up t) (product Up t (sigmoidDerivative t)))

    let private tanhPeak = ratio Up (Rational.TryOfDecimal "1.12899307").Value
    let private tanhPlace = ratio Down (Rational.TryOfDecimal "1.4185").Value

    /// 2·c·(t + 0.044715t³), c between 0.79788456 and √(2/π).
    let private tanhArgument direction (t: Precise) =
        let c =
            match direction with
            | Up -> root Up (quotient Up (whole 2L) piDown)
            | Down -> ratio Down (Rational.TryOfDecimal "0.79788456").Value

        let cube = product direction t (product direction t t)
        let bent = product direction cube (ratio direction (Rational.TryOfDecimal "0.044715").Value)
        twice (product direction c (sum direction t bent)) |> fun x -> if direction = Up then x else rounded Down x.Mantissa x.Exponent false

    let private geluTanhSlope (t: Precise) =
        if t.IsInfinite || order t tanhPlace >= 0 then
            tanhPeak
        else
            let c = root Up (quotient Up (whole 2L) piDown)
            let bend = product Up (product Up t t) (ratio Up (Rational.TryOfDecimal "0.134145").Value)
            let derivative = twice (product Up c (sum Up one bend))
            let slope = product Up derivative (sigmoidDerivative (tanhArgument Down t))
            least tanhPeak (sum Up (sigmoid Up (tanhArgument Up t)) (product Up t slope))

    /// Σ_{i=first}^{n−1} e/(e+i), term by term for up to 65,536 of them, each as 1 − i/(e+i) is avoided: e·(1/(e+i)).
    let private columnMass (n: int64) (t: Precise) =
        let e = exponential Up t

        if e.IsInfinite then
            whole n
        else
            let direct = if n <= 65536L then n else 1024L
            let mutable total = zero

            for i in 0L .. direct - 1L do
                total <- sum Up total (quotient Up e (sum Down e (whole i)))

            if direct < n then
                // ψ(b) − ψ(a) with ψ(x) in ln x − 1/2x − 1/12x² + 1/120x⁴ − 1/252x⁶ + 1/240x⁸ − 1/132x¹⁰ …, cut
                // after the x⁸ term for b and after the x¹⁰ term for a.
                let a = sum Down e (whole direct)
                let aUp = sum Up e (whole direct)
                let b = sum Up e (whole n)
                let bDown = sum Down e (whole n)
                let inverse direction x k =
                    let mutable p = one

                    for _ in 1..k do
                        p <- product (opposite direction) p x

                    quotient direction one p

                let term direction x k divisor = quotient direction (inverse direction x k) (whole divisor)

                let positive =
                    [ logarithm Up (quotient Up b a)
                      term Up a 1 2L
                      term Up a 2 12L
                      term Up bDown 4 120L
                      term Up a 6 252L
                      term Up bDown 8 240L
                      term Up a 10 132L ]
                    |> List.fold (sum Up) zero

                let negative =
                    [ term Down b 1 2L
                      term Down b 2 12L
                      term Down aUp 4 120L
                      term Down b 6 252L
                      term Down aUp 8 240L ]
                    |> List.fold (sum Down) zero

                total <- sum Up total (product Up e (difference Up positive negative))

            least (whole n) total

    /// W₀(n·e^(t−1)): Newton on w + … from the right, where the iterates of a convex increasing function stay;
    /// then a check, and a step up for as long as it fails.
    let private lambertW (n: int64) (t: Precise) =
        if n = 0L then zero
        elif t.IsInfinite || magnitude t > 60L then infinity
        else
            let target = product Up (whole n) (exponential Up t)
            let mutable w = sum Up t (whole (int64 (length (BigInteger n)) + 1L))

            for _ in 1..60 do
                // w ← (w² + target·e^−(w+1))/(w + 1)
                let e = exponential Up (sum Up w one)
                w <- quotient Up (sum Up (product Up w w) (quotient Up target e)) (sum Down w one)

            let mutable step = product Up w { one with Exponent = -240L }

            while order (product Down w (exponential Down (sum Down w one))) target < 0 do
                w <- sum Up w step
                step <- twice step

            w

    /// σ(positive − negative)
    let private logistic direction (positive: Precise) (negative: Precise) =
        if order positive negative >= 0 then
            sigmoid direction (difference direction positive negative)
        else
            // 1/(1 + e^y), y = negative − positive
            let e = exponential (opposite direction) (difference (opposite direction) negative positive)
            quotient direction one (sum (opposite direction) one e)

    let private sigmoidWeight (bias: Rational) (slopes: int) (t: Precise) =
        let part sign = if bias.Sign = sign then ratio Up bias.Abs else zero
        let k = product Up (whole (int64 slopes)) t

        if t.IsInfinite then
            if slopes = 0 then one else infinity
        else
            // l = bias ± t as a difference, in the direction the value is rounded
            let high direction = sum direction (part 1) t, part -1
            let low direction = part 1, sum (opposite direction) (part -1) t

            // σ(l)(1 + κσ(−l))
            let at l =
                let positive, negative = l Up
                let lowest = l Down
                product Up (logistic Up positive negative) (sum Up one (product Up k (logistic Up (snd lowest) (fst lowest))))

            if order k one <= 0 then
                at high
            else
                // (1+κ)/(2κ)
                let place direction = quotient direction (sum direction one k) (twice k)

                if order (high Up ||> logistic Up) (place Down) <= 0 then at high
                elif order (low Down ||> logistic Down) (place Up) >= 0 then at low
                else quotient Up (product Up (sum Up one k) (sum Up one k)) (twice (twice k))

    let private sigmoidSteepness (bias: Rational) (t: Precise) =
        let size = ratio Down bias.Abs
        if t.IsInfinite || order t size >= 0 then { one with Exponent = -2L }
        else sigmoidDerivative (difference Down size t)

    let private saturation (t: Precise) =
        if t.IsInfinite then infinity
        elif order t { one with Exponent = -1L } <= 0 then one
        else
            // With z = 1/2 + t/2 + 1/(8t): 1 + 2z(z − 1), z − 1 = t/2 − 1/2 + 1/(8t).
            let eighth = quotient Up { one with Exponent = -3L } t
            let a = sum Up (halved Up t) eighth
            let half = { one with Exponent = -1L }
            sum Up one (twice (product Up (sum Up a half) (difference Up a half)))

    /// The function as an upper enclosure.
    let apply (fn: Fn) (t: Precise) : Precise =
        match fn with
        | Fn.Exp -> exponential Up t
        | Fn.Cosh ->
            let e = exponential Up t
            if e.IsInfinite then infinity else halved Up (sum Up e (quotient Up one e))
        | Fn.DoeblinComplement n ->
            // 1/(1 + N/((N−1)(e^t − 1)))
            let g = growth Up t
            if n = 1L || g.Mantissa.IsZero then zero
            elif g.IsInfinite then one
            else quotient Up one (sum Down one (quotient Down (whole n) (product Up (whole (n - 1L)) g)))
        | Fn.LargestSoftmaxWeight n ->
            // 1/(1 + (N−1)/e^t)
            let e = exponential Up t
            quotient Up one (sum Down one (quotient Down (whole (n - 1L)) e))
        | Fn.CausalColumnMass n -> columnMass n t
        | Fn.SaturationG -> saturation t
        | Fn.GeluGain -> normalCdf t
        | Fn.SigmoidGain -> sigmoid Up t
        | Fn.GeluTanhGain -> if t.IsInfinite then one else sigmoid Up (tanhArgument Up t)
        | Fn.GeluSlope -> geluSlope t
        | Fn.GeluTanhSlope -> geluTanhSlope t
        | Fn.SiluSlope -> siluSlope t
        | Fn.ShellGain(start, dim, eps) ->
            let rest =
                if start.Sign <= 0 || t.IsInfinite then zero else difference Down (ratio Down start) t

            quotient Up one (root Down (sum Down (quotient Down (product Down rest rest) (whole dim)) (ratio Down eps)))
        | Fn.ShellGainAdded(start, dim, eps) ->
            let rest =
                if start.Sign <= 0 || t.IsInfinite then zero else difference Down (ratio Down start) t

            quotient Up one (sum Down (quotient Down rest (root Up (whole dim))) (ratio Down eps))
        | Fn.LambertW n -> lambertW n t
        | Fn.SigmoidWeight(bias, slopes) -> sigmoidWeight bias slopes t
        | Fn.SigmoidSteepness bias -> sigmoidSteepness bias t
        | Fn.LessOne -> if t.IsInfinite then t else difference Up t one

    let private power (x: Precise) (n: int) =
        // Right to left, unlike `Upper`.
        let mutable result = one
        let mutable factor = x
        let mutable k = n

        while k > 0 do
            if k % 2 = 1 then
                result <- product Up result factor

            k <- k / 2

            if k > 0 then
                factor <- product Up factor factor

        result

    /// An upper bound that was computed elsewhere, taken as the number it is.
    let ofUpper (u: Upper) : Precise =
        if u.IsInfinity then infinity else rounded Up (BigInteger u.Mantissa) u.Exponent false

    /// The exact value, or nothing for ∞ and exponents beyond ±10^7.
    let tryRational (x: Precise) : Rational option =
        if x.IsInfinite || abs x.Exponent > 10_000_000L then None
        else Some(Rational.OfBig x.Mantissa * Rational.PowerOfTwo(int x.Exponent))

    /// The sign of a − b.
    let comparison (a: Precise) (b: Precise) = order a b

    /// Does this number prove "at most r"?
    let isAtMost (r: Rational) (x: Precise) = r.Sign >= 0 && order x (ratio Down r) <= 0

    let arithmetic: Arithmetic<Precise> =
        { Infinity = infinity
          OfRational = ratio Up
          Add = sum Up
          Multiply = product Up
          Min = least
          Max = fun a b -> if order a b >= 0 then a else b
          Power = power
          Sqrt = root Up
          Apply = apply
          Same = fun a b -> a.Equals b }
