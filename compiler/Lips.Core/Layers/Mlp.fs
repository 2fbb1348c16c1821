namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Two linear maps with an activation between them, on every token.
module internal Mlp =

    let private hidden (options: Options) (x: Shape) : Result<int64, ShapeFault> =
        let ofRatio (r: Rational) =
            let wanted = r * Rational.OfInt x.Width
            if wanted > Rational.OfInt(int64 System.Int32.MaxValue) then Error(DoesNotFit $"the hidden width would be above {System.Int32.MaxValue}")
            elif wanted.IsInteger && wanted.Sign > 0 then Ok(int64 wanted.Numerator)
            else Error(DoesNotFit $"ratio {r} times width {x.Width} is no whole number of hidden channels")

        match options.Has "hidden", options.Has "ratio" with
        | true, true -> Error(DoesNotFit "the hidden width is given twice: `hidden` and `ratio` exclude each other")
        | true, false -> Ok(options.Count "hidden")
        | false, true ->
            match options.Value "ratio" with
            | Number r -> ofRatio r
            | _ -> Error(DoesNotFit "the ratio is not an exact number")
        | false, false -> ofRatio (Rational.OfInt 4L)

    let private hiddenOr options x = (match hidden options x with Ok h -> h | Error _ -> 1L)
    let private activation (options: Options) = Activation.ofChoice (options.Choice "activation")

    let private cap (input: RuleInput) value name =
        Weights.needed input name
            { Value = value
              Why = $"its weight '{name}' has no cap, so its spectral norm may grow without limit"
              Fix = $"give it one: `{name}.constraint: rms_cap(1)`, or in a `weights(...)` above" }

    let private needRadius value why =
        { Value = value
          Why = why + ", and the radius of the tokens is unknown"
          Fix = "bound the radius before it: cap the biases, positions and embedding rows, or put a norm before it" }

    /// down·(gain·(up·x + b₁) ⊙ act(gate·x + b_g)) + b₂
    let private gatedRule (input: RuleInput) =
        let x = input.Input
        let a = activation input.Options
        let gain = Hyper.sizeOf input.Options "gain"
        let spectral name = input.Name $"σ({name})" (input.Measure Functional.SpectralNorm name)
        let up, gate, down = spectral "up", spectral "gate", spectral "down"
        let row name = input.Measure Functional.LargestRow name
        let value = input.Name "largest value" (row "up" * x.Radius + input.MeasureOrZero Functional.LargestEntry "up_bias")
        let argument = input.Name "largest gate" (row "gate" * x.Radius + input.MeasureOrZero Functional.LargestEntry "gate_bias")
        let values = up * x.Radius + input.MeasureOrZero Functional.VectorNorm "up_bias"
        let arguments = gate * x.Radius + input.MeasureOrZero Functional.VectorNorm "gate_bias"
        let opening = input.Name "largest gate after the activation" (a.Reach 1L argument argument)
        let slope = input.Name (a.Name + " slope") (a.Slope argument)
        let constant = input.Name "constant" (gain * (down * (up * opening + value * (gate * slope))))
        let reach = Bound.min [ opening * values; value * a.Reach (hiddenOr input.Options x.Shape) argument arguments ]
        let radius = input.Name "radius" (gain * (down * reach) + input.MeasureOrZero Functional.VectorNorm "down_bias")

        { Space = Space.step input.Layer.Output (Space.tokenwise constant) radius (constant * x.Centred) x
          Rule = "mlp.gated"
          Candidates = []
          Needs =
            [ cap input up "up"
              cap input gate "gate"
              cap input down "down"
              needRadius value "a product of two maps of the input has a slope that grows with it" ] }

    let private plainRule (input: RuleInput) =
        let x = input.Input
        let a = activation input.Options
        let gain = Hyper.sizeOf input.Options "gain"
        let up = input.Name "σ(up)" (input.Measure Functional.SpectralNorm "up")
        let down = input.Name "σ(down)" (input.Measure Functional.SpectralNorm "down")
        let row = input.Measure Functional.LargestRow "up"
        let entry = input.Name "largest pre-activation" (row * x.Radius + input.MeasureOrZero Functional.LargestEntry "up_bias")
        let norm = input.Name "norm of the pre-activations" (up * x.Radius + input.MeasureOrZero Functional.VectorNorm "up_bias")
        let slope = input.Name (a.Name + " slope") (a.Slope entry)
        let product = gain * slope * (up * down)

        // the mean slope acts like a linear map; only what deviates from it pays for both norms
        let split =
            match a.Slopes with
            | Some(least, most) ->
                let half = Rational.OfInt 2L
                let mean, deviation = ((most + least) / half).Abs, (most - least) / half
                [ gain * (Bound.ofRational mean * input.Measure (Functional.Product "up") "down" + Bound.ofRational deviation * (up * down)) ]
            | None -> []

        let constant = input.Name "constant" (Bound.min (product :: split))
        let reach = a.Reach (hiddenOr input.Options x.Shape) entry norm
        let radius = input.Name "radius" (gain * (down * reach) + input.MeasureOrZero Functional.VectorNorm "down_bias")

        { Space = Space.step input.Layer.Output (Space.tokenwise constant) radius (constant * x.Centred) x
          Rule = "mlp.product"
          Candidates = [ "mlp.product", product; for b in split do "mlp.split", b ]
          Needs =
            [ cap input up "up"
              cap input down "down"
              if a.NeedsSize then
                  needRadius entry "the slope of its activation grows with its argument" ] }

    let private gated (options: Options) = options.Flag "gated"
    let private rule (input: RuleInput) = if gated input.Options then gatedRule input else plainRule input

    let entry: LayerKind =
        { Name = "mlp"
          Summary =
            "two linear maps with an activation between them: down·(gain·act(up·x + b₁)) + b₂; gated, \
             down·(gain·(up·x + b₁) ⊙ act(gate·x + b_g)) + b₂, which is SwiGLU with silu and GeGLU with gelu"
          Citation = "product of operator norms and the activation's slope"
          Hyperparameters =
            [ { Name = "hidden"
                Type = CountType
                Default = Absent
                Doc = "number of hidden channels; without it and without `ratio`, 4·width" }
              { Name = "ratio"
                Type = RealType(Some Rational.Zero, true, None)
                Default = Absent
                Doc = "hidden channels as a multiple of the width, in place of `hidden`" }
              Hyper.choiceOr "gelu" Activation.alternatives "activation" "what is applied to the hidden channels"
              Hyper.flag false "gated" "multiply a second linear map of the input by the activation of the first"
              Hyper.realOr Rational.One "gain" "factor on the activation's output"
              Hyper.bias ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape =
            fun options x ->
                match hidden options x with
                | Error fault -> Error fault
                | Ok h when (activation options).Pairs && h % 2L <> 0L -> Error(Indivisible("hidden channels", h, "the size of a group", 2L))
                | Ok _ -> Hyper.continuous x x
          Weights =
            fun options x ->
                let h = hiddenOr options x

                [ Weights.matrix "up" "up.weight" h x.Width
                  if gated options then
                      Weights.matrix "gate" "gate.weight" h x.Width
                  Weights.matrix "down" "down.weight" x.Width h
                  if options.Flag "bias" then
                      Weights.bias "up_bias" "up.bias" h
                      if gated options then
                          Weights.bias "gate_bias" "gate.bias" h
                      Weights.bias "down_bias" "down.bias" x.Width ]
          Rule = rule
          Rules =
            [ { Name = "mlp.product"
                Statement =
                  "LF = LM = LI = |gain|·S(t)·σ(up)·σ(down); R' = |gain|·σ(down)·Z + |b₂|, r' = LI·r, with t = ρ(up)·R + max|b₁| \
                   (ρ the largest row), S the slope of the activation on [−t, t], and Z what it makes of norm σ(up)·R + |b₁|: \
                   Φ(t)·norm for gelu, σ(t)·norm for silu, the norm itself for relu"
                Domain = "none for a bounded slope; |x_i| ≤ R where the slope on [−t, t] is used"
                Proof =
                  "|x_i| ≤ R bounds every pre-activation by |row·x_i| + |b₁|_∞ ≤ t and their vector by σ(up)·R + |b₁|. The set |x_i| ≤ R is \
                   convex, so along a segment every pre-activation stays in [−t, t], where the activation has slope at most S(t): \
                   |Δ| ≤ |gain|·σ(down)·S(t)·σ(up)·|Δx| on every token, and tokens do not mix, so F, F → token and TM agree. R' follows the \
                   vector: the activation takes it to norm Z (its own rule), `down` multiplies by at most σ(down), the bias adds |b₂|. The \
                   zero gain Φ(t) ≤ 1 enters R', not the slope: |gelu(x)| ≤ |x|·Φ(t). r' applies the constant to x_i and the centre, which \
                   may be taken inside the ball. Attained: up of rank one along e, down = upᵀ, and a bias that puts the pre-activation where \
                   the slope is largest."
                Citation = "product of operator norms; Φ and σ as zero gains from this calculus"
                Tightness = 1.00M }
              { Name = "mlp.split"
                Statement =
                  "LF = LM = LI ≤ |gain|·(|c|·σ(down·up) + h·σ(down)σ(up)), where the activation's slopes lie in [c − h, c + h]; at caps never \
                   less than the product rule"
                Domain = "not gated; not for group_sort and squared_relu, whose slopes are not bounded entry by entry"
                Proof =
                  "Between two tokens the activation's difference is (c·I + h·E)·up·Δx with E diagonal, entries in [−1, 1] (mean value \
                   theorem, entry by entry). So Δy = gain·(c·down·up + h·down·E·up)·Δx. Where caps are all that is known, σ(down·up) is \
                   bounded by σ(down)σ(up), and |c| + h is the largest slope. c = h = 1/2 for relu; c = 1/2, h = 0.6289… for gelu. Attained where \
                   down·up keeps both norms, and by any two matrices without an activation."
                Citation = "derived for this calculus"
                Tightness = 1.00M }
              { Name = "mlp.gated"
                Statement =
                  "LF = LM = LI = |gain|·σ(down)·(σ(up)·A(t) + u·σ(gate)·S(t)), u = ρ(up)·R + max|b₁|, t = ρ(gate)·R + max|b_g|, S the slope \
                   of the activation on [−t, t] and A its largest size there; R' = |gain|·σ(down)·min(A(t)·(σ(up)·R + |b₁|), u·Z) + |b₂|, Z \
                   what the activation makes of norm σ(gate)·R + |b_g|; r' = LI·r"
                Domain = "|x_i| ≤ R < ∞ for every token"
                Proof =
                  "Let p = up·x + b₁ and q = gate·x + b_g; entries of p are at most u and of q at most t, on all of the ball. The derivative of \
                   p ⊙ act(q) along dx is act(q) ⊙ (up·dx) + p ⊙ (act'(q)·gate·dx), of norm at most A(t)·σ(up)·|dx| + u·S(t)·σ(gate)·|dx|; \
                   for an activation of pairs of channels act' is an isometry and the same holds with S = 1. The ball is convex, tokens do not \
                   mix, so F, F → token and TM agree. |p ⊙ act(q)| ≤ max|act(q)|·|p| and ≤ max|p|·|act(q)| give R'; r' applies the constant to \
                   x_i and the centre. Attained up to where slope and size peak at one argument: without an activation at x = R·e, up and gate \
                   of rank one along e: 2·σ(up)·σ(gate)·R."
                Citation = "product rule; Shazeer 2020 (the layer)"
                Tightness = 0.99M } ]
          Macs =
            fun options x -> BigInteger(if gated options then 3 else 2) * BigInteger x.Tokens * BigInteger x.Width * BigInteger(hiddenOr options x)
          Emit =
            fun input ->
                let x = input.Layer.Input
                let a = activation input.Options
                let call = a.Call "h"

                let arguments =
                    [ $"width: {x.Width}"
                      $"hidden: {hiddenOr input.Options x}"
                      $"activation: h => {call}"
                      match input.Options.Value "gain" with
                      | Number one when one = Rational.One -> ()
                      | v -> $"gain: {Hyper.literal v}"
                      $"""hasBias: {if input.Options.Flag "bias" then "true" else "false"}""" ]

                let kind = if gated input.Options then "Lips.Runtime.Modules.GatedMlp" else "Lips.Runtime.Modules.Mlp"

                { Members =
                    [ { Type = kind
                        Name = input.Layer.Name
                        Construct = $"new {kind}(" + System.String.Join(", ", arguments) + ")" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
