namespace Lips.Core.Layers

open Lips.Core

/// Logits are −scale·|y_i − y_j|², y = q(x), queries and keys sharing one projection (Kim, Papamakarios and Mnih 2021).
module internal Distance =

    let private argumentsOf (options: Options) = snd (options.Choice "similarity")
    let private tied (options: Options) = (argumentsOf options).ChoiceName "value" = "tied"

    let private weights (options: Options) (_: string) (x: Shape) (_: int64) =
        let heads = options.Count "heads"
        let rows = Weights.withHeads heads Rows

        [ rows (Weights.matrix "q" "q.weight" x.Width x.Width)
          rows (Weights.matrix "v" "v.weight" x.Width (if tied options then x.Width / heads else x.Width))
          Weights.withHeads heads Columns (Weights.matrix "out" "out.weight" x.Width x.Width)
          if options.Flag "bias" then
              rows (Weights.bias "q_bias" "q.bias" x.Width)
              rows (Weights.bias "v_bias" "v.bias" x.Width)
              Weights.bias "out_bias" "out.bias" x.Width ]

    let private fits (options: Options) (_: Shape) =
        let position = if options.Has "position" then options.ChoiceName "position" else "none"

        match options.Value "scale" with
        | v when (Hyper.lower v).Sign <= 0 -> Error(DoesNotFit "l2 similarity falls with the distance: its scale must be above 0")
        | _ when options.Has "memory" ->
            Error(DoesNotFit "l2 similarity needs every query among its keys, and those of a memory are others; write `similarity: cosine` or `dot`")
        | _ when AttentionHeads.shared options > 1L ->
            Error(DoesNotFit "l2 similarity uses one projection for queries and keys: leave `kv_heads` out")
        | _ when position = "rotary" || position = "lepe" ->
            Error(DoesNotFit $"l2 similarity does not go with `position: {position}`; write `none` or `relative_bias`")
        | _ -> Ok()

    let private judge (a: AttentionInput) =
        let input = a.Input
        let options = input.Options
        let whole = AttentionHeads.whole input
        let head = AttentionHeads.headNorm input
        let t = Hyper.sizeOf options "scale"
        let r, radius = a.Seen.Centred, a.Seen.Radius
        let norms = { Heads = options.Count "heads"; Out = whole "out"; OutOfHead = head "out" }
        let k, e, w = head "q", head "v", whole "q"
        let kMax = input.Name "largest head of q" (norms.Over k)
        // t·|y_j − c|² ≤ t(κr)², c the image of the tokens' centre; two of them are twice as far apart
        let near = t * Bound.square (k * r)
        let four = Bound.ofInt 4
        let range = input.Name "range of the logits" (four * norms.Over near + a.Spread)
        let rows = RowWeights.ofRange input.Name a.Sees range
        let biasOf name = input.MeasureOrZero Functional.VectorNorm name

        let caps = [ AttentionHeads.cap input w "q"; AttentionHeads.cap input (whole "v") "v"; AttentionHeads.cap input norms.Out "out" ]

        if tied options then
            let ofMany n = if a.Sees.SeesItself then Bound.apply (Fn.LambertW n) a.Spread else Bound.infinity
            let wN = input.Name "w_N" (ofMany (a.Sees.MostKeys - 1L))
            let w2 = input.Name "w_2" (ofMany 1L)
            // t times: the variance of y; the mean of |y_j − y_i|²; its largest term
            let variance = Bound.min [ wN; near ]
            let distance = Bound.min [ wN; four * near ]
            let term = Bound.min [ w2; four * near * rows.Largest ]
            let two = Bound.ofInt 2
            let keys = two * Bound.sqrt (variance * distance)
            let keyRow = two * Bound.sqrt (variance * term)

            let keyColumn =
                two
                * Bound.sqrt (
                    variance
                    * Bound.min [ Bound.ofInt64 a.Sees.MostQueries * term; four * near * rows.Column ]
                )

            let query = two * variance
            let slope = e * k
            let eMax, slopeMax = norms.Over e, norms.Over slope
            let rootHeads = Hyper.root norms.Heads
            let means = input.Name "value path" (RowWeights.means norms.Heads 1L rows slopeMax (eMax * w))
            let perHead = input.Name "per head, token to token" (norms.SideBySide(slope * (Bound.one + keys + query)))

            let d1 =
                { II =
                    input.Name
                        "keys and values, token to token"
                        (Bound.min (norms.SideBySide(slope * (Bound.one + keys)) :: norms.Several [ norms.Out * (means + rootHeads * norms.Over(slope * keys)) ]))
                  FR =
                    input.Name
                        "keys and values, whole to token"
                        (Bound.min (norms.SideBySide(slope * (rows.Row + keyRow)) :: norms.Several [ norms.Out * (w * (eMax * rows.Row + norms.Over(e * keyRow))) ]))
                  FF =
                    input.Name
                        "keys and values, whole to whole"
                        (Bound.min (norms.SideBySide(slope * (rows.Matrix + keyColumn)) :: norms.Several [ norms.Out * (w * (eMax * rows.Matrix + norms.Over(e * keyColumn))) ])) }

            let d2 = input.Name "query path, all readings" (Bound.min (norms.SideBySide(slope * query) :: norms.Several [ norms.Out * (w * norms.Over(e * query)) ]))

            { Keys = d1
              Query = d2
              Own =
                { II = input.Name "token to token" (Bound.min [ perHead; d1.II + d2 ])
                  FR = input.Name "whole to token" (d1.FR + d2)
                  FF = input.Name "whole to whole" (d1.FF + d2) }
              Radius =
                Bound.min
                    [ norms.SideBySide slope * radius
                      norms.Out * means * radius
                      norms.Out * (eMax * w * radius + (if a.Sees.SameInHeads then rows.Uneven * rootHeads * slopeMax else means) * r) ]
              Shift = if options.Flag "bias" then norms.Out * (eMax * biasOf "q_bias" + biasOf "v_bias") else Bound.zero
              Centred =
                (if a.Sees.SameKeys then rows.Uneven * (norms.SideBySide slope * r)
                 else Bound.min [ norms.SideBySide slope * r; norms.Out * means * r ])
              Candidates = [ "per-head", perHead; "split", d1.II + d2 ] },
            caps
        else
            let slopes ofKeys ofQueries = { Saturating = Bound.zero; Fixed = ofKeys }, { Saturating = Bound.zero; Fixed = ofQueries }
            let two = Bound.ofInt 2
            let ofHead, ofQueryHead = slopes (four * t * Bound.square k * r) (two * t * Bound.square k * r)
            let key, query = slopes (four * t * kMax * r * w) (two * t * kMax * r * w)

            BoundedLogits.paths
                { Norms = norms
                  Shared = 1L
                  Rows = rows
                  KeyOfHead = ofHead
                  QueryOfHead = ofQueryHead
                  Key = key
                  Query = query
                  ValueOfHead = e
                  Value = whole "v"
                  Stacked = whole "v"
                  SpreadOfHead = e * r
                  SizeOfHead = e * radius
                  Saturated = None
                  Linear = Some(radius, r)
                  Shift = if options.Flag "bias" then norms.Out * biasOf "v_bias" else Bound.zero
                  Name = input.Name },
            { Value = r
              Why =
                "`value: free` lets a value move where its query and key do not, so it has no Lipschitz constant where tokens may be arbitrarily far apart"
              Fix = "tie the value to the query: `similarity: l2(value: tied)`, or bound the radius before it" }
            :: caps

    let similarity: Similarity =
        { Alternative =
            Hyper.alternative
                "l2"
                "−|q_i − q_j|²: queries and keys are one projection"
                [ Hyper.choiceOr
                      "tied"
                      [ Hyper.alternative "tied" "a head's value is a matrix times its query: `v` has head_width columns" []
                        Hyper.alternative "free" "a projection of its own; only a bounded radius gives a bound" [] ]
                      "value"
                      "what is mixed" ]
          Fits = fits
          Weights = weights
          Judge = judge
          Rules = DistanceProofs.rules
          MemoryRules = []
          Scale = fun options -> options.Value "scale"
          Arguments = fun options _ _ -> [ "similarity: new Lips.Runtime.Modules.Distance(" + (if tied options then "" else "tiedValue: false") + ")" ] }
