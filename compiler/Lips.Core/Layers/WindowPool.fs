namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// avg_pool and max_pool: windows that slide over the tokens of a grid.
module internal WindowPool =

    let private axesOf (options: Options) (grid: Grid) =
        let sizes = Windows.sizes grid
        let count = sizes.Length
        let kernel = Windows.perAxis options "kernel" count
        let stride = if options.Has "stride" then Windows.perAxis options "stride" count else kernel
        let padding = Windows.perAxis options "padding" count

        if [ kernel; stride; padding ] |> List.exists (fun n -> n.Length <> count) then
            Error(DoesNotFit $"kernel, stride and padding are one number, or one for each of the {count} axes")
        elif [ kernel; stride; padding ] |> List.concat |> List.exists (fun n -> n > Windows.largest) then
            Error(DoesNotFit $"kernel, stride and padding are at most {Windows.largest}")
        else
            Ok
                [ for i in 0 .. count - 1 ->
                      { Size = sizes[i]
                        Kernel = kernel[i]
                        Stride = stride[i]
                        Padding = padding[i]
                        Dilation = 1L
                        Mode = Zeros } ]

    let private axes options grid =
        match axesOf options grid with
        | Ok a -> a
        | Error _ -> invalidOp "the shape of this pooling was not checked"

    let private shape (options: Options) (x: Shape) =
        if x.Vocabulary.IsSome then
            Error NeedsContinuous
        elif x.Grid = Single then
            Error(NeedsGrid "a row or a map of tokens")
        else
            axesOf options x.Grid
            |> Result.bind (fun axes ->
                match axes |> List.tryFind (fun a -> 2L * a.Padding > a.Kernel || not (Windows.fits a)) with
                | Some a when 2L * a.Padding > a.Kernel ->
                    Error(DoesNotFit $"padding is at most half the kernel, so that every window holds a token; it is {a.Padding} for {a.Kernel}")
                | Some a -> Error(KernelTooLarge(string a.Kernel, $"{a.Size} tokens with {a.Padding} added at each end"))
                | None -> Ok { x with Grid = Windows.gridOf (axes |> List.map Windows.outputs) })

    let private maxRule (input: RuleInput) =
        let x = input.Input
        let axes = axes input.Options x.Shape.Grid
        let c = Windows.root (min (Windows.taps axes) x.Shape.Width)
        let whole = Windows.root (Windows.coverage axes)

        { Space =
            Space.step input.Layer.Output { FF = whole; FR = Bound.one; II = c } (c * x.Radius) (c * Windows.centred x) x
          Rule = "max_pool.coverage"
          Candidates = []
          Needs = [] }

    let private averageRule (input: RuleInput) =
        let x = input.Input
        let axes = axes input.Options x.Shape.Grid
        let counting = input.Options.Flag "count_padding"

        let row, column, squares =
            axes
            |> List.map (fun a -> Windows.averaging a counting)
            |> List.fold (fun (r, c, s) (r', c', s') -> r * r', c * c', s * s') (Rational.One, Rational.One, Rational.One)

        let r = Windows.centred x
        let padded = counting && axes |> List.exists (fun a -> a.Padding > 0L)
        let local = Bound.ofRational row
        let centred = if padded then Bound.ofQuotient 1L 2L * (r + x.Radius) else r

        { Space =
            { Space.step
                  input.Layer.Output
                  { FF = Bound.sqrt (Bound.ofRational (row * column))
                    FR = Bound.sqrt (Bound.ofRational squares)
                    II = local }
                  (local * x.Radius)
                  centred
                  x with
                Centre = (if padded then None else x.Centre) }
          Rule = "avg_pool.schur"
          Candidates = []
          Needs = [] }

    let private maxDoc: RuleDoc =
        { Name = "max_pool.coverage"
          Statement =
            "LF = √cnt, F → token: 1, LI = √min(taps, d); R' = √min(taps, d)·R; r' = √min(taps, d)·r. cnt is the product over the \
             axes of the largest number of windows that hold one input, taps that of the largest number of inputs in a window"
          Domain = "none"
          Proof =
            "In each channel |max a − max b| ≤ max|a − b| over the window. Within one window the squares sum to at most the sum over \
             its inputs, so F → token is 1; summed over windows each input counts at most cnt times. With every token's difference \
             at most m, one output's squares sum to at most taps·m² (each channel picks one tap) and to at most d·m². Padding \
             only deletes. Max commutes with a common shift, which gives r'. Equality: taps that lead in different channels."
          Citation = "derived here"
          Tightness = 1.00M }

    let private averageDoc: RuleDoc =
        { Name = "avg_pool.schur"
          Statement =
            "With A the averaging matrix of an axis, and products over the axes: LF = √(max row sum · max column sum), F → token = \
             largest ℓ2 norm of a row, LI = max row sum ≤ 1; R' = LI·R; r' = r, and (r+R)/2 where padded zeros are counted"
          Domain = "none"
          Proof =
            "The pooling is A_h ⊗ A_w on every channel. Schur's test gives |A|₂ ≤ √(|A|_∞·|A|₁) per axis; norms of Kronecker factors \
             multiply. One output is Σ_j A_ij x_j: by Cauchy and Schwarz at most the row's ℓ2 norm times |X|_F, by the triangle \
             inequality at most its sum times |X|_TM. Row sums are 1 unless padding is counted: then an output is a weighted mean \
             of tokens in a ball. With counted zeros, 0 is one more token; the point λc of the convolution's rule is within \
             (r+R)/2 of all. Equality: windows that do not overlap."
          Citation = "Schur's test"
          Tightness = 1.00M }

    let private entry name summary averages (rule: RuleInput -> Judgement) (doc: RuleDoc) : LayerKind =
        { Name = name
          Summary = summary
          Citation = doc.Citation
          Hyperparameters =
            [ Windows.hyper true CountType "kernel" Required "side of a window"
              Windows.hyper true CountType "stride" Absent "distance between neighbouring windows; the kernel if left out"
              Windows.hyper true NaturalType "padding" (Windows.natural 0L) "tokens added at each end of an axis"
              if averages then
                  Hyper.flag true "count_padding" "divide by the whole window's size where it reaches into the padding" ]
          Positional = 2
          Parts = []
          TakesBody = false
          Shape = shape
          Weights = fun _ _ -> []
          Rule = rule
          Rules = [ doc ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let axes = axes input.Options input.Layer.Input.Grid
                let per f = CSharp.integers (axes |> List.map f)
                let kind = if averages then "AveragePool" else "MaxPool"
                let counting = if averages then $""", countPadding: {CSharp.flag (input.Options.Flag "count_padding")}""" else ""

                { Members =
                    [ { Type = "Lips.Runtime.Modules." + kind
                        Name = input.Layer.Name
                        Construct =
                          $"new Lips.Runtime.Modules.{kind}(kernel: {per (fun a -> a.Kernel)}, "
                          + $"stride: {per (fun a -> a.Stride)}, padding: {per (fun a -> a.Padding)}{counting})" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }

    let average = entry "avg_pool" "the mean of each window of tokens" true averageRule averageDoc
    let max = entry "max_pool" "the largest value of each channel in each window of tokens" false maxRule maxDoc
