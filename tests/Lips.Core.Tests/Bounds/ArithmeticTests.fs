module Lips.Core.Tests.ArithmeticTests

open System
open System.Numerics
open Xunit
open FsCheck
open FsCheck.FSharp
open Lips.Core
open Lips.Core.Tests
open Lips.Core.Tests.Fractions

let private check = RandomBounds.check

let private alone b = { Statements = []; Results = [ "", b ] }
let private exactly = fun m i h -> Fractions.ofUpper (RandomBounds.normAt 1 m i h)

let private exact b = (Evaluate.run Fractions.arithmetic exactly None (alone b)).[0]

let private evaluated (arithmetic: Arithmetic<Upper>) b =
    (Evaluate.run arithmetic (RandomBounds.normAt 1) None (alone b)).[0]

let private rational = RandomBounds.exactExpression 16

let private covers (arithmetic: Arithmetic<Upper>) b =
    Fractions.compare (exact b) (Fractions.ofUpper (evaluated arithmetic b)) <= 0

[<Fact>]
let ``ten thousand random expressions are never below the exact value, nor above it by 1e-15`` () =
    Prop.forAll (Arb.fromGen rational) (fun b ->
        let upper = Fractions.ofUpper (evaluated Evaluate.upper b)
        let truth = exact b
        Fractions.compare truth upper <= 0 && Fractions.within 15 upper truth)
    |> check 10000

let rec private constantsOf b =
    match b with
    | Bound.Const c -> [ c ]
    | Bound.Add(x, y)
    | Bound.Mul(x, y) -> constantsOf x @ constantsOf y
    | Bound.Min items
    | Bound.Max items -> List.collect constantsOf items
    | Bound.Power(x, _)
    | Bound.SumOver(_, x)
    | Bound.MaxOver(_, x) -> constantsOf x
    | _ -> []

[<Fact>]
let ``random expressions reach from 1e-380 to 1e9890`` () =
    let expressions = RandomBounds.samples 4000 16 rational
    let decimal (s: string) = (Rational.TryOfDecimal s).Value
    let tiny, huge = decimal "1e-380", decimal "1e9890"
    let holding p = expressions |> List.filter (constantsOf >> List.exists p) |> List.length
    Assert.InRange(holding (fun c -> c.Sign > 0 && c < tiny), 50, 4000)
    Assert.InRange(holding (fun c -> c > huge), 50, 4000)
    // and values, not only their parts
    let values = expressions |> List.map exact
    Assert.InRange(values |> List.filter (fun v -> Fractions.compare (Fractions.ofRational huge) v < 0) |> List.length, 50, 4000)
    Assert.InRange(values |> List.filter (fun v -> not v.N.IsZero && Fractions.compare v (Fractions.ofRational tiny) < 0) |> List.length, 10, 4000)

[<Fact>]
let ``the precise and the exact arithmetic are never below the exact value`` () =
    Prop.forAll (Arb.fromGen rational) (fun b ->
        let truth = exact b

        let precise =
            (Evaluate.run PreciseArithmetic.arithmetic (fun m i h -> PreciseArithmetic.ofUpper (RandomBounds.normAt 1 m i h)) None (alone b)).[0]
            |> Fractions.ofPrecise

        let number =
            (Evaluate.run
                (ExactFirst.arithmetic 1000)
                (fun m i h -> ExactFirst.ofRational (RandomBounds.normAt 1 m i h).TryRational.Value)
                None
                (alone b)).[0]

        Fractions.compare truth precise <= 0
        && Fractions.within 70 precise truth
        && Fractions.compare truth (Fractions.ofUpper number.Upper) <= 0
        && Fractions.within 15 (Fractions.ofUpper number.Upper) truth
        && (match number.Rational with
            | Some r -> Fractions.compare truth (Fractions.ofRational r) = 0
            | None -> true))
    |> check 3000

