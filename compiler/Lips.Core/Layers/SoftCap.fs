namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = c·tanh(x/c): no entry exceeds c.
module internal SoftCap =

    let private rule (input: RuleInput) =
        let x = input.Input
        let cap = Bound.ofRational (input.Options.Upper "limit") * Bound.sqrt (Bound.ofInt64 x.Shape.Width)
        let r = Bound.min [ x.Radius; cap ]

        { Space = Space.step input.Layer.Output (Space.tokenwise Bound.one) r (Bound.min [ Windows.centred x; r ]) x
          Rule = "soft_cap.slope"
          Candidates = []
          Needs = [] }

    let entry: LayerKind =
        { Name = "soft_cap"
          Summary = "c · tanh(x/c) on every entry: keeps small values, bounds large ones by c"
          Citation = "slope of the hyperbolic tangent"
          Hyperparameters =
            [ { Name = "limit"
                Type = RealType(Some Rational.Zero, true, None)
                Default = Required
                Doc = "c, the largest size of an entry" } ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape = fun _ x -> if x.Vocabulary.IsSome then Error NeedsContinuous else Ok x
          Weights = fun _ _ -> []
          Rule = rule
          Rules =
            [ { Name = "soft_cap.slope"
                Statement = "LF = LM = LI = 1; R' = min(R, c·√d); r' = min(r, R, c·√d)"
                Domain = "none"
                Proof =
                  "The slope is 1 − tanh²(x/c), in (0, 1], entry by entry, so the derivative is diagonal with norm at most 1. \
                   |c·tanh(t/c)| ≤ min(|t|, c) on each of d entries gives R'. Images of tokens within r of a point lie within r of its \
                   image. Equality: at 0."
                Citation = "derived here"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let c = CSharp.number (input.Options.Upper "limit")

                { Members = []
                  Forward = fun x _ -> $"{x}.div({c}).tanh().mul({c})" } }
