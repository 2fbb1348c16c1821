/// Layers that map every token by itself.
module Lips.Core.Tests.TokenwiseValues

open Lips.Core
open Lips.Core.Tests.Judge
open Lips.Core.Tests.HandCase

let private simple =
    [ // σ; 1.3·1.75 + 0.4; 1.3·1.25
      { at "linear" "linear.operator-norm" [ "width", count 4L ] (alike "1.3" @ [ Radius, "2.675"; Centred, "1.625" ]) with
          Norms = [ spectral "weight" "1.3"; vector "bias" "0.4" ] }
      // 1.5·0.8
      { at "embedding" "embedding.vectors" [ "width", count 6L; "scale", number "-1.5" ] [ Radius, "1.2"; Centred, "1.2" ] with
          Shape = { Grid = Row 5L; Width = 1L; Vocabulary = Some 11L }
          Norms = [ row "weight" "0.8" ] }
      // R + P, r + P; 3 − 0.2 − P; around the centre likewise
      { at "position" "position.learned" [] (alike "1" @ [ Radius, "2.15"; Centred, "1.65"; Lower, "2.4"; LowerCentred, "1.3"; Around, "1.3" ]) with
          AtLeast = "3", "0.2"
          AtLeastCentred = "2", "0.3"
          Centre = Some(List.replicate 6 "0.25", "0.9")
          Norms = [ row "weight" "0.4" ] }
      // P = √3, half the width's root
      { at "position" "position.sinusoidal" [ "table", choice "sinusoidal" ] (alike "1" @ [ Radius, "3.48205080756887729"; Centred, "2.98205080756887729"; Lower, "1.06794919243112271" ]) with
          AtLeast = "3", "0.2" }
      // a common vector leaves the spread
      { at "bias" "bias.translation" [] (alike "1" @ [ Radius, "2.05"; Centred, "1.25"; Lower, "2.5"; LowerCentred, "1.4"; Around, "1.2" ]) with
          AtLeast = "3", "0.2"
          AtLeastCentred = "2", "0.3"
          Centre = Some(List.replicate 6 "0.25", "0.9")
          Norms = [ vector "bias" "0.3" ] }
      // 7/4 of everything
      { at "scale" "scale.factor" [ "factor", number "-1.75" ] (alike "1.75" @ [ Radius, "3.0625"; Centred, "2.1875"; Lower, "4.9"; LowerCentred, "2.975"; Around, "1.575" ]) with
          AtLeast = "3", "0.2"
          AtLeastCentred = "2", "0.3"
          Centre = Some(List.replicate 6 "0.25", "0.9") }
      { at "identity" "identity" [] (alike "1" @ [ Radius, "1.75"; Centred, "1.25"; Lower, "2.8" ]) with AtLeast = "3", "0.2" }
      { at "dropout" "dropout.identity" [ "rate", number "0.5" ] (alike "1" @ [ Radius, "1.75"; Centred, "1.25"; Lower, "2.8" ]) with AtLeast = "3", "0.2" }
      // the cap's corner, ½·√6, is nearer than R and r; then farther
      at "soft_cap" "soft_cap.slope" [ "limit", number "0.5" ] (alike "1" @ [ Radius, "1.22474487139158905"; Centred, "1.22474487139158905" ])
      { at "soft_cap" "soft_cap.slope" [ "limit", number "0.5" ] [ Radius, "0.9"; Centred, "0.7" ] with
          R = "0.9"
          Spread = "0.7" } ]

let private added eps = Choice("added", [ Some "eps", number eps ])

