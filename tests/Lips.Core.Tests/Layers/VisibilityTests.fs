/// Masks, windows, stripes, shared heads and positions in attention: values derived by hand.
module Lips.Core.Tests.VisibilityTests

open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private row n = Shape.Of(Row n, 16L)
let private map height width = Shape.Of(Map(height, width), 16L)
let private chosen name arguments = Choice(name, [ for n, v in arguments -> Some n, v ])
let private window size shift = "partition", chosen "window" [ "size", count size; "shift", count shift ]
let private cross stripe = "partition", chosen "cross" [ "stripe", count stripe ]
let private sliding size causal = "mask", chosen "sliding" [ "size", count size; "causal", Flag causal ]
let private lepe k = "position", chosen "lepe" [ "kernel", count k ]

/// Every matrix and every head's slice of norm 1, biases 0, unless given.
let private norms given =
    given
    @ [ for w in [ "q"; "k"; "v"; "out" ] do
            Functional.SpectralNorm, w, Bound.one
            Functional.HeadSpectralNorm, w, Bound.one ]
    @ [ for w in [ "q_bias"; "k_bias"; "v_bias"; "out_bias"; "lepe_bias" ] do
            Functional.VectorNorm, w, Bound.zero
            Functional.HeadVectorNorm, w, Bound.zero ]

let private within shape heads scale options given radius centred =
    judge "attention" ([ "heads", count heads; "scale", number scale ] @ options) (norms given) (space shape (bound radius) (bound centred))

let private attention shape heads scale options = within shape heads scale options [] "1" "1"

[<Fact>]
let ``a window is a sequence of its own`` () =
    let j = attention (map 6L 4L) 1L "1" [ window 2L 0L ]
    // four tokens see each other, however many windows there are: √2 + 1, √G + 1, √(4G + 1 + 2√G + √2)
    equal 2.4142135623730950488 (constants j).Local
    equal 2.1319231422671770783 (constants j).Token
    equal 3.1309838464782039187 (constants j).Whole
    // another window has another mean: no common part, unlike four tokens by themselves
    equal 1.0 j.Space.Centred
    Assert.True(value (attention (map 2L 2L) 1L "1" [ window 2L 0L ]).Space.Centred < 0.9)
    // cosh(s)/√4 + s·√a_max + s, a_max = e^2s/(e^2s + 3)
    equal 0.65629202323033675593 (constants (attention (map 6L 4L) 1L "0.1" [ window 2L 0L ])).Token

[<Fact>]
let ``a shifted window at a corner sees one token`` () =
    let j = attention (map 4L 4L) 1L "0.1" [ window 2L 1L ]
    // sets of 4, 2 and 1 tokens: the largest counts from F to F, √(C(1 + s²)) + s with C = 4e^2s/(e^2s + 3)
    equal 1.1811643973042518657 (constants j).Whole
    // the smallest for one row: 1 + s
    equal 1.1 (constants j).Token
    // a window as large as the map is cut into the same sets
    let all = attention (map 4L 4L) 1L "0.1" [ window 4L 2L ]
    equal (value (constants (attention (map 4L 4L) 1L "0.1" [ window 2L 0L ])).Whole) (constants all).Whole
    equal 1.0 all.Space.Centred

[<Fact>]
let ``stripes in two directions have nothing in common`` () =
    let j = attention (map 4L 4L) 4L "0.01" [ cross 1L ]
    // λ√2 + (1−λ)√4 + 2s, λ = 4/(1 + 3e^2s): one uniform part for each direction
    equal 1.4429563535571483786 (constants j).Local
    equal 0.51506254641622869041 (constants j).Token
    // cosh(s) + √2·√C·s + s: a token is seen by four rows of either direction
    equal 1.0242983327532396294 (constants j).Whole
    equal 1.4229563535571483786 j.Space.Radius
    // of tokens close to each other the values are close: R + value·r
    let near = within (map 4L 4L) 4L "0.01" [ cross 1L ] [] "1" "0.01"
    Assert.InRange(value near.Space.Radius, 1.0, 1.0 + 0.01 * 1.43)
    // stripes as wide as the map are no stripes
    equal (value (constants (attention (map 4L 4L) 4L "0.01" [])).Local) (constants (attention (map 4L 4L) 4L "0.01" [ cross 4L ])).Local

[<Fact>]
let ``the longer stripe counts from F to F, the shorter for a row`` () =
    let j = attention (map 2L 8L) 2L "0.01" [ cross 2L ]
    let sets n = attention (map n 2L) 2L "0.01" []
    // vertical stripes hold 4 tokens, horizontal ones 16
    Assert.True(value (constants j).Whole > value (constants (sets 8L)).Whole)
    Assert.True(value (constants j).Token > value (constants (sets 8L)).Token)
    equal (value (constants (sets 2L)).Token) (constants j).Token

