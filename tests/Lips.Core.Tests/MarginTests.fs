/// Radii from logits, exactly.
module Lips.Core.Tests.MarginTests

open System
open Xunit
open Lips.Core

let private one = Upper.One
let private radius distance logits label = Margins.radius one (Func<_, _, _>(distance)) 0.0 logits label

[<Fact>]
let ``the nearest boundary is that of the least ratio`` () =
    // 3 ÷ 2 against 1 ÷ ½
    Assert.Equal(1.5, radius (fun _ j -> if j = 1 then 2.0 else 0.5) [| 4.0; 1.0; 3.0 |] 0)
    Assert.Equal(0.75, Margins.radius (Upper.OfInt64 2L) (Func<_, _, _>(fun _ j -> if j = 1 then 2.0 else 0.5)) 0.0 [| 4.0; 1.0; 3.0 |] 0)
    // both logits may be off by ¼: (3 − ½)/2 against (1 − ½)/½
    Assert.Equal(1.0, Margins.radius one (Func<_, _, _>(fun _ j -> if j = 1 then 2.0 else 0.5)) 0.25 [| 4.0; 1.0; 3.0 |] 0)

[<Fact>]
let ``no margin has no radius`` () =
    let unit _ _ = 1.0
    Assert.Equal(0.0, radius unit [| 1.0; 1.0 |] 0)
    Assert.Equal(0.0, radius unit [| 1.0; 2.0 |] 0)
    Assert.Equal(0.0, radius unit [| 1.0; Double.NaN |] 0)
    Assert.Equal(0.0, radius unit [| Double.PositiveInfinity; 1.0 |] 0)
    Assert.Equal(0.0, Margins.radius Upper.Infinity (Func<_, _, _>(unit)) 0.0 [| 2.0; 1.0 |] 0)
    Assert.Equal(0.0, Margins.radius one (Func<_, _, _>(unit)) Double.NaN [| 2.0; 1.0 |] 0)

[<Fact>]
let ``equal rows never meet, and one class stands alone`` () =
    Assert.Equal(Double.PositiveInfinity, radius (fun _ _ -> 0.0) [| 2.0; 1.0 |] 0)
    Assert.Equal(Double.PositiveInfinity, radius (fun _ _ -> 1.0) [| 2.0 |] 0)

[<Fact>]
let ``rounding is down, at every size`` () =
    let random = Random 3

    for _ in 1..2000 do
        let scale = Math.Pow(10.0, float (random.Next(-280, 280)))
        let logits = [| for _ in 1..3 -> (random.NextDouble() - 0.5) * scale |]
        let label = Array.findIndex ((=) (Array.max logits)) logits
        let distance = (random.NextDouble() + 1e-3) * Math.Pow(10.0, float (random.Next(-20, 20)))
        let constant = Upper.OfDouble(random.NextDouble() * 3.0)
        let found = Margins.radius constant (Func<_, _, _>(fun _ _ -> distance)) 0.0 logits label

        let margin = logits |> Array.indexed |> Array.filter (fun (j, _) -> j <> label) |> Array.map (fun (_, z) -> Rational.OfDouble logits[label] - Rational.OfDouble z) |> Array.min
        let speed = Rational.OfDouble distance * constant.TryRational.Value
        Assert.True(Rational.OfDouble found * speed <= margin, $"{found:R} is above the radius")

        let truth = margin / speed
        if truth > Rational.PowerOfTwo -890 && truth < Rational.PowerOfTwo 890 then
            Assert.True(Rational.OfDouble found > truth * (Rational.One - Rational.PowerOfTwo -40), $"{found:R} is far below the radius")

[<Fact>]
let ``the weaker rules give smaller radii`` () =
    // √2·σ for every pair, and 2·(largest entry)
    Assert.Equal(2.0, Margins.largestEntryRadius one 0.0 [| 5.0; 1.0 |] 0)
    let radius = Margins.globalRadius one 0.0 [| 5.0; 1.0 |] 0
    Assert.True(radius < 2.8284271247461903 && radius > 2.8284271247461)
