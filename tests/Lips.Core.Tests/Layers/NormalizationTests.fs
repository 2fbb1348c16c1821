module Lips.Core.Tests.NormalizationTests

open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private row n width = Shape.Of(Row n, width)
let private gain g = Functional.LargestEntry, "gain", bound g
let private bias b = Functional.VectorNorm, "bias", bound b
let private near radius centred width = space (row 4L width) (bound radius) (bound centred)

[<Fact>]
let ``layer_norm by hand`` () =
    // max|g| = 3, eps = 1e-5: 3·√100000; d = 16: √16·3 + 0.5; the spread of 1e-3 is stretched, not the ball reached
    let j = judge "layer_norm" [] [ gain "3"; bias "0.5" ] (near "10" "0.001" 16L)
    equal 948.6832980505138 (constants j).Whole
    equal 948.6832980505138 (constants j).Local
    equal 12.5 j.Space.Radius
    equal 0.9486832980505138 j.Space.Centred
    // a radius so small that √d is never reached: 2·R/√eps
    let small = judge "layer_norm" [ "eps", number "0.0625"; "bias", Flag false ] [ gain "2" ] (near "0.25" "0.25" 16L)
    equal 8.0 (constants small).Whole
    equal 2.0 small.Space.Radius

[<Fact>]
let ``layer_norm makes no use of a lower bound of the token's norm`` () =
    // (1, …, 1)·t is as long as one likes and has no deviation from its mean
    let x = { near "10" "10" 4L with Lower = { Start = rational "5"; Loss = Bound.zero } }
    equal 316.2277660168379 (constants (judge "layer_norm" [ "affine", Flag false ] [] x)).Local

[<Fact>]
let ``rms_norm outside a shell`` () =
    // 1/√(3²/4 + 1/4) = 1/√2.5, and with a loss of 1: 1/√(2²/4 + 1/4) = 1/√1.25
    let given = [ "eps", number "0.25" ]
    let from (start: string) loss = { near "10" "10" 4L with Lower = { Start = rational start; Loss = bound loss } }
    equal 0.6324555320336759 (constants (judge "rms_norm" given [ gain "1" ] (from "3" "0"))).Local
    equal 0.8944271909999159 (constants (judge "rms_norm" given [ gain "1" ] (from "3" "1"))).Local
    equal 1.7888543819998317 (constants (judge "rms_norm" given [ gain "2" ] (from "3" "1"))).Local
    // the whole lower bound lost: 1/√eps, never more
    equal 2.0 (constants (judge "rms_norm" given [ gain "1" ] (from "3" "7"))).Local
    let without = judge "rms_norm" given [ gain "1" ] (near "10" "0.125" 4L)
    equal 2.0 (constants without).Local
    equal 2.0 without.Space.Radius
    equal 0.25 without.Space.Centred

[<Fact>]
let ``two tokens on the shell attain rms_norm's gain`` () =
    // x and y of norm ρ = 3 in width 4: both are multiplied by 1/√(9/4 + 1/4)
    let f (x: float list) = let s = sqrt ((x |> List.sumBy (fun v -> v * v)) / 4.0 + 0.25) in x |> List.map (fun v -> v / s)
    let distance a b = sqrt (List.map2 (fun u v -> (u - v) * (u - v)) a b |> List.sum)
    let x, y = [ 3.0; 0.0; 0.0; 0.0 ], [ 0.0; 0.0; 3.0; 0.0 ]
    let j = judge "rms_norm" [ "eps", number "0.25"; "affine", Flag false ] [] { near "10" "10" 4L with Lower = { Start = rational "3"; Loss = Bound.zero } }
    equal (distance (f x) (f y) / distance x y) (constants j).Local

[<Fact>]
let ``two tokens on the shell attain layer_norm's gain`` () =
    // mean 0 and norm ρ_c = 3 in width 4, under the root and beside it
    let shell = { near "10" "10" 4L with LowerCentred = { Start = rational "3"; Loss = Bound.zero } }
    let x, y = [ 1.5; -1.5; 1.5; -1.5 ], [ 1.5; 1.5; -1.5; -1.5 ]
    let distance a b = sqrt (List.map2 (fun u v -> (u - v) * (u - v)) a b |> List.sum)
    let local eps = (constants (judge "layer_norm" [ "eps", eps; "affine", Flag false; "bias", Flag false ] [] shell)).Local

    for eps, divisor in [ number "0.25", sqrt 2.5; Choice("added", [ Some "eps", number "0.25" ]), 1.75 ] do
        let f = List.map (fun v -> v / divisor)
        equal (distance (f x) (f y) / distance x y) (local eps)

