namespace Lips.Core

/// Expressions, arguments and paths in the canonical layout.
module internal FormatExpressions =

    open Syntax

    let private binary operator =
        match operator with
        | Or -> "or", 1
        | And -> "and", 2
        | Less -> "<", 4
        | LessOrEqual -> "<=", 4
        | Greater -> ">", 4
        | GreaterOrEqual -> ">=", 4
        | Equal -> "==", 4
        | NotEqual -> "!=", 4
        | Add -> "+", 5
        | Subtract -> "-", 5
        | Multiply -> "*", 6
        | Divide -> "/", 6
        | Modulo -> "%", 6
        | Power -> "^", 8

    let private level (value: Expr) =
        match value.Node with
        | Conditional _ -> 0
        | Binary(operator, _, _) -> snd (binary operator)
        | Unary(Not, _) -> 3
        | Unary(Negate, _) -> 7
        | Number _
        | Text _
        | Boolean _
        | List _
        | Named _
        | Index _
        | Slice _
        | Member _
        | Group _ -> 9

    /// How tightly the two operands of an operator must bind to need no parentheses.
    let private operands operator =
        match operator with
        | Power -> 9, 7
        | Less
        | LessOrEqual
        | Greater
        | GreaterOrEqual
        | Equal
        | NotEqual -> 5, 5
        | _ ->
            let own = snd (binary operator)
            own, own + 1

    let private isNumber (value: Expr) =
        match value.Node with
        | Number _ -> true
        | Unary(Negate, { Node = Number _ }) -> true
        | _ -> false

    let quote (text: string) =
        let escaped = text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n").Replace("\t", "\\t")
        "\"" + escaped + "\""

    /// The place of the last character of a span.
    let lastOf (span: Span) =
        { span with
            Start = max span.Start (span.Start + span.Length - 1)
            Length = min span.Length 1
            Line = span.EndLine
            Column = max 1 (span.EndColumn - 1) }

    let name (w: Writer) (name: Name) = w.At(name.Span, name.Text)

    /// Items between brackets. A line ends before an item that began a line in the source.
    let items (w: Writer) (opening: string) (closing: string) (last: Span) (spanOf: 'a -> Span) (print: 'a -> unit) (values: 'a list) =
        w.Text opening
        w.Open()

        values
        |> List.iteri (fun i value ->
            if i > 0 then
                w.Text ","
                w.Space()

            w.Comments (spanOf value).Start

            if w.Commented || (spanOf value).Line > w.SourceLine then
                w.Newline()

            print value)

        w.Comments last.Start
        let ends = w.Commented || (not (List.isEmpty values) && last.Line > w.SourceLine)
        w.Close()

        if ends then
            w.Newline()

        w.At(last, closing)

    let rec expr (w: Writer) (least: int) (value: Expr) : unit =
        if level value < least then
            w.At({ value.Span with EndLine = value.Span.Line }, "(")
            w.Open()
            bare w value
            w.Close()
            w.Text ")"
        else
            bare w value

    and private bare (w: Writer) (value: Expr) =
        let start = { value.Span with EndLine = value.Span.Line }

        match value.Node with
        | Number(_, written) -> w.At(value.Span, written)
        | Text text -> w.At(value.Span, quote text)
        | Boolean truth -> w.At(value.Span, (if truth then "true" else "false"))
        | List values ->
            w.At(start, "")
            items w "[" "]" (lastOf value.Span) (fun (item: Expr) -> item.Span) (expr w 0) values
        | Named(called, given) ->
            name w called
            Option.iter (arguments w (lastOf value.Span)) given
        | Index(list, index) ->
            expr w 9 list
            items w "[" "]" (lastOf value.Span) (fun (item: Expr) -> item.Span) (expr w 0) [ index ]
        | Slice(list, first, last) ->
            expr w 9 list
            w.Text "["
            w.Open()
            expr w 0 first
            w.Text ".."
            expr w 0 last
            w.Comments (lastOf value.Span).Start
            w.Close()
            w.At(lastOf value.Span, "]")
        | Member(owner, field) ->
            expr w 9 owner
            w.Text "."
            name w field
        | Unary(Negate, operand) ->
            w.At(start, "-")
            expr w 7 operand
        | Unary(Not, operand) ->
            w.At(start, "not")
            w.Space()
            expr w 3 operand
        | Binary(operator, left, right) ->
            let forLeft, forRight = operands operator
            // A fraction of two numbers is one word: 1/3.
            let tight = operator = Divide && isNumber left && (match right.Node with Number _ -> true | _ -> false)
            expr w forLeft left
            if not tight then w.Space()
            w.Text(fst (binary operator))
            if not tight then w.Space()
            expr w forRight right
        | Conditional(test, whenTrue, whenFalse) ->
            w.At(start, "if")
            w.Space()
            expr w 0 test
            w.Space()
            w.Text "then"
            w.Space()
            expr w 0 whenTrue
            w.Space()
            w.Text "else"
            w.Space()
            expr w 0 whenFalse
        | Group inner ->
            w.At(start, "")
            items w "(" ")" (lastOf value.Span) (fun (item: Expr) -> item.Span) (expr w 0) [ inner ]

    and arguments (w: Writer) (last: Span) (values: Argument list) =
        items w "(" ")" last (fun (item: Argument) -> item.Span) (argument w) values

    and private argument (w: Writer) (value: Argument) =
        match value.Label with
        | Some label ->
            path w label
            w.Text ":"
            w.Space()
        | None -> ()

        expr w 0 value.Value

    and path (w: Writer) (value: Path) =
        value.Parts
        |> List.iteri (fun i part ->
            match part with
            | Field field ->
                if i > 0 then
                    w.Text "."

                name w field
            | Item index ->
                w.Text "["
                w.Open()
                expr w 0 index
                w.Close()
                w.Text "]")
