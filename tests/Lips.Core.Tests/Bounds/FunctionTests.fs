module Lips.Core.Tests.FunctionTests

open System.Numerics
open Xunit
open FsCheck
open FsCheck.FSharp
open Lips.Core
open Lips.Core.Tests
open Lips.Core.Tests.Fractions

let private decimal (s: string) = (Rational.TryOfDecimal s).Value
let private upper (s: string) = Upper.OfRational(decimal s)
let private at fn (t: Upper) = Fractions.ofUpper (UpperFunctions.apply fn t)
let private precisely fn (t: Upper) = Fractions.ofPrecise (PreciseArithmetic.apply fn (PreciseArithmetic.ofUpper t))
let private gainOfShell = Fn.ShellGain(Rational.OfInt 2L, 64L, decimal "1e-5")

/// Values to 40 digits and more from a multiple-precision library, at arguments that are dyadic where the last
/// digits matter: function, argument, value, decimals of agreement.
let private values =
    [ Fn.Exp, "1", "2.71828182845904523536028747135266249775724709", 18
      Fn.Exp, "0.3", "1.3498588075760031039837443133280073303782997", 18
      Fn.Exp, "100", "26881171418161354484126255515800135873611118.8", 17
      Fn.Cosh, "0.1", "1.00500416805580359898797844296834164470962628", 18
      Fn.Cosh, "7", "548.317035155212076889964120712102920862422804", 18
      Fn.DoeblinComplement 4L, "0.25", "0.175610647102283597718229208654501403353455802", 17
      Fn.DoeblinComplement 1024L, "0.001", "0.000998525066878275632483840364595073407092120983", 17
      Fn.DoeblinComplement 197L, "1e-9", "0.000000000994923857375608750708349307008560231350975627", 17
      Fn.LargestSoftmaxWeight 4L, "0.25", "0.29972404264597127361477705300621458825890238", 17
      Fn.LargestSoftmaxWeight 1024L, "3", "0.0192558867055470996416452571286143084336277352", 17
      Fn.CausalColumnMass 16L, "0.5", "4.41034274341480329928295993792015886040062662", 17
      Fn.CausalColumnMass 1024L, "0.5", "11.1544829422055101320238962206248932969563736", 14
      Fn.CausalColumnMass 65L, "2", "17.322336218745504327217995547432038284820557", 14
      Fn.CausalColumnMass 1024L, "0", "7.50917567227813383337707283752071317216351182", 14
      Fn.CausalColumnMass 8192L, "4", "274.447493795649351334014602344309743514425392", 14
      Fn.CausalColumnMass 1024L, "20", "1023.99892041871856979925493548212916752870635", 14
      Fn.CausalColumnMass 1099511627776L, "1", "73.1787589494307375962296626924102186014040961", 14
      Fn.SaturationG, "0.75", "1.08680555555555555555555555555555555555555556", 18
      Fn.SaturationG, "10", "50.7503125", 18
      Fn.GeluGain, "1", "0.841344746068542948585232545632037922477912967", 18
      Fn.GeluGain, "0.1", "0.539827837277028981465404618239182083014062284", 18
      Fn.GeluGain, "5", "0.999999713348428120806088326247667125354646146", 17
      Fn.GeluGain, "8", "0.999999999999999377903942572821587648400482741", 17
      Fn.SigmoidGain, "2", "0.880797077977882444059729141302396795206384299", 18
      Fn.GeluTanhGain, "1", "0.84119199060827670478199577704518386082576147", 18
      Fn.GeluSlope, "1", "1.08331547058768629838306273856759857730658494", 17
      Fn.GeluSlope, "0.5", "0.867495124656162842525044831406596566438759766", 17
      Fn.GeluSlope, "3", "1.12890414518515478634074444226197331233248701", 15
      Fn.SiluSlope, "1", "0.927670511871486731788583975407745299987411926", 17
      Fn.SiluSlope, "3", "1.09983932012886691695818492432057097213072939", 15
      Fn.GeluTanhSlope, "1", "1.08296408384578255513964241866960075817221175", 8
      Fn.GeluTanhSlope, "0.5", "0.867369903534642311560170946151812651383691836", 8
      Fn.GeluTanhSlope, "2", "1.12899306865877176545590447039955384573430592", 8
      Fn.ShellGain(Rational.OfInt 1L, 64L, decimal "1e-5"), "0.25", "10.6606036917668315141913785257764612555897482", 18
      Fn.ShellGainAdded(Rational.OfInt 1L, 7L, decimal "1e-5"), "0.25", "3.52754397469817551140432830793328912859732760", 18
      Fn.LessOne, "2.7", "1.7", 18
      Fn.LessOne, "1.0000000001", "0.0000000001", 9
      Fn.LessOne, "0.3", "0", 18
      Fn.LambertW 1L, "1", "0.567143290409783872999968662210355549753815787", 17
      Fn.LambertW 1L, "0", "0.278464542761073795109358739022980155439477489", 17
      Fn.LambertW 7L, "0", "0.973138752866606118447186931795080248685889449", 17
      Fn.LambertW 195L, "3", "5.55779763719168081890017910038632306750317459", 17
      Fn.LambertW 1023L, "0", "4.43986973002286265066735750751726365614461501", 17
      Fn.LambertW 3L, "1000000", "999986.283115447682465226032360265000737229893", 16
      // growing to its upper end; past its peak at the lower end; the peak between
      Fn.SigmoidWeight(decimal "-3", 2), "0.5", "0.145961896566351708125638995338907206182160219", 17
      Fn.SigmoidWeight(decimal "1.5", 2), "0.25", "0.915017414561638125950298903602162040885095878", 17
      Fn.SigmoidWeight(decimal "5", 2), "1", "1.01733920246449067481633068998098897128357862", 17
      Fn.SigmoidWeight(decimal "-3", 2), "4", "2.53125", 17
      Fn.SigmoidWeight(decimal "-5", 1), "0.125", "0.00851721960318949012829039091475989926026102737", 17
      Fn.SigmoidWeight(decimal "0", 0), "2", "0.880797077977882444059729141302396795206384299", 17
      Fn.SigmoidWeight(decimal "-1.5", 0), "3", "0.817574476193643659607217178656248247546240844", 17
      Fn.SigmoidSteepness(decimal "-3"), "1", "0.104993585403506517348624184760425361229296682", 17
      Fn.SigmoidSteepness(decimal "5"), "0.5", "0.0108662297222252342516275304602824447771249178", 17
      Fn.SigmoidSteepness(decimal "2"), "3", "0.25", 18 ]