[<Fact>]
let ``what is left of a token without its mean, through layers`` () =
    let from radius = { near radius radius 4L with LowerCentred = { Start = rational "2"; Loss = Bound.zero } }
    let after kind given norms x = (judge kind given norms x).Space.LowerCentred
    let left (l: LowerRadius) = l.Start.ToDoubleNearest - value l.Loss
    let near12 (expected: float) found = Assert.Equal(expected, found, 12)
    // divided by at most √(3²/4 + ¼)
    near12 (2.0 / sqrt 2.5) (left (after "rms_norm" [ "eps", number "0.25"; "affine", Flag false ] [] (from "3")))
    // a gain may be 0, and so may what a linear map or tanh leaves
    for kind, given, norms in
        [ "rms_norm", [], [ gain "1" ]
          "layer_norm", [], [ gain "1"; bias "0" ]
          "center_norm", [], [ gain "1"; bias "0" ]
          "linear", [ "width", count 4L ], [ Functional.SpectralNorm, "weight", bound "1"; bias "0" ]
          "tanh", [], []
          "relu", [], []
          // (2, −2) without its mean is as long as before; |(2, −2)| = (2, 2) has nothing left
          "abs", [], [] ] do
        Assert.True(left (after kind given norms (from "3")) <= 0.0, kind)

    near12 2.0 (left (after "group_sort" [] [] (from "3")))
    near12 2.0 (left (after "dropout" [ "rate", number "0.5" ] [] (from "3")))
    near12 4.0 (left (after "flatten" [] [] (from "3")))

[<Fact>]
let ``center_norm by hand`` () =
    // 8/7·1.75 = 2; R' = 2·3 + 0.25, r' = 2·1
    let j = judge "center_norm" [] [ gain "1.75"; bias "0.25" ] (near "3" "1" 8L)
    equal 2.0 (constants j).Whole
    equal 6.25 j.Space.Radius
    equal 2.0 j.Space.Centred
    // (1, −1) has mean 0 and is doubled at width 2
    equal 2.0 (constants (judge "center_norm" [ "affine", Flag false ] [] (near "1" "1" 2L))).Local

[<Fact>]
let ``batch_norm keeps the spread and admits that the norm is unknown`` () =
    let j = judge "batch_norm" [ "eps", number "0.01" ] [ gain "0.5"; bias "1" ] (near "3" "2" 8L)
    equal 5.0 (constants j).Whole
    equal 10.0 j.Space.Centred
    Assert.Equal(Bound.Infinity, j.Space.Radius)

[<Fact>]
let ``dyt by hand`` () =
    let norms = [ Functional.LargestEntry, "alpha", bound "0.5"; gain "3"; bias "0.25" ]
    // |a|·max|g| = 1.5; |g|₂ ≤ √16·3 = 12 but 1.5·R = 6; the gain's own ℓ2 norm is smaller still
    let j = judge "dyt" [] norms (near "4" "1" 16L)
    equal 1.5 (constants j).Whole
    equal 6.25 j.Space.Radius
    equal 1.5 j.Space.Centred
    equal 12.25 (judge "dyt" [] norms (near "40" "40" 16L)).Space.Radius
    equal 5.25 (judge "dyt" [] ((Functional.VectorNorm, "gain", bound "5") :: norms) (near "40" "40" 16L)).Space.Radius
    equal 4.0 (judge "dyt" [ "affine", Flag false ] [ Functional.LargestEntry, "alpha", bound "2" ] (near "40" "40" 16L)).Space.Radius

