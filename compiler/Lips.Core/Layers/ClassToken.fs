namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// One learned token before all others.
module internal ClassToken =

    let private rule (input: RuleInput) =
        let x = input.Input
        let p = input.Name "|token|" (input.Measure Functional.VectorNorm "token")
        let radius = Bound.max [ x.Radius; p ]
        let r = Windows.centred x
        let half = Bound.ofQuotient 1L 2L

        { Space =
            Space.step
                input.Layer.Output
                (Space.tokenwise Bound.one)
                radius
                (Bound.min [ radius; Bound.max [ r; half * (r + x.Radius + p) ] ])
                x
          Rule = "class_token.constant"
          Candidates = []
          Needs = [] }

    let entry: LayerKind =
        { Name = "class_token"
          Summary = "a learned token put before the others; a map becomes a row of tokens"
          Citation = "a constant token, derived here"
          Hyperparameters = []
          Positional = 0
          Parts = []
          TakesBody = false
          Shape =
            fun _ x ->
                if x.Vocabulary.IsSome then
                    Error NeedsContinuous
                else
                    match x.Grid with
                    | Single -> Error(NeedsGrid "a row or a map of tokens")
                    | Row _
                    | Map _ -> Ok { x with Grid = Row(x.Tokens + 1L) }
          Weights = fun _ x -> [ Weights.table "token" "token" 1L x.Width ]
          Rule = rule
          Rules =
            [ { Name = "class_token.constant"
                Statement = "LF = LM = LI = 1; R' = max(R, |p|); r' = min(R', max(r, (r + R + |p|)/2)), p the learned token"
                Domain = "none"
                Proof =
                  "The token p does not change with the input, so differences keep both their whole and their largest-token norm. \
                   Every token has norm at most max(R, |p|). Let all old tokens lie within r of c, |c| ≤ R, and D = |c − p| ≤ \
                   R + |p|. If D ≤ r, c serves for p too. Else the point on the segment from c to p at distance (D − r)/2 from c \
                   is within r + (D − r)/2 = (r + D)/2 of every old token and D − (D − r)/2 = (D + r)/2 of p. The origin gives R'. \
                   Taking r' = r is wrong: one patch token and a class token at distance 10 attend to each other with gain 25.5, \
                   not 1. Equality: the constant 1 always; r' for N ≥ 2 tokens opposite p."
                Citation = "derived here"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                { Members =
                    [ { Type = "Lips.Runtime.Modules.ClassToken"
                        Name = input.Layer.Name
                        Construct = $"new Lips.Runtime.Modules.ClassToken(width: {input.Layer.Input.Width})" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
