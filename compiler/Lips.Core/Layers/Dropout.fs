namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Drops entries in training; the identity in evaluation.
module internal Dropout =

    let entry: LayerKind =
        { Name = "dropout"
          Summary = "drops entries at random in training; the identity in evaluation, which the bound is about"
          Citation = "identity in evaluation mode"
          Hyperparameters =
            [ { Name = "rate"
                Type = TrainingRateType(Hyper.ratio 999L 1000L)
                Default = Required
                Doc = "probability of dropping an entry" } ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape = fun _ x -> if x.Vocabulary.IsSome then Error NeedsContinuous else Ok x
          Weights = fun _ _ -> []
          Rule =
            fun input ->
                { Space = input.Input
                  Rule = "dropout.identity"
                  Candidates = []
                  Needs = [] }
          Rules =
            [ { Name = "dropout.identity"
                Statement = "LF = LM = LI = 1; everything known of the value is kept"
                Domain = "evaluation mode"
                Proof =
                  "In evaluation the layer returns its input. (In training each kept entry is multiplied by 1/(1 − rate), which would \
                   be its constant for a fixed mask.) Equality: every input."
                Citation = "Srivastava et al. 2014 (the layer)"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                { Members =
                    [ { Type = "TorchSharp.Modules.Dropout"
                        Name = input.Layer.Name
                        Construct = $"""torch.nn.Dropout(p: {Hyper.literal (input.Options.Value "rate")}, inplace: false)""" } ]
                  Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" } }
