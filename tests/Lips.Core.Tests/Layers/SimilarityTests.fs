/// Attention by other similarities than the dot product: values derived by hand for every rule, in 12 digits.
module Lips.Core.Tests.SimilarityTests

open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private tokens n = Shape.Of(Row n, 16L)

/// Every matrix and every head's slice of norm 1, gains 1, biases 0, unless given.
let private norms given =
    given
    @ [ for w in [ "q"; "k"; "v"; "out" ] do
            Functional.SpectralNorm, w, Bound.one
            Functional.HeadSpectralNorm, w, Bound.one ]
    @ [ for w in [ "q_norm"; "k_norm" ] do
            Functional.LargestEntry, w, Bound.one ]
    @ [ for w in [ "q_bias"; "k_bias"; "v_bias"; "out_bias"; "q_norm_bias"; "k_norm_bias" ] do
            Functional.VectorNorm, w, Bound.zero
            Functional.HeadVectorNorm, w, Bound.zero ]

let private by similarity arguments more given (n: int64) radius =
    let options = [ "similarity", Choice(similarity, arguments |> List.map (fun (l, v) -> Some l, v)) ] @ more
    judge "attention" options (norms given) (space (tokens n) radius radius)

let private heads h = [ "heads", count h ]
let private scaled h scale = [ "heads", count h; "scale", number scale ]
let private smooth eps = Choice("smooth", [ Some "eps", number eps ])
let private clamp eps = Choice("clamp", [ Some "eps", number eps ])
let private keysAndQueries = Items [ choice "q"; choice "k" ]
let private candidate name (j: Judgement) = j.Candidates |> List.find (fun (n, _) -> n = j.Rule + "." + name) |> snd

// ---- cosine ----

[<Fact>]
let ``normalized values need no radius`` () =
    let j = by "cosine" [ "tau", number "2"; "eps", smooth "0.25" ] (heads 1L) [] 4L Bound.infinity
    Assert.Equal("attention.cosine", j.Rule)
    // 2·√(1 + 2²)
    equal 4.4721359549995793928 (constants j).Local
    equal 4.4721359549995793928 (candidate "per-head" j)
    // the rows' sum of squares, 4·(4 + 16/2), and the query path's 16: less than √4·√20
    equal 8.0 (constants j).Whole
    equal 1.0 j.Space.Radius
    // a raw value of the same layer has none
    let raw = by "cosine" [ "tau", number "2"; "normalize", keysAndQueries; "eps", smooth "0.25" ] (heads 1L) [] 4L Bound.infinity
    equal infinity (constants raw).Local
    Assert.Contains(raw.Needs, fun n -> n.Value = Bound.Infinity && n.Fix.Contains "normalize: [q, k, v]")

[<Fact>]
let ``whole to token needs no root of the number of heads`` () =
    let given = by "cosine" [ "tau", number "2"; "eps", smooth "0.25" ] (heads 4L) [] 4L Bound.infinity
    // rows: √(2² + 4²/2 + 4²); token to token: the common part once, λ = 4/(1 + 3e⁴), then √(M + 4·4²)
    equal 5.2915026221291811810 (constants given).Token
    equal 8.9279744654111992803 (constants given).Local
    equal 8.9279744654111992803 (candidate "doeblin" given)
    // √4·√(2² + 4²)
    equal 8.9442719099991587856 (candidate "per-head" given)
    equal 2.0 given.Space.Radius

[<Fact>]
let ``tokens close to each other hardly saturate`` () =
    // r = R = 1/10: 2 + min(1, 0.1·2)·4 instead of √20; radius 0.2, spread (1 − λ)·0.2 with range 4·0.2
    let j = by "cosine" [ "tau", number "2"; "eps", smooth "0.25" ] (heads 1L) [] 4L (bound "0.1")
    equal 2.8 (constants j).Local
    equal 0.2 j.Space.Radius
    equal (0.2 * (1.0 - 4.0 / (1.0 + 3.0 * exp 0.8))) j.Space.Centred

