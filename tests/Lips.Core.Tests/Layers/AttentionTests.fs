/// Softmax attention: values derived by hand for every branch, and a search for gains above the bound.
module Lips.Core.Tests.AttentionTests

open System
open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private tokens n = Shape.Of(Row n, 16L)

/// Every matrix and every head's slice of norm 1, biases 0, unless given.
let private norms given =
    given
    @ [ for w in [ "q"; "k"; "v"; "out" ] do
            Functional.SpectralNorm, w, Bound.one
            Functional.HeadSpectralNorm, w, Bound.one ]
    @ [ for w in [ "q_bias"; "k_bias"; "v_bias"; "out_bias" ] do
            Functional.VectorNorm, w, Bound.zero
            Functional.HeadVectorNorm, w, Bound.zero ]

let private attention options given (n: int64) radius centred =
    judge "attention" options (norms given) (space (tokens n) (bound radius) (bound centred))

let private heads h scale = [ "heads", count h; "scale", number scale ]
let private candidate name (j: Judgement) = j.Candidates |> List.find (fun (n, _) -> n = "attention.dot." + name) |> snd

[<Fact>]
let ``one head, s = 1`` () =
    let j = attention (heads 1L "1") [] 4L "1" "1"
    // √2 + 1
    equal 2.4142135623730950488 (constants j).Local
    equal 2.4142135623730950488 (candidate "stacked" j)
    equal 2.4142135623730950488 (candidate "per-head" j)
    // 1 + 1 + 1 without the Pythagorean rule
    equal 3.0 (candidate "doeblin" j)
    // √G + 1, G = z² + (1−z)², z = 9/8
    equal 2.1319231422671770783 (constants j).Token
    // √(4G + 1 + 2√G + √2)
    equal 3.1309838464782039187 (constants j).Whole

[<Fact>]
let ``one head, saturated and almost even`` () =
    // s = 10: √(4G + s² + s(2√G + √101))
    equal 23.366183114969540484 (constants (attention (heads 1L "10") [] 4L "1" "1")).Whole
    // s = 1/10, N = 16: √(C·1.01) + s with C = 16·e^0.2/(e^0.2 + 15); cosh(0.1)/4 + s√a_max + s
    let even = attention (heads 1L "0.1") [] 16L "1" "1"
    equal 1.2030772371697453183 (constants even).Whole
    equal 0.378691113880400429 (constants even).Token

[<Fact>]
let ``four heads with capped matrices`` () =
    let j = attention (heads 4L "0.05") [] 8L "1" "1"
    // 1 + (1−λ)(√4 − 1) + 2s, λ = 8/(1 + 7e^0.1)
    equal 1.1842696741906922147 (constants j).Local
    equal 1.1842696741906922147 (candidate "doeblin" j)
    // √(4 + s²) + s
    equal (sqrt (4.0 + 0.0025) + 0.05) (candidate "stacked" j)
    // cosh(0.05)/√8 + s·√a_max + s
    equal 0.42245848265278519018 (constants j).Token
    // cosh(0.05) + s·√C + s
    equal 1.1034716751769459376 (constants j).Whole
    // √4·(1−λ)·r, and 1 + (1−λ)(√4 − 1)
    equal 0.16853934838138442946 j.Space.Centred
    equal 1.0842696741906922147 j.Space.Radius
    // a spread far below the radius: R + (1−λ)√H·r
    let near = attention (heads 4L "5") [] 8L "1" "0.01"
    Assert.True(value near.Space.Radius < 1.0 + 2.0 * 0.01 * 0.11)
    Assert.True(value near.Space.Radius > 1.0)

