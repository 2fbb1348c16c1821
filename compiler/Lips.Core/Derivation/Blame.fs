namespace Lips.Core

open System.Collections.Generic

/// Which step of a derivation stands in the way of a claim.
[<RequireQualifiedAccess>]
module internal Blame =

    let rec private substitute (value: int -> Upper) (b: Bound) : Bound =
        let recurse = substitute value

        match b with
        | Bound.Var id ->
            match (value id).TryRational with
            | Some r -> Bound.ofRational r
            | None -> Bound.Infinity
        | Bound.Add(x, y) -> recurse x + recurse y
        | Bound.Mul(x, y) -> recurse x * recurse y
        | Bound.Min items -> Bound.min (items |> List.map recurse)
        | Bound.Max items -> Bound.max (items |> List.map recurse)
        | Bound.Power(x, n) -> Bound.Power(recurse x, n)
        | Bound.Sqrt x -> Bound.sqrt (recurse x)
        | Bound.Apply(f, x) -> Bound.Apply(f, recurse x)
        | Bound.Const _
        | Bound.Infinity
        | Bound.Measured _
        | Bound.SumOver _
        | Bound.MaxOver _ -> b

    /// A quotient of values rounded up may lie a little above the true one: no bound is made of it, so this much is taken off.
    let private noise = Upper.OfRational(Rational.One - Rational.PowerOfTwo -40)

    /// What each step multiplies a query's constant by at caps, in the query's norms; in a repeat, in its last round.
    let factors (d: Derivation) (q: Query) : (Step * Upper) list =
        let last = Dictionary<int, Upper>()
        Evaluate.atCaps Evaluate.upper (Some(fun id _ v -> last[id] <- v)) d.Program |> ignore
        let known id = (match last.TryGetValue id with | true, v -> v | _ -> Upper.Infinity)

        let constant (s: Space) =
            Map.tryFind q.From s.Constants
            |> Option.map (fun (source, c) ->
                let b = Space.read (fst q.Norms) (snd q.Norms) source s.Shape c
                (Evaluate.atCaps Evaluate.upper None { Statements = []; Results = [ "", substitute known b ] })[0])

        d.Steps
        |> List.choose (fun s ->
            match constant s.Before, constant s.After with
            | Some before, Some after when not before.IsZero && not before.IsInfinity -> Some(s, after / before * noise)
            | _ -> None)

    /// The end of a sentence that says what a claim's bound is: the step that alone exceeds the claim, or the largest.
    let text (d: Derivation) (claim: Claim) : string =
        match claim.Subject with
        | Lipschitz(a, b) ->
            match factors d { From = a; Into = b; Norms = claim.Norms } with
            | [] -> ""
            | all ->
                let shown (s: Step, f: Upper) = if f.IsInfinity then $"'{s.Path}' has no finite constant" else $"'{s.Path}' multiplies distances by up to {UpperText.toDecimal 5 f}"
                let limit = Upper.OfRational claim.Limit

                match all |> List.filter (fun (_, f) -> f > limit) with
                | [] -> $"; no step alone exceeds the claim, and {shown (List.maxBy snd all)}, the most of all"
                | [ one ] -> $"; {shown one}, which alone exceeds the claim"
                | several -> $"; {shown (List.maxBy snd several)}, which alone exceeds the claim" + (if several.Length = 2 then " (as does one more)" else $" (as do {several.Length - 1} more)")
        | Radius _
        | Parameters
        | Macs -> ""
