module Lips.Core.Tests.GridTests

open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private row n width = Shape.Of(Row n, width)
let private map h w width = Shape.Of(Map(h, w), width)
let private sigma name c = Functional.SpectralNorm, name, bound c
let private pool by = [ "by", choice by ]

[<Fact>]
let ``flatten by hand`` () =
    let x = { space (map 2L 8L 3L) (bound "1.5") (bound "0.5") with Lower = { Start = rational "0.5"; Loss = bound "0.125" } }
    let j = judge "flatten" [] [] x
    Assert.Equal(Shape.Of(Single, 48L), (layer "flatten" [] x.Shape).Output)
    equal 1.0 (constants j).Whole
    equal 1.0 (constants j).Token
    equal 4.0 (constants j).Local
    equal 6.0 j.Space.Radius
    equal 2.0 j.Space.Centred
    Assert.Equal(rational "2", j.Space.Lower.Start)
    equal 0.5 j.Space.Lower.Loss

[<Fact>]
let ``patchify by hand`` () =
    let norms = [ sigma "weight" "0.5"; Functional.VectorNorm, "bias", bound "0.25" ]
    let x = { space (map 8L 8L 3L) (bound "2") (bound "1.5") with Centre = Some(List.replicate 3 (rational "0.5"), bound "1") }
    let j = judge "patchify" [ "patch", count 4L; "width", count 6L ] norms x
    equal 0.5 (constants j).Whole
    equal 2.0 (constants j).Local
    equal 4.25 j.Space.Radius
    // from the known centre: 4·0.5·1
    equal 2.0 j.Space.Centred
    let l = layer "patchify" [ "patch", count 16L; "width", count 768L ] (map 224L 224L 3L)
    Assert.Equal(map 14L 14L 768L, l.Output)
    Assert.Equal<int64 list list>([ [ 768L; 3L; 16L; 16L ]; [ 768L ] ], l.Weights |> List.map (fun w -> w.Shape))
    Assert.Equal(System.Numerics.BigInteger(196L * 768L * 768L), Catalog.byName["patchify"].Macs (Options l.Options) l.Input)

[<Fact>]
let ``patch_merging by hand`` () =
    let gain, bias = (Functional.LargestEntry, "gain", bound "1.5"), (Functional.VectorNorm, "bias", bound "0.25")
    let x = space (map 8L 8L 4L) (bound "3") (bound "0.125")
    let at norm norms = judge "patch_merging" [ "width", count 8L; "norm", norm ] (sigma "reduction" "2" :: norms) x
    let none = at (choice "none") []
    equal 2.0 (constants none).Whole
    equal 4.0 (constants none).Local
    equal 12.0 none.Space.Radius
    equal 0.5 none.Space.Centred
    // 16/15·1.5 = 1.6
    let centre = at (choice "center_norm") [ gain; bias ]
    equal 3.2 (constants centre).Whole
    equal 6.4 (constants centre).Local
    equal (2.0 * (1.6 * 6.0 + 0.25)) centre.Space.Radius
    equal 0.8 centre.Space.Centred
    // 1.5/√0.01 = 15; √16·1.5 = 6; 15·2·0.125 = 3.75
    let layered = at (Choice("layer_norm", [ Some "eps", number "0.01" ])) [ gain; bias ]
    equal 30.0 (constants layered).Whole
    equal 60.0 (constants layered).Local
    equal 12.5 layered.Space.Radius
    equal 7.5 layered.Space.Centred
    let l = layer "patch_merging" [ "width", count 192L ] (map 56L 56L 96L)
    Assert.Equal(map 28L 28L 192L, l.Output)
    Assert.Equal<(string * int64 list) list>(
        [ "norm.weight", [ 384L ]; "norm.bias", [ 384L ]; "reduction.weight", [ 192L; 384L ] ],
        l.Weights |> List.map (fun w -> w.Leaf, w.Shape)
    )
    Assert.Equal(System.Numerics.BigInteger(28L * 28L * 192L * 384L), Catalog.byName["patch_merging"].Macs (Options l.Options) l.Input)

