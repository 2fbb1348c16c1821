namespace Lips.Core

open System.Numerics

/// Arithmetic on q·√s, exact while q and s stay small, and rounded up from then on: for bounds at caps, where
/// √(out/in)·√(in/out) must be 1 and a claim `<= 1` that holds with equality must hold.
module ExactFirst =

    /// q·√s with q, s ≥ 0; s is 1 when the number is rational, and then only.
    [<AllowNullLiteral>]
    type internal Surd(q: Rational, s: Rational) =
        let mutable rounded = Upper.Infinity
        let mutable known = false
        let weight = 1 + int ((q.BitSize + s.BitSize) / 128L)
        /// What an operation on this number costs: 1 while it is small.
        member _.Weight = weight
        member _.Factor = q
        member _.Radicand = s
        member _.Square = q * q * s

        /// The number rounded up.
        member _.Upper =
            if not known then
                let factor = Upper.OfRational q
                rounded <- if s = Rational.One then factor else factor * Upper.Sqrt(Upper.OfRational s)
                known <- true

            rounded

    /// A number that is exact or rounded up.
    [<Sealed; AllowNullLiteral>]
    type Number internal (exact: Surd, rounded: Upper) =
        member internal _.Exact = exact
        /// The number, rounded up if it is not already.
        member _.Upper = if isNull exact then rounded else exact.Upper
        /// Was nothing rounded on the way here?
        member _.IsExact = not (isNull exact)
        /// The exact value when it is known and rational.
        member _.Rational =
            if not (isNull exact) && exact.Radicand = Rational.One then Some exact.Factor else None

        /// Does this number prove "at most r"? Exact for exact numbers.
        member _.IsAtMost(r: Rational) =
            if isNull exact then
                rounded.IsAtMost r
            else
                r.Sign >= 0 && BigInteger.Compare((exact.Square - r * r).Numerator, BigInteger.Zero) <= 0

    let private bitLimit = 512L
    let private one = Rational.One
    let private ofUpper (u: Upper) = Number(null, u)

    let private fits (q: Rational) (s: Rational) =
        q.BitSize <= bitLimit && s.BitSize <= bitLimit

    /// q·√s with the root taken when it is rational.
    let private make (q: Rational) (s: Rational) : Number =
        if q.Sign = 0 || s.Sign = 0 then
            Number(Surd(Rational.Zero, one), Upper.Zero)
        elif s.IsInteger && s.Numerator.IsOne then
            Number(Surd(q, one), Upper.Zero)
        else
            match s.TrySqrt with
            | Some root -> Number(Surd(q * root, one), Upper.Zero)
            | None -> Number(Surd(q, s), Upper.Zero)

    let ofRational (r: Rational) : Number =
        if r.BitSize <= bitLimit then make r one else ofUpper (Upper.OfRational r)

    /// The arithmetic for one evaluation. Exact operations on small numbers cost 1, on large ones up to 16; once
    /// `effort` is spent everything is rounded, so that a long loop costs hardly more than it does in `Upper`.
    let arithmetic (effort: int) : Arithmetic<Number> =
        let mutable left = effort

        let spend (cost: int) =
            left <- max -1 (left - cost)
            left >= 0

        let both (a: Number) (b: Number) =
            a.IsExact && b.IsExact && spend (a.Exact.Weight + b.Exact.Weight - 1)

        let add (a: Number) (b: Number) =
            let rounded () = ofUpper (a.Upper + b.Upper)

            if not (both a b) then
                rounded ()
            else
                let x, y = a.Exact, b.Exact

                let sum (q: Rational) s =
                    if fits q s then make q s else rounded ()

                if x.Factor.Sign = 0 then b
                elif y.Factor.Sign = 0 then a
                elif x.Radicand = y.Radicand then sum (x.Factor + y.Factor) x.Radicand
                else
                    // √s = √(s/t)·√t joins like radicals.
                    match (x.Radicand / y.Radicand).TrySqrt with
                    | Some ratio -> sum (x.Factor * ratio + y.Factor) y.Radicand
                    | None -> rounded ()

        let multiply (a: Number) (b: Number) =
            let rounded () = ofUpper (a.Upper * b.Upper)

            if not (both a b) then
                rounded ()
            else
                let x, y = a.Exact, b.Exact
                let q = x.Factor * y.Factor

                if x.Radicand = y.Radicand then
                    let q = q * x.Radicand
                    if fits q one then make q one else rounded ()
                else
                    let s = x.Radicand * y.Radicand
                    if fits q s then make q s else rounded ()

        /// The sign of a − b: exact, or by what is certain of the rounded numbers.
        let compareNumbers (a: Number) (b: Number) =
            if both a b then
                let x, y = a.Exact, b.Exact

                if x.Radicand = y.Radicand then
                    (x.Factor - y.Factor).Sign
                else
                    (x.Square - y.Square).Sign
            else
                // Either number may then be returned: each is an upper bound of its own operand, and the one
                // with the larger upper bound covers both.
                Upper.Compare(a.Upper, b.Upper)

        let sqrt (a: Number) =
            match a.Rational with
            | Some q when spend a.Exact.Weight -> make one q
            | _ -> ofUpper (Upper.Sqrt a.Upper)

        let power (a: Number) (n: int) =
            let rounded () = ofUpper (Upper.Power(a.Upper, n))

            if n = 0 then
                ofRational one
            elif not (a.IsExact && spend a.Exact.Weight) then
                rounded ()
            else
                let x = a.Exact
                let whole = BigInteger(n / 2)

                match x.Factor.TryPower(BigInteger n, bitLimit), x.Radicand.TryPower(whole, bitLimit) with
                | Some q, Some s when fits (q * s) x.Radicand ->
                    make (q * s) (if n % 2 = 1 then x.Radicand else one)
                | _ -> rounded ()

        /// Values of functions that are rational or a square root of a rational.
        let exactValue (fn: Fn) (t: Rational) : Number option =
            let half = Rational.Create(BigInteger.One, BigInteger 2)
            let int (n: int64) = Rational.OfInt n

            match fn with
            | Fn.Exp
            | Fn.Cosh when t.Sign = 0 -> Some(ofRational one)
            | Fn.DoeblinComplement n when t.Sign = 0 || n = 1L -> Some(ofRational Rational.Zero)
            | Fn.LargestSoftmaxWeight n when t.Sign = 0 || n = 1L -> Some(ofRational (one / int n))
            | Fn.CausalColumnMass n when t.Sign = 0 && n <= 64L ->
                Some(ofRational (List.fold (fun sum i -> sum + one / int i) Rational.Zero [ 1L .. n ]))
            | Fn.SaturationG ->
                if (t - half).Sign <= 0 then
                    Some(ofRational one)
                else
                    let p = one + int 2L * t
                    let z = p * p / (int 8L * t)
                    Some(ofRational (z * z + (z - one) * (z - one)))
            | Fn.GeluGain
            | Fn.SigmoidGain
            | Fn.GeluTanhGain
            | Fn.GeluSlope
            | Fn.GeluTanhSlope
            | Fn.SiluSlope when t.Sign = 0 -> Some(ofRational half)
            | Fn.ShellGain(start, dim, eps) ->
                let rest = Rational.Max(Rational.Zero, start - t)
                let gain = (rest * rest / int dim + eps).Inverse
                if gain.BitSize <= bitLimit then Some(make one gain) else None
            | Fn.LambertW 0L -> Some(ofRational Rational.Zero)
            | Fn.LessOne -> Some(ofRational (Rational.Max(Rational.Zero, t - one)))
            | _ -> None

        { Infinity = ofUpper Upper.Infinity
          OfRational = ofRational
          Add = add
          Multiply = multiply
          Min = fun a b -> if compareNumbers a b <= 0 then a else b
          Max = fun a b -> if compareNumbers a b >= 0 then a else b
          Power = power
          Sqrt = sqrt
          Apply =
            fun fn ->
                let rounded = UpperFunctions.apply fn

                fun a ->
                    match a.Rational with
                    | Some t when spend a.Exact.Weight ->
                        match exactValue fn t with
                        | Some value -> value
                        | None -> ofUpper (rounded a.Upper)
                    | _ -> ofUpper (rounded a.Upper)
          Same =
            fun a b ->
                if a.IsExact then
                    b.IsExact
                    && a.Exact.Factor = b.Exact.Factor
                    && a.Exact.Radicand = b.Exact.Radicand
                else
                    not b.IsExact && (a.Upper: Upper).Equals b.Upper }

    /// About 10 ms.
    let defaultEffort = 20_000

    /// The results of a program at its caps.
    let atCaps (program: Program) : Number[] =
        Evaluate.atCaps (arithmetic defaultEffort) None program

    /// The results of a program at initialization.
    let atInit (program: Program) : Number[] =
        Evaluate.atInit (arithmetic defaultEffort) None program
