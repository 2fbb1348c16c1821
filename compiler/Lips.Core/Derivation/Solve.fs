namespace Lips.Core

open System.Numerics

/// Chooses caps left open (`rms_cap(auto)`): the largest, to five digits, with which every claim still holds.
/// Bounds are monotone in every cap, so a search over a grid finds them; the answer is checked by deriving again.
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

    /// The model with each open cap at `choice group · prefer`.
    let private close (choice: string -> Rational) (m: Model) =
        m
        |> mapModel (fun w ->
            match w.Constraint with
            | AutoCapped(c, a) -> { w with Constraint = Capped { c with Limit = choice a.Group * a.Prefer } }
            | _ -> w)

    let private meets (relation: Syntax.Relation) (bound: Upper) limit =
        match relation with
        | Syntax.AtMost -> bound.IsAtMost limit
        | Syntax.Below -> bound.IsAtMost limit && bound.CompareTo limit <> 0
        | Syntax.AtLeast
        | Syntax.Exactly -> false

    /// The claims of a derivation's bounds, with what they find at its model's caps.
    let private found (m: Model) (d: Derivation) : (Claim * Upper) list =
        let values = Evaluate.atCaps (ExactFirst.arithmetic ExactFirst.defaultEffort) None d.Program
        let table = List.zip (d.Program.Results |> List.map fst) (values |> Array.map (fun n -> n.Upper) |> List.ofArray)
        let find name = table |> List.tryFind (fun (n, _) -> n = name) |> Option.map snd |> Option.defaultValue Upper.Infinity

        m.Claims
        |> List.choose (fun c ->
            match c.Subject with
            | Lipschitz(a, b) -> Some(c, find (string { From = a; Into = b; Norms = c.Norms }))
            | Radius(point, None) -> Some(c, find $"radius({point})")
            | Radius(_, Some _)
            | Parameters
            | Macs -> None)

    let private findings catalog (m: Model) = found m (Derive.model catalog [] m)

    let private satisfied catalog m = findings catalog m |> List.forall (fun (c, b) -> meets c.Relation b c.Limit)

    /// The greatest index at which `holds`; −1 if none. `holds` is true up to some index and false beyond it.
    let private greatest (holds: int -> bool) =
        let rec search low high =
            // holds low (or low = −1), fails high (or high = size)
            if high - low <= 1 then
                low
            else
                let middle = (low + high) / 2
                if holds middle then search middle high else search low middle

        search -1 size

    /// Closes a model's open caps. First all groups grow together; then each in turn as far as the others let it.
    /// Returns the model with the caps chosen, or why there are none.
    let model catalog (m: Model) : Result<Model * (string * Rational) list, Problem> =
        let groups = groups m

        if groups.IsEmpty then
            Ok(m, [])
        elif findings catalog (close (fun _ -> value 0) m) |> List.isEmpty then
            Error Problem.NothingToSolve
        else
            let holds (choice: Map<string, int>) = satisfied catalog (close (fun g -> value choice[g]) m)
            let together i = groups |> List.map (fun g -> g, i) |> Map.ofList
            let common = greatest (together >> holds)

            if common < 0 then
                let least = close (fun _ -> value 0) m
                let d = Derive.model catalog [] least
                let claim, bound = found least d |> List.find (fun (c, b) -> not (meets c.Relation b c.Limit))
                Error(Problem.Infeasible(claim.Written, $"with every open cap at a millionth the bound is still {UpperText.toDecimal 5 bound}" + Blame.text d claim))
            else
                let chosen =
                    groups
                    |> List.fold
                        (fun (choice: Map<string, int>) g ->
                            if groups.Length = 1 then choice
                            else Map.add g (max choice[g] (greatest (fun i -> holds (Map.add g i choice)))) choice)
                        (together common)

                Ok(close (fun g -> value chosen[g]) m, groups |> List.map (fun g -> g, value chosen[g]))
