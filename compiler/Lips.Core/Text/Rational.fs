namespace Lips.Core

open System
open System.Numerics

/// Integer square roots and sizes, which .NET Standard 2.0 lacks.
module internal Whole =

    /// Bits of |n|: 0 for 0, 3 for 5.
    let bits (n: BigInteger) : int64 =
        if n.IsZero then
            0L
        elif n.CompareTo Int64.MaxValue <= 0 && n.CompareTo -Int64.MaxValue >= 0 then
            let mutable rest = uint64 (BigInteger.Abs n)
            let mutable width = 0L

            while rest > 255UL do
                rest <- rest >>> 8
                width <- width + 8L

            while rest > 0UL do
                rest <- rest >>> 1
                width <- width + 1L

            width
        else
            let bytes = (BigInteger.Abs n).ToByteArray()
            // The last byte holds the sign and is 0 when the byte before it is full.
            let mutable last = bytes.Length - 1

            while bytes.[last] = 0uy do
                last <- last - 1

            let mutable top = int bytes.[last]
            let mutable width = 0

            while top > 0 do
                top <- top >>> 1
                width <- width + 1

            int64 last * 8L + int64 width

    /// ⌊√n⌋ for n ≥ 0: Newton's iteration from above falls strictly until it is there.
    let squareRoot (n: BigInteger) : BigInteger =
        if n.Sign <= 0 then
            BigInteger.Zero
        else
            let mutable x = BigInteger.One <<< int ((bits n + 1L) / 2L)
            let mutable next = (x + n / x) >>> 1

            while next < x do
                x <- next
                next <- (x + n / x) >>> 1

            x

    /// Bit i: is some square i more than a multiple of 64? Those of 0, 1, 4, 9, 16, 17, 25, 33, 36, 41, 49, 57 are.
    [<Literal>]
    let private squareRemainders = 0x202021202030213UL

    /// √n when it is an integer, n ≥ 0.
    let exactSquareRoot (n: BigInteger) : BigInteger voption =
        if n.IsOne then
            ValueSome n
        elif (squareRemainders >>> int (n &&& BigInteger 63)) &&& 1UL = 0UL then
            ValueNone
        else
            let r = squareRoot n
            if (r * r).Equals n then ValueSome r else ValueNone

