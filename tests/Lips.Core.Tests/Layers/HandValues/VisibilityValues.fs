/// Attention within sets of tokens, under sliding masks, with shared heads, relative biases and a convolution beside the heads. The numbers follow from
/// those of AttentionValues with n⁺, n⁻ and m in place of N, and from the comments.
module Lips.Core.Tests.VisibilityValues

open Lips.Core
open Lips.Core.Tests.Judge
open Lips.Core.Tests.HandCase

let private head weight norm = Functional.HeadSpectralNorm, weight, norm
let private headVector weight norm = Functional.HeadVectorNorm, weight, norm
let private chosen name arguments = Choice(name, [ for n, v in arguments -> Some n, v ])

let cases: HandCase list =
    [
      // nine taps: token to token ½·√9, to one token ½, and from F to F the operator norm 1.2, below ½·√9; r' by ½·3·(r + R)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7"; "position", chosen "lepe" [ "kernel", count 3L ] ] [ Token, "0.649012391781319619"; Whole, "1.80006806603592695"; Local, "1.82312804963825969"; Radius, "3.9115"; Centred, "1.91582706770125217" ] with
          Rules = [ "attention.lepe"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Map(4L, 4L), 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; operator "lepe" "1.2"; vector "lepe_bias" "0.05" ] }
      // four taps: ½·√4 is below the operator norm; r' by ½·√4·R
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7"; "partition", chosen "window" [ "size", count 2L; "shift", count 0L ]; "position", chosen "lepe" [ "kernel", count 3L ] ] [ Token, "1.20696669966662936"; Whole, "1.98715433913804666"; Local, "1.71037908745303892"; Radius, "3.1555"; Centred, "2.8287" ] with
          Rules = [ "attention.lepe"; "attention.dot.radius" ]
          Shape = Shape.Of(Map(4L, 4L), 8L)
          R = "2"
          Spread = "1.9"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; operator "lepe" "1.2"; vector "lepe_bias" "0.05" ] }
      // one tap keeps tokens apart: r' grows by ½·|V|r
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7"; "position", chosen "lepe" [ "kernel", count 1L ] ] [ Token, "0.649012391781319619"; Whole, "1.31496806603592695"; Local, "1.13012804963825969"; Radius, "2.3995"; Centred, "0.608577067701252173" ] with
          Rules = [ "attention.lepe"; "attention.dot.per-head" ]
          Shape = Shape.Of(Map(4L, 4L), 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.05" ] }
      // no kernel row is longer than the operator norm
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7"; "position", chosen "lepe" [ "kernel", count 3L ] ] [ Token, "0.579712391781319619"; Whole, "1.24566806603592695"; Local, "1.61522804963825969"; Radius, "3.4579"; Centred, "1.58507706770125217" ] with
          Rules = [ "attention.lepe"; "attention.dot.per-head" ]
          Shape = Shape.Of(Map(4L, 4L), 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; operator "lepe" "0.4"; vector "lepe_bias" "0.05" ] }
      // sets of 4, 2 and 1 tokens: √C with 4, one row with 1
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7"; "partition", chosen "window" [ "size", count 2L; "shift", count 1L ] ] [ Token, "0.7623"; Whole, "0.920113880247885251"; Local, "0.78362804963825969"; Radius, "1.612"; Centred, "0.693" ] with
          Rules = [ "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Map(4L, 4L), 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // two sets of four: value = |V|(√2 + (1−λ)(2 − √2)), key path √2·√C
      { at "attention" "attention.dot.doeblin" [ "heads", count 4L; "scale", number "0.05"; "gain", number "0.7"; "partition", chosen "cross" [ "stripe", count 1L ] ] [ Token, "0.412170756499606632"; Whole, "0.82748794718261069"; Local, "1.13420820508695816"; Radius, "2.30390441017391631"; Centred, "1.03895220508695816" ] with
          Rules = [ "attention.dot.doeblin"; "attention.dot.whole-to-whole"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Map(4L, 4L), 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.7"; head "k" "1.2"; head "v" "0.9"; head "out" "0.6"; headVector "q_bias" "0.3" ] }
      // tokens close together: R' by |V|R + value·r
      { at "attention" "attention.dot.radius" [ "heads", count 4L; "scale", number "0.05"; "gain", number "0.7"; "partition", chosen "cross" [ "stripe", count 1L ] ] [ Token, "0.350218243086809688"; Whole, "0.703004222406464104"; Local, "0.993305464985284694"; Radius, "1.71062293049852847"; Centred, "0.0986229304985284694" ] with
          Rules = [ "attention.dot.radius" ]
          Shape = Shape.Of(Map(4L, 4L), 8L)
          R = "2"
          Spread = "0.1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.7"; head "k" "1.2"; head "v" "0.9"; head "out" "0.6"; headVector "q_bias" "0.3" ] }
      // √2·|V| for the values of four heads that read two
      { at "attention" "attention.dot.doeblin" [ "heads", count 4L; "scale", number "0.05"; "gain", number "0.7"; "kv_heads", count 2L ] [ Token, "0.401790059104607512"; Whole, "1.08667142899775449"; Local, "1.1364339016248468"; Radius, "2.37248420918843024"; Centred, "0.187430970548289567" ] with
          Rules = [ "attention.dot.doeblin"; "attention.dot.whole-to-token"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 8L, 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.7"; head "k" "1.2"; head "v" "0.9"; head "out" "0.6"; headVector "q_bias" "0.3" ] }
      // the same where logits are strong
      { at "attention" "attention.dot.stacked" [ "heads", count 4L; "scale", number "0.5"; "gain", number "0.7"; "kv_heads", count 2L ] [ Token, "1.29620452016112736"; Whole, "3.16859529777142937"; Local, "1.59461988975091415"; Radius, "2.54619090885900998"; Centred, "0.968556000694736386" ] with
          Rules = [ "attention.dot.stacked"; "attention.dot.per-head" ]
          Shape = Shape.Of(Row 8L, 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.7"; head "k" "1.2"; head "v" "0.9"; head "out" "0.6"; headVector "q_bias" "0.3" ] }
      // a token sees itself and two before it: C = Σ_{i<3} e^rg/(e^rg + i)
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.05"; "gain", number "0.7"; "mask", chosen "sliding" [ "size", count 3L; "causal", Flag true ] ] [ Token, "0.72765"; Whole, "1.010694695775649"; Local, "0.733043077446361864"; Radius, "1.612"; Centred, "0.693" ] with
          Rules = [ "attention.dot.whole-to-whole"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Row 8L, 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // √5·e^rg where a token sees 200
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.01"; "gain", number "0.7"; "mask", chosen "sliding" [ "size", count 200L; "causal", Flag true ] ] [ Token, "0.69993"; Whole, "1.67874374861446405"; Local, "0.700146528672679587"; Radius, "1.612"; Centred, "0.693" ] with
          Rules = [ "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 1000L, 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // five see a token, three are seen at least
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.05"; "gain", number "0.7"; "mask", chosen "sliding" [ "size", count 3L; "causal", Flag false ] ] [ Token, "0.492049623868176724"; Whole, "1.01114153651806759"; Local, "0.733043077446361864"; Radius, "1.612"; Centred, "0.693" ] with
          Rules = [ "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 8L, 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // T = 2·¼ beside 2·s1
      { at "attention" "attention.dot.doeblin" [ "heads", count 4L; "scale", number "0.05"; "gain", number "0.7"; "position", choice "relative_bias" ] [ Token, "0.319774747758461475"; Whole, "0.854697097741811077"; Local, "0.904459570368903386"; Radius, "2.14729746397640522"; Centred, "0.535297463976405224" ] with
          Rules = [ "attention.dot.doeblin"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 8L, 8L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.7"; head "k" "1.2"; head "v" "0.9"; head "out" "0.6"; headVector "q_bias" "0.3"; entry "bias_table" "0.25" ] }
    ]