[<Fact>]
let ``clamped norms may be sensitive where they are largest`` () =
    // (1 + 2(1 + 1))·2; raw values in radius 3: 1 + 3·2·2·2
    equal 10.0 (constants (by "cosine" [ "tau", number "2"; "eps", clamp "0.5" ] (heads 1L) [] 4L Bound.infinity)).Local
    let raw = by "cosine" [ "tau", number "2"; "normalize", keysAndQueries; "eps", clamp "0.5" ] (heads 1L) [] 4L (bound "3")
    equal 25.0 (constants raw).Local
    equal 3.0 raw.Space.Radius
    // √H, for every head is divided by its own norm
    equal 20.0 (candidate "per-head" (by "cosine" [ "tau", number "2"; "eps", clamp "0.5" ] (heads 4L) [] 4L Bound.infinity))
    // larger of both norms only, where eps lies under the root
    let uneven = [ Functional.SpectralNorm, "q", bound "3" ]
    equal (2.0 * sqrt 37.0) (constants (by "cosine" [ "tau", number "2"; "eps", smooth "0.25" ] (heads 1L) uneven 4L Bound.infinity)).Local

[<Fact>]
let ``nu and gain are factors, biases of normalized values none`` () =
    let given = [ Functional.VectorNorm, "v_bias", bound "7"; Functional.VectorNorm, "out_bias", bound "0.5" ]
    let j = by "cosine" [ "tau", number "2"; "nu", number "3"; "eps", smooth "0.25" ] (heads 1L @ [ "gain", number "-0.5" ]) given 4L Bound.infinity
    equal (1.5 * 4.4721359549995793928) (constants j).Local
    equal 2.0 j.Space.Radius
    // of raw values a bias moves all outputs alike
    let raw = by "cosine" [ "tau", number "2"; "nu", number "3"; "normalize", keysAndQueries; "eps", smooth "0.25" ] (heads 1L) given 4L (bound "1")
    equal (3.0 * 5.0) (constants raw).Local
    equal 24.5 raw.Space.Radius

[<Fact>]
let ``without eps there is no constant`` () =
    let j = by "cosine" [ "eps", choice "none" ] (heads 1L) [] 4L Bound.one
    equal infinity (constants j).Local
    equal 1.0 j.Space.Radius
    Assert.Contains(j.Needs, fun n -> n.Value = Bound.Infinity && n.Fix.Contains "smooth")

// ---- normalized queries and keys ----

[<Fact>]
let ``normalized queries and keys, their gains and biases`` () =
    let eps = [ "eps", number "0.25" ]
    // 1 + √16·2·½·max(1, 1)
    equal 5.0 (constants (by "qk_norm" eps (scaled 1L "1") [] 4L (bound "0.5"))).Local
    let given = [ Functional.LargestEntry, "q_norm", bound "0.5"; Functional.LargestEntry, "k_norm", bound "3"; Functional.SpectralNorm, "k", bound "2" ]
    // 1 + 2·½·(½·3·4·2)
    equal 13.0 (constants (by "qk_norm" eps (scaled 1L "1") given 4L (bound "0.5"))).Local
    let biases = given @ [ Functional.VectorNorm, "q_norm_bias", bound "0.25"; Functional.VectorNorm, "k_norm_bias", bound "5" ]
    let biased more = by "qk_norm" (eps @ [ "bias", Flag true ]) (scaled 1L "1" @ more) biases 4L (bound "0.5")
    // the queries' bias times 3·2; that of the keys is the same for all of them, unless they are turned: 5·½·1
    equal 14.5 (constants (biased [])).Local
    equal 17.0 (constants (biased [ "position", choice "rotary" ])).Local
    // heads of 4 channels: √4·(1 + √4)
    equal 6.0 (candidate "per-head" (by "qk_norm" eps (scaled 4L "1") [] 4L (bound "0.5")))
    let far = by "qk_norm" eps (scaled 1L "1") [] 4L Bound.infinity
    equal infinity (constants far).Local
    Assert.Contains(far.Needs, fun n -> n.Value = Bound.Infinity)

// ---- distance ----

