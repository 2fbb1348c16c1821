namespace Lips.Core

open System
open System.Text

/// The report of `lips bound` on a terminal.
[<RequireQualifiedAccess>]
module ReportText =

    let private digits = 6

    let cell (c: Cell) =
        match c with
        | Unknown -> "·"
        | Value v -> Report.shown digits v
        | Spread(least, largest) ->
            let least, largest = Report.shown digits least, Report.shown digits largest
            if least = largest then largest else least + " … " + largest

    let column (c: Column) =
        match c with
        | Iteration i -> (i + 1L).ToString Globalization.CultureInfo.InvariantCulture
        | Range -> "range"

    /// The text cells of a row after line and label: values, radius, rule.
    let private texts (row: Row) =
        let values =
            match row.Kind with
            | RepeatRow -> row.Columns |> List.map column
            | PartRow -> []
            | _ -> row.Cells |> List.map cell

        values, (match row.Radius with Some r -> Report.shown digits r | None -> ""), row.Rule

    let private verdict (stage: string) (c: ClaimLine) =
        let limit =
            match c.Query with
            | Some _ when c.Written.Contains "<=" -> "claim <= " + c.Written.Substring(c.Written.IndexOf("<=", StringComparison.Ordinal) + 2).Trim()
            | Some _ when c.Written.Contains "<" -> "claim < " + c.Written.Substring(c.Written.IndexOf("<", StringComparison.Ordinal) + 1).Trim()
            | _ -> c.Written

        limit + (if c.Holds then " holds" else " DOES NOT HOLD") + stage

    /// A verdict at initialization says nothing of what training does to the weights.
    let private stage (report: Report) = (match report.At with At.Init -> " at step 0 only" | At.Caps | At.Norms _ -> "")

    /// `Shakespeare   lipschitz(x -> logits) <= 0.9277 in rms        claim <= 1 holds`
    let private headline (report: Report) (q: QueryLine) =
        let bound = $"lipschitz({q.Query.From} -> {q.Query.Into}) <= {Report.shown 7 q.Bound} in {Report.norms q.Query.Norms}"
        let own = report.Claims |> List.filter (fun c -> c.Query = Some q.Query) |> List.map (verdict (stage report))
        $"{report.Model.Resolved.Model.Name}   {bound}" + (if own.IsEmpty then "" else "        " + String.Join(", ", own))

    let private table (out: StringBuilder) (rows: Row list) =
        let all = rows |> List.map (fun r -> r, texts r)
        let label (r: Row) = String(' ', 2 * r.Depth) + r.Label
        let widest f least = (least :: (all |> List.map f)) |> List.max
        let labels = widest (fun (r, _) -> (label r).Length) 0
        let count = widest (fun (_, (v, _, _)) -> v.Length) 1
        let widths = [ for i in 0 .. count - 1 -> widest (fun (_, (v, _, _)) -> if i < v.Length then v[i].Length else 0) 3 ]
        let radii = widest (fun (_, (_, r, _)) -> r.Length) "radius after".Length

        let line number (name: string) (values: string list) (radius: string) (rule: string) =
            let cells = [ for i in 0 .. count - 1 -> (if i < values.Length then values[i] else "").PadLeft widths[i] ]
            let text = $"  {number, 4}   {name.PadRight labels}   " + String.Join("   ", cells) + $"   {radius.PadLeft radii}   {rule}"
            out.Append(text.TrimEnd()).Append('\n') |> ignore

        line "line" "" [ "factor" ] "radius after" "rule"

        for row, (values, radius, rule) in all do
            line (if row.Line > 0 then string row.Line else "") (label row) values radius rule

    /// Counts and radii are claimed for the model as a whole.
    let private otherClaims (report: Report) (out: StringBuilder) =
        for c in report.Claims do
            let answered = report.Queries |> List.exists (fun q -> Some q.Query = c.Query)

            if not answered then
                let text = (if c.Holds then "holds" else "DOES NOT HOLD") + (if c.Written.StartsWith("radius", StringComparison.Ordinal) then stage report else "")
                out.Append($"  {c.Written}: {c.Found}, {text}\n") |> ignore

    let print (report: Report) : string =
        let out = StringBuilder()

        // queries that differ in the target or the unit share a table: the longest of its source
        let groups = report.Queries |> List.groupBy (fun q -> q.Query.From, q.Query.Norms)

        for _, queries in groups do
            for q in queries do
                out.Append(headline report q).Append('\n') |> ignore

            out.Append("  ").Append(queries.Head.Domain).Append('\n') |> ignore
            for q in queries do Report.substitutionText q |> Option.iter (fun text -> out.Append("  ").Append(text).Append('\n') |> ignore)
            out.Append('\n') |> ignore
            table out queries.Head.Rows
            out.Append('\n') |> ignore

        otherClaims report out
        out.ToString().TrimEnd('\n') + "\n"
