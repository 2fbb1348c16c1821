namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = g ⊙ (x − mean)/√(variance + eps) + b on every token.
module internal LayerNorm =

    /// LF = LM = LI, R' and r' of the map without its bias; g = max|gain|.
    let gains (width: int64) (eps: Rational) (g: Bound) (radius: Bound) (centred: Bound) =
        let c = g * Normalization.inverseRoot eps
        let r = g * Normalization.radius width eps radius
        c, r, Bound.min [ c * centred; r ]

    let private rule (input: RuleInput) =
        let x = input.Input
        let g = Normalization.gain input
        let c, r, centred = gains x.Shape.Width (Normalization.least input.Options "eps") g x.Radius (Windows.centred x)

        { Space = Space.step input.Layer.Output (Space.tokenwise c) (r + Normalization.offset input) centred x
          Rule = "layer_norm.eps"
          Candidates = []
          Needs = [ Normalization.needGain g ] }

    let doc: RuleDoc =
        { Name = "layer_norm.eps"
          Statement =
            "LF = LM = LI = max|g|/√eps; R' = max|g|·min(√d, R/√eps) + |b|; r' = max|g|·min(√d, R/√eps, r/√eps). \
             No use is made of |x| ≥ ρ: only |x − mean| ≥ ρ_c could help."
          Domain = "none; eps > 0"
          Proof =
            "Let P = I − 11ᵀ/d, z = Px, s² = |z|²/d + eps. The derivative is diag(g)·M with M = (1/s)(P − zzᵀ/(d·s²)). Since \
             Pz = z and |z|²/(d·s²) < 1, 0 ≤ M ≤ P/s ≤ I/√eps, so the norm is at most max|g|/√eps everywhere; the tokens do not \
             mix, so the three constants agree. A long token with equal entries has z = 0: a lower bound on |x| gives nothing. \
             |z|/s = √d·√(1 − eps/s²) < √d, and |z|/s ≤ |z|/√eps ≤ R/√eps; the gain multiplies by at most max|g|. \
             r': all images lie in the ball of that radius about b, and by the constant within max|g|·r/√eps of the image of the \
             centre. Equality: at z = 0 with equal gains the derivative is g·P/√eps, whose norm is g/√eps for d ≥ 2."
          Citation = "Ba, Kiros and Hinton 2016 (the layer); the constant is derived here"
          Tightness = 1.00M }

    let entry: LayerKind =
        { Name = "layer_norm"
          Summary = "layer normalization of every token: subtract the mean, divide by √(variance + eps)"
          Citation = doc.Citation
          Hyperparameters = [ Normalization.eps; Normalization.affine; Normalization.bias ]
          Positional = 0
          Parts = []
          TakesBody = false
          Shape = Normalization.shape
          Weights = fun options x -> Normalization.gainWeights options x.Width
          Rule = rule
          Rules = [ doc ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let o = input.Options

                { Members =
                    [ { Type = "TorchSharp.Modules.LayerNorm"
                        Name = input.Layer.Name
                        Construct =
                          $"""torch.nn.LayerNorm(normalized_shape: {input.Layer.Input.Width}, eps: {CSharp.number (o.Upper "eps")}, """
                          + $"""elementwise_affine: {CSharp.flag (o.Flag "affine")}, bias: {CSharp.flag (Normalization.hasBias o)})""" } ]
                  Forward = Normalization.call input.Layer } }
