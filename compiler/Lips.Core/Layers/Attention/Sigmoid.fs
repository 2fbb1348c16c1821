namespace Lips.Core.Layers

open Lips.Core

/// Weights are σ(scale·q·k + bias), each by itself (Ramapuram et al. 2024).
module internal Sigmoid =

    let private setting =
        "Here a = σ and σ' = σ(1−σ). With F(σ) = σ(1 + ms(1−σ)), W_m is F at the upper end while ms ≤ 1 or σ ≤ (1+ms)/(2ms), F at the lower end where σ is beyond that on the whole range, else (1+ms)²/(4ms). "

    let private proofs =
        ElementwiseProofs.all "sigmoid" setting "Ramapuram et al. 2024 (the layer); the constants derived here" 0.98M

    let similarity =
        Elementwise.similarity
            { Name = "sigmoid"
              Doc = "q·k, and σ of it in place of softmax"
              BiasDoc = "added to every logit; −ln n where it is left out, n the keys in sight"
              // to 2^-20
              Bias = fun keys -> Rational.OfDouble(-System.Math.Round(System.Math.Log(float keys) * 1048576.0) / 1048576.0)
              Function =
                fun b _ ->
                    { Weight = fun slopes s -> Bound.apply (Fn.SigmoidWeight(b, slopes)) s
                      Steepness = fun s -> Bound.apply (Fn.SigmoidSteepness b) s }
              Module = fun b _ -> $"SigmoidWeights(bias: {CSharp.number b})"
              Rules = fst proofs
              MemoryRules = snd proofs }
