module Lips.Core.Tests.EvaluationTests

open System.Numerics
open Xunit
open FsCheck
open FsCheck.FSharp
open Lips.Core
open Lips.Core.Tests

let private check = RandomBounds.check

let private norm = RandomBounds.measure Functional.SpectralNorm
let private capped weight cap = Bound.Measured { norm weight with Cap = Some cap }
let private results b = { Statements = []; Results = [ "", b ] }
let private exactly b = (ExactFirst.atCaps (results b)).[0]
let private decimal (s: string) = (Rational.TryOfDecimal s).Value
let private root (n: int) = Bound.Sqrt(Bound.ofInt n)
let private quotientRoot a b = Bound.Sqrt(Bound.ofQuotient a b)

[<Fact>]
let ``programs mean what a plain interpreter says, bit for bit`` () =
    Prop.forAll (Arb.fromGen (RandomBounds.program true)) (fun program ->
        let seen = System.Collections.Generic.List<int * LoopIndices * Upper>()
        let plain = Fractions.interpret Evaluate.upper (RandomBounds.normAt 3) (fun id i v -> seen.Add((id, i, v))) program
        let told = System.Collections.Generic.List<int * LoopIndices * Upper>()
        let fast = Evaluate.run Evaluate.upper (RandomBounds.normAt 3) (Some(fun id i v -> told.Add((id, i, v)))) program
        let silent = Evaluate.run Evaluate.upper (RandomBounds.normAt 3) None program
        // Rounds after a fixed point are not told again: what is told is a part of what is seen.
        plain = fast && fast = silent && Set.isSubset (Set.ofSeq told) (Set.ofSeq seen))
    |> check 1000

[<Fact>]
let ``programs with loops cover their exact value`` () =
    Prop.forAll (Arb.fromGen (RandomBounds.program false)) (fun program ->
        let truth =
            Fractions.interpret Fractions.arithmetic (fun m i h -> Fractions.ofUpper (RandomBounds.normAt 3 m i h)) (fun _ _ _ -> ()) program

        let upper = Evaluate.run Evaluate.upper (RandomBounds.normAt 3) None program
        Array.forall2 (fun t u -> Fractions.compare t (Fractions.ofUpper u) <= 0) truth upper)
    |> check 300

[<Fact>]
let ``the verifier's value is at most the fast one`` () =
    Prop.forAll (Arb.fromGen (RandomBounds.program true)) (fun program ->
        let fast = Evaluate.run Evaluate.upper (RandomBounds.normAt 3) None program

        let precise =
            Evaluate.run PreciseArithmetic.arithmetic (fun m i h -> PreciseArithmetic.ofUpper (RandomBounds.normAt 3 m i h)) None program

        Array.forall2 (fun (f: Upper) p -> f.IsInfinity || PreciseArithmetic.comparison p (PreciseArithmetic.ofUpper f) <= 0) fast precise)
    |> check 300

[<Fact>]
let ``a prepared program is worth at every bounds what it is worth anew`` () =
    let pick k (m: Measure) =
        if (m.Weight.Length + k) % 5 = 0 then None else Some(quotientRoot (int64 (k + m.Weight.Length)) 3L)

    Prop.forAll (Arb.fromGen (RandomBounds.program true)) (fun program ->
        let prepared = Evaluate.preparedAtBounds Evaluate.upper program
        [ 1; 4; 2; 1 ] |> List.forall (fun k -> prepared (pick k) = Evaluate.atBounds Evaluate.upper (pick k) program))
    |> check 300