[<Fact>]
let ``standardize by hand`` () =
    let x =
        { space (Shape.Of(Map(2L, 2L), 2L)) (bound "2") (bound "1") with
            Centre = Some([ rational "0.5"; rational "0.5" ], bound "0.75")
            Lower = { Start = rational "1"; Loss = bound "0.25" } }

    let given = [ "mean", Items [ number "0.3"; number "0.4" ]; "std", Items [ number "0.5"; number "0.25" ] ]
    let j = judge "standardize" given [] x
    equal 4.0 (constants j).Whole
    // centre ((0.5−0.3)/0.5, (0.5−0.4)/0.25) = (0.4, 0.4); |centre| + 4·0.75 = 0.4√2 + 3
    Assert.Equal<Rational list>([ rational "0.4"; rational "0.4" ], fst j.Space.Centre.Value)
    equal 3.0 (snd j.Space.Centre.Value)
    equal (0.4 * sqrt 2.0 + 3.0) j.Space.Radius
    equal 3.0 j.Space.Centred
    // (1 − |mean|)/0.5 with |mean| = 0.5, minus 0.25/0.5
    equal 0.5 j.Space.Lower.Loss
    Assert.True(j.Space.Lower.Start <= Rational.One && j.Space.Lower.Start >= rational "0.999999999999")
    equal 2.0 (constants (judge "standardize" [ "mean", number "0"; "std", number "0.5" ] [] x)).Whole

[<Fact>]
let ``soft_cap and dropout`` () =
    let j = judge "soft_cap" [ "limit", number "2" ] [] (near "100" "50" 9L)
    equal 1.0 (constants j).Whole
    equal 6.0 j.Space.Radius
    equal 6.0 j.Space.Centred
    equal 0.5 (judge "soft_cap" [ "limit", number "2" ] [] (near "0.5" "0.5" 9L)).Space.Radius
    let x = near "3" "1" 9L
    Assert.Equal(x, (judge "dropout" [ "rate", number "0.3" ] [] x).Space)

[<Fact>]
let ``an uncapped gain is named with its cure`` () =
    for kind in [ "layer_norm"; "rms_norm"; "center_norm"; "batch_norm"; "dyt" ] do
        let j = judge kind [] [] (near "1" "1" 4L)
        Assert.Contains(j.Needs, (fun n -> System.Double.IsInfinity(value n.Value) && n.Fix.Contains "max_cap"))
        Assert.True(System.Double.IsInfinity(value (constants j).Local), kind)

[<Fact>]
let ``what does not fit is refused with its reason`` () =
    let refused name given shape (part: string) =
        match shapeOf name given shape with
        | Ok s -> failwith $"{name} gave {s}"
        | Error f -> Assert.Contains(part, $"%A{f}")

    refused "center_norm" [] (row 4L 1L) "at least 2"
    refused "layer_norm" [ "affine", Flag false; "bias", Flag true ] (row 4L 4L) "needs `affine: true`"
    refused "standardize" [ "mean", Items [ number "1" ]; "std", number "1" ] (row 4L 3L) "1 entries for a width of 3"

    for kind in [ "layer_norm"; "rms_norm"; "center_norm"; "batch_norm"; "dyt" ] do
        refused kind [] { row 4L 1L with Vocabulary = Some 9L } "NeedsContinuous"

[<Fact>]
let ``eps must be above 0`` () =
    for kind in [ "layer_norm"; "rms_norm"; "batch_norm" ] do
        let eps = Catalog.byName[kind].Hyperparameters |> List.find (fun h -> h.Name = "eps")

        let rec above (t: HyperType) =
            match t with
            | RealType(Some least, true, _) -> Assert.Equal(Rational.Zero, least)
            | OneOf types -> types |> List.iter above
            | ChoiceType places -> for p in places do for a in p.Arguments do above a.Type
            | other -> failwith $"%A{other}"

        above eps.Type

[<Fact>]
let ``emitted numbers read as they were written`` () =
    let construct name given =
        let l = layer name given (row 4L 96L)
        (Catalog.byName[name].Emit { Layer = l; Options = Options l.Options; Read = id }).Members.Head.Construct

    Assert.Equal("torch.nn.LayerNorm(normalized_shape: 96, eps: 1e-5, elementwise_affine: true, bias: true)", construct "layer_norm" [])
    Assert.Equal("new Lips.Runtime.Modules.RmsNorm(width: 96, eps: 1.5e-6, affine: false)", construct "rms_norm" [ "eps", number "0.0000015"; "affine", Flag false ])
    Assert.Equal("torch.nn.Dropout(p: 0.125, inplace: false)", construct "dropout" [ "rate", number "0.125" ])
    Assert.Equal("torch.nn.Dropout(p: (1.0 / 3.0), inplace: false)", construct "dropout" [ "rate", Number(Rational.OfInt 1L / Rational.OfInt 3L) ])
