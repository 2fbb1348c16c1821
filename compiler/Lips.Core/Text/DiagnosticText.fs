namespace Lips.Core

open System
open System.Text

/// How findings are made, ordered and printed.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Diagnostic =

    /// The finding that `problem` stands at `span` of the file `path`.
    let create (path: string) (span: Span) (problem: Problem) : Diagnostic =
        let text = Problem.describe problem

        { Code = text.Code
          Severity = text.Severity
          Title = text.Title
          Message = text.Message
          Hint = text.Hint
          Span = span
          Path = path }

    let isError (diagnostic: Diagnostic) = diagnostic.Severity = Severity.Error

    let private severity (value: Severity) =
        match value with
        | Severity.Error -> "error"
        | Severity.Warning -> "warning"
        | Severity.Info -> "info"

    /// `specs/a.lips(2,8): error LIPS0001: message`: the form that build tools and editors recognize.
    let line (d: Diagnostic) =
        // concatenated: the first call of sprintf costs a cold process more than the rest of this file
        let place = if d.Span.Line > 0 then "(" + string d.Span.Line + "," + string d.Span.Column + ")" else ""
        d.Path + place + ": " + severity d.Severity + " " + d.Code + ": " + d.Message

    /// The line `number` (from 1) of a text, without its line ending; none beyond the end.
    let private sourceLine (text: string) (number: int) =
        let rec start at left =
            if left = 0 then
                Some at
            else
                match text.IndexOf('\n', at) with
                | -1 -> None
                | newline -> start (newline + 1) (left - 1)

        start 0 (number - 1)
        |> Option.map (fun first ->
            let last = text.IndexOf('\n', first)
            (if last < 0 then text.Substring first else text.Substring(first, last - first)).TrimEnd('\r'))

    /// A window of at most 120 characters of a line that shows the column (from 0), and the column in it.
    let private window (line: string) (column: int) =
        let width = 120

        if line.Length <= width then
            line, column
        else
            let first = max 0 (min (column - 40) (line.Length - width))
            line.Substring(first, width), column - first

    /// The line of the finding, its source line with the place underlined, and the hint.
    let render (text: string) (d: Diagnostic) =
        let out = StringBuilder().Append(line d).Append('\n')

        let excerpt =
            if d.Span.Line > 0 then sourceLine text d.Span.Line else None

        match excerpt with
        | None -> ()
        | Some source ->
            let shown, column = window source (max 0 (min (d.Span.Column - 1) source.Length))

            let marked =
                if d.Span.EndLine = d.Span.Line then d.Span.EndColumn - d.Span.Column else shown.Length - column

            let carets = max 1 (min marked (shown.Length - column))
            // A tab stays a tab, so that the carets stand below what they mark.
            let before = shown.Substring(0, column) |> String.map (fun c -> if c = '\t' then '\t' else ' ')
            let number = d.Span.Line.ToString(Globalization.CultureInfo.InvariantCulture)

            out.Append("  ").Append(number).Append(" | ").Append(shown).Append('\n') |> ignore
            // one by one: what fills a text with vectors is compiled at every start
            let repeated (c: char) times = for _ in 1..times do out.Append c |> ignore
            repeated ' ' (2 + number.Length)
            out.Append(" | ").Append(before) |> ignore
            repeated '^' carets
            out.Append '\n' |> ignore

        match d.Hint with
        | None -> ()
        | Some hint -> out.Append("  hint: ").Append(hint).Append('\n') |> ignore

        out.ToString()

    /// By place in the file, errors before warnings at the same place.
    let sort (diagnostics: Diagnostic list) =
        diagnostics
        |> List.sortWith (fun a b ->
            let byPath = String.CompareOrdinal(a.Path, b.Path)
            if byPath <> 0 then byPath
            elif a.Span.Start <> b.Span.Start then compare a.Span.Start b.Span.Start
            else compare (a.Severity, a.Code) (b.Severity, b.Code))

    /// What `lips explain CODE` prints; none for a code that does not exist.
    let explain (code: string) =
        Examples.all
        |> List.tryFind (fun (problem, _) -> String.Equals(Problem.code problem, code, StringComparison.OrdinalIgnoreCase))
        |> Option.map (fun (problem, example) ->
            let text = Problem.describe problem
            let example = if example = "" then "" else "\nFor example:\n\n    " + String.Join("\n    ", example.Split('\n')) + "\n"

            sprintf "%s (%s): %s\n\n%s\n%s\n    %s\n%s" text.Code (severity text.Severity) text.Title text.Explanation example text.Message
                (match text.Hint with
                 | Some hint -> "    hint: " + hint + "\n"
                 | None -> ""))

    let private stages =
        [ '0', "Syntax"
          '1', "Names and hyperparameters"
          '2', "Shapes"
          '3', "Bounds and claims"
          '4', "Emission" ]

    /// DIAGNOSTICS.md: every diagnostic with its example, by stage.
    let markdown () =
        let out = StringBuilder()
        let add (text: string) = out.Append(text).Append('\n') |> ignore
        add "# Diagnostics"
        add ""
        add "Printed from `Diagnostic.fs`; do not edit. `lips explain CODE` shows one of these."

        for digit, name in stages do
            add ""
            add ("## " + name)

            for problem, example in Examples.all do
                let text = Problem.describe problem

                if text.Code.[4] = digit then
                    add ""
                    add (sprintf "### %s: %s%s" text.Code text.Title (if text.Severity = Severity.Error then "" else " (" + severity text.Severity + ")"))
                    add ""
                    add text.Explanation

                    if example <> "" then
                        add ""
                        add "```"
                        add example
                        add "```"

                    add ""
                    add ("> " + text.Message)

                    match text.Hint with
                    | Some hint -> add (">\n> hint: " + hint)
                    | None -> ()

        out.ToString()
