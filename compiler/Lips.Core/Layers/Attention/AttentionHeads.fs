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
      Spread: Bound
      /// The largest size of what is added to a logit.
      LargestBias: Bound }

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
      /// The weights, projections included, where keys have the given width; q, k and v are slices of the leaf named, if it is.
      Weights: Options -> string -> Shape -> int64 -> Weight list
      Judge: AttentionInput -> AttentionPaths * Need list
      /// Rules of attention of a sequence to itself, and to a memory.
      Rules: RuleDoc list
      MemoryRules: RuleDoc list
      /// The factor on what a query and a key give, as the module takes it.
      Scale: Options -> Value
      /// Further constructor arguments of the module.
      Arguments: Options -> Shape -> Visibility -> string list }

/// What all similarities share: hyperparameters, shapes, weights, costs.
module internal AttentionHeads =

    // ---- hyperparameters ----

    let scale: Hyperparameter =
        { Name = "scale"
          Type = RealType(None, false, None)
          Default =
            Computed(
                "1/√head_width; 1 for cosine similarity, which has tau",
                fun values x ->
                    let isCosine = values |> List.exists (function "similarity", Choice("cosine", _) -> true | _ -> false)

                    match List.tryFind (fun (n, _) -> n = "heads") values with
                    | Some(_, Number heads) when heads.Sign > 0 && not isCosine ->
                        let struct (lo, hi) = (heads / Rational.OfInt x.Width).SqrtEnclosure 128
                        if lo = hi then Number lo else Enclosed(lo, hi)
                    | _ -> Number Rational.One
            )
          Doc = "factor on every q·k, or on the distance" }

    let heads = Hyper.count "heads" "number of heads; must divide the width"

    let keyHeads: Hyperparameter =
        { Name = "kv_heads"
          Type = CountType
          Default = Computed("heads", (fun before _ -> before |> List.find (fun (n, _) -> n = "heads") |> snd))
          Doc = "number of key and value heads, each read by as many heads (Ainslie et al. 2023); must divide `heads`" }

    let gain = Hyper.realOr Rational.One "gain" "factor on the heads' output, before the projection `out`"

    // ---- shapes ----

    /// Key and value heads.
    let keyHeadsOf (options: Options) =
        if options.Has "kv_heads" then options.Count "kv_heads" else options.Count "heads"

    /// How many heads read the same key and value head.
    let shared (options: Options) = options.Count "heads" / keyHeadsOf options

    let fits (options: Options) (x: Shape) =
        let heads = options.Count "heads"

        if x.Vocabulary.IsSome then Error NeedsContinuous
        elif x.Width % heads <> 0L then Error(Indivisible("width", x.Width, "heads", heads))
        elif heads % keyHeadsOf options <> 0L then Error(Indivisible("heads", heads, "kv_heads", keyHeadsOf options))
        else Ok x

    let memoryWidth (options: Options) = (snd (options.Choice "memory")).Count "width"
    let memoryLength (options: Options) = (snd (options.Choice "memory")).Count "length"

    // ---- weights ----

    let weights (fused: string) (options: Options) (queryWidth: int64) (keyWidth: int64) =
        let heads, keyHeads = options.Count "heads", keyHeadsOf options
        let biases = options.Flag "bias"
        let d = queryWidth
        let e = d / heads * keyHeads
        let rows count = Weights.withHeads count Rows
        let leaf name = if fused = "" then name else fused
        let offset first w = if fused = "" then w else Weights.sliceOf first w

        [ rows heads (Weights.matrix "q" (leaf "q" + ".weight") d queryWidth)
          offset d (rows keyHeads (Weights.matrix "k" (leaf "k" + ".weight") e keyWidth))
          offset (d + e) (rows keyHeads (Weights.matrix "v" (leaf "v" + ".weight") e keyWidth))
          Weights.withHeads heads Columns (Weights.matrix "out" "out.weight" queryWidth d)
          if biases then
              rows heads (Weights.bias "q_bias" (leaf "q" + ".bias") d)
              offset d (rows keyHeads (Weights.bias "k_bias" (leaf "k" + ".bias") e))
              offset (d + e) (rows keyHeads (Weights.bias "v_bias" (leaf "v" + ".bias") e))
              Weights.bias "out_bias" "out.bias" queryWidth ]

    // ---- what rules share ----

    let whole (input: RuleInput) (w: string) = input.Name $"σ({w})" (input.Measure Functional.SpectralNorm w)

    /// A norm of one head's slice, a function of the head a sum runs over; of the only head, the whole weight's; of heads that several
    /// heads read, the largest, for a sum runs over the heads that read.
    let ofHead (input: RuleInput) functional ofOne (w: string) =
        let count = (match input.Weight w with Some weight -> weight.Heads | None -> 1L)

        if count = 1L then input.Measure ofOne w
        elif count = input.Options.Count "heads" then input.Measure functional w
        else input.Name $"largest head of {w}" (Bound.maxOver (int count) (input.Measure functional w))

    let headNorm input w = ofHead input Functional.HeadSpectralNorm Functional.SpectralNorm w

    let biasOfHead (input: RuleInput) w =
        if input.HasWeight w then ofHead input Functional.HeadVectorNorm Functional.VectorNorm w else Bound.zero

    /// The norm of the keys or values of all heads: a head of theirs that several read is stacked as often.
    let stacked (input: RuleInput) (w: string) =
        match shared input.Options with
        | 1L -> whole input w
        | n ->
            let ofOne = headNorm input w
            input.Name $"{w} of all heads" (Bound.min [ Hyper.root n * input.Measure Functional.SpectralNorm w; Hyper.root (input.Options.Count "heads") * ofOne ])

    let stackedValue (input: RuleInput) = stacked input "v"

    /// A matrix whose norm must be bounded.
    let cap (input: RuleInput) value weight =
        Weights.needed input weight
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
          LowerCentred = Space.noLower
          Centre = None
          Constants = constants }

    // ---- cost and emission ----

    /// Projections of queries and of the output, of keys and values, and what is done with every pair of a query and a key.
    let macs (weights: Weight list) (queries: int64) (keys: int64) (width: int64) (pairs: BigInteger) =
        let projection (w: Weight) =
            match w.Name with
            | "q"
            | "out" -> BigInteger queries * w.Count
            | "k"
            | "v" -> BigInteger keys * w.Count
            | _ -> BigInteger.Zero

        List.sumBy projection weights + BigInteger 2 * pairs * BigInteger width

    let private switch name (options: Options) = if options.Flag name then "true" else "false"

    let arguments (input: EmitInput) (scale: Value) =
        [ $"width: {input.Layer.Input.Width}"
          $"""heads: {input.Options.Count "heads"}"""
          if shared input.Options > 1L then $"keyHeads: {keyHeadsOf input.Options}"
          $"scale: {Hyper.literal scale}"
          match input.Options.Value "gain" with
          | Number one when one = Rational.One -> ()
          | v -> $"gain: {Hyper.literal v}"
          $"""hasBias: {switch "bias" input.Options}""" ]