[<Fact>]
let ``a thousand operations overestimate by less than 1e-12`` () =
    for seed in 1..12 do
        let random = Random seed
        let mutable upper = Upper.One
        let mutable truth = Fractions.ofInt 1

        for i in 1..1000 do
            let x = Upper.OfDouble(1.0 + random.NextDouble() / float (1 + i % 7))

            if i % 3 = 0 then
                upper <- upper + x
                truth <- truth + Fractions.ofUpper x
            else
                upper <- upper * x
                truth <- truth * Fractions.ofUpper x

        Assert.True(Fractions.compare truth (Fractions.ofUpper upper) <= 0)
        Assert.True(Fractions.within 12 (Fractions.ofUpper upper) truth)

[<Fact>]
let ``a thousand sums, products, quotients and roots overestimate by less than 1e-12`` () =
    let arithmetic = PreciseArithmetic.arithmetic

    for seed in 1..12 do
        let random = Random seed
        let mutable upper = Upper.One
        let mutable truth = arithmetic.OfRational Rational.One

        for i in 1..1000 do
            let x = Upper.OfDouble(1.0 + random.NextDouble())
            let exactly = PreciseArithmetic.ofUpper x

            match random.Next 4 with
            | 0 ->
                upper <- upper + x
                truth <- arithmetic.Add truth exactly
            | 1 ->
                upper <- upper * x
                truth <- arithmetic.Multiply truth exactly
            | 2 ->
                // a dyadic quotient is exact in both
                upper <- upper / Upper.OfInt64 4L
                truth <- arithmetic.Multiply truth (arithmetic.OfRational(Rational.PowerOfTwo -2))
            | _ ->
                upper <- Upper.Sqrt(upper + x)
                truth <- arithmetic.Sqrt(arithmetic.Add truth exactly)

        Assert.True(PreciseArithmetic.comparison truth (PreciseArithmetic.ofUpper upper) <= 0)
        Assert.True(Fractions.preciselyWithin 12 upper truth)

/// The neighbour below, by way of the exact text.
let private below (x: Upper) =
    if x.IsZero || x.IsInfinity || x.Mantissa = 0x8000000000000000UL then
        x
    else
        (Upper.TryParse("0x" + (x.Mantissa - 1UL).ToString("x16") + "p" + string x.Exponent)).Value

let private nearest (truth: Fraction) (up: Upper) =
    let down = below up
    let twice = Fractions.ofUpper up + Fractions.ofUpper down
    if Fractions.compare (truth + truth) twice < 0 then down else up

/// Multiplication as a processor does it: to the nearest.
let private toNearest =
    { Evaluate.upper with
        Multiply = fun a b -> nearest (Fractions.ofUpper a * Fractions.ofUpper b) (a * b) }

let private additionToNearest =
    { Evaluate.upper with
        Add = fun a b -> nearest (Fractions.ofUpper a + Fractions.ofUpper b) (a + b) }

[<Fact>]
let ``the check finds an evaluator that rounds to nearest`` () =
    let expressions = RandomBounds.samples 400 16 rational
    Assert.True(List.forall (covers Evaluate.upper) expressions)
    Assert.False(List.forall (covers toNearest) expressions)
    Assert.False(List.forall (covers additionToNearest) expressions)

[<Fact>]
let ``the check finds an evaluator that drops a term`` () =
    let dropping = { Evaluate.upper with Add = fun a b -> Upper.Max(a, b) }
    Assert.False(List.forall (covers dropping) (RandomBounds.samples 50 16 rational))

[<Fact>]
let ``square roots and quotients are the least that cover`` () =
    let positive = RandomBounds.rational |> Gen.map Upper.OfRational

    Prop.forAll (Arb.fromGen (Gen.two positive)) (fun (x, y) ->
        let root = Upper.Sqrt x
        let square u = Fractions.ofUpper u * Fractions.ofUpper u
        let q = x / y
        let back u = Fractions.ofUpper u * Fractions.ofUpper y

        // The neighbour below is below the truth, unless the mantissa is 2^63 (whose neighbour is not tried).
        Fractions.compare (Fractions.ofUpper x) (square root) <= 0
        && (below root = root || Fractions.compare (square (below root)) (Fractions.ofUpper x) < 0)
        && Fractions.compare (Fractions.ofUpper x) (back q) <= 0
        && (below q = q || Fractions.compare (back (below q)) (Fractions.ofUpper x) < 0))
    |> check 3000

