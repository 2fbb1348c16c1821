namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// All tokens become one vector: their mean, their maximum, one of them, or a learned average.
module internal Pool =

    let private modes =
        [ Hyper.alternative "mean" "the mean of all tokens" []
          Hyper.alternative "max" "the largest value of each channel" []
          Hyper.alternative "class_token" "the first token" []
          Hyper.alternative "last" "the last token" []
          Hyper.alternative "attention" "an average of the tokens weighted by the softmax of their products with a learned query" [] ]

    let private rule (input: RuleInput) =
        let x = input.Input
        let n, width = x.Shape.Tokens, x.Shape.Width
        let r = Windows.centred x
        let step gain radius centred = Space.step input.Layer.Output gain radius centred x
        let mode = input.Options.ChoiceName "by"

        let space, needs =
            match mode with
            | "mean" ->
                let share = Bound.sqrt (Bound.ofQuotient 1L n)
                { step { FF = share; FR = share; II = Bound.one } x.Radius r with Centre = x.Centre }, []
            | "max" ->
                let c = Windows.root (min n width)
                step { FF = Bound.one; FR = Bound.one; II = c } (c * x.Radius) (c * r), []
            | "attention" ->
                let w = input.Name "|query|" (input.Measure Functional.SpectralNorm "query")
                let s = input.Name "spread of the logits" (w * r)
                let local = Bound.hypot Bound.one s
                let whole = Bound.min [ local; Bound.sqrt (Bound.apply Fn.SaturationG s) ]

                { step { FF = whole; FR = whole; II = local } x.Radius r with Centre = x.Centre },
                [ { Value = w
                    Why = "its query has no cap, so the softmax may become a switch between tokens"
                    Fix = "give it one: `query.constraint: spectral_cap(1)`" }
                  { Value = r
                    Why = "the tokens may lie arbitrarily far apart, and a softmax that weighs distant tokens has no finite constant"
                    Fix = "bound the tokens first, with a norm layer or caps on weights and biases above" } ]
            | _ ->
                { step (Space.tokenwise Bound.one) x.Radius r with
                    Lower = x.Lower
                    LowerCentred = x.LowerCentred
                    Centre = x.Centre },
                []

        { Space = space
          Rule = "pool." + (if mode = "last" || mode = "class_token" then "token" else mode)
          Candidates = []
          Needs = needs }

    let private doc name statement domain proof tightness : RuleDoc =
        { Name = "pool." + name
          Statement = statement
          Domain = domain
          Proof = proof
          Citation = "derived here"
          Tightness = tightness }

    let private rules =
        [ doc
              "mean"
              "LF = F → vector = 1/√N, LI = 1; R' = R; r' = r"
              "none"
              "|1/N Σ x_i| ≤ 1/N·Σ|x_i| ≤ max|x_i|, and by Cauchy and Schwarz ≤ (1/N)·√N·|X|_F. A mean of points of a ball lies in \
               it. Equality: equal tokens. (With the composition of constants this is min(LF/√N, LM) for a stack.)"
              1.00M
          doc
              "max"
              "LF = F → vector = 1, LI = √min(N, d); R' = √min(N, d)·R; r' = √min(N, d)·r"
              "none"
              "In channel c, |max_i x_ic − max_i y_ic| ≤ max_i|x_ic − y_ic|. The squares sum to at most Σ_c max_i|·|² ≤ |X − Y|_F². \
               With every token's difference at most m, Σ_c max_i|·|² is at most the sum over tokens, N·m², and, each channel's \
               term being at most m², at most d·m². Replacing y by 0, or by a centre (max commutes with a common shift), gives R' \
               and r'. Equality: token i leads in channel i, and each token changes in its own channel."
              1.00M
          doc
              "token"
              "LF = LM = LI = 1; R, r, ρ and ρ_c are kept"
              "none"
              "A projection onto one token. Equality: a change of that token alone."
              1.00M
          doc
              "attention"
              "With w the query and s = |w|·r: LI = √(1+s²), LF = F → vector = min(√(1+s²), √G(s)), G(s) = 1 for s ≤ 1/2, else \
               z²+(1−z)², z = (1+2s)²/(8s); R' = R; r' = r"
              "every token within r < ∞ of some point"
              "y = Σ a_j x_j with a = softmax(w·x_j). With x̃_j = x_j − y, dy = Σ a_j(dx_j + x̃_j(w·dx_j)); for a unit u, \
               u·dy = Σ a_j w_j·dx_j, w_j = u + c_j w, c_j = u·x̃_j. As Σ a_j c_j = 0, Σ a_j|w_j|² = 1 + |w|²·Var(u·x) ≤ 1 + s² (a \
               variance of points within r of a point is at most r²); by Jensen |u·dy| ≤ √(1+s²)·max|dx_j|. On the whole tensor \
               |u·dy|² ≤ Σ a_j²|u + c_j w|²·|dX|_F². That sum is convex in the projections m_j = u·x_j, so m_j = ±r about the \
               centre; within each sign group mass concentrates on one token; it is affine in the cosine of u and w, so w ∥ u, \
               and the orientation with larger value leaves two tokens of mass t, 1−t whose entries are z = t + 2st(1−t) and \
               1 − z: the supremum is G(s), reached at t = min(1, (1+2s)/(4s)). The set where tokens lie within r of some point is \
               convex. A weighted mean stays in every ball. Equality: two antipodal tokens, the query orthogonal to them."
              1.00M ]

    let private tokenAxes (layer: Layer) =
        match layer.Input.Grid with
        | Map _ -> [ 1L; 2L ]
        | _ -> [ 1L ]

    let entry: LayerKind =
        { Name = "pool"
          Summary = "all tokens become one vector"
          Citation = "Cauchy–Schwarz; one row of the attention rule for the learned average"
          Hyperparameters =
            [ { Name = "by"
                Type = ChoiceType modes
                Default = Default(Choice("mean", []))
                Doc = "how" } ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape =
            fun _ x ->
                if x.Vocabulary.IsSome then Error NeedsContinuous
                elif x.Grid = Single then Error(NeedsGrid "a row or a map of tokens")
                else Ok { x with Grid = Single }
          Weights =
            fun options x ->
                [ if options.ChoiceName "by" = "attention" then
                      { Weights.matrix "query" "query" 1L x.Width with Init = Weights.choice "zero" } ]
          Rule = rule
          Rules = rules
          Macs =
            fun options x ->
                if options.ChoiceName "by" = "attention" then
                    BigInteger 2 * BigInteger x.Tokens * BigInteger x.Width
                else
                    BigInteger.Zero
          Emit =
            fun input ->
                let axes = tokenAxes input.Layer
                let isMap = axes.Length = 2
                let tokens x = if isMap then $"{x}.flatten(start_dim: 1, end_dim: 2)" else x

                match input.Options.ChoiceName "by" with
                | "mean" -> { Members = []; Forward = fun x _ -> $"{x}.mean(dimensions: {CSharp.integers axes})" }
                | "max" -> { Members = []; Forward = fun x _ -> $"{x}.amax(dims: {CSharp.integers axes})" }
                | "class_token" -> { Members = []; Forward = fun x _ -> $"{tokens x}.select(dim: 1, index: 0)" }
                | "last" -> { Members = []; Forward = fun x _ -> $"{tokens x}.select(dim: 1, index: -1)" }
                | _ ->
                    { Members =
                        [ { Type = "Lips.Runtime.Modules.AttentionPool"
                            Name = input.Layer.Name
                            Construct = $"new Lips.Runtime.Modules.AttentionPool(width: {input.Layer.Input.Width})" } ]
                      Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
