namespace Lips.Core

open System.Collections.Generic

/// What a bound is asked for: how far `Into` moves when `From` moves.
type Query =
    { From: string
      Into: string
      Norms: Norm * Norm }

    /// `lipschitz(x -> logits) in rms`, as reports print it.
    override this.ToString() =
        let a, b = this.Norms
        let norms = if a = b then string a else string a + " -> " + string b
        // concatenated: the first use of a format costs a cold process more than the rest of this file
        "lipschitz(" + this.From + " -> " + this.Into + ") in " + norms

/// One use of one rule.
type Step =
    { /// The layer's path; `{i}` stands for the index of a folded repeat.
      Path: string
      Layer: Layer
      /// Indices of the folded repeats around it, outermost first, with their counts.
      Loops: (string * int64) list
      Rule: string
      /// Rules that applied, each with its constant: the least was taken.
      Candidates: (string * Bound) list
      Needs: Need list
      Before: Space
      After: Space }

/// A model's bound as data: the program that computes it, and the steps that justify it.
type Derivation =
    { /// Every value of every step; pruned copies serve generated code.
      Program: Program
      Steps: Step list
      /// One per claim of a Lipschitz constant, in order, then the questions asked from outside. The name of the
      /// program's result is the query's text.
      Queries: Query list
      /// The value at every named point outside of folded repeats, and after each iteration's end at the repeat's name.
      Points: Map<string, Space>
      /// Where token ids become vectors: the step's path, and the largest distance of two of its vectors (ℓ2).
      Embeddings: (string * Bound) list
      /// The weights whose norms the program reads, by the path a measure has.
      Owners: IReadOnlyDictionary<string, Weight>
      Output: string }

/// Programs as dataflow.
[<RequireQualifiedAccess>]
module Dataflow =

    let rec private variables b =
        match b with
        | Bound.Infinity
        | Bound.Const _
        | Bound.Measured _ -> Set.empty
        | Bound.Var id -> Set.singleton id
        | Bound.Add(x, y)
        | Bound.Mul(x, y) -> Set.union (variables x) (variables y)
        | Bound.Min items
        | Bound.Max items -> items |> List.map variables |> Set.unionMany
        | Bound.Power(x, _)
        | Bound.Sqrt x
        | Bound.Apply(_, x)
        | Bound.SumOver(_, x)
        | Bound.MaxOver(_, x) -> variables x

    /// The statements that `needed` depends on, and the variables they in turn need from before.
    let rec private live statements needed =
        List.foldBack
            (fun statement (kept, needed) ->
                match statement with
                | Let(id, value, _) ->
                    if Set.contains id needed then
                        statement :: kept, Set.union (Set.remove id needed) (variables value)
                    else
                        kept, needed
                | Loop loop ->
                    let slots = List.zip3 loop.Carried loop.Next loop.Results
                    let wanted = slots |> List.filter (fun (_, _, r) -> Set.contains r needed) |> List.map (fun ((id, _), _, _) -> id) |> Set.ofList

                    if wanted.IsEmpty then
                        kept, needed
                    else
                        // a carried value is live if its result is, or if the next round of a live one reads it
                        let carried = loop.Carried |> List.map fst |> Set.ofList

                        let rec settle wanted =
                            let nexts = slots |> List.filter (fun ((id, _), _, _) -> Set.contains id wanted) |> List.map (fun (_, n, _) -> variables n) |> Set.unionMany
                            let body, reads = live loop.Body nexts
                            let more = Set.union wanted (Set.intersect carried reads)
                            if more = wanted then wanted, body, reads else settle more

                        let wanted, body, reads = settle wanted
                        let slots = slots |> List.filter (fun ((id, _), _, _) -> Set.contains id wanted)

                        let initial = slots |> List.map (fun ((_, v), _, _) -> variables v) |> Set.unionMany
                        let outside = Set.difference reads carried
                        let results = slots |> List.map (fun (_, _, r) -> r) |> Set.ofList

                        Loop
                            { loop with
                                Carried = slots |> List.map (fun (c, _, _) -> c)
                                Body = body
                                Next = slots |> List.map (fun (_, n, _) -> n)
                                Results = slots |> List.map (fun (_, _, r) -> r) }
                        :: kept,
                        Set.unionMany [ Set.difference needed results; initial; outside ])
            statements
            ([], needed)

    /// The program without what none of the named results needs.
    let prune (keep: string -> bool) (program: Program) : Program =
        let results = program.Results |> List.filter (fun (n, _) -> keep n)
        let needed = results |> List.map (fun (_, b) -> variables b) |> Set.unionMany
        { Statements = fst (live program.Statements needed); Results = results }
