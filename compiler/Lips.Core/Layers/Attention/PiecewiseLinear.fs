namespace Lips.Core.Layers

open Lips.Core

/// Weights are relu(l)/n or l/n, l = scale·q·k + bias and n the keys of the longest row, a number of the spec: a row that sees
/// fewer divides by the same n.
module internal PiecewiseLinear =

    let private made name doc (largest: Rational -> Bound -> Bound) moduleName setting citation : Similarity =
        let proofs = ElementwiseProofs.all name setting citation 1.00M

        Elementwise.similarity
            { Name = name
              Doc = doc
              BiasDoc = "added to every logit; 0 where it is left out"
              Bias = fun _ -> Rational.Zero
              Function =
                fun b keys ->
                    let each = Bound.ofQuotient 1L keys

                    { Weight = fun slopes s -> each * (largest b s + Bound.ofInt slopes * s)
                      Steepness = fun _ -> each }
              Module =
                fun b keys ->
                    let bias = if b.Sign = 0 then "" else $", bias: {CSharp.number b}"
                    $"{moduleName}(keys: {keys}{bias})"
              Rules = fst proofs
              MemoryRules = snd proofs }

    /// (s + β)⁺; below 0, |β|·max(0, s/|β| − 1).
    let private positivePart (b: Rational) (s: Bound) =
        if b.Sign >= 0 then s + Bound.ofRational b
        else Bound.ofRational b.Abs * Bound.apply Fn.LessOne (Bound.ofRational b.Abs.Inverse * s)

    let relu =
        made
            "relu"
            "q·k, and max(l, 0)/n of it in place of softmax, n the keys in sight of the longest row, for every row"
            positivePart
            "ReluWeights"
            "Here a(l) = max(l, 0)/n is piecewise linear: between two points of a segment its difference is an integral of slopes 0 and 1/n, so W_m(s) = ((s + β)⁺ + ms)/n \
             and a'(s) = 1/n cover every point; both are attained at l = β + s where that is above 0. Where it is not, all weights are 0: the slope counts all the same. "
            "Wortsman et al. 2023, arXiv 2309.08586 (the layer); the constants derived here"

    let linear =
        made
            "linear"
            "q·k, and l/n of it in place of softmax, n the keys in sight of the longest row, for every row"
            (fun b s -> s + Bound.ofRational b.Abs)
            "LinearWeights"
            "Here a(l) = l/n, so W_m(s) = (s + |β| + ms)/n and a'(s) = 1/n, attained at the end that lies beyond β. "
            "attention without a nonlinearity (Schlag, Irie and Schmidhuber 2021 without feature maps; the identity among the functions of Wortsman et al. 2023, arXiv 2309.08586); \
             the kind with feature maps and a denominator (Katharopoulos et al. 2020) is another layer; the constants derived here"
