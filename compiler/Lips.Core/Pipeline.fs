namespace Lips.Core

open System
open System.Collections.Generic
open System.Numerics

/// What no claim is decided by, made when first asked for: `lips check` asks for none of it.
type CompiledLater =
    { /// SHA-256 of the canonical print.
      Meaning: Lazy<string>
      /// Each query's bound at initialization: valid at step 0 only.
      AtInit: Lazy<(Query * Upper) list>
      /// For which inputs and weights each query's bound at caps holds, in words.
      Domains: Lazy<(Query * string) list>
      /// Empty where an error stands in the way.
      CSharp: Lazy<string> }

/// One model, all the way: what it is, what is proven of it, and the C# that runs it.
type CompiledModel =
    { Resolved: ResolvedModel
      Derivation: Derivation
      /// Each query's bound with every weight at its cap.
      AtCaps: (Query * Upper) list
      /// Value at caps of every named value of the program, with the loop indices it was observed at.
      Trace: IReadOnlyDictionary<int, ((string * int64) list * Upper) list>
      /// Trained numbers; tied weights count once.
      Parameters: BigInteger
      /// Multiply–adds for one sample: linear, convolution, QKᵀ and AV.
      Macs: BigInteger
      /// Each claim with whether it holds and what was found (a bound rounded up, or a count).
      Verdicts: (Claim * Span * bool * string) list
      /// The caps that were left open, by group, with what was chosen for a preference of 1.
      Chosen: (string * Rational) list
      Later: CompiledLater }

    /// SHA-256 of the canonical print.
    member this.Meaning = this.Later.Meaning.Value

    /// Each query's bound at initialization: valid at step 0 only.
    member this.AtInit = this.Later.AtInit.Value

    /// For which inputs and weights each query's bound at caps holds, in words.
    member this.Domains = this.Later.Domains.Value

    /// Empty where an error stands in the way.
    member this.CSharp = this.Later.CSharp.Value

type Compilation =
    { Source: SourceText
      Models: CompiledModel list
      Diagnostics: Diagnostic list }

    member this.HasErrors = this.Diagnostics |> List.exists Diagnostic.isError

/// What a caller may ask beside the spec itself.
type CompileOptions =
    { /// Namespace of the generated class.
      Namespace: string
      /// Further norm pairs to bound, for reports.
      Norms: (Norm * Norm) list }

    static member Default = { Namespace = "Lips.Zoo"; Norms = [] }

    /// The defaults, with another namespace.
    static member In modelNamespace = { CompileOptions.Default with Namespace = modelNamespace }