[<Fact>]
let ``values that several heads read are stacked as often`` () =
    let j = attention (row 8L) 4L "0.05" [ "kv_heads", count 2L ]
    // √2 + (1−λ)(2 − √2) + 2s
    equal 1.5635775946172405758 (constants j).Local
    equal 1.4635775946172405758 j.Space.Radius
    // no more than with heads of their own: √4(1−λ)
    equal 0.16853934838138442946 j.Space.Centred
    // √2·cosh(s)/√8 + s√a_max + s, and √2·cosh(s) + s√C + s
    equal 0.56908818846158593882 (constants j).Token
    equal 1.5182031123801119674 (constants j).Whole
    // four heads of equal logits that read one value move together: 2
    equal 2.0 (constants (attention (row 2L) 4L "0" [ "kv_heads", count 1L ])).Local
    equal 1.0 (constants (attention (row 2L) 4L "0" [])).Local

[<Fact>]
let ``shared heads have fewer weights`` () =
    let l = layer "attention" [ "heads", count 4L; "kv_heads", count 2L ] (row 4L)
    Assert.Equal<(string * string * int64 * int64 list * int64) list>(
        [ "q", "qkv.weight", 0L, [ 16L; 16L ], 4L; "k", "qkv.weight", 16L, [ 8L; 16L ], 2L; "v", "qkv.weight", 24L, [ 8L; 16L ], 2L
          "out", "out.weight", 0L, [ 16L; 16L ], 4L; "q_bias", "qkv.bias", 0L, [ 16L ], 4L; "k_bias", "qkv.bias", 16L, [ 8L ], 2L
          "v_bias", "qkv.bias", 24L, [ 8L ], 2L; "out_bias", "out.bias", 0L, [ 16L ], 1L ],
        l.Weights |> List.map (fun w -> w.Name, w.Leaf, w.RowOffset, w.Shape, w.Heads)
    )

[<Fact>]
let ``a sliding mask`` () =
    let behind = attention (row 16L) 1L "0.01" [ sliding 4L true ]
    // √C + s·√2 would be 1.46; √(C(1 + s²)) + s with C = Σ_{i<4} e^2s/(e^2s + i)
    equal 1.4580230317287281978 (constants behind).Whole
    equal 1.01 (constants behind).Token
    // √5·e^2s + s√C + s where a token sees 200
    equal 2.315659760398111101 (constants (attention (row 1000L) 1L "0.01" [ sliding 200L true ])).Whole
    // seven see a token, four are seen at least: √(C(1 + s²)) + s with C = 7e^2s/(e^2s + 3)
    let around = attention (row 16L) 1L "0.01" [ sliding 4L false ]
    equal 1.3428760872150679419 (constants around).Whole
    equal 0.51506254641622869041 (constants around).Token
    equal 1.0 around.Space.Centred
    // the cross term of both paths holds for N rows, not for the four that see a key: 69.838 would be below a gain of 70.288
    equal 72.461749126583196948 (constants (attention (row 8L) 1L "30" [ sliding 4L true ])).Whole
    // a mask that hides nothing
    for size in [ 16L; 1000L ] do
        equal (value (constants (attention (row 16L) 2L "0.1" [])).Whole) (constants (attention (row 16L) 2L "0.1" [ sliding size false ])).Whole
        equal (value (constants (attention (row 16L) 2L "0.1" [ "mask", choice "causal" ])).Whole) (constants (attention (row 16L) 2L "0.1" [ sliding size true ])).Whole

let private doeblin (j: Judgement) = j.Candidates |> List.find (fun (n, _) -> n = "attention.dot.doeblin") |> snd

[<Fact>]
let ``a relative bias widens the range of the logits and nothing else`` () =
    let table entry = [ Functional.LargestEntry, "bias_table", entry ]
    let biased entry = within (row 8L) 4L "0.05" [ "position", choice "relative_bias" ] (table entry) "1" "1"
    // 1 + (1−λ) + 2s with rg = 2s + 2·¼
    let j = biased (bound "0.25")
    equal 1.5183861910450345234 (doeblin j)
    equal 0.44230630193025268235 (constants j).Token
    equal (value (doeblin (attention (row 8L) 4L "0.05" []))) (doeblin (biased Bound.zero))
    // a table without a cap: √(4 + s²) + s
    equal (sqrt 4.0025 + 0.05) (constants (biased Bound.infinity)).Local

[<Fact>]
let ``a table has a row for every offset`` () =
    let shapeOf grid options =
        let l = layer "attention" ([ "heads", count 2L; "position", choice "relative_bias" ] @ options) (Shape.Of(grid, 16L))
        l.Weights |> List.find (fun w -> w.Name = "bias_table") |> fun w -> w.Shape

    Assert.Equal<int64 list>([ 169L; 2L ], shapeOf (Map(14L, 21L)) [ window 7L 3L ])
    Assert.Equal<int64 list>([ 7L * 11L; 2L ], shapeOf (Map(4L, 6L)) [])
    Assert.Equal<int64 list>([ 15L; 2L ], shapeOf (Row 8L) [])

