/// Random expressions and programs.
module Lips.Core.Tests.RandomBounds

open System.Numerics
open FsCheck
open FsCheck.FSharp
open Lips.Core

let measure functional weight =
    { Functional = functional; Weight = weight; Cap = None; Init = None }

/// a/b·10^k: mostly of moderate size, sometimes 10^-400 or 10^10000.
let rational: Gen<Rational> =
    gen {
        let! a = Gen.choose64 (1L, 1L <<< 40)
        let! b = Gen.choose64 (1L, 1L <<< 40)

        let! k =
            Gen.frequency
                [ 16, Gen.choose (-8, 8)
                  1, Gen.choose (-400, -391)
                  2, Gen.choose (-400, 400)
                  1, Gen.choose (9900, 10000) ]

        let ten = BigInteger.Pow(BigInteger 10, abs k)
        let r = Rational.Create(BigInteger a, BigInteger b)
        return if k >= 0 then r * Rational.OfBig ten else r / Rational.OfBig ten
    }

let private weights = [ "a"; "b.{i}.w"; "c" ]

let private leaf (vars: int list) (heads: bool) =
    Gen.frequency
        [ 3, Gen.map Bound.Const rational
          1, Gen.constant (Bound.Const Rational.Zero)
          1, Gen.map (fun n -> Bound.Const(Rational.OfInt n)) (Gen.choose64 (1L, 5L))
          4, Gen.map (fun w -> Bound.Measured(measure Functional.SpectralNorm w)) (Gen.elements weights)
          1, Gen.constant (Bound.Measured(measure (Functional.StackedTransposedProduct "b.{i}.r") "b.{i}.w"))
          1, Gen.constant (Bound.Measured(measure (Functional.BlockGain("c.{i}.r", "5/6; -1/6; 0; 1")) "c.{i}.w"))
          (if heads then 3 else 0), Gen.constant (Bound.Measured(measure Functional.HeadSpectralNorm "q.{i}"))
          (if heads then 1 else 0), Gen.constant (Bound.Measured(measure (Functional.HeadProduct "v.{i}") "q.{i}"))
          (if List.isEmpty vars then 0 else 6), Gen.map Bound.Var (if List.isEmpty vars then Gen.constant 0 else Gen.elements vars) ]

let fn: Gen<Fn> =
    gen {
        let! n = Gen.elements [ 1L; 2L; 16L; 65L; 1024L ]

        return!
            Gen.elements
                [ Fn.Exp
                  Fn.Cosh
                  Fn.DoeblinComplement n
                  Fn.LargestSoftmaxWeight n
                  Fn.CausalColumnMass n
                  Fn.SaturationG
                  Fn.GeluGain
                  Fn.SigmoidGain
                  Fn.GeluTanhGain
                  Fn.GeluSlope
                  Fn.GeluTanhSlope
                  Fn.SiluSlope
                  Fn.LessOne
                  Fn.ShellGain(Rational.Create(BigInteger 7, BigInteger 3), n, Rational.Create(BigInteger.One, BigInteger 100000))
                  Fn.ShellGainAdded(Rational.Create(BigInteger 7, BigInteger 3), n, Rational.Create(BigInteger.One, BigInteger 100000))
                  Fn.LambertW(n - 1L)
                  Fn.SigmoidWeight(Rational.Create(BigInteger -3, BigInteger 2), int (n % 4L))
                  Fn.SigmoidWeight(Rational.Create(BigInteger 5, BigInteger 4), 2)
                  Fn.SigmoidSteepness(Rational.Create(BigInteger -(int n), BigInteger 2)) ]
    }

/// Expressions over `vars`; with roots and functions if `analytic`.
let rec expression (analytic: bool) (vars: int list) (heads: bool) (size: int) : Gen<Bound> =
    if size <= 1 then
        leaf vars heads
    else
        let half = expression analytic vars heads (size / 2)

        Gen.frequency
            [ 5, Gen.map2 (fun a b -> Bound.Add(a, b)) half half
              5, Gen.map2 (fun a b -> Bound.Mul(a, b)) half half
              1, Gen.map2 (fun a b -> Bound.Min [ a; b ]) half half
              1, Gen.map2 (fun a b -> Bound.Max [ a; b ]) half half
              1, Gen.map2 (fun a n -> Bound.Power(a, n)) half (Gen.choose (0, 3))
              1, Gen.map (fun a -> Bound.SumOver(3, a)) (expression analytic vars true (size / 2))
              1, Gen.map (fun a -> Bound.MaxOver(2, a)) (expression analytic vars true (size / 2))
              (if analytic then 2 else 0), Gen.map Bound.Sqrt half
              (if analytic then 2 else 0), Gen.map2 (fun f a -> Bound.Apply(f, a)) fn half
              1, leaf vars heads ]

