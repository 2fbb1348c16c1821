namespace Lips.Core

open System
open System.Collections.Generic

/// What a program's results come to, in any arithmetic.
module Evaluate =

    /// A weight's path with `{i}` replaced by the value of index i.
    let pathAt (indices: LoopIndices) (weight: string) : string =
        (weight, indices)
        ||> List.fold (fun path (name, value) ->
            path.Replace("{" + name + "}", value.ToString Globalization.CultureInfo.InvariantCulture))

    /// The text that names a norm: `spectral(blocks.0.attention.q)`, `spectral(blocks.0.attention.q)[2]`.
    let key (measure: Measure) (indices: LoopIndices) (head: int option) : string =
        let second = (match measure.Functional.Right with Some right -> ", " + pathAt indices right | None -> "")
        let numbers = (match measure.Functional.Numbers with Some numbers -> "; " + numbers | None -> "")
        let name = measure.Functional.Text + "(" + pathAt indices measure.Weight + second + numbers + ")"

        match head with
        | Some h when measure.Functional.IsPerHead ->
            name + "[" + h.ToString Globalization.CultureInfo.InvariantCulture + "]"
        | _ -> name

    let private evaluate arithmetic measures observe program =
        (PreparedProgram.prepare arithmetic measures observe program) ()

    /// The results of a program in order, with each measure's value as `measure` gives it for the loop indices
    /// around it and, for per-head functionals, the head. `observe` is told of each bound value, of what a loop
    /// carries into each round and of its results: the id, the loop indices, the value. Once a loop has reached a fixed point its further rounds, which repeat the last
    /// one, are neither run nor observed.
    let run
        (arithmetic: Arithmetic<'n>)
        (measure: Measure -> LoopIndices -> int option -> 'n)
        (observe: (int -> LoopIndices -> 'n -> unit) option)
        (program: Program)
        : 'n[] =
        evaluate arithmetic (PreparedProgram.Varying measure) observe program

    let private boundedBy (arithmetic: Arithmetic<'n>) (pick: Measure -> Bound option) : Measure -> 'n =
        let known = Dictionary<Bound, 'n>(HashIdentity.Structural)

        let rec value (m: Measure) =
            match pick m with
            | None -> arithmetic.Infinity
            | Some b ->
                match known.TryGetValue b with
                | true, v -> v
                | _ ->
                    let v = closed b
                    known.[b] <- v
                    v

        // Caps are closed expressions; one that names a measure is bounded by that one's cap.
        and closed (b: Bound) =
            match b with
            | Bound.Infinity -> arithmetic.Infinity
            | Bound.Const c -> arithmetic.OfRational c
            | Bound.Measured m -> value m
            | Bound.Add(x, y) -> arithmetic.Add (closed x) (closed y)
            | Bound.Mul(x, y) -> arithmetic.Multiply (closed x) (closed y)
            | Bound.Min(first :: rest) -> (closed first, rest) ||> List.fold (fun least b -> arithmetic.Min least (closed b))
            | Bound.Max(first :: rest) -> (closed first, rest) ||> List.fold (fun largest b -> arithmetic.Max largest (closed b))
            | Bound.Power(x, n) -> arithmetic.Power (closed x) n
            | Bound.Sqrt x -> arithmetic.Sqrt(closed x)
            | Bound.Apply(fn, x) -> arithmetic.Apply fn (closed x)
            | Bound.Min []
            | Bound.Max []
            | Bound.Var _
            | Bound.SumOver _
            | Bound.MaxOver _ -> (evaluate arithmetic (PreparedProgram.Fixed value) None { Statements = []; Results = [ "", b ] }).[0]

        value

    /// The results with every measure at its declared cap, ∞ without one: valid all through training.
    let atCaps (arithmetic: Arithmetic<'n>) (observe: (int -> LoopIndices -> 'n -> unit) option) (program: Program) =
        evaluate arithmetic (PreparedProgram.Fixed(boundedBy arithmetic (fun m -> m.Cap))) observe program

    /// The results with every measure at a bound of one's own instead of its cap.
    let atBounds (arithmetic: Arithmetic<'n>) (pick: Measure -> Bound option) (program: Program) =
        evaluate arithmetic (PreparedProgram.Fixed(boundedBy arithmetic pick)) None program

    /// The same for many such bounds: the program is prepared once.
    let preparedAtBounds (arithmetic: Arithmetic<'n>) (program: Program) : (Measure -> Bound option) -> 'n[] =
        let cells = Dictionary<Measure, 'n ref>(HashIdentity.Structural)

        let cell m =
            match cells.TryGetValue m with
            | true, known -> known
            | _ ->
                let added = ref arithmetic.Infinity
                cells.[m] <- added
                added

        let run = PreparedProgram.prepare arithmetic (PreparedProgram.Held cell) None program

        fun pick ->
            let value = boundedBy arithmetic pick

            for KeyValue(m, cell) in cells do
                cell.Value <- value m

            run ()

    /// The results at initialization: valid at step 0 only.
    let atInit (arithmetic: Arithmetic<'n>) (observe: (int -> LoopIndices -> 'n -> unit) option) (program: Program) =
        evaluate arithmetic (PreparedProgram.Fixed(boundedBy arithmetic (fun m -> Option.orElse m.Cap m.Init))) observe program

    /// `Upper`: the fast arithmetic, whose C# twin generated code uses.
    let upper: Arithmetic<Upper> =
        { Infinity = Upper.Infinity
          OfRational = Upper.OfRational
          Add = fun a b -> Directed.add true a b
          Multiply = fun a b -> Directed.multiply true a b
          Min = fun a b -> Directed.least a b
          Max = fun a b -> Directed.largest a b
          Power = fun x n -> Directed.power true x n
          Sqrt = fun x -> Directed.squareRoot true x
          Apply = UpperFunctions.apply
          Same = fun a b -> a.Mantissa = b.Mantissa && a.Exponent = b.Exponent }
