/// Layers that regroup, slide over or pool tokens.
module Lips.Core.Tests.GridValues

open Lips.Core
open Lips.Core.Tests.Judge
open Lips.Core.Tests.HandCase

let private on shape (c: HandCase) = { c with Shape = shape }
let private map h w width = Shape.Of(Map(h, w), width)

let private regrouped =
    [ // √5 tokens in one; √5·(3 − 0.2)
      { at "flatten" "flatten.regroup" [] [ Whole, "1"; Token, "1"; Local, "2.2360679774997897"; Radius, "3.91311896062463197"; Centred, "2.79508497187473712"; Lower, "6.26099033699941115"; LowerCentred, "3.80131556174964247" ] with
          AtLeast = "3", "0.2"
          AtLeastCentred = "2", "0.3" }
      // five tokens of six channels become six of five: √5 for the largest, which may lie anywhere
      at "transpose" "transpose.regroup" [] [ Whole, "1"; Token, "1"; Local, "2.2360679774997897"; Radius, "3.91311896062463197"; Centred, "3.91311896062463197" ]
      // σ; √4·σ; 2·1.3·1.75 + 0.4; 2·1.3·1.25
      { at "patchify" "patchify.reshape" [ "patch", count 2L; "width", count 5L ] [ Whole, "1.3"; Token, "1.3"; Local, "2.6"; Radius, "4.95"; Centred, "3.25" ] with
          Shape = map 4L 6L 3L
          Norms = [ spectral "weight" "1.3"; vector "bias" "0.4" ] }
      // one window of the convolution is the reshape
      { at "patchify" "patchify.reshape" [ "patch", count 3L; "width", count 5L ] [ Whole, "1.1"; Local, "3.3" ] with
          Shape = map 3L 6L 3L
          CapsOperator = true
          Norms = [ operator "weight" "1.1"; vector "bias" "0.4" ] }
      // width 12 after gathering: 0.7·1.2·5; 2·that; 0.7·(1.2·√12 + 0.3); 0.7·1.2·√12
      { at
            "patch_merging"
            "patch_merging.layer_norm"
            [ "width", count 5L; "norm", Choice("layer_norm", [ Some "eps", number "0.04" ]) ]
            [ Whole, "4.2"; Token, "4.2"; Local, "8.4"; Radius, "3.11984535671571385"; Centred, "2.90984535671571385" ] with
          Shape = map 4L 6L 3L
          Norms = [ spectral "reduction" "0.7"; entry "gain" "1.2"; vector "bias" "0.3" ] }
      // short tokens: 0.7·(1.2·5·2·0.1 + 0.3), 0.7·6·2·0.05
      { at "patch_merging" "patch_merging.layer_norm" [ "width", count 5L; "norm", Choice("layer_norm", [ Some "eps", number "0.04" ]) ] [ Radius, "1.05"; Centred, "0.42" ] with
          Shape = map 4L 6L 3L
          R = "0.1"
          Spread = "0.05"
          Norms = [ spectral "reduction" "0.7"; entry "gain" "1.2"; vector "bias" "0.3" ] }
      // 0.7·1.2·12/11; 0.7·(1.2·12/11·3.5 + 0.3)
      { at
            "patch_merging"
            "patch_merging.center_norm"
            [ "width", count 5L; "norm", choice "center_norm" ]
            [ Whole, "0.916363636363636364"; Token, "0.916363636363636364"; Local, "1.83272727272727273"; Radius, "3.41727272727272727"; Centred, "2.29090909090909091" ] with
          Shape = map 4L 6L 3L
          Norms = [ spectral "reduction" "0.7"; entry "gain" "1.2"; vector "bias" "0.3" ] }
      { at "patch_merging" "patch_merging.none" [ "width", count 5L; "norm", choice "none" ] [ Whole, "0.7"; Token, "0.7"; Local, "1.4"; Radius, "2.45"; Centred, "1.75" ] with
          Shape = map 4L 6L 3L
          Norms = [ spectral "reduction" "0.7" ] }
      // r = ½: (½ + 3 + ¼)/2; the token within R
      { at "class_token" "class_token.constant" [] (alike "1" @ [ Radius, "3"; Centred, "1.875" ]) with
          R = "3"
          Spread = "0.5"
          Norms = [ vector "token" "0.25" ] }
      // the token beyond R: (½ + 3 + 4)/2
      { at "class_token" "class_token.constant" [] [ Radius, "4"; Centred, "3.75" ] with
          R = "3"
          Spread = "0.5"
          Norms = [ vector "token" "4" ] } ]

