namespace Lips.Core.Layers

open Lips.Core

/// What the softmax rules know of an attention layer. Norms of heads are functions of the head a sum runs over.
type internal SoftmaxSetting =
    { Heads: int64
      /// How many heads read the same key and value head.
      Shared: int64
      Sees: Visibility
      /// Keys and queries are turned by their position.
      Rotary: bool
      /// T: the spread, over the keys in sight of a row, of what is added to its logits.
      Spread: Bound
      /// |factor on q·k|
      Scale: Bound
      /// Norm of the stacked matrices, and of one head's slice.
      Query: Bound
      QueryOfHead: Bound
      KeyOfHead: Bound
      Value: Bound
      /// Of the values of all heads, those that several heads read as often.
      Stacked: Bound
      ValueOfHead: Bound
      Out: Bound
      OutOfHead: Bound
      /// Norms of products, known of given weights and never above the product of the norms: O·V, O_h·V_h, [O_1·V_1 … O_H·V_H].
      OutValue: Bound
      OutValueOfHead: Bound
      OutValueStacked: Bound
      /// K_hᵀ·Q_h, and all of them one above the other: for keys that no rotation turns.
      KeyQueryOfHead: Bound
      KeyQueryStacked: Bound
      ValueBias: Bound
      QueryBias: Bound
      QueryBiasOfHead: Bound
      KeyBiasOfHead: Bound
      /// R of the tokens that ask.
      QueryRadius: Bound
      /// R and r of the tokens that are looked at.
      KeyRadius: Bound
      KeyCentred: Bound
      Name: string -> Bound -> Bound }

