/// Outputs under changes of weights, against attention computed here in doubles.
module Lips.Core.Tests.SensitivityTests

open System
open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private width, heads, tokens = 4, 2, 3

type private Weights = { Q: float[,]; K: float[,]; V: float[,]; O: float[,] }

let private zero () : float[,] = Array2D.zeroCreate width width
let private add a b = Array2D.init width width (fun i j -> (a: float[,])[i, j] + (b: float[,])[i, j])
let private times s (a: float[,]) = Array2D.map (fun x -> s * x) a
let private apply (a: float[,]) (x: float[]) = Array.init width (fun i -> Seq.sum (seq { for j in 0 .. width - 1 -> a[i, j] * x[j] }))
let private norm (x: float[]) = sqrt (Array.sumBy (fun v -> v * v) x)

/// σ_max of the rows from … by many power iterations, from below; the tests leave room for that.
let private sigma (a: float[,]) from count =
    let mutable x = Array.init width (fun i -> 1.0 + 0.3 * float i)
    let mutable s = 0.0

    for _ in 1..400 do
        let y = Array.init count (fun i -> Seq.sum (seq { for j in 0 .. width - 1 -> a[from + i, j] * x[j] }))
        let z = Array.init width (fun j -> Seq.sum (seq { for i in 0 .. count - 1 -> a[from + i, j] * y[i] }))
        s <- sqrt (norm z / max (norm x) 1e-300)
        x <- z |> Array.map (fun v -> v / max (norm z) 1e-300)

    s

let private whole a = sigma a 0 width
let private largestHead a = max (sigma a 0 (width / heads)) (sigma a (width / heads) (width / heads))

/// Token i's output; with rotary positions each head's two channels turn by the token's number.
let private attention rotary scale (w: Weights) (x: float[][]) =
    let size = width / heads
    let turn i (v: float[]) =
        if not rotary then v
        else
            let c, s = cos (float i), sin (float i)
            Array.init width (fun k -> if k % 2 = 0 then c * v[k] - s * v[k + 1] else s * v[k - 1] + c * v[k])

    let q = x |> Array.mapi (fun i t -> turn i (apply w.Q t))
    let k = x |> Array.mapi (fun i t -> turn i (apply w.K t))
    let v = x |> Array.map (apply w.V)

    [| for i in 0 .. tokens - 1 ->
           let out = Array.zeroCreate width

           for h in 0 .. heads - 1 do
               let logit j = scale * Seq.sum (seq { for c in h * size .. (h + 1) * size - 1 -> q[i][c] * k[j][c] })
               let e = [| for j in 0 .. tokens - 1 -> exp (logit j) |]
               let total = Array.sum e
               for c in h * size .. (h + 1) * size - 1 do
                   out[c] <- Seq.sum (seq { for j in 0 .. tokens - 1 -> e[j] / total * v[j][c] })

           apply w.O out |]

let private moved rotary scale a b x =
    Array.map2 (fun (p: float[]) (q: float[]) -> norm (Array.map2 (-) p q)) (attention rotary scale a x) (attention rotary scale b x) |> Array.max

[<Theory>]
[<InlineData(false)>]
[<InlineData(true)>]
let ``no change of attention's weights moves a token farther`` (rotary: bool) =
    let random = Random 5
    let gaussian () = (Seq.init 6 (fun _ -> random.NextDouble() - 0.5) |> Seq.sum) * 1.4
    let draw () = Array2D.init width width (fun _ _ -> gaussian ())
    let reached = Array.zeroCreate 4
    let ofFloat (x: float) = Bound.ofRational (Rational.OfDouble(x * (1.0 + 1e-6)))

    for trial in 1..400 do
        let size = Math.Pow(2.0, float (random.Next(-4, 1)))
        let w = { Q = times size (draw ()); K = times size (draw ()); V = draw (); O = draw () }
        let change = times (Math.Pow(2.0, float (random.Next(-9, 0)))) (draw ())
        let scale = 0.5
        // antipodal tokens and others
        let x = Array.init tokens (fun i -> Array.init width (fun _ -> gaussian ()))
        if trial % 2 = 0 then x[1] <- x[0] |> Array.map (~-)
        let radius = x |> Array.map norm |> Array.max

        let sizes (a: Weights) (b: Weights) =
            { Heads = int64 heads
              Scale = ofFloat scale
              Query = ofFloat (max (whole a.Q) (whole b.Q))
              QueryBias = Bound.zero
              Key = ofFloat (max (largestHead a.K) (largestHead b.K))
              KeyBias = Bound.zero
              Value = ofFloat (max (largestHead a.V) (largestHead b.V))
              ValueBias = Bound.zero
              Out = ofFloat (max (whole a.O) (whole b.O))
              Radius = ofFloat radius
              Centred = ofFloat radius
              Rotary = rotary }

        let d = ofFloat (whole change)

        let cases =
            [ { w with Q = add w.Q change }, fun s -> Sensitivity.attentionQuery s d
              { w with K = add w.K change }, fun s -> Sensitivity.attentionKey s d
              { w with V = add w.V change }, fun s -> Sensitivity.attentionValue s d Bound.zero
              { w with O = add w.O change }, fun s -> Sensitivity.attentionOut s d Bound.zero ]

        cases
        |> List.iteri (fun i (other, rule) ->
            let bound = value (rule (sizes w other))
            let found = moved rotary scale w other x
            Assert.True(found <= bound, $"change {i}, rotary {rotary}: moved by {found:R}, bound {bound:R}")
            reached[i] <- max reached[i] (found / bound))

    for i in 0..3 do
        Assert.True(reached[i] > 0.05, $"change {i}: {reached[i]:R} of the bound reached")