let private conv2d options = [ "channels", count 4L; "kernel", count 3L ] @ options
let private weighted = [ spectral "weight" "1.3"; row "weight" "2"; vector "bias" "0.4" ]
let private mode name = [ "padding_mode", choice name ]
let private padded = [ "padding", count 1L ]

let private convolutions =
    [ // 5 × 5, three windows and three taps over a pixel per axis: 3·1.3; 1.3; 3.9·1.75 + 0.4; 3.9·(1.25 + 1.75)/2
      { at "conv2d" "convolution.reshape" (conv2d padded) [ Whole, "3.9"; Token, "1.3"; Local, "3.9"; Radius, "7.225"; Centred, "5.85" ] with
          Shape = map 5L 5L 2L
          Norms = weighted }
      // 2 × 2: two of the three taps per axis lie on pixels; 2·1.3·1.75 is less than 3·1.3·1.5
      { at "conv2d" "convolution.reshape" (conv2d padded) [ Whole, "2.6"; Local, "2.6"; Radius, "4.95"; Centred, "4.55" ] with
          Shape = map 2L 2L 2L
          Norms = weighted }
      // stride 2: two windows over a pixel per axis; no zeros: 3·1.3·1.25
      { at "conv2d" "convolution.reshape" (conv2d [ "stride", count 2L ]) [ Whole, "2.6"; Token, "1.3"; Local, "3.9"; Centred, "4.875" ] with
          Shape = map 7L 7L 2L
          Norms = weighted }
      // 4 × 4, k = s = 3, one circular pixel: two copies per axis, never in one window
      { at "conv2d" "convolution.reshape" (conv2d ([ "stride", count 3L ] @ padded @ mode "circular")) [ Whole, "2.6"; Token, "1.3"; Local, "3.9"; Centred, "4.875"; Radius, "7.225" ] with
          Shape = map 4L 4L 2L
          Norms = weighted @ [ operator "weight" "5" ] }
      // 7 × 7, reflected: pixel 1 is read 4 times per axis, twice in the first window
      { at "conv2d" "convolution.reshape" (conv2d (padded @ mode "reflect")) [ Whole, "5.2"; Token, "2.6"; Local, "3.9" ] with
          Shape = map 7L 7L 2L
          Norms = weighted @ [ operator "weight" "5" ] }
      // four groups of one row: √1·0.9 instead of σ; two groups of two: √2·0.9
      { at "conv2d" "convolution.reshape" (conv2d (padded @ [ "groups", count 4L ])) [ Whole, "2.7"; Token, "0.9"; Local, "2.7" ] with
          Shape = map 5L 5L 4L
          Norms = [ spectral "weight" "1.3"; row "weight" "0.9"; vector "bias" "0.4" ] }
      { at "conv2d" "convolution.reshape" (conv2d (padded @ [ "groups", count 2L ])) [ Whole, "3.81837661840735663"; Token, "1.27279220613578554" ] with
          Shape = map 5L 5L 4L
          Norms = [ spectral "weight" "1.3"; row "weight" "0.9"; vector "bias" "0.4" ] }
      // rows that say less than σ
      for groups in [ 2L; 4L ] do
          { at "conv2d" "convolution.reshape" (conv2d (padded @ [ "groups", count groups ])) [ Whole, "3.9"; Token, "1.3" ] with
              Shape = map 5L 5L 4L
              Norms = weighted }
      // the operator's norm stands for the reshape's: 1.1; 3·1.1
      { at
            "conv2d"
            "convolution.operator"
            (conv2d padded)
            [ Whole, "1.1"; Token, "1.1"; Local, "3.3"; Radius, "6.175"; Centred, "4.95"; Candidate "convolution.operator", "1.1"; Candidate "convolution.reshape", "3.3" ] with
          Shape = map 5L 5L 2L
          CapsOperator = true
          Norms = [ operator "weight" "1.1"; row "weight" "2"; vector "bias" "0.4" ] }
      // replicated borders: two copies of a border pixel per axis, 2·0.5 against 3·1.3 and 3·0.5
      { at "conv2d" "convolution.operator" (conv2d (padded @ mode "replicate")) [ Whole, "1"; Token, "1"; Local, "1.5"; Candidate "convolution.operator", "1"; Candidate "convolution.reshape", "1.5" ] with
          Shape = map 5L 5L 2L
          CapsOperator = true
          Norms = [ operator "weight" "0.5"; spectral "weight" "1.3"; vector "bias" "0.4" ] }
      // the taps' norms add up to 2.5: 2.5·1.75 + 0.4; zeros: 2.5·(1.25 + 1.75)/2; without them 2.5·1.25
      { at
            "conv2d"
            "convolution.taps"
            (conv2d padded)
            [ Whole, "3.9"; Token, "1.3"; Local, "2.5"; Radius, "4.775"; Centred, "3.75"; Candidate "convolution.taps (token to token)", "2.5"; Candidate "convolution.reshape (token to token)", "3.9" ] with
          Shape = map 5L 5L 2L
          Norms = weighted @ [ taps "weight" "2.5" ] }
      { at "conv2d" "convolution.taps" (conv2d [ "stride", count 2L ]) [ Local, "2.5"; Centred, "3.125" ] with
          Shape = map 7L 7L 2L
          Norms = weighted @ [ taps "weight" "2.5" ] }
      // more than √k times the reshape's norm
      { at "conv2d" "convolution.taps" (conv2d padded) [ Local, "3.9"; Radius, "7.225"; Centred, "5.85" ] with
          Shape = map 5L 5L 2L
          Norms = weighted @ [ taps "weight" "5" ] }
      { at "conv1d" "convolution.taps" [ "channels", count 4L; "kernel", count 3L; "padding", count 1L ] [ Local, "2.25166604983954048"; Centred, "3.37749907475931072" ] with
          Shape = Shape.Of(Row 7L, 2L)
          Norms = weighted @ [ taps "weight" "5" ] }
      { at "conv1d" "convolution.taps" [ "channels", count 4L; "kernel", count 3L; "padding", count 1L ] [ Local, "2.1"; Radius, "4.075"; Centred, "3.15" ] with
          Shape = Shape.Of(Row 7L, 2L)
          Norms = weighted @ [ taps "weight" "2.1" ] }
      { at "conv1d" "convolution.taps" [ "channels", count 4L; "kernel", count 3L ] [ Local, "2.1"; Centred, "2.625" ] with
          Shape = Shape.Of(Row 7L, 2L)
          Norms = weighted @ [ taps "weight" "2.1" ] }
      // a row of 7: k = 3, s = g = 2: taps fall on even pixels, windows start on even pixels: three over pixel 4… two outputs
      { at "conv1d" "convolution.reshape" [ "channels", count 4L; "kernel", count 3L; "stride", count 2L; "dilation", count 2L ] [ Whole, "1.83847763108502356"; Token, "1.3"; Local, "2.25166604983954048"; Radius, "4.34041558721919584"; Centred, "2.8145825622994256" ] with
          Shape = Shape.Of(Row 7L, 2L)
          Norms = weighted }
      // zeros beyond the ends: √3·1.3·1.5
      { at "conv1d" "convolution.reshape" [ "channels", count 4L; "kernel", count 3L; "padding", count 1L ] [ Whole, "2.25166604983954048"; Centred, "3.37749907475931072" ] with
          Shape = Shape.Of(Row 7L, 2L)
          Norms = weighted }
      { at "conv1d" "convolution.reshape" [ "channels", count 4L; "kernel", count 3L; "padding", count 1L ] [ Local, "1.83847763108502356"; Radius, "3.61733585439879124"; Centred, "3.21733585439879124" ] with
          Shape = Shape.Of(Row 2L, 2L)
          Spread = "1.75"
          Norms = weighted }
      { at "conv1d" "convolution.reshape" [ "channels", count 4L; "kernel", count 3L; "groups", count 2L ] [ Whole, "2.20454076850486029"; Token, "1.27279220613578554" ] with
          Shape = Shape.Of(Row 7L, 4L)
          Norms = [ spectral "weight" "1.3"; row "weight" "0.9"; vector "bias" "0.4" ] }
      { at "conv1d" "convolution.reshape" [ "channels", count 4L; "kernel", count 3L; "groups", count 2L ] [ Whole, "2.25166604983954048"; Token, "1.3" ] with
          Shape = Shape.Of(Row 7L, 4L)
          Norms = weighted }
      { at "conv1d" "convolution.operator" ([ "channels", count 4L; "kernel", count 3L ] @ padded @ mode "replicate") [ Whole, "0.707106781186547524"; Token, "0.707106781186547524"; Local, "0.866025403784438647" ] with
          Shape = Shape.Of(Row 7L, 2L)
          CapsOperator = true
          Norms = [ operator "weight" "0.5"; vector "bias" "0.4" ] } ]

