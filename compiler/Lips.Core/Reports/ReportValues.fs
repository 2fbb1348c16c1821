namespace Lips.Core

open System.Collections.Generic

/// Where a bound is evaluated.
[<RequireQualifiedAccess>]
type At =
    /// Every weight at its declared cap: valid all through training.
    | Caps
    /// What the initializers guarantee: valid at step 0 only.
    | Init
    /// Certified norms of given weights, by their text (`spectral(blocks.0.attention.q)[2]`); a missing norm is ∞.
    | Norms of (string -> Upper)

/// Every value of a derivation at one point, as reports read it.
type Valuation(point: At, program: Program) =
    let observed = Dictionary<int, List<LoopIndices * ExactFirst.Number>>()
    let arithmetic = ExactFirst.arithmetic ExactFirst.defaultEffort
    let rounded (u: Upper) = ExactFirst.Number(null, u)

    let observe id indices value =
        match observed.TryGetValue id with
        | true, list -> list.Add((indices, value))
        | _ -> observed[id] <- List [ (indices, value) ]

    let results =
        match point with
        | At.Caps -> Evaluate.atCaps arithmetic (Some observe) program
        | At.Init -> Evaluate.atInit arithmetic (Some observe) program
        | At.Norms norm ->
            let measure m indices head = rounded (norm (Evaluate.key m indices head))
            Evaluate.run arithmetic measure (Some observe) program

    let named =
        List.zip (List.map fst program.Results) (List.ofArray results)
        |> List.map (fun (name, value) -> name, value.Upper)

    let noise = Upper.OfRational(Rational.One - Rational.PowerOfTwo -48)

    // Formatting a whole report must not run out of exact steps that the evaluation has used up.
    let exact = ExactFirst.arithmetic System.Int32.MaxValue

    /// The observation at the given indices; a loop that reached a fixed point repeats its last round.
    let rec at (depth: int) (indices: LoopIndices) (candidates: (LoopIndices * ExactFirst.Number) list) =
        match candidates with
        | [] -> None
        | (own, _) :: _ when depth >= own.Length || depth >= indices.Length -> Some(snd (List.last candidates))
        | _ ->
            let wanted = snd indices[depth]
            let place (own: LoopIndices, _) = snd own[depth]
            let reached = candidates |> List.filter (fun c -> place c <= wanted)

            match reached with
            | [] -> None
            | _ ->
                let last = reached |> List.map place |> List.max
                at (depth + 1) indices (reached |> List.filter (fun c -> place c = last))

    let rec value (indices: LoopIndices) (b: Bound) : ExactFirst.Number =
        let recurse = value indices
        let fold combine empty items = (match items with [] -> empty | first :: rest -> List.fold combine first rest)

        match b with
        | Bound.Var id ->
            match observed.TryGetValue id with
            | true, list -> at 0 indices (List.ofSeq list) |> Option.defaultValue exact.Infinity
            | _ -> exact.Infinity
        | Bound.Const c -> exact.OfRational c
        | Bound.Add(x, y) -> exact.Add (recurse x) (recurse y)
        | Bound.Mul(x, y) -> exact.Multiply (recurse x) (recurse y)
        | Bound.Min items -> items |> List.map recurse |> fold exact.Min exact.Infinity
        | Bound.Max items -> items |> List.map recurse |> fold exact.Max (exact.OfRational Rational.Zero)
        | Bound.Power(x, n) -> exact.Power (recurse x) n
        | Bound.Sqrt x -> exact.Sqrt(recurse x)
        | Bound.Apply(fn, x) -> exact.Apply fn (recurse x)
        // derivations name what depends on heads and norms
        | Bound.Infinity
        | Bound.Measured _
        | Bound.SumOver _
        | Bound.MaxOver _ -> exact.Infinity

    member _.At = point

    /// A result of the program by its name; ∞ where there is none.
    member _.Result(name: string) =
        named |> List.tryFind (fun (n, _) -> n = name) |> Option.map snd |> Option.defaultValue Upper.Infinity

    /// A value that reads norms and no step, at this point, rounded up.
    member _.Measured(b: Bound) : Upper =
        let program = { Statements = []; Results = [ "", b ] }

        let values =
            match point with
            | At.Caps -> Evaluate.atCaps arithmetic None program
            | At.Init -> Evaluate.atInit arithmetic None program
            | At.Norms norm -> Evaluate.run arithmetic (fun m indices head -> rounded (norm (Evaluate.key m indices head))) None program

        (Array.head values).Upper

    member _.HasResult(name: string) = named |> List.exists (fun (n, _) -> n = name)

    /// A value of the derivation at the given loop indices, rounded up.
    member _.Value(indices: LoopIndices, b: Bound) : Upper = (value indices b).Upper

    /// after ÷ before, rounded up; exact where both are. Else both are known to a few units of 2^-64 and so is their
    /// quotient: 2^-48 is taken off, so that a factor of 2 does not read 2.00001. No bound is made of it. Nothing where the quotient says nothing (0/0, ∞/∞).
    member _.Quotient(indices: LoopIndices, after: Bound, before: Bound) : Upper option =
        let a, b = value indices after, value indices before

        if b.Upper.IsZero || b.Upper.IsInfinity then
            if a.Upper.IsInfinity && not b.Upper.IsInfinity then Some Upper.Infinity
            elif a.Upper.IsZero && b.Upper.IsZero then Some Upper.Zero
            else None
        elif a.IsExact && b.IsExact then
            // q₁√s₁ / (q₂√s₂) = q₁/(q₂s₂)·√(s₁s₂)
            let x, y = a.Exact, b.Exact

            if x.Radicand = y.Radicand then
                Some(Upper.OfRational(x.Factor / y.Factor))
            else
                let q = exact.OfRational(x.Factor / (y.Factor * y.Radicand))
                Some (exact.Multiply q (exact.Sqrt(exact.OfRational(x.Radicand * y.Radicand)))).Upper
        else
            Some(a.Upper / b.Upper * noise)
