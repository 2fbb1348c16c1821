module Lips.Core.Tests.ConvolutionTests

open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private row n width = Shape.Of(Row n, width)
let private map h w width = Shape.Of(Map(h, w), width)

/// The input each position of the padded axis copies, written down as a list; None where it is zero.
let private padded (n: int) (p: int) mode =
    let x = [| 0 .. n - 1 |]

    let before, after =
        match mode with
        | "zeros" -> Array.create p None, Array.create p None
        | "circular" -> Array.map Some x[n - p ..], Array.map Some x[.. p - 1]
        | "reflect" -> Array.map Some (Array.rev x[1..p]), Array.map Some (Array.rev x[n - 1 - p .. n - 2])
        | "replicate" -> Array.create p (Some 0), Array.create p (Some(n - 1))
        | other -> failwith other

    Array.concat [ before; Array.map Some x; after ]

let private windows (n, k, s, p, g, mode) =
    let line = padded n p mode
    [ for start in 0..s .. line.Length - 1 - g * (k - 1) -> [ for t in 0 .. k - 1 -> line[start + g * t] ] ]

let private most windows =
    windows |> List.concat |> List.choose id |> List.countBy id |> List.fold (fun m (_, c) -> max m c) 0

let private configurations =
    [ for n in 1..7 do
          for k in 1..5 do
              for s in 1..4 do
                  for p in 0..4 do
                      for g in 1..3 do
                          for mode in [ "zeros"; "circular"; "reflect"; "replicate" ] do
                              let allowed = (match mode with "circular" -> p <= n | "reflect" -> p < n | _ -> true)
                              if allowed && n + 2 * p - g * (k - 1) >= 1 then n, k, s, p, g, mode ]

let private options (k: int, s: int, p: int, g: int, mode) =
    [ "kernel", count (int64 k); "stride", count (int64 s); "padding", count (int64 p)
      "dilation", count (int64 g); "padding_mode", choice mode ]

let private unit = [ Functional.SpectralNorm, "weight", Bound.one; Functional.VectorNorm, "bias", Bound.zero ]

[<Fact>]
let ``coverage of one axis is what counting finds, for every padding mode`` () =
    Assert.True(configurations.Length > 2000)

    for n, k, s, p, g, mode as c in configurations do
        let ws = windows c
        let j = judge "conv1d" (options (k, s, p, g, mode)) unit (space (row (int64 n) 2L) Bound.one Bound.one)
        Assert.Equal(Row(int64 ws.Length), j.Space.Shape.Grid)
        let root (m: int) = sqrt (float (max 1 m))
        equal (root (most ws)) (j.Candidates |> List.find (fun (n, _) -> n = "convolution.reshape") |> snd)
        // LM ≤ LF ties every reading: one window, and all taps of it
        let one = ws |> List.map (fun w -> most [ w ]) |> List.max
        let taps = ws |> List.map (List.choose id >> List.length) |> List.max
        let c = constants j
        equal (min (root one) (root taps)) c.Token
        equal (min (root taps) (sqrt (float n) * min (root one) (root taps))) c.Local

[<Fact>]
let ``the lattice norm is multiplied by what the padding copies`` () =
    // the norm of the stride-1 layer around a kernel that only passes one tap on: the copies of one input among its outputs
    for n, k, _, p, g, mode in configurations |> List.filter (fun (_, k, s, _, _, _) -> s = 1 && k > 1) do
        let ws = windows (n, k, 1, p, g, mode)
        let truth = [ 0 .. k - 1 ] |> List.map (fun t -> most [ ws |> List.map (fun w -> w[t]) ]) |> List.max
        let norms = (Functional.OperatorNorm, "weight", Bound.one) :: unit
        let j = judge "conv1d" (options (k, 1, p, g, mode)) norms (space (row (int64 n) 2L) Bound.one Bound.one)
        Assert.True(value (constants j).Whole >= sqrt (float truth) * (1.0 - 1e-12), $"{(n, k, p, g, mode)}")