[<Fact>]
let ``attention by distance needs no radius`` () =
    let j = by "l2" [] (scaled 1L "3") [] 8L Bound.infinity
    // w = W₀(7/e): 1 + 4w; 1 + 2√(w_2·w) + 2w
    equal 4.8925550114664737888 (constants j).Local
    equal 3.9874012022459389391 (constants j).Token
    // √8(1 + 2√(w_2·w)) + 2w
    equal 7.7194471339120189429 (constants j).Whole
    // near one another: 1 + 2√(¼·w) + ½ with t·r² = ¼
    let near = by "l2" [] (scaled 1L "1") [] 8L (bound "0.5")
    equal 2.4864779535633860877 (constants near).Local
    equal 1.4263733802823004036 (constants near).Token
    equal 3.1201795964332758752 (constants near).Whole
    // a value and its query are both the projection's: |E||W|
    let given = [ Functional.SpectralNorm, "q", bound "2"; Functional.SpectralNorm, "v", bound "3" ]
    equal (6.0 * 4.8925550114664737888) (constants (by "l2" [] (scaled 1L "3") given 8L Bound.infinity)).Local

[<Fact>]
let ``a free value has a constant within a radius only`` () =
    let free = [ "value", choice "free" ]
    // 1 + 6t·r²
    equal 2.5 (constants (by "l2" free (scaled 1L "1") [] 8L (bound "0.5"))).Local
    let far = by "l2" free (scaled 2L "1") [] 8L Bound.infinity
    equal infinity (constants far).Local
    Assert.Contains(far.Needs, fun n -> n.Value = Bound.Infinity && n.Fix.Contains "tied")

[<Fact>]
let ``a tied value is a matrix in every head`` () =
    let l = layer "attention" [ "heads", count 4L; "similarity", choice "l2" ] (tokens 4L)
    Assert.Equal<(string * string * int64 list) list>(
        [ "q", "q.weight", [ 16L; 16L ]; "v", "v.weight", [ 16L; 4L ]; "out", "out.weight", [ 16L; 16L ]
          "q_bias", "q.bias", [ 16L ]; "v_bias", "v.bias", [ 16L ]; "out_bias", "out.bias", [ 16L ] ],
        l.Weights |> List.map (fun w -> w.Name, w.Leaf, w.Shape)
    )
    // 4·16² + 4·16·4 + 4·16² for the projections, 2·4²·16 for the pairs
    Assert.Equal(System.Numerics.BigInteger(1024 + 256 + 1024 + 512), Catalog.byName["attention"].Macs (Options l.Options) (tokens 4L))

// ---- sigmoid ----

[<Fact>]
let ``sigmoid attention counts its keys and no heads`` () =
    // s = 1 around 0: σ(1) = 0.731 < ¾, so growing: 4·σ(1)(1 + 2σ(−1)); 4·(σ(1)(1 + σ(−1)) + ¼); 2·… + 4·¼
    let j = by "sigmoid" [ "bias", number "0" ] (scaled 1L "1") [] 4L (bound "1")
    equal (4.0 * 1.1242824451129685843) (constants j).Local
    equal (4.0 * (0.92767051187148673179 + 0.25)) (constants j).Whole
    equal (sqrt (4.0 * 0.92767051187148673179 * 0.92767051187148673179 + 2.0 * 0.92767051187148673179 + 1.0)) (constants j).Token
    equal (4.0 * 0.73105857863000487925) j.Space.Radius
    // four heads with capped matrices: σ_max + 2·¼ per key, in every norm
    let four = by "sigmoid" [ "bias", number "0" ] (scaled 4L "1") [] 4L (bound "1")
    equal (4.0 * (0.73105857863000487925 + 0.5)) (constants four).Local
    // far past the peak: the lower end of 3 ± 1; over it, with s = 4: (1 + 8)²/32
    equal (4.0 * 1.0907842487848954788) (constants (by "sigmoid" [ "bias", number "3" ] (scaled 1L "1") [] 4L (bound "1"))).Local
    equal (4.0 * 2.53125) (constants (by "sigmoid" [ "bias", number "3" ] (scaled 1L "1") [] 4L (bound "2"))).Local

