namespace Lips.Core

open System
open System.Text

/// What the catalogue says of itself: `lips layers`, LAYERS.md, CALCULUS.md.
[<RequireQualifiedAccess>]
module ReportCatalog =

    let private number (r: Rational) = UpperText.rational r

    let rec typeText (t: HyperType) =
        match t with
        | CountType -> "whole number ≥ 1"
        | NaturalType -> "whole number ≥ 0"
        | RealType(None, _, None) -> "number"
        | RealType(Some lo, isOpen, None) -> (if isOpen then "number > " else "number ≥ ") + number lo
        | RealType(None, _, Some hi) -> "number ≤ " + number hi
        | RealType(Some lo, isOpen, Some hi) -> "number in " + (if isOpen then "(" else "[") + number lo + ", " + number hi + "]"
        | TrainingRateType hi -> "number in [0, " + number hi + "], in training only"
        | FlagType -> "true or false"
        | TextType -> "text"
        | PointType -> "a named point"
        | InputType -> "an input"
        | ListType inner -> "list of " + typeText inner
        | OneOf types -> types |> List.map typeText |> String.concat ", or "
        | ChoiceType alternatives -> alternatives |> List.map (fun a -> "`" + a.Name + "`") |> String.concat ", "

    let defaultText (d: Default) =
        match d with
        | Required -> "required"
        | Default v -> Report.valueText v
        | Computed(text, _) -> text
        | Absent -> "none"

    let rec private alternatives (t: HyperType) =
        match t with
        | ChoiceType list -> list
        | OneOf types -> types |> List.collect alternatives
        | ListType inner -> alternatives inner
        | _ -> []

    /// The kind as it is written: `linear(width, bias:)`.
    let signature (k: LayerKind) =
        let parts = k.Hyperparameters |> List.mapi (fun i h -> if i < k.Positional then h.Name else h.Name + ":")
        let written = if parts.IsEmpty then k.Name else k.Name + "(" + String.concat ", " parts + ")"
        if k.TakesBody then written + " { … }" else written

    /// One line per kind.
    let list () =
        let width = Catalog.kinds |> List.map (fun k -> k.Name.Length) |> List.max
        Catalog.kinds |> List.map (fun k -> "  " + k.Name.PadRight width + "   " + k.Summary + "\n") |> String.concat ""

    let private hyperparameter (indent: string) (out: StringBuilder) (h: Hyperparameter) =
        out.Append($"{indent}{h.Name}: {(typeText h.Type).Replace(string '`', String.Empty)}; default {defaultText h.Default}\n{indent}    {h.Doc}\n") |> ignore

        for a in alternatives h.Type do
            let arguments = a.Arguments |> List.map (fun x -> $"{x.Name}: {defaultText x.Default}") |> String.concat ", "
            let written = if arguments = "" then a.Name else a.Name + "(" + arguments + ")"
            out.Append($"{indent}    {written} – {a.Doc}\n") |> ignore

    let private ruleText (out: StringBuilder) (r: RuleDoc) =
        let part (name: string) text =
            out.Append("    ").Append(name.PadRight 12).Append((ReportExplain.wrap 96 "                " text).TrimStart()).Append('\n') |> ignore

        out.Append($"  {r.Name}\n") |> ignore
        part "statement" r.Statement
        part "domain" r.Domain
        part "proof" r.Proof
        part "source" r.Citation
        part "tightness" (string r.Tightness)

    /// `lips layers NAME`, with the rules' proofs when asked; nothing for an unknown name.
    let describe (name: string) (withRules: bool) : string option =
        Map.tryFind name Catalog.byName
        |> Option.map (fun k ->
            let out = StringBuilder()
            out.Append($"{signature k}\n  {k.Summary}\n  [{k.Citation}]\n") |> ignore

            if not k.Hyperparameters.IsEmpty then
                out.Append("\n") |> ignore
                k.Hyperparameters |> List.iter (hyperparameter "  " out)

            for part, weights in k.Parts do
                out.Append($"\n  {part} reaches the weights " + String.concat ", " weights + "\n") |> ignore

            out.Append("\nrules\n") |> ignore

            if withRules then k.Rules |> List.iter (ruleText out)
            else
                for r in k.Rules do
                    out.Append($"  {r.Name}: {r.Statement}\n") |> ignore

            out.ToString())

    let private cell (s: string) = s.Replace("|", "\\|").Replace("\n", " ")

    let private table (out: StringBuilder) (items: Hyperparameter list) =
        if not items.IsEmpty then
            out.Append("| name | value | default | meaning |\n|:--|:--|:--|:--|\n") |> ignore

            for h in items do
                out.Append($"| `{h.Name}` | {cell (typeText h.Type)} | {cell (defaultText h.Default)} | {cell h.Doc} |\n") |> ignore

            out.Append("\n") |> ignore

            for h in items do
                for a in alternatives h.Type do
                    let arguments = a.Arguments |> List.map (fun x -> $"{x.Name}: {defaultText x.Default}") |> String.concat ", "
                    let written = if arguments = "" then a.Name else a.Name + "(" + arguments + ")"
                    out.Append($"- `{h.Name}: {written}` – {a.Doc}\n") |> ignore

            if items |> List.exists (fun h -> not (alternatives h.Type).IsEmpty) then out.Append("\n") |> ignore

    /// LAYERS.md
    let layers () : string =
        let out = StringBuilder()
        out.Append("# Layers\n\nPrinted from the catalogue; do not edit. `lips layers NAME` shows one of these.\n") |> ignore

        for k in Catalog.kinds do
            out.Append($"\n## {k.Name}\n\n`{signature k}` – {k.Summary} [{k.Citation}]\n\n") |> ignore
            table out k.Hyperparameters

            for part, weights in k.Parts do
                let names = weights |> List.map (fun w -> "`" + w + "`") |> String.concat ", "
                out.Append($"`{part}` reaches the weights {names}.\n\n") |> ignore

            for r in k.Rules do
                out.Append($"- **{r.Name}**: {cell r.Statement}\n") |> ignore

        out.Append("\n# Settings of weights\n\n") |> ignore
        table out Vocabulary.settings
        out.Append("# Recipes\n\n") |> ignore
        table out Vocabulary.recipe
        out.ToString().TrimEnd('\n') + "\n"

    /// CALCULUS.md: every rule with its proof.
    let calculus () : string =
        let out = StringBuilder()
        out.Append("# The calculus\n\nPrinted from the catalogue; do not edit. Every rule by which a bound is derived, with its proof. Tightness is the largest gain an adversarial search has reached, over the bound: 1 means attained.\n\n") |> ignore
        out.Append("| rule | layer | tightness |\n|:--|:--|--:|\n") |> ignore

        for k in Catalog.kinds do
            for r in k.Rules do
                out.Append($"| {r.Name} | {k.Name} | {r.Tightness} |\n") |> ignore

        for k in Catalog.kinds do
            out.Append($"\n## {k.Name}\n") |> ignore

            for r in k.Rules do
                out.Append($"\n### {r.Name}\n\n**Statement.** {r.Statement}\n\n**Domain.** {r.Domain}\n\n**Proof.** {r.Proof}\n\n**Source.** {r.Citation}. **Tightness.** {r.Tightness}\n") |> ignore

        out.ToString()
