namespace Lips.Core

open System.Collections.Generic

/// What a line of the table speaks of.
type RowKind =
    /// A use of a layer; its constant is that of the step.
    | LayerRow
    /// The head of a folded repeat: the columns below it are its iterations.
    | RepeatRow
    /// The head of a named part without columns of its own.
    | PartRow
    /// The constant from the source to the end of each iteration.
    | ProductRow
    /// The radius at the end of each iteration.
    | RadiusRow

/// What a column of a folded repeat shows.
type Column =
    | Iteration of int64
    /// least and largest over all iterations
    | Range

/// A number in the table: one value, or the least and the largest.
type Cell =
    | Unknown
    | Value of Upper
    | Spread of least: Upper * largest: Upper

type Row =
    { Kind: RowKind
      /// Line of the spec; 0 for what was written in another file or not at all.
      Line: int
      Depth: int
      Label: string
      Columns: Column list
      /// One per column; a single one outside of repeats.
      Cells: Cell list
      /// After the step, in the norm's unit per token; outside of repeats only.
      Radius: Upper option
      Rule: string
      /// Named path, with `{i}` for the index of a folded repeat; empty for rows that are no layer.
      Path: string
      Step: Step option }

/// A claim with what is proven of it at the report's point.
type ClaimLine =
    { Written: string
      Line: int
      Holds: bool
      /// A bound, rounded up, or a count.
      Found: string
      Query: Query option }

type QueryLine =
    { Query: Query
      Bound: Upper
      Domain: string
      /// Where the query moves embedding vectors: how far exchanging one token moves them, and the output.
      Substitution: (Upper * Upper) option
      Rows: Row list }

/// Everything the printers need, as data.
type Report =
    { Model: CompiledModel
      Source: SourceText
      At: At
      Queries: QueryLine list
      Claims: ClaimLine list }

