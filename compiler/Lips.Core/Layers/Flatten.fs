namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// All tokens of a value as one vector.
module internal Flatten =

    /// ρ of k concatenated tokens: √k·(Start − Loss), with √k rounded down.
    let private lower (k: int64) (l: LowerRadius) =
        let struct (root, _) = (Rational.OfInt k).SqrtEnclosure 64
        Space.times root (Bound.ofRational root) l

    let private rule (input: RuleInput) =
        let x = input.Input
        let n = x.Shape.Tokens
        let root = Windows.root n

        { Space =
            { Space.step
                  input.Layer.Output
                  { FF = Bound.one; FR = Bound.one; II = root }
                  (root * x.Radius)
                  (root * Windows.centred x)
                  x with
                Lower = lower n x.Lower
                LowerCentred = lower n x.LowerCentred }
          Rule = "flatten.regroup"
          Candidates = []
          Needs = [] }

    let entry: LayerKind =
        { Name = "flatten"
          Summary = "all tokens, in order, as one vector"
          Citation = "norm of a concatenation, by definition"
          Hyperparameters = []
          Positional = 0
          Parts = []
          TakesBody = false
          Shape =
            fun _ x ->
                if x.Vocabulary.IsSome then Error NeedsContinuous
                else Ok(Shape.Of(Single, x.Tokens * x.Width))
          Weights = fun _ _ -> []
          Rule = rule
          Rules =
            [ { Name = "flatten.regroup"
                Statement = "LF = 1, F → token: 1, LI = √N; R' = √N·R; r' = √N·r; ρ' = √N·ρ, ρ_c' = √N·ρ_c"
                Domain = "none"
                Proof =
                  "The vector's norm is the whole tensor's norm, which is between the largest and √N times the largest token's: \
                   |(x_1, …, x_N)|² = Σ|x_i|² ≤ N·max|x_i|², and ≥ N·ρ² where every |x_i| ≥ ρ. The \
                   distance from the common mean is, squared, Σ|x_i − mean_i|² and what the means differ: ≥ N·ρ_c². Around the N-fold repetition of a \
                   centre the same holds of r. Equality: equal tokens."
                Citation = "norm of a concatenation"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                { Members = []
                  Forward =
                    fun x _ ->
                        match input.Layer.Input.Grid with
                        | Single -> x
                        | _ -> $"{x}.flatten(start_dim: 1)" } }
