namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Every patch × patch square of a map becomes one token by a linear map.
module internal Patchify =

    let private shape (options: Options) (x: Shape) =
        let p = options.Count "patch"

        match x.Grid with
        | _ when x.Vocabulary.IsSome -> Error NeedsContinuous
        | Single
        | Row _ -> Error(NeedsGrid "a height × width map")
        | Map(h, _) when h % p <> 0L -> Error(Indivisible("height", h, "patch", p))
        | Map(_, w) when w % p <> 0L -> Error(Indivisible("width of the map", w, "patch", p))
        | Map(h, w) -> Ok { x with Grid = Map(h / p, w / p); Width = options.Count "width" }

    let private rule (input: RuleInput) =
        let x = input.Input
        let p = Bound.ofInt64 (input.Options.Count "patch")
        // patches do not overlap: the layer is the reshape itself, whose norm is that of one window of the convolution
        let norm =
            if input.Weight "weight" |> Option.exists Weights.capsOperator then Functional.OperatorNorm
            else Functional.SpectralNorm

        let c = input.Name "σ(weight)" (input.Measure norm "weight")
        let b = input.MeasureOrZero Functional.VectorNorm "bias"

        { Space =
            Space.step
                input.Layer.Output
                { FF = c; FR = c; II = p * c }
                (p * c * x.Radius + b)
                (p * c * Windows.centred x)
                x
          Rule = "patchify.reshape"
          Candidates = []
          Needs =
            [ Weights.needed input "weight"
                { Value = c
                  Why = "its kernel has no cap, so its spectral norm may grow without limit"
                  Fix = "give it one: `constraint: spectral_cap(1)`, here or in a `weights(...)` above" } ] }

    let entry: LayerKind =
        { Name = "patchify"
          Summary = "cut a map into squares and map each linearly to one token"
          Citation = "regrouping and operator norm, by definition"
          Hyperparameters =
            [ Hyper.count "patch" "side of a square"
              Hyper.count "width" "width of the output"
              Hyper.bias ]
          Positional = 2
          Parts = []
          TakesBody = false
          Shape = shape
          Weights =
            fun options x ->
                let p = options.Count "patch"

                [ Weights.kernel "weight" "weight" [ options.Count "width"; x.Width; p; p ]
                  if options.Flag "bias" then
                      Weights.bias "bias" "bias" (options.Count "width") ]
          Rule = rule
          Rules =
            [ { Name = "patchify.reshape"
                Statement =
                  "With σ the spectral norm of the kernel as an out × (in·p²) matrix: LF = F → token = σ, LI = p·σ; \
                   R' = p·σ·R + |b|; r' = p·σ·r"
                Domain = "none"
                Proof =
                  "The squares do not overlap, so regrouping p² tokens into one is a permutation of the entries: norm 1 on the whole \
                   tensor and at most √(p²) = p from the largest token to the largest patch. Each patch is then multiplied by the \
                   same matrix. A patch of tokens within r of c is within p·r of (c, …, c). Equality: four equal tokens along the \
                   top right singular vector, where it has that form."
                Citation = "norm of a concatenation; definition of the operator norm"
                Tightness = 1.00M } ]
          Macs =
            fun options x ->
                // p² tokens share p²·in·out products
                BigInteger x.Tokens * BigInteger x.Width * BigInteger(options.Count "width")
          Emit =
            fun input ->
                { Members =
                    [ { Type = "Lips.Runtime.Modules.Patchify"
                        Name = input.Layer.Name
                        Construct =
                          $"""new Lips.Runtime.Modules.Patchify(patch: {input.Options.Count "patch"}, inputWidth: {input.Layer.Input.Width}, """
                          + $"""outputWidth: {input.Layer.Output.Width}, hasBias: {CSharp.flag (input.Options.Flag "bias")})""" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
