namespace Lips.Core

open System.Numerics

/// Chooses caps left open (`rms_cap(auto)`): the largest, to five digits, with which every claim still holds.
/// Bounds are monotone in every cap, so a search over a grid finds them. Rules do not look at caps, so one derivation serves
/// the search; the answer is checked by deriving again.
[<RequireQualifiedAccess>]
module Solve =

    let rec private mapWeights (f: Weight -> Weight) (term: Term) : Term =
        let layer (l: Layer) = { l with Weights = l.Weights |> List.map f }

        match term with
        | Apply l -> Apply(layer l)
        | Enclose(l, body) -> Enclose(layer l, mapWeights f body)
        | Chain terms -> Chain(terms |> List.map (mapWeights f))
        | Group(name, body) -> Group(name, mapWeights f body)
        | Point(name, body) -> Point(name, mapWeights f body)
        | Repeat r -> Repeat { r with Body = mapWeights f r.Body }

    let private mapModel f (m: Model) = { m with Chains = m.Chains |> List.map (fun c -> { c with Body = mapWeights f c.Body }) }

    /// The groups of caps left open, in order of appearance.
    let groups (m: Model) =
        m.Chains
        |> List.collect (fun c -> Term.layers c.Body)
        |> List.collect (fun (_, l) -> l.Weights)
        |> List.choose (fun w -> match w.Constraint with AutoCapped(_, a) -> Some a.Group | _ -> None)
        |> List.distinct

    /// Five digits times a power of ten: 90,000 values to a decade, from 10^-6 to 9.9999·10^4.
    let private perDecade = 90000
    let private decades = 11
    let private size = perDecade * decades

    let private value index =
        let digits = Rational.OfInt(int64 (10000 + index % perDecade))
        let e = index / perDecade - 10
        let power = Rational.OfBig(BigInteger.Pow(BigInteger 10, abs e))
        if e < 0 then digits / power else digits * power

    /// The cap of a group that no claim limits: the largest of the search.
    let unlimited = value (size - 1)

    /// A weight whose open cap is `choice group · prefer`.
    let private closed (choice: string -> Rational) (w: Weight) =
        match w.Constraint with
        | AutoCapped(c, a) -> { w with Constraint = Capped { c with Limit = choice a.Group * a.Prefer } }
        | _ -> w

    let private close choice (m: Model) = mapModel (closed choice) m

    let private meets (relation: Syntax.Relation) (bound: Upper) limit =
        match relation with
        | Syntax.AtMost -> bound.IsAtMost limit
        | Syntax.Below -> bound.IsAtMost limit && bound.CompareTo limit <> 0
        | Syntax.AtLeast
        | Syntax.Exactly -> false

    /// The claims of a derivation's bounds, with the values found for the results of its program.
    let private found (m: Model) (program: Program) (values: ExactFirst.Number[]) : (Claim * Upper) list =
        let table = List.zip (program.Results |> List.map fst) (values |> Array.map (fun n -> n.Upper) |> List.ofArray)
        let find name = table |> List.tryFind (fun (n, _) -> n = name) |> Option.map snd |> Option.defaultValue Upper.Infinity

        m.Claims
        |> List.choose (fun c ->
            match c.Subject with
            | Lipschitz(a, b) -> Some(c, find (string { From = a; Into = b; Norms = c.Norms }))
            | Radius(point, None) -> Some(c, find ("radius(" + point + ")"))
            | Radius(_, Some _)
            | Parameters
            | Macs -> None)

    /// The greatest index at which `holds`, which is true up to some index, `low` or above, and false beyond it (of none where
    /// that is −1). `rough` is nearly the same and cheaper: where they agree, `holds` is asked at the answer and next to it only.
    let private greatest (rough: int -> bool) (holds: int -> bool) low =
        let rec search (holds: int -> bool) low high =
            // holds low, or nothing is known of it; fails high (or high = size)
            if high - low <= 1 then
                low
            else
                let middle = (low + high) / 2
                if holds middle then search holds middle high else search holds low middle

        // from a guess outward, by steps that double
        let rec above step i = if i + step >= size then i, size elif holds (i + step) then above (2 * step) (i + step) else i, i + step
        let rec below step i = if i - step <= low then low, i elif holds (i - step) then i - step, i else below (2 * step) (i - step)

        if low >= 0 && (low + 1 >= size || not (holds (low + 1))) then
            low
        else
            let guess = search rough low size
            let least, most = if guess = low || holds guess then above 1 guess else below 1 guess
            search holds least most

    /// Closes a model's open caps. First all groups grow together; then each in turn as far as the others let it.
    /// Returns the model with the caps chosen, or why there are none.
    let model catalog (m: Model) : Result<Model * (string * Rational) list, Problem> =
        let groups = groups m

        if groups.IsEmpty then
            Ok(m, [])
        elif m.Claims |> List.forall (fun c -> match c.Subject with Lipschitz _ | Radius(_, None) -> false | _ -> true) then
            Error Problem.NothingToSolve
        else
            let derivation = Derive.model catalog [] m
            let program = derivation.Program
            // rounded throughout: the same to some sixty bits; and nothing that no claim needs
            let needed = Dataflow.prune (fun _ -> true) program
            let rounded = Evaluate.preparedAtBounds (ExactFirst.arithmetic 0) needed
            let caps (choice: string -> Rational) = Caps.redeclared (fun path -> closed choice derivation.Owners[path])
            let exact choice = found m program (Evaluate.atBounds (ExactFirst.arithmetic ExactFirst.defaultEffort) (caps choice) program)
            let satisfied = List.forall (fun (c: Claim, b) -> meets c.Relation b c.Limit)
            let at (choice: Map<string, int>) (g: string) = value choice[g]
            let rough choice = satisfied (found m needed (rounded (caps (at choice))))
            let holds choice = satisfied (exact (at choice))
            let together (i: int) : Map<string, int> = (Map.empty, groups) ||> List.fold (fun choice g -> Map.add g i choice)
            let common = greatest (together >> rough) (together >> holds) -1

            if common < 0 then
                let least = close (fun _ -> value 0) m
                let d = Derive.model catalog [] least
                let claim, bound = exact (fun _ -> value 0) |> List.find (fun (c, b) -> not (meets c.Relation b c.Limit))
                Error(Problem.Infeasible(claim.Written, $"with every open cap at a millionth the bound is still {UpperText.toDecimal 5 bound}" + Blame.text d claim))
            else
                let chosen =
                    (together common, groups)
                    ||> List.fold (fun choice g ->
                        if groups.Length = 1 then
                            choice
                        else
                            let grown (i: int) = Map.add g i choice
                            Map.add g (greatest (grown >> rough) (grown >> holds) choice[g]) choice)

                Ok(close (fun g -> value chosen[g]) m, groups |> List.map (fun g -> g, value chosen[g]))
