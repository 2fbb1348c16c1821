namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// x − step·Wᵀ·act(W·x + b) on every token: one matrix, read in both directions.
module internal Descent =

    let private activation (options: Options) = Activation.ofChoice (options.Choice "activation")

    let private rule (input: RuleInput) =
        let x = input.Input
        let a = activation input.Options
        let least, most = (match a.Slopes with Some slopes -> slopes | None -> invalidOp "the shape of this descent was not checked")
        let step = Hyper.sizeOf input.Options "step"
        let w = input.Name "σ(weight)" (input.Measure Functional.SpectralNorm "weight")
        let b = input.MeasureOrZero Functional.VectorNorm "bias"
        let largest = input.MeasureOrZero Functional.LargestEntry "bias"
        let square = step * Bound.square w
        let below = if least.Sign < 0 then Bound.one + Bound.ofRational -least * square else Bound.one
        let beyond = if most.Sign > 0 then Bound.apply Fn.LessOne (Bound.ofRational most * square) else Bound.zero
        let constant = input.Name "constant" (Bound.max [ below; beyond ])
        let hidden = input.Options.Count "hidden"
        let moved entry norm = step * (w * a.Reach hidden entry norm)

        let radius =
            Bound.min
                [ constant * x.Radius + moved largest b
                  x.Radius + moved (input.Measure Functional.LargestRow "weight" * x.Radius + largest) (w * x.Radius + b) ]

        { Space = Space.step input.Layer.Output (Space.tokenwise constant) (input.Name "radius" radius) (constant * x.Centred) x
          Rule = "descent.tied"
          Candidates = []
          Needs =
            [ Weights.needed input "weight"
                { Value = w
                  Why = "its weight has no cap, so its spectral norm may grow without limit"
                  Fix = "give it one: `constraint: spectral_cap(1)`, here or in a `weights(...)` above" } ] }

    let entry: LayerKind =
        { Name = "descent"
          Summary = "x − step·Wᵀ·act(W·x + b): a step down a gradient, which need not lengthen anything"
          Citation = "Meunier et al. 2022, arXiv 2110.12690 (convex potential layers)"
          Hyperparameters =
            [ Hyper.count "hidden" "rows of W"
              Hyper.choiceOr "relu" Activation.alternatives "activation" "what is applied to W·x + b: a function of single entries with bounded slope"
              { Name = "step"
                Type = RealType(Some Rational.Zero, false, None)
                Default = Default(Number Rational.One)
                Doc = "length of the step; at most 2/σ(W)² for a constant of 1" }
              Hyper.bias ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape =
            fun options x ->
                if x.Vocabulary.IsSome then Error NeedsContinuous
                elif (activation options).Slopes.IsNone then
                    Error(DoesNotFit $"""descent needs an activation of single entries with bounded slope, which {options.ChoiceName "activation"} is not; write `relu` or `tanh`""")
                else Ok x
          Weights =
            fun options x ->
                [ Weights.matrix "weight" "weight" (options.Count "hidden") x.Width
                  if options.Flag "bias" then
                      Weights.bias "bias" "bias" (options.Count "hidden") ]
          Rule = rule
          Rules =
            [ { Name = "descent.tied"
                Statement =
                  "LF = LM = LI = max(1 − η·σ(W)²·min(m, 0), η·σ(W)²·M − 1), the activation's slopes in [m, M]: 1 for relu and tanh up to \
                   η·σ(W)² = 2; R' = min(LI·R + η·σ(W)·A(b), R + η·σ(W)·A(Wx + b)) with A the activation's reach, r' = LI·r"
                Domain = "η ≥ 0; an activation of single entries with bounded slope, so not group_sort and squared_relu"
                Proof =
                  "Between two tokens the activation's difference is D·W·Δx with D diagonal, entries in [m, M] (mean value theorem, entry by entry), so \
                   Δy = (I − η·WᵀDW)·Δx. The matrix is symmetric, and for a unit vector u the number uᵀWᵀDWu = Σ D_i(Wu)_i² lies between \
                   min(m, 0)·σ² and max(M, 0)·σ², for |Wu| ≤ σ: every eigenvalue of I − η·WᵀDW lies between 1 − ησ²·max(M, 0) and 1 − ησ²·min(m, 0), \
                   and the norm of a symmetric matrix is the largest size of an eigenvalue; 1 covers D = 0. Tokens do not mix, so the three \
                   constants agree. R': y is within LI·R of the image of 0, which is −ηWᵀact(b); or by the triangle inequality. W read in both \
                   directions is what matters: for two matrices the constant is 1 + ησσ'. For activations of pairs D is not diagonal. \
                   Equality: every σ with relu where W·x + b > 0 or < 0 in all entries."
                Citation = "Meunier et al. 2022, arXiv 2110.12690, for relu and ησ² ≤ 2; derived here for any slopes"
                Tightness = 1.00M } ]
          Macs = fun options x -> BigInteger 2 * BigInteger x.Tokens * BigInteger x.Width * BigInteger(options.Count "hidden")
          Emit =
            fun input ->
                let a = activation input.Options
                let call = a.Call "h"

                { Members =
                    [ { Type = "Lips.Runtime.Modules.Descent"
                        Name = input.Layer.Name
                        Construct =
                          $"""new Lips.Runtime.Modules.Descent(width: {input.Layer.Input.Width}, hidden: {input.Options.Count "hidden"}, """
                          + $"""activation: h => {call}, step: {Hyper.literal (input.Options.Value "step")}, """
                          + $"""hasBias: {CSharp.flag (input.Options.Flag "bias")})""" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
