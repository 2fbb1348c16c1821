namespace Lips.Core

open System.Collections.Generic
open Lips.Core.Syntax

/// A model after resolution, with what diagnostics and reports need beside the tree.
type ResolvedModel =
    { Model: Model
      /// Where each layer was written, by `Layer.Id`.
      Places: IReadOnlyDictionary<int, LayerPlace>
      ClaimSpans: Span list
      HeaderSpan: Span
      /// Path and shape of every named point.
      Points: (string * Shape) list }

/// From what was written to what is meant: names, numbers, blocks and repeats are expanded, hyperparameters checked,
/// shapes computed. Collects every error it can find.
[<RequireQualifiedAccess>]
module Resolve =
    open Expressions
    open Scope
    open Expansion
    open Header

    /// A layer that shares a weight names a layer that has one, of the same shape.
    let private checkTies (state: State) (chains: ModelChain list) =
        let layers = chains |> List.collect (fun c -> Term.layers c.Body)
        let owners = [ for prefix, l in layers do for w in l.Weights do if w.Tied.IsNone then prefix + w.Name, w ]
        let text (shape: int64 list) = System.String.Join(" × ", shape)

        for _, l in layers do
            for w in l.Weights do
                match w.Tied with
                | None -> ()
                | Some path ->
                    let span = (match state.Places.TryGetValue l.Id with | true, place -> place.Span | _ -> Span.None)

                    match owners |> List.tryFind (fun (name, _) -> name = path + ".weight") with
                    | _ when w.Name <> "weight" -> state.Report(Problem.UnknownHyperparameter(l.Kind, "tie", []), span)
                    | None ->
                        let known = owners |> List.filter (fun (n, _) -> n.EndsWith ".weight") |> List.map (fun (n, _) -> n.Substring(0, n.Length - 7))
                        state.Report(Problem.UnknownPoint(path, Nearest.names known path), span)
                    | Some(_, owner) when owner.Shape <> w.Shape ->
                        state.Report(Problem.ShapeMismatch($"{l.Kind} tied to {path}", $"a weight of {text w.Shape}", text owner.Shape), span)
                    | Some _ -> ()

    let private resolveModel (state: State) name (parameters: Parameter list) (header: NormPair option) (body: Body) span (elsewhere: string list) (overrides: (string * Expr) list) =
        let standard = (match header with Some p -> normOf p.From | None -> L2Norm)
        let parameterNames = parameters |> List.map (fun p -> p.Name.Text)
        let recipeNames = Vocabulary.recipe |> List.map (fun h -> h.Name)

        for path, e in overrides do
            let head = path.Split('.').[0]

            // a parameter of another model of the spec is that model's business
            if not (List.contains path parameterNames) && not (List.contains head recipeNames) && not (List.contains path elsewhere) then
                state.Report(Problem.UnknownOverride(path, Nearest.names (parameterNames @ recipeNames) path), e.Span)
            elif List.contains path parameterNames && List.contains path recipeNames then
                state.Report(Problem.DeclaredTwice(path, span), e.Span)

        let ofParameter = overrides |> List.filter (fun (p, _) -> List.contains p parameterNames)

        let arguments =
            [ for p, e in ofParameter -> { Label = Some { Parts = [ Field { Text = p; Span = e.Span } ]; Span = e.Span }; Value = e; Span = e.Span } ]

        let empty = { Grid = Single; Width = 1L; Vocabulary = None }
        let root = { Names = state.Globals; Settings = []; Group = Names(); Prefix = ""; Stack = [] }
        let mutable scope = { root with Names = bindParameters state root empty name parameters arguments span }
        let inputs = ResizeArray<Input>()
        let chains = ResizeArray<ModelChain>()
        let claims = ResizeArray<Syntax.Claim * Environment>()
        let recipe = ResizeArray<Syntax.RecipeEntry * Environment>()
        let terms = ResizeArray<Term>()
        let mutable shape: Shape option = None
        /// An input was written, whether or not it makes sense.
        let mutable begun = false

        let run (statement: Statement) =
            match shape with
            | None when inputs.Count > 1 -> fault statement.Span (Problem.Unexpected("a layer outside of `from`", [ "`name = from input { ... }`" ], Some "A model of several inputs starts every chain with `from`."))
            // the input's own error says it all
            | None when begun -> ()
            | None -> fault statement.Span (Problem.NothingToCompile "input before this layer")
            | Some before ->
                let inner, after = expandBody state scope { Statements = [ statement ]; Span = statement.Span } before
                terms.AddRange inner
                shape <- Some after

        for statement in body.Statements do
            state.Guard((), fun () ->
                match statement.Node with
                | Input(given, call) ->
                    begun <- true
                    let n = (match given with Some n -> n.Text | None -> "x")
                    if inputs.Exists(fun i -> i.Name = n) || not (scope.Group.Claim n) then fault statement.Span (Problem.DeclaredTwice(n, Span.None))
                    let i = inputOf state scope n call
                    checkSize call.Span $"input '{n}'" i.Shape
                    inputs.Add i
                    state.Inputs.Add i
                    shape <- (if inputs.Count = 1 then Some i.Shape else None)
                | StatementNode.Claim c -> claims.Add(c, scope.Names)
                | Recipe entries -> for e in entries do recipe.Add(e, scope.Names)
                | StatementNode.Let(n, e) -> scope <- { scope with Names = Map.add n.Text (Known(evaluate (match shape with Some s -> withSizes s scope.Names | None -> scope.Names) e)) scope.Names }
                | Weights _ ->
                    // a body of its own would end the scope: settings are gathered through an empty expansion
                    scope <- scopeAfter state scope statement (defaultArg shape empty)
                | Step(point, Node.From(path, inner)) ->
                    let text = (match path.Parts with [ Field n ] -> n.Text | _ -> "")

                    match inputs |> Seq.tryFind (fun i -> i.Name = text) with
                    | None -> fault path.Span (Problem.UnknownPoint(text, Nearest.names (inputs |> Seq.map (fun i -> i.Name)) text))
                    | Some input ->
                        claimName state scope point
                        let chain = (match point with Some p -> p.Text | None -> scope.Group.Take "output")
                        let innerScope = { scope with Group = Names(); Prefix = chain + "." }
                        let inside, after = expandBody state innerScope inner input.Shape
                        state.Points.Add(chain, after)
                        state.Chains.Add(chain, after)
                        chains.Add { Input = text; Name = chain; Body = Point(chain, Term.Group(chain, Chain inside)) }
                | _ -> run statement)

        if state.Poisoned then
            ()
        elif inputs.Count = 0 then
            state.Report(Problem.NothingToCompile "input in this model", span)
        elif chains.Count = 0 && terms.Count = 0 then
            state.Report(Problem.NothingToCompile "layer in this model", span)
        elif chains.Count = 0 then
            chains.Add { Input = inputs[0].Name; Name = ""; Body = Chain(List.ofSeq terms) }
        elif terms.Count > 0 then
            state.Report(Problem.Unexpected("layers outside of `from`", [ "`name = from input { ... }`" ], Some "A model of several inputs starts every chain with `from`."), span)

        let inputList = List.ofSeq inputs

        /// A count claimed as a plain number is that of the declared parameters: where the command line changes one, it is not claimed.
        let ofDeclaredSize (c: Syntax.Claim) =
            not ofParameter.IsEmpty
            && List.contains c.Subject.Text [ "parameters"; "macs" ]
            && not (parameterNames |> List.exists (fun n -> mentions n c.Limit))

        let claims = claims |> Seq.filter (fst >> ofDeclaredSize >> not)
        let resolvedClaims = [ for c, names in claims do match state.Guard(None, fun () -> Some(claimOf state standard inputList names c)) with Some r -> (r, c.Span) | None -> () ]

        let overridden =
            [ for path, e in overrides do
                  if not (List.contains path parameterNames) && List.contains (path.Split('.').[0]) recipeNames then
                      { Path = { Parts = [ for part in path.Split '.' -> Field { Text = part; Span = e.Span } ]; Span = e.Span }
                        Selector = None
                        Value = e
                        Span = e.Span }: Syntax.RecipeEntry ]

        let entries =
            [ for e, names in Seq.append recipe (overridden |> Seq.map (fun e -> e, scope.Names)) do
                  match state.Guard(None, fun () -> Some(recipeEntryOf names e)) with
                  | Some r -> r
                  | None -> () ]

        checkTies state (List.ofSeq chains)

        { Model =
            { Name = name
              Norm = standard
              Inputs = inputList
              Chains = List.ofSeq chains
              Claims = resolvedClaims |> List.map fst
              Recipe = mergeRecipe entries }
          Places = state.Places
          ClaimSpans = resolvedClaims |> List.map snd
          HeaderSpan = span
          Points = List.ofSeq state.Points }

    /// Blocks and top-level names of a spec and of every file it uses, in order. `read` answers a `use` path.
    let private gather (read: string -> string -> Result<Spec, Problem>) (spec: Spec) (report: string -> Problem -> Span -> unit) =
        let blocks = Dictionary<string, Declared>()
        let models = Dictionary<string, Name>()
        let lets = ResizeArray<Name * Expr * string>()
        let seen = HashSet<string>()

        let rec visit (chain: string list) (spec: Spec) isMain =
            let path = spec.Source.Path

            for declaration in spec.Declarations do
                match declaration with
                | Use(target, span) ->
                    match read path target with
                    | Error problem -> report path problem span
                    | Ok used ->
                        if List.contains used.Source.Path (path :: chain) then
                            report path (Problem.UseCycle(List.rev (used.Source.Path :: path :: chain))) span
                        elif seen.Add used.Source.Path then
                            visit (path :: chain) used false
                | LetTop(n, e) -> lets.Add(n, e, path)
                | Block(n, parameters, body) ->
                    if blocks.ContainsKey n.Text then
                        report path (Problem.DeclaredTwice(n.Text, blocks[n.Text].Header)) n.Span
                    else
                        blocks[n.Text] <- { Path = path; Parameters = parameters; Body = body; Header = n.Span }
                | Model(n, _, _, _) when isMain ->
                    if models.ContainsKey n.Text then
                        report path (Problem.DeclaredTwice(n.Text, models[n.Text].Span)) n.Span
                    else
                        models[n.Text] <- n
                | Model _ -> ()

        visit [] spec true
        (Map.empty, blocks.Keys) ||> Seq.fold (fun known name -> Map.add name blocks[name] known), List.ofSeq lets

    /// Resolves every model of a spec. `read` gives the parsed file of a `use`, from the path of the file it stands in;
    /// `overrides` are the command line's, by path.
    let spec (catalog: Map<string, LayerKind>) (read: string -> string -> Result<Spec, Problem>) (overrides: (string * Expr) list) (spec: Spec) : ResolvedModel list * Diagnostic list =
        let overrides = overrides |> List.map (fun (path, e) -> path, unplaced e)
        let diagnostics = ResizeArray<Diagnostic>()
        let blocks, lets = gather read spec (fun path problem span -> diagnostics.Add(Diagnostic.create path span problem))
        let mutable globals: Environment = Map.empty

        for name, e, path in lets do
            try
                globals <- Map.add name.Text (Known(evaluate globals e)) globals
            with Fault(problem, span) ->
                diagnostics.Add(Diagnostic.create path span problem)

        for kv in blocks do
            if Map.containsKey kv.Key catalog then
                diagnostics.Add(Diagnostic.create kv.Value.Path kv.Value.Header (Problem.DeclaredTwice(kv.Key, Span.None)))

        // the names of a file that is not there would all be unknown
        let incomplete = diagnostics.Exists(fun d -> d.Code = Problem.code (Problem.UseNotFound ""))

        let parameters = [ for d in spec.Declarations do match d with Model(_, parameters, _, _) -> yield! parameters |> List.map (fun p -> p.Name.Text) | _ -> () ]

        let models =
            [ for declaration in spec.Declarations do
                  match declaration with
                  | Model(name, own, norm, body) when not incomplete ->
                      let state = State(spec.Source, catalog, blocks, globals)

                      let resolved =
                          try
                              Some(resolveModel state name.Text own norm body name.Span parameters overrides)
                          with Fault(problem, span) ->
                              if not state.Stopped then state.Report(problem, span)
                              None

                      diagnostics.AddRange state.Diagnostics
                      yield! Option.toList resolved
                  | _ -> () ]

        // an expansion meets the same mistake once a round
        models, diagnostics |> List.ofSeq |> List.distinct
