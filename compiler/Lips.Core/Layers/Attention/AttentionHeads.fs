namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// What a similarity's rules are given.
type internal AttentionInput =
    { Input: RuleInput
      /// The tokens that ask.
      Asks: Space
      /// The tokens that are looked at.
      Seen: Space
      Sees: Visibility
      /// Keys and queries are turned by their position.
      Rotary: bool
      /// T: the spread, over the keys in sight of a row, of what is added to its logits.
      Spread: Bound }

/// Constants of attention, output projection included, gain not. D1 is the path through keys and values
/// with the query held; D2 is the path through the query.
type internal AttentionPaths =
    { /// F → F, F → one output token, token-max → token-max of D1
      Keys: Gain
      /// Of D2, the same in all three.
      Query: Bound
      /// Of both together, where the queries are the keys' own tokens.
      Own: Gain
      /// Every output token is within this of 0, biases not counted.
      Radius: Bound
      /// Norm of what a value bias adds to every output.
      Shift: Bound
      /// Every output token is within this of a common point.
      Centred: Bound
      /// Token-max constants of the rules by name.
      Candidates: (string * Bound) list }

/// What a logit measures: one alternative of `similarity`, with its rules.
type internal Similarity =
    { Alternative: Alternative
      /// Whether it goes with the layer's other settings.
      Fits: Options -> Shape -> Result<unit, ShapeFault>
      /// Weights besides the projections'.
      Weights: Options -> Shape -> Weight list
      Judge: AttentionInput -> AttentionPaths * Need list
      /// Rules of attention of a sequence to itself, and to a memory.
      Rules: RuleDoc list
      MemoryRules: RuleDoc list
      /// Constructor arguments of the module.
      Arguments: Options -> string list }

/// What all similarities share: hyperparameters, shapes, weights, costs.
module internal AttentionHeads =

    // ---- hyperparameters ----

    let scale: Hyperparameter =
        { Name = "scale"
          Type = RealType(None, false, None)
          Default =
            Computed(
                "1/√head_width",
                fun values x ->
                    match List.tryFind (fun (n, _) -> n = "heads") values with
                    | Some(_, Number heads) when heads.Sign > 0 ->
                        let struct (lo, hi) = (heads / Rational.OfInt x.Width).SqrtEnclosure 128
                        if lo = hi then Number lo else Enclosed(lo, hi)
                    | _ -> Number Rational.One
            )
          Doc = "factor on every q·k" }

    let heads = Hyper.count "heads" "number of heads; must divide the width"

    let position =
        Hyper.choiceOr
            "none"
            [ Hyper.alternative "none" "logits do not depend on positions" []
              Hyper.alternative
                  "rotary"
                  "pairs of query and key channels are turned by angles that grow with the position (Su et al. 2021)"
                  [ Hyper.positiveOr (Rational.OfInt 10000L) "base" "ratio of the longest to the shortest wavelength"
                    { Name = "fraction"
                      Type = RealType(Some Rational.Zero, true, Some Rational.One)
                      Default = Default(Hyper.ofInt 1L)
                      Doc = "share of a head's channels that is turned" } ] ]
            "position"
            "how logits depend on positions"

    let gain = Hyper.realOr Rational.One "gain" "factor on the heads' output, before the projection `out`"

    // ---- shapes ----

    /// Channels of a head that are turned, if they come in pairs.
    let turned (options: Options) (x: Shape) =
        match options.Choice "position" with
        | "rotary", arguments ->
            match arguments.Value "fraction" with
            | Number f ->
                let n = f * Rational.OfInt(x.Width / options.Count "heads")
                if n.IsInteger && n.Sign > 0 && (n.Numerator % BigInteger 2).IsZero then Some(int64 n.Numerator) else None
            | _ -> None
        | _ -> Some 0L

    let fits (options: Options) (x: Shape) =
        let heads = options.Count "heads"

        if x.Vocabulary.IsSome then Error NeedsContinuous
        elif x.Width % heads <> 0L then Error(Indivisible("width", x.Width, "heads", heads))
        else Ok x

    let memoryWidth (options: Options) = (snd (options.Choice "memory")).Count "width"
    let memoryLength (options: Options) = (snd (options.Choice "memory")).Count "length"

    // ---- weights ----

    let weights (fused: string) (options: Options) (queryWidth: int64) (keyWidth: int64) =
        let heads = options.Count "heads"
        let biases = options.Flag "bias"
        let d = queryWidth
        let rows = Weights.withHeads heads Rows
        let leaf name = if fused = "" then name else fused
        let offset i w = if fused = "" then w else Weights.sliceOf (i * d) w

        [ rows (Weights.matrix "q" (leaf "q" + ".weight") d queryWidth)
          offset 1L (rows (Weights.matrix "k" (leaf "k" + ".weight") d keyWidth))
          offset 2L (rows (Weights.matrix "v" (leaf "v" + ".weight") d keyWidth))
          Weights.withHeads heads Columns (Weights.matrix "out" "out.weight" queryWidth d)
          if biases then
              rows (Weights.bias "q_bias" (leaf "q" + ".bias") d)
              offset 1L (rows (Weights.bias "k_bias" (leaf "k" + ".bias") d))
              offset 2L (rows (Weights.bias "v_bias" (leaf "v" + ".bias") d))
              Weights.bias "out_bias" "out.bias" queryWidth ]

    // ---- what rules share ----

    let whole (input: RuleInput) w = input.Name $"σ({w})" (input.Measure Functional.SpectralNorm w)

    /// A norm of one head's slice, a function of the head a sum runs over; of the only head, the whole weight's.
    let ofHead (input: RuleInput) functional ofOne w =
        if input.Options.Count "heads" = 1L then input.Measure ofOne w else input.Measure functional w

    let headNorm input w = ofHead input Functional.HeadSpectralNorm Functional.SpectralNorm w

    let biasOfHead (input: RuleInput) w =
        if input.HasWeight w then ofHead input Functional.HeadVectorNorm Functional.VectorNorm w else Bound.zero

    /// A matrix whose norm must be bounded.
    let cap value weight =
        { Value = value
          Why = $"its weight '{weight}' has no cap, so its spectral norm may grow without limit"
          Fix = $"give it one: `{weight}.constraint: rms_cap(1)`, or in a `weights(...)` above" }

    let concluded (input: RuleInput) (c: AttentionPaths) constants : Space =
        let gain = Hyper.sizeOf input.Options "gain"
        let radius = input.Name "radius" (gain * c.Radius + gain * c.Shift + input.MeasureOrZero Functional.VectorNorm "out_bias")

        { Shape = input.Layer.Output
          Radius = radius
          Centred = Bound.min [ gain * c.Centred; radius ]
          Lower = Space.noLower
          Centre = None
          Constants = constants }

    // ---- cost and emission ----

    let macs (queries: int64) (keys: int64) (width: int64) (keyWidth: int64) =
        let b (n: int64) = BigInteger n
        BigInteger 2 * b queries * b width * b width + BigInteger 2 * b keys * b width * b keyWidth + BigInteger 2 * b queries * b keys * b width

    let private switch name (options: Options) = if options.Flag name then "true" else "false"

    let arguments (input: EmitInput) =
        [ $"width: {input.Layer.Input.Width}"
          $"""heads: {input.Options.Count "heads"}"""
          $"""scale: {Hyper.literal (input.Options.Value "scale")}"""
          match input.Options.Value "gain" with
          | Number one when one = Rational.One -> ()
          | v -> $"gain: {Hyper.literal v}"
          $"""hasBias: {switch "bias" input.Options}""" ]
