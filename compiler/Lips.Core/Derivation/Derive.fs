namespace Lips.Core

open System.Collections.Generic

/// Maps a resolved model to the program that computes its bound, rule by rule.
[<RequireQualifiedAccess>]
module Derive =

    /// Collects statements; every value a rule concludes gets a name, so that expressions stay small.
    type private Builder() =
        let scopes = Stack<List<Statement>>([ List<Statement>() ])
        /// Values already named, innermost scope first: an expression is computed once.
        let known = Stack<Dictionary<Bound, int>>([ Dictionary<Bound, int>(HashIdentity.Structural) ])
        let mutable next = 0

        let find b =
            known
            |> Seq.tryPick (fun table ->
                match table.TryGetValue b with
                | true, id -> Some(Bound.Var id)
                | _ -> None)

        let rec reuse (b: Bound) : Bound =
            match b with
            | Bound.Const _
            | Bound.Var _
            | Bound.Infinity
            | Bound.Measured _
            // what depends on a head has no value outside of its sum
            | Bound.SumOver _
            | Bound.MaxOver _ -> (match find b with Some v -> v | None -> b)
            | _ ->
                match find b with
                | Some v -> v
                | None ->
                    match b with
                    | Bound.Add(x, y) -> Bound.Add(reuse x, reuse y)
                    | Bound.Mul(x, y) -> Bound.Mul(reuse x, reuse y)
                    | Bound.Min items -> Bound.min (items |> List.map reuse)
                    | Bound.Max items -> Bound.max (items |> List.map reuse)
                    | Bound.Power(x, n) -> Bound.Power(reuse x, n)
                    | Bound.Sqrt x -> Bound.Sqrt(reuse x)
                    | Bound.Apply(fn, x) -> Bound.Apply(fn, reuse x)
                    | other -> other

        member _.Fresh() =
            next <- next + 1
            next

        member this.Name (comment: string) (b: Bound) =
            match reuse b with
            | Bound.Const _
            | Bound.Var _
            | Bound.Infinity as simple -> simple
            | reduced ->
                let id = this.Fresh()
                scopes.Peek().Add(Let(id, reduced, comment))
                known.Peek()[b] <- id
                known.Peek()[reduced] <- id
                Bound.Var id

        member _.Open() =
            scopes.Push(List<Statement>())
            known.Push(Dictionary<Bound, int>(HashIdentity.Structural))

        member _.Close() =
            known.Pop() |> ignore
            List.ofSeq (scopes.Pop())

        member _.Add statement = scopes.Peek().Add statement
        member _.Statements = List.ofSeq (scopes.Peek())

    let private indexNames = [| "i"; "j"; "k"; "l" |]

    type private Context =
        { Catalog: Map<string, LayerKind>
          Builder: Builder
          Steps: List<Step>
          Embeddings: List<string * Bound>
          Points: Dictionary<string, Space>
          /// Points that queries measure from.
          Sources: Set<string>
          /// The input of the chain, which becomes a source where its tokens become vectors.
          Input: string
          /// Weights by full path, for ties.
          Weights: Dictionary<string, Weight>
          /// Weights that rules have read, by the path of the measure.
          Owners: Dictionary<string, Weight>
          Prefix: string
          Loops: (string * int64) list }

    /// Names every field, so that what follows reads variables.
    let private settle (ctx: Context) (path: string) (x: Space) : Space =
        let name what = ctx.Builder.Name(path + ": " + what)

        { x with
            Radius = name "radius" x.Radius
            Centred = name "centred radius" x.Centred
            Lower = { x.Lower with Loss = name "lower radius, loss" x.Lower.Loss }
            LowerCentred = { x.LowerCentred with Loss = name "lower radius without the mean, loss" x.LowerCentred.Loss }
            Centre = x.Centre |> Option.map (fun (c, r) -> c, name "radius around the known centre" r)
            Constants =
                x.Constants
                |> Map.map (fun source (s, c) ->
                    // the token's first: the other two are tightened by it
                    let token = name $"from {source}, whole to token" c.Token
                    let whole = name $"from {source}, whole to whole" c.Whole
                    s, { Whole = whole; Token = token; Local = name $"from {source}, token to token" c.Local }) }

    let private weightPath (ctx: Context) (layer: Layer) (weight: string) =
        if layer.Name = "" then ctx.Prefix + weight else ctx.Prefix + layer.Name + "." + weight

    let private measure (ctx: Context) (layer: Layer) functional (name: string) =
        /// The tensor's name and the weight it belongs to.
        let owner name =
            let w =
                match layer.Weights |> List.tryFind (fun w -> w.Name = name) with
                | Some w -> w
                | None -> invalidOp $"the rule of '{layer.Kind}' reads the weight '{name}', which the layer does not have"
            let path, w =
                match w.Tied with
                // one tensor, so one norm: the owner's name and the owner's cap
                | Some path when ctx.Weights.ContainsKey(path + ".weight") -> path + ".weight", ctx.Weights[path + ".weight"]
                | _ -> weightPath ctx layer name, w

            ctx.Owners[path] <- w
            path, w

        let path, w = owner name
        match (functional: Functional).Right with
        | None -> Bound.Measured(Caps.measure path w functional)
        | Some right ->
            let rightPath, other = owner right
            Bound.Measured(Caps.measureOfProduct path w other (functional.WithRight(fun _ -> rightPath)))

    let rec private apply (ctx: Context) (term: Term) (x: Space) : Space =
        match term with
        | Chain terms -> terms |> List.fold (fun x t -> apply ctx t x) x
        | Group(name, body) -> apply { ctx with Prefix = ctx.Prefix + name + "." } body x
        | Point(name, body) ->
            let y = apply ctx body x
            let path = ctx.Prefix + name
            let y = if ctx.Sources.Contains path && ctx.Loops.IsEmpty then Space.withSource path y else y
            ctx.Points[path] <- y
            y
        | Apply layer -> step ctx layer None None x
        | Enclose(layer, body) -> step ctx layer (Some(apply ctx body)) (onlyLayer body) x
        | Repeat r -> repeat ctx r x

    and private onlyLayer body =
        match body with
        | Apply layer
        | Chain [ Apply layer ] -> Some layer
        | _ -> None

    and private step ctx layer body inner x =
        let kind = ctx.Catalog[layer.Kind]
        let path = ctx.Prefix + (if layer.Name = "" then layer.Kind else layer.Name)

        let judgement =
            kind.Rule
                { Layer = layer
                  Options = Options layer.Options
                  Input = x
                  Reads =
                    layer.Reads
                    |> List.choose (fun (role, point) ->
                        match ctx.Points.TryGetValue point with
                        | true, space -> Some(role, space)
                        | _ -> None)
                    |> Map.ofList
                  Body = body
                  Inner = inner |> Option.map (fun inner -> inner, measure ctx inner)
                  Measure = measure ctx layer
                  Name = fun comment b -> ctx.Builder.Name (path + ": " + comment) b }

        let concluded = { judgement.Space with Shape = layer.Output }
        // token ids have no distance: measuring starts where they become vectors
        let concluded =
            if x.Shape.Vocabulary.IsSome && layer.Output.Vocabulary.IsNone then
                ctx.Embeddings.Add(path, Lips.Core.Layers.Embedding.diameter layer (measure ctx layer))
                Space.withSource ctx.Input concluded
            else
                concluded

        let after = settle ctx path concluded
        let name what b = ctx.Builder.Name (path + ": " + what) b

        ctx.Steps.Add
            { Path = path
              Layer = layer
              Loops = ctx.Loops
              Rule = judgement.Rule
              Candidates = judgement.Candidates |> List.map (fun (r, b) -> r, name ("candidate " + r) b)
              Needs = judgement.Needs |> List.map (fun n -> { n with Value = name ("needs: " + n.Why) n.Value })
              Before = x
              After = after }

        after

    /// Named points that layers of a term look at; a tie shares a weight, not a value, and token ids are given, not moved.
    and private readsOf term : string list =
        match term with
        | Apply layer -> layer.Reads |> List.filter (fun (role, _) -> role <> "tie" && role <> "tokens") |> List.map snd
        | Enclose(layer, body) -> readsOf (Apply layer) @ readsOf body
        | Chain terms -> terms |> List.collect readsOf
        | Group(_, body)
        | Point(_, body) -> readsOf body
        | Repeat r -> readsOf r.Body

    /// Derives the body once, with variables for what is known before a round; the evaluators run the rounds.
    and private repeat ctx (r: Repetition) x =
        let depth = ctx.Loops.Length
        let index = if depth < indexNames.Length then indexNames[depth] else "i" + string depth
        let builder = ctx.Builder

        // a source that enters through a memory inside the body moves nothing before the first round
        let x =
            let add (constants: Map<string, Source * Constants>) point =
                match ctx.Points.TryGetValue point with
                | true, seen ->
                    (constants, seen.Constants)
                    ||> Map.fold (fun known name (source, _) ->
                        if known.ContainsKey name then known
                        else known.Add(name, (source, { Whole = Bound.zero; Token = Bound.zero; Local = Bound.zero })))
                | _ -> constants

            { x with Constants = List.fold add x.Constants (readsOf r.Body) }

        let fields (s: Space) =
            [ s.Radius; s.Centred ]
            @ [ for KeyValue(_, (_, c)) in s.Constants do
                    yield! [ c.Whole; c.Token; c.Local ] ]

        let rebuild (s: Space) (values: Bound list) =
            let constants = s.Constants |> Map.toList |> List.mapi (fun i (k, (source, _)) -> k, (source, { Whole = values[2 + 3 * i]; Token = values[3 + 3 * i]; Local = values[4 + 3 * i] }))
            { s with
                Radius = values[0]
                Centred = values[1]
                // a lower radius and a known centre do not survive a round in general
                Lower = Space.noLower
                LowerCentred = Space.noLower
                Centre = None
                Constants = Map.ofList constants }

        let carried = fields x |> List.map (fun b -> builder.Fresh(), b)
        let inside = rebuild x (carried |> List.map (fst >> Bound.Var))
        let before = Set.ofSeq ctx.Points.Keys
        builder.Open()

        let out =
            apply
                { ctx with
                    Prefix = ctx.Prefix + r.Name + ".{" + index + "}."
                    Loops = ctx.Loops @ [ index, r.Count ] }
                r.Body
                inside

        let body = builder.Close()
        // points inside a folded body are not places of their own
        for key in ctx.Points.Keys |> List.ofSeq do
            if not (before.Contains key) then ctx.Points.Remove key |> ignore

        let results = carried |> List.map (fun _ -> builder.Fresh())

        builder.Add(
            Loop
                { Index = index
                  Count = r.Count
                  Carried = carried
                  Body = body
                  Next = fields out
                  Results = results }
        )

        rebuild x (results |> List.map Bound.Var)

    let private enter (input: Input) : Space =
        let shape = input.Shape
        let root n = Bound.sqrt (Bound.ofInt64 n)

        let known =
            { Shape = shape
              Radius = Bound.Infinity
              Centred = Bound.Infinity
              Lower = Space.noLower
              LowerCentred = Space.noLower
              Centre = None
              Constants = Map.empty }

        match input.Domain with
        | Tokens _ -> known
        | Image(c, _, _, None) -> Space.withSource input.Name known
        | Image(c, _, _, Some(lo, hi)) ->
            let half = (hi - lo) / Rational.OfInt 2L
            let largest = max lo.Abs hi.Abs
            let around = root c * Bound.ofRational half

            Space.withSource
                input.Name
                { known with
                    Radius = root c * Bound.ofRational largest
                    Centred = Bound.min [ around; root c * Bound.ofRational largest ]
                    Centre = Some(List.replicate (int c) ((lo + hi) / Rational.OfInt 2L), around) }
        | Features(_, _, radius, lower, spread) ->
            let r = (match radius with Some r -> Bound.ofRational r | None -> Bound.Infinity)
            Space.withSource input.Name
                { known with
                    Radius = r
                    Centred = r
                    // subtracting the mean shortens, so |x| ≥ |x − mean|
                    Lower = { Space.noLower with Start = Rational.Max(lower, spread) }
                    LowerCentred = { Space.noLower with Start = spread } }

    let rec private lastPoint term =
        match term with
        | Chain [] -> None
        | Chain terms -> lastPoint (List.last terms)
        | Point(name, _) -> Some name
        | _ -> None

    /// Derives a model. `asked` are further questions; where a model claims no constant, the constant from each
    /// input to the output in the model's own norm is asked.
    let model (catalog: Map<string, LayerKind>) (asked: (Norm * Norm) list) (model: Model) : Derivation =
        let last = List.last model.Chains
        let output = (match lastPoint last.Body with Some p -> p | None -> "output")

        let claimed =
            model.Claims
            |> List.choose (fun c ->
                match c.Subject with
                | Lipschitz(a, b) -> Some { From = a; Into = b; Norms = c.Norms }
                | _ -> None)

        let sourceOf =
            match claimed |> List.filter (fun q -> q.Into = output) |> List.map (fun q -> q.From) |> List.distinct with
            | [] -> model.Inputs |> List.map (fun i -> i.Name)
            | sources -> sources

        let standard =
            match claimed, asked with
            | [], [] -> [ for s in sourceOf -> { From = s; Into = output; Norms = (model.Norm, model.Norm) } ]
            | _, norms -> [ for n in norms do for s in sourceOf -> { From = s; Into = output; Norms = n } ]

        let queries = claimed @ standard |> List.distinct
        let builder = Builder()
        let weights = Dictionary<string, Weight>()

        for c in model.Chains do
            for prefix, l in Term.layers c.Body do
                for w in l.Weights do
                    weights[prefix + w.Name] <- w

        let points = Dictionary<string, Space>()

        for i in model.Inputs do
            points[i.Name] <- enter i

        let context =
            { Catalog = catalog
              Builder = builder
              Steps = List()
              Embeddings = List()
              Points = points
              Sources = queries |> List.map (fun q -> q.From) |> Set.ofList
              Input = ""
              Weights = weights
              Owners = Dictionary()
              Prefix = ""
              Loops = [] }

        for chain in model.Chains do
            let y = apply { context with Input = chain.Input } chain.Body points[chain.Input]
            if System.Object.ReferenceEquals(chain, last) then points[output] <- y

        let read (q: Query) =
            match points.TryGetValue q.Into with
            | true, space ->
                match Map.tryFind q.From space.Constants with
                | Some(source, constants) -> Space.read (fst q.Norms) (snd q.Norms) source space.Shape constants
                // the point does not come after the source: the pipeline refuses the claim
                | None -> Bound.Infinity
            | _ -> Bound.Infinity

        let results = [ for q in queries -> string q, read q ]

        let radii =
            [ for c in model.Claims do
                  match c.Subject with
                  | Radius(point, None) when points.ContainsKey point -> $"radius({point})", Space.readRadius (fst c.Norms) points[point]
                  | _ -> () ]

        { Program = { Statements = builder.Statements; Results = results @ radii }
          Steps = List.ofSeq context.Steps
          Queries = queries
          Points = (Map.empty, points.Keys) ||> Seq.fold (fun known name -> Map.add name points[name] known)
          Embeddings = List.ofSeq context.Embeddings
          Owners = context.Owners
          Output = output }
