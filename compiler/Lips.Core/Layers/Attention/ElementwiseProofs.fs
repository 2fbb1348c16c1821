namespace Lips.Core.Layers

open Lips.Core

/// The rules of attention by weights that are each a function a of their own logit, in words, with their proofs.
module internal ElementwiseProofs =

    let private common =
        "Setting. Head h of row i puts out Σ_j a(l_j)(V_h x_j + b_v), l_j = c·q·k_j + β + B_ij, q = Q_h x_i + b_q, k_j = K_h x_j + b_k, over the keys in sight, at most n. Its derivative is \
         a_j V_h + a'_j(V_h x_j + b_v)c·qᵀK_h with respect to x_j and Σ_j a'_j(V_h x_j + b_v)c·k_jᵀQ_h with respect to x_i. |q| ≤ q̄ = |Q_h|R + |b_q,h|, |k_j| ≤ k̄ = |K_h|R + |b_k,h|, so \
         |l_j − β| ≤ s = |c|q̄k̄ + max|B|: keys' biases count, the weights being no softmax. Let W_m(s) = sup_{|l−β|≤s}(|a| + m·s·|a'|) and a'(s) = sup|a'|. "

    /// The rules of attention of a sequence to itself, and those to a memory. `own`: what a is, with W_m and a'.
    let all (name: string) (own: string) citation tightness : RuleDoc list * RuleDoc list =
        let setting = common + own + "The set |x_i| ≤ R is convex. "

        let doc part statement proof tightness : RuleDoc =
            { Name = (if part = "" then "attention." + name else $"attention.{name}.{part}")
              Statement = statement
              Domain = "|x_i| ≤ R for every token; R finite"
              Proof = proof
              Citation = citation
              Tightness = tightness }

        [ doc
              "per-head"
              "LI ≤ |gain|·n·(heads side by side with |V_h|W_2(s_h) + |b_v,h||c|(|K_h|q̄ + |Q_h|k̄)a'(s_h))"
              (setting
               + "For one pair |a||V_h| + |a'|(|V_h|R + |b_v,h|)|c|(|K_h|q̄ + |Q_h|k̄) covers what x_j and x_i do; R|c||K_h|q̄ ≤ s and R|c||Q_h|k̄ ≤ s, so without value bias it is at most |V_h|(|a| + 2s|a'|). Sum over n keys. \
                  Equality without biases and B for one head: all keys alike, aligned with the query.")
              tightness
          doc
              "stacked"
              "LI ≤ |gain|(d + s): d = n·√m·|O|(|V|W_0(s) + a'(s)|c||K|·max_h(|V_h|R + |b_v,h|)q̄_h) or heads side by side with |V_h|W_1(s_h) + |b_v,h||c||K_h|q̄_h·a'(s_h), s = n·|O|a'(s)|c||Q|·max_h(|V_h|R + |b_v,h|)k̄_h or side by side"
              (setting
               + "Every weight is bounded by itself, so for unit (u_h) |Σ_h a_h V_hᵀu_h| ≤ max|a|·|V|, and |Σ_h f_h K_hᵀe_h| ≤ max|f_h|·|K| with Σ|u_h|² = 1, K and Q the stacks of all heads: no √H. Sum over the keys. Where the heads fall into m groups that see different keys, a group by itself gives n times that with its own u, and Σ|u_group| ≤ √m. \
                  In F the heads' squares are summed, so m has no effect.")
              tightness
          doc
              "whole-to-token"
              "F → one token: |gain|√(n·p² + 2p·s + s²), p the constant of keys and values for one pair, the least of both forms of d without n and m; keys and values by themselves √n·p"
              (setting
               + "Row i moves by Σ_j p|dx_j| through keys and values, and through its query by s|dx_i|. Its own token is at most one of the keys, so the blocks of the row have norms p, n − 1 times, and p + s: (n−1)p² + (p+s)² is the square of their norm. \
                  For heads that see different keys, a key's block acts on the u of the heads that see it, and Σ_j|u_heads(j)|² ≤ n. Equality as for per-head.")
              tightness
          doc
              "whole-to-whole"
              "F → F: |gain|(ν·p + s), ν = √(n·m_q), m_q the rows that see a key; with a causal mask ν = 1/(2 sin(π/(4N+2)))"
              (setting
               + "The blocks of the first path have norms at most p where row i sees key j, so the norm is at most p times that of the matrix of ones and zeros that says who sees whom: Schur's √(row sum·column sum), and \
                  exactly 1/(2 sin(π/(4N+2))) for the triangle (the inverse of its Gram matrix is tridiagonal). The query path is block diagonal.")
              tightness
          doc
              ""
              "LM' = min(g_II·LM, g_FR·LF, d_FR·LF + s·LM), LI' = g_II·LI, LF' = min(g_FF·LF, √N·LM')"
              "g: both paths; d: keys and values; s: query path. As for attention.dot."
              1.00M
          doc
              "radius"
              "R' = |gain|·n·min(heads side by side with W_0(s_h)(|V_h|R + |b_v,h|), √m·|O|W_0(s)(|V|R + |b_v|)) + |b_o|; r' = R', and |gain|·n·s·a'(s)·(the same without W_0) where all rows see the same keys"
              (setting
               + "√(Σ_h(Σ_j|a_j^h||v_j^h|)²) ≤ max|a|·Σ_j√(Σ_h|v_j^h|²) (Minkowski) ≤ n·max|a|·(|V|R + |b_v|), in every of m groups of heads that see the same keys. Around a(β)Σ_j v_j, the same for all rows, a weight differs by at most s·a'(s).")
              1.00M ],
        [ { Name = "cross-attention." + name
            Statement = $"L' = |gain|·(d·L_memory + s·L_x) with d and s of attention.{name}, k̄ and the values from the memory's R, q̄ from that of x"
            Domain = "tokens of x within R_x, tokens of the memory within R_m; both finite"
            Proof =
              setting
              + "Keys and values act on the memory, queries on x; the change is their sum. R_m|c||K_h|q̄ ≤ s holds with the memory's R, so the forms of d stand; a column has as many entries as x has tokens."
            Citation = citation
            Tightness = tightness } ]