/// The whole compiler after parsing, on one screen.
[<RequireQualifiedAccess>]
module Pipeline =

    let private digits = 7

    /// `count` of a layer, times the repeats around it.
    let rec private total (count: Layer -> BigInteger) (term: Term) : BigInteger =
        match term with
        | Apply l -> count l
        | Enclose(l, body) -> count l + total count body
        | Chain terms -> terms |> List.sumBy (total count)
        | Group(_, body)
        | Point(_, body) -> total count body
        | Repeat r -> BigInteger r.Count * total count r.Body

    let parametersOf (l: Layer) = l.Weights |> List.sumBy (fun w -> if w.Tied.IsSome then BigInteger.Zero else w.Count)
    let macsOf (l: Layer) = Catalog.byName[l.Kind].Macs (Options l.Options) l.Input
    let count counter (m: Model) = m.Chains |> List.sumBy (fun c -> total counter c.Body)

    /// The ball that a bound speaks about, in the units of its norm: where the domain is what comes before, not declared numbers.
    let domainRadius (c: Model) (d: Derivation) (q: Query) : (Norm * Bound) option =
        match c.Inputs |> List.tryFind (fun i -> i.Name = q.From) |> Option.map (fun i -> i.Domain) with
        | Some(Image _)
        | Some(Features _) -> None
        | Some(Tokens _)
        | None ->
            let space =
                match Map.tryFind q.From d.Points with
                | Some s when s.Shape.Vocabulary.IsNone -> Some s
                | _ -> d.Steps |> List.tryFind (fun s -> s.Before.Shape.Vocabulary.IsSome) |> Option.map (fun s -> s.After)

            let norm = (match fst q.Norms with L2Norm -> TokenNorm | n -> n)
            space |> Option.map (fun s -> norm, Space.readRadius norm s)

    /// The embedding whose vectors a query moves, with the distance that exchanging one token moves them by, in the norm of
    /// the query's input; with l2 that of k tokens is √k times it, in the other norms it is the same.
    let substitution (c: Model) (d: Derivation) (q: Query) : Bound option =
        let isTokens = c.Inputs |> List.exists (fun i -> i.Name = q.From && (match i.Domain with Tokens _ -> true | _ -> false))

        match d.Embeddings |> List.filter (fun (path, _) -> path = q.From), d.Embeddings with
        | _ when c.LooksAtTokens -> None
        | (path, distance) :: _, _ -> Some(path, distance)
        | [], [ only ] when isTokens -> Some only
        | _ -> None
        |> Option.map (fun (path, distance) ->
            let width = d.Steps |> List.pick (fun s -> if s.Path = path then Some s.After.Shape.Width else None)
            match fst q.Norms with
            | RmsNorm -> Bound.sqrt (Bound.ofQuotient 1L width) * distance
            | TokenNorm
            | L2Norm -> distance)

    /// What a query's two inputs are called.
    let private values (c: Model) (d: Derivation) (q: Query) =
        if (substitution c d q).IsSome then $"for any two sequences of embedding vectors at '{q.From}'"
        elif c.LooksAtTokens then $"for the same keys hidden by masks, and any two values at '{q.From}'"
        else $"for any two values at '{q.From}'"

    /// Which inputs a bound speaks about, in words: everything of its domain but the weights. A radius is rounded down.
    let inputDomain (c: Model) (d: Derivation) (value: Bound -> Upper) (q: Query) : string =
        match c.Inputs |> List.tryFind (fun i -> i.Name = q.From) |> Option.map (fun i -> i.Domain) with
        | Some(Image(_, _, _, Some(lo, hi))) -> $"for any two images with every entry in [{UpperText.rational lo}, {UpperText.rational hi}]"
        | Some(Image(_, _, _, None)) -> "for any two images"
        | Some(Features(_, _, radius, lower, spread)) ->
            let limits =
                [ if radius.IsSome then $"<= {UpperText.rational radius.Value}"
                  if lower.Sign > 0 then $">= {UpperText.rational lower}" ]

            let lengths =
                [ if not limits.IsEmpty then "l2 norm " + System.String.Join(" and ", limits)
                  if spread.Sign > 0 then $"l2 norm >= {UpperText.rational spread} once their own mean is subtracted" ]

            if lengths.IsEmpty then "for any two inputs"
            else "for any two inputs whose vectors have " + System.String.Join(", and ", lengths)
        | Some(Tokens _)
        | None ->
            match domainRadius c d q |> Option.map (fun (norm, b) -> norm, value b) with
            | Some(norm, r) when not r.IsInfinity -> $"{values c d q} whose tokens have {Space.lengthName norm} <= {UpperText.toDecimalDown digits r}"
            | _ -> values c d q

    /// The domain of a bound at caps.
    let domain (c: Model) (d: Derivation) (valueAtCaps: Bound -> Upper) (q: Query) : string =
        inputDomain c d valueAtCaps q + ", with every weight at or below its cap"

    /// Why a bound is ∞: the first step without a finite constant, and where the radius was lost if that is the cause.
    let private reason (trace: Bound -> Upper) (d: Derivation) (path: string) (resolved: ResolvedModel) =
        let infinite b = (trace b).IsInfinity

        let place (s: Step) =
            // concatenated: the first use of a format costs a cold process more than the rest of this file
            match resolved.Places.TryGetValue s.Layer.Id with
            | true, { File = file; Span = span } when span.Line > 0 && file <> path -> " (line " + string span.Line + " of " + file.Substring(file.LastIndexOfAny [| '/'; '\\' |] + 1) + ")"
            | true, { Span = span } when span.Line > 0 -> " (line " + string span.Line + ")"
            | _ -> ""

        d.Steps
        |> List.tryPick (fun s ->
            s.Needs
            |> List.tryFind (fun n -> infinite n.Value)
            |> Option.map (fun n ->
                let lost =
                    if infinite s.Before.Radius then
                        d.Steps
                        |> List.tryFind (fun t -> infinite t.After.Radius && not (infinite t.Before.Radius))
                        |> Option.filter (fun t -> t.Path <> s.Path)
                        |> Option.map (fun t -> $"; the radius of the activations is lost at '{t.Path}'{place t}")
                    else
                        None

                s, "'" + s.Path + "'" + place s + ": " + n.Why + defaultArg lost "", n.Fix))

    /// The step that multiplies the constant most, with its factor, for messages about failed claims.
    let private largestStep (trace: Bound -> Upper) (q: Query) (d: Derivation) =
        let local (s: Space) = Map.tryFind q.From s.Constants |> Option.map (fun (_, c) -> trace c.Local)

        d.Steps
        |> List.choose (fun s ->
            match local s.Before, local s.After with
            | Some before, Some after when not before.IsZero && not before.IsInfinity -> Some(s, after / before)
            | _ -> None)
        |> function
            | [] -> ""
            | factors ->
                let s, f = factors |> List.maxBy snd
                $"'{s.Path}', which multiplies the distance of tokens by up to {UpperText.toDecimal 5 f}"

    let private holds (relation: Syntax.Relation) (bound: Upper) (limit: Rational) =
        match relation with
        | Syntax.AtMost -> bound.IsAtMost limit
        | Syntax.Below -> bound.IsAtMost limit && not (bound.CompareTo limit = 0)
        | Syntax.AtLeast
        | Syntax.Exactly -> false

    let private compileModel (path: string) (options: CompileOptions) (resolved: ResolvedModel) : CompiledModel * Diagnostic list =
        let model = resolved.Model
        let derivation = Derive.model Catalog.byName options.Norms model
        let trace = Dictionary<int, List<(string * int64) list * Upper>>()
        let exact = ExactFirst.arithmetic ExactFirst.defaultEffort

        let lastValues = Dictionary<int, ExactFirst.Number>()

        let observe id indices (value: ExactFirst.Number) =
            lastValues[id] <- value

            match trace.TryGetValue id with
            | true, list -> list.Add((indices, value.Upper))
            | _ -> trace[id] <- List [ (indices, value.Upper) ]

        let results = Evaluate.atCaps exact (Some observe) derivation.Program
        let queries = derivation.Queries
        let atCaps = List.zip queries (results |> Array.truncate queries.Length |> Array.map (fun n -> n.Upper) |> List.ofArray)

        /// The last value at caps, exact where it is.
        let rec number b =
            match b with
            | Bound.Var id ->
                match lastValues.TryGetValue id with
                | true, n -> n
                | _ -> exact.Infinity
            | Bound.Mul(x, y) -> exact.Multiply (number x) (number y)
            | other -> Evaluate.atCaps exact None { Statements = []; Results = [ "", other ] } |> Array.head

        let last b = (number b).Upper

        let value name = List.zip (derivation.Program.Results |> List.map fst) (List.ofArray results) |> List.tryFind (fun (n, _) -> n = name) |> Option.map (fun (_, n) -> n.Upper)
        let parameters = count parametersOf model
        let macs = count macsOf model
        let diagnostics = List<Diagnostic>()
        let report span problem = diagnostics.Add(Diagnostic.create path span problem)

        let counted (c: Claim) (n: BigInteger) =
            let r = Rational.OfBig n

            (match c.Relation with
             | Syntax.AtMost -> r <= c.Limit
             | Syntax.Below -> r < c.Limit
             | Syntax.AtLeast -> r >= c.Limit
             | Syntax.Exactly -> r.Equals c.Limit),
            n.ToString(Globalization.CultureInfo.InvariantCulture)

        // asked for where a bound is infinite
        let blamed = lazy reason last derivation path resolved

        let fix =
            lazy
                (match blamed.Value with
                 | Some(_, why, fix) -> why, Some fix
                 | None -> "no rule gives a finite constant", None)

        /// Does the end come after the beginning? Otherwise there is nothing to bound.
        let reached (q: Query) =
            match Map.tryFind q.Into derivation.Points with
            | Some s -> Map.containsKey q.From s.Constants
            | None -> false

        let verdicts =
            [ for c, span in List.zip model.Claims resolved.ClaimSpans do
                  match c.Subject with
                  | Parameters | Macs ->
                      let ok, found = counted c (if c.Subject = Parameters then parameters else macs)
                      if not ok then report span (Problem.CountClaimFails(c.Written, found))
                      c, span, ok, found
                  | Lipschitz(from, into) ->
                      let q = { From = from; Into = into; Norms = c.Norms }

                      if not (reached q) then
                          report span (Problem.ClaimNotEvaluable(c.Written, $"'{into}' does not come after '{from}' outside of a folded repeat"))
                          c, span, false, "∞"
                      else
                          let bound = atCaps |> List.find (fun (k, _) -> k = q) |> snd
                          let ok = holds c.Relation bound c.Limit

                          if not ok then
                              if bound.IsInfinity then
                                  report span (Problem.ClaimFails(c.Written, "∞", fst fix.Value, snd fix.Value))
                              else
                                  report span (Problem.ClaimFails(c.Written, UpperText.toDecimal digits bound, largestStep last q derivation, None))

                          c, span, ok, UpperText.toDecimal digits bound
                  | Radius(point, iteration) ->
                      let bound =
                          match iteration, Map.tryFind point derivation.Points with
                          | None, Some _ -> value $"radius({point})"
                          | Some i, Some _ -> None |> Option.orElse (value $"radius({point}[{i}])")
                          | _ -> None

                      match bound with
                      | None ->
                          report span (Problem.ClaimNotEvaluable(c.Written, $"the radius at '{point}' is known outside of folded repeats only"))
                          c, span, false, "∞"
                      | Some b ->
                          let ok = holds c.Relation b c.Limit
                          if not ok then report span (Problem.ClaimFails(c.Written, UpperText.toDecimal digits b, "", None))
                          c, span, ok, UpperText.toDecimal digits b ]

        if atCaps |> List.exists (fun (q, b) -> b.IsInfinity && reached q) then
            // a layer of a used file is shown there
            let file, span =
                match blamed.Value |> Option.map (fun (s, _, _) -> resolved.Places.TryGetValue s.Layer.Id) with
                | Some(true, place) -> place.File, place.Span
                | _ -> path, resolved.HeaderSpan

            diagnostics.Add(Diagnostic.create file span (Problem.Unbounded(fst fix.Value, snd fix.Value)))

        Emit.refused model |> Option.iter (fun why -> report resolved.HeaderSpan (Problem.EmissionFailed(model.Name, why)))

        let refused = diagnostics.Exists(fun d -> Diagnostic.isError d)

        let emit () =
            Emit.model
                { Namespace = options.Namespace
                  SourcePath = path
                  Resolved = resolved
                  Derivation = derivation
                  AtCaps = atCaps
                  DomainText = domain model derivation last
                  InputText = inputDomain model derivation last
                  DomainRadius = domainRadius model derivation
                  Substitution = substitution model derivation
                  Claims =
                    [ for c in model.Claims do
                          match c.Subject with
                          | Lipschitz(a, b) -> ({ From = a; Into = b; Norms = c.Norms }, Some(c.Limit.ToString()))
                          | _ -> () ] }

        let initial () =
            let values = Evaluate.atInit (ExactFirst.arithmetic ExactFirst.defaultEffort) None derivation.Program
            List.zip queries (values |> Array.truncate queries.Length |> Array.map (fun n -> n.Upper) |> List.ofArray)

        let compiled =
            { Resolved = resolved
              Derivation = derivation
              AtCaps = atCaps
              Trace = (let d = Dictionary<int, ((string * int64) list * Upper) list>() in (for kv in trace do d[kv.Key] <- List.ofSeq kv.Value); d :> IReadOnlyDictionary<_, _>)
              Parameters = parameters
              Macs = macs
              Verdicts = verdicts
              Chosen = []
              Later =
                { Meaning = lazy Canonical.meaning model
                  AtInit = lazy initial ()
                  Domains = lazy [ for q in queries -> q, domain model derivation last q ]
                  CSharp = lazy (if refused then "" else emit ()) } }

        compiled, List.ofSeq diagnostics

    /// A model whose open caps have no solution is not compiled: it would have no bound.
    let private solveAndCompile path options (resolved: ResolvedModel) =
        let report problem = Diagnostic.create path resolved.HeaderSpan problem

        match Solve.model Catalog.byName resolved.Model with
        | Error problem -> None, [ report problem ]
        | Ok(model, chosen) ->
            let compiled, found = compileModel path options { resolved with Model = model }

            let text =
                chosen
                |> List.map (fun (group, limit) -> (if group = "" then "" else group + " ") + UpperText.rational limit)
                |> String.concat ", "

            Some { compiled with Chosen = chosen }, (if chosen.IsEmpty then found else report (Problem.CapsChosen text) :: found)

    /// Compiles every model of a parsed spec. `read` answers `use`: the parsed file, from the path of the file that
    /// uses it. `overrides` are parameters and recipe entries from the command line, by path.
    let compile (read: string -> string -> Result<Syntax.Spec, Problem>) (overrides: (string * Syntax.Expr) list) (options: CompileOptions) (spec: Syntax.Spec) : Compilation =
        let resolved, found = Resolve.spec Catalog.byName read overrides spec

        if found |> List.exists Diagnostic.isError then
            { Source = spec.Source; Models = []; Diagnostics = found }
        else
            let compiled = resolved |> List.map (solveAndCompile spec.Source.Path options)

            { Source = spec.Source
              Models = compiled |> List.choose fst
              Diagnostics = found @ (compiled |> List.collect snd) }
