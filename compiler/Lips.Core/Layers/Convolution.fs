namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// conv1d and conv2d: one kernel that slides over the tokens of a grid.
module internal Convolution =

    let private modes =
        [ "zeros", Zeros, "zeros beyond the border"
          "circular", Circular, "the grid repeats"
          "reflect", Reflect, "the grid is mirrored at its border tokens, which are not repeated"
          "replicate", Replicate, "the border tokens go on" ]

    let private axesOf (options: Options) (grid: Grid) =
        let sizes = Windows.sizes grid
        let count = sizes.Length
        let mode = modes |> List.pick (fun (n, m, _) -> if n = options.ChoiceName "padding_mode" then Some m else None)
        let pick name = Windows.perAxis options name count
        let numbers = [ pick "kernel"; pick "stride"; pick "padding"; pick "dilation" ]

        if numbers |> List.exists (fun n -> n.Length <> count) then
            Error(DoesNotFit $"kernel, stride, padding and dilation are one number, or one for each of the {count} axes")
        elif numbers |> List.concat |> List.exists (fun n -> n > Windows.largest) then
            Error(DoesNotFit $"kernel, stride, padding and dilation are at most {Windows.largest}")
        else
            Ok
                [ for i in 0 .. count - 1 ->
                      { Size = sizes[i]
                        Kernel = numbers[0][i]
                        Stride = numbers[1][i]
                        Padding = numbers[2][i]
                        Dilation = numbers[3][i]
                        Mode = mode } ]

    let private axes options grid =
        match axesOf options grid with
        | Ok a -> a
        | Error _ -> invalidOp "the shape of this convolution was not checked"

    let private shape axisCount wanted (options: Options) (x: Shape) =
        let channels, groups = options.Count "channels", options.Count "groups"

        if x.Vocabulary.IsSome then
            Error NeedsContinuous
        elif (Windows.sizes x.Grid).Length <> axisCount then
            Error(NeedsGrid wanted)
        elif x.Width % groups <> 0L then
            Error(Indivisible("input width", x.Width, "groups", groups))
        elif channels % groups <> 0L then
            Error(Indivisible("channels", channels, "groups", groups))
        else
            axesOf options x.Grid
            |> Result.bind (fun axes ->
                let fault =
                    List.zip axes (Windows.axisNames axisCount)
                    |> List.tryPick (fun (a, name) ->
                        if a.Mode = Reflect && a.Padding >= a.Size then
                            Some(DoesNotFit $"reflected padding must be smaller than the {name}, {a.Size}; it is {a.Padding}")
                        elif a.Mode = Circular && a.Padding > a.Size then
                            Some(DoesNotFit $"circular padding is at most the {name}, {a.Size}; it is {a.Padding}")
                        elif not (Windows.fits a) then
                            let span = a.Dilation * (a.Kernel - 1L) + 1L
                            let dilated = if a.Dilation = 1L then string a.Kernel else $"{a.Kernel} with dilation {a.Dilation}, which spans {span},"
                            Some(KernelTooLarge(dilated, $"the padded {name}, {a.Size + 2L * a.Padding}"))
                        else
                            None)

                match fault with
                | Some fault -> Error fault
                | None -> Ok { x with Width = channels; Grid = Windows.gridOf (axes |> List.map Windows.outputs) })

    let private kernelShape (options: Options) (x: Shape) =
        options.Count "channels" :: x.Width / options.Count "groups" :: (axes options x.Grid |> List.map (fun a -> a.Kernel))

    let private weights (options: Options) (x: Shape) =
        [ Weights.kernel "weight" "weight" (kernelShape options x)
          if options.Flag "bias" then
              Weights.bias "bias" "bias" (options.Count "channels") ]

    let private rule (input: RuleInput) =
        let x = input.Input
        let groups = input.Options.Count "groups"
        let axes = axes input.Options x.Shape.Grid
        let coverage, repeats = Windows.coverage axes, Windows.repeats axes
        let taps, surrounding = Windows.taps axes, Windows.surrounding axes
        let capsOperator = input.Weight "weight" |> Option.exists Weights.capsOperator

        // where no input is read more often than the surroundings copy it, the reshape's rule is never the larger one
        let operator =
            if capsOperator || coverage > surrounding then
                input.Name "operator norm of weight" (input.Measure Functional.OperatorNorm "weight")
            else
                Bound.infinity

        let reshape =
            let spectral = input.Measure Functional.SpectralNorm "weight"

            let row =
                if groups = 1L then Bound.infinity
                else Windows.root (input.Options.Count "channels" / groups) * input.Measure Functional.LargestRow "weight"

            input.Name "σ(weight)" (Bound.min [ spectral; operator; row ])

        let b = input.MeasureOrZero Functional.VectorNorm "bias"
        let whole = Bound.min [ Windows.root coverage * reshape; Windows.root surrounding * operator ]
        let row = Bound.min [ Windows.root repeats * reshape; whole ]
        let allTaps = axes |> List.fold (fun p a -> p * a.Kernel) 1L
        let anyTaps = Windows.root allTaps

        // known of given weights: a cap on the reshape says no more about the taps' sum than about √k times the reshape
        let byTaps =
            if allTaps = 1L then Bound.infinity
            else input.Name "sum of the taps' norms" (input.Measure Functional.TapNorms "weight")

        let local = Bound.min [ Windows.root taps * reshape; byTaps ]
        let spread = Bound.min [ anyTaps * reshape; byTaps ]
        let half = Bound.ofQuotient 1L 2L

        let centred =
            let r = Windows.centred x

            if axes |> List.exists (fun a -> a.Mode = Zeros && a.Padding > 0L) then
                Bound.min [ local * x.Radius; spread * half * (r + x.Radius) ]
            else
                spread * r

        { Space = Space.step input.Layer.Output { FF = whole; FR = row; II = local } (local * x.Radius + b) centred x
          Rule = "convolution.reshape"
          Candidates =
            [ "convolution.reshape", Windows.root coverage * reshape
              if operator <> Bound.infinity then
                  "convolution.operator", Windows.root surrounding * operator
              if byTaps <> Bound.infinity then
                  "convolution.reshape (token to token)", Windows.root taps * reshape
                  "convolution.taps (token to token)", byTaps ]
          Needs =
            [ Weights.needed input "weight"
                { Value = reshape
                  Why = "its kernel has no cap, so its spectral norm may grow without limit"
                  Fix = "give it one: `constraint: spectral_cap(1)`, here or in a `weights(...)` above" } ] }

    let private rules =
        [ { Name = "convolution.reshape"
            Statement =
              "With σ the spectral norm of the kernel reshaped to out × (in/groups · taps), groups taken apart: \
               LF = σ·√cnt, F → token: σ·√rep, LI = σ·√taps; R' = σ·√taps·R + |b|; r' = σ·√k·r, and with zeros beyond the border \
               min(σ·√taps·R, σ·√k·(r+R)/2). cnt, rep and taps are products over the axes: cnt the largest number of pairs \
               (output o, tap t) whose padded position o·s + t·g copies one input, rep the same within one window, taps the \
               largest number of taps of a window that copy any input; k counts all taps."
            Domain = "none"
            Proof =
              "The convolution is W ∘ U: U copies the padded grid into windows, W applies the reshaped kernel to each window. \
               Every row of U has at most one 1, so UᵀU is diagonal, and its entry at input x counts the (output, tap) pairs \
               that copy x; positions of the two axes are independent, so the largest entry is the product of the axes' largest \
               entries, cnt. W acts on every window by itself, hence |y|_F ≤ σ·|Ux|_F ≤ σ·√cnt·|x|_F. One output reads one \
               window, in which an input appears at most rep times: |y_o| ≤ σ·√rep·|x|_F; and the window holds at most `taps` \
               tokens, each at most |x|_TM: |y_o| ≤ σ·√taps·|x|_TM, which with the triangle inequality gives R'. Groups read \
               disjoint channels: the map is block diagonal, so σ is the largest of the groups' norms; that is at most the norm \
               of the stacked reshape, and at most √(out/groups) times its largest row. \
               r': let every token lie within r of c. Where padding copies tokens, every window lies within √k·r of (c, …, c), \
               and W is linear. Zeros beyond the border are constant tokens 0: with |c| ≤ R the point λc, λ|c| = (r+|c|)/2 if \
               |c| ≥ r and λ = 1 otherwise, is within (r+R)/2 of every token and of 0; alternatively every window has norm at \
               most √taps·R. b translates all tokens alike. \
               Equality: an orthonormal reshape (out ≥ in·k) makes W an isometry of windows, and the input that is most often \
               read gives √cnt; a window of equal tokens along the top singular vector gives √taps."
            Citation = "derived here; compare the factor √k of Tsuzuku, Sato and Sugiyama 2018 for stride 1 and zeros"
            Tightness = 1.00M }
          { Name = "convolution.operator"
            Statement =
              "With S the norm of the stride-1 convolution on the unbounded lattice: LF ≤ S·√sur, and S takes the place of σ \
               wherever it is smaller. sur is a product over the axes: 1 for zeros, ⌈(n+2p−(k−1)g)/n⌉ for circular, the largest \
               number of copies of one input along the padded axis for reflect (at most 3) and replicate (p+1; 2p+1 at n = 1)."
            Domain = "none"
            Proof =
              "Without padding or with zeros, the layer embeds the grid in the lattice, convolves, and keeps some outputs: the \
               first and last step have norm 1. Dilation by g replaces the symbol Ŵ(ω) by Ŵ(gω), with the same supremum S over \
               ω; a stride drops outputs. Reflect and replicate first apply the copying matrix of the padded grid, one 1 in \
               each row, whose squared norm is the largest number of copies of one input, and then the unpadded convolution. \
               Circular: output o equals the periodic convolution of Z_n at o−p mod n, whose norm is the largest |Ŵ| over n-th \
               roots of unity, at most S, however the kernel wraps; the n+2p−(k−1)g stride-1 outputs meet each residue at most \
               ⌈(n+2p−(k−1)g)/n⌉ times per axis, and a stride keeps some of them. A single window of the lattice has norm σ, so \
               σ ≤ S. Equality: S is approached by growing grids."
            Citation = "Sedghi, Gupta and Long 2019 (symbols of circular convolutions); the padding factors are derived here"
            Tightness = 0.98M }
          { Name = "convolution.taps"
            Statement =
              "With T = Σ_t |W_t|, W_t the out × in matrix of tap t: LI ≤ T, R' ≤ T·R + |b|, and r' ≤ T·r, or T·(r+R)/2 with zeros \
               beyond the border. |W_t| of groups is the largest of theirs."
            Domain = "none; for given weights: a cap c on the reshape says no more of T than k·c, and √k·c is less"
            Proof =
              "Output o is Σ_t W_t·x_{o,t} + b, where x_{o,t} is a token of the padded grid: one of the input's or 0. By the triangle \
               inequality |Δy_o| ≤ Σ_t |W_t|·|Δx_{o,t}| ≤ T·|Δx|_TM, and |y_o| ≤ T·R + |b|. Around c the outputs lie around \
               Σ_t W_t·c + b: T times how far tokens, and zeros where there are any, lie from c, which as for convolution.reshape may be \
               taken as (r+R)/2. Groups read disjoint channels: W_t is block diagonal, of norm max_g|W_{t,g}|. Neither this nor \
               √k·σ is the less of both for all kernels: σ ≤ √Σ|W_t|² and T ≤ √k·√Σ|W_t|², with equality in the one for taps along one output direction and in the other \
               for taps of equal norms. Equality: every tap's top right singular vector may be chosen by itself, and with a common top left one the sum is reached."
            Citation = "triangle inequality; Singla and Feizi 2021 (reshapes) compare"
            Tightness = 1.00M } ]

    let private macs (options: Options) (x: Shape) =
        let outputs = axes options x.Grid |> List.fold (fun p a -> p * BigInteger(Windows.outputs a)) BigInteger.One
        kernelShape options x |> List.fold (fun p d -> p * BigInteger d) outputs

    let private entry name axisCount wanted kernelType summary : LayerKind =
        let two = (axisCount = 2)

        { Name = name
          Summary = summary
          Citation = "operator norm of the reshaped kernel times the coverage of its windows; symbol of the convolution"
          Hyperparameters =
            [ { Name = "channels"
                Type = CountType
                Default = Computed("the width of the input", (fun _ x -> Hyper.ofInt x.Width))
                Doc = "width of the output" }
              Windows.hyper two CountType "kernel" Required "taps of the kernel"
              Windows.hyper two CountType "stride" (Windows.natural 1L) "distance between neighbouring windows"
              Windows.hyper two NaturalType "padding" (Windows.natural 0L) "tokens added at each end of an axis"
              Hyper.choiceOr "zeros" [ for n, _, doc in modes -> Hyper.alternative n doc [] ] "padding_mode" "what the added tokens are"
              Windows.hyper two CountType "dilation" (Windows.natural 1L) "distance between neighbouring taps"
              Hyper.countOr 1L "groups" "channels are split into this many groups that do not mix"
              Hyper.bias ]
          Positional = 2
          Parts = []
          TakesBody = false
          Shape = shape axisCount wanted
          Weights = weights
          Rule = rule
          Rules = rules
          Macs = macs
          Emit =
            fun input ->
                let o = input.Options
                let per name = CSharp.integers (Windows.perAxis o name axisCount)

                { Members =
                    [ { Type = kernelType
                        Name = input.Layer.Name
                        Construct =
                          $"new {kernelType}(inputWidth: {input.Layer.Input.Width}, outputWidth: {input.Layer.Output.Width}, "
                          + $"""kernel: {per "kernel"}, stride: {per "stride"}, padding: {per "padding"}, """
                          + $"""paddingMode: PaddingModes.{CSharp.pascal (o.ChoiceName "padding_mode")}, """
                          + $"""dilation: {per "dilation"}, groups: {o.Count "groups"}, hasBias: {CSharp.flag (o.Flag "bias")})""" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }

    let conv1d = entry "conv1d" 1 "a row of tokens" "Lips.Runtime.Modules.Convolution" "a convolution along a row of tokens"
    let conv2d = entry "conv2d" 2 "a height × width map" "Lips.Runtime.Modules.Convolution" "a convolution over a map of tokens"
