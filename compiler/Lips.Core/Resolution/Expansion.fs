namespace Lips.Core

open System.Collections.Generic
open Lips.Core.Syntax

/// Blocks, loops and layers of a body, expanded in order: names get values, hyperparameters and shapes are checked.
module internal Expansion =
    open Expressions
    open Scope

    /// Expands the statements of a body in order; returns the terms and the shape after them.
    let rec expandBody (state: State) (scope: Scope) (body: Body) (shape: Shape) : Term list * Shape =
        let mutable scope = scope
        let mutable shape = shape
        let terms = ResizeArray<Term>()

        for statement in body.Statements do
            state.Guard((), fun () ->
                match statement.Node with
                | StatementNode.Let(name, e) ->
                    scope <- { scope with Names = Map.add name.Text (Known(evaluateIn scope shape e)) scope.Names }
                | Weights _ -> scope <- scopeAfter state scope statement shape
                | Input(_, call) -> fault call.Span (Problem.Unexpected("an input inside a block or repeat", [ "a layer" ], Some "Inputs stand at the top of a model."))
                | StatementNode.Claim c -> fault c.Span (Problem.Unexpected("a claim inside a block or repeat", [ "a layer" ], Some "Claims stand at the top level of a model."))
                | Recipe _ -> fault statement.Span (Problem.Unexpected("a recipe inside a block or repeat", [ "a layer" ], Some "The recipe stands at the top level of a model."))
                | For(index, first, last, inner) ->
                    let i = asInteger first.Span "the first index" (evaluateIn scope shape first)
                    let j = asInteger last.Span "the last index" (evaluateIn scope shape last)
                    let mutable k = i
                    state.Foresee(1L, j - i, statement.Span)

                    while k < j do
                        state.Step statement.Span
                        let names = Map.add index.Text (Known(Value.Number(Rational.OfInt k))) scope.Names
                        let inside, after = expandBody state { scope with Names = names } inner shape
                        terms.AddRange inside
                        shape <- after
                        k <- k + 1L
                | If(test, whenTrue, whenFalse) ->
                    match evaluateIn scope shape test, whenFalse with
                    | Flag true, _ ->
                        let inside, after = expandBody state scope whenTrue shape
                        terms.AddRange inside
                        shape <- after
                    | Flag false, Some other ->
                        let inside, after = expandBody state scope other shape
                        terms.AddRange inside
                        shape <- after
                    | Flag false, None -> ()
                    | other, _ -> fault test.Span (Problem.WrongValue("this condition", "true or false", describe other))
                | Step(point, node) ->
                    let term, after = expandNode state scope point node statement.Span shape
                    terms.Add term
                    shape <- after)

        List.ofSeq terms, shape

    and expandNode (state: State) (scope: Scope) (point: Name option) (node: Node) span (shape: Shape) : Term * Shape =
        match node with
        | Node.From(path, _) -> fault path.Span (Problem.Unexpected("'from' inside a block or repeat", [ "a layer" ], Some "Chains that read an input stand at the top level of a model."))
        | Node.Repeat(count, index, body) ->
            claimName state scope point
            let n = asInteger count.Span "the count of a repeat" (evaluateIn scope shape count)

            if n < 0L then
                fault count.Span (Problem.WrongValue("the count of a repeat", "a whole number of at least 0", string n))

            expandRepeat state scope point span n index body shape
        | Node.Layer(call, body) -> expandCall state scope point call body shape

    and expandRepeat state scope point span n index body shape =
        let name = (match point with Some p -> p.Text | None -> scope.Group.Take "repeat")
        let inner i = { scope with Group = Names(); Prefix = scope.Prefix + name + "[" + i + "]." }
        let usesIndex = (match index with Some i -> bodyMentions i.Text body | None -> false)

        let indexed (i: int64) (s: Scope) =
            match index with
            | Some name -> { s with Names = Map.add name.Text (Known(Value.Number(Rational.OfInt i))) s.Names }
            | None -> s

        if n = 0L then
            mark state scope point shape (Chain []), shape
        else
            let before = state.Points.Count
            let steps = state.Steps
            let terms, after = expandBody state (inner "0" |> indexed 0L) body shape

            if not usesIndex && after = shape then
                // the evaluators run every round
                if n > expansionLimit then fault span (Problem.ExpansionTooLarge expansionLimit)
                // points inside a folded body have one place per iteration; they are read with an index or not at all
                state.Points.RemoveRange(before, state.Points.Count - before)
                mark state scope point shape (Term.Repeat { Name = name; Count = n; Body = Chain terms }), shape
            else
                state.Foresee(state.Steps - steps + 1L, n - 1L, span)
                let start = shape
                let mutable shape = after
                let iterations = ResizeArray<Term>([ Term.Group("0", Chain terms) ])
                state.Points.Add(scope.Prefix + name + "[0]", after)
                let mutable i = 1L

                while i < n do
                    state.Step span
                    let terms, after = expandBody state (inner (string i) |> indexed i) body shape
                    iterations.Add(Term.Group(string i, Chain terms))
                    shape <- after
                    state.Points.Add(scope.Prefix + name + "[" + string i + "]", after)
                    i <- i + 1L

                let bodies = iterations |> Seq.map (function Term.Group(_, b) -> b | t -> t) |> List.ofSeq
                let named = state.Points.Count - before > int n

                match (if named || shape <> start then None else Folding.body state.Catalog bodies) with
                | Some body ->
                    state.Points.RemoveRange(before, state.Points.Count - before)
                    mark state scope point shape (Term.Repeat { Name = name; Count = n; Body = body }), shape
                | None -> mark state scope point shape (Term.Group(name, Chain(List.ofSeq iterations))), shape

    and expandCall state scope point call body shape =
        match Map.tryFind call.Kind.Text scope.Names with
        | Some(LayerArgument(kind, arguments, captured)) ->
            // arguments at the place of use beat those given with the layer
            let labels (a: Argument) = a.Label |> Option.map (fun p -> p.Parts |> List.map (function Field n -> n.Text | Item _ -> ""))
            let local = defaultArg call.Arguments []
            let kept = arguments |> List.filter (fun a -> a.Label.IsNone || not (local |> List.exists (fun l -> labels l = labels a)))
            // the captured scope gives the arguments their meaning; local ones are evaluated here
            let evaluated =
                local
                |> List.map (fun a -> a)

            let names = Map.fold (fun m k v -> if Map.containsKey k m then m else Map.add k v m) captured scope.Names
            let call' = { call with Kind = { kind with Span = call.Kind.Span }; Arguments = Some(kept @ evaluated) }
            expandCall state { scope with Names = names |> Map.remove call.Kind.Text } point call' body shape
        | Some(Known(Choice(name, arguments))) when arguments.IsEmpty && (Map.containsKey name state.Catalog || Map.containsKey name state.Blocks) ->
            expandCall state scope point { call with Kind = { call.Kind with Text = name } } body shape
        | Some(Known _) ->
            fault call.Kind.Span (Problem.UnknownLayer(call.Kind.Text, []))
        | None ->
            match Map.tryFind call.Kind.Text state.Blocks with
            | Some block ->
                if body.IsSome then fault call.Span (Problem.BodyMismatch(call.Kind.Text, false))
                expandBlock state scope point call block shape
            | None ->
                match Map.tryFind call.Kind.Text state.Catalog with
                | Some kind -> expandLayer state scope point call kind body shape
                | None ->
                    let known = Seq.append (Map.keys state.Catalog) (Map.keys state.Blocks)
                    fault call.Kind.Span (Problem.UnknownLayer(call.Kind.Text, Nearest.names known call.Kind.Text))

    and expandLayer state scope point call kind body shape =
        match kind.TakesBody, body with
        | true, None -> fault call.Span (Problem.BodyMismatch(kind.Name, true))
        | false, Some _ -> fault call.Span (Problem.BodyMismatch(kind.Name, false))
        | _ -> ()

        claimName state scope point
        let name = point |> Option.map (fun p -> p.Text)

        match body with
        | None ->
            let layer = makeLayer state scope shape kind call name true
            mark state scope point layer.Output (Apply layer), layer.Output
        | Some b when kind.Name = "stack" ->
            // a stack is its contents, under a name if it has one
            match point with
            | Some p ->
                let inner = { scope with Group = Names(); Prefix = scope.Prefix + p.Text + "." }
                let terms, after = expandBody state inner b shape
                mark state scope point after (Term.Group(p.Text, Chain terms)), after
            | None ->
                let terms, after = expandBody state scope b shape
                Chain terms, after
        | Some b ->
            let layer = makeLayer state scope shape kind call name true
            let terms, after = expandBody state scope b shape

            if after <> shape && not state.Poisoned then
                fault call.Span (Problem.ResidualChangesShape(describeShape shape, describeShape after))

            mark state scope point layer.Output (Enclose(layer, Chain terms)), layer.Output

    and expandBlock state scope point call block shape =
        let name = call.Kind.Text

        if List.contains name scope.Stack then
            fault call.Span (Problem.RecursiveBlock(scope.Stack @ [ name ]))

        claimName state scope point
        let names = bindParameters state scope shape name block.Parameters (defaultArg call.Arguments []) call.Span

        let group, prefix =
            match point with
            | Some p -> Names(), scope.Prefix + p.Text + "."
            | None -> scope.Group, scope.Prefix

        let inner =
            { scope with
                Names = names
                Group = group
                Prefix = prefix
                Stack = scope.Stack @ [ name ] }

        state.Step call.Span
        let path = state.Path
        state.Path <- block.Path
        let terms, after = (try expandBody state inner block.Body shape finally state.Path <- path)

        match point with
        | Some p -> mark state scope point after (Term.Group(p.Text, Chain terms)), after
        | None -> Chain terms, after

    /// The scope of a block or model: its parameters, given or default, and nothing of the caller's.
    and bindParameters state (scope: Scope) shape owner (parameters: Parameter list) (arguments: Argument list) span : Environment =
        let names = parameters |> List.map (fun p -> p.Name.Text)
        let positional = arguments |> List.filter (fun a -> a.Label.IsNone)

        if positional.Length > parameters.Length then
            fault positional[parameters.Length].Span (Problem.TooManyPositional(owner, positional.Length, names))

        for a in arguments do
            match a.Label with
            | Some { Parts = [ Field n ] } when List.contains n.Text names -> ()
            | Some p ->
                let text = (match p.Parts with Field n :: _ -> n.Text | _ -> "this path")
                fault p.Span (Problem.UnknownHyperparameter(owner, text, Nearest.names names text))
            | None -> ()

        let layerOf (e: Expr) (environment: Environment) =
            match e.Node with
            | Named(n, arguments) ->
                match Map.tryFind n.Text environment with
                | Some(LayerArgument _ as inherited) when arguments.IsNone -> inherited
                | _ when Map.containsKey n.Text state.Catalog || Map.containsKey n.Text state.Blocks ->
                    LayerArgument(n, defaultArg arguments [], environment)
                | _ -> fault e.Span (Problem.UnknownLayer(n.Text, Nearest.names (Map.keys state.Catalog) n.Text))
            | _ -> fault e.Span (Problem.WrongValue("this parameter", "a layer", "an expression"))

        let mutable bound: Environment = state.Globals

        for i, p in List.indexed parameters do
            let labelled =
                arguments
                |> List.tryFind (fun a ->
                    match a.Label with
                    | Some { Parts = [ Field n ] } -> n.Text = p.Name.Text
                    | _ -> false)

            let given = if i < positional.Length then Some positional[i] else labelled

            let binding =
                match given, p.Default with
                | Some a, _ when p.IsLayer -> layerOf a.Value scope.Names
                | Some a, _ -> Known(evaluateIn scope shape a.Value)
                | None, Some d when p.IsLayer -> layerOf d bound
                | None, Some d -> Known(evaluate (withSizes shape bound) d)
                | None, None -> fault span (Problem.MissingHyperparameter(owner, p.Name.Text, ""))

            bound <- Map.add p.Name.Text binding bound

        bound
