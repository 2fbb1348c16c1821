namespace Lips.Core.Layers

open Lips.Core

/// How far a logit moves with one of the vectors it compares.
type internal LogitSlope =
    { /// Times cos φ where the other side's saturating slope is times sin φ: what is near its largest norm hardly turns.
      Saturating: Bound
      /// Whatever the other side does.
      Fixed: Bound }

    member this.Total = this.Saturating + this.Fixed

/// Softmax attention whose logits have bounded slopes everywhere. Norms of heads are functions of the head a sum runs over.
type internal BoundedLogitsSetting =
    { Norms: HeadNorms
      Shared: int64
      Rows: RowWeights
      KeyOfHead: LogitSlope
      QueryOfHead: LogitSlope
      /// Of all heads' keys and queries, stacked.
      Key: LogitSlope
      Query: LogitSlope
      /// Slope of the values: of one head, of the stack, and of the stack with shared values as often as they are read.
      ValueOfHead: Bound
      Value: Bound
      Stacked: Bound
      /// A head's values lie within this of a common point, and of 0 (biases of linear values not counted).
      SpreadOfHead: Bound
      SizeOfHead: Bound
      /// ν, where values are ν·y/√(|y|² + ε) and the slopes of keys and queries are saturating.
      Saturated: Bound option
      /// R and r of the tokens, where values are linear in them.
      Linear: (Bound * Bound) option
      Shift: Bound
      Name: string -> Bound -> Bound }

/// The rules are derived in `BoundedLogitsProofs`.
[<RequireQualifiedAccess>]
module internal BoundedLogits =

    let paths (s: BoundedLogitsSetting) : AttentionPaths =
        let name = s.Name
        let norms = s.Norms
        let out = norms.Out
        let rows = s.Rows
        let heads = Bound.ofInt64 norms.Heads
        let rootHeads = Hyper.root norms.Heads
        let v, w = name "slope of the values" (norms.Over s.ValueOfHead), name "spread of the values" (norms.Over s.SpreadOfHead)
        let key = s.KeyOfHead.Total
        let keyMax = norms.Over key
        let joint = Bound.max [ s.KeyOfHead.Saturating; s.QueryOfHead.Saturating ] + s.KeyOfHead.Fixed + s.QueryOfHead.Fixed
        let jointMax = name "both paths' slope" (norms.Over joint)
        let means = name "value path" (RowWeights.means norms.Heads s.Shared rows v s.Value)

        /// Keys t times over, and queries.
        let crossed t = Bound.hypot (t * s.Key.Saturating) s.Query.Saturating + t * s.Key.Fixed + s.Query.Fixed

        let onSaturated f = (match s.Saturated with Some nu -> f nu | None -> [])
        let squares nu a b = Bound.square a + Bound.square (nu * b)
        let half = Bound.ofQuotient 1L 2L
        let means2 = RowWeights.squaredMeans norms.Heads s.Shared rows v s.Value

        // Σ a_j² and Σ a_ij bounds of values and keys together: the stack's (row, column) budgets
        let rowSquares nu =
            Bound.min
                [ Bound.square s.Stacked + half * Bound.square (nu * s.Key.Total)
                  rows.Largest * squares nu s.Stacked s.Key.Total ]

        let columnSquares nu =
            Bound.min
                [ rows.Column * squares nu s.Stacked s.Key.Total
                  Bound.ofInt64 rows.Sees.MostQueries * (Bound.square s.Stacked + half * Bound.square (nu * s.Key.Total)) ]

        let d1 =
            { II =
                name
                    "keys and values, token to token"
                    (Bound.min
                        [ yield norms.SideBySide(s.ValueOfHead + s.SpreadOfHead * key)
                          yield! norms.Several [ out * (means + rootHeads * w * keyMax) ]
                          yield!
                              onSaturated (fun nu ->
                                  [ norms.SideBySide(Bound.hypot s.ValueOfHead (nu * key)) ]
                                  @ norms.Several [ out * Bound.sqrt (means2 + heads * Bound.square (nu * keyMax)) ]) ])
              FR =
                name
                    "keys and values, whole to token"
                    (Bound.min
                        [ yield out * (s.Stacked * rows.Row + w * s.Key.Total * rows.KeyRow)
                          yield! norms.Several [ norms.SideBySide(s.ValueOfHead * rows.Row + s.SpreadOfHead * key * rows.KeyRow) ]
                          yield! onSaturated (fun nu -> [ out * Bound.sqrt (rowSquares nu) ]) ])
              FF =
                name
                    "keys and values, whole to whole"
                    (Bound.min
                        [ yield out * (s.Stacked * rows.Matrix + w * s.Key.Total * rows.KeyColumn)
                          yield! norms.Several [ norms.SideBySide(s.ValueOfHead * rows.Matrix + s.SpreadOfHead * key * rows.KeyColumn) ]
                          yield! onSaturated (fun nu -> [ out * Bound.sqrt (columnSquares nu) ]) ]) }

        let d2 =
            name
                "query path, all readings"
                (Bound.min
                    (out * w * s.Query.Total
                     :: norms.Several [ norms.SideBySide(s.SpreadOfHead * s.QueryOfHead.Total) ]))

        let perHead =
            name
                "per head, token to token"
                (Bound.min
                    (norms.SideBySide(s.ValueOfHead + s.SpreadOfHead * joint)
                     :: onSaturated (fun nu -> [ norms.SideBySide(Bound.hypot s.ValueOfHead (nu * joint)) ])))

        let together = out * (means + rootHeads * w * jointMax)

        let saturated =
            onSaturated (fun nu ->
                [ out * Bound.sqrt (means2 + heads * Bound.square (nu * jointMax))
                  out * Bound.sqrt (means2 + Bound.square nu * (heads * Bound.square keyMax + Bound.square s.Query.Total)) ])

        let own =
            { II = name "token to token" (Bound.min ([ perHead; d1.II + d2 ] @ norms.Several(together :: saturated)))
              FR =
                name
                    "whole to token"
                    (Bound.min
                        [ yield d1.FR + d2
                          yield out * (s.Stacked * rows.Row + w * crossed rows.KeyRow)
                          yield! onSaturated (fun nu -> [ out * Bound.sqrt (rowSquares nu + Bound.square (nu * s.Query.Total)) ]) ])
              FF =
                name
                    "whole to whole"
                    (Bound.min
                        [ yield d1.FF + d2
                          yield out * (s.Stacked * rows.Matrix + w * crossed rows.KeyColumn)
                          yield! onSaturated (fun nu -> [ out * Bound.sqrt (columnSquares nu + Bound.square (nu * s.Query.Total)) ]) ]) }

        let size, spread = norms.SideBySide s.SizeOfHead, norms.SideBySide s.SpreadOfHead
        let linear f = (match s.Linear with Some given -> f given | None -> [])

        { Keys = d1
          Query = d2
          Own = own
          Radius =
            Bound.min (
                size
                :: linear (fun (radius, r) ->
                    [ out * means * radius
                      out * (s.Stacked * radius + (if rows.Sees.SameInHeads then rows.Uneven * rootHeads * v else means) * r) ])
            )
          Shift = s.Shift
          Centred =
            (if rows.Sees.SameKeys then rows.Uneven * spread
             else Bound.min (spread :: linear (fun (_, r) -> [ out * means * r ])))
          Candidates =
            [ "per-head", perHead
              "split", d1.II + d2
              if norms.Heads > 1L then
                  "doeblin", Bound.min (together :: saturated) ] }