[<RequireQualifiedAccess>]
module Report =

    /// Repeats of at most this many iterations show every one of them.
    let private shownIterations = 6L

    let atText at =
        match at with
        | At.Caps -> "with every weight at or below its cap"
        | At.Init -> "at initialization (step 0 only)"
        | At.Norms _ -> "for the given weights, by their certified norms"

    let norms (a: Norm, b: Norm) = if a = b then string a else string a + " -> " + string b

    let rec valueText (v: Value) =
        let argument (label, v) = (match label with Some l -> l + ": " | None -> "") + valueText v

        match v with
        | Number n -> UpperText.rational n
        | Enclosed(_, hi) -> UpperText.rationalToDecimal 5 hi
        | Text t -> "\"" + t + "\""
        | Flag b -> if b then "true" else "false"
        | Items items -> "[" + (items |> List.map valueText |> String.concat ", ") + "]"
        | Choice(name, []) -> name
        | Choice(name, arguments) -> name + "(" + (arguments |> List.map argument |> String.concat ", ") + ")"

    /// `linear(256)`: the kind with the hyperparameters that have no default.
    let private use' (layer: Layer) =
        let kind = Catalog.byName[layer.Kind]

        let shown =
            [ for h in kind.Hyperparameters do
                  match h.Default, layer.Options |> List.tryFind (fun (n, _) -> n = h.Name) with
                  | Required, Some(_, v) -> valueText v
                  | _ -> () ]

        if shown.IsEmpty then layer.Kind else layer.Kind + "(" + String.concat ", " shown + ")"

    let private lineOf (source: SourceText) (resolved: ResolvedModel) (layer: Layer) =
        match resolved.Places.TryGetValue layer.Id with
        | true, place when place.File = source.Path -> place.Span.Line
        | _ -> 0

    /// The constant of a query's source at a place, in the query's units.
    let private constant (q: Query) (s: Space) =
        Map.tryFind q.From s.Constants
        |> Option.map (fun (source, c) -> Space.read (fst q.Norms) (snd q.Norms) source s.Shape c)

    let private tokenUnit norm = (match norm with L2Norm -> TokenNorm | n -> n)

    let rec private layersIn term =
        match term with
        | Apply l -> [ l ]
        | Enclose(l, body) -> layersIn body @ [ l ]
        | Chain terms -> terms |> List.collect layersIn
        | Repeat r -> layersIn r.Body
        | Group(_, body)
        | Point(_, body) -> layersIn body

    /// All index values worth looking at of the repeats around a row, outermost first.
    let rec private samples (loops: (string * int64) list) : LoopIndices list =
        match loops with
        | [] -> [ [] ]
        | (name, n) :: rest ->
            let own = if n <= shownIterations then [ 0L .. n - 1L ] else [ 0L; 1L; n - 1L ]
            [ for i in own do for more in samples rest -> (name, i) :: more ]

    type private Table(valuation: Valuation, source: SourceText, compiled: CompiledModel, q: Query) =
        let steps = Dictionary<int, Step>()
        do for s in compiled.Derivation.Steps do steps[s.Layer.Id] <- s

        let known (values: Upper option list) = (match List.choose id values with [] -> None | some -> Some(List.max some))

        /// Over all iterations of the repeats outside of the innermost, the largest.
        let cell (loops: (string * int64) list) column (read: LoopIndices -> Upper option) =
            let value inner =
                let outer = List.truncate (loops.Length - 1) loops
                samples outer |> List.map (fun o -> read (o @ [ fst (List.last loops), inner ])) |> known

            match column with
            | Iteration i -> (match value i with Some v -> Value v | None -> Unknown)
            | Range ->
                let n = snd (List.last loops)
                // more than this many distinct rounds are sampled evenly
                let places = if n <= 64L then [ 0L .. n - 1L ] else [ for k in 0L .. 63L -> k * (n - 1L) / 63L ]

                match places |> List.map value |> List.choose id with
                | [] -> Unknown
                | some -> Spread(List.min some, List.max some)

        let columnsOf n =
            if n <= shownIterations then [ for i in 0L .. n - 1L -> Iteration i ] else [ Iteration 0L; Iteration(n - 1L); Range ]

        let cells (loops: (string * int64) list) columns read =
            if loops.IsEmpty then
                [ (match read [] with Some v -> Value v | None -> Unknown) ]
            else
                columns |> List.map (fun c -> cell loops c read)

        let factor (before: Space) (after: Space) indices =
            match constant q before, constant q after with
            | Some b, Some a -> valuation.Quotient(indices, a, b)
            | None, Some a -> Some(valuation.Value(indices, a))
            | _, None -> None

        let radius (s: Space) indices =
            if s.Shape.Vocabulary.IsSome then None
            else Some(valuation.Value(indices, Space.readRadius (tokenUnit (snd q.Norms)) s))

        /// Trees hold no place of a repeat: it is the nearest one at or above its first layer.
        let repeatLine (inner: Row list) =
            match inner with
            | first :: _ when first.Line > 0 ->
                let lines = source.Text.Split('\n')
                let start = if first.Kind = RepeatRow then first.Line - 1 else first.Line
                seq { start .. -1 .. 1 } |> Seq.tryFind (fun n -> n <= lines.Length && lines[n - 1].Contains "repeat") |> Option.defaultValue 0
            | _ -> 0

        let blank = { Kind = PartRow; Line = 0; Depth = 0; Label = ""; Columns = []; Cells = []; Radius = None; Rule = ""; Path = ""; Step = None }

        member private _.Layer(depth, columns, point: string option, layer: Layer, label: string, rule) =
            match steps.TryGetValue layer.Id with
            | false, _ -> []
            | true, step ->
                // before its source a query has no constant
                let values = if (constant q step.After).IsNone then [] else cells step.Loops columns (factor step.Before step.After)

                [ { blank with
                      Kind = LayerRow
                      Line = lineOf source compiled.Resolved layer
                      Depth = depth
                      Label = (match point with Some p -> p + " = " + label | None -> label)
                      Columns = columns
                      Cells = values
                      Radius = (if step.Loops.IsEmpty then radius step.After [] else None)
                      Rule = rule step
                      Path = step.Path
                      Step = Some step } ]

        member this.Rows(depth: int, columns: Column list, point: string option, term: Term) : Row list =
            match term with
            | Point(name, body) -> this.Rows(depth, columns, Some name, body)
            | Chain [ one ] -> this.Rows(depth, columns, point, one)
            | Chain terms -> terms |> List.collect (fun t -> this.Rows(depth, columns, None, t))
            | Apply l -> this.Layer(depth, columns, point, l, use' l, (fun s -> s.Rule))
            | Enclose(l, body) ->
                match layersIn body with
                | [ only ] when steps.ContainsKey only.Id ->
                    // one line for the pair, as the paper's formula would have it
                    this.Layer(depth, columns, point, l, use' l + " " + use' only, (fun s -> s.Rule + " ∘ " + steps[only.Id].Rule))
                | _ ->
                    this.Layer(depth, columns, point, l, use' l, (fun s -> s.Rule))
                    @ this.Rows(depth + 1, columns, None, body)
            | Group(name, body) ->
                let inner = this.Rows(depth + 1, columns, None, body)
                let line = inner |> List.tryPick (fun r -> if r.Line > 0 then Some r.Line else None) |> Option.defaultValue 0
                { blank with Line = line; Depth = depth; Label = defaultArg point name } :: inner
            | Repeat r -> this.Repeat(depth, point, r)

        member private this.Repeat(depth, point, r) =
            let columns = columnsOf r.Count
            let inner = this.Rows(depth + 1, columns, None, r.Body)
            let name = defaultArg point r.Name
            let head = { blank with Kind = RepeatRow; Line = repeatLine inner; Depth = depth; Label = $"{name} = repeat {r.Count}"; Columns = columns }

            match layersIn r.Body |> List.tryLast |> Option.bind (fun l -> match steps.TryGetValue l.Id with | true, s -> Some s | _ -> None) with
            | Some last ->
                let total indices = constant q last.After |> Option.map (fun c -> valuation.Value(indices, c))
                let line label kind read = { blank with Kind = kind; Depth = depth; Label = label; Columns = columns; Cells = cells last.Loops columns read }
                let product = if (constant q last.After).IsSome then [ line "product" ProductRow total ] else []
                head :: inner @ product @ [ line "radius" RadiusRow (radius last.After) ]
            | None -> head :: inner

    /// A bound with the given significant digits, rounded up; trailing zeros only where something was rounded.
    let shown (digits: int) (x: Upper) =
        let text = UpperText.toDecimal digits x

        if text.Contains "." && not (text.Contains "e") then
            let short = text.TrimEnd('0').TrimEnd('.')
            match Rational.TryOfDecimal short with
            | Some r when x.CompareTo r = 0 -> short
            | _ -> text
        else
            text

    let private holds relation limit (bound: Upper) =
        match relation with
        | Syntax.AtMost -> bound.IsAtMost limit
        | Syntax.Below -> bound.CompareTo limit < 0
        | Syntax.AtLeast
        | Syntax.Exactly -> false

    let private claims (valuation: Valuation) (compiled: CompiledModel) digits : ClaimLine list =
        [ for claim, span, ok, found in compiled.Verdicts do
              let line query ok found = { Written = claim.Written; Line = span.Line; Holds = ok; Found = found; Query = query }
              let decided query bound = line query (holds claim.Relation claim.Limit bound) (shown digits bound)

              match claim.Subject with
              | Parameters
              | Macs -> line None ok found
              | Lipschitz(from, into) ->
                  let q = { From = from; Into = into; Norms = claim.Norms }
                  decided (Some q) (valuation.Result(string q))
              | Radius(point, None) when valuation.HasResult $"radius({point})" -> decided None (valuation.Result $"radius({point})")
              | Radius _ -> line None ok found ]

    /// What exchanging tokens does to a query's output, in words.
    let substitutionText (q: QueryLine) : string option =
        q.Substitution
        |> Option.filter (fun (_, bound) -> not bound.IsInfinity)
        |> Option.map (fun (distance, bound) ->
            let distance, bound = shown 6 distance, shown 6 bound

            match fst q.Query.Norms with
            | L2Norm -> $"exchanging k tokens moves '{q.Query.From}' by at most {distance}·√k in l2, so '{q.Query.Into}' by at most {bound}·√k in {snd q.Query.Norms}"
            | a -> $"exchanging any number of tokens moves '{q.Query.From}' by at most {distance} in {a}, so '{q.Query.Into}' by at most {bound} in {snd q.Query.Norms}")

    /// Which inputs and weights a bound at one point speaks about, in words.
    let domain (at: At) (compiled: CompiledModel) (q: Query) : string =
        let valuation = Valuation(at, compiled.Derivation.Program)
        Pipeline.inputDomain compiled.Resolved.Model compiled.Derivation (fun b -> valuation.Value([], b)) q + ", " + atText at

    /// The report of a model at one point. `only` restricts it to some norm pairs, when asked.
    let create (source: SourceText) (at: At) (only: (Norm * Norm) list) (compiled: CompiledModel) : Report =
        let valuation = Valuation(at, compiled.Derivation.Program)
        let model = compiled.Resolved.Model
        let value b = valuation.Value([], b)

        let queries =
            compiled.Derivation.Queries
            |> List.filter (fun q -> only.IsEmpty || List.contains q.Norms only)
            |> List.map (fun q ->
                let table = Table(valuation, source, compiled, q)

                { Query = q
                  Bound = valuation.Result(string q)
                  Domain = Pipeline.inputDomain model compiled.Derivation value q + ", " + atText at
                  Substitution =
                    Pipeline.substitution model compiled.Derivation q
                    |> Option.map (fun b ->
                        let distance = valuation.Measured b
                        distance, distance * valuation.Result(string q))
                  Rows = model.Chains |> List.collect (fun c -> table.Rows(0, [], None, c.Body)) })

        { Model = compiled
          Source = source
          At = at
          Queries = queries
          Claims = claims valuation compiled 7 }
