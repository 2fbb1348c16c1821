namespace Lips.Core

open System
open System.Collections.Generic
open System.Text

/// `lips bound --explain`: every step with its rule, what the rule rests on, and what it competed with.
[<RequireQualifiedAccess>]
module ReportExplain =

    /// Text in lines of at most `width` characters, each after `indent`.
    let wrap (width: int) (indent: string) (text: string) =
        let out = StringBuilder()
        let mutable length = 0

        for word in text.Split([| ' '; '\n' |], StringSplitOptions.RemoveEmptyEntries) do
            if length > 0 && length + 1 + word.Length > width then
                out.Append('\n') |> ignore
                length <- 0

            out.Append(if length = 0 then indent else " ").Append(word) |> ignore
            length <- length + (if length = 0 then 0 else 1) + word.Length

        out.ToString()

    let rules = [ for k in Catalog.kinds do for r in k.Rules -> r.Name, r ]

    /// The largest value of a step's expression over its iterations.
    let private largest (valuation: Valuation) (step: Step) (b: Bound) =
        let rec indices (loops: (string * int64) list) : LoopIndices list =
            match loops with
            | [] -> [ [] ]
            | (name, n) :: rest ->
                let own = if n <= 8L then [ 0L .. n - 1L ] else [ 0L; 1L; n / 2L; n - 1L ]
                [ for i in own do for more in indices rest -> (name, i) :: more ]

        indices step.Loops |> List.map (fun i -> valuation.Value(i, b)) |> function [] -> Upper.Infinity | some -> List.max some

    let private field (out: StringBuilder) (name: string) (text: string) =
        if text <> "" then
            let body = (wrap 96 "                " text).TrimStart()
            out.Append("    " + name.PadRight 12 + body + "\n") |> ignore

    let private step (out: StringBuilder) (valuation: Valuation) (report: Report) (q: Query) (told: HashSet<string>) (s: Step) =
        let resolved = report.Model.Resolved

        let line =
            match resolved.Places.TryGetValue s.Layer.Id with
            | true, { File = file; Span = span } when span.Line > 0 && file <> report.Source.Path -> $"{file.Substring(file.LastIndexOfAny [| '/'; '\\' |] + 1)}, line {span.Line}   "
            | true, { Span = span } when span.Line > 0 -> $"line {span.Line}   "
            | _ -> ""

        let options = s.Layer.Options |> List.map (fun (n, v) -> n + ": " + Report.valueText v) |> String.concat ", "
        out.Append($"{line}{s.Path}   {s.Layer.Kind}({options})\n") |> ignore

        match rules |> List.tryFind (fun (n, _) -> n = s.Rule) with
        | Some(_, rule) when told.Add rule.Name ->
            field out "rule" $"{rule.Name}   [{rule.Citation}]"
            field out "statement" rule.Statement
            field out "domain" rule.Domain
            field out "proof" rule.Proof
            field out "tightness" (string rule.Tightness + " of the bound has been reached by a search")
        | Some(_, rule) -> field out "rule" $"{rule.Name}, as above"
        | None -> field out "rule" s.Rule

        for n in s.Needs do
            let v = largest valuation s n.Value
            if v.IsInfinity then
                field out "∞ because" n.Why
                field out "fix" n.Fix

        match Map.tryFind q.From s.After.Constants with
        | Some(_, c) ->
            let text b = Report.shown 7 (largest valuation s b)
            field out "constants" $"from {q.From}: tensor to tensor {text c.Whole}, tensor to token {text c.Token}, token to token {text c.Local} (raw l2, largest over iterations)"
        | None -> ()

        if s.After.Shape.Vocabulary.IsNone then
            field out "radius" (Report.shown 7 (largest valuation s s.After.Radius) + " (l2 of a token)")

        // what is compared in another reading says so behind its name
        for _, compared in s.Candidates |> List.groupBy (fun (n, _) -> n.Substring(n.IndexOf ' ' + 1) |> fun reading -> if reading = n then "" else reading) do
            match compared |> List.map (fun (n, b) -> n, largest valuation s b) |> List.sortBy snd with
            | (winner, w) :: (second, v) :: rest ->
                let more = if rest.IsEmpty then "" else $"; {rest.Length} more"
                field out "candidates" $"least: {winner} {Report.shown 7 w}; runner-up: {second} {Report.shown 7 v}{more}"
            | _ -> ()

        out.Append('\n') |> ignore

    let print (report: Report) : string =
        let out = StringBuilder()
        let valuation = Valuation(report.At, report.Model.Derivation.Program)
        let told = HashSet<string>()

        match report.Queries with
        | [] -> ()
        | q :: _ ->
            for s in report.Model.Derivation.Steps do
                step out valuation report q.Query told s

        out.ToString()