[<Fact>]
let ``square roots of squares and roots next to a power of two are exact or one above`` () =
    for n in [ 1L; 2L; 3L; 9L; 15L; 1L <<< 31; (1L <<< 31) - 1L ] do
        Assert.Equal(Upper.OfInt64 n, Upper.Sqrt(Upper.OfInt64 n * Upper.OfInt64 n))

    let nextToOne = (Upper.TryParse "0xffffffffffffffffp-64").Value
    Assert.Equal(Upper.One, Upper.Sqrt nextToOne + Upper.Zero |> fun r -> Upper.Max(r, Upper.One))
    Assert.True(Fractions.compare (Fractions.ofUpper nextToOne) (Fractions.ofUpper (Upper.Sqrt nextToOne) * Fractions.ofUpper (Upper.Sqrt nextToOne)) <= 0)

[<Fact>]
let ``whole numbers, halves and their products stay exact`` () =
    let third = Upper.OfInt64 3L
    Assert.Equal("1.5", (third * Upper.OfDouble 0.5).ToDoubleUp().ToString(Globalization.CultureInfo.InvariantCulture))
    Assert.True((third * third).IsAtMost(Rational.OfInt 9L))
    Assert.True((third + third).IsAtMost(Rational.OfInt 6L))
    Assert.False((Upper.OfRational(Rational.Create(BigInteger.One, BigInteger 3)) * third).IsAtMost Rational.One)

[<Fact>]
let ``zero times infinity is infinity, and both ends of the range are safe`` () =
    Assert.True((Upper.Zero * Upper.Infinity).IsInfinity)
    Assert.True((Upper.One / Upper.Zero).IsInfinity)
    Assert.Equal(Upper.Zero, Upper.One / Upper.Infinity)
    let mutable large = Upper.OfInt64 2L
    let mutable small = Upper.OfDouble 0.5

    for _ in 1..80 do
        large <- large * large
        small <- small * small

    Assert.True large.IsInfinity
    Assert.False small.IsZero
    Assert.True((small + Upper.Zero).CompareTo(Rational.Zero) > 0)

[<Fact>]
let ``text is exact and read back`` () =
    Prop.forAll (Arb.fromGen (Gen.map Upper.OfRational RandomBounds.rational)) (fun u -> Upper.TryParse(u.ToString()) = Some u)
    |> check 300

    for text in [ ""; "1"; "0x1p0"; "0x0000000000000001p0"; "0x8000000000000000p"; "0x8000000000000000p00"; "0x8000000000000000p-2305843009213693952"; "0xFFFFFFFFFFFFFFFFp0" ] do
        Assert.Equal(None, Upper.TryParse text)

    for u in [ Upper.Zero; Upper.One; Upper.Infinity ] do
        Assert.Equal(Some u, Upper.TryParse(u.ToString()))

[<Fact>]
let ``doubles enter exactly and leave upward`` () =
    let cases =
        [ 0.0; 1.0; 0.1; 1e-310; 5e-324; 1.7976931348623157e308; 3.14; 2.2250738585072014e-308; 1e300 ]

    for x in cases do
        Assert.Equal(x, (Upper.OfDouble x).ToDoubleUp())

    let above x = (Upper.OfDouble x + (Upper.TryParse "0x8000000000000000p-5000").Value).ToDoubleUp()

    for x in [ 1.0; 0.1; 1e-310; 5e-324; 3.14; 4.9e-300 ] do
        Assert.Equal(Math.BitIncrement x, above x)

    Assert.Equal(infinity, above 1.7976931348623157e308)
    Assert.Equal(Double.Epsilon, (Upper.TryParse "0x8000000000000000p-5000").Value.ToDoubleUp())

