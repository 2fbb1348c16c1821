namespace Lips.Core.Layers

open Lips.Core

/// Logits are scale·q·k.
module internal DotProduct =

    let private setting (a: AttentionInput) : SoftmaxSetting =
        let input = a.Input
        let whole = AttentionHeads.whole input
        let head = AttentionHeads.headNorm input
        let biasOfHead = AttentionHeads.biasOfHead input

        { Heads = input.Options.Count "heads"
          Shared = AttentionHeads.shared input.Options
          Sees = a.Sees
          Rotary = a.Rotary
          Spread = a.Spread
          Scale = Hyper.sizeOf input.Options "scale"
          Query = whole "q"
          QueryOfHead = head "q"
          KeyOfHead = head "k"
          Value = whole "v"
          Stacked = AttentionHeads.stackedValue input
          ValueOfHead = head "v"
          Out = whole "out"
          OutOfHead = head "out"
          OutValue = input.Measure (Functional.Product "v") "out"
          OutValueOfHead = AttentionHeads.ofHead input (Functional.HeadProduct "v") (Functional.Product "v") "out"
          OutValueStacked = input.Measure (Functional.StackedProduct "v") "out"
          KeyQueryOfHead = AttentionHeads.ofHead input (Functional.HeadTransposedProduct "k") (Functional.TransposedProduct "k") "q"
          KeyQueryStacked =
            (if input.Options.Count "heads" = 1L then input.Measure (Functional.TransposedProduct "k") "q"
             else input.Measure (Functional.StackedTransposedProduct "q") "k")
          ValueBias = input.MeasureOrZero Functional.VectorNorm "v_bias"
          QueryBias = input.MeasureOrZero Functional.VectorNorm "q_bias"
          QueryBiasOfHead = biasOfHead "q_bias"
          KeyBiasOfHead = if a.Rotary then biasOfHead "k_bias" else Bound.zero
          QueryRadius = a.Asks.Radius
          KeyRadius = a.Seen.Radius
          KeyCentred = a.Seen.Centred
          Name = input.Name }

    let private needs (input: RuleInput) (s: SoftmaxSetting) =
        let radius value (whose: string) =
            { Value = value
              Why = $"dot-product attention has no Lipschitz constant where {whose} may be arbitrarily large, and their radius is unknown"
              Fix = "bound the radius before it (cap the biases, positions and embedding rows, or put a norm before it), or use cosine similarity" }

        [ radius s.QueryRadius "the tokens"
          if s.KeyRadius <> s.QueryRadius then radius s.KeyRadius "the tokens it looks at"
          AttentionHeads.cap input s.Query "q"
          AttentionHeads.cap input s.KeyOfHead "k"
          AttentionHeads.cap input s.Value "v"
          AttentionHeads.cap input s.Out "out"
          if input.HasWeight "q_bias" then
              { Value = s.QueryBias
                Why = "its query bias has no cap, so the logits may grow without limit"
                Fix = "cap it: `q_bias.constraint: l2_cap(1)`, or leave biases out: `bias: false`" } ]

    let private judge (a: AttentionInput) =
        let s = setting a
        Softmax.constants s, needs a.Input s

    let similarity: Similarity =
        { Alternative = Hyper.alternative "dot" "q·k" []
          Fits = fun _ _ -> Ok()
          Weights = fun options fused x keyWidth -> AttentionHeads.weights fused options x.Width keyWidth
          Judge = judge
          Rules = SoftmaxProofs.self
          MemoryRules = SoftmaxProofs.cross
          Scale = fun options -> options.Value "scale"
          Arguments = fun _ _ _ -> [] }
