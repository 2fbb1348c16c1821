namespace Lips.Core

open System.Collections.Generic

/// A program with its values in slots and its expressions as objects, for one arithmetic.
module internal PreparedProgram =

    /// Rounds of all loops together after which what a loop carries is taken to be ∞: a guard against
    /// `repeat 10^12`, which no rule needs since a fixed point ends a loop early.
    let roundLimit = 1_000_000L

    [<AbstractClass>]
    type private Node<'n>() =
        abstract Value: unit -> 'n

    /// What measures are worth.
    type Measures<'n> =
        /// A value for good.
        | Fixed of (Measure -> 'n)
        /// A value that may change from one evaluation to the next.
        | Held of (Measure -> 'n ref)
        /// A value that may change with the indices and the head.
        | Varying of (Measure -> LoopIndices -> int option -> 'n)

    /// Where a statement finds what it reads.
    type private Scope<'n> =
        { Values: 'n[]
          /// Counts the changes of each value; a statement whose inputs have not changed is not evaluated again.
          Changes: int64[]
          Slots: Dictionary<int, int>
          IndexNames: string[]
          IndexValues: int64[] }

    let private node (f: unit -> 'n) =
        { new Node<'n>() with
            member _.Value() = f () }

    let private constant (value: 'n) =
        { new Node<'n>() with
            member _.Value() = value }

    type private Compiler<'n>
        (
            arithmetic: Arithmetic<'n>,
            measures: Measures<'n>,
            observe: (int -> LoopIndices -> 'n -> unit) option,
            scope: Scope<'n>
        ) =

        let add = OptimizedClosures.FSharpFunc<_, _, _>.Adapt arithmetic.Add
        let multiply = OptimizedClosures.FSharpFunc<_, _, _>.Adapt arithmetic.Multiply
        let least = OptimizedClosures.FSharpFunc<_, _, _>.Adapt arithmetic.Min
        let largest = OptimizedClosures.FSharpFunc<_, _, _>.Adapt arithmetic.Max
        let power = OptimizedClosures.FSharpFunc<_, _, _>.Adapt arithmetic.Power
        let same = OptimizedClosures.FSharpFunc<_, _, _>.Adapt arithmetic.Same
        let zero = arithmetic.OfRational Rational.Zero
        let mutable rounds = 0L

        let slot id =
            match scope.Slots.TryGetValue id with
            | true, s -> s
            | _ -> invalidOp ("the bound reads value " + string id + ", which nothing binds")

        let indices depth : LoopIndices =
            [ for d in 0 .. depth - 1 -> scope.IndexNames.[d], scope.IndexValues.[d] ]

        let store (s: int) (value: 'n) =
            if scope.Changes.[s] = 0L || not (same.Invoke(scope.Values.[s], value)) then
                scope.Values.[s] <- value
                scope.Changes.[s] <- scope.Changes.[s] + 1L

        /// Does a path name one of the first `depth` indices?
        let readsIndex depth (weight: string) =
            Seq.exists (fun d -> weight.Contains("{" + scope.IndexNames.[d] + "}")) (seq { 0 .. depth - 1 })

        let areVarying = (match measures with Varying _ -> true | Fixed _ | Held _ -> false)

        /// Does the value change with an index or head although its variables do not?
        let rec varies depth (b: Bound) =
            match b with
            | Bound.Measured m -> readsIndex depth m.Weight
            | Bound.Infinity
            | Bound.Const _
            | Bound.Var _ -> false
            | Bound.Add(x, y)
            | Bound.Mul(x, y) -> varies depth x || varies depth y
            | Bound.Min items
            | Bound.Max items -> List.exists (varies depth) items
            | Bound.Power(x, _)
            | Bound.Sqrt x
            | Bound.Apply(_, x)
            | Bound.SumOver(_, x)
            | Bound.MaxOver(_, x) -> varies depth x

        /// Adds the slots that an expression reads, each once.
        let rec variables (found: List<int>) (b: Bound) =
            match b with
            | Bound.Var id ->
                let s = slot id
                if not (found.Contains s) then found.Add s
            | Bound.Infinity
            | Bound.Const _
            | Bound.Measured _ -> ()
            | Bound.Add(x, y)
            | Bound.Mul(x, y) ->
                variables found x
                variables found y
            | Bound.Min items
            | Bound.Max items ->
                for item in items do
                    variables found item
            | Bound.Power(x, _)
            | Bound.Sqrt x
            | Bound.Apply(_, x)
            | Bound.SumOver(_, x)
            | Bound.MaxOver(_, x) -> variables found x

        /// `head` holds the index of the innermost sum or maximum, −1 outside.
        let rec expression (depth: int) (head: int ref) (b: Bound) : Node<'n> =
            let recurse = expression depth head

            match b with
            | Bound.Infinity -> constant arithmetic.Infinity
            | Bound.Const c -> constant (arithmetic.OfRational c)
            | Bound.Measured m ->
                match measures with
                | Fixed value -> constant (value m)
                | Held cell ->
                    let cell = cell m

                    { new Node<'n>() with
                        member _.Value() = cell.Value }
                | Varying measure ->
                    let measure = measure m
                    let perHead = m.Functional.IsPerHead
                    let at () = if perHead && head.Value >= 0 then Some head.Value else None

                    if readsIndex depth m.Weight then
                        node (fun () -> measure (indices depth) (at ()))
                    elif perHead then
                        // Index-free: one value per head.
                        let known = Dictionary<int, 'n>()

                        node (fun () ->
                            match known.TryGetValue head.Value with
                            | true, value -> value
                            | _ ->
                                let value = measure [] (at ())
                                known.[head.Value] <- value
                                value)
                    else
                        constant (measure [] None)
            | Bound.Var id ->
                let s = slot id
                let values = scope.Values

                { new Node<'n>() with
                    member _.Value() = values.[s] }
            | Bound.Add(x, y) ->
                let x, y = recurse x, recurse y

                { new Node<'n>() with
                    member _.Value() = add.Invoke(x.Value(), y.Value()) }
            | Bound.Mul(x, y) ->
                let x, y = recurse x, recurse y

                { new Node<'n>() with
                    member _.Value() = multiply.Invoke(x.Value(), y.Value()) }
            | Bound.Min items -> fold least arithmetic.Infinity (List.map recurse items)
            | Bound.Max items -> fold largest zero (List.map recurse items)
            | Bound.Power(x, n) ->
                let x = recurse x
                node (fun () -> power.Invoke(x.Value(), n))
            | Bound.Sqrt x ->
                let x = recurse x
                node (fun () -> arithmetic.Sqrt(x.Value()))
            | Bound.Apply(fn, x) ->
                let x = recurse x
                let f = arithmetic.Apply fn
                node (fun () -> f (x.Value()))
            | Bound.SumOver(count, x) -> heads depth add count x
            | Bound.MaxOver(count, x) -> heads depth largest count x

        and fold (combine: OptimizedClosures.FSharpFunc<_, _, _>) empty items =
            match items with
            | [] -> constant empty
            | first :: rest ->
                let rest = Array.ofList rest

                node (fun () ->
                    let mutable value = first.Value()

                    for item in rest do
                        value <- combine.Invoke(value, item.Value())

                    value)

        and heads depth combine count x =
            let head = ref -1
            let x = expression depth head x

            node (fun () ->
                let mutable value = zero

                for h in 0 .. count - 1 do
                    head.Value <- h
                    let item = x.Value()
                    value <- if h = 0 then item else combine.Invoke(value, item)

                value)

        let rec statement (depth: int) (s: Statement) : unit -> unit =
            match s with
            | Let(id, b, _) ->
                let target = slot id
                let always = areVarying && varies depth b
                let inputs = (let found = List<int>() in variables found b; found.ToArray())
                let seen = Array.create inputs.Length -1L
                let value = expression depth (ref -1) b

                fun () ->
                    let mutable stale = always || scope.Changes.[target] = 0L

                    for i in 0 .. inputs.Length - 1 do
                        let change = scope.Changes.[inputs.[i]]

                        if seen.[i] <> change then
                            seen.[i] <- change
                            stale <- true

                    if stale then
                        store target (value.Value())

                    match observe with
                    | Some f -> f id (indices depth) scope.Values.[target]
                    | None -> ()
            | Loop loop -> repetition depth loop

        and repetition depth loop =
            scope.IndexNames.[depth] <- loop.Index
            let carriedIds = loop.Carried |> List.map fst
            let carried = carriedIds |> List.map slot |> Array.ofList
            let initial = loop.Carried |> List.map (snd >> expression depth (ref -1)) |> Array.ofList
            let inner = depth + 1
            let next = loop.Next |> List.map (expression inner (ref -1)) |> Array.ofList
            let body = loop.Body |> List.map (statement inner) |> Array.ofList
            let results = loop.Results |> List.map slot |> Array.ofList

            if next.Length <> carried.Length || results.Length <> carried.Length then
                invalidOp "a loop has one next value and one result for each value it carries"

            let indexed = areVarying && dependsOnIndex loop
            let values = Array.create carried.Length zero

            fun () ->
                let starts = initial |> Array.map (fun x -> x.Value())
                Array.iteri (fun i x -> store carried.[i] x) starts
                let mutable i = 0L
                let mutable go = true

                while go && i < loop.Count do
                    rounds <- rounds + 1L

                    if rounds > roundLimit then
                        for c in carried do
                            store c arithmetic.Infinity

                        go <- false
                    else
                        scope.IndexNames.[depth] <- loop.Index
                        scope.IndexValues.[depth] <- i
                        tell inner carriedIds carried

                        for s in body do
                            s ()

                        for k in 0 .. next.Length - 1 do
                            values.[k] <- next.[k].Value()

                        let mutable moved = false

                        for k in 0 .. next.Length - 1 do
                            let before = scope.Changes.[carried.[k]]
                            store carried.[k] values.[k]
                            moved <- moved || scope.Changes.[carried.[k]] <> before

                        // A fixed point of a round that does not read its index stays one.
                        go <- moved || indexed
                        i <- i + 1L

                for k in 0 .. results.Length - 1 do
                    store results.[k] scope.Values.[carried.[k]]

                tell depth loop.Results results

        /// What a loop holds before a round, and after the last.
        and tell depth (ids: int list) (slots: int[]) =
            match observe with
            | Some f -> ids |> List.iteri (fun k id -> f id (indices depth) scope.Values.[slots.[k]])
            | None -> ()

        and dependsOnIndex (loop: Loop) =
            let name = "{" + loop.Index + "}"
            let reads b = Bound.measuresOf b |> List.exists (fun m -> m.Weight.Contains name)

            let rec any s =
                match s with
                | Let(_, b, _) -> reads b
                | Loop l -> List.exists (snd >> reads) l.Carried || List.exists any l.Body || List.exists reads l.Next

            List.exists any loop.Body || List.exists reads loop.Next

        /// The program as a function that may be called more than once.
        member _.Compile(program: Program) : unit -> 'n[] =
            let statements = program.Statements |> List.map (statement 0) |> Array.ofList
            let results = program.Results |> List.map (fun (_, b) -> expression 0 (ref -1) b) |> Array.ofList

            fun () ->
                rounds <- 0L
                // nothing has been evaluated
                System.Array.Clear(scope.Changes, 0, scope.Changes.Length)

                for s in statements do
                    s ()

                results |> Array.map (fun r -> r.Value())

    let private scopeOf (infinity: 'n) (program: Program) : Scope<'n> =
        let slots = Dictionary<int, int>()

        let bind id =
            if not (slots.ContainsKey id) then
                slots.[id] <- slots.Count

        let rec visit depth s =
            match s with
            | Let(id, _, _) ->
                bind id
                depth
            | Loop loop ->
                loop.Carried |> List.iter (fst >> bind)
                let inner = loop.Body |> List.map (visit (depth + 1)) |> List.fold max (depth + 1)
                loop.Results |> List.iter bind
                inner

        let depth = program.Statements |> List.map (visit 0) |> List.fold max 0

        { Values = Array.create slots.Count infinity
          Changes = Array.zeroCreate slots.Count
          Slots = slots
          IndexNames = Array.create depth ""
          IndexValues = Array.zeroCreate depth }

    /// The program as a function that may be called more than once; it gives the results in order. `observe` is told what
    /// `Evaluate.run` tells.
    let prepare
        (arithmetic: Arithmetic<'n>)
        (measures: Measures<'n>)
        (observe: (int -> LoopIndices -> 'n -> unit) option)
        (program: Program)
        : unit -> 'n[] =
        Compiler(arithmetic, measures, observe, scopeOf arithmetic.Infinity program).Compile program