[<Theory>]
// circular, n = 4, k = s = 3, p = 1: the first input is read twice
[<InlineData(4, 3, 3, 1, 1, "circular", 2.0)>]
// stride 2, dilation 2, k = 3: taps t·2 meet every second input three times
[<InlineData(9, 3, 2, 2, 2, "zeros", 3.0)>]
// reflect 3: four instead of three per axis, 4/3 of the cap's rule
[<InlineData(8, 3, 1, 1, 1, "reflect", 4.0)>]
// replicate 5: six instead of five, 1.2 of it
[<InlineData(8, 5, 1, 2, 1, "replicate", 6.0)>]
let ``published coverages that were too small`` (n: int, k: int, s: int, p: int, g: int, mode: string, perAxis: float) =
    let j = judge "conv2d" (options (k, s, p, g, mode)) unit (space (map (int64 n) (int64 n) 2L) Bound.one Bound.one)
    equal perAxis (constants j).Whole

[<Fact>]
let ``the operator norm takes over where the reshape reads an input often`` () =
    let norms = [ Functional.SpectralNorm, "weight", bound "1"; Functional.OperatorNorm, "weight", bound "1.25" ]
    let given mode = [ "bias", Flag false ] @ options (3, 1, 1, 1, mode)
    let at mode = judge "conv2d" (given mode) norms (space (map 8L 8L 2L) (bound "2") (bound "0.5"))
    equal 1.25 (constants (at "zeros")).Whole
    equal 1.25 (constants (at "circular")).Whole
    // one more copy per axis: √2·√2
    equal 2.5 (constants (at "reflect")).Whole
    equal 2.5 (constants (at "replicate")).Whole
    // one token reads nine: 3·1, but a row of the whole map is at most 1.25·√64
    equal 3.0 (constants (at "zeros")).Local
    equal 6.0 (at "zeros").Space.Radius
    // min(3·2, 3·(0.5 + 2)/2)
    equal 3.75 (at "zeros").Space.Centred
    equal 1.5 (at "circular").Space.Centred

[<Fact>]
let ``a cap on the operator alone bounds everything`` () =
    let l = layer "conv2d" [ "kernel", count 3L; "padding", count 1L ] (map 8L 8L 2L)
    let capped (w: Weight) = if w.Name = "weight" then { w with Constraint = Capped { Limit = rational "0.5"; Unit = Spectral; Extent = Operator; Method = Soft } } else w
    let l = { l with Weights = l.Weights |> List.map capped }
    let j = judgeLayer l [ Functional.OperatorNorm, "weight", bound "0.5"; Functional.VectorNorm, "bias", bound "0.25" ] (space l.Input Bound.one Bound.one)
    equal 0.5 (constants j).Whole
    equal 1.5 (constants j).Local
    equal 1.75 j.Space.Radius
    Assert.All(j.Needs, (fun n -> Assert.False(System.Double.IsInfinity(value n.Value))))

[<Fact>]
let ``groups take the largest of their norms`` () =
    let norms = [ Functional.SpectralNorm, "weight", bound "10"; Functional.LargestRow, "weight", bound "1.5" ]
    let given = [ "kernel", count 3L; "padding", count 1L; "bias", Flag false ]
    let whole groups = (constants (judge "conv2d" (("groups", count groups) :: given) norms (space (map 8L 8L 4L) Bound.one Bound.one))).Whole
    equal 30.0 (whole 1L)
    equal (3.0 * 1.5 * sqrt 2.0) (whole 2L)
    equal 4.5 (whole 4L)

[<Fact>]
let ``an uncapped kernel says so`` () =
    let j = judge "conv2d" [ "kernel", count 3L ] [] (space (map 8L 8L 2L) Bound.one Bound.one)
    Assert.Contains(j.Needs, (fun n -> System.Double.IsInfinity(value n.Value) && n.Fix.Contains "spectral_cap"))
    Assert.True(System.Double.IsInfinity(value (constants j).Whole))

