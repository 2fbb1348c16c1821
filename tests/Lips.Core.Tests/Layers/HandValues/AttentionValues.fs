/// Softmax attention, to itself and to a memory. Under each case: which branch gives each value. The numbers follow from
/// s1 = c·κ(θR + |b_q|)·r, s2 = c·θ·κ·r² (rotary: c·θ(κR + |b_k|)·r), rg = 2·s1 (rotary: 2c(θR + |b_q|)(κR + |b_k|)), of a head or of all,
/// λ = N/(1 + (N−1)e^rg), a_max = e^rg/(e^rg + N − 1), C = N·a_max (causal: Σ e^rg/(e^rg + i)), G(s) = z² + (1−z)², z = (1+2s)²/(8s).
module Lips.Core.Tests.AttentionValues

open Lips.Core
open Lips.Core.Tests.Judge
open Lips.Core.Tests.HandCase

let private head weight norm = Functional.HeadSpectralNorm, weight, norm
let private headVector weight norm = Functional.HeadVectorNorm, weight, norm

let private oneHead =
    [
      // H = 1, N = 5
      //   Token: √G + s2_h ·LF
      //   Whole:  √(N·G + s2² + s2(√(N·G) + √(1+s1²)))
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.stacked" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7" ] [ Token, "1.06162273759115372"; Whole, "1.97770571894160977"; Local, "1.25724999872455487"; Candidate "attention.dot.stacked", "1.25724999872455487"; Candidate "attention.dot.doeblin", "1.6632"; Candidate "attention.dot.per-head", "1.25724999872455487"; Radius, "1.612"; Centred, "0.579602482193937336" ] with
          Rules = [ "attention.dot.stacked"; "attention.dot.per-head"; "attention.dot" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 17
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h ·LF
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.04"; "gain", number "0.7" ] [ Token, "0.215093885357561447"; Whole, "0.792459580566527396"; Local, "0.724176380543677696"; Candidate "attention.dot.stacked", "0.724176380543677696"; Candidate "attention.dot.doeblin", "0.79002"; Candidate "attention.dot.per-head", "0.724176380543677696"; Radius, "1.612"; Centred, "0.119504464360576352" ] with
          Rules = [ "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5
      //   Token: √G + s2_h ·LF
      //   Whole:  √(N·G + s2² + s2(√(N·G) + √(1+s1²)))
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "4"; "gain", number "0.7" ] [ Token, "7.70888027278487887"; Whole, "13.3960572965979097"; Local, "9.73656380543677696"; Candidate "attention.dot.stacked", "9.73656380543677696"; Candidate "attention.dot.doeblin", "10.395"; Candidate "attention.dot.per-head", "9.73656380543677696"; Radius, "1.612"; Centred, "0.692999998214525675" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5
      //   Token:  (√(1+s1²) + s2_h) ·LM
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.12"; "gain", number "0.7" ] [ Token, "0.282335634373625395"; Whole, "0.631321670929952639"; Local, "0.631321670929952639"; Candidate "attention.dot.stacked", "0.806673241067501127"; Candidate "attention.dot.doeblin", "0.98406"; Candidate "attention.dot.per-head", "0.806673241067501127"; Radius, "1.612"; Centred, "0.274949645050878558" ] with
          Rules = [ "attention.dot.whole-to-whole"; "attention.dot" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          From = "1", "0.35", "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h ·LF
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-token" [ "heads", count 1L; "scale", number "0.3"; "gain", number "0.7" ] [ Token, "0.536823534835851181"; Whole, "1.02557568263001813"; Local, "0.792099324438131137"; Candidate "attention.dot.stacked", "0.792099324438131137"; Candidate "attention.dot.doeblin", "1.00485"; Candidate "attention.dot.per-head", "0.792099324438131137"; Radius, "1.612"; Centred, "0.163515210409745154" ] with
          Rules = [ "attention.dot.whole-to-token"; "attention.dot.radius"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "0.5"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 17
      //   Token: √G + s2_h ·LF
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.55"; "gain", number "0.7" ] [ Token, "1.28785289114599166"; Whole, "3.79679074573358273"; Local, "1.55937738281920778"; Candidate "attention.dot.stacked", "1.55937738281920778"; Candidate "attention.dot.doeblin", "2.027025"; Candidate "attention.dot.per-head", "1.55937738281920778"; Radius, "1.612"; Centred, "0.646116439554301686" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 3
      //   Token: √G + s2_h ·LF
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.2"; "gain", number "0.7" ] [ Token, "0.8316"; Whole, "1.15720116911362442"; Local, "0.91339755420367713"; Candidate "attention.dot.stacked", "0.91339755420367713"; Candidate "attention.dot.doeblin", "1.1781"; Candidate "attention.dot.per-head", "0.91339755420367713"; Radius, "1.612"; Centred, "0.370001563129812661" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5, rotary
      //   Token: |O|(|V|·1 + v·s1·1/√2) + s2_h ·LF
      //   Whole: (√C + √(N/2)·s1) + s2_h
      //   Local:  (1+s1 + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "1.80395299936227743"; Whole, "3.23227875613065575"; Local, "2.006928"; Candidate "attention.dot.doeblin", "2.006928"; Candidate "attention.dot.per-head", "2.006928"; Radius, "1.612"; Centred, "0.683210168904898171" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 17, rotary
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h ·LF
      //   Whole: (cosh + √C·s1) + s2_h
      //   Local:  (1+s1 + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 1L; "scale", number "0.02"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "0.209510042588652852"; Whole, "0.766870848725494085"; Local, "0.7586964"; Candidate "attention.dot.doeblin", "0.7586964"; Candidate "attention.dot.per-head", "0.7586964"; Radius, "1.612"; Centred, "0.132457411050049445" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5, rotary
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h ·LF
      //   Whole: (cosh + √C·s1) + s2_h
      //   Local:  (1+s1 + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "0.440600455736176254"; Whole, "0.927649378658503043"; Local, "0.7915446"; Candidate "attention.dot.doeblin", "0.7915446"; Candidate "attention.dot.per-head", "0.7915446"; Radius, "1.612"; Centred, "0.129502886865480193" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "0.3"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 3, rotary
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h ·LF
      //   Whole: (cosh + √C·s1) + s2_h
      //   Local:  (1+s1 + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.05"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "0.55268874384055812"; Whole, "0.900466129623001068"; Local, "0.857241"; Candidate "attention.dot.doeblin", "0.857241"; Candidate "attention.dot.per-head", "0.857241"; Radius, "1.612"; Centred, "0.231138045467191617" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5, causal
      //   Token: √G + s2_h ·LF
      //   Whole:  √(N·G + s2² + s2(√(N·G) + √(1+s1²)))
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "1.06162273759115372"; Whole, "1.97770571894160977"; Local, "1.25724999872455487"; Candidate "attention.dot.stacked", "1.25724999872455487"; Candidate "attention.dot.doeblin", "1.6632"; Candidate "attention.dot.per-head", "1.25724999872455487"; Radius, "1.612"; Centred, "0.693" ] with
          Rules = [ "attention.dot.whole-to-whole"; "attention.dot.whole-to-token"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5, causal
      //   Token: √G + s2_h ·LF
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.01"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "0.69993"; Whole, "1.06386236177668461"; Local, "0.700146528672679587"; Candidate "attention.dot.stacked", "0.700146528672679587"; Candidate "attention.dot.doeblin", "0.717255"; Candidate "attention.dot.per-head", "0.700146528672679587"; Radius, "1.612"; Centred, "0.693" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 130, causal
      //   Token: √G + s2_h ·LF
      //   Whole: (2e^rg + √C·s1) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.01"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "0.69993"; Whole, "1.50514681518600193"; Local, "0.700146528672679587"; Candidate "attention.dot.stacked", "0.700146528672679587"; Candidate "attention.dot.doeblin", "0.717255"; Candidate "attention.dot.per-head", "0.700146528672679587"; Radius, "1.612"; Centred, "0.693" ] with
          Shape = Shape.Of(Row 130L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 40, causal
      //   Token: √G + s2_h ·LF
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "0.7623"; Whole, "1.79750520373689687"; Local, "0.78362804963825969"; Candidate "attention.dot.stacked", "0.78362804963825969"; Candidate "attention.dot.doeblin", "0.93555"; Candidate "attention.dot.per-head", "0.78362804963825969"; Radius, "1.612"; Centred, "0.693" ] with
          Shape = Shape.Of(Row 40L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 17, causal, rotary
      //   Token: |O|(|V|·1 + v·s1·1/√2) + s2_h ·LF
      //   Whole: (cosh·√H_N + √C·s1) + s2_h
      //   Local:  (1+s1 + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "0.05"; "gain", number "0.7"; "mask", choice "causal"; "position", choice "rotary" ] [ Token, "0.831869124920284679"; Whole, "1.60037196078475881"; Local, "0.857241"; Candidate "attention.dot.doeblin", "0.857241"; Candidate "attention.dot.per-head", "0.857241"; Radius, "1.612"; Centred, "0.693" ] with
          Rules = [ "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 17, causal, rotary
      //   Token: |O|(|V|·1 + v·s1·1/√2) + s2_h ·LF
      //   Whole: (√C + √(N/2)·s1) + s2_h
      //   Local:  (1+s1 + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 1L; "scale", number "1.1"; "gain", number "0.7"; "mask", choice "causal"; "position", choice "rotary" ] [ Token, "3.74812074824626294"; Whole, "10.1209814945061451"; Local, "4.306302"; Candidate "attention.dot.doeblin", "4.306302"; Candidate "attention.dot.per-head", "4.306302"; Radius, "1.612"; Centred, "0.693" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] } ]

let private threeHeads =
    [
      // H = 3, N = 5
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + |O|v·s2 ·LF
      //   Whole: |O|(|V|·cosh + v·√C·s1) + |O|v·s2
      //   Local: |O|v√(H+s1²) + |O|v·s2
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.stacked" [ "heads", count 3L; "scale", number "0.4"; "gain", number "0.7" ] [ Token, "0.800220965452306185"; Whole, "1.58999543236070129"; Local, "1.12285071502828121"; Candidate "attention.dot.stacked", "1.12285071502828121"; Candidate "attention.dot.doeblin", "1.43743360701471416"; Candidate "attention.dot.per-head", "1.22753896347042886"; Radius, "1.97190721402942831"; Centred, "0.567307592504921053" ] with
          Rules = [ "attention.dot.stacked"; "attention.dot.doeblin"; "attention.dot.per-head" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + |O|v·s2 ·LF
      //   Whole: |O|(|V|·cosh + v·√C·s1) + |O|v·s2
      //   Local: |O|(|V|(1+(1−λ)(√H−1)) + v·s1) + |O|v·s2
      //   Radius: |O|(|V|R + (1−λ)√H·v·r) + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.doeblin" [ "heads", count 3L; "scale", number "0.02"; "gain", number "0.7" ] [ Token, "0.18124611618329913"; Whole, "0.722112157491731937"; Local, "0.747296881256712751"; Candidate "attention.dot.stacked", "0.881250363613175077"; Candidate "attention.dot.doeblin", "0.749125230574242915"; Candidate "attention.dot.per-head", "0.883821791075246227"; Radius, "1.66001092388036787"; Centred, "0.0480109238803678668" ] with
          Rules = [ "attention.dot.doeblin"; "attention.dot.whole-to-whole"; "attention.dot.whole-to-token"; "attention.dot.radius"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: |O|(|V|·1 + v·s1·1/√2) + |O|v·s2 ·LF
      //   Whole: |O|(|V|·√C + v·√(N/2)·s1) + |O|v·s2
      //   Local: |O|v√(H+s1²) + |O|v·s2
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.stacked" [ "heads", count 3L; "scale", number "3"; "gain", number "0.7" ] [ Token, "4.04089090630811971"; Whole, "7.54017660166804701"; Local, "4.3570789911927927"; Candidate "attention.dot.stacked", "4.3570789911927927"; Candidate "attention.dot.doeblin", "5.10655360701471416"; Candidate "attention.dot.per-head", "5.5954337871396561"; Radius, "1.97190721402942831"; Centred, "0.872818947377270967" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + |O|v·s2 ·LF
      //   Whole: |O|√Σ √(C(1+s1²)) + |O|v·s2
      //   Local: |O|v√(H+s1²) + |O|v·s2
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.4"; "gain", number "0.7" ] [ Token, "0.637912436160836968"; Whole, "1.05897165145254548"; Local, "0.701781696892675759"; Candidate "attention.dot.stacked", "0.701781696892675759"; Candidate "attention.dot.doeblin", "0.898396004384196347"; Candidate "attention.dot.per-head", "0.767211852169018034"; Radius, "1.31719200876839269"; Centred, "0.354567245315575658" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.radius"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.5"; head "out" "0.9"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: Σ|O_h| √G + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(C(1+s1²)) + Σ|O_h| s2_h
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.4"; "gain", number "0.7" ] [ Token, "0.393235846922226333"; Whole, "0.628800660895995406"; Local, "0.44294996937525393"; Candidate "attention.dot.stacked", "0.701781696892675759"; Candidate "attention.dot.doeblin", "0.898396004384196347"; Candidate "attention.dot.per-head", "0.44294996937525393"; Radius, "0.856"; Centred, "0.204709494528771681" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.radius"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.5"; head "out" "0.3"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + |O|v·s2 ·LF
      //   Whole: |O|(|V|·cosh + v·√C·s1) + |O|v·s2
      //   Local: |O|(|V|(1+(1−λ)(√H−1)) + v·s1) + |O|v·s2
      //   Radius: |O|(|V|R + (1−λ)√H·v·r) + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.radius" [ "heads", count 3L; "scale", number "0.1"; "gain", number "0.7" ] [ Token, "0.320904773380680868"; Whole, "0.715571357149255758"; Local, "0.717564887583367418"; Candidate "attention.dot.stacked", "0.874799163613175077"; Candidate "attention.dot.doeblin", "0.738686124652238129"; Candidate "attention.dot.per-head", "0.875441436447904971"; Radius, "1.62022975034416583"; Centred, "0.00822975034416583119" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "0.2"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, rotary
      //   Token: |O|(|V|·cosh/√N + v·s1·1/√2) + |O|v·s2 ·LF
      //   Whole: |O|(|V|·√C + v·√(N/2)·s1) + |O|v·s2
      //   Local: |O|(√H·v + v·s1) + |O|v·s2
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.doeblin" [ "heads", count 3L; "scale", number "0.4"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "1.26139535538643166"; Whole, "2.35908870198396459"; Local, "1.63096960701471416"; Candidate "attention.dot.doeblin", "1.63096960701471416"; Candidate "attention.dot.per-head", "1.85764527572731172"; Radius, "1.97190721402942831"; Centred, "0.79644961543061166" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, rotary
      //   Token: Σ|O_h| 1+s1 + Σ|O_h| s2_h ·LM
      //   Whole: Σ|O_h| (cosh + √(N/2)·s1) + Σ|O_h| s2_h
      //   Local: Σ|O_h| 1+s1 + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.4"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "0.75264"; Whole, "1.07266277498820871"; Local, "0.75264"; Candidate "attention.dot.doeblin", "1.01935600438419635"; Candidate "attention.dot.per-head", "0.75264"; Radius, "1.066"; Centred, "0.346890115714483518" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.4"; head "k" "1"; head "v" "0.5"; head "out" "0.4"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, causal
      //   Token: |O|(|V|·1 + v·s1·1/√2) + |O|v·s2 ·LF
      //   Whole: |O|(|V|·cosh·√H_N + v·√C·s1) + |O|v·s2
      //   Local: |O|(|V|(1+(1−λ)(√H−1)) + v·s1) + |O|v·s2
      //   Radius: |O|(|V|R + (1−λ)√H·v·r) + biases
      //   Centred: |O|·|V|(1+(1−λ)(√H−1))·r
      { at "attention" "attention.dot.doeblin" [ "heads", count 3L; "scale", number "0.05"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "0.748798181771801995"; Whole, "1.14850597929477387"; Local, "0.821711532917810203"; Candidate "attention.dot.stacked", "0.89456731927403261"; Candidate "attention.dot.doeblin", "0.821711532917810203"; Candidate "attention.dot.per-head", "0.90159395432160152"; Radius, "1.71206400302003343"; Centred, "0.751151532917810203" ] with
          Rules = [ "attention.dot.doeblin"; "attention.dot.centred-radius" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, causal
      //   Token: |O|√Σ √G + |O|v·s2 ·LF
      //   Whole: |O|√Σ √(N·G) + |O|v·s2
      //   Local: |O|v√(H+s1²) + |O|v·s2
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.centred-radius" [ "heads", count 3L; "scale", number "2.1"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "2.93349901082026412"; Whole, "5.51289972221387975"; Local, "3.13645584502667032"; Candidate "attention.dot.stacked", "3.13645584502667032"; Candidate "attention.dot.doeblin", "3.83647360701471416"; Candidate "attention.dot.per-head", "3.98496388074974792"; Radius, "1.97190721402942831"; Centred, "0.872953607014714156" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, causal
      //   Token: Σ|O_h| √G + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(N·G + s2² + s2(√(N·G) + √(1+s1²)))
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| r
      { at "attention" "attention.dot.centred-radius" [ "heads", count 3L; "scale", number "2.1"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "1.14990151477271279"; Whole, "2.01843110343698618"; Local, "1.43794998078862669"; Candidate "attention.dot.stacked", "1.96028490314166895"; Candidate "attention.dot.doeblin", "2.39779600438419635"; Candidate "attention.dot.per-head", "1.43794998078862669"; Radius, "0.856"; Centred, "0.315" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.5"; head "out" "0.3"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: Σ|O_h| √G + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(N·G + s2² + s2(√(N·G) + √(1+s1²)))
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 3L; "scale", number "2.1"; "gain", number "0.7" ] [ Token, "1.14990151477271279"; Whole, "2.01843110343698618"; Local, "1.43794998078862669"; Candidate "attention.dot.stacked", "1.96028490314166895"; Candidate "attention.dot.doeblin", "2.39779600438419635"; Candidate "attention.dot.per-head", "1.43794998078862669"; Radius, "0.856"; Centred, "0.314277286774481978" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.5"; head "out" "0.3"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17
      //   Token: (|O|(|V|·cosh/√N + v·s1·√a_max))·LF + (|O|v·s2)·LM
      //   Whole: |O|(|V|·cosh + v·√C·s1) + |O|v·s2
      //   Local: |O|(|V|(1+(1−λ)(√H−1)) + v·s1) + |O|v·s2
      //   Radius: |O|(|V|R + (1−λ)√H·v·r) + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot" [ "heads", count 3L; "scale", number "0.05"; "gain", number "0.7" ] [ Token, "0.190735691803561333"; Whole, "0.769178589645736623"; Local, "0.78642340388134004"; Candidate "attention.dot.stacked", "0.89456731927403261"; Candidate "attention.dot.doeblin", "0.830617117717752134"; Candidate "attention.dot.per-head", "0.90159395432160152"; Radius, "1.72738825019982918"; Centred, "0.115388250199829184" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          From = "1", "0.45", "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: |O|√Σ √G + |O|√Σ s2_h ·LF
      //   Whole: |O|√Σ √(C(1+s1²)) + |O|√Σ s2_h
      //   Local: |O|√Σ √(1+s1²) + |O|√Σ s2_h
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7" ] [ Token, "0.57058430138499254"; Whole, "0.771445856203228528"; Local, "0.604494062018975377"; Candidate "attention.dot.stacked", "0.701145433293770624"; Candidate "attention.dot.doeblin", "0.919688403945776713"; Candidate "attention.dot.per-head", "0.604494062018975377"; Radius, "1.20807280789155343"; Centred, "0.233110977808898421" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: |O|√Σ √G + |O|√Σ s2_h ·LF
      //   Whole: |O|√Σ √(N·G + s2² + s2(√(N·G) + √(1+s1²)))
      //   Local: |O|√Σ (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "4"; "gain", number "0.7" ] [ Token, "1.5037760387393824"; Whole, "2.62291553047721574"; Local, "1.86159861047433992"; Candidate "attention.dot.stacked", "2.91591187315044829"; Candidate "attention.dot.doeblin", "3.34871640394577671"; Candidate "attention.dot.per-head", "1.86159861047433992"; Radius, "1.20807280789155343"; Centred, "0.487069266889659517" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + |O|√Σ s2_h ·LF
      //   Whole: |O|√Σ √(C(1+s1²)) + |O|√Σ s2_h
      //   Local: |O|√Σ √(1+s1²) + |O|√Σ s2_h
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.06"; "gain", number "0.7" ] [ Token, "0.183846348240012297"; Whole, "0.517097198361632308"; Local, "0.499341874695357806"; Candidate "attention.dot.stacked", "0.50423725266773433"; Candidate "attention.dot.doeblin", "0.533901603945776713"; Candidate "attention.dot.per-head", "0.499341874695357806"; Radius, "1.20807280789155343"; Centred, "0.0337954133843689616" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + |O|√Σ s2_h ·LF
      //   Whole: |O|√Σ √(C(1+s1²)) + |O|√Σ s2_h
      //   Local: |O|√Σ √(1+s1²) + |O|√Σ s2_h
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.7"; "gain", number "0.7" ] [ Token, "0.406869383201665353"; Whole, "0.89422041491180462"; Local, "0.629470931058717455"; Candidate "attention.dot.stacked", "0.750103675323519141"; Candidate "attention.dot.doeblin", "0.991130403945776713"; Candidate "attention.dot.per-head", "0.629470931058717455"; Radius, "1.20807280789155343"; Centred, "0.280512380091034974" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, rotary
      //   Token: |O|(|V|·cosh/√N + v·s1·1/√2) + |O|√Σ s2_h ·LF
      //   Whole: |O|√Σ (cosh + √(N/2)·s1) + |O|√Σ s2_h
      //   Local: |O|√Σ 1+s1 + |O|√Σ s2_h
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "0.819115804869175907"; Whole, "1.14495411430386121"; Local, "0.853421270057759927"; Candidate "attention.dot.doeblin", "1.06937640394577671"; Candidate "attention.dot.per-head", "0.853421270057759927"; Radius, "1.20807280789155343"; Centred, "0.381733690538828691" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17, causal
      //   Token: |O|√Σ √G + |O|√Σ s2_h ·LF
      //   Whole: |O|√Σ √(C(1+s1²)) + |O|√Σ s2_h
      //   Local: |O|√Σ √(1+s1²) + |O|√Σ s2_h
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|·√H·v·r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "0.57058430138499254"; Whole, "1.2717063123891179"; Local, "0.604494062018975377"; Candidate "attention.dot.stacked", "0.701145433293770624"; Candidate "attention.dot.doeblin", "0.919688403945776713"; Candidate "attention.dot.per-head", "0.604494062018975377"; Radius, "1.20807280789155343"; Centred, "0.491036403945776713" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: Σ|O_h| √G + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(C(1+s1²)) + Σ|O_h| s2_h
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7" ] [ Token, "0.329427"; Whole, "0.44539447274415532"; Local, "0.349004809430185766"; Candidate "attention.dot.stacked", "0.701145433293770624"; Candidate "attention.dot.doeblin", "0.919688403945776713"; Candidate "attention.dot.per-head", "0.349004809430185766"; Radius, "0.793"; Centred, "0.134586685789024382" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5
      //   Token: Σ|O_h| √G + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(N·G + s2² + s2(√(N·G) + √(1+s1²)))
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "4"; "gain", number "0.7" ] [ Token, "0.868205500767091528"; Whole, "1.51434098758267057"; Local, "1.07479445888039343"; Candidate "attention.dot.stacked", "2.91591187315044829"; Candidate "attention.dot.doeblin", "3.34871640394577671"; Candidate "attention.dot.per-head", "1.07479445888039343"; Radius, "0.793"; Centred, "0.281209572352738598" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(C(1+s1²)) + Σ|O_h| s2_h
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.06"; "gain", number "0.7" ] [ Token, "0.180484258496090715"; Whole, "0.298546206671289724"; Local, "0.288295165773017207"; Candidate "attention.dot.stacked", "0.50423725266773433"; Candidate "attention.dot.doeblin", "0.533901603945776713"; Candidate "attention.dot.per-head", "0.288295165773017207"; Radius, "0.793"; Centred, "0.0195117910148401015" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17
      //   Token: Σ|O_h| √G + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(C(1+s1²)) + Σ|O_h| s2_h
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.7"; "gain", number "0.7" ] [ Token, "0.3370815"; Whole, "0.516278397264189239"; Local, "0.363425211493794884"; Candidate "attention.dot.stacked", "0.750103675323519141"; Candidate "attention.dot.doeblin", "0.991130403945776713"; Candidate "attention.dot.per-head", "0.363425211493794884"; Radius, "0.793"; Centred, "0.161953898156581661" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, rotary
      //   Token: Σ|O_h| 1+s1 + Σ|O_h| s2_h ·LM
      //   Whole: Σ|O_h| (cosh + √(N/2)·s1) + Σ|O_h| s2_h
      //   Local: Σ|O_h| 1+s1 + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7"; "position", choice "rotary" ] [ Token, "0.492723"; Whole, "0.661039566103103817"; Local, "0.492723"; Candidate "attention.dot.doeblin", "1.06937640394577671"; Candidate "attention.dot.per-head", "0.492723"; Radius, "0.793"; Centred, "0.220394048991342042" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17, causal
      //   Token: Σ|O_h| √G + Σ|O_h| s2_h ·LF
      //   Whole: Σ|O_h| √(C(1+s1²)) + Σ|O_h| s2_h
      //   Local: Σ|O_h| √(1+s1²) + Σ|O_h| s2_h
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| r
      { at "attention" "attention.dot.per-head" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7"; "mask", choice "causal" ] [ Token, "0.329427"; Whole, "0.734219981788003531"; Local, "0.349004809430185766"; Candidate "attention.dot.stacked", "0.701145433293770624"; Candidate "attention.dot.doeblin", "0.919688403945776713"; Candidate "attention.dot.per-head", "0.349004809430185766"; Radius, "0.793"; Centred, "0.2835" ] with
          Rules = [ "attention.dot.per-head"; "attention.dot.whole-to-whole" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17
      //   Token: (|O|(|V|·cosh/√N + v·s1·√a_max))·LF + (|O|√Σ s2_h)·LM
      //   Whole: |O|√Σ √(C(1+s1²)) + |O|√Σ s2_h
      //   Local: |O|√Σ √(1+s1²) + |O|√Σ s2_h
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot" [ "heads", count 3L; "scale", number "0.3"; "gain", number "0.7" ] [ Token, "0.249156226755447691"; Whole, "0.635473129411088038"; Local, "0.539503557034694643"; Candidate "attention.dot.stacked", "0.575583448812570665"; Candidate "attention.dot.doeblin", "0.705362403945776713"; Candidate "attention.dot.per-head", "0.539503557034694643"; Radius, "1.20807280789155343"; Centred, "0.148215664644177694" ] with
          Rules = [ "attention.dot"; "attention.dot.per-head" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          From = "1", "0.85", "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 3
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + |O|√Σ s2_h ·LF
      //   Whole: |O|√Σ √(C(1+s1²)) + |O|√Σ s2_h
      //   Local: |O|√Σ √(1+s1²) + |O|√Σ s2_h
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot.whole-to-whole" [ "heads", count 3L; "scale", number "0.01"; "gain", number "0.7" ] [ Token, "0.404396067355778774"; Whole, "0.494434322371516644"; Local, "0.492371946757177566"; Candidate "attention.dot.stacked", "0.493104119195697365"; Candidate "attention.dot.doeblin", "0.498180603945776713"; Candidate "attention.dot.per-head", "0.492371946757177566"; Radius, "1.20807280789155343"; Centred, "0.00411600772228963707" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 1, N = 17
      //   Token: (|O|(|V|·cosh/√N + v·s1·√a_max))·LF + (s2_h)·LM
      //   Whole: √(C(1+s1²)) + s2_h
      //   Local:  (√(1+s1²) + s2_h)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot" [ "heads", count 1L; "scale", number "0.02"; "gain", number "0.7" ] [ Token, "0.181945860900651639"; Whole, "0.7410550282382398"; Local, "0.707725709269452225"; Candidate "attention.dot.stacked", "0.707725709269452225"; Candidate "attention.dot.doeblin", "0.74151"; Candidate "attention.dot.per-head", "0.707725709269452225"; Radius, "1.612"; Centred, "0.062417796913652384" ] with
          Rules = [ "attention.dot"; "attention.dot.whole-to-token" ]
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          From = "1", "0.35", "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 3, N = 5
      //   Token: |O|(|V|(1+(1−λ)(√H−1)) + v·s1) + |O|v·s2 ·LM
      //   Whole: |O|(|V|·cosh + v·√C·s1) + |O|v·s2
      //   Local: |O|(|V|(1+(1−λ)(√H−1)) + v·s1) + |O|v·s2
      //   Radius: |O|(|V|R + (1−λ)√H·v·r) + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "attention" "attention.dot" [ "heads", count 3L; "scale", number "0.05"; "gain", number "0.7" ] [ Token, "0.164342306583562041"; Whole, "0.367480569099955945"; Local, "0.367480569099955945"; Candidate "attention.dot.stacked", "0.89456731927403261"; Candidate "attention.dot.doeblin", "0.821711532917810203"; Candidate "attention.dot.per-head", "0.90159395432160152"; Radius, "1.71206400302003343"; Centred, "0.100064003020033426" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          From = "1", "0.2", "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] } ]

let private toMemory =
    [
      // H = 1, N = 3, N_k = 5
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: √G
      //   MemoryWhole: √(C(1+s1²))
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7" ] [ Whole, "0.155925"; Token, "0.155925"; Local, "0.155925"; MemoryToken, "0.722452269184615407"; MemoryWhole, "1.09064537639301724"; MemoryLocal, "0.86625"; Radius, "1.2655"; Centred, "0.382444380306442705" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(5L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5, N_k = 17
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: √(C(1+s1²))
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "0.04"; "gain", number "0.7" ] [ Whole, "0.0155925"; Token, "0.0155925"; Local, "0.0155925"; MemoryToken, "0.182073490707749518"; MemoryWhole, "0.404321189379652979"; MemoryLocal, "0.694946329312559216"; Radius, "1.2655"; Centred, "0.0687012947302597451" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(17L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5, N_k = 1
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: √G
      //   MemoryWhole: √(N·G)
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "0.1"; "gain", number "0.7" ] [ Whole, "0.03898125"; Token, "0.03898125"; Local, "0.03898125"; MemoryToken, "0.693"; MemoryWhole, "1.54959510840735426"; MemoryLocal, "0.693"; Radius, "1.2655"; Centred, "0.0" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(1L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 5, N_k = 6
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: √G
      //   MemoryWhole: √(N·G)
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "3"; "gain", number "0.7" ] [ Whole, "1.1694375"; Token, "1.1694375"; Local, "1.1694375"; MemoryToken, "2.82105482538225407"; MemoryWhole, "6.30807035780851924"; MemoryLocal, "3.95924582662216113"; Radius, "1.2655"; Centred, "0.519741887369557838" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(6L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 3, N = 3, N_k = 5
      //   Whole: |O|v·s2
      //   Token: |O|v·s2
      //   Local: |O|v·s2
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: |O|(|V|·cosh + v·√C·s1)
      //   MemoryLocal: |O|v√(H+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.4"; "gain", number "0.7" ] [ Whole, "0.09072"; Token, "0.09072"; Local, "0.09072"; MemoryToken, "0.52843132677428349"; MemoryWhole, "0.91526990628409101"; MemoryLocal, "0.923847260103097345"; Radius, "1.53543041052207123"; Centred, "0.352680562915627457" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(5L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 3, N_k = 17
      //   Whole: |O|v·s2
      //   Token: |O|v·s2
      //   Local: |O|v·s2
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: √N_q·F→token
      //   MemoryLocal: |O|(|V|(1+(1−λ)(√H−1)) + v·s1)
      //   Radius: |O|(|V|R + (1−λ)√H·v·r) + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.03"; "gain", number "0.7" ] [ Whole, "0.006804"; Token, "0.006804"; Local, "0.006804"; MemoryToken, "0.173850798239266163"; MemoryWhole, "0.301118415486814908"; MemoryLocal, "0.716805204238439191"; Radius, "1.30587597013640432"; Centred, "0.040375970136404318" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(17L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, N_k = 6
      //   Whole: |O|v·s2
      //   Token: |O|v·s2
      //   Local: |O|v·s2
      //   MemoryToken: |O|√Σ √G
      //   MemoryWhole: |O|√Σ √(N·G)
      //   MemoryLocal: |O|v√(H+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "3"; "gain", number "0.7" ] [ Whole, "0.6804"; Token, "0.6804"; Local, "0.6804"; MemoryToken, "2.21669307001818966"; MemoryWhole, "4.95667638981337305"; MemoryLocal, "2.43019999177022466"; Radius, "1.53543041052207123"; Centred, "0.653795509402148608" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(6L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, N_k = 6
      //   Whole: Σ|O_h| s2_h
      //   Token: Σ|O_h| s2_h
      //   Local: Σ|O_h| s2_h
      //   MemoryToken: Σ|O_h| √G
      //   MemoryWhole: Σ|O_h| √(C(1+s1²))
      //   MemoryLocal: Σ|O_h| √(1+s1²)
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.4"; "gain", number "0.7" ] [ Whole, "0.0212625"; Token, "0.0212625"; Local, "0.0212625"; MemoryToken, "0.315"; MemoryWhole, "0.368789988764772878"; MemoryLocal, "0.326279791743221511"; Radius, "0.6985"; Centred, "0.0882860205408034668" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(6L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "1"; head "v" "0.5"; head "out" "0.3"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, N_k = 6
      //   Whole: |O|√Σ s2_h
      //   Token: |O|√Σ s2_h
      //   Local: |O|√Σ s2_h
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: |O|√Σ √(C(1+s1²))
      //   MemoryLocal: |O|√Σ √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7" ] [ Whole, "0.0447456923095589029"; Token, "0.0447456923095589029"; Local, "0.0447456923095589029"; MemoryToken, "0.411606043029653461"; MemoryWhole, "0.582692129125017154"; MemoryLocal, "0.510387936485755412"; Radius, "0.962554605918665069"; Centred, "0.143142574140204982" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(6L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17, N_k = 3
      //   Whole: |O|√Σ s2_h
      //   Token: |O|√Σ s2_h
      //   Local: |O|√Σ s2_h
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: |O|√Σ √(C(1+s1²))
      //   MemoryLocal: |O|√Σ √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.3"; "gain", number "0.7" ] [ Whole, "0.0223728461547794515"; Token, "0.0223728461547794515"; Local, "0.0223728461547794515"; MemoryToken, "0.476655963619455135"; MemoryWhole, "1.29164364948431852"; MemoryLocal, "0.495945081564024461"; Radius, "0.962554605918665069"; Centred, "0.0660421788203667014" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(3L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, N_k = 6
      //   Whole: |O|√Σ s2_h
      //   Token: |O|√Σ s2_h
      //   Local: |O|√Σ s2_h
      //   MemoryToken: |O|√Σ √G
      //   MemoryWhole: |O|√Σ √(N·G)
      //   MemoryLocal: |O|√Σ √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "9"; "gain", number "0.7" ] [ Whole, "0.671185384643383544"; Token, "0.671185384643383544"; Local, "0.671185384643383544"; MemoryToken, "1.53668555552616568"; MemoryWhole, "3.43613336219853406"; MemoryLocal, "2.1450905073661082"; Radius, "0.962554605918665069"; Centred, "0.368187835717885133" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(6L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 3, N_k = 17
      //   Whole: |O|√Σ s2_h
      //   Token: |O|√Σ s2_h
      //   Local: |O|√Σ s2_h
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: |O|√Σ √(C(1+s1²))
      //   MemoryLocal: |O|√Σ √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.05"; "gain", number "0.7" ] [ Whole, "0.00372880769246324191"; Token, "0.00372880769246324191"; Local, "0.00372880769246324191"; MemoryToken, "0.172869524170026397"; MemoryWhole, "0.210966782587175075"; MemoryLocal, "0.491173418512792657"; Radius, "0.962554605918665069"; Centred, "0.0160401576642383952" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(17L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.8"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, N_k = 6
      //   Whole: Σ|O_h| s2_h
      //   Token: Σ|O_h| s2_h
      //   Local: Σ|O_h| s2_h
      //   MemoryToken: Σ|O_h| √G
      //   MemoryWhole: Σ|O_h| √(C(1+s1²))
      //   MemoryLocal: Σ|O_h| √(1+s1²)
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.6"; "gain", number "0.7" ] [ Whole, "0.0258339375"; Token, "0.0258339375"; Local, "0.0258339375"; MemoryToken, "0.2835"; MemoryWhole, "0.336417457605004829"; MemoryLocal, "0.294672612521188504"; Radius, "0.65125"; Centred, "0.08264340371234331" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(6L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 17, N_k = 3
      //   Whole: Σ|O_h| s2_h
      //   Token: Σ|O_h| s2_h
      //   Local: Σ|O_h| s2_h
      //   MemoryToken: Σ|O_h| √G
      //   MemoryWhole: Σ|O_h| √(C(1+s1²))
      //   MemoryLocal: Σ|O_h| √(1+s1²)
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.3"; "gain", number "0.7" ] [ Whole, "0.01291696875"; Token, "0.01291696875"; Local, "0.01291696875"; MemoryToken, "0.2835"; MemoryWhole, "0.745730808726841921"; MemoryLocal, "0.286334026344260428"; Radius, "0.65125"; Centred, "0.0381294697198081164" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(3L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 5, N_k = 6
      //   Whole: Σ|O_h| s2_h
      //   Token: Σ|O_h| s2_h
      //   Local: Σ|O_h| s2_h
      //   MemoryToken: Σ|O_h| √G
      //   MemoryWhole: Σ|O_h| √(N·G)
      //   MemoryLocal: Σ|O_h| √(1+s1²)
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "9"; "gain", number "0.7" ] [ Whole, "0.3875090625"; Token, "0.3875090625"; Local, "0.3875090625"; MemoryToken, "0.887205819142841364"; MemoryWhole, "1.98385252163677749"; MemoryLocal, "1.23846858186393348"; Radius, "0.65125"; Centred, "0.212573346064066689" ] with
          Shape = Shape.Of(Row 5L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(6L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 3, N = 3, N_k = 17
      //   Whole: Σ|O_h| s2_h
      //   Token: Σ|O_h| s2_h
      //   Local: Σ|O_h| s2_h
      //   MemoryToken: Σ|O_h| √(C(1+s1²))
      //   MemoryWhole: Σ|O_h| √(C(1+s1²))
      //   MemoryLocal: Σ|O_h| √(1+s1²)
      //   Radius: Σ|O_h| R + biases
      //   Centred: Σ|O_h| (1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.05"; "gain", number "0.7" ] [ Whole, "0.002152828125"; Token, "0.002152828125"; Local, "0.002152828125"; MemoryToken, "0.121801728716774783"; MemoryWhole, "0.121801728716774783"; MemoryLocal, "0.283579105397149556"; Radius, "0.65125"; Centred, "0.00926078934529207633" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(17L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.3"; head "k" "0.9"; head "v" "0.45"; head "out" "0.3"; headVector "q_bias" "0.1"; headVector "k_bias" "0.2" ] }
      // H = 1, N = 17, N_k = 3
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: √G
      //   MemoryWhole: √(C(1+s1²))
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "0.3"; "gain", number "0.7" ] [ Whole, "0.11694375"; Token, "0.11694375"; Local, "0.11694375"; MemoryToken, "0.695410413049822687"; MemoryWhole, "2.55271413917304929"; MemoryLocal, "0.795111806701579548"; Radius, "1.2655"; Centred, "0.301990843809332777" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(3L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 3, N_k = 17
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: √G
      //   MemoryWhole: √(N·G)
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "9"; "gain", number "0.7" ] [ Whole, "3.5083125"; Token, "3.5083125"; Local, "3.5083125"; MemoryToken, "8.29092532667703637"; MemoryWhole, "14.3603039075642186"; MemoryLocal, "11.7148903383951913"; Radius, "1.2655"; Centred, "0.519749999999998785" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(17L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 3, N_k = 17
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: √G
      //   MemoryWhole: √(N·G)
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "0.9"; "gain", number "0.7" ] [ Whole, "0.35083125"; Token, "0.35083125"; Local, "0.35083125"; MemoryToken, "1.0243285632185345"; MemoryWhole, "1.77418911513853045"; MemoryLocal, "1.35935023684341557"; Radius, "1.2655"; Centred, "0.500893905075919065" ] with
          Shape = Shape.Of(Row 3L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(17L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 1, N = 17, N_k = 3
      //   Whole: s2_h
      //   Token: s2_h
      //   Local: s2_h
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: √(C(1+s1²))
      //   MemoryLocal: √(1+s1²)
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 1L; "scale", number "0.02"; "gain", number "0.7" ] [ Whole, "0.00779625"; Token, "0.00779625"; Local, "0.00779625"; MemoryToken, "0.415763961924953655"; MemoryWhole, "1.69208724797992148"; MemoryLocal, "0.693487094441021303"; Radius, "1.2655"; Centred, "0.0256547905621538843" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(3L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1" ] }
      // H = 3, N = 17, N_k = 3
      //   Whole: |O|v·s2
      //   Token: |O|v·s2
      //   Local: |O|v·s2
      //   MemoryToken: |O|(|V|·cosh/√N + v·s1·√a_max)
      //   MemoryWhole: |O|(|V|·cosh + v·√C·s1)
      //   MemoryLocal: |O|(|V|(1+(1−λ)(√H−1)) + v·s1)
      //   Radius: |O|(|V|R + (1−λ)√H·v·r) + biases
      //   Centred: |O|√H·v(1−λ)r
      { at "cross_attention" "cross-attention.dot" [ "heads", count 3L; "scale", number "0.02"; "gain", number "0.7" ] [ Whole, "0.004536"; Token, "0.004536"; Local, "0.004536"; MemoryToken, "0.40906548140626146"; MemoryWhole, "1.68662018763215315"; MemoryLocal, "0.70852219741826672"; Radius, "1.28499197716892443"; Centred, "0.0194919771689244284" ] with
          Shape = Shape.Of(Row 17L, 6L)
          R = "2"
          Spread = "1"
          Memory = Some(3L, "1.5", "0.75")
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.2"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; head "q" "0.6"; head "k" "1"; head "v" "0.8"; head "out" "0.7"; headVector "q_bias" "0.3"; headVector "k_bias" "0.2" ] } ]

/// Also w√cov, w and w√taps of the depthwise convolution of the values, times |O||V|.
let private besideTheHeads =
    [
      // H = 1, N = 15
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·k(|V|r + |V|R + |b_v|)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "1.30712265219203708"; Whole, "3.54766385497329673"; Local, "2.29674999872455487"; Candidate "attention.dot.stacked", "2.29674999872455487"; Candidate "attention.dot.doeblin", "2.7027"; Candidate "attention.dot.per-head", "2.29674999872455487"; Radius, "3.95875"; Centred, "2.24722563492088126" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(5L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
      // H = 1, N = 6
      //   Token: √G + s2_h + |O||V|w ·LF
      //   Whole:  √(N·G + s2² + s2(√(N·G) + √(1+s1²))) + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w√taps(|V|R + |b_v|)
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "2.60614173339017385"; Whole, "4.59306764965004709"; Local, "3.50714330428172547"; Candidate "attention.dot.stacked", "3.50714330428172547"; Candidate "attention.dot.doeblin", "4.03654819587437121"; Candidate "attention.dot.per-head", "3.50714330428172547"; Radius, "3.54256424554408264"; Centred, "3.20746285596260907" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(2L, 3L), 6L)
          R = "2"
          Spread = "2"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
      // H = 1, N = 6
      //   Token: √G + s2_h + |O||V|w ·LF
      //   Whole:  √(N·G + s2² + s2(√(N·G) + √(1+s1²))) + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w√taps(|V|R + |b_v|)
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "2.60614173339017385"; Whole, "4.59306764965004709"; Local, "3.50714330428172547"; Candidate "attention.dot.stacked", "3.50714330428172547"; Candidate "attention.dot.doeblin", "4.03654819587437121"; Candidate "attention.dot.per-head", "3.50714330428172547"; Radius, "3.54256424554408264"; Centred, "3.20746285596260907" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(2L, 3L), 6L)
          R = "2"
          Spread = "2"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "5" ] }
      // H = 1, N = 15
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·|V|r
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 1L ]) ] [ Token, "1.30712265219203708"; Whole, "2.85466385497329673"; Local, "1.60374999872455487"; Candidate "attention.dot.stacked", "1.60374999872455487"; Candidate "attention.dot.doeblin", "2.0097"; Candidate "attention.dot.per-head", "1.60374999872455487"; Radius, "2.44675"; Centred, "0.939975634920881261" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(5L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
      // H = 1, N = 15
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·k(|V|r + |V|R + |b_v|)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "1.30712265219203708"; Whole, "3.06256385497329673"; Local, "2.29674999872455487"; Candidate "attention.dot.stacked", "2.29674999872455487"; Candidate "attention.dot.doeblin", "2.7027"; Candidate "attention.dot.per-head", "2.29674999872455487"; Radius, "3.95875"; Centred, "2.24722563492088126" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(5L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "0.8" ] }
      // H = 1, N = 15
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·k(|V|r + |V|R + |b_v|)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "1.16852265219203708"; Whole, "2.71606385497329673"; Local, "1.88094999872455487"; Candidate "attention.dot.stacked", "1.88094999872455487"; Candidate "attention.dot.doeblin", "2.2869"; Candidate "attention.dot.per-head", "1.88094999872455487"; Radius, "3.05155"; Centred, "1.58572563492088126" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(5L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "0.3" ] }
      // H = 1, N = 15
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·k(|V|r + |V|R + |b_v|)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.05"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "0.58658950244472626"; Whole, "1.85814535590093975"; Local, "1.77254307744636186"; Candidate "attention.dot.stacked", "1.77254307744636186"; Candidate "attention.dot.doeblin", "1.853775"; Candidate "attention.dot.per-head", "1.77254307744636186"; Radius, "3.95875"; Centred, "1.79896305443804906" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(5L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
      // H = 1, N = 6
      //   Token: √G + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·k(|V|r + |V|R + |b_v|)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "1.40812273759115372"; Whole, "2.97990337195107995"; Local, "2.10599819459892608"; Candidate "attention.dot.stacked", "2.10599819459892608"; Candidate "attention.dot.doeblin", "2.51194819587437121"; Candidate "attention.dot.per-head", "2.10599819459892608"; Radius, "3.54256424554408264"; Centred, "2.23717115525840188" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(2L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
      // H = 1, N = 6
      //   Token: √G + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·k(|V|r + |V|R + |b_v|)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "1.40812273759115372"; Whole, "2.68555517607670874"; Local, "2.10599819459892608"; Candidate "attention.dot.stacked", "2.10599819459892608"; Candidate "attention.dot.doeblin", "2.51194819587437121"; Candidate "attention.dot.per-head", "2.10599819459892608"; Radius, "3.54256424554408264"; Centred, "2.23717115525840188" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(2L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "0.8" ] }
      // H = 1, N = 15
      //   Token: |O|(|V|·cosh/√N + v·s1·√a_max) + s2_h + |O||V|w ·LF
      //   Whole: √(C(1+s1²)) + s2_h + |O||V|·min(w√cov, operator)
      //   Local:  (√(1+s1²) + s2_h) + |O||V|w√taps
      //   Radius: |O|·√H·v·R + biases
      //   Centred: |O|√H·v(1−λ)r + |O|·w·k(|V|r + |V|R + |b_v|)/2
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "1.30712265219203708"; Whole, "3.54766385497329673"; Local, "2.29674999872455487"; Candidate "attention.dot.stacked", "2.29674999872455487"; Candidate "attention.dot.doeblin", "2.7027"; Candidate "attention.dot.per-head", "2.29674999872455487"; Radius, "3.95875"; Centred, "2.24722563492088126" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(5L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "5" ] } ]

let cases = oneHead @ threeHeads @ besideTheHeads @ toMemory
