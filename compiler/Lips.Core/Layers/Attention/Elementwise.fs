namespace Lips.Core.Layers

open Lips.Core

/// What a weight is of its own logit l, which lies within s of the bias β.
type internal WeightFunction =
    { /// sup of |a(l)| + slopes·s·|a'(l)|
      Weight: int -> Bound -> Bound
      /// sup of |a'(l)|
      Steepness: Bound -> Bound }

/// One function of logits, as an alternative of `similarity`.
type internal Elementwise =
    { Name: string
      Doc: string
      BiasDoc: string
      /// β where none is written, of the keys of the longest row; a double.
      Bias: int64 -> Rational
      /// Of β and of the keys of the longest row.
      Function: Rational -> int64 -> WeightFunction
      /// The module that computes it, of β and of the keys of the longest row.
      Module: Rational -> int64 -> string
      Rules: RuleDoc list
      MemoryRules: RuleDoc list }

/// Attention in which every weight is a function of its own logit scale·q·k + bias: rows need not sum to 1.
[<RequireQualifiedAccess>]
module internal Elementwise =

    /// The bias that the module is given, a double.
    let private bias (e: Elementwise) (options: Options) (keys: int64) =
        let given = snd (options.Choice "similarity")

        if given.Has "bias" then
            match given.Value "bias" with
            | Enclosed(lo, hi) -> if lo.Abs < hi.Abs then lo else hi
            | v -> Hyper.lower v
            |> fun b -> (let size = Rational.OfDouble b.Abs.ToDoubleDown in if b.Sign < 0 then -size else size)
        else
            e.Bias keys

    /// The norm of the matrix with a one wherever a row sees a key.
    let private patternNorm (sees: Visibility) =
        let schur = Hyper.rootOf (Rational.OfInt sees.MostKeys * Rational.OfInt sees.MostQueries)

        if sees.Pattern = Before then
            // 1/(2 sin x), x = π/(4N+2), by sin x ≥ x − x³/6 with π from below; the expression falls with x
            let x = Hyper.ratio 3141592653L 1000000000L / Rational.OfInt(4L * sees.MostKeys + 2L)
            Bound.min [ schur; Bound.ofRational (Rational.OfInt 2L * (x - x * x * x / Rational.OfInt 6L)).Inverse ]
        else
            schur

    let private judge (e: Elementwise) (a: AttentionInput) =
        let input = a.Input
        let options = input.Options
        let sees = a.Sees
        let shared = AttentionHeads.shared options
        let whole = AttentionHeads.whole input
        let head = AttentionHeads.headNorm input
        let biasOfHead = AttentionHeads.biasOfHead input
        let scale = Hyper.sizeOf options "scale"
        let f = e.Function (bias e options sees.MostKeys) sees.MostKeys
        let norms = { Heads = options.Count "heads"; Out = whole "out"; OutOfHead = head "out" }
        let weight, steepness = f.Weight, f.Steepness
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
              Why = $"its weight '{weight}' has no cap: weights that are each a function of their own logit do not sum to 1, so a bias moves them"
              Fix = $"cap it: `{weight}.constraint: l2_cap(1)`, or leave biases out: `bias: false`" }

        let far value whose =
            { Value = value
              Why = $"{e.Name} attention has no Lipschitz constant where {whose} may be arbitrarily large, and their radius is unknown"
              Fix = "bound the radius before it (cap the biases, positions and embedding rows, or put a norm before it), or use cosine similarity" }

        { Keys = d1
          Query = d2
          Own =
            { II = input.Name "token to token" (Bound.min [ perHead; d1.II + d2 ])
              // the token that asks is one of its keys, and moves the row on both paths
              FR = input.Name "whole to token" (Bound.sqrt (n * Bound.square pair + Bound.ofInt 2 * (pair * d2) + Bound.square d2))
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

    let similarity (e: Elementwise) : Similarity =
        { Alternative =
            Hyper.alternative
                e.Name
                e.Doc
                [ { Name = "bias"
                    Type = RealType(None, false, None)
                    Default = Absent
                    Doc = e.BiasDoc } ]
          Fits = fun _ _ -> Ok()
          Weights = fun options fused x keyWidth -> AttentionHeads.weights fused options x.Width keyWidth
          Judge = judge e
          Rules = e.Rules
          MemoryRules = e.MemoryRules
          Scale = fun options -> options.Value "scale"
          Arguments = fun options _ sees -> [ $"similarity: new Lips.Runtime.Modules.{e.Module (bias e options sees.MostKeys) sees.MostKeys}" ] }
