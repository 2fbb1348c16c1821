namespace Lips.Core.Layers

open Lips.Core

/// The softmax attention rules in words, with their proofs.
module internal SoftmaxProofs =

    let private citation = "derived for this calculus"

    /// What all proofs share.
    let private setting =
        "Setting. Head h of row i has weights a_j = softmax_j(l_j) over the visible keys, l_j = c·(Q_h x_i + b_q)·(K_h x_j + b_k), and puts \
         out Σ_j a_j (V_h x_j + b_v); `out` maps the heads, side by side, by O. With q = Q_h x_i + b_q and p = c·K_hᵀq, l_j = p·x_j + a term \
         equal for all keys, which softmax ignores: a key bias has no effect, and a value bias adds b_v to the output because Σ_j a_j = 1. \
         Write x̃_j = x_j − Σ_k a_k x_k and Cov for the a-covariance of the tokens. Then \
         d(output_h) = Σ_j a_j V_h(dx_j + x̃_j (p·dx_j)) [D1, keys and values] + c·V_h Cov K_hᵀQ_h dx_i [D2, query]. \
         If all tokens lie within r of a point, then E|x̃|² ≤ r². Let v = max_h|V_h|, κ = max_h|K_h|, θ = |Q|, and |p_h|·r ≤ s1_h with \
         s1_h = |c|·|K_h|(|Q_h|R + |b_q,h|)·r; Σ_h|p_h|²r² ≤ s1² with s1 = |c|·κ(θR + |b_q|)·r, as Σ_h|q_h|² = |Qx_i + b_q|². \
         The set of token sequences with |x_i| ≤ R and some common point within r is convex, so a bound of the derivative on it is a \
         Lipschitz constant there. "

    let private queryPath =
        "Query path. |Cov| ≤ r², so for a unit vector (u_h): Σ_h u_h·D2_h ≤ Σ_h|u_h|·v·|c|·κ·r²·|Q_h dx_i| ≤ v·s2·|dx_i| with \
         s2 = |c|·θ·κ·r²: block diagonal in i, hence the same for F, F → token and TM. "

    let private rotaryQuery =
        "With rotary positions key j is turned by R_j: the covariance is that of V_h x and R_j(K_h x_j + b_k), at most |V_h|·r times \
         |K_h|R + |b_k|, so s2 = |c|·θ·max_h(|K_h|R + |b_k,h|)·r. "

    let private range =
        "Logits. Within a row l_j − l_k = p·(x_j − x_k) + B_ij − B_ik ≤ 2·max_h s1_h + T = rg (with rotary positions \
         2|c|·max_h(|Q_h|R + |b_q,h|)(|K_h|R + |b_k,h|) + T), T = 2·max|B| for relative biases B and 0 without. Hence a_j ≥ 1/(1 + (n−1)e^rg) and \
         a_j ≤ e^rg/(e^rg + n − 1) for n visible keys. "

    let private sight =
        "Visibility. A row sees n keys, n⁻ ≤ n ≤ n⁺, and a key is seen by at most m rows of a head: N, N and N where all see all; 1, N, N with a \
         causal mask; 1, k, k with sliding(k) for k < N; k, 2k−1, 2k−1 (at most N) with sliding(k, causal: false); 1, N, N with a \
         padding mask, whichever tokens pad, the same in both inputs. Documents are sets like windows, of 1 to N tokens, or causal in each. Windows, and stripes of one \
         direction, cut the tokens into sets that see each other: a head's matrix of weights is block diagonal, a norm from F to F is that of the worst \
         block, n⁺ = m is the largest and n⁻ the smallest set. Those of window(w) have w² tokens; with a shift s the squares that the border cuts \
         fall into parts of sides s and w − s, because hidden logits are −∞. Those of cross(s) have height·s tokens in one half of the heads and s·width in the \
         other, so the heads of a row see u = 2 sets of keys, else u = 1. With kv_heads, g = H/kv_heads heads read the same key and value head; then |V|* = \
         min(√g·|V|, √H·v) is the norm of the values of all heads stacked, else |V|* = |V|. "

    let private domain = "|x_i| ≤ R for every token; R and r finite"

    let private doc name statement domain proof tightness : RuleDoc =
        { Name = (if name = "" then "attention.dot" else "attention.dot." + name)
          Statement = statement
          Domain = domain
          Proof = proof
          Citation = citation
          Tightness = tightness }

    let private stacked =
        doc
            "stacked"
            "LI ≤ |gain|·|O|·v·(√(H + s1²) + s2), TM → TM"
            (domain + "; no rotary positions")
            (setting
             + "For a unit vector (u_h) let w_j = V_hᵀu_h + p·c_j, c_j = u_h·V_h x̃_j. Since Σ_j a_j c_j = 0 the cross term vanishes: \
                Σ_j a_j|w_j|² = |V_hᵀu_h|² + |p|²·Var(u_h·V_h x) ≤ |V_hᵀu_h|²(1 + |p|²r²). By Jensen Σ_j a_j|w_j| ≤ |V_hᵀu_h|·√(1 + |p_h|²r²); \
                summed over heads, Cauchy–Schwarz with Σ_h|V_hᵀu_h|² ≤ v² and Σ_h(1 + |p_h|²r²) ≤ H + s1² gives D1. "
             + queryPath
             + "Equality for one head: two antipodal tokens of equal weight, p orthogonal to them, V = I, the query token apart; √H is \
                attained by heads that look at different tokens.")
            1.00M

    let private doeblin =
        doc
            "doeblin"
            "LI ≤ |gain|·|O|·(value + v(s1 + s2)), value = min(√H·v, |V|(√e + (1−λ)(√H − √e))), e = min(H, g·u), λ = n⁺/(1 + (n⁺−1)e^rg); e = 1 where every head \
             has keys of its own and sees the same tokens"
            domain
            (setting
             + sight
             + range
             + "λ falls with n, so every row of every head is λ·(uniform over its visible keys) + (1−λ)·(a probability row), with the same \
                uniform part in all heads that see the same tokens. For those heads that part of Σ_h u_h·V_h Σ_j a_j dx_j is \
                λ·(Σ_h V_hᵀu_h)·(mean of dx) ≤ λ√g|V|·|(u_h)|·max|dx|, over the u sets of keys at most λ√(g·u)|V|·max|dx| by Cauchy–Schwarz; the rest is at most \
                (1−λ)Σ_h|V_hᵀu_h|·max|dx| ≤ (1−λ)√H·v·max|dx| ≤ (1−λ)√H·|V|·max|dx|. Without the split the value path is √H·v. One visible set is needed: two heads that \
                each see one of two orthogonal tokens gain √2, not 1; and with shared values a multi-query layer of equal logits gains √H. \
                Keys: Σ_j a_j|p||c_j| ≤ |p_h|·r·|V_hᵀu_h| by Cauchy–Schwarz, summed over heads at most v·s1; this holds too when p turns with j. "
             + queryPath
             + rotaryQuery)
            0.98M

    let private perHead =
        doc
            "per-head"
            "LI ≤ |gain|·min(|O|·√(Σ_h |V_h|²k_h²), Σ_h |O_h||V_h|k_h), k_h = √(1 + s1_h²) + s2_h, with rotary positions 1 + s1_h + s2_h"
            (domain + "; s2_h = |c||Q_h||K_h|r², with rotary positions |c||Q_h|(|K_h|R + |b_k,h|)r")
            (setting
             + "One head by itself obeys the stacked rule with H = 1: |V_h|·k_h. With rotary positions p turns with j and the cross term stays; \
                then Σ_j a_j|V_hᵀu + p_j c_j| ≤ |V_hᵀu|(1 + |p|r). "
             + rotaryQuery
             + "The heads side by side move by at most √(Σ_h (|V_h|k_h)²), and O multiplies by |O|; or each head passes through its own columns \
                O_h, and the triangle inequality adds them.")
            1.00M

    let private row =
        doc
            "whole-to-token"
            "F → one token: |gain| times the least of |O|(|V|*·min(1, cosh(rg/2)/√n⁻) + v·s1·min(1/√2, √a_max)) + query path, and heads \
             side by side with √G(s1_h), plus the query path; a_max = e^rg/(e^rg + n⁻ − 1)"
            (domain + "; G(s) = 1 for s ≤ 1/2, else z² + (1−z)² with z = (1+2s)²/(8s); the second form without rotary positions")
            (setting
             + sight
             + range
             + "Values: Σ_h|V_h Σ_j a^h_j dx_j|² ≤ Σ_h (Σ_j (a^h_j)²)(Σ_j|V_h dx_j|²) ≤ max(Σ a²)·|V|*²·|dX|², and n·Σ_j a_j² ≤ cosh²(rg/2) \
                (Kantorovich), so Σ a² ≤ min(1, cosh²(rg/2)/n). Keys: Σ_j a_j c_j (p·dx_j) ≤ |p|·√(Σ a_j²c_j²)·|dX|; the positive and the \
                negative a_j c_j sum to E|c|/2 each, so Σ a_j²c_j² ≤ E|c|²/2 ≤ r²|V_hᵀu|²/2, and also ≤ a_max·E c² ≤ a_max·r²|V_hᵀu|². \
                One head, exactly: with m_j = e·x̃_j, e along V_hᵀu, the square is at most |V_h|²·Σ a_j²(1 + 2cos·|p|m_j + |p|²m_j²), affine \
                in cos, so cos = ±1: Σ a_j²(1 + |p|m_j)², convex in the tokens, so they sit at the two ends of the ball; within each end the mass \
                concentrates on one token; with masses t and 1−t the entries are z = t + 2st(1−t) and 1−z, and z² + (1−z)² over t is G(s). "
             + queryPath
             + rotaryQuery)
            0.97M

    let private whole =
        doc
            "whole-to-whole"
            "F → F: |gain| times the least of |O|(|V|*·A + √u·v·min(√C, √(m/2))·s1) + query path, heads side by side with D_h plus the query path, and, where m \
             is the number of rows N (of a set; not under a mask that slides), heads side by side with √(m·G + s2_h² + s2_h(√(m·G) + √(1 + s1_h²))), D_h = min(√(m·G(s1_h)), √(C(1 + s1_h²)), \
             A + min(√C, √(m/2))·s1_h); C = m·a_max at n⁺ for sets and at n⁻ for sliding(k, causal: false) and padding, Σ_{i<n⁺} e^rg/(e^rg + i) for causal masks; \
             A = min(√m, √C, cosh(rg/2)·√S), S = Σ 1/n over the rows of a set: 1 for sets, 1 + 1/2 + … + 1/N for a causal mask, N for padding; and A ≤ 2e^rg with a causal mask, \
             √5·e^rg with sliding(k)"
            (domain + "; G as in whole-to-token; with rotary positions D_h is its last term and the second form is left out")
            (setting
             + sight
             + range
             + "A bounds the norm of a matrix of weights: |A|² ≤ (largest row sum)(largest column sum) ≤ C ≤ m. A column of sets is at most n·e^rg/(e^rg + n − 1), \
                which grows with n; under a causal mask the rows i, i+1, … that see key i see at least 1, 2, … keys. |A|_F² = Σ_i Σ_j a_ij² \
                ≤ cosh²(rg/2)·Σ_i 1/n_i by Kantorovich; with a causal mask a_ij ≤ e^rg/i, and the Cesàro matrix has norm below 2 (Hardy); with sliding(k) \
                its first k rows are those and the others averages of k shifts, of norm 1, and rows apart add squares: √(4 + 1). \
                Values: Σ_h|A_h X V_hᵀ|² ≤ A²·Σ_h|X V_hᵀ|² ≤ A²|V|*²|X|², no √H. Keys: row i of all heads is at most v·√(Σ_h|p_h|²r²Σ_j a^h_ij|dx_j|²), and also \
                v/√2·√(Σ_h|p_h|²r²Σ_j|dx_j|²) over the keys head h sees (see whole-to-token); over the rows a token's |dx_j|² is counted s1²·Σ_i max_h a^h_ij ≤ s1²·u·C times, and \
                s1²·u·m/2 times. One head: summing G over rows gives m·G; or \
                Cauchy–Schwarz with the weights, |D1_i|² ≤ |V_h|²(1 + s1_h²)Σ_j a_ij|dx_j|², summed C(1 + s1_h²). Together with the query \
                path, |D1ᵀU + D2ᵀU|² ≤ |D1|² + |D2|² + 2|V_h|²s2_h·Σ_ij b_ij|u_i||u_j| with b_ij = a_ij|w_ij|/|V_h| ≥ 0 of row norms at most √G (ℓ2) and \
                √(1 + s1_h²) (ℓ1): replacing every row by the one that maximizes gives a matrix of rank one, whose numerical radius is \
                (√N·√G + √(1 + s1_h²))/2 for N rows, those of a set, where m = N. Under a sliding mask m < N: eight tokens ±1 under a tree of four rows a key gain 70.288 \
                at s = 30 where m in place of N would say 69.838. "
             + queryPath
             + rotaryQuery)
            0.95M

    let private composed =
        doc
            ""
            "LM' = min(g_II·LM, g_FR·LF, d_FR·LF + s·LM), LI' = g_II·LI, LF' = min(g_FF·LF, √N·LM')"
            "g: both paths; d: keys and values; s: query path"
            "The query path moves output token i by at most s times what token i itself moved, which is LM·|ΔX|_F, while the other path \
             moves it by at most d_FR times what all tokens moved together. The derivative is taken at one point, so the two add. The rest is \
             composition. For given weights every rule has a second form, with norms of products, and the lesser counts: |P|, \
             P = [O_1V_1 … O_HV_H], for |O|·v; |OV| for |O||V| on what all heads share; |O_hV_h| for |O_h||V_h|; and without rotary positions \
             |K_hᵀQ_h| for |K_h||Q_h| and the norm of all K_hᵀQ_h, one above the other, for θκ. For every bound is one of Σ_h O_hV_h z_h, \
             where z_h holds no V_h: a mean of tokens, Σ_j a_j(dx_j + x̃_j(p·dx_j)), or c·Cov K_hᵀQ_h dx_i. It is at most |P|·√(Σ_h|z_h|²) and \
             Σ_h|O_hV_h||z_h|, and OV·z where all z_h are one z; z_h obeys the rules with V_h = I. The logits read \
             p_h = c·K_hᵀQ_h x_i + c·K_hᵀb_q, so |p_h| ≤ |c|(|K_hᵀQ_h|R + |K_h||b_q,h|). A norm of a product never exceeds the product of \
             the norms, so that caps see no difference. A rotation that depends on both positions stands between K_hᵀ and Q_h: for \
             Q = e₁e₁ᵀ, K = e₂e₂ᵀ the product is 0 and the gain is not."
            1.00M

    let private output =
        doc
            "radius"
            "R' = |gain|·(min{|O|·value·R, |O|(|V|*R + near·r), |O|√(Σ_h|V_h|²)·R, Σ_h|O_h||V_h|·R} + |O|√g|b_v|) + |b_o|, value as in doeblin, near = (1−λ)√H·v, \
             or value with cross"
            "λ as in doeblin"
            (sight
             + range
             + "The heads put out V_h m_h, m_h a mean of tokens: |m_h| ≤ R, so heads side by side have norm at most √(Σ_h|V_h|²)·R ≤ √H·v·R. \
                Split as in doeblin m_h = λū_h + (1−λ)b̄_h, ū_h the mean of the tokens in sight: value·R. Written \
                m_h = (λū + (1−λ)c) + (1−λ)(b̄_h − c) around a centre c with |c| ≤ R, the first part is common to the heads and of norm at most R, \
                the second at most (1−λ)r in each. Where the heads see two sets, m_h = c + (m_h − c), the second part value·r. Σ_j a_j = 1 makes the value bias an added constant.")
            1.00M

    let private centred =
        doc
            "centred-radius"
            "r' = |gain|·(1−λ)·min(|O|√H·v, |O|√(Σ_h|V_h|²), …)·r where every row sees all keys; with a mask or in windows |gain|·min(|O|·value, |O|√(Σ_h|V_h|²), …)·r"
            "λ and value as in doeblin and radius"
            (sight
             + range
             + "Where every row sees all keys, m_h − (λū + (1−λ)c) = (1−λ)(b̄_h − c), of norm at most (1−λ)r, and the point subtracted is the \
                same for every row and head: the outputs lie within (1−λ)·√(Σ_h|V_h|²)·r of one point. Otherwise the uniform part differs from row to \
                row but not between heads that see the same tokens: around V c, as in doeblin, value·r. Biases move all outputs alike.")
            1.00M

    /// Of a sequence to itself.
    let self: RuleDoc list = [ stacked; doeblin; perHead; row; whole; composed; output; centred ]

    /// Of a sequence to a memory.
    let cross: RuleDoc list =
        [ { Name = "cross-attention.dot"
            Statement =
              "L' = |gain|·(d·L_memory + s·L_x): s = |O|·v·|c|θκ·r_m² or heads side by side with |c||Q_h||K_h|r_m², for F and TM alike; d from token-max to token-max \
               the least of |O|v√(H + s1²), |O|(value + v·s1) and heads side by side with √(1 + s1_h²), s1 = |c|κ(θR_x + |b_q|)r_m; F → token and \
               F → F as in attention.dot with √N_k in Σa² and A = min(√N_q, √C, √(N_q/N_k)·cosh(rg/2)), C = N_q·e^rg/(e^rg + N_k − 1), √(N_q/2), √(N_q·G)"
            Domain = "tokens of x within R_x, tokens of the memory within R_m of 0 and r_m of a common point"
            Proof =
              setting
              + range
              + "Here the keys are the memory's N_k tokens and the rows the N_q tokens of x, so D1 acts on the memory and D2 on x, and the whole \
                 change is their sum: for every source d times what the memory moved plus s times what x moved. The proofs for one row are those of \
                 attention.dot with N_k keys; a column has N_q rows, so its sum is at most N_q·a_max = C, |A|_F² ≤ N_q·cosh²(rg/2)/N_k, and sums over \
                 rows give √(N_q·G) and √(N_q/2). "
              + queryPath
            Citation = citation
            Tightness = 1.00M } ]
