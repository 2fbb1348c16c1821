/// Softmax attention to a memory.
/// The numbers follow as `AttentionValues` says.
module Lips.Core.Tests.CrossAttentionValues

open Lips.Core
open Lips.Core.Tests.Judge
open Lips.Core.Tests.HandCase

let private head weight norm = Functional.HeadSpectralNorm, weight, norm
let private headVector weight norm = Functional.HeadVectorNorm, weight, norm

let cases =
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