[<Fact>]
let ``exact values stay exact`` () =
    let product = Bound.Mul(Bound.Mul(quotientRoot 768L 256L, quotientRoot 256L 768L), Bound.one)
    Assert.Equal(Some Rational.One, (exactly product).Rational)
    Assert.True((exactly product).IsAtMost Rational.One)
    // √2 + √8 = √18, and 18 is its square.
    let sum = Bound.Add(root 2, root 8)
    Assert.Equal(Some(Rational.OfInt 18L), (exactly (Bound.Power(sum, 2))).Rational)
    // √(1 + s²) at s = 3/4
    Assert.Equal(Some(Rational.Create(BigInteger 5, BigInteger 4)), (exactly (Bound.Sqrt(Bound.Add(Bound.one, Bound.Power(capped "w" (Bound.ofQuotient 3L 4L), 2))))).Rational)
    // √2 against 7/5 and 3/2, both ways, exactly.
    Assert.False((exactly (root 2)).IsAtMost(decimal "1.4142135623730950488"))
    Assert.True((exactly (root 2)).IsAtMost(decimal "1.4142135623730950489"))
    Assert.Equal(Some(decimal "1.5"), (exactly (Bound.Max [ root 2; Bound.ofQuotient 3L 2L ])).Rational)
    Assert.Equal(Some(decimal "1.4"), (exactly (Bound.Min [ root 2; Bound.ofQuotient 7L 5L ])).Rational)
    Assert.Equal(Some(decimal "0.125"), (exactly (Bound.Apply(Fn.LargestSoftmaxWeight 8L, Bound.zero))).Rational)
    // keep 5/6, branch 1/6, branch constant 1: exactly 1 after six rounds.
    let round = Bound.Add(Bound.Mul(Bound.ofQuotient 5L 6L, Bound.Var 0), Bound.Mul(Bound.ofQuotient 1L 6L, Bound.Mul(capped "w" Bound.one, Bound.Var 0)))

    let stack =
        { Statements = [ Loop { Index = "i"; Count = 6L; Carried = [ 0, Bound.one ]; Body = []; Next = [ round ]; Results = [ 1 ] } ]
          Results = [ "L", Bound.Var 1 ] }

    Assert.Equal(Some Rational.One, (ExactFirst.atCaps stack).[0].Rational)

[<Fact>]
let ``what cannot stay exact is rounded up`` () =
    let mixed = exactly (Bound.Add(root 2, root 3))
    Assert.False mixed.IsExact
    Assert.False(mixed.IsAtMost(decimal "3.1462643699419723423"))
    Assert.True(mixed.IsAtMost(decimal "3.146264369941972344"))
    Assert.False((exactly (Bound.Power(Bound.ofQuotient 3L 7L, 1000))).IsExact)
    Assert.False((exactly (Bound.Apply(Fn.Exp, Bound.one))).IsExact)

[<Fact>]
let ``roots and functions never come out below the verifier in exact arithmetic`` () =
    Prop.forAll (Arb.fromGen (RandomBounds.program true)) (fun program ->
        let number =
            Evaluate.run (ExactFirst.arithmetic 2000) (fun m i h -> ExactFirst.ofRational (RandomBounds.normAt 3 m i h).TryRational.Value) None program

        let precise =
            Evaluate.run PreciseArithmetic.arithmetic (fun m i h -> PreciseArithmetic.ofUpper (RandomBounds.normAt 3 m i h)) None program

        // 70 digits: the verifier's own excess.
        let slack = PreciseArithmetic.arithmetic.OfRational(Rational.One + decimal "1e-60")

        Array.forall2
            (fun (n: ExactFirst.Number) p ->
                PreciseArithmetic.comparison p (PreciseArithmetic.arithmetic.Multiply (PreciseArithmetic.ofUpper n.Upper) slack) <= 0)
            number
            precise)
    |> check 300

