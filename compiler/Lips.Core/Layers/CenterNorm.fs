namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = g ⊙ d/(d−1)·(x − mean) + b on every token.
module internal CenterNorm =

    /// d/(d−1)
    let factor (width: int64) = Bound.ofQuotient width (width - 1L)

    let private shape (options: Options) (x: Shape) =
        if x.Vocabulary.IsNone && x.Width < 2L then
            Error(DoesNotFit "center_norm divides by width − 1, so the width must be at least 2")
        else
            Normalization.shape options x

    let private rule (input: RuleInput) =
        let x = input.Input
        let g = Normalization.gain input
        let c = g * factor x.Shape.Width

        // what the mean leaves, and no gain that may shorten it
        let lower =
            if input.HasWeight "gain" then Space.noLower
            else Space.times (Hyper.ratio x.Shape.Width (x.Shape.Width - 1L)) c x.LowerCentred

        { Space =
            { Space.step
                  input.Layer.Output
                  (Space.tokenwise c)
                  (c * x.Radius + Normalization.offset input)
                  (c * Windows.centred x)
                  x with
                Lower = lower
                LowerCentred = lower }
          Rule = "center_norm.projection"
          Candidates = []
          Needs = [ Normalization.needGain g ] }

    let doc: RuleDoc =
        { Name = "center_norm.projection"
          Statement = "LF = LM = LI = max|g|·d/(d−1); R' = max|g|·d/(d−1)·R + |b|; r' = max|g|·d/(d−1)·r; without a gain ρ' = ρ_c' = d/(d−1)·ρ_c"
          Domain = "none; d ≥ 2"
          Proof =
            "x − mean(x) = Px with P = I − 11ᵀ/d an orthogonal projection, of norm 1 for d ≥ 2. The map is diag(g)·d/(d−1)·P plus \
             a constant, linear on every token, so all three constants are at most max|g|·d/(d−1), and R' and r' follow as for a \
             linear map; without a gain and a bias |y| = d/(d−1)·|x − mean|, and the mean of y is 0. Equality: equal gains and a difference with mean 0."
          Citation = "Qi et al. 2023, arXiv 2304.09856 (the layer); the constant is derived here"
          Tightness = 1.00M }

    let entry: LayerKind =
        { Name = "center_norm"
          Summary = "subtract each token's mean and multiply by width/(width − 1)"
          Citation = doc.Citation
          Hyperparameters = [ Normalization.affine; Normalization.bias ]
          Positional = 0
          Parts = []
          TakesBody = false
          Shape = shape
          Weights = fun options x -> Normalization.gainWeights options x.Width
          Rule = rule
          Rules = [ doc ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let o = input.Options

                { Members =
                    [ { Type = "Lips.Runtime.Modules.CenterNorm"
                        Name = input.Layer.Name
                        Construct =
                          $"new Lips.Runtime.Modules.CenterNorm(width: {input.Layer.Input.Width}, "
                          + $"""affine: {CSharp.flag (o.Flag "affine")}, hasBias: {CSharp.flag (Normalization.hasBias o)})""" } ]
                  Forward = Normalization.call input.Layer } }
