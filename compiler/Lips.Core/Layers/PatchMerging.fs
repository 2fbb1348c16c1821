namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// 2 × 2 neighbours become one token: gather, normalize, reduce.
module internal PatchMerging =

    let private normChoice (options: Options) = options.Choice "norm"

    let private shape (options: Options) (x: Shape) =
        match x.Grid with
        | _ when x.Vocabulary.IsSome -> Error NeedsContinuous
        | Single
        | Row _ -> Error(NeedsGrid "a height × width map")
        | Map(h, _) when h % 2L <> 0L -> Error(Indivisible("height", h, "the side of a square", 2L))
        | Map(_, w) when w % 2L <> 0L -> Error(Indivisible("width of the map", w, "the side of a square", 2L))
        | Map(h, w) -> Ok { x with Grid = Map(h / 2L, w / 2L); Width = options.Count "width" }

    let private weights (options: Options) (x: Shape) =
        let gathered = 4L * x.Width

        [ if options.ChoiceName "norm" <> "none" then
              Weights.gain "gain" "norm.weight" gathered
              Weights.bias "bias" "norm.bias" gathered
          Weights.matrix "reduction" "reduction.weight" (options.Count "width") gathered ]

    let private rule (input: RuleInput) =
        let x = input.Input
        let width = 4L * x.Shape.Width
        let two = Bound.ofInt 2
        let sigma = input.Name "σ(reduction)" (input.Measure Functional.SpectralNorm "reduction")
        let norm, options = normChoice input.Options
        let g = Normalization.gain input
        let radius, centred = two * x.Radius, two * Windows.centred x

        let c, r, spread =
            match norm with
            | "layer_norm" -> LayerNorm.gains width (Normalization.least options "eps") g radius centred
            | "center_norm" ->
                let c = g * CenterNorm.factor width
                c, c * radius, c * centred
            | _ -> Bound.one, radius, centred

        let all = c * sigma

        { Space =
            Space.step
                input.Layer.Output
                { FF = all; FR = all; II = two * all }
                (sigma * (r + Normalization.offset input))
                (sigma * spread)
                x
          Rule = "patch_merging." + norm
          Candidates = []
          Needs =
            [ Weights.needed input "reduction"
                { Value = sigma
                  Why = "its reduction has no cap, so its spectral norm may grow without limit"
                  Fix = "give it one: `reduction.constraint: spectral_cap(1)`" }
              if norm <> "none" then
                  Normalization.needGain g ] }

    let private doc name statement proof : RuleDoc =
        { Name = "patch_merging." + name
          Statement = statement
          Domain = (if name = "layer_norm" then "none; eps > 0" else "none")
          Proof =
            "Gathering four tokens into one permutes the entries: norm 1 on the whole tensor, at most √4 = 2 from the largest token \
             to the largest group."
            + proof
            + " The reduction multiplies by σ_max(W). Equality: four equally long changes along the top right singular vector."
          Citation = "Liu et al. 2021, arXiv 2103.14030 (the layer); the constant is derived here"
          Tightness = 1.00M }

    let entry: LayerKind =
        { Name = "patch_merging"
          Summary = "2 × 2 neighbours gathered in the order (0,0), (1,0), (0,1), (1,1), normalized, reduced by a linear map without bias"
          Citation = "regrouping, then the norm's rule, then the operator norm"
          Hyperparameters =
            [ Hyper.count "width" "width of the output"
              Hyper.choiceOr
                  "layer_norm"
                  [ Hyper.alternative "layer_norm" "layer normalization of the gathered token" [ Normalization.eps ]
                    Hyper.alternative "center_norm" "CenterNorm of the gathered token" []
                    Hyper.alternative "none" "no normalization" [] ]
                  "norm"
                  "what normalizes the gathered token of four times the width" ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape = shape
          Weights = weights
          Rule = rule
          Rules =
            [ doc
                  "layer_norm"
                  "LF = F → token = σ·max|g|/√eps, LI = 2·LF; R' = σ(max|g|·min(√(4d), 2R/√eps) + |b|); r' = σ·max|g|·min(√(4d), 2R/√eps, 2r/√eps)"
                  " The norm of the gathered token follows layer_norm.eps at width 4d, radius 2R, spread 2r."
              doc
                  "center_norm"
                  "LF = F → token = σ·max|g|·4d/(4d−1), LI = 2·LF; R' = σ(2·max|g|·4d/(4d−1)·R + |b|); r' = 2·LF·r"
                  " The norm of the gathered token follows center_norm.projection at width 4d."
              doc "none" "LF = F → token = σ, LI = 2σ; R' = 2σR; r' = 2σr" "" ]
          Macs = fun options x -> BigInteger x.Tokens * BigInteger x.Width * BigInteger(options.Count "width")
          Emit =
            fun input ->
                let norm, options = normChoice input.Options
                let eps = if norm = "layer_norm" then CSharp.number (options.Upper "eps") else "0.0"

                let kind =
                    match norm with
                    | "layer_norm" -> "LayerNorm"
                    | "center_norm" -> "CenterNorm"
                    | _ -> "None"

                { Members =
                    [ { Type = "Lips.Runtime.Modules.PatchMerging"
                        Name = input.Layer.Name
                        Construct =
                          $"new Lips.Runtime.Modules.PatchMerging(inputWidth: {input.Layer.Input.Width}, outputWidth: {input.Layer.Output.Width}, "
                          + $"norm: Lips.Runtime.Modules.MergingNorm.{kind}, eps: {eps})" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
