namespace Lips.Core

open System
open System.Security.Cryptography
open System.Text

/// The canonical print of a resolved model: what it means, and nothing about how it was written.
/// Two specs with the same print compute the same function family under the same constraints.
[<RequireQualifiedAccess>]
module Canonical =

    let private quote (s: string) = "\"" + s.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\""

    let rec value (v: Value) : string =
        match v with
        | Number n -> n.ToString()
        | Enclosed(lo, hi) -> "[" + lo.ToString() + ".." + hi.ToString() + "]"
        | Text t -> quote t
        | Flag b -> if b then "true" else "false"
        | Items items -> "[" + String.Join(",", items |> List.map value) + "]"
        | Choice(name, []) -> name
        | Choice(name, arguments) ->
            name + "(" + String.Join(",", arguments |> List.map (fun (l, v) -> (match l with Some l -> l + ":" | None -> "") + value v)) + ")"

    let private shape (s: Shape) =
        (match s.Grid with
         | Single -> "vector"
         | Row n -> $"row {n}"
         | Map(h, w) -> $"map {h}x{w}")
        + $" width {s.Width}"
        + (match s.Vocabulary with
           | Some v -> $" of {v}"
           | None -> "")

    let private constraintText (c: Constraint) =
        let cap name (c: Cap) = $"{name} {c.Unit} {c.Extent} {c.Method} {c.Limit}"

        match c with
        | Free -> "free"
        | Capped c -> cap "cap" c
        | AutoCapped(c, auto) -> cap $"auto {quote auto.Group} {auto.Prefer}" c
        | WeightDecay r -> $"decay {r}"
        | SpectralDecay r -> $"spectral decay {r}"

    let private weight (w: Weight) =
        let reparametrization =
            match w.Reparametrization with
            | Direct -> ""
            | SigmaReparam(Some g, grouping) -> $" sigma {g} {grouping}"
            | SigmaReparam(None, grouping) -> $" sigma initial {grouping}"
            | SpectralNormalization -> " spectral"
            | WeightNormalization -> " rows"

        let tied = (match w.Tied with Some p -> " tied " + p | None -> "")
        let dims = String.Join("x", w.Shape)
        $"{w.Name} at {w.Leaf}+{w.RowOffset} {dims} {w.Role} heads {w.Heads} {w.HeadAxis} init {value w.Init} {constraintText w.Constraint}{reparametrization}{tied}"

    let private layer (l: Layer) =
        let options = String.Join("; ", l.Options |> List.map (fun (n, v) -> n + " = " + value v))
        let weights = String.Join("; ", l.Weights |> List.map weight)
        let reads = String.Join("; ", l.Reads |> List.map (fun (r, p) -> r + " <- " + p))
        $"{l.Kind} {l.Name} ({options}) [{weights}] <{reads}> {shape l.Input} -> {shape l.Output}"

    let rec private print (out: StringBuilder) (indent: string) (t: Term) =
        let line (s: string) = out.Append(indent).Append(s).Append('\n') |> ignore

        match t with
        | Apply l -> line (layer l)
        | Enclose(l, body) ->
            line (layer l + " {")
            print out (indent + " ") body
            line "}"
        | Chain terms -> terms |> List.iter (print out indent)
        | Repeat r ->
            line $"repeat {r.Name} {r.Count} {{"
            print out (indent + " ") r.Body
            line "}"
        | Group(name, body) ->
            line $"group {name} {{"
            print out (indent + " ") body
            line "}"
        | Point(name, body) ->
            print out indent body
            line $"point {name}"

    /// The print of a term alone: equal for two terms that may share one generated class.
    let term (t: Term) =
        let out = StringBuilder()
        print out "" t
        out.ToString()

    let model (m: Model) : string =
        let out = StringBuilder()
        out.Append("model ").Append(m.Name).Append(" in ").Append(string m.Norm).Append('\n') |> ignore

        for i in m.Inputs do
            let domain =
                match i.Domain with
                | Tokens(v, n) -> $"tokens {v} {n}"
                | Image(c, h, w, range) ->
                    $"image {c} {h} {w}" + (match range with Some(lo, hi) -> $" range {lo} {hi}" | None -> "")
                | Features(n, w, r, lower, spread) ->
                    $"features {n} {w} lower {lower}"
                    + (match r with Some r -> $" radius {r}" | None -> "")
                    + (if spread.Sign > 0 then $" spread {spread}" else "")

            out.Append($"input {i.Name} {domain} padded {i.Padded}\n") |> ignore

        for c in m.Chains do
            out.Append($"from {c.Input} {c.Name} {{\n") |> ignore
            print out " " c.Body
            out.Append("}\n") |> ignore

        out.ToString()

    /// SHA-256 of the canonical print, in lower-case hexadecimal: the `meaning` hash of a model.
    let meaning (m: Model) : string =
        use sha = SHA256.Create()
        let bytes = sha.ComputeHash(UTF8Encoding(false).GetBytes(model m))
        bytes |> Array.map (fun b -> b.ToString("x2")) |> String.concat ""
