namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = g ⊙ (x − mean)/√(variance + eps) + b on every token, or (x − mean)/(√variance + eps).
module internal LayerNorm =

    /// LF = LM = LI, R' and r' of the map without its bias; g = max|gain|.
    let gains (width: int64) (eps: Rational) (g: Bound) (radius: Bound) (centred: Bound) =
        let c = g * Normalization.inverseRoot eps
        let r = g * Normalization.radius width eps radius
        c, r, Bound.min [ c * centred; r ]

    let private rule (input: RuleInput) =
        let x = input.Input
        let width = x.Shape.Width
        let g = Normalization.gain input
        let place, eps = Normalization.epsilon input.Options
        let steepest = Normalization.steepest input.Options
        let anywhere = g * steepest

        let shell =
            if x.LowerCentred.Start.Sign > 0 then
                let kept = (match place with Normalization.Smooth -> Fn.ShellGain | Normalization.Added -> Fn.ShellGainAdded)
                g * Bound.apply (kept (x.LowerCentred.Start, width, Hyper.lower eps)) x.LowerCentred.Loss
            else
                Bound.infinity

        let c = if shell = Bound.infinity then anywhere else input.Name "gain of the normalization" (Bound.min [ shell; anywhere ])
        let r = g * Bound.min [ Bound.sqrt (Bound.ofInt64 width); steepest * x.Radius ]
        let lower = if input.HasWeight "gain" then Space.noLower else Normalization.lower input x.LowerCentred
        let name suffix = "layer_norm." + suffix
        let everywhere = name (match place with Normalization.Smooth -> "eps" | Normalization.Added -> "added")

        { Space =
            { Space.step input.Layer.Output (Space.tokenwise c) (r + Normalization.offset input) (Bound.min [ c * Windows.centred x; r ]) x with
                Lower = lower
                LowerCentred = lower }
          Rule = (if shell = Bound.infinity then everywhere else name "shell")
          Candidates =
            [ if shell <> Bound.infinity then
                  name "shell", shell
                  everywhere, anywhere ]
          Needs = [ Normalization.needGain g ] }

    let private citation = "Ba, Kiros and Hinton 2016 (the layer); the constant is derived here"

    let doc: RuleDoc =
        { Name = "layer_norm.eps"
          Statement =
            "LF = LM = LI = max|g|/√eps; R' = max|g|·min(√d, R/√eps) + |b|; r' = max|g|·min(√d, R/√eps, r/√eps); without a gain \
             ρ' = ρ_c' = ρ_c/√(ρ_c²/d + eps). No use is made of |x| ≥ ρ: only |x − mean| ≥ ρ_c helps."
          Domain = "none; eps > 0"
          Proof =
            "Let P = I − 11ᵀ/d, z = Px, s² = |z|²/d + eps. The derivative is diag(g)·M with M = (1/s)(P − zzᵀ/(d·s²)). Since \
             Pz = z and |z|²/(d·s²) < 1, 0 ≤ M ≤ P/s ≤ I/√eps, so the norm is at most max|g|/√eps everywhere; the tokens do not \
             mix, so the three constants agree. A long token with equal entries has z = 0: a lower bound on |x| gives nothing. \
             |z|/s = √d·√(1 − eps/s²) < √d, and |z|/s ≤ |z|/√eps ≤ R/√eps; the gain multiplies by at most max|g|. \
             r': all images lie in the ball of that radius about b, and by the constant within max|g|·r/√eps of the image of the \
             centre. |z|/s grows with |z| and has mean 0, hence ρ'; it grows ever slower, so what ρ_c loses counts at most 1/√eps \
             times. Equality: at z = 0 with equal gains the derivative is g·P/√eps, whose norm is g/√eps for d ≥ 2."
          Citation = citation
          Tightness = 1.00M }

    let private added: RuleDoc =
        { Name = "layer_norm.added"
          Statement =
            "LF = LM = LI = max|g|/eps; R' = max|g|·min(√d, R/eps) + |b|; r' = max|g|·min(√d, R/eps, r/eps); without a gain \
             ρ' = ρ_c' = ρ_c/(ρ_c/√d + eps)"
          Domain = "`eps: added(…)`: eps beside the deviation; eps > 0"
          Proof =
            "With z = Px and t = |z| the map is z/(t/√d + eps), radial in z: across z it multiplies by 1/(t/√d + eps), along z by the \
             derivative of t/(t/√d + eps), which is eps/(t/√d + eps)², no more than the former as eps ≤ t/√d + eps. Both are at most \
             1/eps, and |P| ≤ 1. t/(t/√d + eps) is less than √d and at most t/eps, and grows with t, ever slower. R', r' and ρ' as \
             for layer_norm.eps. Equality: at z = 0. Written with the deviation's own root the constant is 1/eps where the smooth \
             form has 1/√eps: the same eps below 1 bounds less."
          Citation = citation
          Tightness = 1.00M }

    let private shell: RuleDoc =
        { Name = "layer_norm.shell"
          Statement = "LF = LM = LI = max|g|/√(ρ_c²/d + eps), or max|g|/(ρ_c/√d + eps) for eps beside the deviation"
          Domain = "every token has |x − mean(x)| ≥ ρ_c"
          Proof =
            "The map is h(Px) with h(z) = g ⊙ z/σ(|z|), σ(t) = √(t²/d + eps) or t/√d + eps, which grows, and |Px| ≥ ρ_c. That set is not convex, so the \
             derivative along a segment does not settle it. Let h̃ = h where |z| ≥ ρ_c and h̃(z) = g ⊙ z/σ(ρ_c) inside: continuous across \
             |z| = ρ_c, piecewise differentiable on all of space, of derivative at most max|g|/σ(ρ_c) inside, where it is linear, and \
             max|g|/σ(|z|) outside by layer_norm.eps and layer_norm.added. So h̃∘P has this constant for every pair, and the layer agrees \
             with it on the domain. |x| ≥ ρ would not do: a long token with equal entries has Px = 0. Equality: two tokens of mean 0 \
             and norm ρ_c are both multiplied by g/σ(ρ_c) when the gains are equal. r' uses h̃ at the centre, which need not lie in the domain."
          Citation = "derived here"
          Tightness = 1.00M }

    let private eps: Hyperparameter =
        { Normalization.eps with
            Type =
                OneOf
                    [ Normalization.eps.Type
                      ChoiceType
                          [ Hyper.alternative
                                "added"
                                "(x − mean)/(deviation + eps): eps beside the root, not under it"
                                [ Hyper.positiveOr (Hyper.ratio 1L 100L) "eps" "added to the deviation" ] ] ] }

    let entry: LayerKind =
        { Name = "layer_norm"
          Summary = "layer normalization of every token: subtract the mean, divide by √(variance + eps)"
          Citation = citation
          Hyperparameters = [ eps; Normalization.affine; Normalization.bias ]
          Positional = 0
          Parts = []
          TakesBody = false
          Shape = Normalization.shape
          Weights = fun options x -> Normalization.gainWeights options x.Width
          Rule = rule
          Rules = [ doc; added; shell ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let o = input.Options

                let affine, bias = CSharp.flag (o.Flag "affine"), CSharp.flag (Normalization.hasBias o)
                let place, eps = Normalization.epsilon o
                let eps = CSharp.number (Hyper.upper eps)

                let kind, construct =
                    match place with
                    | Normalization.Smooth ->
                        "TorchSharp.Modules.LayerNorm",
                        $"torch.nn.LayerNorm(normalized_shape: {input.Layer.Input.Width}, eps: {eps}, elementwise_affine: {affine}, bias: {bias})"
                    | Normalization.Added ->
                        "Lips.Runtime.Modules.DeviationNorm",
                        $"new Lips.Runtime.Modules.DeviationNorm(width: {input.Layer.Input.Width}, eps: {eps}, affine: {affine}, hasBias: {bias})"

                { Members = [ { Type = kind; Name = input.Layer.Name; Construct = construct } ]
                  Forward = Normalization.call input.Layer } }
