namespace Lips.Core

/// The one canonical layout of a spec. Indentation, spaces, brackets and blank lines are the formatter's;
/// which statements share a line, where argument lists break, and every comment are the author's.
module Format =

    open Syntax
    open FormatExpressions

    let private call (w: Writer) (value: Call) =
        name w value.Kind
        Option.iter (arguments w (lastOf value.Span)) value.Arguments

    let private selector (w: Writer) (value: Selector) =
        w.Space()
        w.Text "of"
        w.Space()

        match value.Roles with
        | [ one ] -> name w one
        | roles -> items w "[" "]" (lastOf value.Span) (fun (role: Name) -> role.Span) (name w) roles

    let private norm (w: Writer) (value: NormPair) =
        w.Space()
        w.Text "in"
        w.Space()
        name w value.From

        match value.To with
        | Some target ->
            w.Space()
            w.Text "->"
            w.Space()
            name w target
        | None -> ()

    let private claim (w: Writer) (value: Claim) =
        name w value.Subject

        match value.From with
        | Some first ->
            w.Text "("
            w.Open()
            path w first

            match value.To with
            | Some last ->
                w.Space()
                w.Text "->"
                w.Space()
                path w last
            | None -> ()

            w.Close()
            w.Text ")"
        | None -> ()

        w.Space()

        w.Text(
            match value.Relation with
            | AtMost -> "<="
            | Below -> "<"
            | AtLeast -> ">="
            | Exactly -> "=="
        )

        w.Space()
        expr w 5 value.Limit
        Option.iter (norm w) value.Norm

    let private entry (w: Writer) (value: RecipeEntry) =
        path w value.Path
        Option.iter (selector w) value.Selector
        w.Text ":"
        w.Space()
        expr w 0 value.Value

    /// `{ a; b }`: on one line if it was, otherwise with a line for each that began one.
    let private block (w: Writer) (span: Span) (openLine: int) (spanOf: 'a -> Span) (print: 'a -> unit) (values: 'a list) =
        w.Space()
        w.Text "{"

        if openLine = span.EndLine then
            values
            |> List.iteri (fun i value ->
                if i > 0 then
                    w.Text ";"

                w.Space()
                print value)

            w.Space()
        else
            w.Indent()

            values
            |> List.iteri (fun i value ->
                let place = spanOf value

                // What was written on a line of its own, or must be: the first, and what follows a comment.
                w.Comments place.Start

                if i > 0 && not w.Commented && place.Line = w.SourceLine then
                    w.Text ";"
                    w.Space()
                else
                    w.Newline()

                    if i > 0 && place.Line > w.SourceLine + 1 then
                        w.Blank()

                print value)

            w.Comments (lastOf span).Start
            w.Newline()
            w.Outdent()

        w.At(lastOf span, "}")

    let rec private body (w: Writer) (value: Body) =
        block w value.Span value.Span.Line (fun (item: Statement) -> item.Span) (statement w) value.Statements

    and private statement (w: Writer) (value: Statement) =
        let word text = w.At({ value.Span with EndLine = value.Span.Line }, text)

        let spaced text =
            word text
            w.Space()

        match value.Node with
        | Input(point, kind) ->
            spaced "input"
            assign w point
            call w kind
        | Weights(roles, values) ->
            word "weights"
            Option.iter (selector w) roles

            if Option.isSome roles then
                w.Space()

            arguments w (lastOf value.Span) values
        | Let(declared, bound) ->
            spaced "let"
            assign w (Some declared)
            expr w 0 bound
        | Claim claimed ->
            spaced "claim"
            claim w claimed
        | Recipe entries ->
            word "recipe"
            block w value.Span value.Span.Line (fun (item: RecipeEntry) -> item.Span) (entry w) entries
        | For(index, first, last, inner) ->
            spaced "for"
            name w index
            w.Space()
            w.Text "in"
            w.Space()
            expr w 0 first
            w.Text ".."
            expr w 0 last
            body w inner
        | If(test, whenTrue, whenFalse) ->
            spaced "if"
            expr w 0 test
            body w whenTrue

            match whenFalse with
            | None -> ()
            | Some otherwise ->
                w.Space()
                w.Text "else"

                match otherwise.Statements with
                | [ { Node = If _ } as next ] when next.Span.Start = otherwise.Span.Start ->
                    w.Space()
                    statement w next
                | _ -> body w otherwise
        | Step(point, node) ->
            assign w point

            match node with
            | Repeat(count, index, inner) ->
                w.Text "repeat"
                w.Space()
                expr w 0 count

                match index with
                | Some index ->
                    w.Space()
                    w.Text "as"
                    w.Space()
                    name w index
                | None -> ()

                body w inner
            | From(source, inner) ->
                w.Text "from"
                w.Space()
                path w source
                body w inner
            | Layer(kind, inner) ->
                call w kind
                Option.iter (body w) inner

    and private assign (w: Writer) (point: Name option) =
        match point with
        | Some point ->
            name w point
            w.Space()
            w.Text "="
            w.Space()
        | None -> ()

    let private parameter (w: Writer) (value: Parameter) =
        if value.IsLayer then
            w.Text "layer"
            w.Space()

        name w value.Name

        match value.Default with
        | Some fallback ->
            w.Space()
            w.Text "="
            w.Space()
            expr w 0 fallback
        | None -> ()

    let private header (w: Writer) (word: string) (declared: Name) (parameters: Parameter list) (next: Span) =
        w.Text word
        w.Space()
        name w declared

        if not (List.isEmpty parameters) then
            // The place of ')' is not kept: a comment before it waits for the end of the line.
            let last = { next with Start = 0; Length = 0; Line = 0; EndLine = 0 }
            items w "(" ")" last (fun (item: Parameter) -> item.Name.Span) (parameter w) parameters

    let private declaration (w: Writer) (value: Declaration) =
        match value with
        | Use(path, span) ->
            w.Text "use"
            w.Space()
            w.At(span, quote path)
        | LetTop(declared, bound) ->
            w.Text "let"
            w.Space()
            assign w (Some declared)
            expr w 0 bound
        | Model(declared, parameters, inNorm, inner) ->
            header w "model" declared parameters inner.Span
            Option.iter (norm w) inNorm
            body w inner
        | Block(declared, parameters, inner) ->
            header w "block" declared parameters inner.Span
            body w inner

    let private placeOf (value: Declaration) =
        match value with
        | Use(_, span) -> span, false
        | LetTop(declared, _) -> declared.Span, false
        | Model(declared, _, _, _)
        | Block(declared, _, _) -> declared.Span, true

    /// A spec in the canonical layout. Printing what this returns, parsed again, changes nothing.
    let print (spec: Spec) : string =
        let w = Writer spec.Comments

        (false, spec.Declarations)
        ||> List.fold (fun afterLarge value ->
            let place, large = placeOf value
            let first = w.SourceLine = 0
            let before = w.SourceLine
            w.Comments place.Start

            // A model or block stands apart from what comes before it, its comments included.
            w.Newline()

            if not first && (place.Line > w.SourceLine + 1 || ((large || afterLarge) && w.SourceLine = before)) then
                w.Blank()

            declaration w value
            large)
        |> ignore

        w.Comments System.Int32.MaxValue
        w.Newline()
        w.ToString()
