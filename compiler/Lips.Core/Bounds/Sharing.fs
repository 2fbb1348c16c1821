namespace Lips.Core

open System.Collections.Generic

/// Names for what a program says more than once, so that its printed form says it once. Values stay what they were to the
/// last bit: the same operations run on the same operands.
[<RequireQualifiedAccess>]
module Sharing =

    /// The node itself over other children: the constructors that fold would change the operations.
    let private over f b =
        match b with
        | Bound.Infinity
        | Bound.Const _
        | Bound.Measured _
        | Bound.Var _ -> b
        | Bound.Add(x, y) ->
            let x = f x
            Bound.Add(x, f y)
        | Bound.Mul(x, y) ->
            let x = f x
            Bound.Mul(x, f y)
        | Bound.Min items -> Bound.Min(List.map f items)
        | Bound.Max items -> Bound.Max(List.map f items)
        | Bound.Power(x, n) -> Bound.Power(f x, n)
        | Bound.Sqrt x -> Bound.Sqrt(f x)
        | Bound.Apply(fn, x) -> Bound.Apply(fn, f x)
        | Bound.SumOver(n, x) -> Bound.SumOver(n, f x)
        | Bound.MaxOver(n, x) -> Bound.MaxOver(n, f x)

    /// About how long it is to read: a name is 1, a norm with its weight's path 4.
    let rec private length b =
        match b with
        | Bound.Measured _ -> 4
        | _ -> 1 + List.sumBy length (Bound.children b)

    /// What reads the head of an enclosing sum has no name outside it.
    let private worthNaming b = length b >= 4 && not (Bound.readsHead b)

    let rec private largestId statements =
        statements
        |> List.map (function
            | Let(id, _, _) -> id
            | Loop l -> List.max (largestId l.Body :: List.map fst l.Carried @ l.Results))
        |> List.fold max 0

    /// "blocks.{i}.attention: token to token" is about "blocks.{i}.attention".
    let private subject (comment: string) =
        match comment.IndexOf ": " with
        | -1 -> ""
        | i -> comment.Substring(0, i) + ": shared"

    let rec private scope (fresh: unit -> int) (statements: Statement list) (last: Bound list) =
        let times = Dictionary<Bound, int>(HashIdentity.Structural)

        let rec count b =
            if worthNaming b then
                match times.TryGetValue b with
                | true, n -> times[b] <- n + 1
                | _ ->
                    times[b] <- 1
                    Bound.children b |> List.iter count
            else
                Bound.children b |> List.iter count

        for s in statements do
            match s with
            | Let(_, b, _) -> count b
            | Loop l -> l.Carried |> List.iter (snd >> count)

        List.iter count last
        let named = Dictionary<Bound, int>(HashIdentity.Structural)
        let out = List<Statement>()

        let rec rewrite comment b =
            match named.TryGetValue b, times.TryGetValue b with
            | (true, id), _ -> Bound.Var id
            | _, (true, n) when n > 1 ->
                let value = over (rewrite comment) b
                let id = fresh ()
                named[b] <- id
                out.Add(Let(id, value, comment))
                Bound.Var id
            | _ -> over (rewrite comment) b

        for s in statements do
            match s with
            | Let(id, b, comment) when named.ContainsKey b -> out.Add(Let(id, Bound.Var named[b], comment))
            | Let(id, b, comment) ->
                let value = over (rewrite (subject comment)) b
                if times.ContainsKey b then named[b] <- id
                out.Add(Let(id, value, comment))
            | Loop l ->
                let carried = [ for id, b in l.Carried -> id, rewrite "" b ]
                let body, next = scope fresh l.Body l.Next
                out.Add(Loop { l with Carried = carried; Body = body; Next = next })

        let last = List.map (rewrite "") last
        List.ofSeq out, last

    /// The program with every repeated subexpression bound to a name before its first use; results are left as they are.
    let share (program: Program) =
        let used = [| largestId program.Statements |]

        let fresh () =
            used.[0] <- used.[0] + 1
            used.[0]

        { program with Statements = scope fresh program.Statements [] |> fst }
