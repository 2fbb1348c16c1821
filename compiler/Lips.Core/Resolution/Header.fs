namespace Lips.Core

open Lips.Core.Syntax

/// What stands at the top of a model beside its layers: inputs, claims, the recipe.
module internal Header =
    open Expressions
    open Scope
    open Expansion

    let normOf (n: Name) =
        match n.Text with
        | "rms" -> RmsNorm
        | "token" -> TokenNorm
        | "l2" -> L2Norm
        | other -> fault n.Span (Problem.UnknownNorm other)

    let normsOf standard (pair: NormPair option) =
        match pair with
        | None -> standard, standard
        | Some p ->
            let from = normOf p.From
            from, (match p.To with Some t -> normOf t | None -> from)

    let domains: (string * Hyperparameter list * int) list =
        let count name doc : Hyperparameter = { Name = name; Type = CountType; Default = Required; Doc = doc }
        let padded: Hyperparameter = { Name = "padded"; Type = FlagType; Default = Default(Flag false); Doc = "whether shorter samples are padded" }
        let real name doc : Hyperparameter = { Name = name; Type = RealType(Some Rational.Zero, false, None); Default = Absent; Doc = doc }

        [ "tokens", [ count "vocab" "number of distinct tokens"; count "length" "tokens in a sample"; padded ], 2
          "image",
          [ count "channels" "channels"; count "height" "rows of pixels"; count "width" "pixels in a row"
            { Name = "range"; Type = ListType(RealType(None, false, None)); Default = Absent; Doc = "least and greatest value of a pixel" } ],
          3
          "features",
          [ count "length" "vectors in a sample"; count "width" "size of a vector"
            real "radius" "largest ℓ2 norm of a vector"; real "lower" "least ℓ2 norm of a vector"
            real "spread" "least ℓ2 norm of a vector once its own mean is subtracted"; padded ],
          2 ]

    let inputOf (state: State) (scope: Scope) (name: string) (call: Call) : Input =
        match domains |> List.tryFind (fun (n, _, _) -> n = call.Kind.Text) with
        | None -> fault call.Kind.Span (Problem.UnknownLayer(call.Kind.Text, Nearest.names (domains |> List.map (fun (n, _, _) -> n)) call.Kind.Text))
        | Some(kind, declared, positional) ->
            let given =
                [ for a in defaultArg call.Arguments [] ->
                      (match a.Label with
                       | None -> None
                       | Some { Parts = [ Field n ] } -> Some n.Text
                       | Some p -> fault p.Span (Problem.UnknownHyperparameter(kind, "this path", []))),
                      evaluate scope.Names a.Value ]

            let bare = given |> List.filter (fun (l, _) -> l.IsNone) |> List.length
            if bare > positional then
                fault call.Span (Problem.TooManyPositional(kind, bare, declared |> List.truncate positional |> List.map (fun h -> h.Name)))

            let options = Options(Arguments.complete call.Span kind declared given |> List.map (fun (l, v) -> l.Value, v))
            let exact h = (match options.Value h with Value.Number n -> n | v -> fault call.Span (Problem.WrongValue(h, "an exact number", describe v)))

            match kind with
            | "tokens" -> { Name = name; Domain = Tokens(options.Count "vocab", options.Count "length"); Padded = options.Flag "padded" }
            | "image" ->
                let range =
                    if options.Has "range" then
                        match options.Value "range" with
                        | Items [ Value.Number lo; Value.Number hi ] when lo < hi -> Some(lo, hi)
                        | v -> fault call.Span (Problem.WrongValue("range", "a list of two numbers, the smaller first", describe v))
                    else
                        None

                { Name = name; Domain = Image(options.Count "channels", options.Count "height", options.Count "width", range); Padded = false }
            | _ ->
                let least h = if options.Has h then exact h else Rational.Zero
                let radius = (if options.Has "radius" then Some(exact "radius") else None)
                let width = options.Count "width"

                for h in [ "lower"; "spread" ] do
                    match radius with
                    | Some r when r < least h -> fault call.Span (Problem.WrongValue(h, $"at most the radius, {describe (Value.Number r)}", describe (options.Value h)))
                    | _ -> ()

                if width = 1L && (least "spread").Sign > 0 then
                    fault call.Span (Problem.WrongValue("spread", "0 for vectors of width 1, whose only entry is their mean", describe (options.Value "spread")))

                { Name = name
                  Domain = Features(options.Count "length", width, radius, least "lower", least "spread")
                  Padded = options.Flag "padded" }

    let claimOf (state: State) standard (inputs: Input list) (names: Environment) (c: Syntax.Claim) : Lips.Core.Claim =
        let known = (inputs |> List.map (fun i -> i.Name)) @ (state.Points |> Seq.map fst |> List.ofSeq)

        let text (p: Path) =
            p.Parts
            |> List.mapi (fun i part ->
                match part with
                | Field n -> (if i = 0 then "" else ".") + n.Text
                | Item e -> "[" + string (asInteger e.Span "an index" (evaluate names e)) + "]")
            |> String.concat ""

        let point (p: Path option) =
            match p with
            | None -> fault c.Span (Problem.ClaimNotEvaluable(c.Written, "it names no points: write lipschitz(a -> b)"))
            | Some p ->
                let t = text p
                let baseName = if t.EndsWith "]" then t.Substring(0, t.LastIndexOf '[') else t

                if not (List.contains t known) && not (List.contains baseName known) then
                    fault p.Span (Problem.UnknownPoint(t, Nearest.names known t))

                t

        let lower, upper =
            match evaluate names c.Limit with
            | Value.Number n -> n, n
            | Enclosed(lo, hi) -> lo, hi
            | other -> fault c.Limit.Span (Problem.WrongValue("the limit of a claim", "a number", describe other))

        let subject =
            match c.Subject.Text with
            | "lipschitz" -> Lipschitz(point c.From, point c.To)
            | "radius" ->
                let t = point c.From

                if t.EndsWith "]" && not (List.contains t known) then
                    let at = t.LastIndexOf '['
                    Radius(t.Substring(0, at), Some(int64 (t.Substring(at + 1, t.Length - at - 2))))
                else
                    Radius(t, None)
            | "parameters" -> Parameters
            | "macs" -> Macs
            | other -> fault c.Subject.Span (Problem.Unexpected($"the claim '{other}'", [ "lipschitz"; "radius"; "parameters"; "macs" ], None))

        match subject, c.Relation with
        | (Lipschitz _ | Radius _), (Exactly | AtLeast) ->
            fault c.Span (Problem.ClaimNotEvaluable(c.Written, "a bound from above can prove `<=` and `<` only"))
        | _ -> ()

        { Subject = subject
          Relation = c.Relation
          Limit = (match c.Relation with AtLeast -> upper | _ -> lower)
          Norms = normsOf standard c.Norm
          Written = c.Written }

    let recipeEntryOf names (entry: Syntax.RecipeEntry) : Lips.Core.RecipeEntry =
        let path = entry.Path.Parts |> List.map (function Field n -> n.Text | Item e -> fault e.Span (Problem.UnknownRecipe("recipe entry", "an index", []))) |> String.concat "."
        let head = (match entry.Path.Parts with Field n :: _ -> n.Text | _ -> path)
        let known = Vocabulary.recipe |> List.map (fun h -> h.Name)

        let roles =
            match entry.Selector with
            | None -> []
            | Some s ->
                [ for r in s.Roles ->
                      match Vocabulary.roles |> List.tryFind (fun (n, _) -> n = r.Text) with
                      | Some(_, role) -> role
                      | None -> fault r.Span (Problem.UnknownRole(r.Text, Nearest.names (List.map fst Vocabulary.roles) r.Text)) ]

        /// A path as a value is the name of a point; it may be an argument of a choice: `uskd(feature: blocks[5])`.
        let rec pointValue (choices: Alternative list) (e: Expr) =
            match pathText e, e.Node with
            | Some p, _ when p.Contains "." || p.Contains "[" -> Choice(p, [])
            | _, Named(n, Some arguments) when choices |> List.exists (fun a -> a.Name = n.Text) ->
                let label (a: Argument) =
                    match a.Label with
                    | None -> None
                    | Some { Parts = [ Field l ] } -> Some l.Text
                    | Some p -> fault p.Span (Problem.UnknownRecipe("argument of '" + n.Text + "'", "this path", []))

                Choice(n.Text, [ for a in arguments -> label a, pointValue [] a.Value ])
            | _ -> evaluate names e

        match Vocabulary.recipe |> List.tryFind (fun h -> h.Name = head) with
        | None -> fault entry.Path.Span (Problem.UnknownRecipe("recipe entry", head, known))
        | Some h ->
            let value = pointValue (match h.Type with ChoiceType choices -> choices | _ -> []) entry.Value

            match entry.Path.Parts, h.Type with
            | [ _ ], t -> { Path = path; Roles = roles; Value = Arguments.coerce entry.Value.Span head h t value }
            | [ _; Field n ], ChoiceType alternatives ->
                // a part of a choice: `optimizer.lr`
                let parts = alternatives |> List.collect (fun a -> a.Arguments) |> List.filter (fun a -> a.Name = n.Text)

                match parts with
                | [] -> fault n.Span (Problem.UnknownRecipe($"part of '{head}'", n.Text, alternatives |> List.collect (fun a -> a.Arguments) |> List.map (fun a -> a.Name) |> List.distinct))
                | part :: _ -> { Path = path; Roles = roles; Value = Arguments.coerce entry.Value.Span head part part.Type value }
            | _ -> fault entry.Path.Span (Problem.UnknownRecipe("recipe entry", path, known))

    /// Later entries of the same path and roles win: the command line comes last.
    let mergeRecipe (entries: Lips.Core.RecipeEntry list) =
        let folded =
            entries
            |> List.fold (fun acc e -> (acc |> List.filter (fun (o: Lips.Core.RecipeEntry) -> o.Path <> e.Path || o.Roles <> e.Roles)) @ [ e ]) []
        // a part given on its own goes into the choice it is a part of
        let parts, whole = folded |> List.partition (fun e -> e.Path.Contains "." && e.Roles.IsEmpty)

        parts
        |> List.fold
            (fun whole part ->
                let head, leaf = part.Path.Substring(0, part.Path.IndexOf '.'), part.Path.Substring(part.Path.IndexOf '.' + 1)

                whole
                |> List.map (fun (e: Lips.Core.RecipeEntry) ->
                    match e.Value with
                    | Choice(n, a) when e.Path = head && e.Roles.IsEmpty ->
                        { e with Value = Choice(n, (a |> List.filter (fun (l, _) -> l <> Some leaf)) @ [ Some leaf, part.Value ]) }
                    | _ -> e))
            whole