[<Fact>]
let ``a change of the query moves the output by the covariance of the tokens`` () =
    // one token asks along e₂, two at ±e₁ are seen alike; K = V = O = I, Q = ε·e₁e₂ᵀ against 0: the output moves by ε to first order
    let unit = Array2D.init width width (fun i j -> if i = j then 1.0 else 0.0)
    let none = zero ()
    let small = 1e-5
    let query = zero ()
    query[0, 1] <- small
    let axis k s = Array.init width (fun i -> if i = k then s else 0.0)
    // the asking token must not be a key of its own: it sits at the mean of the two, shifted along e₂, with weight 1/3
    let x = [| axis 0 1.0; axis 0 -1.0; axis 1 1.0 |]
    let w = { Q = none; K = unit; V = unit; O = unit }
    let found = moved false 1.0 w { w with Q = query } x
    // Cov along e₁ is 2/3 with three keys
    Assert.InRange(found / small, 2.0 / 3.0 - 1e-4, 2.0 / 3.0 + 1e-4)

    let sizes =
        { Heads = 1L; Scale = Bound.one; Query = Bound.one; QueryBias = Bound.zero; Key = Bound.one; KeyBias = Bound.zero
          Value = Bound.one; ValueBias = Bound.zero; Out = Bound.one; Radius = Bound.one; Centred = Bound.one; Rotary = false }

    equal 1.0 (Sensitivity.attentionQuery sizes Bound.one)
    equal 1.0 (Sensitivity.attentionKey sizes Bound.one)

[<Fact>]
let ``values by hand`` () =
    let a =
        { Heads = 4L; Scale = bound "0.5"; Query = bound "2"; QueryBias = bound "1"; Key = bound "3"; KeyBias = bound "0.5"
          Value = bound "1.5"; ValueBias = bound "0.25"; Out = bound "2"; Radius = bound "2"; Centred = bound "1"; Rotary = false }

    let d = bound "0.1"
    // o·v·c·|D|·R·κ·r²; o·v·c·(θR + |b_q|)·|D|·r²
    equal 0.9 (Sensitivity.attentionQuery a d)
    equal 0.75 (Sensitivity.attentionKey a d)
    // r(κR + |b_k|) for κr²; r·R for r²
    equal 1.95 (Sensitivity.attentionQuery { a with Rotary = true } d)
    equal 1.5 (Sensitivity.attentionKey { a with Rotary = true } d)
    // o(|D|·√H·R + |d_b|); |D|(v·√H·R + |b_v|) + |d_b|
    equal 0.82 (Sensitivity.attentionValue a d (bound "0.01"))
    equal 0.635 (Sensitivity.attentionOut a d (bound "0.01"))
    equal 0.21 (Sensitivity.linear (bound "2") d (bound "0.01"))
    equal 0.4725 (Sensitivity.mlpUp (bound "0.5") (bound "1.5") (bound "3") (bound "2") d (bound "0.01"))
    equal 0.16 (Sensitivity.mlpDown (bound "0.5") (bound "3") d (bound "0.01"))
    equal 1.7 (Sensitivity.composed [ bound "2", bound "0.6"; bound "1", bound "0.5" ])

[<Fact>]
let ``rounding to a stored type moves a matrix by no more`` () =
    let random = Random 8
    let types: (Storage * (float -> float)) list =
        [ Float16, (fun x -> float (Half.op_Explicit x: Half))
          Float32, (fun x -> float (float32 x))
          BFloat16,
          (fun x ->
              // round to nearest even on the upper half of a float32 that is exact
              let bits = BitConverter.SingleToUInt32Bits(float32 x)
              let rounded = (bits + 0x7FFFu + ((bits >>> 16) &&& 1u)) &&& 0xFFFF0000u
              float (BitConverter.UInt32BitsToSingle rounded)) ]

    for into, round in types do
        let mutable reached = 0.0

        for trial in 1..300 do
            // at the smallest numbers of the type as well as at ordinary ones
            let smallest = (match into with Float16 -> 1e-7 | BFloat16 | Float32 -> 1e-40)
            let scale = if trial % 3 = 0 then smallest else 1.0
            // the way to bfloat16 leads through float32, where it must not be rounded a first time
            let exact x = if into = BFloat16 then float (float32 x) else x
            let entries = Array.init 12 (fun _ -> exact (scale * (random.NextDouble() - 0.5)))
            let frobenius = norm entries
            let change = entries |> Array.map (fun x -> round x - x) |> norm
            let bound = value (Sensitivity.storage into 3L 4L (Bound.ofRational (Rational.OfDouble(frobenius * (1.0 + 1e-12)))))
            Assert.True(change <= bound, $"{into}: {change:R} above {bound:R}")
            reached <- max reached (change / bound)

        Assert.True(reached > 0.2, $"{into}: {reached:R}")