let private norms =
    [ // max|g|/√eps = 1.2·5; R' = 1.2·√6 + 0.3, r' = 1.2·√6 < 6·1.25
      { at "layer_norm" "layer_norm.eps" [ "eps", number "0.04" ] (alike "6" @ [ Radius, "3.23938769133981372"; Centred, "2.93938769133981372" ]) with
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      // short tokens: 1.2·5·0.1 + 0.3, 6·0.05
      { at "layer_norm" "layer_norm.eps" [ "eps", number "0.04" ] [ Radius, "0.9"; Centred, "0.3" ] with
          R = "0.1"
          Spread = "0.05"
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      // ρ_c = 2 − ½: 1.2/√(1.5²/6 + 0.04)
      { at
            "layer_norm"
            "layer_norm.shell"
            [ "eps", number "0.04" ]
            (alike "1.86276126169519887"
             @ [ Radius, "3.23938769133981372"
                 Centred, "2.32845157711899858"
                 Candidate "layer_norm.eps", "6"
                 Candidate "layer_norm.shell", "1.86276126169519887" ]) with
          AtLeastCentred = "2", "0.5"
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      // nothing left of ρ_c, and ρ is no help
      { at "layer_norm" "layer_norm.shell" [ "eps", number "0.04" ] (alike "6" @ [ Centred, "1.5" ]) with
          Spread = "0.25"
          AtLeast = "9", "0"
          AtLeastCentred = "2", "3"
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      // without a gain 2/√(2²/6 + 0.04) − 5·0.1 is left
      { at "layer_norm" "layer_norm.shell" [ "eps", number "0.04"; "affine", Flag false; "bias", Flag false ] [ Lower, "1.87915475715443236"; LowerCentred, "1.87915475715443236" ] with
          AtLeastCentred = "2", "0.1" }
      // eps beside the deviation: 1.2/0.2; 1.2·√6 + 0.3; short tokens 6·0.1 + 0.3, 6·0.05
      { at "layer_norm" "layer_norm.added" [ "eps", added "0.2" ] (alike "6" @ [ Radius, "3.23938769133981372"; Centred, "2.93938769133981372" ]) with
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      { at "layer_norm" "layer_norm.added" [ "eps", added "0.2" ] [ Radius, "0.9"; Centred, "0.3" ] with
          R = "0.1"
          Spread = "0.05"
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      // 1.2/(1.5/√6 + 0.2), 2/(2/√6 + 0.2) − 5·0.1
      { at
            "layer_norm"
            "layer_norm.shell"
            [ "eps", added "0.2" ]
            (alike "1.47715499353717441" @ [ Centred, "1.84644374192146802"; Candidate "layer_norm.added", "6"; Candidate "layer_norm.shell", "1.47715499353717441" ]) with
          AtLeastCentred = "2", "0.5"
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      { at "layer_norm" "layer_norm.shell" [ "eps", added "0.2"; "affine", Flag false; "bias", Flag false ] [ Lower, "1.46754227955657244"; LowerCentred, "1.46754227955657244" ] with
          AtLeastCentred = "2", "0.1" }
      { at "rms_norm" "rms_norm.shell" [ "eps", number "0.04"; "affine", Flag false ] [ Lower, "1.87915475715443236" ] with AtLeast = "2", "0.1" }
      // 6/5·2.8
      { at "center_norm" "center_norm.projection" [ "affine", Flag false; "bias", Flag false ] [ Lower, "3.36"; LowerCentred, "3.36" ] with AtLeastCentred = "3", "0.2" }
      { at "rms_norm" "rms_norm.eps" [ "eps", number "0.04" ] (alike "6" @ [ Radius, "2.93938769133981372"; Centred, "2.93938769133981372" ]) with
          Norms = [ entry "gain" "1.2" ] }
      { at "rms_norm" "rms_norm.eps" [ "eps", number "0.04" ] [ Radius, "0.6"; Centred, "0.3" ] with
          R = "0.1"
          Spread = "0.05"
          Norms = [ entry "gain" "1.2" ] }
      // ρ = 2 − ½: 1.2/√(1.5²/6 + 0.04)
      { at
            "rms_norm"
            "rms_norm.shell"
            [ "eps", number "0.04" ]
            (alike "1.86276126169519887"
             @ [ Centred, "2.32845157711899858"
                 Candidate "rms_norm.eps", "6"
                 Candidate "rms_norm.shell", "1.86276126169519887" ]) with
          AtLeast = "2", "0.5"
          Norms = [ entry "gain" "1.2" ] }
      // nothing left of ρ
      { at "rms_norm" "rms_norm.shell" [ "eps", number "0.04" ] (alike "6") with
          AtLeast = "2", "3"
          Norms = [ entry "gain" "1.2" ] }
      // 1.2·6/5; 1.44·1.75 + 0.3; 1.44·1.25
      { at "center_norm" "center_norm.projection" [] (alike "1.44" @ [ Radius, "2.82"; Centred, "1.8" ]) with
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      // 1.2/√0.04 with a variance of 0; the running mean is anything
      { at "batch_norm" "batch_norm.eval" [ "eps", number "0.04" ] (alike "6" @ [ Radius, "inf"; Centred, "7.5" ]) with
          Norms = [ entry "gain" "1.2"; vector "bias" "0.3" ] }
      // |a|·max|g| = 0.6; 0.6·1.75 + 0.3; 0.6·1.25
      { at "dyt" "dyt.slope" [] (alike "0.6" @ [ Radius, "1.35"; Centred, "0.75" ]) with
          Norms = [ entry "alpha" "0.5"; entry "gain" "1.2"; vector "gain" "2"; vector "bias" "0.3" ] }
      // saturated: |g|₂, or √6·max|g| where that is known to be less, or √6 without gains
      { at "dyt" "dyt.slope" [] [ Radius, "2.3"; Centred, "2" ] with
          R = "10"
          Spread = "8"
          Norms = [ entry "alpha" "0.5"; entry "gain" "1.2"; vector "gain" "2"; vector "bias" "0.3" ] }
      { at "dyt" "dyt.slope" [] [ Radius, "3.23938769133981372"; Centred, "2.93938769133981372" ] with
          R = "10"
          Spread = "8"
          Norms = [ entry "alpha" "0.5"; entry "gain" "1.2"; vector "gain" "4"; vector "bias" "0.3" ] }
      { at "dyt" "dyt.slope" [ "affine", Flag false ] [ Radius, "2.4494897427831781"; Centred, "2.4494897427831781" ] with
          R = "10"
          Spread = "8"
          Norms = [ entry "alpha" "0.5" ] }
      { at "dyt" "dyt.slope" [ "affine", Flag false ] [ Radius, "0.875"; Centred, "0.625" ] with Norms = [ entry "alpha" "0.5" ] } ]

let private standardize = [ "mean", Items [ number "0.5"; number "0.25"; number "1" ]; "std", Items [ number "0.5"; number "0.8"; number "2" ] ]

// ρ_c: 5/4·4.8 − ¾·1.75 − |(1, 0.3125, 0.5) − 29/48|
let private standardized =
    [ // 1/0.5; 2·1.75 + |(1, 0.3125, 0.5)|; 2·1.25; (5 − |mean|)/2 − 0.2/2
      { at
            "standardize"
            "standardize.diagonal"
            standardize
            (alike "2" @ [ Radius, "4.66088597631291937"; Centred, "2.5"; Lower, "1.82717803813052"; LowerCentred, "4.18490257992438255" ]) with
          Shape = Shape.Of(Row 5L, 3L)
          AtLeast = "5", "0.2"
          AtLeastCentred = "5", "0.2" }
      // the centre (1, 1, 1) becomes (1, 0.9375, 0), 2·0.75 around it: |(1, 0.9375, 0)| + 1.5
      { at "standardize" "standardize.diagonal" standardize [ Radius, "2.8707320124663318"; Centred, "1.5"; Around, "1.5" ] with
          Shape = Shape.Of(Row 5L, 3L)
          Centre = Some([ "1"; "1"; "1" ], "0.75") }
      // tokens closer to one another than to the known centre
      { at "standardize" "standardize.diagonal" standardize [ Centred, "1" ] with
          Shape = Shape.Of(Row 5L, 3L)
          Spread = "0.5"
          Centre = Some([ "1"; "1"; "1" ], "0.75") } ]

/// R = 1/2, r = 1/4, and far out R = 8, r = 8.
let private near name rule options expected = { at name rule options expected with R = "0.5"; Spread = "0.25" }
let private far name rule options expected = { at name rule options expected with R = "8"; Spread = "8" }

let private activations =
    [ for name in [ "relu"; "abs"; "group_sort"; "leaky_relu" ] -> near name (name + ".slope") [] (alike "1" @ [ Radius, "0.5"; Centred, "0.25" ]) ]
    @ [ near "leaky_relu" "leaky_relu.slope" [ "slope", number "-3" ] (alike "3" @ [ Radius, "1.5"; Centred, "0.75" ])
        { near "abs" "abs.slope" [] [ Lower, "0.3" ] with AtLeast = "0.4", "0.1" }
        near "householder" "householder.reflection" [] (alike "1" @ [ Radius, "0.5"; Centred, "0.25" ])
        { near "householder" "householder.reflection" [] [ Lower, "0.3"; LowerCentred, "0" ] with
            AtLeast = "0.4", "0.1"
            AtLeastCentred = "0.4", "0.1" }
        // 1/√6 + ½·½; far out no more than 1
        near "softmax" "softmax.slope" [] (alike "0.5" @ [ Radius, "0.658248290463863017"; Centred, "0.125" ])
        far "softmax" "softmax.slope" [] (alike "0.5" @ [ Radius, "1"; Centred, "1" ])
        near "tanh" "tanh.slope" [] (alike "1" @ [ Radius, "0.5"; Centred, "0.25" ])
        // six entries of size at most 1
        far "tanh" "tanh.slope" [] [ Radius, "2.4494897427831781"; Centred, "2.4494897427831781" ]
        // √6/2 + ¼·½ near 0; √6·σ(8) far out
        near "sigmoid" "sigmoid.slope" [] (alike "0.25" @ [ Radius, "1.34974487139158905"; Centred, "0.0625" ])
        far "sigmoid" "sigmoid.slope" [] [ Radius, "2.44866830607835946"; Centred, "2" ]
        // Φ(½) + ½φ(½); ½Φ(½); slope/4
        near "gelu" "gelu.slope" [] (alike "0.867495124656162843" @ [ Radius, "0.345731230637006552"; Centred, "0.216873781164040711" ])
        // (1 + erf 1)/2 + 1/(e√π)
        far "gelu" "gelu.slope" [] (alike "1.12890414518515479" @ [ Radius, "7.99999999999999502" ])
        // σ(2u) + 2·½·σ'(2u°)·u', u = c(½ + 0.044715/8), u' = c(1 + 3·0.044715/4): c = √(2/π) in u and u', 0.79788456 in u°
        near
            "gelu_tanh"
            "gelu_tanh.slope"
            []
            (alike "0.867369903589328215"
             @ [ Radius, "0.345714009825143922"
                 Centred, "0.216842475897332054" ])
        // the peak with either coefficient, rounded up to 8 decimals
        far "gelu_tanh" "gelu_tanh.slope" [] (alike "1.12899307")
        // with a = 1.7020001: σ(a/2)(1 + a/2·(1 − σ(a/2))), ½σ(a/2)
        near "quick_gelu" "quick_gelu.slope" [] (alike "0.879221929351514924" @ [ Radius, "0.35038844184859625"; Centred, "0.219805482337878731" ])
        far "quick_gelu" "quick_gelu.slope" [] (alike "1.09983932012886692")
        near "silu" "silu.slope" [] (alike "0.739961187302651809" @ [ Radius, "0.311229665600927282"; Centred, "0.184990296825662952" ])
        // where t·tanh(t/2) = 2
        far "silu" "silu.slope" [] (alike "1.09983932012886692" @ [ Radius, "7.99731719895626818" ])
        near "mish" "mish.slope" [] (alike "1.08849816125172786" @ [ Radius, "0.5"; Centred, "0.272124540312931965" ])
        // σ(½); √6·ln 2 + ½σ(½)
        near "softplus" "softplus.slope" [] (alike "0.622459331201854565" @ [ Radius, "2.00908657462159282"; Centred, "0.155614832800463641" ])
        // 2·½; ½·½
        near "squared_relu" "squared_relu.slope" [] (alike "1" @ [ Radius, "0.25"; Centred, "0.25" ]) ]

let private mlpNorms =
    [ spectral "up" "2"; spectral "down" "0.5"; row "up" "1.5"; entry "up_bias" "0.1"; vector "up_bias" "0.25"; vector "down_bias" "0.125" ]

/// up of norm 1.5 (rows 1.2), gate 0.8 (0.6), down 0.7; entries of the pre-activations at most 1.2·½ + 0.1 and 0.6·½ + 0.2.
let private gatedNorms gateBias =
    [ spectral "up" "1.5"; row "up" "1.2"; spectral "gate" "0.8"; row "gate" "0.6"; spectral "down" "0.7"
      entry "up_bias" "0.1"; vector "up_bias" "0.25"; entry "gate_bias" "0.2"; vector "gate_bias" gateBias; vector "down_bias" "0.125" ]

let private swiglu = [ "hidden", count 7L; "activation", choice "silu"; "gated", Flag true; "gain", number "-2" ]

let private mlps =
    [ // t = 1.5·½ + 0.1 = 0.85, norm before the activation 2·½ + ¼ = 1.25: 3·2·½·S(t); 3·½·1.25·Φ(t) + 0.125
      { near "mlp" "mlp.product" [ "gain", number "-3" ] (alike "3.11587383026596382" @ [ Radius, "1.62938273164495179"; Centred, "0.778968457566490955" ]) with
          Norms = mlpNorms }
      { near "mlp" "mlp.product" [ "activation", choice "relu" ] (alike "1" @ [ Radius, "0.75"; Centred, "0.25" ]) with
          Norms = mlpNorms }
      // ½·0.6 + ½·2·1.5 of relu's slopes, times 0.8; a product that gains nothing leaves 0.8·2·1.5
      { near "mlp" "mlp.split" [ "activation", choice "relu"; "gain", number "0.8" ] (alike "1.44" @ [ Candidate "mlp.product", "2.4"; Candidate "mlp.split", "1.44" ]) with
          Norms = [ spectral "up" "2"; spectral "down" "1.5"; row "up" "1"; Functional.Product "up", "down", "0.6" ] }
      { near "mlp" "mlp.split" [ "activation", choice "relu"; "gain", number "0.8" ] (alike "2.4") with
          Norms = [ spectral "up" "2"; spectral "down" "1.5"; row "up" "1"; Functional.Product "up", "down", "3" ] }
      // 0.7·2·(1.5·½σ(½) + 0.7·0.8·S(½)); the norm of the gates is the smaller: 0.7·2·0.7·σ(½)·0.7 + 0.125
      { near
            "mlp"
            "mlp.gated"
            swiglu
            (alike "1.23371186860722631"
             @ [ Radius, "0.552007101204472231"
                 Centred, "0.308427967151806578" ]) with
          Norms = gatedNorms "0.3" }
      // the norm of the values is: 0.7·2·½σ(½)·(1.5·½ + ¼) + 0.125
      { near "mlp" "mlp.gated" swiglu [ Radius, "0.560721531841298195" ] with
          Norms = gatedNorms "1" }
      // no activation: 1.4·(1.5·½ + 0.7·0.8)
      { near "mlp" "mlp.gated" [ "activation", choice "none"; "gated", Flag true; "gain", number "2" ] (alike "1.834") with
          Norms = gatedNorms "0.3" } ]

/// A body with constant 2 that triples R and doubles r.
let private branch rule options expected =
    { at "residual" rule options expected with
        AtLeast = "20", "1"
        AtLeastCentred = "20", "1"
        Body = Some("2", "3", "2") }

let private descent activation hidden step expected =
    { at "descent" "descent.tied" [ "hidden", count hidden; "activation", choice activation; "step", number step ] expected with
        Norms = [ spectral "weight" "1.5"; row "weight" "0.8"; entry "bias" "0.3"; vector "bias" "0.4" ] }

/// In every one another form of R', or another end of the slopes, counts.
let descents =
    [ // ησ² = 27/16 is below 2: 1; 1.75 + ¾·1.5·0.4
      descent "relu" 4L "0.75" (alike "1" @ [ Radius, "2.2"; Centred, "1.25" ])
      // ησ² − 1 = 3.5; 3.5·1.75 + 2·1.5·0.4
      descent "relu" 4L "2" (alike "3.5" @ [ Radius, "7.325"; Centred, "4.375" ])
      // a slope of −1: 1 + 27/16; both forms of R' agree
      descent "abs" 4L "0.75" (alike "2.6875" @ [ Radius, "5.153125"; Centred, "3.359375" ])
      // a reach of √1: 1.75 + 2·1.5·1
      descent "tanh" 1L "2" (alike "3.5" @ [ Radius, "4.75"; Centred, "4.375" ])
      // 6·1.5²/4 − 1; 10 + 9·√4·σ(0.8·10 + 0.3)
      { descent "sigmoid" 4L "6" (alike "2.375" @ [ Radius, "27.9955278085268920"; Centred, "9.5" ]) with
          R = "10"
          Spread = "4" }
      // a reach at 0 of √4·½ + 0.4/4 = 1.1, which is below √4·σ(0.3): 1.75 + 1.125·1.1
      descent "sigmoid" 4L "0.75" (alike "1" @ [ Radius, "2.9875"; Centred, "1.25" ]) ]

let private branches =
    [ // 1 + 2; 1.75 + 5.25; 1.25 + 2.5; 20 − 1 − 5.25
      branch "residual.plain" [] (alike "3" @ [ Radius, "7"; Centred, "3.75"; Lower, "13.75"; LowerCentred, "13.75" ])
      // ¾ + ¼·2; ¾·1.75 + ¼·5.25; ¾·1.25 + ¼·2.5; ¾·19 − ¼·5.25
      branch "residual.convex" [ "sum", Choice("convex", [ Some "alpha", number "0.25" ]) ] (alike "1.25" @ [ Radius, "2.625"; Centred, "1.5625"; Lower, "12.9375"; LowerCentred, "12.9375" ])
      // |1 + 1| and |−1|: 2 + 2
      branch "residual.convex" [ "sum", Choice("convex", [ Some "alpha", number "-1" ]) ] (alike "4" @ [ Radius, "8.75"; Centred, "5"; Lower, "32.75"; LowerCentred, "32.75" ])
      // 1 + ½·2; 1.75 + ½·5.25; 1.25 + ½·2.5; 20 − 1 − ½·5.25
      { branch "residual.weighted" [ "sum", Choice("weighted", [ Some "init", number "0.1" ]) ] (alike "2" @ [ Radius, "4.375"; Centred, "2.5"; Lower, "16.375"; LowerCentred, "16.375" ]) with
          Norms = [ entry "alpha" "0.5" ] }
      // the clamp is no help
      { branch "residual.weighted" [ "sum", Choice("weighted", [ Some "init", number "0.1"; Some "clamp", number "3" ]) ] (alike "2" @ [ Radius, "4.375" ]) with
          Norms = [ entry "alpha" "0.5" ] }
      // clamped: 1 + 0.1·2
      { branch "residual.weighted" [ "sum", Choice("weighted", [ Some "init", number "0.1"; Some "clamp", number "0.1" ]) ] (alike "1.2" @ [ Radius, "2.275"; Centred, "1.5" ]) with
          Norms = [ entry "alpha" "0.5" ] }
      // every alpha in [0, 1]: √(1 + 2²), √(1.75² + 5.25²), √(1.25² + 2.5²); a channel may keep nothing: −1 − 5.25; beside the middle, ½·19 − ½·1.75 − 5.25
      branch "residual.mixed" [ "sum", Choice("mixed", []) ] (alike "2.23606797749978969641" @ [ Radius, "5.53398590529466159"; Centred, "2.79508497187473712"; Lower, "-6.25"; LowerCentred, "3.375" ])
      // in [¼, ¾]: √¾ of those; 5 − ¾ − ¾·5.25
      branch "residual.mixed" [ "sum", Choice("mixed", [ Some "least", number "0.25"; Some "most", number "0.75" ]) ] (alike "1.93649167310370844" @ [ Radius, "4.79257237817020349"; Centred, "2.42061459137963555"; Lower, "0.3125"; LowerCentred, "5.125" ])
      // of a small branch the sum is less: ¾ + ¾·0.1
      { branch "residual.mixed" [ "sum", Choice("mixed", [ Some "least", number "0.25"; Some "most", number "0.75" ]) ] (alike "0.825" @ [ Radius, "1.44375"; Centred, "1.03125"; Lower, "4.11875"; LowerCentred, "8.93125" ]) with
          Body = Some("0.1", "0.1", "0.1") }
      // in [−½, 5/4]: 1.5 + 1.25·2; 1.5·1.75 + 1.25·5.25
      branch "residual.mixed" [ "sum", Choice("mixed", [ Some "least", number "-0.5"; Some "most", number "1.25" ]) ] (alike "4" @ [ Radius, "9.1875"; Centred, "5"; Lower, "-8.0625"; LowerCentred, "3.78125" ])
      // the whole block has 1.7 for 1 + 2: 1.7·1.25 of the spread; a convex sum with half a branch; a block that gains nothing
      { branch "residual.multiplier" [] (alike "1.7" @ [ Radius, "7"; Centred, "2.125"; Candidate "residual.multiplier", "1.7" ]) with
          Inner = Some("mlp", [ "activation", choice "relu" ])
          Norms = [ Functional.BlockGain("down", "1; 1; 0; 1"), "up", "1.7" ] }
      { branch "residual.multiplier" [ "sum", Choice("convex", [ Some "alpha", number "0.25" ]) ] (alike "0.9" @ [ Radius, "2.625"; Centred, "1.125" ]) with
          Inner = Some("mlp", [ "activation", choice "sigmoid"; "gain", number "0.5" ])
          Norms = [ Functional.BlockGain("down", "3/4; 1/8; 0; 1/4"), "up", "0.9" ] }
      { branch "residual.multiplier" [] (alike "3" @ [ Radius, "7"; Centred, "3.75" ]) with
          Inner = Some("mlp", [ "activation", choice "relu" ])
          Norms = [ Functional.BlockGain("down", "1; 1; 0; 1"), "up", "5" ] }
      // its layers, one after another
      { at "stack" "stack.composition" [] (alike "2" @ [ Radius, "5.25"; Centred, "2.5" ]) with
          Body = Some("2", "3", "2") } ]

let cases = simple @ norms @ standardized @ activations @ mlps @ branches
