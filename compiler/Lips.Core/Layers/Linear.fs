namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = W·x + b on every token.
module internal Linear =

    let private rule (input: RuleInput) =
        let c = input.Name "σ(weight)" (input.Measure Functional.SpectralNorm "weight")
        let b = input.MeasureOrZero Functional.VectorNorm "bias"
        let x = input.Input

        { Space =
            Space.step input.Layer.Output (Space.tokenwise c) (c * x.Radius + b) (c * x.Centred) x
          Rule = "linear.operator-norm"
          Candidates = []
          Needs =
            [ Weights.needed input "weight"
                { Value = c
                  Why = "its weight has no cap, so its spectral norm may grow without limit"
                  Fix = "give it one: `constraint: rms_cap(1)`, here or in a `weights(...)` above" } ] }

    let entry: LayerKind =
        { Name = "linear"
          Summary = "a linear map of every token, y = W·x + b"
          Citation = "operator norm, by definition"
          Hyperparameters = [ Hyper.count "width" "width of the output"; Hyper.bias ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape =
            fun options x ->
                if x.Vocabulary.IsSome then Error NeedsContinuous
                else Ok { x with Width = options.Count "width" }
          Weights =
            fun options x ->
                [ Weights.matrix "weight" "weight" (options.Count "width") x.Width
                  if options.Flag "bias" then
                      Weights.bias "bias" "bias" (options.Count "width") ]
          Rule = rule
          Rules =
            [ { Name = "linear.operator-norm"
                Statement = "LF = LM = LI = σ_max(W); R' = σ_max(W)·R + |b|; r' = σ_max(W)·r"
                Domain = "none"
                Proof =
                  "The bias drops from differences, and |W(x − y)| ≤ σ_max(W)|x − y| on every token, with equality for the \
                   top right singular vector. Over all tokens the map is block diagonal with equal blocks, so the whole-tensor, \
                   whole-to-token and token-max constants coincide. R' is the triangle inequality; a translation by b moves the \
                   centre and leaves r' = σ_max(W)·r."
                Citation = "definition of the operator norm"
                Tightness = 1.00M } ]
          Macs = fun options x -> BigInteger x.Tokens * BigInteger x.Width * BigInteger(options.Count "width")
          Emit =
            fun input ->
                let width = input.Options.Count "width"
                let bias = input.Options.Flag "bias"
                let name = CSharp.identifier input.Layer.Name

                match input.Layer.Weights.Head.Tied with
                | Some _ ->
                    // the matrix is another layer's; what is left to own is the bias
                    let product x = $"""torch.nn.functional.linear({x}, {input.Read "tie"})"""

                    { Members =
                        [ if bias then
                              { Type = "Lips.Runtime.Modules.Bias"
                                Name = input.Layer.Name
                                Construct = $"new Lips.Runtime.Modules.Bias(width: {width})" } ]
                      Forward = fun x _ -> if bias then $"{name}.call({product x})" else product x }
                | None ->
                    { Members =
                        [ { Type = "TorchSharp.Modules.Linear"
                            Name = input.Layer.Name
                            Construct =
                              $"torch.nn.Linear(inputSize: {input.Layer.Input.Width}, outputSize: {width}, hasBias: {CSharp.flag bias})" } ]
                      Forward = fun x _ -> $"{name}.call({x})" } }