let private pools =
    [ // 1/√5 of the whole; a mean is no longer than the longest
      at "pool" "pool.mean" [ "by", choice "mean" ] [ Whole, "0.447213595499957939"; Token, "0.447213595499957939"; Local, "1"; Radius, "1.75"; Centred, "1.25" ]
      // five tokens, each the largest in a channel of its own; then seven tokens and six channels
      at "pool" "pool.max" [ "by", choice "max" ] [ Whole, "1"; Token, "1"; Local, "2.2360679774997897"; Radius, "3.91311896062463197"; Centred, "2.79508497187473712" ]
      at "pool" "pool.max" [ "by", choice "max" ] [ Local, "2.4494897427831781" ] |> on (Shape.Of(Row 7L, 6L))
      { at "pool" "pool.token" [ "by", choice "last" ] (alike "1" @ [ Radius, "1.75"; Centred, "1.25"; Lower, "2.8"; LowerCentred, "1.7" ]) with
          AtLeast = "3", "0.2"
          AtLeastCentred = "2", "0.3" }
      // s = 0.8·1.25 = 1: √2; √G(1), G = (9/8)² + (1/8)²
      { at "pool" "pool.attention" [ "by", choice "attention" ] [ Whole, "1.13192314226717708"; Token, "1.13192314226717708"; Local, "1.41421356237309505"; Radius, "1.75"; Centred, "1.25" ] with
          Norms = [ spectral "query" "0.8" ] }
      // s = ¼: one token alone
      { at "pool" "pool.attention" [ "by", choice "attention" ] [ Whole, "1"; Local, "1.03077640640441514" ] with
          Norms = [ spectral "query" "0.2" ] }
      // ¼ of each of four: √(1·¼); the root of 4/16
      at "avg_pool" "avg_pool.schur" [ "kernel", count 2L ] [ Whole, "0.5"; Token, "0.5"; Local, "1"; Radius, "1.75"; Centred, "1.25" ] |> on (map 4L 6L 3L)
      // 3 × 3 with zeros counted: 1; 1/3; zero is one more token: (1.25 + 1.75)/2
      at "avg_pool" "avg_pool.schur" [ "kernel", count 3L; "stride", count 1L; "padding", count 1L ] [ Whole, "1"; Token, "0.333333333333333333"; Local, "1"; Radius, "1.75"; Centred, "1.5" ]
      |> on (map 5L 5L 3L)
      // not counted: a column of ½ + ⅓ + ⅓ per axis, a row of two halves
      at "avg_pool" "avg_pool.schur" [ "kernel", count 3L; "stride", count 1L; "padding", count 1L; "count_padding", Flag false ] [ Whole, "1.16666666666666667"; Token, "0.5"; Local, "1"; Centred, "1.25" ]
      |> on (map 5L 5L 3L)
      // a row of five, padded once, k = 2, s = 3: windows {0, 0} are outside … rows of one half
      at "avg_pool" "avg_pool.schur" [ "kernel", count 2L; "stride", count 3L; "padding", count 1L ] [ Radius, "0.875"; Local, "0.5" ] |> on (Shape.Of(Row 1L, 3L))
      // two windows per axis over a pixel; nine taps, six channels
      at "max_pool" "max_pool.coverage" [ "kernel", count 3L; "stride", count 2L; "padding", count 1L ] [ Whole, "2"; Token, "1"; Local, "2.4494897427831781"; Radius, "4.28660704987056167"; Centred, "3.06186217847897262" ]
      |> on (map 5L 5L 6L)
      // four taps, six channels
      at "max_pool" "max_pool.coverage" [ "kernel", count 2L ] [ Whole, "1"; Local, "2"; Radius, "3.5" ] |> on (map 4L 6L 6L) ]

let cases = regrouped @ convolutions @ pools
