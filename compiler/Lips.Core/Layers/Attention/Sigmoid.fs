namespace Lips.Core.Layers

open Lips.Core

/// Weights are σ(scale·q·k + bias), each by itself: rows need not sum to 1 (Ramapuram et al. 2024).
module internal Sigmoid =

    let private argumentsOf (options: Options) = snd (options.Choice "similarity")

    /// The bias that the module is given, a double: −ln n, n the keys of the longest row, to 2^-20 where none is written.
    let private bias (options: Options) (keys: int64) =
        let given = argumentsOf options

        if given.Has "bias" then
            match given.Value "bias" with
            | Enclosed(lo, hi) -> if lo.Abs < hi.Abs then lo else hi
            | v -> Hyper.lower v
            |> fun b -> (let size = Rational.OfDouble b.Abs.ToDoubleDown in if b.Sign < 0 then -size else size)
        else
            Rational.OfDouble(-System.Math.Round(System.Math.Log(float keys) * 1048576.0) / 1048576.0)

    /// The norm of the matrix with a one wherever a row sees a key.
    let private patternNorm (sees: Visibility) =
        let schur = Hyper.rootOf (Rational.OfInt sees.MostKeys * Rational.OfInt sees.MostQueries)

        if sees.Pattern = Before then
            // 1/(2 sin x), x = π/(4N+2), by sin x ≥ x − x³/6 with π from below; the expression falls with x
            let x = Hyper.ratio 3141592653L 1000000000L / Rational.OfInt(4L * sees.MostKeys + 2L)
            Bound.min [ schur; Bound.ofRational (Rational.OfInt 2L * (x - x * x * x / Rational.OfInt 6L)).Inverse ]
        else
            schur

    let private judge (a: AttentionInput) =
        let input = a.Input
        let options = input.Options
        let sees = a.Sees
        let shared = AttentionHeads.shared options
        let whole = AttentionHeads.whole input
        let head = AttentionHeads.headNorm input
        let biasOfHead = AttentionHeads.biasOfHead input
        let scale = Hyper.sizeOf options "scale"
        let b = bias options sees.MostKeys
        let norms = { Heads = options.Count "heads"; Out = whole "out"; OutOfHead = head "out" }
        let weight slopes s = Bound.apply (Fn.SigmoidWeight(b, slopes)) s
        let steepness s = Bound.apply (Fn.SigmoidSteepness b) s
        // largest query, key and value of a head
        let query = head "q" * a.Asks.Radius + biasOfHead "q_bias"
        let key = head "k" * a.Seen.Radius + biasOfHead "k_bias"
        let size = head "v" * a.Seen.Radius + biasOfHead "v_bias"
        let sOfHead = scale * query * key + a.LargestBias
        let s = input.Name "size of the logits" (norms.Over sOfHead)
        let slope = input.Name "slope of the weights" (steepness s)
        let v, k, q = AttentionHeads.stacked input "v", AttentionHeads.stacked input "k", whole "q"
        let largest = input.Name "largest weight" (weight 0 s)
        let valueBias = Hyper.root shared * input.MeasureOrZero Functional.VectorNorm "v_bias"

        // one pair of a query and a key
        let pairOfHead = head "v" * weight 1 sOfHead + biasOfHead "v_bias" * (scale * head "k" * query) * steepness sOfHead
        let pairOfAll = norms.Several [ norms.Out * (v * largest + slope * (scale * k * norms.Over(size * query))) ]
        let pair = input.Name "one pair, keys and values" (Bound.min (norms.SideBySide pairOfHead :: pairOfAll))
        let n = Bound.ofInt64 sees.MostKeys
        // heads that see different keys move with as many times more of them
        let sets = Hyper.root sees.KeySets

        let d1 =
            { II = n * Bound.min (norms.SideBySide pairOfHead :: [ for p in pairOfAll -> sets * p ])
              FR = Hyper.root sees.MostKeys * pair
              FF = patternNorm sees * pair }

        let d2 =
            input.Name
                "query path, all readings"
                (n
                 * Bound.min (
                     norms.SideBySide(steepness sOfHead * (size * (scale * head "q" * key)))
                     :: norms.Several [ norms.Out * (slope * (scale * q * norms.Over(size * key))) ]
                 ))

        let perHead =
            input.Name
                "per head, token to token"
                (n
                 * norms.SideBySide(
                     head "v" * weight 2 sOfHead
                     + biasOfHead "v_bias" * (scale * (head "k" * query + head "q" * key)) * steepness sOfHead
                 ))

        let values = Bound.min [ norms.SideBySide size; norms.Out * (v * a.Seen.Radius + valueBias) ]
        let radius = n * Bound.min [ norms.SideBySide(weight 0 sOfHead * size); sets * (norms.Out * (largest * (v * a.Seen.Radius + valueBias))) ]

        let cap value weight =
            { Value = value
              Why = $"its weight '{weight}' has no cap: the weights of a sigmoid do not sum to 1, so a bias moves them"
              Fix = $"cap it: `{weight}.constraint: l2_cap(1)`, or leave biases out: `bias: false`" }

        let far value whose =
            { Value = value
              Why = $"sigmoid attention has no Lipschitz constant where {whose} may be arbitrarily large, and their radius is unknown"
              Fix = "bound the radius before it (cap the biases, positions and embedding rows, or put a norm before it), or use cosine similarity" }

        { Keys = d1
          Query = d2
          Own =
            { II = input.Name "token to token" (Bound.min [ perHead; d1.II + d2 ])
              FR = input.Name "whole to token" (d1.FR + d2)
              FF = input.Name "whole to whole" (d1.FF + d2) }
          Radius = radius
          Shift = Bound.zero
          Centred = if sees.SameKeys then Bound.min [ radius; n * (s * slope * values) ] else radius
          Candidates = [ "per-head", perHead; "stacked", d1.II + d2 ] },
        [ far a.Asks.Radius "the tokens"
          if a.Seen.Radius <> a.Asks.Radius then far a.Seen.Radius "the tokens it looks at"
          AttentionHeads.cap input q "q"
          AttentionHeads.cap input k "k"
          AttentionHeads.cap input v "v"
          AttentionHeads.cap input norms.Out "out"
          for name in [ "q_bias"; "k_bias"; "v_bias" ] do
              if input.HasWeight name then cap (input.Measure Functional.VectorNorm name) name ]

    let similarity: Similarity =
        { Alternative =
            Hyper.alternative
                "sigmoid"
                "q·k, and σ of it in place of softmax"
                [ { Name = "bias"
                    Type = RealType(None, false, None)
                    Default = Absent
                    Doc = "added to every logit; −ln n where it is left out, n the keys in sight" } ]
          Fits = fun _ _ -> Ok()
          Weights = fun options fused x keyWidth -> AttentionHeads.weights fused options x.Width keyWidth
          Judge = judge
          Rules = SigmoidProofs.rules
          MemoryRules = SigmoidProofs.memoryRules
          Scale = fun options -> options.Value "scale"
          Arguments = fun options _ sees -> [ $"similarity: new Lips.Runtime.Modules.SigmoidWeights(bias: {CSharp.number (bias options sees.MostKeys)})" ] }
