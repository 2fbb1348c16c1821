namespace Lips.Core

open System

/// The spec with each step's result as a comment under the text it belongs to: `//@ L ≤ 1.128905 · gelu.slope`.
[<RequireQualifiedAccess>]
module ReportSource =

    let private largest (row: Row) =
        row.Cells
        |> List.choose (fun c ->
            match c with
            | Unknown -> None
            | Value v
            | Spread(_, v) -> Some v)
        |> function [] -> None | some -> Some(List.max some)

    let private range (row: Row) =
        row.Cells
        |> List.collect (fun c ->
            match c with
            | Unknown -> []
            | Value v -> [ v ]
            | Spread(a, b) -> [ a; b ])
        |> function
            | [] -> if row.Cells.IsEmpty then "" else "L unknown · "
            | some ->
                let least, most = Report.shown 7 (List.min some), Report.shown 7 (List.max some)
                (if least = most then "L ≤ " + most else "L ≤ " + least + " … " + most) + " · "

    let private note (row: Row) =
        let citation =
            match row.Step with
            | Some s ->
                (match ReportExplain.rules |> List.tryFind (fun (n, _) -> n = s.Rule) with
                 | Some(_, rule) -> " · [" + rule.Citation + "]"
                 | None -> "")
            | None -> ""

        let radius = (match row.Radius with Some r when not r.IsInfinity -> " · radius ≤ " + Report.shown 7 r | _ -> "")
        $"{range row}{row.Rule}{citation}{radius}"

    let private notesOf (q: QueryLine) (line: int) =
        // a block used several times concludes several things at one line: the largest of each rule is shown
        q.Rows
        |> List.filter (fun r -> r.Kind = LayerRow && r.Line = line)
        |> List.groupBy (fun r -> r.Rule, r.Depth)
        |> List.map (fun (_, rows) ->
            let worst = rows |> List.maxBy (fun r -> defaultArg (largest r) Upper.Zero)
            note worst + (if rows.Length > 1 then $" · largest of {rows.Length} uses" else ""))

    let private claimNote (c: ClaimLine) =
        let text = if c.Holds then "holds" else "does not hold"
        $"{text}: {c.Found}"

    /// The annotated source of every model of a spec, given one report for each.
    let print (source: SourceText) (reports: Report list) : string =
        let lines = source.Text.Replace("\r\n", "\n").TrimEnd('\n').Split('\n')

        let annotate index (line: string) =
            let number = index + 1
            let indent = line.Substring(0, line.Length - line.TrimStart().Length)

            let notes =
                [ for r in reports do
                      match r.Queries with
                      | q :: _ -> yield! notesOf q number
                      | [] -> ()

                      for c in r.Claims do
                          if c.Line = number then claimNote c ]

            line :: (notes |> List.map (fun n -> indent + "//@ " + n))

        let totals =
            [ for r in reports do
                  for q in r.Queries do
                      $"//@ {r.Model.Resolved.Model.Name}: {q.Query} <= {Report.shown 7 q.Bound}"
                      $"//@   {q.Domain}" ]

        String.Join("\n", totals @ (lines |> List.ofArray |> List.mapi annotate |> List.concat)) + "\n"