[<Fact>]
let ``functions cover their values and hardly more`` () =
    for fn, t, value, digits in values do
        // 45 digits were rounded to the nearest: allow the last.
        let truth = Fractions.ofRational (decimal value * (Rational.One - decimal "1e-43"))
        let x = upper t
        let result = at fn x
        Assert.True(Fractions.compare truth result <= 0, string fn + " is below its value")
        Assert.True(Fractions.within digits result truth, string fn + " is far above its value at " + t)
        let precise = precisely fn x
        Assert.True(Fractions.compare truth precise <= 0, string fn + " is below its value in the verifier")
        Assert.True(Fractions.compare precise result <= 0, string fn + ": the verifier is above")

/// Arguments from tiny to large, densest where functions change their method.
let private argument: Gen<Upper> =
    gen {
        let! n = Gen.choose64 (1L, 1L <<< 50)
        let! e = Gen.frequency [ 8, Gen.choose (-53, -45); 2, Gen.choose (-200, -40); 1, Gen.choose (-45, -30) ]
        return Upper.OfRational(Rational.OfInt n * Rational.PowerOfTwo e)
    }

let private anyFunction =
    Gen.frequency [ 12, RandomBounds.fn; 1, Gen.constant gainOfShell; 1, Gen.constant (Fn.CausalColumnMass 300L) ]

[<Fact>]
let ``functions cover the verifier's value and exceed it by less than 1e-14`` () =
    Prop.forAll (Arb.fromGen (Gen.zip anyFunction argument)) (fun (fn, t) ->
        let u = UpperFunctions.apply fn t
        let p = PreciseArithmetic.apply fn (PreciseArithmetic.ofUpper t)

        let peak =
            match fn with
            | Fn.GeluSlope
            | Fn.SiluSlope
            | Fn.GeluTanhSlope -> true
            | _ -> false

        if u.IsInfinity || p.IsInfinite then
            u.IsInfinity
        else
            PreciseArithmetic.comparison p (PreciseArithmetic.ofUpper u) <= 0
            && Fractions.preciselyWithin (if peak then 8 else 14) u p)
    |> fun p -> Check.One(Config.QuickThrowOnFailure.WithReplay(42UL, 7046029254386353131UL).WithMaxTest 3000, p)

/// e^x by its plain series in fixed point with 60 decimals, without any reduction of the argument.
let private plainExponential (x: Rational) : Fractions.Fraction =
    let scale = BigInteger.Pow(BigInteger 10, 60)
    let mutable term = scale
    let mutable sum = scale
    let mutable i = 1

    while not term.IsZero do
        term <- term * x.Numerator / (x.Denominator * BigInteger i)
        sum <- sum + term
        i <- i + 1

    { N = sum; D = scale }

/// Φ(t) = 1/2 + (t − t³/6 + t⁵/40 − …)/√(2π), the alternating series, with 1/√(2π) to 60 digits.
let private plainNormal (t: Rational) : Fractions.Fraction =
    let scale = BigInteger.Pow(BigInteger 10, 80)
    let square = t * t
    let mutable power = scale * t.Numerator / t.Denominator
    let mutable sum = power
    let mutable n = 0

    while not power.IsZero do
        n <- n + 1
        power <- -power * square.Numerator / (square.Denominator * BigInteger(2 * n))
        sum <- sum + power / BigInteger(2 * n + 1)

    let density = decimal "0.398942280401432677939946059934381868475858631164934657666"
    { N = sum * density.Numerator; D = scale * density.Denominator } + { N = BigInteger.One; D = BigInteger 2 }