[<Fact>]
let ``sizes, weights and multiply-adds`` () =
    let check name given shape output weights (macs: int64) =
        let l = layer name given shape
        Assert.Equal(output, l.Output)
        Assert.Equal<int64 list list>(weights, l.Weights |> List.map (fun w -> w.Shape))
        Assert.Equal(System.Numerics.BigInteger macs, Catalog.byName[name].Macs (Options l.Options) shape)

    check "conv2d" [ "channels", count 64L; "kernel", count 7L; "stride", count 4L; "padding", count 2L ] (map 224L 224L 3L) (map 56L 56L 64L) [ [ 64L; 3L; 7L; 7L ]; [ 64L ] ] (56L * 56L * 64L * 147L)
    check "conv2d" [ "kernel", count 7L; "padding", count 3L; "groups", count 96L; "bias", Flag false ] (map 56L 56L 96L) (map 56L 56L 96L) [ [ 96L; 1L; 7L; 7L ] ] (56L * 56L * 96L * 49L)
    check "conv2d" [ "kernel", Items [ count 1L; count 3L ]; "stride", Items [ count 2L; count 1L ] ] (map 8L 9L 2L) (map 4L 7L 2L) [ [ 2L; 2L; 1L; 3L ]; [ 2L ] ] (28L * 2L * 6L)
    check "conv1d" [ "channels", count 768L; "kernel", count 7L; "stride", count 3L; "padding", count 3L ] (row 1500L 80L) (row 500L 768L) [ [ 768L; 80L; 7L ]; [ 768L ] ] (500L * 768L * 560L)

[<Fact>]
let ``what does not fit is refused with its reason`` () =
    let refused name given shape (part: string) =
        match shapeOf name given shape with
        | Ok s -> failwith $"{name} gave {s}"
        | Error f -> Assert.Contains(part, $"%A{f}")

    refused "conv2d" [ "kernel", count 3L ] (row 9L 2L) "NeedsGrid"
    refused "conv1d" [ "kernel", count 3L ] (map 3L 3L 2L) "NeedsGrid"
    refused "conv1d" [ "kernel", count 3L ] { row 9L 1L with Vocabulary = Some 5L } "NeedsContinuous"
    refused "conv2d" [ "kernel", count 3L; "groups", count 2L ] (map 8L 8L 3L) "input width"
    refused "conv2d" [ "kernel", count 3L; "groups", count 2L; "channels", count 5L ] (map 8L 8L 4L) "channels"
    refused "conv2d" [ "kernel", count 9L ] (map 8L 8L 4L) "KernelTooLarge"
    refused "conv2d" [ "kernel", Items [ count 1L; count 1L; count 1L ] ] (map 8L 8L 4L) "2 axes"
    refused "conv2d" [ "kernel", count 3L; "padding", count 8L; "padding_mode", choice "reflect" ] (map 8L 8L 4L) "reflected padding"
    refused "conv2d" [ "kernel", count 3L; "padding", count 9L; "padding_mode", choice "circular" ] (map 8L 8L 4L) "circular padding"
    refused "conv2d" [ "kernel", count (1L <<< 40) ] (map 8L 8L 4L) "at most"

[<Fact>]
let ``counts of huge grids are bounds of the exact ones, and quick`` () =
    for mode in [ "zeros"; "circular"; "reflect"; "replicate" ] do
        let at n = value (constants (judge "conv1d" (options (5, 2, 2, 3, mode)) unit (space (row n 2L) Bound.one Bound.one))).Whole
        let small, huge = at 64L, at (1L <<< 40)
        Assert.True(huge >= small * (1.0 - 1e-12), mode)
        Assert.True(huge <= 6.0 * small, mode)

[<Fact>]
let ``emitted code names every argument`` () =
    let l = layer "conv2d" [ "channels", count 8L; "kernel", count 3L; "padding", count 1L; "padding_mode", choice "circular" ] (map 8L 8L 4L)
    let e = Catalog.byName["conv2d"].Emit { Layer = l; Options = Options l.Options; Read = id }

    Assert.Equal(
        "new Lips.Runtime.Modules.Convolution(inputWidth: 4, outputWidth: 8, kernel: [3, 3], stride: [1, 1], padding: [1, 1], \
         paddingMode: PaddingModes.Circular, dilation: [1, 1], groups: 1, hasBias: true)",
        e.Members.Head.Construct
    )

    Assert.Equal("conv2d.call(h)", e.Forward "h" None)

[<Fact>]
let ``an RMS cap on the operator is a cap on the norm that training enforces`` () =
    // √(in/out)·S ≤ 0.5 with 2 → 8 channels lets S reach 1
    let l = layer "conv2d" [ "channels", count 8L; "kernel", count 3L ] (map 8L 8L 2L)
    let w = { l.Weights.Head with Constraint = Capped { Limit = rational "0.5"; Unit = Rms; Extent = Operator; Method = Soft } }
    equal 1.0 (Caps.declared w Functional.OperatorNorm).Value
    Assert.True((Caps.declared w Functional.SpectralNorm).IsNone)
