/// Softmax attention of three heads to itself.
/// The numbers follow as `AttentionValues` says.
module Lips.Core.Tests.SeveralHeadsValues

open Lips.Core
open Lips.Core.Tests.Judge
open Lips.Core.Tests.HandCase

let private head weight norm = Functional.HeadSpectralNorm, weight, norm
let private headVector weight norm = Functional.HeadVectorNorm, weight, norm

let cases =
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
