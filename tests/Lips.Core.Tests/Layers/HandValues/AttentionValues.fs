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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
      // of given weights the taps add up to 1.2 where √9·½ says 1.5
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "1.30712265219203708"; Whole, "3.54766385497329673"; Local, "2.08884999872455487"; Candidate "attention.dot.stacked", "2.08884999872455487"; Candidate "attention.dot.doeblin", "2.4948"; Candidate "attention.dot.per-head", "2.08884999872455487"; Radius, "3.50515"; Centred, "1.91647563492088126" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(5L, 3L), 6L)
          R = "2"
          Spread = "1"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; taps "lepe" "1.2" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
      // the taps add up to 0.6 where √6·½ says more; 0.6·(|V|r + |V|R + |b_v|)/2 for the spread
      { at "attention" "attention.lepe" [ "heads", count 1L; "scale", number "0.4"; "gain", number "0.7"; "position", Choice("lepe", [ Some "kernel", count 3L ]) ] [ Token, "2.60614173339017385"; Whole, "4.59306764965004709"; Local, "3.0741951084073543"; Candidate "attention.dot.stacked", "3.0741951084073543"; Candidate "attention.dot.doeblin", "3.6036000000000000"; Candidate "attention.dot.per-head", "3.0741951084073543"; Radius, "2.5979500000000000"; Centred, "2.2250486104185265" ] with
          Rules = [ "attention.lepe"; "attention.dot" ]
          Shape = Shape.Of(Map(2L, 3L), 6L)
          R = "2"
          Spread = "2"
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "0.6"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "5" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "0.8" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "0.3" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "0.8" ] }
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
          Norms = [ spectral "q" "0.8"; spectral "k" "1.25"; spectral "v" "1.1"; spectral "out" "0.9"; vector "q_bias" "0.4"; vector "k_bias" "0.3"; vector "v_bias" "0.2"; vector "out_bias" "0.1"; taps "lepe" "5"; row "lepe" "0.5"; vector "lepe_bias" "0.125"; operator "lepe" "5" ] } ]

let cases = oneHead @ SeveralHeadsValues.cases @ besideTheHeads @ CrossAttentionValues.cases