/// A program with lets, a loop and a loop inside it; results are all values in reach at the end.
let private anyProgram (analytic: bool) : Gen<Program> =
    gen {
        let e vars = expression analytic vars false 4
        let! a = e []
        let! b = e [ 0 ]
        let! start = e [ 0; 1 ]
        let! c = e [ 1; 2; 3 ]
        let! innerStart = e [ 2; 4 ]
        let! d = e [ 1; 5 ]
        let! innerNext = e [ 5; 6 ]
        let! next = e [ 2; 4; 7 ]
        let! next2 = e [ 3; 0 ]
        let! last = e [ 8; 9; 1 ]
        let! count = Gen.choose64 (0L, 3L)

        let inner =
            Loop
                { Index = "j"
                  Count = 2L
                  Carried = [ 5, innerStart ]
                  Body = [ Let(6, d, "inner") ]
                  Next = [ innerNext ]
                  Results = [ 7 ] }

        let outer =
            Loop
                { Index = "i"
                  Count = count
                  Carried = [ 2, start; 3, b ]
                  Body = [ Let(4, c, "middle"); inner ]
                  Next = [ next; next2 ]
                  Results = [ 8; 9 ] }

        return
            { Statements = [ Let(0, a, "first"); Let(1, b, "second"); outer; Let(10, last, "last") ]
              Results = [ for id in [ 0; 1; 8; 9; 10 ] -> string id, Bound.Var id ] }
    }

/// About how many bits the unreduced fraction of plain exact arithmetic has. Fractions grow with every operation, and a
/// power in a loop in a loop multiplies their length by thousands: what would be too long to write down is not drawn.
let private lengths: Arithmetic<float> =
    { Infinity = 1.0
      OfRational = fun r -> float r.BitSize
      Add = (+)
      Multiply = (+)
      Min = max
      Max = max
      Power = fun bits n -> bits * float n
      Sqrt = id
      Apply = fun _ bits -> bits
      Same = fun _ _ -> false }

/// A norm is 64 bits over a power of two, at most 2^64 here.
let private normLength = 130.0

/// 10^10000 has 33,220 bits; a hundred thousand digits multiply in milliseconds.
let private longest = 330_000.0

let private isShort (program: Program) =
    let mutable most = 0.0
    let observe _ _ bits = most <- max most bits
    let results = Fractions.interpret lengths (fun _ _ _ -> normLength) observe program
    max most (Array.max results) <= longest

/// Random programs; those for exact arithmetic have numbers short enough for it.
let program (analytic: bool) : Gen<Program> =
    if analytic then anyProgram true else Gen.where isShort (anyProgram false)

/// Random expressions without roots and functions whose exact value is short enough to write down.
let exactExpression (size: int) : Gen<Bound> =
    expression false [] false size
    |> Gen.where (fun b -> isShort { Statements = []; Results = [ "", b ] })

/// A positive bound that depends on the text of a norm alone.
let normAt (seed: int) (m: Measure) (indices: LoopIndices) (head: int option) : Upper =
    let text = Evaluate.key m indices head
    // FNV-1a, so that every run sees the same numbers.
    let hash =
        (14695981039346656037UL + uint64 seed * 1000003UL, text)
        ||> Seq.fold (fun h c -> (h ^^^ uint64 c) * 1099511628211UL)

    Upper.OfRational(Rational.Create(BigInteger(hash >>> 20) + BigInteger.One, BigInteger(1L <<< 42)))

/// Fixed, so that every run checks the same cases; LIPS_SEED=<number> draws others.
let private seed =
    match System.UInt64.TryParse(System.Environment.GetEnvironmentVariable "LIPS_SEED") with
    | true, n -> n
    | _ -> 42UL

let check count (property: Property) =
    // the second half of a replay is odd
    Check.One(Config.QuickThrowOnFailure.WithReplay(seed, (seed * 7046029254386353131UL) ||| 1UL).WithMaxTest count, property)

let samples (count: int) (size: int) (g: Gen<'a>) : 'a list = Gen.sampleWithSeed (Rnd 42UL) size count g |> List.ofSeq
