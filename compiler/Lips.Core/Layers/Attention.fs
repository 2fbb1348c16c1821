namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Multi-head softmax attention with dot-product logits, of a sequence to itself or to a memory.
module internal Attention =

    // ---- hyperparameters ----

    let private scale: Hyperparameter =
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

    let private heads = Hyper.count "heads" "number of heads; must divide the width"

    let private similarity =
        Hyper.choiceOr "dot" [ Hyper.alternative "dot" "q·k" [] ] "similarity" "what a logit measures"

    let private mask =
        Hyper.choiceOr
            "none"
            [ Hyper.alternative "none" "every token sees every token" []
              Hyper.alternative "causal" "a token sees itself and the tokens before it" [] ]
            "mask"
            "which tokens a token sees"

    let private position =
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

    let private gain = Hyper.realOr Rational.One "gain" "factor on the heads' output, before the projection `out`"

    // ---- shapes ----

    /// Channels of a head that are turned, if they come in pairs.
    let private turned (options: Options) (x: Shape) =
        match options.Choice "position" with
        | "rotary", arguments ->
            match arguments.Value "fraction" with
            | Number f ->
                let n = f * Rational.OfInt(x.Width / options.Count "heads")
                if n.IsInteger && n.Sign > 0 && (n.Numerator % BigInteger 2).IsZero then Some(int64 n.Numerator) else None
            | _ -> None
        | _ -> Some 0L

    let private fits (options: Options) (x: Shape) =
        let heads = options.Count "heads"

        if x.Vocabulary.IsSome then Error NeedsContinuous
        elif x.Width % heads <> 0L then Error(Indivisible("width", x.Width, "heads", heads))
        else Ok x

    let private memoryWidth (options: Options) = (snd (options.Choice "memory")).Count "width"
    let private memoryLength (options: Options) = (snd (options.Choice "memory")).Count "length"

    // ---- weights ----

    let private weights (fused: string) (options: Options) (queryWidth: int64) (keyWidth: int64) =
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

    // ---- rule ----

    let private setting (input: RuleInput) (asks: Space) (seen: Space) causal rotary : SoftmaxSetting =
        let heads = input.Options.Count "heads"
        let whole w = input.Name $"σ({w})" (input.Measure Functional.SpectralNorm w)
        let ofHead functional ofOne w = if heads = 1L then input.Measure ofOne w else input.Measure functional w
        let head = ofHead Functional.HeadSpectralNorm Functional.SpectralNorm

        let biasOfHead w =
            if not (input.HasWeight w) then Bound.zero
            else ofHead Functional.HeadVectorNorm Functional.VectorNorm w

        { Heads = heads
          Queries = asks.Shape.Tokens
          Keys = seen.Shape.Tokens
          Causal = causal
          Rotary = rotary
          Scale = Hyper.sizeOf input.Options "scale"
          Query = whole "q"
          QueryOfHead = head "q"
          KeyOfHead = head "k"
          Value = whole "v"
          ValueOfHead = head "v"
          Out = whole "out"
          OutOfHead = head "out"
          QueryBias = input.MeasureOrZero Functional.VectorNorm "q_bias"
          QueryBiasOfHead = biasOfHead "q_bias"
          KeyBiasOfHead = if rotary then biasOfHead "k_bias" else Bound.zero
          QueryRadius = asks.Radius
          KeyRadius = seen.Radius
          KeyCentred = seen.Centred
          Name = input.Name }

    let private needs (input: RuleInput) (s: SoftmaxSetting) =
        let cap value weight =
            { Value = value
              Why = $"its weight '{weight}' has no cap, so its spectral norm may grow without limit"
              Fix = $"give it one: `{weight}.constraint: rms_cap(1)`, or in a `weights(...)` above" }

        let radius value whose =
            { Value = value
              Why = $"dot-product attention has no Lipschitz constant where {whose} may be arbitrarily large, and their radius is unknown"
              Fix = "bound the radius before it (cap the biases, positions and embedding rows, or put a norm before it), or use cosine similarity" }

        [ radius s.QueryRadius "the tokens"
          if s.KeyRadius <> s.QueryRadius then radius s.KeyRadius "the tokens it looks at"
          cap s.Query "q"
          cap s.KeyOfHead "k"
          cap s.Value "v"
          cap s.Out "out"
          if input.HasWeight "q_bias" then
              { Value = s.QueryBias
                Why = "its query bias has no cap, so the logits may grow without limit"
                Fix = "cap it: `q_bias.constraint: l2_cap(1)`, or leave biases out: `bias: false`" } ]

    let private concluded (input: RuleInput) (c: SoftmaxConstants) constants : Space =
        let gain = Hyper.sizeOf input.Options "gain"
        let out = input.Measure Functional.SpectralNorm "out"
        let biases = gain * (out * input.MeasureOrZero Functional.VectorNorm "v_bias")
        let biases = if input.HasWeight "v_bias" then biases else Bound.zero
        let radius = input.Name "radius" (gain * c.Radius + biases + input.MeasureOrZero Functional.VectorNorm "out_bias")

        { Shape = input.Layer.Output
          Radius = radius
          Centred = Bound.min [ gain * c.Centred; radius ]
          Lower = Space.noLower
          Centre = None
          Constants = constants }

    let private candidates (input: RuleInput) (c: SoftmaxConstants) =
        let gain = Hyper.sizeOf input.Options "gain"
        [ for rule, b in c.Candidates -> "attention.dot." + rule, gain * b ]

    let private rule (input: RuleInput) =
        let x = input.Input
        let causal = (input.Options.ChoiceName "mask" = "causal")
        let rotary = (input.Options.ChoiceName "position" = "rotary")
        let s = setting input x x causal rotary
        let c = Softmax.constants s
        let gain = Hyper.sizeOf input.Options "gain"
        let n = x.Shape.Tokens

        let through (source: Source, k: Constants) =
            source,
            Space.tighten
                n
                source
                { Whole = gain * (c.Own.FF * k.Whole)
                  // the query path moves token i by what token i moved, not by what all moved together
                  Token =
                    gain
                    * Bound.min
                        [ c.Own.II * k.Token
                          c.Own.FR * k.Whole
                          c.Keys.FR * k.Whole + c.Query * k.Token ]
                  Local = gain * (c.Own.II * k.Local) }

        { Space = concluded input c (x.Constants |> Map.map (fun _ k -> through k))
          Rule = "attention.dot"
          Candidates = candidates input c
          Needs = needs input s }

    let private crossRule (input: RuleInput) =
        let x = input.Input

        let memory =
            match Map.tryFind "memory" input.Reads with
            | Some m -> m
            | None -> invalidOp "the memory of a cross_attention has not been derived before it"

        let s = setting input x memory false false
        let c = Softmax.constants s
        let gain = Hyper.sizeOf input.Options "gain"
        let rootQueries = Hyper.root x.Shape.Tokens

        let through (_: string) (source: Source, k: Constants) =
            source,
            { Whole = Bound.min [ c.Keys.FF * k.Whole; rootQueries * (c.Keys.FR * k.Whole); rootQueries * (c.Keys.II * k.Token) ]
              Token = Bound.min [ c.Keys.II * k.Token; c.Keys.FR * k.Whole ]
              Local = c.Keys.II * k.Local }

        let ofMemory = memory.Constants |> Map.map through

        { Space = concluded input c (Space.addConstants input.Layer.Output (gain * c.Query) x.Constants gain ofMemory)
          Rule = "cross-attention.dot"
          Candidates = []
          Needs = needs input s }

    // ---- emission ----

    let private switch name (options: Options) = if options.Flag name then "true" else "false"

    let private common (input: EmitInput) =
        [ $"width: {input.Layer.Input.Width}"
          $"""heads: {input.Options.Count "heads"}"""
          $"""scale: {Hyper.literal (input.Options.Value "scale")}"""
          match input.Options.Value "gain" with
          | Number one when one = Rational.One -> ()
          | v -> $"gain: {Hyper.literal v}"
          $"""hasBias: {switch "bias" input.Options}""" ]

    let private emitCross (input: EmitInput) =
        let arguments = common input @ [ $"memoryWidth: {memoryWidth input.Options}" ]

        { Members =
            [ { Type = "Lips.Runtime.Modules.CrossAttention"
                Name = input.Layer.Name
                Construct = "new Lips.Runtime.Modules.CrossAttention(" + System.String.Join(", ", arguments) + ")" } ]
          Forward = fun x _ -> $"""{CSharp.identifier input.Layer.Name}.call({x}, {input.Read "memory"})""" }

    let private emit (input: EmitInput) =
        let arguments =
            common input
            @ [ if input.Options.ChoiceName "mask" = "causal" then "causal: true"
                match input.Options.Choice "position" with
                | "rotary", arguments ->
                    let channels = defaultArg (turned input.Options input.Layer.Input) 0L
                    $"""rotary: new Lips.Runtime.Modules.Rotary(channels: {channels}, wavelengths: {Hyper.literal (arguments.Value "base")})"""
                | _ -> () ]

        { Members =
            [ { Type = "Lips.Runtime.Modules.Attention"
                Name = input.Layer.Name
                Construct = "new Lips.Runtime.Modules.Attention(" + System.String.Join(", ", arguments) + ")" } ]
          Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" }

    // ---- entries ----

    let private macs (queries: int64) (keys: int64) (width: int64) (keyWidth: int64) =
        let b (n: int64) = BigInteger n
        BigInteger 2 * b queries * b width * b width + BigInteger 2 * b keys * b width * b keyWidth + BigInteger 2 * b queries * b keys * b width

    let entry: LayerKind =
        { Name = "attention"
          Summary = "multi-head softmax attention of a sequence to itself"
          Citation = "Vaswani et al. 2017; bounds derived for this calculus"
          Hyperparameters = [ heads; similarity; scale; gain; mask; position; Hyper.bias ]
          Positional = 1
          Parts = [ "qkv", [ "q"; "k"; "v" ]; "qk", [ "q"; "k" ] ]
          TakesBody = false
          Shape =
            fun options x ->
                match fits options x with
                | Ok _ when (turned options x).IsNone ->
                    Error(DoesNotFit "rotary positions turn channels in pairs: fraction times head_width must be an even whole number")
                | other -> other
          Weights = fun options x -> weights "qkv" options x.Width x.Width
          Rule = rule
          Rules = SoftmaxProofs.self
          Macs = fun _ x -> macs x.Tokens x.Tokens x.Width x.Width
          Emit = emit }

    let cross: LayerKind =
        { Name = "cross_attention"
          Summary = "multi-head softmax attention of a sequence to a memory: queries from the sequence, keys and values from the memory"
          Citation = "Vaswani et al. 2017; bounds derived for this calculus"
          Hyperparameters =
            [ heads
              { Name = "memory"
                Type = PointType
                Default = Required
                Doc = "the point whose tokens are looked at" }
              similarity
              scale
              gain
              Hyper.bias ]
          Positional = 1
          Parts = [ "qkv", [ "q"; "k"; "v" ]; "qk", [ "q"; "k" ] ]
          TakesBody = false
          Shape = fits
          Weights = fun options x -> weights "" options x.Width (memoryWidth options)
          Rule = crossRule
          Rules = SoftmaxProofs.cross
          Macs = fun options x -> macs x.Tokens (memoryLength options) x.Width (memoryWidth options)
          Emit = emitCross }
