/// Exact reference for the bound arithmetic: plain fractions, never reduced.
module Lips.Core.Tests.Fractions

open System.Numerics
open Lips.Core

[<CustomEquality; NoComparison>]
type Fraction =
    { N: BigInteger
      D: BigInteger }

    override this.Equals other =
        match other with
        | :? Fraction as f -> this.N * f.D = f.N * this.D
        | _ -> false

    override this.GetHashCode() = 0
    static member (+)(a, b) = { N = a.N * b.D + b.N * a.D; D = a.D * b.D }
    static member (-)(a, b) = { N = a.N * b.D - b.N * a.D; D = a.D * b.D }
    static member (*)(a, b) = { N = a.N * b.N; D = a.D * b.D }

let ofInt (n: int) = { N = BigInteger n; D = BigInteger.One }
let ofRational (r: Rational) = { N = r.Numerator; D = r.Denominator }
let compare a b = BigInteger.Compare(a.N * b.D, b.N * a.D)

let ofDyadic (m: BigInteger) (e: int64) =
    if e >= 0L then
        { N = m <<< int e; D = BigInteger.One }
    else
        { N = m; D = BigInteger.One <<< int -e }

/// The exact value of a finite bound.
let ofUpper (u: Upper) = ofDyadic (BigInteger u.Mantissa) u.Exponent
let ofPrecise (p: Precise) = ofDyadic p.Mantissa p.Exponent

/// Is a ≤ b·(1 + 10^-digits)?
let within (digits: int) a b =
    let slack =
        { N = BigInteger.Pow(BigInteger 10, digits) + BigInteger.One
          D = BigInteger.Pow(BigInteger 10, digits) }

    compare a (b * slack) <= 0

/// Is a ≤ b·(1 + 10^-digits), for numbers of any size?
let upperWithin (digits: int) (a: Upper) (b: Upper) =
    let slack = Rational.One + Rational.Create(BigInteger.One, BigInteger.Pow(BigInteger 10, digits))
    b.IsInfinity || Upper.Compare(a, b * Upper.OfRational slack) <= 0

/// Is a ≤ b·(1 + 10^-digits), for numbers of any size?
let preciselyWithin (digits: int) (a: Upper) (b: Precise) =
    let slack = Rational.One + Rational.Create(BigInteger.One, BigInteger.Pow(BigInteger 10, digits))
    let arithmetic = PreciseArithmetic.arithmetic
    PreciseArithmetic.comparison (PreciseArithmetic.ofUpper a) (arithmetic.Multiply b (arithmetic.OfRational slack)) <= 0

/// Exact operations; no functions and no roots of numbers that are not squares.
let arithmetic: Arithmetic<Fraction> =
    { Infinity = { N = BigInteger.One; D = BigInteger.Zero }
      OfRational = ofRational
      Add = fun a b -> a + b
      Multiply = fun a b -> a * b
      Min = fun a b -> if compare a b <= 0 then a else b
      Max = fun a b -> if compare a b >= 0 then a else b
      Power = fun x n -> { N = BigInteger.Pow(x.N, n); D = BigInteger.Pow(x.D, n) }
      Sqrt = fun _ -> failwith "no exact roots"
      Apply = fun _ _ -> failwith "no exact functions"
      Same = fun _ _ -> false }

/// A second, plain interpreter: maps instead of slots, nothing remembered, every round run.
let interpret (arithmetic: Arithmetic<'n>) measure (observe: int -> LoopIndices -> 'n -> unit) (program: Program) =
    let rec value env indices head b =
        let recurse = value env indices head

        match b with
        | Bound.Infinity -> arithmetic.Infinity
        | Bound.Const c -> arithmetic.OfRational c
        | Bound.Measured m -> measure m indices (if m.Functional.IsPerHead then head else None)
        | Bound.Var id -> Map.find id env
        | Bound.Add(x, y) -> arithmetic.Add (recurse x) (recurse y)
        | Bound.Mul(x, y) -> arithmetic.Multiply (recurse x) (recurse y)
        | Bound.Min [] -> arithmetic.Infinity
        | Bound.Min items -> List.map recurse items |> List.reduce arithmetic.Min
        | Bound.Max [] -> arithmetic.OfRational Rational.Zero
        | Bound.Max items -> List.map recurse items |> List.reduce arithmetic.Max
        | Bound.Power(x, n) -> arithmetic.Power (recurse x) n
        | Bound.Sqrt x -> arithmetic.Sqrt(recurse x)
        | Bound.Apply(fn, x) -> arithmetic.Apply fn (recurse x)
        | Bound.SumOver(0, _)
        | Bound.MaxOver(0, _) -> arithmetic.OfRational Rational.Zero
        | Bound.SumOver(count, x) ->
            [ for h in 0 .. count - 1 -> value env indices (Some h) x ] |> List.reduce arithmetic.Add
        | Bound.MaxOver(count, x) ->
            [ for h in 0 .. count - 1 -> value env indices (Some h) x ] |> List.reduce arithmetic.Max

    let rec statement indices env s =
        match s with
        | Let(id, b, _) ->
            let v = value env indices None b
            observe id indices v
            Map.add id v env
        | Loop loop ->
            let start = (env, loop.Carried) ||> List.fold (fun e (id, b) -> Map.add id (value env indices None b) e)

            let finish =
                (start, seq { 0L .. loop.Count - 1L })
                ||> Seq.fold (fun env i ->
                    let indices = indices @ [ loop.Index, i ]
                    for id, _ in loop.Carried do observe id indices (Map.find id env)
                    let env = List.fold (statement indices) env loop.Body
                    let next = loop.Next |> List.map (value env indices None)
                    (env, List.zip loop.Carried next) ||> List.fold (fun e ((id, _), v) -> Map.add id v e))

            (finish, List.zip loop.Results loop.Carried)
            ||> List.fold (fun e (r, (id, _)) ->
                observe r indices (Map.find id finish)
                Map.add r (Map.find id finish) e)

    let env = List.fold (statement []) Map.empty program.Statements
    program.Results |> List.map (fun (_, b) -> value env [] None b) |> Array.ofList
