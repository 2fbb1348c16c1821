namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// How attention knows where its tokens lie: turned queries and keys, a learned bias of the logits, or a depthwise
/// convolution beside the heads.
[<RequireQualifiedAccess>]
module internal AttentionPosition =

    let hyperparameter =
        Hyper.choiceOr
            "none"
            [ Hyper.alternative "none" "attention does not depend on positions" []
              Hyper.alternative
                  "rotary"
                  "pairs of query and key channels are turned by angles that grow with the position (Su et al. 2021)"
                  [ Hyper.positiveOr (Rational.OfInt 10000L) "base" "ratio of the longest to the shortest wavelength"
                    { Name = "fraction"
                      Type = RealType(Some Rational.Zero, true, Some Rational.One)
                      Default = Default(Hyper.ofInt 1L)
                      Doc = "share of a head's channels that is turned" } ]
              Hyper.alternative
                  "relative_bias"
                  "a learned number for every head and offset of two tokens is added to their logit (Liu et al. 2021)"
                  []
              Hyper.alternative
                  "lepe"
                  "a depthwise convolution of the values, inside every set of tokens, is added to the heads' output (Dong et al. 2022)"
                  [ Hyper.count "kernel" "taps of the convolution along an axis; odd" ] ]
            "position"
            "how attention depends on positions"

    let private kernel (options: Options) =
        match options.Choice "position" with
        | "lepe", arguments -> Some(arguments.Count "kernel")
        | _ -> None

    /// Height and width of the sets of tokens, for every share of the heads.
    let private rectangles options (x: Shape) =
        match Visibility.rectangles options x, x.Grid with
        | [], Map(height, width) -> [ height, width ]
        | [], _ -> [ 1L, x.Tokens ]
        | given, _ -> given

    // ---- shapes and weights ----

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
        let partition = options.ChoiceName "partition"

        match options.ChoiceName "position", x.Grid with
        | "rotary", _ when partition <> "full" ->
            Error(DoesNotFit "rotary positions go with `partition: full` only: they count tokens in a row")
        | "rotary", _ when (turned options x).IsNone ->
            Error(DoesNotFit "rotary positions turn channels in pairs: fraction times head_width must be an even whole number")
        | "relative_bias", Single -> Error(NeedsGrid "a row or a map of tokens")
        | "relative_bias", _ when partition = "cross" ->
            Error(DoesNotFit "relative biases do not go with `partition: cross`: stripes of the two directions have different offsets; write `lepe`")
        | "lepe", (Single | Row _) -> Error(NeedsGrid "a height × width map")
        | "lepe", _ when Visibility.shift options > 0L ->
            Error(DoesNotFit "lepe goes with windows that are not shifted: in those its convolution would join both ends of the map")
        | "lepe", _ when (kernel options).Value % 2L = 0L ->
            Error(DoesNotFit $"the kernel of lepe, {(kernel options).Value}, must be odd, so that its middle lies on the token")
        | "lepe", _ when (kernel options).Value > Windows.largest -> Error(DoesNotFit $"the kernel of lepe is at most {Windows.largest}")
        | _ -> Ok()

    let weights (options: Options) (x: Shape) =
        match options.Choice "position", rectangles options x with
        | ("relative_bias", _), (height, width) :: _ ->
            [ Weights.table "bias_table" "bias_table" ((2L * height - 1L) * (2L * width - 1L)) (options.Count "heads") ]
        | ("lepe", arguments), _ ->
            let k = arguments.Count "kernel"
            [ Weights.kernel "lepe" "lepe" [ x.Width; 1L; k; k ]
              if options.Flag "bias" then Weights.bias "lepe_bias" "lepe_bias" x.Width ]
        | _ -> []

    // ---- rules ----

    /// The largest size of what is added to a logit.
    let largest (input: RuleInput) = input.MeasureOrZero Functional.LargestEntry "bias_table"

    /// T: the spread of what is added to the logits of a row.
    let spread (input: RuleInput) =
        if input.HasWeight "bias_table" then
            input.Name "spread of the bias" (Bound.ofInt 2 * largest input)
        else
            Bound.zero

    let private axes (k: int64) (height, width) =
        [ for size in [ height; width ] ->
              { Size = size
                Kernel = k
                Stride = 1L
                Padding = k / 2L
                Dilation = 1L
                Mode = Zeros } ]

    /// The paths with the convolution of the values beside them; `stacked` is the norm of the values of all heads, `shared` how many
    /// heads read the same value head.
    let beside (input: RuleInput) (stacked: Bound) (shared: int64) (paths: AttentionPaths) : AttentionPaths * Need list =
        match kernel input.Options with
        | None -> paths, []
        | Some k ->
            let x = input.Input
            let sets = rectangles input.Options x.Shape |> List.map (axes k)
            let most count = sets |> List.map count |> List.max
            let coverage = Windows.root (most Windows.coverage)
            let capsOperator = input.Weight "lepe" |> Option.exists Weights.capsOperator

            let operator =
                if capsOperator || coverage <> Bound.one then
                    input.Name "operator norm of lepe" (input.Measure Functional.OperatorNorm "lepe")
                else
                    Bound.infinity

            let channel = input.Name "largest channel of lepe" (Bound.min [ input.Measure Functional.LargestRow "lepe"; operator ])
            let out = input.Measure Functional.SpectralNorm "out"
            let values = out * stacked
            let whole = Bound.min [ coverage * channel; operator ]
            let byTaps = if k = 1L then Bound.infinity else input.Name "sum of lepe's taps" (input.Measure Functional.TapNorms "lepe")
            let local = input.Name "lepe, token to token" (Bound.min [ Windows.root (most Windows.taps) * channel; byTaps ])
            let everyTap = input.Name "lepe, all taps" (Bound.min [ Bound.ofInt64 k * channel; byTaps ])
            let gain = { FF = values * whole; FR = values * channel; II = values * local }
            let plus (a: Gain) = { FF = a.FF + gain.FF; FR = a.FR + gain.FR; II = a.II + gain.II }
            let bias = Hyper.root shared * input.MeasureOrZero Functional.VectorNorm "v_bias"
            let radius, centred = stacked * x.Radius + bias, stacked * x.Centred

            let spread =
                if k = 1L then channel * centred
                else Bound.min [ local * radius; everyTap * (Bound.ofQuotient 1L 2L * (centred + radius)) ]

            { paths with
                Keys = plus paths.Keys
                Own = plus paths.Own
                Radius = paths.Radius + gain.II * x.Radius
                Shift = paths.Shift + out * (local * bias + input.MeasureOrZero Functional.VectorNorm "lepe_bias")
                Centred = paths.Centred + out * spread
                Candidates = [ for name, bound in paths.Candidates -> name, bound + gain.II ] },
            [ { Value = channel
                Why = "its weight 'lepe' has no cap, so a channel of its convolution may grow without limit"
                Fix = "give it one: `lepe.constraint: spectral_cap(1)`, or `weights of kernel (constraint: spectral_cap(1))` above" } ]

    let rules: RuleDoc list =
        [ { Name = "attention.lepe"
            Statement =
              "With `lepe(k)` every constant of the heads grows by |gain|·|O|·|V|·ℓ: ℓ = w·√cov (or the operator norm of the convolution, if that is less) from F to F, w from F to one token, \
               w·√taps from token-max to token-max; w the largest ℓ2 norm of a channel's kernel, cov and taps the products over the axes of the windows \
               that read a token and of the taps that read one; of given weights T, the sum over the taps of their largest entries, takes the place of w·√taps and of w·k where it is less. R' grows by |gain|·|O|(w·√taps·(|V|R + |b_v|) + |b|), r' by \
               |gain|·|O|·min(w·√taps·(|V|R + |b_v|), w·k·(|V|r + |V|R + |b_v|)/2), and by |gain|·|O|·w·|V|r for k = 1"
            Domain = "none beyond that of the heads"
            Proof =
              "The layer's output is O(heads + c), c the depthwise convolution of the values V x + b_v inside every set of tokens, with zeros beyond its \
               border. The derivative is the sum of both, so every norm of it is at most the sum of the norms. Sets are disjoint, channels are disjoint, and \
               the convolution of one channel in one set obeys convolution.reshape with σ the norm of its kernel as one row: from F to F w·√cov, from F to \
               one token w (a tap reads every token once), from token-max to token-max w·√taps; composed with V and O; T is that of convolution.taps, a tap's matrix being diagonal. Where heads share values |V| is that of \
               the values as often as they are read. R' and r' are those of a zero-padded convolution of tokens within |V|R + |b_v| of 0 and |V|r of a point; \
               its own bias moves all tokens alike. For stripes of two directions the larger cov and taps hold for both. \
               Equality: logits that are equal, a kernel of equal positive taps, and tokens that all move alike."
            Citation = "Dong et al. 2022, arXiv 2107.00652, section 3.3 (the layer); the constant is derived here"
            Tightness = 1.00M } ]

    // ---- cost and emission ----

    let macs (options: Options) (x: Shape) =
        match kernel options with
        | Some k -> BigInteger x.Tokens * BigInteger x.Width * BigInteger k * BigInteger k
        | None -> BigInteger.Zero

    /// Whether the module must know the rectangles even where they are the whole grid.
    let needsRectangles (options: Options) = (match options.ChoiceName "position" with "relative_bias" | "lepe" -> true | _ -> false)

    let arguments (options: Options) (x: Shape) =
        [ match options.Choice "position" with
          | "rotary", arguments ->
              $"""rotary: new Lips.Runtime.Modules.Rotary(channels: {defaultArg (turned options x) 0L}, wavelengths: {Hyper.literal (arguments.Value "base")})"""
          | "relative_bias", _ -> "relativeBias: true"
          | "lepe", arguments -> $"""lepe: {arguments.Count "kernel"}"""
          | _ -> () ]
