namespace Lips.Core

open System.Collections.Generic
open System.Numerics
open Lips.Core.Syntax

/// Where an expansion stands: names, scoped settings, what was found; and one layer made of a call at such a place.
module internal Scope =
    open Expressions

    /// Most steps a model may expand to.
    let expansionLimit = 1000000L

    /// A file that took part: its diagnostics carry its path.
    type Declared =
        { Path: string
          Parameters: Parameter list
          Body: Body
          Header: Span }

    type State(source: SourceText, catalog: Map<string, LayerKind>, blocks: Map<string, Declared>, globals: Environment) =
        let diagnostics = ResizeArray<Diagnostic>()
        let places = Dictionary<int, LayerPlace>()
        let points = ResizeArray<string * Shape>()
        let mutable steps = 0L
        member _.Catalog = catalog
        member _.Blocks = blocks
        /// Top-level `let`s of the spec and of the files it uses.
        member _.Globals = globals
        /// Where each layer was written: a block may come from a used file.
        member _.Places = places
        member _.Points = points
        /// Names and shapes of finished chains, `memory = from source { ... }`: what a layer of another chain may read.
        member val Chains = ResizeArray<string * Shape>()
        member val Inputs = ResizeArray<Lips.Core.Input>()
        member _.Diagnostics = diagnostics
        /// An error was found: shapes after it may be wrong, so faults of shape are not reported any more.
        member val Poisoned = false with get, set
        /// The expansion limit was reached and reported: nothing more is expanded.
        member val Stopped = false with get, set
        member val Path = source.Path with get, set

        member this.Report(problem, span) =
            match problem with
            // the statement that names it may be one of those that failed
            | Problem.UnknownPoint _ when this.Poisoned -> ()
            | _ -> diagnostics.Add(Diagnostic.create this.Path span problem)

        member _.Steps = steps

        member _.Step span =
            steps <- steps + 1L
            if steps > expansionLimit then fault span (Problem.ExpansionTooLarge expansionLimit)

        /// Refuses now what would reach the limit only after `more` further steps.
        member _.Foresee(more: int64, times: int64, span) =
            if times > 0L && (more > expansionLimit || times > (expansionLimit - steps) / max 1L more) then
                fault span (Problem.ExpansionTooLarge expansionLimit)

        /// Runs one statement; a fault in it is reported and the others go on.
        member this.Guard(whenFailed, work) =
            try
                work ()
            with Fault(problem, span) when not this.Stopped ->
                this.Report(problem, span)
                this.Poisoned <- true

                match problem with
                | Problem.ExpansionTooLarge _ ->
                    this.Stopped <- true
                    raise (Fault(problem, span))
                | _ -> ()

                whenFailed

    /// Names taken in one checkpoint group.
    type Names() =
        let taken = HashSet<string>()
        /// The number to try next after a name, so that thousands of equal layers do not count from 2 each.
        let next = Dictionary<string, int>()

        member _.Take(wanted: string) =
            let mutable name = wanted
            let mutable i = (match next.TryGetValue wanted with | true, i -> i | _ -> 2)

            while not (taken.Add name) do
                name <- wanted + "_" + string i
                i <- i + 1

            next[wanted] <- i
            name

        /// False if the name is already used here.
        member _.Claim(name: string) = taken.Add name

    type Scope =
        { Names: Environment
          Settings: Setting list
          /// Names of the current checkpoint group.
          Group: Names
          /// Checkpoint prefix of the group; None inside a folded repeat, where points have no single place.
          Prefix: string
          /// Blocks being expanded, outermost first.
          Stack: string list }

    let withSizes (shape: Shape) (names: Environment) =
        let add name (n: int64) (e: Environment) =
            if Map.containsKey name e then e else Map.add name (Known(Value.Number(Rational.OfInt n))) e

        let sized = names |> add "width" shape.Width

        match shape.Grid with
        | Single -> sized |> add "length" 1L
        | Row n -> sized |> add "length" n
        | Map(h, w) -> sized |> add "height" h |> add "length" (h * w) |> add "grid_width" w

    let evaluateIn (scope: Scope) (shape: Shape) e = evaluate (withSizes shape scope.Names) e

    let describeShape (s: Shape) =
        let grid =
            match s.Grid with
            | Single -> "one vector"
            | Row n -> $"{n} tokens"
            | Map(h, w) -> $"a {h} × {w} map"

        match s.Vocabulary with
        | Some v -> $"{s.Tokens} token ids below {v}"
        | None -> $"{grid} of width {s.Width}"

    let faultOf kind (shape: Shape) f =
        match f with
        | Indivisible(what, size, name, divisor) -> Problem.NotDivisible(kind, describeShape shape, what, size, name, divisor)
        | NeedsGrid wanted -> Problem.WrongGrid(kind, wanted, describeShape shape)
        | NeedsTokenIds -> Problem.WrongGrid(kind, "token ids, straight from `input ... = tokens(...)`", describeShape shape)
        | NeedsContinuous -> Problem.WrongGrid(kind, "vectors; put an embedding before it", describeShape shape)
        | KernelTooLarge(kernel, size) -> Problem.ConvolutionDoesNotFit(kind, size, kernel)
        | DoesNotFit why -> Problem.ShapeMismatch(kind, why, describeShape shape)

    /// Most numbers a value or a weight may have: they are counted in 64 bits, and no machine holds as many.
    let private largestSize = BigInteger.Pow(BigInteger 2, 53)

    let private checkCount span what (n: BigInteger) =
        if n > largestSize then fault span (Problem.NumberTooLarge($"the size of {what}", "2^53 numbers"))

    /// Refuses values that no machine can hold, before their sizes are multiplied any further.
    let checkSize span what (s: Shape) =
        let tokens =
            match s.Grid with
            | Single -> BigInteger.One
            | Row n -> BigInteger n
            | Map(h, w) -> BigInteger h * BigInteger w

        checkCount span what (tokens * BigInteger s.Width)

    let checkWeights span (kind: string) (weights: Weight list) =
        for w in weights do
            // concatenated: the first use of a format costs a cold process more than the rest of this file
            checkCount span ("'" + kind + "." + w.Name + "'") w.Count

    let settingNames = Vocabulary.settings |> List.map (fun h -> h.Name)

    let settingOf scope shape name (e: Expr) span : Setting =
        let h = Vocabulary.settings |> List.find (fun h -> h.Name = name)

        let value =
            if (match h.Type with PointType -> true | _ -> false) then
                match pathText e with
                | Some p -> Choice(p, [])
                | None -> fault span (Problem.WrongValue(name, "the name of a point", "an expression"))
            else
                Arguments.coerce span name h h.Type (evaluateIn scope shape e)

        { Roles = None; Name = name; Value = value; Span = span }

    /// Splits a layer call's arguments into hyperparameters and weight settings.
    let matchArguments (scope: Scope) (shape: Shape) (kind: LayerKind) (call: Call) =
        let declared = kind.Hyperparameters |> List.map (fun h -> h.Name)
        let written = defaultArg call.Arguments []
        let positional = written |> List.filter (fun a -> a.Label.IsNone)
        let allowed = kind.Hyperparameters |> List.truncate kind.Positional

        if positional.Length > allowed.Length then
            fault
                positional[allowed.Length].Span
                (Problem.TooManyPositional(kind.Name, positional.Length, allowed |> List.map (fun h -> h.Name)))

        let given = Dictionary<string, Argument>()
        let own = ResizeArray<string option * Setting>()

        let put name (a: Argument) =
            if given.ContainsKey name then
                fault a.Span (Problem.DeclaredTwice(name, given[name].Span))

            given[name] <- a

        positional |> List.iteri (fun i a -> put allowed[i].Name a)

        for a in written do
            match a.Label with
            | None -> ()
            | Some { Parts = [ Field n ] } when List.contains n.Text declared -> put n.Text a
            | Some { Parts = [ Field n ] } when List.contains n.Text settingNames ->
                own.Add(None, settingOf scope shape n.Text a.Value a.Span)
            | Some { Parts = [ Field part; Field n ] } when List.contains n.Text settingNames ->
                own.Add(Some part.Text, settingOf scope shape n.Text a.Value a.Span)
            | Some p ->
                let text = (match p.Parts with Field n :: _ -> n.Text | _ -> "this path")
                fault p.Span (Problem.UnknownHyperparameter(kind.Name, text, Nearest.names (declared @ settingNames) text))

        let mutable names = withSizes shape scope.Names
        let mutable values: (string * Value) list = []

        for h in kind.Hyperparameters do
            let value =
                match given.TryGetValue h.Name with
                | true, a when (match h.Type with PointType | InputType -> true | _ -> false) ->
                    match pathText a.Value with
                    | Some p -> Some(Choice(p, []))
                    | None -> fault a.Span (Problem.WrongValue(h.Name, "the name of a point", "an expression"))
                | true, a -> Some(Arguments.coerce a.Span kind.Name h h.Type (evaluate names a.Value))
                | _ ->
                    let scoped =
                        scope.Settings |> List.tryFind (fun s -> s.Name = h.Name && s.Roles.IsNone)

                    match scoped, h.Default with
                    | Some s, _ -> Some s.Value
                    | None, Default v -> Some(Arguments.coerce call.Span kind.Name h h.Type v)
                    | None, Computed(_, f) -> Some(f values shape)
                    | None, Absent -> None
                    | None, Required -> fault call.Span (Problem.MissingHyperparameter(kind.Name, h.Name, h.Doc))

            match value with
            | Some v ->
                values <- values @ [ h.Name, v ]

                if h.Name = "heads" && not (Map.containsKey "head_width" names) then
                    match v with
                    | Value.Number n when n.Sign > 0 ->
                        names <- names |> Map.add "head_width" (Known(Value.Number(Rational.OfInt shape.Width / n)))
                    | _ -> ()
            | None -> ()

        values, List.ofSeq own

    let makeLayer (state: State) (scope: Scope) (shape: Shape) (kind: LayerKind) (call: Call) (point: string option) takeName =
        state.Step call.Span
        let values, own = matchArguments scope shape kind call

        let isPoint name =
            (match (kind.Hyperparameters |> List.find (fun h -> h.Name = name)).Type with PointType -> true | _ -> false)

        let isInput name =
            (match (kind.Hyperparameters |> List.find (fun h -> h.Name = name)).Type with InputType -> true | _ -> false)

        // a point is read with its shape, the width and length of what lies there; an input of tokens with length and vocabulary
        let values =
            [ for name, v in values ->
                  match v with
                  | Choice(p, []) when isInput name ->
                      let size (n: int64) = Value.Number(Rational.OfInt n)

                      match state.Inputs |> Seq.tryFind (fun i -> i.Name = p) |> Option.map (fun i -> i.Domain) with
                      | Some(Tokens(vocabulary, length)) -> name, Choice(p, [ Some "length", size length; Some "vocab", size vocabulary ])
                      | Some _ -> fault call.Span (Problem.WrongValue(name, "the name of an input of tokens", $"the input '{p}'"))
                      | None -> fault call.Span (Problem.UnknownPoint(p, Nearest.names (state.Inputs |> Seq.map (fun i -> i.Name)) p))
                  | Choice(p, []) when isPoint name ->
                      match state.Chains |> Seq.tryFind (fun (n, _) -> n = p) with
                      | Some(_, s) ->
                          let size (n: int64) = Value.Number(Rational.OfInt n)
                          name, Choice(p, [ Some "width", size s.Width; Some "length", size s.Tokens ])
                      | None when state.Points |> Seq.exists (fun (n, _) -> n = p) ->
                          fault call.Span (Problem.WrongValue(name, $"the name of a chain before this one, as in `{p} = from ...`", $"the point '{p}'"))
                      | None -> fault call.Span (Problem.UnknownPoint(p, Nearest.names (state.Chains |> Seq.map fst) p))
                  | _ -> name, v ]

        let options = Options values

        let output =
            match kind.Shape options shape with
            | Ok s -> s
            | Error f when state.Poisoned -> ignore f; shape
            | Error f -> fault call.Span (faultOf kind.Name shape f)

        checkSize call.Span $"the output of '{kind.Name}'" output
        let declared = kind.Weights options shape
        checkWeights call.Span kind.Name declared

        for part, s in own do
            match part with
            | Some p when not (List.exists (fun (n, _) -> n = p) kind.Parts) && not (List.exists (fun (w: Weight) -> w.Name = p) declared) ->
                let known = (kind.Parts |> List.map fst) @ (declared |> List.map (fun w -> w.Name))
                fault s.Span (Problem.UnknownHyperparameter(kind.Name, p, Nearest.names known p))
            | _ -> ()

        let weights = Settings.overlay kind.Name kind.Parts own scope.Settings declared
        let id = state.Places.Count
        state.Places[id] <- { File = state.Path; Span = call.Span }

        { Id = id
          Kind = kind.Name
          Name = (match point with Some p -> p | None -> if takeName then scope.Group.Take kind.Name else "")
          Options = values
          Input = shape
          Output = output
          Weights = weights
          Reads =
            [ for name, v in values do
                  match v with
                  | Choice(p, _) when isPoint name || isInput name -> name, p
                  | _ -> ()
              for w in weights do
                  match w.Tied with
                  | Some p -> "tie", p
                  | None -> () ] }

    let mark (state: State) scope (point: Name option) shape (term: Term) =
        match point with
        | Some n ->
            state.Points.Add(scope.Prefix + n.Text, shape)
            Point(n.Text, term)
        | None -> term

    let claimName (state: State) (scope: Scope) (point: Name option) =
        match point with
        | Some n when not (scope.Group.Claim n.Text) -> fault n.Span (Problem.DeclaredTwice(n.Text, Span.None))
        | _ -> ()

    /// The scope after a `weights(...)` statement.
    let scopeAfter (state: State) (scope: Scope) (statement: Statement) (shape: Shape) : Scope =
        match statement.Node with
        | Weights(selector, arguments) ->
            let roles =
                selector
                |> Option.map (fun s ->
                    [ for r in s.Roles ->
                          match Vocabulary.roles |> List.tryFind (fun (n, _) -> n = r.Text) with
                          | Some(_, role) -> role
                          | None -> fault r.Span (Problem.UnknownRole(r.Text, Nearest.names (List.map fst Vocabulary.roles) r.Text)) ])

            let add (scope: Scope) (a: Argument) =
                match a.Label with
                | Some { Parts = [ Field n ] } when List.contains n.Text settingNames && n.Text <> "tie" ->
                    let s = settingOf scope shape n.Text a.Value a.Span
                    { scope with Settings = { s with Roles = roles } :: scope.Settings }
                | Some { Parts = [ Field n ] } when n.Text = "bias" && roles.IsNone ->
                    let flag: Hyperparameter = { Name = "bias"; Type = FlagType; Default = Required; Doc = "" }
                    let v = Arguments.coerce a.Span "weights" flag FlagType (evaluateIn scope shape a.Value)
                    { scope with Settings = { Roles = None; Name = "bias"; Value = v; Span = a.Span } :: scope.Settings }
                | Some p ->
                    let text = (match p.Parts with Field n :: _ -> n.Text | _ -> "this path")
                    fault p.Span (Problem.UnknownHyperparameter("weights", text, Nearest.names ("bias" :: settingNames) text))
                | None -> fault a.Span (Problem.TooManyPositional("weights", 1, []))

            arguments |> List.fold add scope
        | _ -> scope
