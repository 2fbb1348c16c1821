namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = (x − mean)/std per channel, with declared numbers.
module internal Standardize =

    let private exact (v: Value) =
        match v with
        | Number n -> Some n
        | _ -> None

    /// One number per channel, or why not.
    let private perChannel (options: Options) name (width: int64) =
        match options.Value name with
        | Items items when int64 items.Length = width ->
            let known = items |> List.choose exact
            if known.Length = items.Length then Ok known else Error $"every entry of `{name}` is an exact number"
        | Items items -> Error $"`{name}` has {items.Length} entries for a width of {width}"
        | v ->
            match exact v with
            | Some n when width <= 65536L -> Ok(List.replicate (int width) n)
            | Some _ -> Error $"one `{name}` for all channels reaches widths up to 65536; this one is {width}"
            | None -> Error $"`{name}` is an exact number"

    let private shape (options: Options) (x: Shape) =
        if x.Vocabulary.IsSome then
            Error NeedsContinuous
        else
            match perChannel options "mean" x.Width, perChannel options "std" x.Width with
            | Error why, _
            | _, Error why -> Error(DoesNotFit why)
            | Ok _, Ok _ -> Ok x

    let private numbers options name width =
        match perChannel options name width with
        | Ok ns -> ns
        | Error _ -> invalidOp "the shape of this standardization was not checked"

    let private norm (v: Rational list) =
        Bound.sqrt (Bound.ofRational (v |> List.fold (fun s n -> s + n * n) Rational.Zero))

    let private rule (input: RuleInput) =
        let x = input.Input
        let mean = numbers input.Options "mean" x.Shape.Width
        let std = numbers input.Options "std" x.Shape.Width
        let least = std |> List.reduce (fun a b -> Rational.Min(a, b))
        let largest = std |> List.reduce (fun a b -> Rational.Max(a, b))
        let c = Bound.ofRational least.Inverse
        let shift = norm (List.map2 (fun m s -> m / s) mean std)

        let centre =
            x.Centre
            |> Option.map (fun (known, distance) -> List.map3 (fun k m s -> (k - m) / s) known mean std, c * distance)

        let around =
            match centre with
            | Some(known, distance) -> norm known + distance
            | None -> Bound.infinity

        // |y| ≥ (ρ − |mean|)/max std, with |mean| rounded up
        let struct (_, meanNorm) = (mean |> List.fold (fun s n -> s + n * n) Rational.Zero).SqrtEnclosure 64
        let start = (x.Lower.Start - meanNorm) / largest

        // diag(1/std) = c̄·I and at most half the difference of its entries beside it; the shift counts without its own mean
        let centredStart, centredLoss =
            let high, low = least.Inverse, largest.Inverse
            let middle, half = (high + low) / Rational.OfInt 2L, (high - low) / Rational.OfInt 2L
            let offsets = List.map2 (fun m s -> m / s) mean std
            let average = (offsets |> List.fold (+) Rational.Zero) / Rational.OfInt x.Shape.Width
            let struct (_, moved) = (offsets |> List.fold (fun sum o -> sum + (o - average) * (o - average)) Rational.Zero).SqrtEnclosure 64
            let loss = Bound.ofRational middle * x.LowerCentred.Loss
            middle * x.LowerCentred.Start - moved, (if half.Sign = 0 then loss else loss + Bound.ofRational half * x.Radius)

        { Space =
            { Space.step
                  input.Layer.Output
                  (Space.tokenwise c)
                  (Bound.min [ c * x.Radius + shift; around ])
                  (c * Windows.centred x)
                  x with
                Centre = centre
                Lower =
                    (if start.Sign > 0 then
                         { Start = start
                           Loss = Bound.ofRational largest.Inverse * x.Lower.Loss }
                     else
                         Space.noLower)
                LowerCentred = (if centredStart.Sign > 0 then { Start = centredStart; Loss = centredLoss } else Space.noLower) }
          Rule = "standardize.diagonal"
          Candidates = []
          Needs = [] }

    let entry: LayerKind =
        let list kind = OneOf [ ListType kind; kind ]

        { Name = "standardize"
          Summary = "subtract a declared mean and divide by a declared deviation, per channel"
          Citation = "a diagonal map, by definition"
          Hyperparameters =
            [ { Name = "mean"
                Type = list (RealType(None, false, None))
                Default = Required
                Doc = "what is subtracted, one number per channel or one for all" }
              { Name = "std"
                Type = list (RealType(Some Rational.Zero, true, None))
                Default = Required
                Doc = "what is divided by, one number per channel or one for all" } ]
          Positional = 0
          Parts = []
          TakesBody = false
          Shape = shape
          Weights = fun _ _ -> []
          Rule = rule
          Rules =
            [ { Name = "standardize.diagonal"
                Statement =
                  "With c = 1/min std: LF = LM = LI = c; R' = min(c·R + |mean/std|, |centre'| + c·r_known); r' = c·r; a known centre k \
                   becomes (k − mean)/std, known within c times its distance; ρ' = (ρ − |mean|)/max std; ρ_c' = c̄·ρ_c − h·R − |mean/std − its mean|, c̄ and h half the sum \
                   and half the difference of the largest and the least 1/std"
                Domain = "none"
                Proof =
                  "A diagonal map with entries 1/std_c > 0 and a constant: |diag(1/std)·v| is between |v|/max std and |v|/min std. The \
                   image of a centre is the centre of the image; R' is the triangle inequality, from the origin or from the known \
                   centre; |x − mean| ≥ |x| − |mean|. diag(1/std) − c̄·I has entries of at most h, and subtracting a token's mean is \
                     linear and shortens, so what remains of y is at least c̄ times what remains of x, less h·|x| and what remains \
                     of mean/std. Equality: a change in the channel of the smallest deviation."
                Citation = "definition of the operator norm"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let width = input.Layer.Input.Width

                { Members =
                    [ { Type = "Lips.Runtime.Modules.Standardize"
                        Name = input.Layer.Name
                        Construct =
                          $"""new Lips.Runtime.Modules.Standardize(mean: {CSharp.numbers (numbers input.Options "mean" width)}, """
                          + $"""std: {CSharp.numbers (numbers input.Options "std" width)})""" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