[<Fact>]
let ``a value bias moves with the weights of a sigmoid`` () =
    let given = [ Functional.VectorNorm, "v_bias", bound "0.5" ]
    // 4·(W + ½·2·σ'): b = −2, s = 1
    let j = by "sigmoid" [ "bias", number "-2" ] (scaled 1L "1") given 4L (bound "1")
    equal (4.0 * (0.66216528785295882582 + 0.19661193324148185254)) (constants j).Local
    equal (4.0 * 0.26894142136999512075 * 1.5) j.Space.Radius
    // −ln 4 in steps of 2^-20 where none is written
    match (layer "attention" (heads 1L @ [ "similarity", choice "sigmoid" ]) (tokens 4L)).Options |> List.find (fun (n, _) -> n = "similarity") with
    | _, Choice(_, arguments) -> Assert.Empty arguments
    | _, other -> failwith $"{other}"

[<Fact>]
let ``a rectified logit counts its positive part, a plain one its size`` () =
    let both bias = [ for similarity in [ "relu"; "linear" ] -> by similarity [ "bias", number bias ] (scaled 1L "1") [] 4L (bound "1") ]

    // s = 1, n = 4: 4·(1 + 2)/4; a row's blocks are ½ three times and ½ + 1
    for j in both "0" do
        equal 3.0 (constants j).Local
        equal 3.0 (constants j).Whole
        equal (sqrt 3.0) (constants j).Token
        equal 1.0 j.Space.Radius

    // s + β or s + |β|, once
    Assert.Equal<float list>([ 2.75; 3.25 ], [ for j in both "-0.25" -> value (constants j).Local ])
    Assert.Equal<float list>([ 3.25; 3.25 ], [ for j in both "0.25" -> value (constants j).Local ])
    Assert.Equal<float list>([ 0.75; 1.25 ], [ for j in both "-0.25" -> value j.Space.Radius ])
    // no logit is positive: every output is the bias
    Assert.Equal<float list>([ 0.0; 3.0 ], [ for j in both "-2" -> value j.Space.Radius ])

[<Fact>]
let ``a causal mask is a triangle`` () =
    // 1/(2 sin(π/34)) for 8 rows, where a full square has 8
    let j = by "sigmoid" [ "bias", number "0" ] (scaled 1L "1" @ [ "mask", choice "causal" ]) [] 8L (bound "1")
    let expected = 0.92767051187148673179 / (2.0 * sin (System.Math.PI / 34.0)) + 2.0
    Assert.InRange(value (constants j).Whole, expected, expected * (1.0 + 1e-5))

// ---- what goes with what ----

[<Fact>]
let ``settings that contradict each other are refused`` () =
    let refused options =
        match shapeOf "attention" (heads 2L @ options) (tokens 4L) with
        | Error(DoesNotFit words) -> words
        | other -> failwith $"{options}: {other}"

    Assert.Contains("[q, k]", refused [ "similarity", Choice("cosine", [ Some "normalize", Items [ choice "q" ] ]) ])
    Assert.Contains("tau", refused [ "similarity", choice "cosine"; "scale", number "0.5" ])
    Assert.Contains("affine", refused [ "similarity", Choice("qk_norm", [ Some "affine", Flag false; Some "bias", Flag true ]) ])
    Assert.Contains("above 0", refused [ "similarity", choice "l2"; "scale", number "-1" ])
    Assert.Contains("kv_heads", refused [ "similarity", choice "l2"; "kv_heads", count 1L ])
    Assert.Contains("rotary", refused [ "similarity", choice "l2"; "position", choice "rotary" ])
    let memory = [ "memory", Choice("m", [ Some "width", count 16L; Some "length", count 4L ]); "similarity", choice "l2" ]
    match shapeOf "cross_attention" (heads 2L @ memory) (tokens 4L) with
    | Error(DoesNotFit words) -> Assert.Contains("cosine", words)
    | other -> failwith $"{other}"
