namespace Lips.Core.Layers

open Lips.Core

/// The rules of attention by distance in words, with their proofs.
module internal DistanceProofs =

    let private citation = "Kim, Papamakarios and Mnih 2021 (the layer and 4w_N + 1); the other constants derived here"

    let private setting =
        "Setting. In a head y_j = W x_j + b and row i has weights a_j ∝ exp(−t|z_j|² + B_ij), z_j = y_j − y_i, over keys among which is its own, with z = 0; it puts out E Σ_j a_j y_j. \
         d(output) = E[Σ a_j dy_j − 2t Σ a_j(y_j − ȳ)(z_j·dy_j) + 2t Cov(y) dy_i], ȳ and Cov the mean and covariance under a; b has no effect on differences. \
         Spread. Let T ≥ B_ij − B_ii. With s_j = t|z_j|², Σ a_j s_j ≤ Σ s_j e^{T−s_j}/(1 + Σ e^{T−s_j}) over the other keys, at most w if Σ (s_j − w)e^{T−s_j} ≤ w; (s − w)e^{−s} is largest at s = 1 + w, so \
         (N−1)e^{T−1−w} ≤ w suffices: w_N = W₀((N−1)e^T/e). The same with one key, the others left out of the denominator: every a_j s_j ≤ w_2 = W₀(e^T/e). \
         If the tokens lie within r of a point, s_j ≤ 4t(|W|r)², and t·λ_max(Cov) ≤ t(|W|r)². So σ² := t·λ_max(Cov) ≤ min(w_N, t|W|²r²), \
         D := t Σ a_j|z_j|² ≤ min(w_N, 4t|W|²r²), and every t·a_j|z_j|² ≤ P := min(w_2, 4t|W|²r²·a_max). A row's logits range over rg = 4t·max_h|W_h|²r² + T. "

    let private heads =
        "Heads whose constants are f_h are together at most |O|√(Σ f_h²) or Σ|O_h|f_h; with q the stack of all W_h and e = max|E_h| the values cost |O|e|q|A, and the query path \
         |O|e|q|·2σ², no √H. "

    let private doc name statement domain proof tightness : RuleDoc =
        { Name = (if name = "" then "attention.l2" else "attention.l2." + name)
          Statement = statement
          Domain = domain
          Proof = proof
          Citation = citation
          Tightness = tightness }

    let private domain = "`value: tied`; a query is among its keys, or r is finite"

    let rules: RuleDoc list =
        [ doc
              "per-head"
              "LI ≤ |gain|·(heads side by side with |E_h||W_h|(1 + 2√(σ²D) + 2σ²)), at most |E_h||W_h|(1 + 4w_N). `value: free`: |V_h|(1 + 6t|W_h|²r²)"
              (domain + "; `value: free`: r finite")
              (setting
               + "For a unit vector u, g = Eᵀu, c_j = g·(y_j − ȳ): the first term is at most |g|, the second 2tΣ a_j|c_j||z_j| ≤ 2√(tΣ a c²)√(tΣ a|z|²) ≤ 2|g|√(σ²D), the third 2|g|σ², each times |W|max|dx|. "
               + "Free value V x: the weights move by dl_j = −2t z_j·(dy_j − dy_i), |z_j| ≤ 2|W|r, the values lie within |V|r of a point and y within |W|r: 4t|W|²r·|V|r for the keys, 2t|W|²r·|V|r for the query. \
                  Without r it has no constant: x may move where W does not see it. "
               + heads)
              0.98M
          doc
              "doeblin"
              "`value: free`, several heads: LI ≤ |gain||O|(means + √H·v·6t·max_h|W_h|²r²), means as in attention.dot"
              "r finite"
              (setting + "The value path as in attention.dot.doeblin, the rest as in per-head. ")
              0.98M
          doc
              "split"
              "LI ≤ |gain|(d + s): d with values and keys, |O|(means of slope + √H·max(|E_h||W_h|·2√(σ²D))) or side by side, s = |O|·max(|E_h|2σ²)|q| or side by side"
              domain
              (setting + "Each path by itself. " + heads)
              0.98M
          doc
              "whole-to-token"
              "F → one token: d + s, d = |O||q|(e√Σa² + max|E_h|·2√(σ²P)) or heads side by side with |E_h||W_h|(√Σa² + 2√(σ²P))"
              domain
              (setting
               + "Keys: Σ_j(2t a_j c_j|z_j|)² ≤ 4(max_j t a_j|z_j|²)(tΣ a_j c_j²) ≤ 4P·σ²|g|². Heads: Σ_j|Σ_h(…)W_h|² ≤ |q|²·(that, over heads). "
               + heads)
              0.98M
          doc
              "whole-to-whole"
              "F → F: d + s, d = |O||q|(e·A + max|E_h|·K) or heads side by side, K = 2√(σ²·min(m_q·P, C·4t|W_h|²r²)); A, C, m_q as in attention.dot.whole-to-whole"
              domain
              (setting
               + "Row i: |Σ_j a_j(y_j − ȳ)2t(z_j·dy_j)| ≤ 2√(tΣ a c²)√(Σ_j t a_ij|z_j|²|dy_j|²) ≤ 2√σ²·√(…); summed over the rows that see j, t a_ij|z_j|² adds up to at most m_q·P, or C·4t|W|²r². "
               + heads)
              0.98M
          doc
              ""
              "LM' = min(g_II·LM, g_FR·LF, d_FR·LF + s·LM), LI' = g_II·LI, LF' = min(g_FF·LF, √N·LM')"
              "g: both paths; d: keys and values; s: query path"
              "As for attention.dot."
              1.00M
          doc
              "radius"
              "R' and r' of attention.dot with |E_h||W_h| for |V_h| and rg = 4t·max_h|W_h|²r² + T; |O|(e|b_q| + |b_v|) is added to R'"
              "none"
              "A head puts out E times a mean of W x_j + b, so the proofs of attention.dot hold with E_h W_h as its value matrix, whose stack has norm at most e|q|; E b and b_v are constants."
              1.00M ]