[<Fact>]
let ``decimals are rounded up`` () =
    let third = Rational.Create(BigInteger.One, BigInteger 3)
    let text (r: Rational) = UpperText.toDecimal 5 (Upper.OfRational r)
    let decimal (s: string) = (Rational.TryOfDecimal s).Value
    Assert.Equal("0.33334", text third)
    Assert.Equal("1.0000", text Rational.One)
    Assert.Equal("0.92770", text (decimal "0.92769000001"))
    Assert.Equal("2.7308", text (decimal "2.7308"|> fun r -> r - third * decimal "1e-9"))
    Assert.Equal("10.000", text (decimal "9.99999"))
    Assert.Equal("1.0400e8", text (decimal "1.03999e8" + third))
    Assert.Equal("123460", text (decimal "123456.7"))
    Assert.Equal("1.0001e-12", text (decimal "1.00001e-12"))
    Assert.Equal("0.00012346", text (decimal "0.000123456"))
    Assert.Equal("0", text Rational.Zero)
    Assert.Equal("∞", UpperText.toDecimal 5 Upper.Infinity)
    Assert.Equal("1.0000e264", UpperText.toDecimal 5 (Upper.OfRational(decimal "9.9999999e263")))
    Assert.Equal("3e9999", UpperText.toDecimal 1 (Upper.OfRational(decimal "2.5e9999")))
    Assert.Equal("1e602060", UpperText.toDecimal 5 (Upper.Power(Upper.OfInt64 4L, 1000000)))

    Prop.forAll (Arb.fromGen (Gen.map Upper.OfRational RandomBounds.rational)) (fun u ->
        let read = Fractions.ofRational (Rational.TryOfDecimal(UpperText.toDecimal 6 u)).Value
        Fractions.compare (Fractions.ofUpper u) read <= 0 && Fractions.within 5 read (Fractions.ofUpper u))
    |> check 500

[<Fact>]
let ``logarithms are rounded up and exact for powers of ten`` () =
    let log (s: string) = UpperText.log10 4 (Upper.OfRational (Rational.TryOfDecimal s).Value)
    Assert.Equal("0.0000", log "1")
    Assert.Equal("3.0000", log "1000")
    Assert.Equal("0.3011", log "2")
    Assert.Equal("-0.3010", log "0.5")
    Assert.Equal("10000.4772", log "3e10000")
    Assert.Equal("-399.6989", log "2e-400")
    // 1/1000 is no dyadic number, and the bound is a little above it.
    Assert.Equal("-2.9999", log "0.001")
    Assert.Equal("-∞", UpperText.log10 4 Upper.Zero)
    // log10 4^1000000 = 602059.99132796…
    Assert.Equal("602059.9914", UpperText.log10 4 (Upper.Power(Upper.OfInt64 4L, 1000000)))

[<Fact>]
let ``rationals are read from decimal text and nothing else`` () =
    let read (s: string) = Rational.TryOfDecimal s |> Option.map string
    Assert.Equal(Some "1/4", read "0.25")
    Assert.Equal(Some "1/1000000", read "1e-6")
    Assert.Equal(Some "-3/2", read "-1.50")
    Assert.Equal(Some "1200", read "1.2E+3")
    Assert.Equal(Some "5", read "5.")

    for text in [ ""; "-"; "."; "1e"; "e5"; "1e99999999999"; "0x1"; "1,5"; "1 "; "∞"; String('9', 10001) ] do
        Assert.Equal(None, read text)

[<Fact>]
let ``powers of rationals stop at the limit`` () =
    let two = Rational.OfInt 2L
    Assert.Equal(None, two.TryPower(BigInteger.Pow(BigInteger 10, 9), 1L <<< 20))
    Assert.Equal(Some(Rational.OfInt 1024L), two.TryPower(BigInteger 10, 1000L))
    Assert.Equal(Some Rational.One, Rational.One.TryPower(BigInteger.Pow(BigInteger 10, 30), 10L))
    Assert.Equal(None, Rational.Zero.TryPower(BigInteger.MinusOne, 1000L))
    Assert.Equal(Some(Rational.Create(BigInteger.One, BigInteger 8)), two.TryPower(BigInteger -3, 1000L))

[<Fact>]
let ``root enclosures hold the root`` () =
    for n in [ 2L; 3L; 4L; 1000003L ] do
        let r = Rational.Create(BigInteger n, BigInteger 7)
        let struct (low, high) = r.SqrtEnclosure 80
        Assert.True((low * low - r).Sign <= 0 && (high * high - r).Sign >= 0)
        Assert.True((high - low - Rational.PowerOfTwo -80).Sign <= 0)
