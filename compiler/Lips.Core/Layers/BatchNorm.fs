namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// y = g ⊙ (x − μ)/√(v + eps) + b with running mean μ and variance v of each channel.
module internal BatchNorm =

    let private rule (input: RuleInput) =
        let x = input.Input
        let g = Normalization.gain input
        let c = g * Normalization.inverseRoot (Normalization.least input.Options "eps")

        // no bound on the running mean is known, so none on the output's norm: only its spread is bounded
        { Space = Space.step input.Layer.Output (Space.tokenwise c) Bound.infinity (c * Windows.centred x) x
          Rule = "batch_norm.eval"
          Candidates = []
          Needs = [ Normalization.needGain g ] }

    let private citation = "Ioffe and Szegedy 2015 (the layer); a diagonal map by definition"

    let entry: LayerKind =
        { Name = "batch_norm"
          Summary = "batch normalization of each channel; the bound is that of evaluation, with fixed running statistics"
          Citation = citation
          Hyperparameters =
            [ Normalization.eps
              { Name = "momentum"
                Type = RealType(Some Rational.Zero, true, Some Rational.One)
                Default = Default(Number(Hyper.ratio 1L 10L))
                Doc = "weight of a batch in the running mean and variance" }
              Normalization.affine
              Normalization.bias ]
          Positional = 0
          Parts = []
          TakesBody = false
          Shape = Normalization.shape
          Weights = fun options x -> Normalization.gainWeights options x.Width
          Rule = rule
          Rules =
            [ { Name = "batch_norm.eval"
                Statement = "LF = LM = LI = max|g|/√eps; R' = ∞ (the running mean is unknown); r' = max|g|·r/√eps"
                Domain = "evaluation mode; eps > 0"
                Proof =
                  "With fixed μ and v the layer is the diagonal map g_c/√(v_c + eps) plus a constant on every token. A running \
                   variance is a convex combination of 1 and of batch variances, so v_c ≥ 0 and each entry is at most \
                   max|g|/√eps; a constant leaves differences and the spread about a centre alone. In training mode the output of \
                   one sample depends on the batch, and no statement about one input is made. Equality: v = 0."
                Citation = citation
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let o = input.Options

                { Members =
                    [ { Type = "Lips.Runtime.Modules.BatchNorm"
                        Name = input.Layer.Name
                        Construct =
                          $"""new Lips.Runtime.Modules.BatchNorm(width: {input.Layer.Input.Width}, eps: {CSharp.number (o.Upper "eps")}, """
                          + $"""momentum: {CSharp.number (o.Upper "momentum")}, affine: {CSharp.flag (o.Flag "affine")}, hasBias: {CSharp.flag (Normalization.hasBias o)})""" } ]
                  Forward = Normalization.call input.Layer } }