/// An exact rational number in lowest terms with a positive denominator.
/// Every number written in a spec is one of these until a rule rounds it outward.
[<CustomEquality; CustomComparison>]
type Rational =
    private
        { Top: BigInteger
          Bottom: BigInteger }

    member this.Numerator = this.Top
    member this.Denominator = this.Bottom

    /// The quotient of two integers; the denominator must not be zero.
    static member Create(numerator: BigInteger, denominator: BigInteger) =
        if denominator.IsZero then
            raise (DivideByZeroException "a rational number has a non-zero denominator")

        if denominator.IsOne then
            { Top = numerator; Bottom = denominator }
        else
            let g = BigInteger.GreatestCommonDivisor(numerator, denominator)
            let s = if denominator.Sign < 0 then -g else g
            if s.IsOne then { Top = numerator; Bottom = denominator } else { Top = numerator / s; Bottom = denominator / s }

    static member OfInt(n: int64) = { Top = BigInteger n; Bottom = BigInteger.One }
    static member OfBig(n: BigInteger) = { Top = n; Bottom = BigInteger.One }
    static member Zero = Rational.OfInt 0L
    static member One = Rational.OfInt 1L

    static member (+)(a: Rational, b: Rational) =
        Rational.Create(a.Top * b.Bottom + b.Top * a.Bottom, a.Bottom * b.Bottom)

    static member (-)(a: Rational, b: Rational) =
        Rational.Create(a.Top * b.Bottom - b.Top * a.Bottom, a.Bottom * b.Bottom)

    static member (*)(a: Rational, b: Rational) = Rational.Create(a.Top * b.Top, a.Bottom * b.Bottom)
    static member (/)(a: Rational, b: Rational) = Rational.Create(a.Top * b.Bottom, a.Bottom * b.Top)
    static member (~-)(a: Rational) = { Top = -a.Top; Bottom = a.Bottom }

    member this.Sign = this.Top.Sign
    member this.IsInteger = this.Bottom.IsOne
    member this.Abs = { Top = BigInteger.Abs this.Top; Bottom = this.Bottom }

    member this.Floor =
        let q = BigInteger.Divide(this.Top, this.Bottom)
        if this.Top.Sign < 0 && not this.IsInteger then q - BigInteger.One else q

    member this.Ceiling = -(-this).Floor

    /// Bits of numerator and denominator together: what limits on size count.
    member this.BitSize = Whole.bits this.Top + Whole.bits this.Bottom

    member this.Inverse = Rational.Create(this.Bottom, this.Top)

    static member Min(a: Rational, b: Rational) =
        if a.Top * b.Bottom <= b.Top * a.Bottom then a else b

    static member Max(a: Rational, b: Rational) =
        if a.Top * b.Bottom >= b.Top * a.Bottom then a else b

    /// 2^e, for |e| up to 10^7.
    static member PowerOfTwo(e: int) =
        if e >= 0 then
            { Top = BigInteger.One <<< e; Bottom = BigInteger.One }
        else
            { Top = BigInteger.One; Bottom = BigInteger.One <<< -e }

    /// This number to an integer power, or nothing when the result could exceed `bitLimit` bits
    /// or is 1/0. 0^0 is 1.
    member this.TryPower(exponent: BigInteger, bitLimit: int64) : Rational option =
        let n = BigInteger.Abs exponent

        if n.IsZero then
            Some Rational.One
        elif this.Top.IsZero then
            if exponent.Sign < 0 then None else Some this
        elif this.IsInteger && this.Top.IsOne then
            Some this
        elif this.IsInteger && this.Top.Equals BigInteger.MinusOne then
            Some(if n.IsEven then Rational.One else this)
        elif n * BigInteger this.BitSize > BigInteger bitLimit then
            None
        else
            let p =
                { Top = BigInteger.Pow(this.Top, int n)
                  Bottom = BigInteger.Pow(this.Bottom, int n) }

            Some(if exponent.Sign < 0 then p.Inverse else p)

    /// The square root when it is rational.
    member this.TrySqrt: Rational option =
        if this.Top.Sign < 0 then
            None
        else
            match Whole.exactSquareRoot this.Top, Whole.exactSquareRoot this.Bottom with
            | ValueSome t, ValueSome b -> Some { Top = t; Bottom = b }
            | _ -> None

    /// Rationals (l, u) with l ≤ √this ≤ u and u − l ≤ 2^-bits, equal when the root is rational.
    member this.SqrtEnclosure(bits: int) : struct (Rational * Rational) =
        match this.TrySqrt with
        | Some root -> struct (root, root)
        | None when this.Top.Sign < 0 -> invalidOp "the square root of a negative number"
        | None ->
            // ⌊√(t·4^bits / b)⌋ / 2^bits
            let root = Whole.squareRoot ((this.Top <<< (2 * bits)) / this.Bottom)
            let scale = BigInteger.One <<< bits
            struct (Rational.Create(root, scale), Rational.Create(root + BigInteger.One, scale))

    /// A decimal number such as `12`, `-0.25`, `1e-6`; nothing for any other text, more than
    /// 10,000 characters, or an exponent beyond ±20,000.
    static member TryOfDecimal(text: string) : Rational option =
        let digit c = c >= '0' && c <= '9'
        let n = text.Length
        let mutable i = 0
        let mutable negative = false

        if n > 0 && (text.[0] = '-' || text.[0] = '+') then
            negative <- (text.[0] = '-')
            i <- 1

        let digits = Text.StringBuilder()

        let run () =
            let start = i

            while i < n && digit text.[i] do
                digits.Append text.[i] |> ignore
                i <- i + 1

            i - start

        if n > 10000 then
            None
        else
            let whole = run ()

            let fraction =
                if i < n && text.[i] = '.' then
                    i <- i + 1
                    run ()
                else
                    0

            let exponent =
                if i < n && (text.[i] = 'e' || text.[i] = 'E') && whole + fraction > 0 then
                    i <- i + 1
                    let sign = if i < n && text.[i] = '-' then -1 else 1

                    if i < n && (text.[i] = '-' || text.[i] = '+') then
                        i <- i + 1

                    let start = i
                    let mutable e = 0

                    while i < n && digit text.[i] do
                        e <- min 1000000 (e * 10 + int text.[i] - int '0')
                        i <- i + 1

                    if i = start || e > 20000 then None else Some(sign * e)
                else
                    Some 0

            match exponent with
            | Some e when i = n && whole + fraction > 0 ->
                let culture = Globalization.CultureInfo.InvariantCulture
                // the general way is compiled at every start
                let value = if digits.Length <= 18 then BigInteger(Int64.Parse(digits.ToString(), culture)) else BigInteger.Parse(digits.ToString(), culture)
                let shift = e - fraction
                let ten = BigInteger.Pow(BigInteger 10, abs shift)

                let r =
                    if shift >= 0 then
                        Rational.OfBig(value * ten)
                    else
                        Rational.Create(value, ten)

                Some(if negative then -r else r)
            | _ -> None

    /// The exact value of a finite double.
    static member OfDouble(value: double) : Rational =
        if Double.IsNaN value || Double.IsInfinity value then
            invalidArg (nameof value) "only a finite number is rational"

        let raw = BitConverter.DoubleToInt64Bits value
        let field = int ((raw >>> 52) &&& 0x7FFL)
        let low = raw &&& 0xFFFFFFFFFFFFFL
        let m = if field = 0 then low else low ||| 0x10000000000000L
        let e = (max field 1) - 1075
        let magnitude = Rational.OfInt m * Rational.PowerOfTwo e
        if raw < 0L then -magnitude else magnitude

    /// The largest double at most this size, sign aside (magnitudes outside of the doubles' range saturate).
    member private this.TruncatedDouble(roundHalfUp: bool) =
        if this.Top.IsZero then
            0.0
        else
            let magnitude = BigInteger.Abs this.Top
            let bits (n: BigInteger) = int (n.ToByteArray().LongLength) * 8
            let shift = 66 + bits this.Bottom - bits magnitude

            let quotient =
                if shift >= 0 then (magnitude <<< shift) / this.Bottom else magnitude / (this.Bottom <<< -shift)

            let mutable top = quotient
            let mutable dropped = 0

            while top >= (BigInteger.One <<< 54) do
                top <- top >>> 1
                dropped <- dropped + 1

            let even = top >>> 1
            let rounded = if roundHalfUp && not top.IsEven then even + BigInteger.One else even
            let value = float rounded * BitConverter.Int64BitsToDouble(int64 (1023 + Math.Max(-1022, Math.Min(1023, dropped + 1 - shift))) <<< 52)
            if this.Top.Sign < 0 then -value else value

    /// A double at most this number, for numbers that are not negative and in the doubles' normal range.
    member this.ToDoubleDown = this.TruncatedDouble false

    /// The nearest double, up to a unit in the last place.
    member this.ToDoubleNearest = this.TruncatedDouble true

    interface IComparable with
        member this.CompareTo other =
            match other with
            | :? Rational as r -> BigInteger.Compare(this.Top * r.Bottom, r.Top * this.Bottom)
            | _ -> invalidArg (nameof other) "a rational number compares with rational numbers only"

    override this.Equals other =
        match other with
        | :? Rational as r -> this.Top.Equals r.Top && this.Bottom.Equals r.Bottom
        | _ -> false

    override this.GetHashCode() = this.Top.GetHashCode() * 397 ^^^ this.Bottom.GetHashCode()

    /// `3`, `-7/2`: exact, the same in every culture.
    override this.ToString() =
        let text (n: BigInteger) = n.ToString(Globalization.CultureInfo.InvariantCulture)
        if this.IsInteger then text this.Top else text this.Top + "/" + text this.Bottom
