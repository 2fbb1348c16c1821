namespace Lips.Core

open System
open System.Text

/// JSON as text: what reports need of it.
type Json =
    | JText of string
    | JFlag of bool
    | JInteger of int64
    | JNull
    | JList of Json list
    | JObject of (string * Json) list

    member private this.Write(out: StringBuilder, indent: string) : unit =
        let quote (s: string) =
            out.Append '"' |> ignore

            for c in s do
                match c with
                | '"' -> out.Append "\\\"" |> ignore
                | '\\' -> out.Append "\\\\" |> ignore
                | '\n' -> out.Append "\\n" |> ignore
                | c when c < ' ' || Char.IsSurrogate c -> out.Append("\\u" + (int c).ToString "x4") |> ignore
                | c -> out.Append c |> ignore

            out.Append '"' |> ignore

        let sequence (opening: char) (closing: char) (items: (unit -> unit) list) =
            if items.IsEmpty then
                out.Append(opening).Append(closing) |> ignore
            else
                out.Append opening |> ignore

                items
                |> List.iteri (fun i write ->
                    out.Append(if i = 0 then "\n" else ",\n").Append(indent).Append("  ") |> ignore
                    write ())

                out.Append('\n').Append(indent).Append(closing) |> ignore

        match this with
        | JText s -> quote s
        | JFlag b -> out.Append(if b then "true" else "false") |> ignore
        | JInteger n -> out.Append(n.ToString Globalization.CultureInfo.InvariantCulture) |> ignore
        | JNull -> out.Append "null" |> ignore
        | JList items -> items |> List.map (fun i () -> i.Write(out, indent + "  ")) |> sequence '[' ']'
        | JObject fields ->
            fields
            |> List.map (fun (name, v) () ->
                quote name
                out.Append ": " |> ignore
                v.Write(out, indent + "  "))
            |> sequence '{' '}'

    /// Indented, with a final newline.
    member this.Print() =
        let out = StringBuilder()
        this.Write(out, "")
        out.Append('\n').ToString()

/// Machine-readable reports. Every number of a bound is a decimal string, rounded up: `"0.92770…"`, `"∞"`.
[<RequireQualifiedAccess>]
module ReportJson =

    let private digits = 17
    let private number (x: Upper) = JText(Report.shown digits x)

    let private cell (c: Cell) =
        let number x = JText(Report.shown 12 x)

        match c with
        | Unknown -> JNull
        | Value v -> number v
        | Spread(least, largest) -> JObject [ "least", number least; "largest", number largest ]

    let private row (r: Row) =
        JObject
            [ "line", (if r.Line > 0 then JInteger(int64 r.Line) else JNull)
              "path", JText r.Path
              "label", JText r.Label
              "rule", JText r.Rule
              "factors", JList(r.Cells |> List.map cell)
              "radius", (match r.Radius with Some v -> number v | None -> JNull) ]

    let private claim (c: ClaimLine) =
        JObject [ "text", JText c.Written; "line", JInteger(int64 c.Line); "holds", JFlag c.Holds; "bound", JText c.Found ]

    let private query (q: QueryLine) =
        JObject
            [ "from", JText q.Query.From
              "to", JText q.Query.Into
              "norm", JText(Report.norms q.Query.Norms)
              "bound", number q.Bound
              "log10", JText(UpperText.log10 6 q.Bound)
              "domain", JText q.Domain
              "substitution",
              (match q.Substitution, Report.substitutionText q with
               | Some(distance, bound), Some text -> JObject [ "text", JText text; "distance", number distance; "bound", number bound ]
               | _ -> JNull)
              "steps", JList(q.Rows |> List.filter (fun r -> r.Kind = LayerRow) |> List.map row) ]

    /// What `lips bound --format json` prints for one model.
    let report (r: Report) : Json =
        let norm, bound, log10 =
            match r.Queries with
            | q :: _ -> JText(Report.norms q.Query.Norms), number q.Bound, JText(UpperText.log10 6 q.Bound)
            | [] -> JNull, JNull, JNull

        JObject
            [ "model", JText r.Model.Resolved.Model.Name
              "norm", norm
              "bound", bound
              "log10", log10
              "at", JText(match r.At with At.Caps -> "caps" | At.Init -> "init" | At.Norms _ -> "weights")
              "meaning", JText r.Model.Meaning
              "claims", JList(r.Claims |> List.map claim)
              "queries", JList(r.Queries |> List.map query) ]

    let private severity s =
        match s with
        | Severity.Error -> "error"
        | Severity.Warning -> "warning"
        | Severity.Info -> "note"

    /// SARIF 2.1.0 of the findings of any number of specs.
    let sarif (version: string) (diagnostics: Diagnostic list) : Json =
        let rules =
            diagnostics
            |> List.map (fun d -> d.Code, d.Title)
            |> List.distinct
            |> List.sort
            |> List.map (fun (code, title) -> JObject [ "id", JText code; "shortDescription", JObject [ "text", JText title ] ])

        let result (d: Diagnostic) =
            let region =
                if d.Span.Line > 0 then
                    [ "region",
                      JObject
                          [ "startLine", JInteger(int64 d.Span.Line)
                            "startColumn", JInteger(int64 d.Span.Column)
                            "endLine", JInteger(int64 d.Span.EndLine)
                            "endColumn", JInteger(int64 d.Span.EndColumn) ] ]
                else
                    []

            let text = d.Message + (match d.Hint with Some h -> "\nhint: " + h | None -> "")
            let file = JObject [ "uri", JText(d.Path.Replace('\\', '/')) ]

            JObject
                [ "ruleId", JText d.Code
                  "level", JText(severity d.Severity)
                  "message", JObject [ "text", JText text ]
                  "locations", JList [ JObject [ "physicalLocation", JObject(("artifactLocation", file) :: region) ] ] ]

        JObject
            [ "$schema", JText "https://json.schemastore.org/sarif-2.1.0.json"
              "version", JText "2.1.0"
              "runs",
              JList
                  [ JObject
                        [ "tool", JObject [ "driver", JObject [ "name", JText "lips"; "version", JText version; "rules", JList rules ] ]
                          "columnKind", JText "utf16CodeUnits"
                          "results", JList(diagnostics |> List.map result) ] ] ]
