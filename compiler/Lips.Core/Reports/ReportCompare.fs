namespace Lips.Core

open System
open System.Text

/// What a change of a spec did to its bound, step by step.
[<RequireQualifiedAccess>]
module ReportCompare =

    let private text (row: Row option) =
        match row with
        | None -> "–"
        | Some r -> r.Cells |> List.map ReportText.cell |> List.distinct |> String.concat ", "

    let private ruleText (a: Row option) (b: Row option) =
        match a, b with
        | Some x, Some y when x.Rule = y.Rule -> x.Rule
        | Some x, Some y -> x.Rule + " → " + y.Rule
        | Some x, None -> x.Rule + " → none"
        | None, Some y -> "none → " + y.Rule
        | None, None -> ""

    /// Steps of both, in the first's order, then what only the second has; those that differ are marked.
    let print (a: Report) (b: Report) : string =
        let out = StringBuilder()

        for qa in a.Queries do
            let qb =
                b.Queries
                |> List.tryFind (fun q -> q.Query = qa.Query)
                |> Option.orElse (b.Queries |> List.tryFind (fun q -> q.Query.Norms = qa.Query.Norms))

            match qb with
            | None -> out.Append($"{qa.Query}: {Report.shown 7 qa.Bound}; nothing to compare it with\n") |> ignore
            | Some qb ->
                let layers (q: QueryLine) = q.Rows |> List.filter (fun r -> r.Kind = LayerRow)
                let first, second = layers qa, layers qb
                let find path rows = rows |> List.tryFind (fun (r: Row) -> r.Path = path)

                let pairs =
                    [ for r in first do
                          yield r.Path, Some r, find r.Path second
                      for r in second do
                          if (find r.Path first).IsNone then
                              yield r.Path, None, Some r ]

                let rows =
                    ("", "step", a.Model.Resolved.Model.Name, b.Model.Resolved.Model.Name, "rule")
                    :: [ for path, x, y in pairs ->
                             let same = text x = text y && (x.IsSome = y.IsSome)
                             (if same then "" else "*"), path, text x, text y, ruleText x y ]

                let width f = rows |> List.map (fun r -> (f r: string).Length) |> List.max
                let paths, left, right = width (fun (_, p, _, _, _) -> p), width (fun (_, _, x, _, _) -> x), width (fun (_, _, _, y, _) -> y)
                out.Append($"{qa.Query}: {Report.shown 7 qa.Bound} against {Report.shown 7 qb.Bound}\n\n") |> ignore

                for mark, path, x, y, rule in rows do
                    out.Append($"  {mark, 1} {path.PadRight paths}   {x.PadLeft left}   {y.PadLeft right}   {rule}".TrimEnd()).Append('\n') |> ignore

                out.Append '\n' |> ignore

        out.ToString().TrimEnd('\n') + "\n"
