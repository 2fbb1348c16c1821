namespace Lips.Core

open System
open System.Text

/// The report as Markdown and as one self-contained HTML page.
[<RequireQualifiedAccess>]
module ReportPage =

    let private escape (s: string) = s.Replace("|", "\\|")

    let private columns (rows: Row list) = 1 :: (rows |> List.map (fun r -> max r.Cells.Length r.Columns.Length)) |> List.max

    let private texts (r: Row) =
        match r.Kind with
        | RepeatRow -> r.Columns |> List.map ReportText.column
        | PartRow -> []
        | _ -> r.Cells |> List.map ReportText.cell

    let private claimText (c: ClaimLine) = (if c.Holds then "holds" else "**does not hold**") + $": {c.Found}"

    let markdown (report: Report) : string =
        let out = StringBuilder()
        let add (line: string) = out.Append(line).Append('\n') |> ignore
        add $"# {report.Model.Resolved.Model.Name}"

        for q in report.Queries do
            add ""
            add $"**`lipschitz({q.Query.From} -> {q.Query.Into})` ≤ {Report.shown 7 q.Bound}** in {Report.norms q.Query.Norms}, {q.Domain}."
            Report.substitutionText q |> Option.iter (fun text -> add ""; add ((text.Substring(0, 1).ToUpperInvariant() + text.Substring 1) + "."))

        if not report.Claims.IsEmpty then
            add ""
            for c in report.Claims do
                add $"- `{c.Written}`: {claimText c}"

        for q in report.Queries |> List.distinctBy (fun q -> q.Query.From, q.Query.Norms) do
            let n = columns q.Rows
            let row (cells: string list) = "| " + String.Join(" | ", cells |> List.map escape) + " |"
            let pad (cells: string list) = cells @ List.replicate (n - cells.Length) ""
            add ""
            add (row ([ "line"; "layer" ] @ pad [ "factor" ] @ [ "radius after"; "rule" ]))
            add ("|--:|:--|" + String.replicate n "--:|" + "--:|:--|")

            for r in q.Rows do
                add (
                    row (
                        [ (if r.Line > 0 then string r.Line else ""); String.replicate (2 * r.Depth) "&nbsp;" + r.Label ]
                        @ pad (texts r)
                        @ [ (match r.Radius with Some v -> Report.shown 6 v | None -> ""); r.Rule ]
                    )
                )

        out.ToString()

    let private html (s: string) = s.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&quot;")

    /// Bars of a chart: label, log₁₀ of the factor as a double (for drawing only), text. Over a repeat the factors of
    /// its iterations are multiplied.
    let bars (q: QueryLine) : (string * float * string) list =
        [ for r in q.Rows do
              if r.Kind = LayerRow then
                  let repeated (s: Step) = s.Loops |> List.fold (fun n (_, c) -> n * float c) 1.0
                  let logs = r.Cells |> List.choose (fun c -> match c with Value v | Spread(_, v) when not v.IsZero && not v.IsInfinity -> Some(Math.Log10(v.ToDoubleUp())) | _ -> None)

                  if not logs.IsEmpty then
                      let shown = r.Cells |> List.map ReportText.cell |> List.distinct |> String.concat ", "
                      let total = List.average logs * (match r.Step with Some s -> repeated s | None -> 1.0)
                      r.Label, total, shown ]

    let private chart (items: (string * float * string) list) =
        let low = items |> List.map (fun (_, v, _) -> v) |> List.fold min 0.0
        let high = items |> List.map (fun (_, v, _) -> v) |> List.fold max 0.0
        let span = if high > low then high - low else 1.0
        let culture = Globalization.CultureInfo.InvariantCulture
        let number (v: float) = v.ToString("F1", culture)
        let x v = 230.0 + (v - low) / span * 330.0
        let out = StringBuilder()
        out.Append($"<svg viewBox=\"0 0 720 {items.Length * 22 + 8}\" role=\"img\" aria-label=\"factors in powers of ten\">\n") |> ignore

        items
        |> List.iteri (fun i (label, value, text) ->
            let y = 4 + i * 22
            let left, right = min (x 0.0) (x value), max (x 0.0) (x value)
            let kind = if value < 0.0 then "less" else "more"
            out.Append($"<text x=\"222\" y=\"{y + 15}\" text-anchor=\"end\">{html label}</text>") |> ignore
            out.Append($"<rect class=\"{kind}\" x=\"{number left}\" y=\"{y + 4}\" width=\"{number (max 1.0 (right - left))}\" height=\"14\" rx=\"2\"/>") |> ignore
            out.Append($"<text x=\"{number (right + 6.0)}\" y=\"{y + 15}\">{html text}</text>\n") |> ignore)

        out.Append("</svg>\n").ToString()

    let private style =
        ":root{color-scheme:light dark;--ink:#1c1d21;--soft:#686b75;--line:#e3e4e8;--paper:#fff;--more:#2f5fd0;--less:#1b8a5a}"
        + "@media(prefers-color-scheme:dark){:root{--ink:#e7e8ec;--soft:#9a9eaa;--line:#2c2e36;--paper:#141519;--more:#7ea4ff;--less:#58c795}}"
        + "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 Charter,Georgia,serif}main{max-width:60rem;margin:3rem auto;padding:0 1.25rem}"
        + "svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--ink)}.more{fill:var(--more)}.less{fill:var(--less)}"
        + ".wide{overflow-x:auto}table{border-collapse:collapse;font:14px system-ui,sans-serif;font-variant-numeric:tabular-nums}"
        + "td,th{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}"
        + "td:nth-child(2),th:nth-child(2),td:last-child,th:last-child{text-align:left}th,p{color:var(--soft);font-weight:400}"

    let page (report: Report) : string =
        let out = StringBuilder()
        let name = html report.Model.Resolved.Model.Name
        out.Append($"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{name}</title><style>{style}</style></head><body><main>\n<h1>{name}</h1>\n") |> ignore

        for c in report.Claims do
            let verdict = if c.Holds then "holds" else "does not hold"
            out.Append($"<p><code>{html c.Written}</code> {verdict}: {html c.Found}</p>\n") |> ignore

        for q in report.Queries |> List.distinctBy (fun q -> q.Query.From, q.Query.Norms) do
            let n = columns q.Rows
            out.Append($"<h2>{html (string q.Query)} ≤ {Report.shown 7 q.Bound}</h2>\n<p>{html q.Domain}</p>\n") |> ignore
            Report.substitutionText q |> Option.iter (fun text -> out.Append($"<p>{html text}</p>\n") |> ignore)

            match bars q with
            | [] -> ()
            | items -> out.Append("<p>Factors in powers of ten; what lies left of the start contracts.</p>\n" + chart items) |> ignore

            let row tag (cells: string list) = "<tr>" + String.Join("", cells |> List.map (fun c -> $"<{tag}>{c}</{tag}>")) + "</tr>\n"
            let pad (cells: string list) = (cells |> List.map html) @ List.replicate (n - cells.Length) ""
            out.Append("<div class=\"wide\"><table>\n" + row "th" ([ "line"; "layer" ] @ pad [ "factor" ] @ [ "radius after"; "rule" ])) |> ignore

            for r in q.Rows do
                row
                    "td"
                    ([ (if r.Line > 0 then string r.Line else ""); String.replicate (3 * r.Depth) "&nbsp;" + html r.Label ]
                     @ pad (texts r)
                     @ [ (match r.Radius with Some v -> Report.shown 6 v | None -> ""); html r.Rule ])
                |> out.Append
                |> ignore

            out.Append("</table></div>\n") |> ignore

        out.Append("</main></body></html>\n").ToString()
