namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = g ⊙ x/√(|x|²/d + eps) on every token.
module internal RmsNorm =

    let private rule (input: RuleInput) =
        let x = input.Input
        let width = x.Shape.Width
        let eps = Normalization.least input.Options "eps"
        let g = Normalization.gain input
        let anywhere = g * Normalization.inverseRoot eps

        let shell =
            if x.Lower.Start.Sign > 0 then
                g * Bound.apply (Fn.ShellGain(x.Lower.Start, width, eps)) x.Lower.Loss
            else
                Bound.infinity

        let free = not (input.HasWeight "gain")

        let c = input.Name "gain of the normalization" (Bound.min [ shell; anywhere ])
        let r = g * Normalization.radius width eps x.Radius

        { Space =
            { Space.step input.Layer.Output (Space.tokenwise c) r (Bound.min [ c * Windows.centred x; r ]) x with
                Lower = (if free then Normalization.lower input x.Lower else Space.noLower)
                // |x − mean| is divided by no more than √(R²/d + eps)
                LowerCentred =
                    (match x.Radius with
                     | Bound.Const radius when free && x.LowerCentred.Start.Sign > 0 ->
                         { Start = x.LowerCentred.Start / Normalization.divisor input radius
                           Loss = Normalization.inverseRoot eps * x.LowerCentred.Loss }
                     | _ -> Space.noLower) }
          Rule = (if shell = Bound.infinity then "rms_norm.eps" else "rms_norm.shell")
          Candidates =
            [ if shell <> Bound.infinity then
                  "rms_norm.shell", shell
              "rms_norm.eps", anywhere ]
          Needs = [ Normalization.needGain g ] }

    let private citation = "Zhang and Sennrich 2019 (the layer); the constant is derived here"

    let entry: LayerKind =
        { Name = "rms_norm"
          Summary = "root-mean-square normalization of every token: divide by √(|x|²/width + eps)"
          Citation = citation
          Hyperparameters = [ Normalization.eps; Normalization.affine ]
          Positional = 0
          Parts = []
          TakesBody = false
          Shape = Normalization.shape
          Weights = fun options x -> Normalization.gainWeights options x.Width
          Rule = rule
          Rules =
            [ { Name = "rms_norm.eps"
                Statement = "LF = LM = LI = max|g|/√eps; R' = max|g|·min(√d, R/√eps); r' = max|g|·min(√d, R/√eps, r/√eps); without a gain ρ' = \
                   ρ/√(ρ²/d + eps), and ρ_c' = ρ_c/√(R²/d + eps) for a known number R"
                Domain = "none; eps > 0"
                Proof =
                  "With s² = |x|²/d + eps the derivative is diag(g)·(1/s)(I − xxᵀ/(d·s²)). |x|²/(d·s²) < 1, so the bracket lies \
                   between 0 and I, and the norm is at most max|g|/s ≤ max|g|/√eps. Tokens do not mix. |x|/s < √d and \
                   |x|/s ≤ R/√eps. r' as for layer_norm. |x|/s grows with |x|, and a token's mean is \
                   divided by s like the rest. Equality: at x = 0 the derivative is diag(g)/√eps."
                Citation = citation
                Tightness = 1.00M }
              { Name = "rms_norm.shell"
                Statement = "LF = LM = LI = max|g|/√(ρ²/d + eps)"
                Domain = "every token has |x| ≥ ρ"
                Proof =
                  "The shell |x| ≥ ρ is not convex, so the derivative along a segment does not settle it. Let f̃ = f on the shell \
                   and f̃(x) = g ⊙ x/√(ρ²/d + eps) inside: continuous across |x| = ρ, piecewise differentiable on all of space, \
                   with derivative of norm at most max|g|/√(ρ²/d + eps) inside (it is linear there) and max|g|/s ≤ that outside. \
                   So f̃ has this constant, and f agrees with it on the shell, for every pair of points in it. Equality: two \
                   tokens of norm ρ are both multiplied by g/√(ρ²/d + eps) when the gains are equal. r' uses f̃ at the centre, \
                   which need not lie in the shell."
                Citation = "derived here"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                { Members =
                    [ { Type = "Lips.Runtime.Modules.RmsNorm"
                        Name = input.Layer.Name
                        Construct =
                          $"new Lips.Runtime.Modules.RmsNorm(width: {input.Layer.Input.Width}, "
                          + $"""eps: {CSharp.number (input.Options.Upper "eps")}, affine: {CSharp.flag (input.Options.Flag "affine")})""" } ]
                  Forward = Normalization.call input.Layer } }
