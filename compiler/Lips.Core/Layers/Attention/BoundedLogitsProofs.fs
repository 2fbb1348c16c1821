namespace Lips.Core.Layers

open Lips.Core

/// The rules of attention with normalized queries and keys in words, with their proofs.
module internal BoundedLogitsProofs =

    let private derived = "derived for this calculus"

    let private setting =
        "Setting. Head h of row i has weights a_j = softmax_j(l_j) over the keys in sight and puts out Σ_j a_j z_j, z_j its values; `out` maps the heads, side by \
         side, by O. For a unit vector u let c_j = u·(z_j − Σ_k a_k z_k), so Σ_j a_j c_j = 0. Then u·d(output) = Σ_j a_j u·dz_j + Σ_j a_j c_j dl_j: \
         the value path, and through dl_j the key path (what x_j moves) and the query path (what x_i moves). A term equal for all keys moves no weight. "

    /// The geometry of y/√(|y|² + ε).
    let private normalizer =
        "Normalizer. n(y) = y/√(|y|² + ε) has |n| = ρ < 1, and its derivative (I − nnᵀ)/√(|y|² + ε) has norm at most 1/√(|y|² + ε) = √((1 − ρ²)/ε): what is near \
         its largest norm hardly turns. With y/(|y| + ε) the derivative is at most 1/(|y| + ε) = (1 − ρ)/ε ≤ √(1 − ρ²)/ε: all of this with ε for √ε. Write ρ_q for the query, ρ_k² = Σ_j a_j|n(k_j)|² and, for normalized values, ρ_v² = Σ_j a_j|n(v_j)|². With y/max(|y|, ε) \
         the derivative is I/ε inside the ball |y| ≤ ε and has norm 1/|y| outside, so at most 1/ε everywhere, |n| ≤ 1, and the two may be extremal together; y/|y| has \
         a derivative of norm 1/|y|, without limit, so there is no finite constant. The biases of the projections lie inside the normalizer and have no effect. "

    let private cosineLogits =
        "Logits. l_j = τ n(q)·n(k_j). The key path is Σ_j a_j c_j τ n(q)·Dn(k_j)K dx_j ≤ τκ·ρ_q·√(Σ a c²)·√(Σ a_j(1 − |n(k_j)|²)/ε)·max|dx| ≤ \
         (τκ/√ε)ρ_q√(1 − ρ_k²)·w, where w² ≥ Σ a c²; the query path, as |Σ a_j c_j n(k_j)| ≤ w·ρ_k, is at most (τθ/√ε)ρ_k√(1 − ρ_q²)·w. \
         With ρ_q = sin α, ρ_k = cos β both together: (τ/√ε)(κ sin α sin β + θ cos α cos β)·w ≤ (τ/√ε)max(θ, κ)·w, as cos(α − β) ≤ 1. \
         Rotary positions turn n(q) and n(k_j) by isometries and change none of this. "

    let private qkLogits =
        "Logits. With d channels in a head, y/√(|y|²/d + ε) = √d·y/√(|y|² + dε), and the layer norm is that of y − mean, a projection: a normalized vector is at most \
         √d·ρ long, ρ < 1, and its derivative at most √((1 − ρ²)/ε). l_j = c(g_q⊙n(q) + b_q)·(g_k⊙n(k_j) + b_k). The term with b_k is equal for all keys and \
         has no effect, unless rotary positions turn it. Key path: |g_q⊙n(q) + b_q| ≤ g_q√d·ρ_q + |b_q|, so at most |c|(g_q√dρ_q + |b_q|)g_kκ√((1 − ρ_k²)/ε)·w; query \
         path: |Σ a_j c_j(g_k⊙n(k_j))| ≤ g_k√dρ_k·w, with rotary positions (g_k√dρ_k + |b_k|)w, times |c|g_qθ√((1 − ρ_q²)/ε). Terms without a bias: with \
         ρ_q = sin α, ρ_k = cos β, |c|g_qg_k√(d/ε)(κ sin α sin β + θ cos α cos β) ≤ |c|g_qg_k√(d/ε)·max(θ, κ). "

    let private linearValues =
        "Values V x_j + b_v: the bias adds a constant as Σ a_j = 1; tokens within r of a point give Σ a c² ≤ (|V|r)², so w = |V|r, and the value path is at most |V|·max|dx|. "

    let private normalizedValues =
        "Values ν n(V x_j + b_v): the value path is at most (ν|V|/√ε)Σ a_j√(1 − |n(v_j)|²) ≤ (ν|V|/√ε)√(1 − ρ_v²)·max|dx| (Jensen), and w = νρ_v. A path of slope A behind the \
         weights, A√(Σ a c²), and the value path are together at most B√(1 − ρ_v²) + νAρ_v ≤ √(B² + ν²A²), B = ν|V|/√ε. As n has constant 1/√ε, tokens within r of a point \
         also give w ≤ ν min(1, |V|r/√ε), and B + wA. "

    let private heads =
        "Heads. Heads whose constants are f_h are together at most |O|√(Σ f_h²), side by side, or Σ|O_h|f_h, each through its own columns. "

    let private uneven =
        "Common part. In a row of n keys whose logits range over rg, a_j ≥ 1/(1 + (n−1)e^rg), so a row is λ·(even) + (1 − λ)·(another), λ = n/(1 + (n−1)e^rg), the even part \
         the same in all heads that see the same keys. With m = H_shared·(sets of keys) heads on one value or set, means of values cost min(√H·v, |V|(√m + (1−λ)(√H − √m))): \
         Σ_h u_h·V_h Σ_j a_j dx_j splits into λ|V|√m and (1−λ)√H·v ≤ (1−λ)√H|V|. With budgets of squares p_h = 1 − ρ_vh², p_h = λp'_h + (1−λ)p''_h, the even part costs \
         λ|V|√m·√(Σ|u_h|²p'_h) and the rest (1−λ)√H·v√(Σ|u_h|²p''_h), by Cauchy–Schwarz at most √(λm|V|² + (1−λ)Hv²)·√(Σ|u_h|²p_h) ≤ √M·√(Σ|u_h|²p_h), \
         M = min(Hv², |V|²(m + (1−λ)(H − m))). "

    let private rows =
        "Rows. Since Σ a_j c_j = 0 the positive and the negative a_j c_j sum to E|c|/2 each, so Σ a_j²c_j² ≤ E|c|²/2 ≤ w²/2, and ≤ a_max·w²; Σ a_j² ≤ min(1, cosh²(rg/2)/n) \
         (Kantorovich); a_max ≤ e^rg/(e^rg + n − 1). Key path of all heads: Σ_j|Σ_h a_j^h c_j^h K_hᵀe_h|² ≤ |K|²Σ_hΣ_j(a_j^h c_j^h)², with K the stack of all heads' keys: \
         no √H. Values likewise: |V|²Σ a². The query path is |Q|·w: Σ_h u_h·(…)Q_h dx_i ≤ |Q||dx_i|. Summed over rows: a column of weights sums to at most C, a key is seen in m_q \
         rows, and a matrix of weights has norm at most A (see attention.dot.whole-to-whole); row by row (Σ a_j b_j)² ≤ (Σ a_j β_j²)(Σ a_j b_j²/β_j²) turns Σ_j a_ij|K_h dx_j|² \
         into C|K|²|dX|². "

    let private doc kind name statement domain proof tightness : RuleDoc =
        { Name = (if name = "" then kind else kind + "." + name)
          Statement = statement
          Domain = domain
          Proof = proof
          Citation = derived
          Tightness = tightness }

    let private composed kind =
        doc
            kind
            ""
            "LM' = min(g_II·LM, g_FR·LF, d_FR·LF + s·LM), LI' = g_II·LI, LF' = min(g_FF·LF, √N·LM')"
            "g: both paths; d: keys and values; s: query path"
            "The query path moves output token i by at most s times what token i itself moved, the other path by at most d_FR times what all tokens moved together. The rest is composition."
            1.00M

    let private memory kind logits : RuleDoc =
        { Name = kind
          Statement = "L' = |gain|·(d·L_memory + s·L_x), d the constants of keys and values, s that of the query path"
          Domain = "as for attention of a sequence to itself, R and r those of the memory"
          Proof =
            setting
            + logits
            + heads
            + rows
            + "Keys and values act on the memory, queries on x; the change is their sum, and the proofs for one row are the same with the memory's keys and the rows of x."
          Citation = derived
          Tightness = 0.98M }

    let private cosineDomain = "none with normalized values; r finite with `normalize: [q, k]`; eps > 0"

    /// Of a sequence to itself.
    let cosine: RuleDoc list =
        let doc = doc "attention.cosine"

        [ doc
              "per-head"
              "LI ≤ |gain|·min(|O|√(Σ_h f_h²), Σ_h|O_h|f_h). Normalized values: f_h = (ν/e)√(|V_h|² + τ²max(|Q_h|, |K_h|)²) with e = √ε and `smooth` or e = ε and `added`, (ν/e)(|V_h| + \
               τ(|Q_h| + |K_h|)) with e = ε and `clamp`; or ν|V_h|/e + w_h·p_h, w_h = ν min(1, |V_h|r/e). Raw values: f_h = ν|V_h|(1 + r·p_h). p_h = τ·max(|Q_h|, |K_h|)/e with `smooth`, \
               τ(|Q_h| + |K_h|)/e with `clamp`"
              cosineDomain
              (setting + normalizer + cosineLogits + linearValues + normalizedValues + heads)
              0.93M
          doc
              "doeblin"
              "LI ≤ |gain||O|·√(M + Hτ²ν²max_h max(|Q_h|, |K_h|)²/ε) and √(M + τ²ν²(H·κ² + |Q|²)/ε), κ = max_h|K_h|, M as below with values of slope ν|V|/√ε, for normalized values and `smooth`; \
               else |O|(means + √H·w·p)"
              cosineDomain
              (setting
               + normalizer
               + cosineLogits
               + normalizedValues
               + uneven
               + "Paths behind the weights: Σ_h|u_h|ρ_vh·A_h ≤ √H·A·√(Σ|u_h|²ρ_vh²), and the two budgets Σ|u_h|²p_h and Σ|u_h|²ρ_vh² sum to 1. For the second form keys and query of head h have \
                  weights s_h, t_h with s_h + t_h ≤ 1, so their squares sum to at most 1: √H·κ on the first, |Q| on the second, whose stack needs no √H. ")
              0.98M
          doc
              "split"
              "LI ≤ |gain|(d + s): d as above with p_h = τ|K_h|/e (and no query), s = |O|·w·τ|Q|/e or heads side by side with w_h·τ|Q_h|/e"
              cosineDomain
              (setting + normalizer + cosineLogits + heads + "Each path by itself; the stack of all queries needs no √H, for Σ_h u_h·(…)Q_h dx_i ≤ w(τ/e)|Q dx_i|.")
              0.98M
          doc
              "whole-to-token"
              "F → one token: |gain||O| times the least of |V|ν'·√Σa² + w·(τ|K|/e·min(1/√2, √a_max) + τ|Q|/e), with `smooth` the hypotenuse of the two, and, normalized with `smooth`, \
               (ν/√ε)√(min{|V|² + τ²|K|²/2, a_max(|V|² + τ²|K|²)} + τ²|Q|²); ν' = ν/e or, raw, ν"
              cosineDomain
              (setting
               + normalizer
               + cosineLogits
               + rows
               + "Keys and query together: ρ_q·Y + √(1 − ρ_q²)·Z ≤ √(Y² + Z²) in every head, and sums of squares over heads are those of the stacks. With normalized values \
                  √(1 − ρ_v²)X + ρ_v(…) ≤ √(X² + Y² + Z²) likewise, with X² ≤ |V|²|dX|²/ε, Y² ≤ τ²|K|²|dX|²/(2ε), or both with a_max before them. ")
              0.98M
          doc
              "whole-to-whole"
              "F → F: |gain||O| times the least of |V|ν'A + w·(τ|K|/e·min(√C, √(m_q/2)) and τ|Q|/e together as above), and, normalized with `smooth`, \
               (ν/√ε)√(min{C(|V|² + τ²|K|²), m_q(|V|² + τ²|K|²/2)} + τ²|Q|²)"
              cosineDomain
              (setting + normalizer + cosineLogits + rows + "Every row and head gives √(X² + Y² + Z²) as in whole-to-token; the squares are summed over rows and heads, X and Y by columns. No √H: the sums of squares over heads are those of the stacks.")
              0.98M
          composed "attention.cosine"
          doc
              "radius"
              "Normalized values: R' = |gain|·(heads side by side with ν min(1, (|V_h|R + |b_v,h|)/e)) + |b_o|, r' the same with ν min(1, |V_h|r/e), times 1 − λ where all rows see the same keys. Raw values: ν times the \
               radii of attention.dot"
              "none"
              (uneven + "A head puts out a mean of its values: within the ball they lie in, and, where all rows see the same keys, within (1 − λ) times it of one point, for the even part is the same in every row.")
              1.00M ]

    let cosineOfMemory: RuleDoc list = [ memory "cross-attention.cosine" (normalizer + cosineLogits + linearValues + normalizedValues) ]

    let private qkDomain = "tokens within r of a common point, r finite; eps > 0"

    let qkNorm: RuleDoc list =
        let doc = doc "attention.qk_norm"

        [ doc
              "per-head"
              "LI ≤ |gain|·min(|O|√(Σ_h f_h²), Σ_h|O_h|f_h), f_h = |V_h|(1 + r|c|(g_qg_k√d_h·max(|Q_h|, |K_h|) + |b_q|g_k|K_h| [+ |b_k|g_q|Q_h| with rotary positions])/√ε), g the largest gains"
              qkDomain
              (setting + qkLogits + linearValues + heads)
              0.92M
          doc
              "doeblin"
              "LI ≤ |gain||O|(means + √H·v·r·p), p the largest of the per-head slopes"
              qkDomain
              (setting + qkLogits + linearValues + uneven + "Σ_h|u_h|·w_h·p_h ≤ √H·w·p. ")
              0.98M
          doc
              "split"
              "LI ≤ |gain|(d + s): d with the keys' slope only, s = |O|·v·r·|c|(g_qg_k√d_h [+ |b_k|g_q])|Q|/√ε or heads side by side"
              qkDomain
              (setting + qkLogits + heads + "Each path by itself; the stack of all queries needs no √H.")
              0.98M
          doc
              "whole-to-token"
              "F → one token: |gain||O|(|V|√Σa² + v·r·(hypotenuse of t·S_K and S_Q, plus t·F_K + F_Q)), t = min(1/√2, √a_max), S = |c|g_qg_k√(d_h/ε)|·|, F_K = |c||b_q|g_k|K|/√ε, F_Q = |c||b_k|g_q|Q|/√ε with rotary positions"
              qkDomain
              (setting + qkLogits + rows + "ρ_q·Y + √(1 − ρ_q²)·Z ≤ √(Y² + Z²) in every head; the biases' parts are added.")
              0.98M
          doc
              "whole-to-whole"
              "F → F: as whole-to-token with A for √Σa² and min(√C, √(m_q/2)) for t"
              qkDomain
              (setting + qkLogits + rows)
              0.98M
          composed "attention.qk_norm"
          doc "radius" "R' and r' of attention.dot, rg = 2|c|(g_q√d_h + |b_q|)g_k·min(√d_h, |K_h|r/√ε), with rotary positions 2|c|(g_q√d_h + |b_q|)(g_k√d_h + |b_k|)" "none" (qkLogits + uneven) 1.00M ]

    let qkNormOfMemory: RuleDoc list = [ memory "cross-attention.qk_norm" (qkLogits + linearValues) ]