[<Fact>]
let ``caps, initial values and missing norms`` () =
    let m = { norm "w" with Cap = Some(Bound.ofInt 3); Init = Some(Bound.ofQuotient 1L 2L) }
    let open' = norm "free"
    let at f b = (f Evaluate.upper None (results b): Upper[]).[0]
    Assert.Equal(Upper.OfInt64 3L, at Evaluate.atCaps (Bound.Measured m))
    Assert.Equal(Upper.OfDouble 0.5, at Evaluate.atInit (Bound.Measured m))
    Assert.Equal(Upper.OfInt64 3L, at Evaluate.atInit (Bound.Measured { m with Init = None }))
    Assert.True((at Evaluate.atCaps (Bound.Measured open')).IsInfinity)
    Assert.True((at Evaluate.atCaps (Bound.zero * Bound.Measured open')).IsInfinity)
    Assert.Equal(Upper.OfInt64 4L, at Evaluate.atCaps (Bound.min [ Bound.Measured open'; Bound.ofInt 4 ]))

[<Fact>]
let ``a loop ends at its fixed point, and one that never settles is infinite`` () =
    let rounds = ref 0

    let loop count next =
        { Statements =
            [ Loop { Index = "i"; Count = count; Carried = [ 0, Bound.one ]; Body = [ Let(2, Bound.Var 0, "") ]; Next = [ next ]; Results = [ 1 ] } ]
          Results = [ "", Bound.Var 1 ] }

    let saturating = Bound.Min [ Bound.Mul(Bound.ofInt 2, Bound.Var 0); Bound.ofInt 1000 ]
    let run p = (Evaluate.atCaps Evaluate.upper (Some(fun id _ _ -> if id = 2 then rounds.Value <- rounds.Value + 1)) p).[0]
    Assert.Equal(Upper.OfInt64 1000L, run (loop 1_000_000_000_000L saturating))
    Assert.InRange(rounds.Value, 10, 12)
    Assert.True((Evaluate.atCaps Evaluate.upper None (loop 1_000_000_000_000L (Bound.Add(Bound.Var 0, Bound.one)))).[0].IsInfinity)
    // A loop that reads its index does not stop at a value that stays.
    let indexed = Bound.Max [ Bound.Var 0; Bound.Measured(norm "w.{i}") ]

    let value =
        (Evaluate.run Evaluate.upper (fun _ indices _ -> if indices = [ "i", 7L ] then Upper.OfInt64 9L else Upper.One) None (loop 8L indexed)).[0]

    Assert.Equal(Upper.OfInt64 9L, value)
    Assert.Equal(Upper.One, (Evaluate.atCaps Evaluate.upper None (loop 0L saturating)).[0])

[<Fact>]
let ``norms are named by path, index and head`` () =
    let m = RandomBounds.measure Functional.HeadSpectralNorm "blocks.{i}.attention.q"
    Assert.Equal("spectral(blocks.3.attention.q)[2]", Evaluate.key m [ "i", 3L ] (Some 2))
    Assert.Equal("row(e)", Evaluate.key (RandomBounds.measure Functional.LargestRow "e") [] (Some 1))

[<Fact>]
let ``constructors fold what is sound and nothing else`` () =
    let w = Bound.Measured(norm "w")
    Assert.Equal(w, Bound.zero + w)
    Assert.Equal(w, w * Bound.one)
    Assert.Equal(Bound.ofInt 6, Bound.ofInt 2 * Bound.ofInt 3)
    // w may be ∞, where 0·w is not 0.
    Assert.Equal(Bound.Mul(Bound.zero, w), Bound.zero * w)
    Assert.Equal(Bound.Infinity, Bound.zero * Bound.infinity)
    Assert.Equal(w, Bound.min [ Bound.infinity; w; w ])
    Assert.Equal(Bound.Infinity, Bound.min [])
    Assert.Equal(Bound.zero, Bound.max [])
    Assert.Equal(Bound.Min [ w; Bound.ofInt 2 ], Bound.min [ Bound.ofInt 3; Bound.min [ w; Bound.ofInt 2 ] ])
    Assert.Equal(Bound.ofQuotient 3L 2L, Bound.sqrt (Bound.ofQuotient 9L 4L))
    Assert.Equal(Bound.Mul(Bound.ofInt 4, w), Bound.sumOver 4 w)
    Assert.True([ norm "w" ] = Bound.measures { Statements = [ Let(0, w + w, "") ]; Results = [ "", w ] })
    Assert.Throws<System.ArgumentException>(fun () -> Bound.ofInt -1 |> ignore) |> ignore
    Assert.Throws<System.ArgumentException>(fun () -> Bound.power w -1 |> ignore) |> ignore
    Assert.Throws<System.ArgumentException>(fun () -> Bound.apply (Fn.DoeblinComplement 0L) w |> ignore) |> ignore

[<Fact>]
let ``bounds grow with every norm in them`` () =
    Prop.forAll (Arb.fromGen (RandomBounds.program true)) (fun program ->
        let larger m i h = RandomBounds.normAt 3 m i h * Upper.OfDouble 1.25
        let low = Evaluate.run Evaluate.upper (RandomBounds.normAt 3) None program
        let high = Evaluate.run Evaluate.upper larger None program

        Array.forall2
            (Fractions.upperWithin 12)
            low
            high)
    |> check 200
