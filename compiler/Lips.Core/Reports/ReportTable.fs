namespace Lips.Core

open System
open System.Text

/// `lips table`: every spec with its bounds, as Markdown. specs/README.md is printed from it.
[<RequireQualifiedAccess>]
module ReportTable =

    /// The pairs of norms that have a column.
    let norms = [ RmsNorm, RmsNorm; TokenNorm, TokenNorm; L2Norm, L2Norm; L2Norm, TokenNorm ]

    let private cell (s: string) = s.Replace("|", "\\|").Replace("\n", " ")
    let private grouped (n: Numerics.BigInteger) = n.ToString("N0", Globalization.CultureInfo.InvariantCulture)

    /// Why a model's bound is ∞ where it is, in words; a file's finding counts for each of its models.
    let private reasons (c: Compilation) =
        c.Diagnostics |> List.filter (fun d -> d.Code = Problem.code (Problem.Unbounded("", None))) |> List.map (fun d -> d.Message.Substring(d.Message.IndexOf(": ", StringComparison.Ordinal) + 2)) |> List.distinct

    let private rows (path: string, c: Compilation) =
        [ for m in c.Models do
              let valuation = Valuation(At.Caps, m.Derivation.Program)
              let model = m.Resolved.Model
              let sources = m.Derivation.Queries |> List.filter (fun q -> q.Into = m.Derivation.Output) |> List.map (fun q -> q.From) |> List.distinct

              for from in sources do
                  let bound pair = valuation.Result(string { From = from; Into = m.Derivation.Output; Norms = pair })
                  let own = norms |> List.map bound
                  let claims = m.Verdicts |> List.filter (fun (claim, _, _, _) -> match claim.Subject with Lipschitz(a, _) -> a = from | _ -> false)
                  let claimed = claims |> List.map (fun (claim, _, ok, _) -> $"`{claim.Written}` " + (if ok then "holds" else "**does not hold**")) |> String.concat "; "
                  let why = if own |> List.exists (fun b -> b.IsInfinity) then reasons c |> String.concat "; " else ""

                  [ $"[{path}]({path})"
                    $"`{model.Name}`"
                    grouped m.Parameters
                    $"{from} → {m.Derivation.Output}" ]
                  @ (own |> List.map (fun b -> Report.shown 6 b))
                  @ [ (if claimed <> "" && why <> "" then claimed + "; ∞: " + why elif why <> "" then "∞: " + why else claimed) ] ]

    /// Specs by path, relative to the folder the table stands in, each compiled with a bound in each of `norms`.
    let print (specs: (string * Compilation) list) : string =
        let out = StringBuilder()
        let line (cells: string list) = out.Append("| " + String.Join(" | ", cells |> List.map cell) + " |\n") |> ignore
        out.Append("# Specs\n\nPrinted by `lips table`; do not edit. Bounds hold for all weights that keep their caps; `lips bound SPEC --explain` derives each.\n\n") |> ignore
        line ([ "spec"; "model"; "parameters"; "from → to" ] @ (norms |> List.map Report.norms) @ [ "claim, or why ∞" ])
        out.Append("|:--|:--|--:|:--|" + String.replicate norms.Length "--:|" + ":--|\n") |> ignore

        for spec in specs do
            rows spec |> List.iter line

        out.Append("\n`rms` and `token`: the largest token of the output over the largest token of the input, in RMS and in l2; `l2`: of the whole value; `l2 -> token`: one token of the output over the whole input.\n") |> ignore
        out.ToString()
