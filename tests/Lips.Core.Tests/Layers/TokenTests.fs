/// Embedding, positions, activations, mlp, residual: values derived by hand where the branch is the active one.
module Lips.Core.Tests.TokenTests

open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private row n width = Shape.Of(Row n, width)
let private sigma name c = Functional.SpectralNorm, name, bound c
let private same (expected: Rational) (found: Rational) = Assert.Equal(expected, found)

[<Fact>]
let ``embedding by hand`` () =
    let ids = { Grid = Row 5L; Width = 1L; Vocabulary = Some 7L }
    let l = layer "embedding" [ "width", count 4L; "scale", number "-3" ] ids
    Assert.Equal(row 5L 4L, l.Output)
    Assert.Equal<int64 list list>([ [ 7L; 4L ] ], l.Weights |> List.map (fun w -> w.Shape))
    let unknown = { space ids Bound.infinity Bound.infinity with Constants = Map.empty }
    let j = judgeLayer l [ Functional.LargestRow, "weight", bound "0.5" ] unknown
    equal 1.5 j.Space.Radius
    equal 1.5 j.Space.Centred
    Assert.Empty j.Space.Constants
    Assert.Equal(Error NeedsTokenIds, shapeOf "embedding" [ "width", count 4L ] (row 5L 4L))

[<Fact>]
let ``positions by hand`` () =
    let x =
        { space (row 3L 8L) (bound "2") (bound "1") with
            Lower = { Start = rational "1"; Loss = bound "0.25" }
            Centre = Some(List.replicate 8 Rational.Zero, bound "0.5") }

    let learned = judge "position" [] [ Functional.LargestRow, "weight", bound "0.5" ] x
    equal 2.5 learned.Space.Radius
    equal 1.5 learned.Space.Centred
    equal 0.75 learned.Space.Lower.Loss
    equal 1.0 (snd learned.Space.Centre.Value)
    equal 1.0 (constants learned).Whole
    // √(8/2) = 2
    let sines = judge "position" [ "table", choice "sinusoidal" ] [] x
    equal 4.0 sines.Space.Radius
    equal 3.0 sines.Space.Centred
    Assert.Equal(Error(Indivisible("width", 7L, "one sine and one cosine", 2L)), shapeOf "position" [ "table", choice "sinusoidal" ] (row 3L 7L))

[<Fact>]
let ``bias and scale by hand`` () =
    let x =
        { space (row 3L 2L) (bound "2") (bound "1") with
            Lower = { Start = rational "1.5"; Loss = bound "0.25" }
            Centre = Some([ rational "0.5"; rational "1" ], bound "0.75") }

    let moved = judge "bias" [] [ Functional.VectorNorm, "bias", bound "0.5" ] x
    equal 2.5 moved.Space.Radius
    equal 1.0 moved.Space.Centred
    equal 0.75 moved.Space.Lower.Loss
    equal 1.0 (constants moved).Local
    let scaled = judge "scale" [ "factor", number "-2" ] [] x
    equal 2.0 (constants scaled).Whole
    equal 4.0 scaled.Space.Radius
    equal 2.0 scaled.Space.Centred
    same (rational "3") scaled.Space.Lower.Start
    equal 0.5 scaled.Space.Lower.Loss
    Assert.Equal<Rational list>([ rational "-1"; rational "-2" ], fst scaled.Space.Centre.Value)
    equal 1.5 (snd scaled.Space.Centre.Value)
    // an enclosure counts by its larger end, and its lower radius by its smaller
    let enclosed = judge "scale" [ "factor", Enclosed(rational "-1", rational "2") ] [] x
    equal 2.0 (constants enclosed).Local
    same Rational.Zero enclosed.Space.Lower.Start

