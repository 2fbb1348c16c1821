namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Every pair of neighbouring channels is left as it is on one side of a line through 0 and mirrored in it on the other.
module internal Householder =

    /// π/2, from below: the line z₁ = z₂.
    let private quarterTurn = Hyper.ratio 1570796326794896619L 1000000000000000000L

    let private rule (input: RuleInput) =
        let x = input.Input

        { Space =
            { Space.step input.Layer.Output (Space.tokenwise Bound.one) x.Radius x.Centred x with
                Lower = x.Lower }
          Rule = "householder.reflection"
          Candidates = []
          Needs = [] }

    let private citation = "Singla, Singla and Feizi 2022, arXiv 2108.04062 (the layer); the proof is written out here"

    let entry: LayerKind =
        { Name = "householder"
          Summary =
            "activation: every pair of neighbouring channels mirrored in a learned line unless it lies on the line's one side; at the first angle, π/2, group_sort. \
             A layer of its own: in place of an mlp write `linear; householder; linear`"
          Citation = citation
          Hyperparameters = []
          Positional = 0
          Parts = []
          TakesBody = false
          Shape =
            fun _ x ->
                if x.Width % 2L <> 0L then Error(Indivisible("width", x.Width, "the size of a pair", 2L))
                else Hyper.continuous x x
          Weights =
            fun _ x ->
                let angle = Weights.gain "angle" "angle" (x.Width / 2L)

                [ { angle with
                      Role = Alpha
                      Init = Choice("constant", [ Some "value", Number quarterTurn ]) } ]
          Rule = rule
          Rules =
            [ { Name = "householder.reflection"
                Statement = "constant 1; R' = R, r' = r, ρ' = ρ, for every angle"
                Domain = "an even width"
                Proof =
                  "For a pair z and its angle θ let v = (sin θ/2, −cos θ/2), |v| = 1: f(z) = z where v·z > 0, else (I − 2vvᵀ)z, and I − 2vvᵀ = [cos θ, sin θ; sin θ, −cos θ] \
                   is orthogonal. So |f(z)| = |z| everywhere. On the line v·z = 0 both pieces give z, so f is continuous, f(z) = z + 2·max(−v·z, 0)·v. A segment from z to z' crosses the line at most once, at p: \
                   |f(z) − f(z')| ≤ |f(z) − f(p)| + |f(p) − f(z')| = |z − p| + |p − z'| = |z − z'|, each piece being an isometry. Pairs do not mix, so squares of their distances add: \
                   a token moves by no more than it moved, and with it a row of tokens: 1 in all three norms. A token equal to the centre c goes to f(c), which is within r of every output. \
                   The mean of a token's channels is not kept, so ρ_c is not. The angle enters through a rotation alone, so no cap is needed. Equality: any change on one side of the line."
                Citation = citation
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                { Members =
                    [ { Type = "Lips.Runtime.Modules.Householder"
                        Name = input.Layer.Name
                        Construct = $"new Lips.Runtime.Modules.Householder(width: {input.Layer.Input.Width})" } ]
                  Forward = Normalization.call input.Layer } }