[<Fact>]
let ``caps on every head's slice`` () =
    let half = [ for w in [ "q"; "k"; "v" ] -> Functional.HeadSpectralNorm, w, bound "0.5" ]
    // s1_h = s2_h = 4·¼ = 1: √(Σ ¼)·(√2 + 1)
    let j = attention (heads 4L "4") half 4L "1" "1"
    equal 2.4142135623730950488 (constants j).Local
    // each head through its own columns: Σ ¼·½·(√2 + 1)
    let columns = attention (heads 4L "4") (half @ [ Functional.HeadSpectralNorm, "out", bound "0.25" ]) 4L "1" "1"
    equal 1.2071067811865475244 (constants columns).Local
    equal 0.5 columns.Space.Radius
    // the setting of arXiv 2507.13338 with caps of 1 in RMS units, head by head: (1 + 2A²)/3, here in width 16
    let rms =
        heads 4L "0.25" @ [ "gain", Number(Rational.OfInt 1L / Rational.OfInt 3L); "position", choice "rotary"; "mask", choice "causal" ]

    for a, expected in [ "4", 1.0; "2", 0.5 ] do
        equal expected (constants (attention rms half 64L a a)).Local

[<Fact>]
let ``stacked caps of several heads do not give the claim that ignores heads`` () =
    // H = 4, 1/d_h logits, rotary, gain 1/3, tokens of RMS 1: a gain of 2.730 exists where 1.0 was published
    let options =
        heads 4L "0.25" @ [ "gain", Number(Rational.OfInt 1L / Rational.OfInt 3L); "position", choice "rotary" ]

    let j = attention options [] 1024L "4" "4"
    Assert.True(value (constants j).Local >= 2.730)
    // (√4 + 2·4)/3, less what 1,024 tokens have in common
    Assert.InRange(value (candidate "doeblin" j), 3.33, 10.0 / 3.0)

[<Fact>]
let ``rotary positions and biases`` () =
    let biases =
        [ Functional.VectorNorm, "q_bias", bound "0.25"
          Functional.VectorNorm, "k_bias", bound "0.5"
          Functional.VectorNorm, "v_bias", bound "0.3"
          Functional.VectorNorm, "out_bias", bound "0.2" ]

    let turned = attention (heads 1L "1" @ [ "position", choice "rotary" ]) biases 4L "2" "1"
    // 1 + (2 + ¼) + (2 + ½)
    equal 5.75 (constants turned).Local
    // without rotary positions the key bias has no effect: √(1 + 2.25²) + 1
    let still = attention (heads 1L "1") biases 4L "2" "1"
    equal 3.4622144504490260 (constants still).Local
    // 2 + 0.3 + 0.2
    equal 2.5 still.Space.Radius
    let gained = attention (heads 1L "1" @ [ "gain", number "-0.5" ]) biases 4L "2" "1"
    equal (3.4622144504490260 / 2.0) (constants gained).Local
    equal (0.5 * 2.3 + 0.2) gained.Space.Radius

[<Fact>]
let ``causal attention`` () =
    let causal n = attention (heads 2L "0.01" @ [ "mask", choice "causal" ]) [] n "1" "1"
    // 1 + (1−λ)(√2 − 1) + 2s at N = 16; 1 + s/√2 + s
    let short = causal 16L
    equal 1.0276988824453943318 (constants short).Local
    equal 1.0170710678118654752 (constants short).Token
    equal 1.0076988824453943318 short.Space.Centred
    // cosh(0.01)·√(1 + … + 1/16) + s√C + s
    equal 1.8672525722988628923 (constants short).Whole
    // Hardy at N = 256: 2e^0.02 + s√C + s
    equal 2.0753320515956752978 (constants (causal 256L)).Whole

[<Fact>]
let ``paths are split between what all tokens and what one token moved`` () =
    let x = space (tokens 64L) (bound "1") (bound "1")
    let source, _ = x.Constants["x"]
    let k = { Whole = bound "1"; Token = bound "0.25"; Local = bound "1" }
    let j = judge "attention" (heads 1L "1") (norms []) { x with Constants = Map.ofList [ "x", (source, k) ] }
    // √G(1)·1 + 1·¼ would be 1.38; (√2 + 1)/4 is less
    equal 0.6035533905932737622 (constants j).Token
    let wide = judge "attention" (heads 1L "1") (norms []) { x with Constants = Map.ofList [ "x", (source, { k with Token = bound "0.9" }) ] }
    // cosh(1)/8 + √a_max + 0.9, a_max = e²/(e² + 63): less than 0.9·(√2 + 1) = 2.17 and than the same + 1
    equal 1.4168827673674181885 (constants wide).Token

