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

    /// 1/√eps
    let inverseRoot (eps: Rational) = Bound.sqrt (Bound.ofRational eps.Inverse)

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