/// Softmax attention with dot-product logits: section names as in the proofs below (`SoftmaxProofs`).
[<RequireQualifiedAccess>]
module internal Softmax =

    let constants (s: SoftmaxSetting) : AttentionPaths =
        let heads = int s.Heads
        let name = s.Name
        let sees = s.Sees
        let over f = Bound.maxOver heads f
        let rootHeads = Hyper.root s.Heads
        let r = s.KeyCentred

        /// [O_1·V_1 … O_H·V_H], and O·V where every head has values of its own
        let product = if heads = 1 then s.OutValue else s.OutValueStacked
        let sum = if s.Shared = 1L then s.OutValue else Bound.infinity

        /// min(|O|·√(Σ_h (v_h·f_h)²), Σ_h |O_h|·v_h·f_h): heads with constants f_h, put side by side; with norms of products for |O|v_h.
        let combine (f: Bound) =
            let one = s.ValueOfHead * f
            if heads = 1 then Bound.min [ s.Out * one; product * f ]
            else
                Bound.min
                    [ s.Out * Bound.sqrt (Bound.sumOver heads (Bound.square one))
                      Bound.sumOver heads (s.OutOfHead * one)
                      product * Bound.sqrt (Bound.sumOver heads (Bound.square f))
                      Bound.sumOver heads (s.OutValueOfHead * f) ]

        // sizes of the logits' derivatives
        let v = name "largest head of v" (over s.ValueOfHead)
        let keyMax = name "largest head of k" (over s.KeyOfHead)
        let rotatedKey = s.KeyOfHead * s.KeyRadius + s.KeyBiasOfHead
        let query = name "largest query" (s.Query * s.QueryRadius + s.QueryBias)
        let queryOfHead = s.QueryOfHead * s.QueryRadius + s.QueryBiasOfHead

        // only what is not turned may be multiplied first
        let unturned (b: Bound) = if s.Rotary then Bound.infinity else b

        let logits keyQuery key bias =
            unturned (s.Scale * (if Bound.isZero bias then keyQuery * s.QueryRadius else keyQuery * s.QueryRadius + key * bias) * r)

        let s1 = name "s1, key path" (Bound.min [ s.Scale * keyMax * query * r; logits s.KeyQueryStacked keyMax s.QueryBias ])

        let s1OfHead =
            if heads = 1 then s1
            else Bound.min [ s.Scale * s.KeyOfHead * queryOfHead * r; logits s.KeyQueryOfHead s.KeyOfHead s.QueryBiasOfHead ]

        let s2 =
            name
                "s2, query path"
                (if s.Rotary then s.Scale * s.Query * over rotatedKey * r
                 else Bound.min [ s.Scale * s.Query * keyMax * Bound.square r; s.Scale * s.KeyQueryStacked * Bound.square r ])

        let s2OfHead =
            if heads = 1 then s2
            elif s.Rotary then s.Scale * s.QueryOfHead * rotatedKey * r
            else Bound.min [ s.Scale * s.QueryOfHead * s.KeyOfHead * Bound.square r; s.Scale * s.KeyQueryOfHead * Bound.square r ]

        // how uneven a row of weights can be
        let range =
            name
                "range of the logits"
                (Bound.ofInt 2 * (if s.Rotary then s.Scale * over (queryOfHead * rotatedKey) else over s1OfHead) + s.Spread)

        let rows = RowWeights.ofRange name sees range
        let uneven, column, weights = rows.Uneven, rows.Column, rows.Matrix
        // value path, all heads together
        let value = name "value path" (RowWeights.means s.Heads s.Shared rows v s.Value)

        let common = min s.Heads (s.Shared * sees.KeySets)

        // the same with what `out` makes of the values; O·V acts on what is common to all heads
        let outValue =
            Bound.min
                [ rootHeads * product
                  if common = 1L then
                      Bound.max2 sum product * (Bound.one + uneven * RowWeights.rootLess s.Heads 1L)
                      sum + uneven * rootHeads * product ]

        // not one token: the heads' means differ
        let outMeans = Bound.min [ s.Out * s.Stacked; rootHeads * product ]

        // D1, one head
        let pythagoras = if s.Rotary then Bound.one + s1OfHead else Bound.hypot Bound.one s1OfHead
        let row = Bound.sqrt (Bound.apply Fn.SaturationG s1OfHead)
        let rootQueries = Hyper.root sees.MostQueries
        let keyColumn = name "key path, whole to whole" rows.KeyColumn
        let split = weights + keyColumn * s1OfHead

        let wholeOfHead =
            if s.Rotary then split
            else Bound.min [ rootQueries * row; Bound.sqrt column * pythagoras; split ]

        let keyRow = v * s1 * rows.KeyRow

        // D1, all heads; of one head the rules for several say no more than its own
        let several rules = if heads = 1 then [] else rules

        let stackedII =
            several
                [ if not s.Rotary then s.Out * v * Bound.sqrt (Bound.ofInt64 s.Heads + Bound.square s1)
                  s.Out * (value + v * s1)
                  if not s.Rotary then product * Bound.sqrt (Bound.ofInt64 s.Heads + Bound.square s1)
                  outValue + product * s1 ]

        let d1 =
            { II = name "keys and values, token to token" (Bound.min (stackedII @ [ combine pythagoras ]))
              FR =
                name
                    "keys and values, whole to token"
                    (Bound.min
                        [ s.Out * (s.Stacked * rows.Row + keyRow)
                          outMeans * rows.Row + product * s1 * rows.KeyRow
                          if not s.Rotary then combine row ])
              FF =
                name
                    "keys and values, whole to whole"
                    (Bound.min (
                        several
                            [ s.Out * (s.Stacked * weights + v * Hyper.root sees.KeySets * keyColumn * s1)
                              outMeans * weights + product * Hyper.root sees.KeySets * keyColumn * s1 ]
                        @ [ combine wholeOfHead ]
                    )) }

        let d2 = name "query path, all readings" (Bound.min (several [ s.Out * v * s2; product * s2 ] @ [ combine s2OfHead ]))

        // both paths of one head at once, where the query token is one of the keys'
        let crossed =
            Bound.sqrt (
                Bound.ofInt64 sees.MostQueries * Bound.apply Fn.SaturationG s1OfHead
                + Bound.square s2OfHead
                + s2OfHead * (rootQueries * row + pythagoras)
            )

        let perHead = name "per head, token to token" (combine (pythagoras + s2OfHead))

        let own =
            { II = name "token to token" (Bound.min (several [ d1.II + d2 ] @ [ perHead ]))
              FR = name "whole to token" (d1.FR + d2)
              FF =
                name
                    "whole to whole"
                    (Bound.min
                        [ d1.FF + d2
                          // the cross term counts all rows of a set
                          if not s.Rotary && sees.MostQueries = sees.Queries then combine crossed ]) }

        let candidates =
            [ if not s.Rotary then
                  let both = Bound.sqrt (Bound.ofInt64 s.Heads + Bound.square s1) + s2
                  "stacked", Bound.min [ s.Out * v * both; product * both ]
              "doeblin", Bound.min [ s.Out * (value + v * (s1 + s2)); outValue + product * (s1 + s2) ]
              "per-head", perHead ]

        { Keys = d1
          Query = d2
          Own = own
          Radius =
            Bound.min
                [ s.Out * value * s.KeyRadius
                  s.Out * (s.Stacked * s.KeyRadius + (if sees.SameInHeads then uneven * rootHeads * v else value) * r)
                  combine Bound.one * s.KeyRadius
                  outValue * s.KeyRadius
                  Bound.min [ sum; outMeans ] * s.KeyRadius + (if sees.SameInHeads then uneven * rootHeads * product else outValue) * r ]
          Shift = if Bound.isZero s.ValueBias then Bound.zero else s.Out * (Hyper.root s.Shared * s.ValueBias)
          Centred =
            (if not sees.SameKeys then Bound.min [ s.Out * value * r; combine Bound.one * r; outValue * r ]
             else Bound.min [ s.Out * rootHeads * v * uneven * r; combine uneven * r; rootHeads * product * uneven * r ])
          Candidates = candidates }