[<Fact>]
let ``attention to a memory`` () =
    let judged (n: int64) (m: int64) scale radius (memory: Space) =
        let given = heads 1L scale @ [ "memory", Choice("m", [ Some "width", count 16L; Some "length", count m ]) ]
        let l = layer "cross_attention" given (tokens n)
        let j =
            Catalog.byName["cross_attention"].Rule
                { Layer = l
                  Options = Options l.Options
                  Input = space (tokens n) (bound radius) (bound radius)
                  Reads = Map.ofList [ "memory", memory ]
                  Body = None
                  Inner = None
                  Measure = fun f w -> norms [] |> List.tryPick (fun (f', w', b) -> if f = f' && w = w' then Some b else None) |> Option.defaultValue Bound.infinity
                  Name = fun _ b -> b }

        j, snd j.Space.Constants["x"], (Map.tryFind "y" j.Space.Constants |> Option.map snd)

    let memory (m: int64) radius = { space (tokens m) (bound radius) (bound radius) with Constants = Map.empty } |> Space.withSource "y"
    // (R_q, R_k) = (3, 1): s = 1 through the query, √(1 + 3²) through the memory
    let j, x, y = judged 4L 4L "1" "3" (memory 4L "1")
    equal 1.0 x.Local
    equal 3.1622776601683793320 y.Value.Local
    equal 1.0 j.Space.Radius
    // (1, 2): 2² and √(1 + 2²)
    let _, x, y = judged 4L 4L "1" "1" (memory 4L "2")
    equal 4.0 x.Whole
    equal 2.2360679774997896964 y.Value.Local
    // one memory token seen by four queries moves all four: 2, not 1
    let _, x, y = judged 4L 1L "1" "1" (memory 1L "0.001")
    Assert.InRange(value y.Value.Whole, 2.0, 2.01)
    equal 1e-6 x.Whole
    // a source behind both paths counts through both
    let shared = { memory 4L "1" with Constants = Map.empty } |> Space.withSource "x"
    let _, x, _ = judged 4L 4L "1" "3" shared
    equal 4.1622776601683793320 x.Local

[<Fact>]
let ``no radius, no constant`` () =
    let j = judge "attention" (heads 1L "1") (norms []) (space (tokens 4L) Bound.infinity Bound.infinity)
    equal infinity (constants j).Local
    Assert.Contains(j.Needs, fun n -> n.Value = Bound.Infinity && n.Fix.Contains "cosine")

[<Fact>]
let ``heads divide the width and rotary channels come in pairs`` () =
    Assert.Equal(Error(Indivisible("width", 16L, "heads", 3L)), shapeOf "attention" [ "heads", count 3L ] (tokens 4L))
    let rotary f = [ "heads", count 2L; "position", Choice("rotary", [ Some "fraction", number f ]) ]
    Assert.True((match shapeOf "attention" (rotary "0.25") (tokens 4L) with Ok _ -> true | Error _ -> false))
    Assert.True((match shapeOf "attention" (rotary "0.375") (tokens 4L) with Ok _ -> false | Error _ -> true))
    let l = layer "attention" [ "heads", count 2L ] (tokens 4L)
    Assert.Equal<(string * int64 * int64 list) list>(
        [ "qkv.weight", 0L, [ 16L; 16L ]; "qkv.weight", 16L, [ 16L; 16L ]; "qkv.weight", 32L, [ 16L; 16L ]; "out.weight", 0L, [ 16L; 16L ]
          "qkv.bias", 0L, [ 16L ]; "qkv.bias", 16L, [ 16L ]; "qkv.bias", 32L, [ 16L ]; "out.bias", 0L, [ 16L ] ],
        l.Weights |> List.map (fun w -> w.Leaf, w.RowOffset, w.Shape)
    )
    // 1/√8 is no rational number: an enclosure on both sides of it
    match l.Options |> List.find (fun (n, _) -> n = "scale") with
    | _, Enclosed(lo, hi) ->
        Assert.True(lo * lo < rational "0.125" && hi * hi > rational "0.125")
        Assert.True((hi - lo) * Rational.OfInt 1000000000000000L < Rational.One)
    | _, other -> failwith $"{other}"
