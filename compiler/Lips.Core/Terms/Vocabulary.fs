namespace Lips.Core

/// The words of a spec that are no layers: initializers, weight constraints, reparametrizations, recipes.
[<RequireQualifiedAccess>]
module Vocabulary =

    let private number value = Value.Number value
    let private ratio (a: int64) (b: int64) = Rational.OfInt a / Rational.OfInt b
    let private real default' name doc : Hyperparameter =
        { Name = name; Type = RealType(Some Rational.Zero, false, None); Default = Default(number default'); Doc = doc }
    let private needed name doc : Hyperparameter =
        { Name = name; Type = RealType(Some Rational.Zero, false, None); Default = Required; Doc = doc }
    let private flag default' name doc : Hyperparameter =
        { Name = name; Type = FlagType; Default = Default(Flag default'); Doc = doc }
    let private names words : HyperType = ChoiceType [ for w, doc in words -> { Name = w; Arguments = []; Doc = doc } ]
    let private alternative name doc arguments : Alternative = { Name = name; Arguments = arguments; Doc = doc }

    /// `init:`
    let initializers =
        [ alternative "orthogonal" "semi-orthogonal, every singular value equal to the gain in the unit of the weight's cap" [ real Rational.One "gain" "the common singular value" ]
          alternative "spectral" "Xavier normal, divided so that its certified spectral norm is the target" [ real Rational.One "target" "the spectral norm" ]
          alternative "xavier" "uniform, variance 2/(in + out) (Glorot and Bengio 2010)" [ real Rational.One "gain" "factor on the standard deviation" ]
          alternative "kaiming" "uniform with bound 1/√in, as torch.nn.Linear starts" []
          alternative "normal" "normal with mean 0" [ real Rational.One "std" "standard deviation" ]
          alternative "truncated_normal" "normal with mean 0, cut at two standard deviations" [ real (ratio 1L 50L) "std" "standard deviation before the cut" ]
          alternative "zero" "all 0" []
          alternative "one" "all 1" []
          alternative "constant" "all equal" [ { needed "value" "the value" with Type = RealType(None, false, None) } ] ]

    /// `rms_cap(auto)`, `rms_cap(auto(group: "attention", prefer: 2))`
    let private auto =
        alternative
            "auto"
            "the largest that satisfies the claims"
            [ { Name = "group"; Type = TextType; Default = Default(Value.Text ""); Doc = "caps of one group grow together" }
              { Name = "prefer"; Type = RealType(Some Rational.Zero, true, None); Default = Default(number Rational.One); Doc = "size against the others of the group" } ]

    let private limit: Hyperparameter =
        { Name = "limit"
          Type = OneOf [ RealType(Some Rational.Zero, true, None); ChoiceType [ auto ] ]
          Default = Required
          Doc = "the largest norm allowed" }

    let private per: Hyperparameter =
        { Name = "per"
          Type = names [ "matrix", "the whole matrix keeps the cap"; "head", "each head's slice of q, k, v or out keeps it" ]
          Default = Default(Choice("matrix", []))
          Doc = "what keeps the cap" }

    let private norm: Hyperparameter =
        { Name = "of"
          Type = names [ "reshape", "the kernel as an out × rest matrix"; "operator", "the convolution as a map of images" ]
          Default = Default(Choice("reshape", []))
          Doc = "which norm of a convolution is capped" }

    let private by: Hyperparameter =
        { Name = "by"
          Type =
            names
                [ "soft", "two coupled cubics that keep σ ≤ cap for the optimizer's step size (arXiv 2507.13338)"
                  "hard", "min(σ, cap) through the matrix sign"
                  "normalize", "divide by σ/cap where σ exceeds the cap"
                  "stiefel", "every singular value becomes the cap"
                  "svd", "min(σ, cap) by singular value decomposition"
                  "hammer", "only the largest singular value is set to the cap: a target, made a fact by sealing" ]
          Default = Default(Choice("soft", []))
          Doc = "how the cap is enforced after each optimizer step" }

    /// `constraint:`
    let constraints =
        [ alternative "spectral_cap" "σ_max(W) ≤ limit" [ limit; per; norm; by ]
          alternative "rms_cap" "√(in/out)·σ_max(W) ≤ limit: the RMS → RMS operator norm" [ limit; per; norm; by ]
          alternative "row_cap" "every row's ℓ2 norm ≤ limit" [ limit ]
          alternative "row_rms_cap" "every row's ℓ2 norm ≤ limit·√width" [ limit ]
          alternative "l2_cap" "the vector's ℓ2 norm ≤ limit" [ limit ]
          alternative "max_cap" "every entry ≤ limit in size" [ limit ]
          alternative "none" "no constraint: the bound at caps is ∞ where this weight matters" []
          alternative "weight_decay" "W ← (1 − rate·lr)·W; no cap" [ needed "rate" "decay per unit of learning rate" ]
          alternative "spectral_decay" "σ_max ← (1 − rate·lr)·σ_max; no cap" [ needed "rate" "decay per unit of learning rate" ] ]

    let private startOfGain: Hyperparameter =
        { Name = "gain"
          Type = OneOf [ RealType(Some Rational.Zero, true, None); names [ "initial", "σ(W) of the initial weight, so that training starts from it" ] ]
          Default = Default(number Rational.One)
          Doc = "what γ starts as" }

    let private grouping: Hyperparameter =
        { Name = "grouping"
          Type =
            names
                [ "joint", "q, k and v of one layer are one matrix with one γ"
                  "qk_v", "q and k are one matrix, v another"
                  "separate", "each is its own" ]
          Default = Default(Choice("joint", []))
          Doc = "which slices of a fused matrix are normalized together" }

    /// `reparam:`
    let reparametrizations =
        [ alternative "none" "the stored tensor is the weight" []
          alternative "sigma_reparam" "γ·W/σ(W), γ learned, σ by one power-iteration step per training step (arXiv 2303.06296); no cap" [ startOfGain; grouping ]
          alternative "spectral_norm" "W/σ(W), σ by one power-iteration step per training step (Miyato et al. 2018); no cap, for σ is estimated from below" []
          alternative "weight_norm" "γ_i·W_i/‖W_i‖ for every row i, γ learned (Salimans and Kingma 2016); no cap" [] ]

    let private hyper name t default' doc : Hyperparameter = { Name = name; Type = t; Default = default'; Doc = doc }

    /// Settings a weight takes: `init:`, `constraint:`, `reparam:`, `tie:`.
    let settings =
        [ hyper "init" (ChoiceType initializers) Absent "what the weight starts as"
          hyper "constraint" (ChoiceType constraints) Absent "what holds of it after every step"
          hyper "reparam" (ChoiceType reparametrizations) Absent "how it is computed from what is stored"
          hyper "tie" PointType Absent "the layer whose weight it shares" ]

    let roles =
        [ "matrix", Matrix
          "kernel", Kernel
          "embedding", Embedding
          "gain", Gain
          "bias", Bias
          "table", Table
          "alpha", Alpha ]

    let roleName role = roles |> List.find (fun (_, r) -> r = role) |> fst

    /// The units a cap may have on a weight of this role.
    let unitsOf role =
        match role with
        | Matrix | Kernel -> [ "spectral_cap"; "rms_cap" ]
        | Embedding -> [ "row_cap"; "row_rms_cap" ]
        | Table -> [ "row_cap"; "row_rms_cap"; "max_cap" ]
        | Bias -> [ "l2_cap" ]
        | Gain | Alpha -> [ "max_cap" ]

    let private natural n : Default = Default(number (Rational.OfInt n))
    let private positive: HyperType = RealType(Some Rational.Zero, true, None)
    let private natType = NaturalType
    let private pair = ListType(RealType(Some Rational.Zero, false, None))
    let private alphabet: Hyperparameter =
        hyper "alphabet" (names [ "bytes", "every byte is a token"; "characters", "the sorted characters of the corpus are the tokens"; "ascii", "newline and the 95 printable ASCII characters" ]) (Default(Choice("bytes", []))) "what a token is"
    let private split: Hyperparameter = hyper "split" (RealType(Some Rational.Zero, true, Some Rational.One)) (Default(number (ratio 9L 10L))) "share of the corpus that is trained on"

    let private datasets =
        [ alternative "text" "a UTF-8 file" [ hyper "path" TextType Required "beside the spec, else under $LIPS_DATA"; alphabet; split ]
          alternative "documentation" "the English summaries of the .NET SDK's reference documentation, duplicate lines dropped" [ alphabet; split ]
          alternative "cifar" "CIFAR-10 binary batches" [ hyper "path" TextType Required "folder of data_batch_*.bin" ]
          alternative "idx" "MNIST's IDX files" [ hyper "images" TextType Required "image file"; hyper "labels" TextType Required "label file"; split ]
          alternative "numpy" "two .npy arrays" [ hyper "inputs" TextType Required "inputs"; hyper "labels" TextType Required "labels"; split ]
          alternative "pairs" "two UTF-8 files whose lines belong together, for a model of two token inputs" [ hyper "source" TextType Required "file of the sources"; hyper "target" TextType Required "file of the targets"; alphabet; split ]
          alternative "reversed_text" "made pairs: every line of a text and the same line reversed" [ hyper "path" TextType Absent "a UTF-8 file; without it, the SDK's documentation"; alphabet; split ]
          alternative "made_speech" "features drawn from the seed, with the symbols that they say" [ hyper "samples" CountType (natural 10000L) "how many"; hyper "symbols" CountType (natural 28L) "different symbols, the blank not counted"; hyper "longest" CountType (natural 30L) "most symbols of a sample"; split ]
          alternative "digits" "rendered digits, made from the seed" [ hyper "samples" CountType (natural 10000L) "how many"; split ] ]

    let private smoothing = hyper "label_smoothing" (RealType(Some Rational.Zero, false, Some Rational.One)) (natural 0L) "mass spread over the other classes"

    let private objectives =
        [ alternative "next_token" "cross-entropy of the next token" [ hyper "input" PointType Absent "which token input is predicted"; smoothing ]
          alternative "cross_entropy" "cross-entropy of the class" [ smoothing ]
          alternative "margin" "hinge–Kantorovich–Rubinstein" [ hyper "margin" positive (natural 1L) "margin of the hinge"; hyper "weight" positive (natural 10L) "weight of the hinge" ]
          alternative "ctc" "connectionist temporal classification (Graves et al. 2006)" [ hyper "blank" natType (natural 0L) "the class that is no symbol" ]
          alternative
              "nkd"
              "cross-entropy and normalized knowledge distillation (arXiv 2303.13005)"
              [ hyper "teacher" PointType Required "a model of the same spec"
                hyper "weights" TextType Required "its trained weights, a model.safetensors"
                hyper "temperature" positive (natural 1L) "λ, of the classes but the label's"
                real (ratio 3L 2L) "gamma" "γ, weight of the classes but the label's" ]
          alternative
              "uskd"
              "cross-entropy and universal self-distillation (arXiv 2303.13005)"
              [ hyper "feature" PointType Required "the layer or repetition whose value the weak head reads"
                real Rational.One "alpha" "weight of the label's term"
                real (ratio 1L 10L) "beta" "weight of the other classes' term"
                real (ratio 1L 200L) "mu" "weight of the weak head's term"
                hyper "rank" (names [ "probability", "as the paper's formula has it"; "log_probability", "as the authors' code does" ]) (Default(Choice("probability", []))) "what of the model enters the rank of a class" ] ]

    let private optimizers =
        let decay = real Rational.Zero "weight_decay" "decoupled weight decay"
        let lr = needed "lr" "learning rate"
        [ alternative "sgd" "stochastic gradient descent" [ lr; real Rational.Zero "momentum" "momentum"; flag false "nesterov" "Nesterov momentum"; decay ]
          alternative "adamw" "AdamW (Loshchilov and Hutter 2019)" [ lr; hyper "betas" pair (Default(Items [ number (ratio 9L 10L); number (ratio 999L 1000L) ])) "decay of the two moments"; real (ratio 1L 100000000L) "eps" "added to the root"; decay ]
          alternative "muon" "momentum, orthogonalized by Newton–Schulz; embeddings by row-normalized momentum at a tenth of the rate, gains, biases and tables by AdamW at 10^-3 at most" [ lr; real (ratio 9L 10L) "momentum" "momentum"; flag false "nesterov" "Nesterov momentum"; decay ]
          alternative "lars" "layer-wise adaptive rate scaling (You et al. 2017)" [ lr; real (ratio 9L 10L) "momentum" "momentum"; real (ratio 1L 1000L) "trust" "trust coefficient"; decay ] ]

    let private schedules =
        let final n = real (ratio n 10L) "final" "last learning rate over the first"
        let warmup = [ hyper "warmup" natType (natural 0L) "steps of linear warm-up"; hyper "warmup_epochs" natType (natural 0L) "epochs of linear warm-up" ]
        [ alternative "constant" "after the warm-up, constant" warmup
          alternative "linear" "after the warm-up, linearly to `final`" (final 0L :: warmup)
          alternative "cosine" "after the warm-up, half a cosine to `final`" (final 0L :: warmup)
          alternative "inverse_sqrt" "after the warm-up, with the inverse square root of the step" warmup
          alternative "flat_then_linear" "flat, then linearly to `final`" (real (ratio 3L 5L) "flat" "share of the steps that stay flat" :: final 1L :: warmup) ]

    let private recomputations =
        [ alternative "none" "all are kept" []
          alternative "blocks" "those inside of each repetition of a `repeat`: a third more time, and memory for one block at a time" [] ]

    let private precisions =
        [ alternative "float32" "everything" []
          alternative "bfloat16" "matrix products and convolutions of forward pass, loss and backward pass, by torch's autocast; weights, gradients, optimizer, projections and all that is validated or proven stay float32" [] ]

    let private loadings =
        [ alternative "auto" "`ahead` on a CUDA device, `in_turn` on the CPU, whose cores a step keeps busy" []
          alternative "ahead" "a thread of its own makes the next batch while a step computes" []
          alternative "in_turn" "a step waits for its batch" [] ]

    let private graphs =
        [ alternative "auto" "a CUDA device records a whole step once and repeats it as one graph; what cannot be recorded stays outside, and a line says why" []
          alternative "off" "one operator at a time" [] ]

    let private augmentations =
        [ alternative "flip" "half of the training images are mirrored left to right" []
          alternative "shift" "training images are moved along both axes, with the lowest value behind" [ hyper "by" CountType (natural 4L) "most pixels" ] ]

    /// The entries of a recipe. A recipe never affects the bound at caps.
    let recipe =
        [ hyper "data" (ChoiceType datasets) Absent "what is read"
          hyper "objective" (ChoiceType objectives) Absent "what is minimized"
          hyper "optimizer" (ChoiceType optimizers) Absent "how"
          hyper "schedule" (ChoiceType schedules) Absent "learning rate over the run"
          hyper "steps" CountType Absent "optimizer steps"
          hyper "epochs" CountType Absent "passes over the data"
          hyper "batch" CountType Absent "samples per step"
          hyper "tokens_per_batch" CountType Absent "tokens per step"
          hyper "accumulate" CountType Absent "micro-batches per step"
          hyper "seed" natType Absent "of initialization and data order"
          hyper "clip" positive Absent "largest gradient norm"
          hyper "ema" (RealType(Some Rational.Zero, true, Some Rational.One)) Absent "decay of the averaged weights"
          hyper "validate_every" CountType Absent "steps between full validations"
          hyper "checkpoint_every" CountType Absent "steps between checkpoints"
          hyper "validation_stride" CountType Absent "tokens each validation window predicts"
          hyper "sample" CountType Absent "tokens of sample text at the end"
          hyper "threads" CountType Absent "compute threads"
          hyper "recompute" (ChoiceType recomputations) Absent "which activations are computed again in the backward pass instead of being kept"
          hyper "precision" (ChoiceType precisions) Absent "what is computed in which type in training"
          hyper "loading" (ChoiceType loadings) Absent "when a batch is made"
          hyper "graphs" (ChoiceType graphs) Absent "how a CUDA device is told what to compute"
          hyper "augment" (OneOf [ ChoiceType augmentations; ListType(ChoiceType augmentations) ]) Absent "what is done to training images" ]