/// Slope, R', r' on tokens of norm at most 1/2 (width 4, r = 1/4), and the slope without any radius.
let private activations =
    [ "relu", 1.0, 0.5, 1.0
      "abs", 1.0, 0.5, 1.0
      "group_sort", 1.0, 0.5, 1.0
      "tanh", 1.0, 0.5, 1.0
      "sigmoid", 0.25, 1.125, 0.25
      // Φ(½) + ½φ(½), ½Φ(½); (1 + erf 1)/2 + 1/(e√π)
      "gelu", 0.86749512465616284253, 0.34573123063700655182, 1.128904145185154786341
      // f'(½) of the tanh form; the largest slope covers the truncated coefficient
      // σ(½)(1 + ½(1 − σ(½)))
      "silu", 0.73996118730265180917, 0.31122966560092728227, 1.099839320128866916958
      // σ(½); √4·ln 2 + ½σ(½)
      "softplus", 0.62245933120185456464, 1.6975240267208181, 1.0
      "squared_relu", 1.0, 0.25, infinity
      "leaky_relu", 1.0, 0.5, 1.0 ]

[<Fact>]
let ``activations by hand`` () =
    for name, slope, radius, everywhere in activations do
        let j = judge name [] [] (space (row 3L 4L) (bound "0.5") (bound "0.25"))
        equal slope (constants j).Whole
        equal slope (constants j).Local
        equal radius j.Space.Radius
        equal (min (slope / 4.0) radius) j.Space.Centred
        let open' = judge name [] [] (space (row 3L 4L) Bound.infinity (bound "0.25"))
        equal everywhere (constants open').Local

    // the tanh form covers every coefficient from 0.79788456 to √(2/π), which costs a little
    let tanh = judge "gelu_tanh" [] [] (space (row 3L 4L) (bound "0.5") (bound "0.25"))
    Assert.InRange(value (constants tanh).Whole, 0.86736990353464231, 0.8673699037)
    equal 0.34571400982514395392 tanh.Space.Radius
    equal 1.12899307 (constants (judge "gelu_tanh" [] [] (space (row 3L 4L) Bound.infinity (bound "1")))).Local
    // far out, sigmoid is at most √width, tanh too
    equal 2.0 (judge "tanh" [] [] (space (row 3L 4L) (bound "5") (bound "5"))).Space.Radius
    equal 1.9866142981514303 (judge "sigmoid" [] [] (space (row 3L 4L) (bound "5") (bound "5"))).Space.Radius
    equal 3.0 (constants (judge "leaky_relu" [ "slope", number "-3" ] [] (space (row 3L 4L) (bound "1") (bound "1")))).Whole

[<Fact>]
let ``sorting and folding keep the norm from below`` () =
    let x = { space (row 3L 4L) (bound "2") (bound "2") with Lower = { Start = rational "1"; Loss = bound "0.5" } }

    for name, keeps in [ "abs", true; "group_sort", true; "householder", true; "relu", false; "gelu", false ] do
        let lower = (judge name [] [] x).Space.Lower
        same (if keeps then rational "1" else Rational.Zero) lower.Start

    Assert.Equal(Error(Indivisible("width", 5L, "the size of a group", 2L)), shapeOf "group_sort" [] (row 3L 5L))
    Assert.Equal(Error(Indivisible("width", 5L, "the size of a pair", 2L)), shapeOf "householder" [] (row 3L 5L))
    // one angle for two channels
    Assert.Equal<int64 list>([ 3L ], (layer "householder" [] (row 3L 6L)).Weights.Head.Shape)

let private mlpNorms =
    [ sigma "up" "2"; sigma "down" "0.5"
      Functional.LargestRow, "up", bound "1.5"
      Functional.LargestEntry, "up_bias", bound "0.1"
      Functional.VectorNorm, "up_bias", bound "0.25"
      Functional.VectorNorm, "down_bias", bound "0.125" ]

[<Fact>]
let ``mlp by hand`` () =
    // t = 1.5·½ + 0.1 = 0.85; norm before the activation 2·½ + ¼ = 1.25
    let x = space (row 3L 4L) (bound "0.5") (bound "0.25")
    let j = judge "mlp" [ "gain", number "-3" ] mlpNorms x
    // Φ(0.85) + 0.85·φ(0.85), times 3·2·½
    equal (3.0 * 1.0386246100886546066) (constants j).Whole
    equal (3.0 * 1.0386246100886546066) (constants j).Local
    // 3·½·1.25·Φ(0.85) + 0.125
    equal (1.875 * 0.80233745687730761948 + 0.125) j.Space.Radius
    equal (0.75 * 1.0386246100886546066) j.Space.Centred
    let relu = judge "mlp" [ "activation", choice "relu" ] mlpNorms x
    equal 1.0 (constants relu).Whole
    equal 0.75 relu.Space.Radius
    // without a radius: the slope's supremum
    equal 1.128904145185154786341 (constants (judge "mlp" [ "bias", Flag false ] mlpNorms (space (row 3L 4L) Bound.infinity (bound "1")))).Whole
    // squared relu: 2t = 1.7
    equal 1.7 (constants (judge "mlp" [ "activation", choice "squared_relu" ] mlpNorms x)).Local
    Assert.True(value (judge "mlp" [ "activation", choice "squared_relu" ] mlpNorms (space (row 3L 4L) Bound.infinity (bound "1"))).Needs[2].Value = infinity)

[<Fact>]
let ``the hidden width is given once`` () =
    let up given = (layer "mlp" given (row 3L 6L)).Weights.Head.Shape
    Assert.Equal<int64 list>([ 24L; 6L ], up [])
    Assert.Equal<int64 list>([ 10L; 6L ], up [ "hidden", count 10L ])
    Assert.Equal<int64 list>([ 16L; 6L ], up [ "ratio", Number(Rational.OfInt 8L / Rational.OfInt 3L) ])
    let refused given = (match shapeOf "mlp" given (row 3L 6L) with Error _ -> true | Ok _ -> false)
    Assert.True(refused [ "hidden", count 10L; "ratio", count 4L ])
    Assert.True(refused [ "ratio", number "0.75" ])
    Assert.True(refused [ "hidden", count 5L; "activation", choice "group_sort" ])

/// A residual around a body that multiplies by −2 and has radius 6 where x has 2.
let private residual given norms (x: Space) =
    let l = layer "residual" given x.Shape
    let body (x: Space) = Space.step x.Shape (Space.tokenwise (bound "2")) (bound "3" * x.Radius) (bound "2" * x.Centred) x

    Catalog.byName["residual"].Rule
        { Layer = l
          Options = Options l.Options
          Input = x
          Reads = Map.empty
          Body = Some body
          Inner = None
          Measure = fun f w -> (match norms |> List.tryFind (fun (f', w', _) -> f = f' && w = w') with Some(_, _, b) -> b | None -> Bound.infinity)
          Name = fun _ b -> b }

let private convex alpha = Choice("convex", [ Some "alpha", number alpha ])

[<Fact>]
let ``residuals by hand`` () =
    let x = { space (row 4L 3L) (bound "2") (bound "1") with Lower = { Start = rational "20"; Loss = bound "1" } }
    let plain = residual [] [] x
    equal 3.0 (constants plain).Whole
    equal 8.0 plain.Space.Radius
    equal 3.0 plain.Space.Centred
    same (rational "20") plain.Space.Lower.Start
    equal 7.0 plain.Space.Lower.Loss
    let quarter = residual [ "sum", convex "0.25" ] [] x
    equal 1.25 (constants quarter).Whole
    equal 3.0 quarter.Space.Radius
    equal 1.25 quarter.Space.Centred
    same (rational "15") quarter.Space.Lower.Start
    equal 2.25 quarter.Space.Lower.Loss
    // α outside [0, 1] counts by its absolute values: |1 − 3| + 3·2, |1 + 1| + 1·2
    equal 8.0 (constants (residual [ "sum", convex "3" ] [] x)).Local
    equal 4.0 (constants (residual [ "sum", convex "-1" ] [] x)).Local
    let weighted arguments = residual [ "sum", Choice("weighted", (Some "init", number "0.1") :: arguments) ] [ Functional.LargestEntry, "alpha", bound "0.5" ] x
    equal 2.0 (constants (weighted [])).Whole
    equal 5.0 (weighted []).Space.Radius
    equal 1.2 (constants (weighted [ Some "clamp", number "0.1" ])).Whole
    let alpha = (layer "residual" [ "sum", Choice("weighted", [ Some "init", number "0.1" ]) ] x.Shape).Weights.Head
    Assert.Equal(Alpha, alpha.Role)
    Assert.Equal(Choice("constant", [ Some "value", number "0.1" ]), alpha.Init)
