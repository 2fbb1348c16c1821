namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = g ⊙ tanh(a·x) + b on every token, with one learned a.
module internal DyT =

    let private rule (input: RuleInput) =
        let x = input.Input
        let a = input.Name "|alpha|" (input.Measure Functional.LargestEntry "alpha")
        let g = Normalization.gain input
        let c = a * g
        let width = Bound.sqrt (Bound.ofInt64 x.Shape.Width)

        let ball =
            if input.HasWeight "gain" then
                Bound.min [ input.Measure Functional.VectorNorm "gain"; width * g ]
            else
                width

        let r = Bound.min [ ball; c * x.Radius ]

        { Space =
            Space.step
                input.Layer.Output
                (Space.tokenwise c)
                (r + Normalization.offset input)
                (Bound.min [ c * Windows.centred x; r ])
                x
          Rule = "dyt.slope"
          Candidates = []
          Needs =
            [ Normalization.needGain g
              { Value = a
                Why = "its `alpha` has no cap, so the slope of the tanh may grow without limit"
                Fix = "give it one: `alpha.constraint: max_cap(1)`" } ] }

    let private citation = "Zhu et al. 2025, arXiv 2503.10622 (the layer); the constant is derived here"

    let entry: LayerKind =
        { Name = "dyt"
          Summary = "dynamic tanh: gain · tanh(alpha · x) + bias, a normalization without statistics"
          Citation = citation
          Hyperparameters = [ Normalization.affine; Normalization.bias ]
          Positional = 0
          Parts = []
          TakesBody = false
          Shape = Normalization.shape
          Weights =
            fun options x ->
                let alpha = Weights.gain "alpha" "alpha" 1L

                { alpha with
                    Role = Alpha
                    Init = Choice("constant", [ Some "value", Number(Hyper.ratio 1L 2L) ]) }
                :: Normalization.gainWeights options x.Width
          Rule = rule
          Rules =
            [ { Name = "dyt.slope"
                Statement = "LF = LM = LI = |a|·max|g|; R' = min(|g|₂, |a|·max|g|·R) + |b|; r' = min(|g|₂, |a|·max|g|·R, |a|·max|g|·r)"
                Domain = "none"
                Proof =
                  "Channel c has slope g_c·a·(1 − tanh²(a·x_c)), at most |a|·max|g| in size, and the derivative is diagonal. \
                   |tanh t| ≤ min(1, |t|) gives the two bounds of |g ⊙ tanh(a·x)|; b moves every token alike. Equality: at x = 0."
                Citation = citation
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let o = input.Options

                { Members =
                    [ { Type = "Lips.Runtime.Modules.DyT"
                        Name = input.Layer.Name
                        Construct =
                          $"new Lips.Runtime.Modules.DyT(width: {input.Layer.Input.Width}, "
                          + $"""affine: {CSharp.flag (o.Flag "affine")}, hasBias: {CSharp.flag (Normalization.hasBias o)})""" } ]
                  Forward = Normalization.call input.Layer } }
