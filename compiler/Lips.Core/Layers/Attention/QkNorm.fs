namespace Lips.Core.Layers

open Lips.Core

/// Logits are scale·q̂·k̂ with queries and keys normalized within every head (Henry et al. 2020; Dehghani et al. 2023).
module internal QkNorm =

    let private argumentsOf (options: Options) = snd (options.Choice "similarity")
    let private isLayerNorm (options: Options) = (argumentsOf options).ChoiceName "norm" = "layer_norm"
    let private affine (options: Options) = (argumentsOf options).Flag "affine"
    let private biased (options: Options) = (argumentsOf options).Flag "bias"
    let private eps (options: Options) = Rational.OfDouble (Normalization.least (argumentsOf options) "eps").ToDoubleDown

    let private weights (options: Options) fused (x: Shape) keyWidth =
        let headWidth = x.Width / options.Count "heads"

        AttentionHeads.weights fused options x.Width keyWidth
        @ [ for part in [ "q"; "k" ] do
                if affine options then Weights.gain (part + "_norm") (part + "_norm.weight") headWidth
                if biased options then Weights.bias (part + "_norm_bias") (part + "_norm.bias") headWidth ]

    let private fits (options: Options) (_: Shape) =
        if biased options && not (affine options) then
            Error(DoesNotFit "`qk_norm(bias: true)` needs `affine: true`: there is no bias without the gain")
        else Ok()

    let private judge (a: AttentionInput) =
        let input = a.Input
        let options = input.Options
        let heads = options.Count "heads"
        let whole = AttentionHeads.whole input
        let head = AttentionHeads.headNorm input
        let r, radius = a.Seen.Centred, a.Seen.Radius
        let scale = Hyper.sizeOf options "scale"
        let inverse = (let eps = eps options in if eps.Sign = 0 then Bound.infinity else Normalization.inverseRoot eps)
        let rootWidth = Hyper.root (input.Layer.Output.Width / heads)
        let gain part = if input.HasWeight(part + "_norm") then input.Name $"max|gain of {part}|" (input.Measure Functional.LargestEntry (part + "_norm")) else Bound.one
        let bias part = input.MeasureOrZero Functional.VectorNorm (part + "_norm_bias")
        let gq, gk = gain "q", gain "k"
        let norms = { Heads = heads; Out = whole "out"; OutOfHead = head "out" }
        let keys = AttentionHeads.stacked input "k"

        // a normalized vector is at most √d_h long, and turns by at most 1/√eps
        let turning other = scale * gq * gk * rootWidth * inverse * other
        let keySlope norm = { Saturating = turning norm; Fixed = scale * bias "q" * gk * inverse * norm }
        let querySlope norm = { Saturating = turning norm; Fixed = if a.Rotary then scale * bias "k" * gq * inverse * norm else Bound.zero }

        let range =
            // the keys' bias is the same for all keys unless they are turned
            let keys =
                if a.Rotary then gk * rootWidth + bias "k"
                else gk * Bound.min [ rootWidth; norms.Over(head "k") * r * inverse ]

            input.Name "range of the logits" (Bound.ofInt 2 * scale * (gq * rootWidth + bias "q") * keys + a.Spread)

        let setting: BoundedLogitsSetting =
            { Norms = norms
              Shared = AttentionHeads.shared options
              Rows = RowWeights.ofRange input.Name a.Sees range
              KeyOfHead = keySlope (head "k")
              QueryOfHead = querySlope (head "q")
              Key = keySlope keys
              Query = querySlope (whole "q")
              ValueOfHead = head "v"
              Value = whole "v"
              Stacked = AttentionHeads.stacked input "v"
              SpreadOfHead = head "v" * r
              SizeOfHead = head "v" * radius
              Saturated = None
              Linear = Some(radius, r)
              Shift =
                if input.HasWeight "v_bias" then
                    norms.Out * (Hyper.root (AttentionHeads.shared options) * input.Measure Functional.VectorNorm "v_bias")
                else Bound.zero
              Name = input.Name }

        let capped value weight constraint' =
            { Value = value
              Why = $"its weight '{weight}' has no cap, so the logits may grow without limit"
              Fix = $"give it one: `{weight}.constraint: {constraint'}`" }

        let needs =
            [ { Value = r
                Why = "its values are linear in the tokens, so it has no Lipschitz constant where tokens may be arbitrarily far apart"
                Fix = "bound the radius before it (cap the biases, positions and embedding rows, or put a norm before it), or use cosine similarity" }
              AttentionHeads.cap input (whole "q") "q"
              AttentionHeads.cap input keys "k"
              AttentionHeads.cap input (whole "v") "v"
              AttentionHeads.cap input norms.Out "out"
              if affine options then
                  capped gq "q_norm" "max_cap(1)"
                  capped gk "k_norm" "max_cap(1)"
              if biased options then
                  capped (bias "q") "q_norm_bias" "l2_cap(1)"
                  if a.Rotary then capped (bias "k") "k_norm_bias" "l2_cap(1)" ]

        BoundedLogits.paths setting, needs

    let similarity: Similarity =
        { Alternative =
            Hyper.alternative
                "qk_norm"
                "q·k with q and k normalized in every head"
                [ Hyper.choiceOr
                      "rms_norm"
                      [ Hyper.alternative "rms_norm" "y/√(|y|²/d + eps)" []
                        Hyper.alternative "layer_norm" "(y − mean)/√(variance + eps)" [] ]
                      "norm"
                      "how a head's query or key is normalized"
                  Hyper.positiveOr (Hyper.ratio 1L 1000000L) "eps" "added under the root"
                  Hyper.flag true "affine" "multiply each channel by a learned gain that the heads share: `q_norm`, `k_norm`"
                  Hyper.flag false "bias" "add a learned bias behind it: `q_norm_bias`, `k_norm_bias`" ]
          Fits = fits
          Weights = weights
          Judge = judge
          Rules = BoundedLogitsProofs.qkNorm
          MemoryRules = BoundedLogitsProofs.qkNormOfMemory
          Scale = fun options -> options.Value "scale"
          Arguments =
            fun options x _ ->
                [ "similarity: new Lips.Runtime.Modules.QkNorm("
                  + System.String.Join(
                      ", ",
                      [ $"""headWidth: {x.Width / options.Count "heads"}"""
                        $"eps: {CSharp.number (eps options)}"
                        if isLayerNorm options then "centre: true"
                        if not (affine options) then "affine: false"
                        if biased options then "hasBias: true" ]
                  )
                  + ")" ] }