[<Fact>]
let ``a class token far away widens the spread`` () =
    let at radius centred token =
        judge "class_token" [] [ Functional.VectorNorm, "token", bound token ] (space (row 4L 2L) (bound radius) (bound centred))

    // one patch at 0, a class token at distance 10: some point is within 5 of both, none within less
    let j = at "0" "0" "10"
    equal 1.0 (constants j).Whole
    equal 10.0 j.Space.Radius
    equal 5.0 j.Space.Centred
    // all tokens (1, 0), class token (−1, 0): spread 1, not 0
    equal 1.0 (at "1" "0" "1").Space.Centred
    // a token among the others changes nothing more than max(r, (r + R + |p|)/2) = (1 + 3 + 0.5)/2
    equal 2.25 (at "3" "1" "0.5").Space.Centred
    equal 3.0 (at "3" "1" "0.5").Space.Radius
    Assert.Equal(row 197L 384L, (layer "class_token" [] (map 14L 14L 384L)).Output)

[<Fact>]
let ``zeros beyond the border are constant tokens`` () =
    // all tokens (1), kernel (1, 1)/√2 with one zero on each side: outputs 1/√2 and √2 are 1/√2 apart, r' ≥ 1/(2√2)
    let j = judge "conv1d" [ "kernel", count 2L; "padding", count 1L; "bias", Flag false ] [ sigma "weight" "1" ] (space (row 4L 1L) Bound.one Bound.zero)
    Assert.True(value j.Space.Centred >= 0.5 / sqrt 2.0)
    equal (sqrt 2.0 / 2.0) j.Space.Centred

[<Fact>]
let ``pooling all tokens by hand`` () =
    let x = { space (map 4L 4L 3L) (bound "2") (bound "0.5") with Lower = { Start = rational "1"; Loss = Bound.zero } }
    let mean = judge "pool" (pool "mean") [] x
    equal 0.25 (constants mean).Whole
    equal 1.0 (constants mean).Local
    equal 2.0 mean.Space.Radius
    equal 0.5 mean.Space.Centred
    // the fewer of 16 tokens and 3 channels
    let max = judge "pool" (pool "max") [] x
    equal 1.0 (constants max).Whole
    equal (sqrt 3.0) (constants max).Local
    equal (2.0 * sqrt 3.0) max.Space.Radius
    for one in [ "class_token"; "last" ] do
        let j = judge "pool" (pool one) [] x
        equal 1.0 (constants j).Local
        Assert.Equal(rational "1", j.Space.Lower.Start)

[<Fact>]
let ``attention pooling by hand`` () =
    let at query centred = judge "pool" (pool "attention") [ sigma "query" query ] (space (row 9L 4L) (bound "5") (bound centred))
    // s = 0.4: G = 1; √(1 + 0.16)
    equal 1.0 (constants (at "0.8" "0.5")).Whole
    equal 1.0770329614269007 (constants (at "0.8" "0.5")).Local
    // s = 2: z = 25/16, G = (625 + 81)/256; √5
    equal (sqrt 706.0 / 16.0) (constants (at "4" "0.5")).Whole
    equal 2.23606797749979 (constants (at "4" "0.5")).Local
    equal 5.0 (at "4" "0.5").Space.Radius
    let far = judge "pool" (pool "attention") [ sigma "query" "1" ] (space (row 9L 4L) Bound.infinity Bound.infinity)
    Assert.Contains(far.Needs, (fun n -> n.Value = Bound.Infinity && n.Why.Contains "far apart"))

[<Fact>]
let ``two antipodal tokens attain attention pooling's constant`` () =
    // x = ±e1, query s·e2: dy/dx_j = ½(I + x_j qᵀ); u = e1, dx_j along u ± q, one unit each
    let s = 2.0
    let local = [ (1.0, s); (1.0, -s) ] |> List.sumBy (fun (a, b) -> 0.5 * sqrt (a * a + b * b))
    let j = judge "pool" (pool "attention") [ sigma "query" "2" ] (space (row 2L 2L) Bound.one Bound.one)
    equal local (constants j).Local

/// σ_max of a small non-negative matrix by many steps of power iteration: an estimate from below.
let private spectralEstimate (a: float list list) =
    let apply m v = m |> List.map (fun row -> List.map2 (*) row v |> List.sum)
    let t = List.transpose a
    let norm v = sqrt (List.sumBy (fun x -> x * x) v)
    let mutable v = List.replicate a.Head.Length 1.0

    for _ in 1..300 do
        let w = apply t (apply a v)
        v <- w |> List.map (fun x -> x / norm w)

    norm (apply a v)

