namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// A vector of its own is added to the token at every position.
module internal Position =

    let private rule (input: RuleInput) =
        let x = input.Input
        let learned = (input.Options.ChoiceName "table" = "learned")

        let p =
            if learned then input.Name "largest position" (input.Measure Functional.LargestRow "weight")
            else Hyper.rootOf (Hyper.ratio x.Shape.Width 2L)

        { Space =
            { x with
                Shape = input.Layer.Output
                Radius = x.Radius + p
                Centred = Bound.min [ x.Centred + p; x.Radius + p ]
                Lower = Space.less p x.Lower
                LowerCentred = Space.less p x.LowerCentred
                Centre = x.Centre |> Option.map (fun (c, r) -> c, r + p) }
          Rule = (if learned then "position.learned" else "position.sinusoidal")
          Candidates = []
          Needs =
            [ { Value = p
                Why = "its table has no cap, so the radius after it is unknown"
                Fix = "cap it: `constraint: row_rms_cap(1)`" } ] }

    let private proof =
        "The table does not depend on the input, so it drops from differences: every constant stays. |x_i + p_i| ≤ |x_i| + |p_i|. If all \
         x_i lie within r of c, then |x_i + p_i − c| ≤ r + |p_i|; the same for a known centre. |x_i + p_i| ≥ |x_i| − |p_i| for the lower radius, and so without the means. "

    let entry: LayerKind =
        { Name = "position"
          Summary = "adds a vector of its own to the token at every position"
          Citation = "Vaswani et al. 2017, section 3.5"
          Hyperparameters =
            [ Hyper.choiceOr
                  "learned"
                  [ Hyper.alternative "learned" "a trained table, one row for every position" []
                    Hyper.alternative "sinusoidal" "sines and cosines of geometrically spaced wavelengths" [ Hyper.positiveOr (Rational.OfInt 10000L) "base" "ratio of the longest to the shortest wavelength" ] ]
                  "table"
                  "where the vectors come from" ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape =
            fun options x ->
                match x.Vocabulary, x.Grid, options.ChoiceName "table" with
                | Some _, _, _ -> Error NeedsContinuous
                | _, (Single | Map _), "sinusoidal" -> Error(NeedsGrid "tokens in a row")
                | _, _, "sinusoidal" when x.Width % 2L <> 0L -> Error(Indivisible("width", x.Width, "one sine and one cosine", 2L))
                | _ -> Ok x
          Weights =
            fun options x ->
                if options.ChoiceName "table" = "learned" then [ Weights.table "weight" "weight" x.Tokens x.Width ] else []
          Rule = rule
          Rules =
            [ { Name = "position.learned"
                Statement = "constant 1; R' = R + P, r' = r + P, ρ' = max(0, ρ − P), ρ_c' = max(0, ρ_c − P), P = the largest row of the table"
                Domain = "none"
                Proof = proof
                Citation = "triangle inequality"
                Tightness = 1.00M }
              { Name = "position.sinusoidal"
                Statement = "constant 1; R' = R + √(width/2), r' = r + √(width/2), ρ' and ρ_c' as for a table, with P = √(width/2)"
                Domain = "an even width"
                Proof =
                  proof
                  + "Position i holds the pairs (sin iω_k, cos iω_k), k = 1 … width/2, each of norm 1, so |p_i| = √(width/2) exactly."
                Citation = "Vaswani et al. 2017, section 3.5"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let x = input.Layer.Input

                let kind, construct =
                    match input.Options.Choice "table" with
                    | "learned", _ ->
                        "Lips.Runtime.Modules.LearnedPosition", $"(length: {x.Tokens}, width: {x.Width})"
                    | _, arguments ->
                        "Lips.Runtime.Modules.SinusoidalPosition",
                        $"""(length: {x.Tokens}, width: {x.Width}, wavelengths: {Hyper.literal (arguments.Value "base")})"""

                { Members = [ { Type = kind; Name = input.Layer.Name; Construct = $"new {kind}{construct}" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