[<Fact>]
let ``exponential and Φ agree with series written down plainly`` () =
    let random = System.Random 5

    for _ in 1..300 do
        let t = Rational.Create(BigInteger(random.NextInt64(1L, 1L <<< 40)), BigInteger(1L <<< 37))
        let u = Upper.OfRational t
        let slack = { N = BigInteger.One; D = BigInteger.Pow(BigInteger 10, 50) }
        let e = plainExponential t
        Assert.True(Fractions.compare (e - slack) (at Fn.Exp u) <= 0)
        Assert.True(Fractions.within 17 (at Fn.Exp u) e)
        let p = plainNormal t
        Assert.True(Fractions.compare (p - slack) (at Fn.GeluGain u) <= 0)
        Assert.True(Fractions.within 16 (at Fn.GeluGain u) p)

[<Fact>]
let ``functions are exact where their value is simple`` () =
    let zero = Upper.Zero

    for fn, value in
        [ Fn.Exp, "1"
          Fn.Cosh, "1"
          Fn.DoeblinComplement 8L, "0"
          Fn.LargestSoftmaxWeight 8L, "0.125"
          Fn.CausalColumnMass 2L, "1.5"
          Fn.SaturationG, "1"
          Fn.GeluGain, "0.5"
          Fn.SigmoidGain, "0.5"
          Fn.GeluTanhGain, "0.5"
          Fn.GeluSlope, "0.5"
          Fn.GeluTanhSlope, "0.5"
          Fn.SiluSlope, "0.5"
          Fn.LambertW 0L, "0" ] do
        Assert.Equal(upper value, UpperFunctions.apply fn zero)

    Assert.Equal(Upper.One, UpperFunctions.saturationG (Upper.OfDouble 0.5))

[<Fact>]
let ``functions of infinity are their limits`` () =
    let far fn = UpperFunctions.apply fn Upper.Infinity

    for fn in [ Fn.Exp; Fn.Cosh; Fn.SaturationG; Fn.LambertW 3L ] do
        Assert.True((far fn).IsInfinity)
        Assert.True((PreciseArithmetic.apply fn PreciseArithmetic.infinity).IsInfinite)

    Assert.True((far (Fn.SigmoidWeight(Rational.Zero, 1))).IsInfinity)
    Assert.Equal(upper "0.25", far (Fn.SigmoidSteepness(Rational.OfInt 9L)))
    Assert.Throws<System.ArgumentException>(fun () -> Bound.apply (Fn.SigmoidWeight(decimal "0.1", 1)) Bound.one |> ignore) |> ignore

    for fn in [ Fn.DoeblinComplement 5L; Fn.LargestSoftmaxWeight 5L; Fn.GeluGain; Fn.SigmoidGain; Fn.GeluTanhGain; Fn.SigmoidWeight(Rational.OfInt -2L, 0) ] do
        Assert.Equal(Upper.One, far fn)
        Assert.True(PreciseArithmetic.isAtMost Rational.One (PreciseArithmetic.apply fn PreciseArithmetic.infinity))

    Assert.Equal(Upper.OfInt64 77L, far (Fn.CausalColumnMass 77L))
    Assert.True((far Fn.GeluSlope).IsAtMost(decimal "1.128904145185155"))
    Assert.True((far Fn.SiluSlope).IsAtMost(decimal "1.0998393201288672"))
    // 1/√eps, eps = 1e-5
    Assert.True((far gainOfShell).IsAtMost(decimal "316.22776601683794"))
    // Beyond what an exponent holds.
    Assert.True((UpperFunctions.exp (Upper.OfRational(decimal "1e300"))).IsInfinity)

[<Fact>]
let ``larger arguments give larger values`` () =
    Prop.forAll (Arb.fromGen (Gen.zip anyFunction (Gen.two argument))) (fun (fn, (s, t)) ->
        let f = UpperFunctions.apply fn
        let low, high = f (Upper.Min(s, t)), f (Upper.Max(s, t))
        // The values are upper bounds, so that they may be out of order by their excess alone.
        Fractions.upperWithin 14 low high)
    |> fun p -> Check.One(Config.QuickThrowOnFailure.WithReplay(42UL, 7046029254386353131UL).WithMaxTest 3000, p)

[<Fact>]
let ``slopes are at least the derivative they bound`` () =
    // Finite differences of x·Φ(x) in exact arithmetic: (f(x+h) − f(x))/h ≤ sup of the slope up to x + h.
    for i in 1..30 do
        let x = Rational.Create(BigInteger i, BigInteger 16)
        let h = Rational.Create(BigInteger.One, BigInteger 1024)
        let y = x + h
        let f (r: Rational) = Fractions.ofRational r * plainNormal r
        let slope = (f y - f x) * Fractions.ofRational h.Inverse
        Assert.True(Fractions.compare slope (at Fn.GeluSlope (Upper.OfRational y)) <= 0)
        // and within what the second derivative allows
        Assert.True(Fractions.within 2 (at Fn.GeluSlope (Upper.OfRational y)) (if i < 22 then slope else Fractions.ofRational (decimal "1.1290")))