/// Averaging matrix of one axis, written down.
let private averagingMatrix n k s p counting =
    [ for first in -p .. s .. n + p - k ->
          let inside = [ for x in 0 .. n - 1 do if x >= first && x < first + k then x ]
          let divisor = if counting then float k else float inside.Length
          [ for x in 0 .. n - 1 -> if List.contains x inside then 1.0 / divisor else 0.0 ] ]

[<Fact>]
let ``average pooling is above the true norm, and equal where windows do not overlap`` () =
    let whole n k s p counting =
        let given = [ "kernel", count (int64 k); "stride", count (int64 s); "padding", count (int64 p); "count_padding", Flag counting ]
        (constants (judge "avg_pool" given [] (space (row (int64 n) 2L) Bound.one Bound.one))).Whole

    for n in 2..8 do
        for k in 1..4 do
            for s in 1..4 do
                for p in 0 .. k / 2 do
                    for counting in [ true; false ] do
                        if n + 2 * p >= k then
                            let truth = spectralEstimate (averagingMatrix n k s p counting)
                            let found = value (whole n k s p counting)
                            Assert.True(found >= truth * (1.0 - 1e-12), $"{(n, k, s, p, counting)}: {found} < {truth}")

    // n = 5, k = 3, s = 1, p = 1 without counting the padding: the norm is 1.024, above the 1 of the crude rule
    Assert.True(value (whole 5 3 1 1 false) >= 1.024)
    equal (sqrt (7.0 / 6.0)) (whole 5 3 1 1 false)
    equal (sqrt 0.5) (whole 8 2 2 0 true)

[<Fact>]
let ``window pooling of maps by hand`` () =
    let x = space (map 8L 8L 3L) (bound "2") (bound "0.5")
    let pooled name k s p = judge name [ "kernel", count k; "stride", count s; "padding", count p ] [] x
    let average = pooled "avg_pool" 2L 2L 0L
    equal 0.5 (constants average).Whole
    equal 1.0 (constants average).Local
    equal 0.5 average.Space.Centred
    equal 1.25 (pooled "avg_pool" 3L 1L 1L).Space.Centred
    // four taps, three channels
    let max = pooled "max_pool" 2L 2L 0L
    equal 1.0 (constants max).Whole
    equal (sqrt 3.0) (constants max).Local
    equal (2.0 * sqrt 3.0) max.Space.Radius
    // 3 × 3 windows at stride 1 hold an input nine times
    equal 3.0 (constants (pooled "max_pool" 3L 1L 1L)).Whole
    Assert.Equal(map 4L 4L 3L, (layer "max_pool" [ "kernel", count 3L; "stride", count 2L; "padding", count 1L ] x.Shape).Output)
    Assert.Equal(map 4L 4L 3L, (layer "avg_pool" [ "kernel", count 2L ] x.Shape).Output)

[<Fact>]
let ``what does not fit is refused with its reason`` () =
    let refused name given shape (part: string) =
        match shapeOf name given shape with
        | Ok s -> failwith $"{name} gave {s}"
        | Error f -> Assert.Contains(part, $"%A{f}")

    refused "patchify" [ "patch", count 3L; "width", count 8L ] (map 8L 9L 3L) "height"
    refused "patchify" [ "patch", count 3L; "width", count 8L ] (map 9L 8L 3L) "width of the map"
    refused "patchify" [ "patch", count 3L; "width", count 8L ] (row 9L 3L) "NeedsGrid"
    refused "patch_merging" [ "width", count 8L ] (map 7L 8L 3L) "height"
    refused "class_token" [] (Shape.Of(Single, 3L)) "NeedsGrid"
    refused "pool" (pool "mean") (Shape.Of(Single, 3L)) "NeedsGrid"
    refused "max_pool" [ "kernel", count 3L; "padding", count 2L ] (map 8L 8L 3L) "half the kernel"
    refused "avg_pool" [ "kernel", count 9L ] (map 8L 8L 3L) "KernelTooLarge"

[<Fact>]
let ``every kind documents its rules`` () =
    for kind in Catalog.kinds do
        Assert.True(kind.Positional <= 3 && kind.Positional <= kind.Hyperparameters.Length, kind.Name)

        for rule in kind.Rules do
            Assert.All([ rule.Statement; rule.Domain; rule.Proof; rule.Citation ], (fun text -> Assert.NotEqual<string>("", text)))
            Assert.InRange(rule.Tightness, 0.01M, 1.00M)
