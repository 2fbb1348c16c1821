namespace Lips.Core.Layers

open Lips.Core

/// What the normalization kinds share: their learned gain and bias, and how they read.
module internal Normalization =

    let eps: Hyperparameter =
        Hyper.positiveOr
            (Hyper.ratio 1L 100000L)
            "eps"
            "added under the root; above 0, for without it no finite Lipschitz constant exists"

    let affine = Hyper.flag true "affine" "multiply each channel by a learned gain"

    /// `bias` follows `affine` unless it is set.
    let bias: Hyperparameter =
        { Name = "bias"
          Type = FlagType
          Default = Computed("the value of `affine`", (fun before _ -> before |> List.find (fun (n, _) -> n = "affine") |> snd))
          Doc = "add a learned bias vector; needs the gain" }

    /// The least rational known to be at most the hyperparameter, for where it divides.
    let least (options: Options) name =
        match (options.Value name).Lower with
        | Some n -> n
        | None -> invalidOp $"'{name}' is not a number"

    /// What eps is added to: the variance, under the root, or the deviation, which is the root itself.
    type Place =
        | Smooth
        | Added

    /// Where eps is added, and eps.
    let epsilon (options: Options) =
        match options.Value "eps" with
        | Choice(_, _) -> Added, (snd (options.Choice "eps")).Value "eps"
        | number -> Smooth, number

    /// √(t²/d + eps) or t/√d + eps, rounded up.
    let divisor (input: RuleInput) (t: Rational) =
        let width = Rational.OfInt input.Input.Shape.Width
        let place, eps = epsilon input.Options
        let eps = Hyper.upper eps
        let root (n: Rational) = (let struct (_, above) = n.SqrtEnclosure 64 in above)

        match place with
        | Smooth -> root (t * t / width + eps)
        | Added -> root (t * t / width) + eps

    /// 1/√eps
    let inverseRoot (eps: Rational) = Bound.sqrt (Bound.ofRational eps.Inverse)

    /// The reciprocal of the divisor at 0: 1/√eps or 1/eps.
    let steepest (options: Options) =
        match epsilon options with
        | Smooth, eps -> inverseRoot (Hyper.lower eps)
        | Added, eps -> Bound.ofRational (Hyper.lower eps).Inverse

    /// ρ after dividing by it: t over the divisor grows with t, and ever slower, so that a loss counts at most as at 0.
    let lower (input: RuleInput) (l: LowerRadius) : LowerRadius =
        if l.Start.Sign <= 0 then
            Space.noLower
        else
            { Start = l.Start / divisor input l.Start
              Loss = steepest input.Options * l.Loss }

    let gainWeights (options: Options) (width: int64) =
        [ if options.Flag "affine" then Weights.gain "gain" "weight" width
          if options.Flag "affine" && options.Has "bias" && options.Flag "bias" then Weights.bias "bias" "bias" width ]

    /// max|gain|; 1 without one.
    let gain (input: RuleInput) =
        if input.HasWeight "gain" then input.Name "max|gain|" (input.Measure Functional.LargestEntry "gain") else Bound.one

    let offset (input: RuleInput) = input.MeasureOrZero Functional.VectorNorm "bias"

    let needGain (g: Bound) =
        { Value = g
          Why = "its gain has no cap, so a channel may be stretched without limit"
          Fix = "give it one: `gain.constraint: max_cap(1)`, or `weights of gain (constraint: max_cap(1))` above" }

    /// The radius after dividing by √(|x|²/d + eps): both √d and R/√eps.
    let radius (width: int64) (eps: Rational) (r: Bound) =
        Bound.min [ Bound.sqrt (Bound.ofInt64 width); inverseRoot eps * r ]

    let shape (options: Options) (x: Shape) =
        if x.Vocabulary.IsSome then
            Error NeedsContinuous
        elif options.Has "bias" && options.Flag "bias" && not (options.Flag "affine") then
            Error(DoesNotFit "`bias: true` needs `affine: true`: there is no bias without the gain")
        else
            Ok x

    let hasBias (options: Options) = options.Flag "affine" && options.Flag "bias"
    let call (layer: Layer) = fun x (_: string option) -> $"{CSharp.identifier layer.Name}.call({x})"