[<Fact>]
let ``a convolution beside the heads`` () =
    let channel =
        [ Functional.LargestRow, "lepe", bound "0.5"
          Functional.VectorNorm, "v_bias", bound "0.25"
          Functional.VectorNorm, "lepe_bias", bound "0.125" ]

    let whole = within (map 4L 4L) 1L "1" [ lepe 3L ] channel "1" "1"
    // nine taps read a token of the middle: ½·√9 more from token to token and from F to F, ½ to one token, cosh(1)/√16 + √a_max + 1 without it
    equal 3.9142135623730950488 (constants whole).Local
    equal 2.4602523755973771629 (constants whole).Token
    // √(2C) + 1 without it, C = 16e²/(e² + 15)
    equal 5.7497621698921733087 (constants whole).Whole
    // R + |b_v| of the heads; ½·√9·(R + |b_v|) + |b| of the convolution
    equal (1.25 + 1.5 * 1.25 + 0.125) whole.Space.Radius
    // in windows of four tokens no token is read more than four times
    let cut = within (map 4L 4L) 1L "1" [ window 2L 0L; lepe 3L ] channel "1" "1"
    equal (2.4142135623730950488 + 1.0) (constants cut).Local
    equal (3.1309838464782039187 + 1.0) (constants cut).Whole
    // the border's zeros are apart from the values: ½·3·(r + R + |b_v|)/2, below ½·√9·(R + |b_v|)
    let near = within (map 4L 4L) 1L "1" [ lepe 3L ] channel "1" "0"
    equal (1.5 * 1.25 / 2.0) near.Space.Centred
    let one = within (map 4L 4L) 1L "1" [ lepe 1L ] channel "1" "0"
    equal 0.0 one.Space.Centred
    // nothing is known of a kernel without a cap
    let free = attention (map 4L 4L) 1L "1" [ lepe 3L ]
    Assert.Contains(free.Needs, fun n -> n.Value = Bound.Infinity && n.Fix.Contains "lepe.constraint")

[<Fact>]
let ``what a layer computes is counted`` () =
    let macs given shape = Catalog.byName["attention"].Macs (Options(complete Catalog.byName["attention"] given shape)) shape |> int64
    let projections n = 4L * n * 16L * 16L
    Assert.Equal(projections 64L + 2L * 64L * 64L * 16L, macs [ "heads", count 2L ] (map 8L 8L))
    Assert.Equal(projections 64L + 2L * 64L * 4L * 16L, macs [ "heads", count 2L; window 2L 1L ] (map 8L 8L))
    // half of the channels meets 8·2 tokens, the other half 2·4
    Assert.Equal(projections 32L + 2L * 32L * 12L * 16L, macs [ "heads", count 2L; cross 2L ] (map 8L 4L))
    Assert.Equal(projections 64L + 2L * 64L * 64L * 16L + 9L * 64L * 16L, macs [ "heads", count 2L; lepe 3L ] (map 8L 8L))
    // keys and values of one head of eight channels
    Assert.Equal(3L * 8L * 16L * 16L + 2L * 8L * 8L * 16L, macs [ "heads", count 2L; "kv_heads", count 1L ] (row 8L))

[<Fact>]
let ``what does not fit is refused`` () =
    let refused shape options = shapeOf "attention" ([ "heads", count 4L ] @ options) shape
    Assert.Equal(Error(Indivisible("height", 56L, "window", 9L)), refused (map 56L 54L) [ window 9L 0L ])
    Assert.Equal(Error(Indivisible("width of the map", 56L, "window", 9L)), refused (map 54L 56L) [ window 9L 0L ])
    Assert.Equal(Error(Indivisible("height", 14L, "stripe", 4L)), refused (map 14L 16L) [ cross 4L ])
    Assert.Equal(Error(Indivisible("heads", 4L, "kv_heads", 3L)), refused (row 4L) [ "kv_heads", count 3L ])
    Assert.Equal(Error(Indivisible("heads", 1L, "the number of stripes' directions", 2L)), shapeOf "attention" [ "heads", count 1L; cross 2L ] (map 4L 4L))

    let explained shape options (word: string) =
        match refused shape options with
        | Error(DoesNotFit why) -> Assert.Contains(word, why)
        | other -> failwith $"{other}"

    explained (map 4L 4L) [ window 2L 2L ] "shift"
    explained (map 4L 4L) [ window 2L 0L; "mask", choice "causal" ] "mask"
    explained (map 4L 4L) [ window 2L 0L; "position", choice "rotary" ] "rotary"
    explained (map 4L 4L) [ cross 2L; "position", choice "relative_bias" ] "lepe"
    explained (map 4L 4L) [ lepe 2L ] "odd"
    explained (map 4L 4L) [ window 2L 1L; lepe 3L ] "shifted"

    for options in [ [ window 2L 0L ]; [ cross 2L ]; [ lepe 3L ] ] do
        match refused (row 4L) options with
        | Error(NeedsGrid _) -> ()
        | other -> failwith $"{other}"
