namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// A branch added to what flows past it.
module internal Residual =

    /// The numbers between which a mixed sum holds its alphas.
    let private bounds (arguments: Options) = Hyper.emitted (arguments.Value "least"), Hyper.emitted (arguments.Value "most")

    /// Factors of the skip and of the branch, and the least |factor| of the skip.
    let private factors (input: RuleInput) =
        match input.Options.Choice "sum" with
        | "convex", arguments ->
            let alpha = arguments.Value "alpha"
            let keepLow = Rational.One - Hyper.upper alpha
            let keepHigh = Rational.One - Hyper.lower alpha
            let least = if keepLow.Sign <> keepHigh.Sign then Rational.Zero else Rational.Min(keepLow.Abs, keepHigh.Abs)
            Bound.ofRational (Rational.Max(keepLow.Abs, keepHigh.Abs)), Bound.ofRational (Hyper.size alpha), least
        | "weighted", arguments ->
            let learned = input.Measure Functional.LargestEntry "alpha"

            let alpha =
                if arguments.Has "clamp" then Bound.min [ learned; Bound.ofRational (Hyper.upper (arguments.Value "clamp")) ]
                else learned

            Bound.one, input.Name "largest |alpha|" alpha, Rational.One
        | "mixed", arguments ->
            let least, most = bounds arguments
            let keepLow, keepHigh = Rational.One - most, Rational.One - least
            let away = if keepLow.Sign <> keepHigh.Sign then Rational.Zero else Rational.Min(keepLow.Abs, keepHigh.Abs)
            Bound.ofRational (Rational.Max(keepLow.Abs, keepHigh.Abs)), Bound.ofRational (Rational.Max(least.Abs, most.Abs)), away
        | _ -> Bound.one, Bound.one, Rational.One

    /// The block's gain by the multiplier certificate, of given weights: x + f(x) or a convex sum around an mlp with slopes.
    let private certified (input: RuleInput) : Bound option =
        let exact (v: Value) = (match v with Number n -> Some n | _ -> None)

        let sum =
            match input.Options.Choice "sum" with
            | "plain", _ -> Some(Rational.One, Rational.One)
            | "convex", arguments -> exact (arguments.Value "alpha") |> Option.map (fun alpha -> Rational.One - alpha, alpha)
            | _ -> None

        match input.Inner, sum with
        | Some(mlp, measure), Some(keep, share) when mlp.Kind = "mlp" ->
            let options = Options mlp.Options
            let slopes = (Activation.ofChoice (options.Choice "activation")).Slopes

            match exact (options.Value "gain"), slopes with
            | Some gain, Some(least, most) when not (options.Flag "gated") ->
                let numbers = [ keep; share * gain; least; most ] |> List.map string |> String.concat "; "
                Some(measure (Functional.BlockGain("down", numbers)) "up")
            | _ -> None
        | _ -> None

    let private rule (input: RuleInput) =
        let x = input.Input
        let keep, a, least = factors input
        let f = (match input.Body with Some body -> body x | None -> x)
        let name = input.Options.ChoiceName "sum"

        // every alpha in [0, 1]: a convex sum in each channel
        let isConvex =
            name = "mixed"
            && (let least, most = bounds (snd (input.Options.Choice "sum")) in least.Sign >= 0 && (Rational.One - most).Sign >= 0)

        let squares p q = Bound.sqrt (keep * Bound.square p + a * Bound.square q)
        let added p q = Bound.min (keep * p + a * q :: (if isConvex then [ squares p q ] else []))
        let radius = input.Name "radius" (added x.Radius f.Radius)

        // a skip whose channels have factors of their own moves the mean: m·x, and at most half the factors' difference times |x| beside it
        let centredSkip =
            if name = "mixed" then
                let lo, hi = bounds (snd (input.Options.Choice "sum"))
                let half = (hi - lo) / Rational.OfInt 2L
                let middle = (Rational.One - (lo + hi) / Rational.OfInt 2L).Abs
                let kept = Space.times middle (Bound.ofRational middle) x.LowerCentred
                if half.Sign = 0 then kept else Space.less (Bound.ofRational half * x.Radius) kept
            else
                Space.times least keep x.LowerCentred

        let plain = Space.addConstants input.Layer.Output keep x.Constants a f.Constants

        let sum =
            if isConvex then Space.leastConstants plain (Space.mixConstants input.Layer.Output keep x.Constants a f.Constants)
            else plain

        let gain = certified input |> Option.map (input.Name "gain of the whole block")

        { Space =
            { Shape = input.Layer.Output
              Radius = radius
              Centred =
                Bound.min
                    [ added x.Centred f.Centred
                      radius
                      for g in Option.toList gain do g * x.Centred ]
              Lower = Space.less (a * f.Radius) (Space.times least keep x.Lower)
              LowerCentred = Space.less (a * f.Radius) centredSkip
              Centre = None
              Constants =
                (match gain with
                 | Some g -> Space.leastConstants sum (Space.mapConstants input.Layer.Output (Space.tokenwise g) x.Constants)
                 | None -> sum) }
          Rule = "residual." + name
          Candidates = [ for g in Option.toList gain -> "residual.multiplier", g ]
          Needs =
            [ if name = "weighted" then
                  { Value = a
                    Why = "its learned alpha has no cap"
                    Fix = "cap it: `alpha.constraint: max_cap(1)`, or clamp it: `weighted(…, clamp: 1)`" } ] }

    let private sumProof =
        "For two inputs, |Δ(k·x + a·f)| ≤ |k|·|Δx| + |a|·|Δf|, where Δx and Δf are both measured from the network's input: the \
         constants of the skip and of the branch, composed with what came before, are added, one by one for F, F → token and TM. The \
         same inequality at one input gives R'. Every k·x_i + a·f_i lies within |k|·r + |a|·r_f of k·c + a·c_f. \
         |k·x_i + a·f_i| ≥ |k|·|x_i| − |a|·|f_i| gives ρ'; subtracting means is linear and shortens, so ρ_c' follows alike. "

    let private doc name statement domain extra citation : RuleDoc =
        { Name = "residual." + name
          Statement = statement
          Domain = domain
          Proof = sumProof + extra
          Citation = citation
          Tightness = 1.00M }

    let entry: LayerKind =
        { Name = "residual"
          Summary = "adds a branch to what flows past it: x + f(x), (1 − α)·x + α·f(x), x + α ⊙ f(x), or (1 − α) ⊙ x + α ⊙ f(x)"
          Citation = "He et al. 2016; triangle inequality"
          Hyperparameters =
            [ Hyper.choiceOr
                  "plain"
                  [ Hyper.alternative "plain" "x + f(x)" []
                    Hyper.alternative "convex" "(1 − alpha)·x + alpha·f(x)" [ Hyper.real "alpha" "share of the branch" ]
                    Hyper.alternative
                        "weighted"
                        "x + alpha ⊙ f(x), alpha learned for every channel"
                        [ Hyper.realOr Rational.One "init" "alpha at step 0"
                          { Name = "clamp"
                            Type = RealType(Some Rational.Zero, true, None)
                            Default = Absent
                            Doc = "largest |alpha|, enforced where it is used" } ]
                    Hyper.alternative
                        "mixed"
                        "(1 − alpha) ⊙ x + alpha ⊙ f(x), alpha learned for every channel and held between two numbers"
                        [ Hyper.realOr (Hyper.ratio 1L 2L) "init" "alpha at step 0"
                          Hyper.realOr Rational.Zero "least" "least alpha, enforced where it is used"
                          Hyper.realOr Rational.One "most" "largest alpha, enforced where it is used" ] ]
                  "sum"
                  "how the two are added"
              { Name = "drop_path"
                Type = TrainingRateType(Hyper.ratio 99L 100L)
                Default = Default(Hyper.ofInt 0L)
                Doc = "share of samples whose branch is left out" }
              { Name = "layer_drop"
                Type = TrainingRateType(Hyper.ratio 99L 100L)
                Default = Default(Hyper.ofInt 0L)
                Doc = "share of training steps in which the branch is left out for all samples (Fan et al. 2020)" } ]
          Positional = 1
          Parts = []
          TakesBody = true
          Shape =
            fun options x ->
                match options.Choice "sum" with
                | "mixed", arguments when (let least, most = bounds arguments in (most - least).Sign < 0) ->
                    Error(DoesNotFit "the least alpha of a mixed sum is above the most")
                | _ -> Hyper.continuous x x
          Weights =
            fun options x ->
                match options.Choice "sum" with
                | ("weighted" | "mixed"), arguments ->
                    [ { Weights.gain "alpha" "alpha" x.Width with
                          Role = Alpha
                          Init = Choice("constant", [ Some "value", arguments.Value "init" ]) } ]
                | _ -> []
          Rule = rule
          Rules =
            [ doc
                  "plain"
                  "L' = L + L_f for each of LF, LM, LI; R' = R + R_f, r' = r + r_f, ρ' = max(0, ρ − R_f), ρ_c' likewise"
                  "none; drop_path and layer_drop are the identity outside training (in training a branch that drop_path keeps counts 1/(1 − rate) times)"
                  ""
                  "triangle inequality"
              doc
                  "convex"
                  "L' = |1 − α|·L + |α|·L_f for each of LF, LM, LI; R' and r' likewise, ρ' = max(0, |1 − α|·ρ − |α|·R_f), ρ_c' likewise"
                  "any real α; drop_path as for the plain sum"
                  "Both factors enter by their absolute value, so an α outside [0, 1] is covered."
                  "triangle inequality; arXiv 2507.13338 uses α = 1/layers"
              doc
                  "weighted"
                  "L' = L + a·L_f for each of LF, LM, LI, a = max_c |α_c| (or the clamp, if less); R' and r' likewise, ρ' = max(0, ρ − a·R_f), ρ_c' likewise"
                  "none; drop_path as for the plain sum"
                  "|α ⊙ v| ≤ max_c|α_c|·|v| on every token; a clamped α has no larger entry than the clamp."
                  "triangle inequality; Qi et al. 2023 (LipsFormer), section 3"
              doc
                  "mixed"
                  "α_c held in [lo, hi]: k = max(|1 − lo|, |1 − hi|), a = max(|lo|, |hi|): L' = k·L + a·L_f for each of LF, LM, LI, and where \
                   0 ≤ lo and hi ≤ 1 also √(k·L² + a·L_f²); R' and r' likewise; ρ' = max(0, min|1 − α|·ρ − a·R_f), the minimum over [lo, hi]; \
                   ρ_c' = max(0, |1 − m|·ρ_c − h·R − a·R_f), m and h the middle and half the length of [lo, hi]"
                  "none; drop_path as for the plain sum"
                  "Channel c keeps |1 − α_c| ≤ k and takes |α_c| ≤ a. Where α_c is in [0, 1], the square is convex: ((1 − α_c)p + α_c q)² ≤ \
                   (1 − α_c)p² + α_c q², summed over channels at most k·|p|² + a·|q|². 1 in place of k would be wrong below 0, and a channel with \
                   α_c = 1 keeps nothing: x = (3, 0) with α = (1, 0) and f = 0 goes to 0. ρ_c': (1 − α) ⊙ x is (1 − m)·x and at most h·|x| beside \
                   it; factors that differ between channels move the mean, so the least of them does not do."
                  "Jensen's inequality"
              { Name = "residual.multiplier"
                Statement =
                  "for given weights, where asked for (`--tight`), around one mlp: L' ≤ ℓ·L for each of LF, LM, LI and r' ≤ ℓ·r, whenever \
                   diag(ℓ²I − W₁ᵀTW₁, T) − KᵀK is positive semidefinite for some diagonal T ≥ 0; K = [k·I + a·c·W₂W₁, |a|h·W₂], the mlp's \
                   gain in a, the activation's slopes in [c − h, c + h]"
                Domain = "plain and convex sums with an exact α around a single mlp, not gated; not for group_sort and squared_relu"
                Proof =
                  "Between two tokens the activation's difference is (c·I + h·E)W₁Δx with E diagonal, entries in [−1, 1]. With \
                   e = E·W₁Δx the block moves by Δy = K·[Δx; e], up to the sign of e. Entry by entry e_i² ≤ (W₁Δx)_i², so \
                   eᵀTe ≤ (W₁Δx)ᵀT(W₁Δx) for a diagonal T ≥ 0, and |Δy|² = [Δx; e]ᵀKᵀK[Δx; e] ≤ ℓ²|Δx|² − (W₁Δx)ᵀT(W₁Δx) + eᵀTe ≤ ℓ²|Δx|². \
                   The block acts on every token by itself, so the constant is the same in all readings, and the image of a point within r \
                   of all tokens is within ℓ·r of theirs. The inequality is decided by a Cholesky factorization whose rounding is added; how T \
                   was found does not matter. Multipliers that couple channels are not used: for differences they are not valid. Attained by one channel and relu."
                Citation = "derived for this calculus; compare LipSDP-Neuron of Fazlyab et al. 2019"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let drop = input.Options.Value "drop_path"
                let name, arguments = input.Options.Choice "sum"
                let dropped = (Hyper.largest drop).Sign > 0

                let fields =
                    [ if name = "mixed" then
                          yield $"alphas: {input.Layer.Input.Width}"
                          yield $"""clamp: {Hyper.literal (arguments.Value "most")}"""
                          yield $"""least: {Hyper.literal (arguments.Value "least")}"""
                      if name = "weighted" then
                          yield $"alphas: {input.Layer.Input.Width}"
                          if arguments.Has "clamp" then yield $"""clamp: {Hyper.literal (arguments.Value "clamp")}"""
                      if dropped then yield $"dropPath: {Hyper.literal drop}"
                      let layerDrop = input.Options.Value "layer_drop"
                      if (Hyper.largest layerDrop).Sign > 0 then yield $"layerDrop: {Hyper.literal layerDrop}" ]

                let branch y = if fields.IsEmpty then y else $"{CSharp.identifier input.Layer.Name}.call({y})"

                { Members =
                    [ if not fields.IsEmpty then
                          { Type = "Lips.Runtime.Modules.Branch"
                            Name = input.Layer.Name
                            Construct = "new Lips.Runtime.Modules.Branch(" + System.String.Join(", ", fields) + ")" } ]
                  Forward =
                    fun skip body ->
                        let body = defaultArg body skip
                        let y = if name = "mixed" then branch $"{body} - {skip}" else branch body

                        match name with
                        | "convex" ->
                            let alpha = arguments.Value "alpha"

                            let keep =
                                match alpha with
                                | Number n -> Number(Rational.One - n)
                                | v -> Enclosed(Rational.One - Hyper.upper v, Rational.One - Hyper.lower v)

                            $"Lips.Runtime.Modules.Residual.Mix({skip}, {Hyper.literal keep}, {y}, {Hyper.literal alpha})"
                        | _ -> $"{skip} + {y}" } }

    /// A stack is expanded to its contents before anything is derived.
    let stack: LayerKind =
        { entry with
            Name = "stack"
            Summary = "layers in a row, as one named value"
            Citation = "definition"
            Hyperparameters = []
            Positional = 0
            Shape = fun _ x -> Ok x
            Weights = fun _ _ -> []
            Rule =
                fun input ->
                    { Space = (match input.Body with Some body -> body input.Input | None -> input.Input)
                      Rule = "stack.composition"
                      Candidates = []
                      Needs = [] }
            Rules =
                [ { Name = "stack.composition"
                    Statement = "LM' = min(g_II·LM, g_FR·LF), LI' = g_II·LI, LF' = min(g_FF·LF, √N·LM'), layer after layer"
                    Domain = "that of its layers"
                    Proof =
                      "g_FF, g_FR, g_II are a layer's constants from F to F, from F to one token, and from token-max to token-max. One \
                       token moves by at most g_II times the largest move of a token before, which is at most LM·|ΔX|_F, and by at most \
                       g_FR times the whole move LF·|ΔX|_F; the other two lines are the same with the norms exchanged, and \
                       |Y|_F ≤ √N·|Y|_TM. So √N is paid at most once."
                    Citation = "composition of Lipschitz maps"
                    Tightness = 1.00M } ]
            Emit = fun _ -> { Members = []; Forward = fun x body -> defaultArg body x } }
