namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Maps that add or multiply the same constant everywhere.
module internal Pointwise =

    let private kind name summary citation hyperparameters positional : LayerKind =
        { Name = name
          Summary = summary
          Citation = citation
          Hyperparameters = hyperparameters
          Positional = positional
          Parts = []
          TakesBody = false
          Shape = fun _ x -> Hyper.continuous x x
          Weights = fun _ _ -> []
          Rule = fun input -> { Space = input.Input; Rule = name; Candidates = []; Needs = [] }
          Rules = []
          Macs = fun _ _ -> BigInteger.Zero
          Emit = fun _ -> { Members = []; Forward = fun x _ -> x } }

    let private biasRule (input: RuleInput) =
        let x = input.Input
        let b = input.Name "|bias|" (input.Measure Functional.VectorNorm "bias")

        { Space =
            { x with
                Radius = x.Radius + b
                Centred = Bound.min [ x.Centred; x.Radius + b ]
                Lower = Space.less b x.Lower
                LowerCentred = Space.less b x.LowerCentred
                Centre = x.Centre |> Option.map (fun (c, r) -> c, r + b) }
          Rule = "bias.translation"
          Candidates = []
          Needs =
            [ { Value = b
                Why = "its vector has no cap, so the radius after it is unknown"
                Fix = "cap it: `constraint: l2_cap(1)`" } ] }

    let bias =
        { kind "bias" "adds one learned vector to every token" "definition" [] 0 with
            Weights = fun _ x -> [ Weights.bias "bias" "bias" x.Width ]
            Rule = biasRule
            Rules =
                [ { Name = "bias.translation"
                    Statement = "constant 1; R' = R + |b|, r' = r, ρ' = max(0, ρ − |b|), ρ_c' = max(0, ρ_c − |b|)"
                    Domain = "none"
                    Proof =
                      "The vector drops from differences. |x_i + b| lies between |x_i| − |b| and |x_i| + |b|; \
                       so it does without the means, and b without its mean is no longer than b. The centre moves with the \
                       tokens, so r stays; a known centre c stays known with radius larger by |b|."
                    Citation = "triangle inequality"
                    Tightness = 1.00M } ]
            Emit =
                fun input ->
                    { Members =
                        [ { Type = "Lips.Runtime.Modules.Bias"
                            Name = input.Layer.Name
                            Construct = $"new Lips.Runtime.Modules.Bias(width: {input.Layer.Input.Width})" } ]
                      Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }

    let private scaleRule (input: RuleInput) =
        let x = input.Input
        let factor = input.Options.Value "factor"
        let c = Hyper.sizeOf input.Options "factor"

        let least =
            match factor with
            | Enclosed(lo, hi) when lo.Sign <> hi.Sign -> Rational.Zero
            | v -> Rational.Min((Hyper.lower v).Abs, (Hyper.upper v).Abs)

        { Space =
            { Space.step input.Layer.Output (Space.tokenwise c) (c * x.Radius) (c * x.Centred) x with
                Lower = Space.times least c x.Lower
                LowerCentred = Space.times least c x.LowerCentred
                Centre =
                    (match x.Centre, factor with
                     | Some(centre, r), Number f -> Some(centre |> List.map (fun e -> f * e), c * r)
                     | _ -> None) }
          Rule = "scale.factor"
          Candidates = []
          Needs = [] }

    let scale =
        { kind
              "scale"
              "multiplies everything by one number"
              "definition"
              [ Hyper.real "factor" "the number" ]
              1 with
            Rule = scaleRule
            Rules =
                [ { Name = "scale.factor"
                    Statement = "constant |c|; R' = |c|·R, r' = |c|·r, ρ' = |c|·ρ, ρ_c' = |c|·ρ_c"
                    Domain = "none"
                    Proof = "|c·x − c·y| = |c|·|x − y| in every norm; the same for the tokens' norms and their distances from a centre."
                    Citation = "definition of a norm"
                    Tightness = 1.00M } ]
            Emit =
                fun input ->
                    { Members = []
                      Forward = fun x _ -> $"""{x} * {Hyper.literal (input.Options.Value "factor")}""" } }

    let identity =
        { kind "identity" "leaves its input as it is" "definition" [] 0 with
            Rule = fun input -> { Space = input.Input; Rule = "identity"; Candidates = []; Needs = [] }
            Rules =
                [ { Name = "identity"
                    Statement = "constant 1; everything known stays"
                    Domain = "none"
                    Proof = "The output is the input."
                    Citation = "definition"
                    Tightness = 1.00M } ] }
