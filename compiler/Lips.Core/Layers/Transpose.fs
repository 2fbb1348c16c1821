namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Channels become tokens and tokens channels.
module internal Transpose =

    let private rule (input: RuleInput) =
        let x = input.Input
        let root = Windows.root x.Shape.Tokens
        let radius = root * x.Radius

        { Space = Space.step input.Layer.Output { FF = Bound.one; FR = Bound.one; II = root } radius radius x
          Rule = "transpose.regroup"
          Candidates = []
          Needs = [] }

    let entry: LayerKind =
        { Name = "transpose"
          Summary = "channels become tokens and tokens channels: what follows mixes tokens"
          Citation = "Tolstikhin et al. 2021 (MLP-Mixer, the layer)"
          Hyperparameters = []
          Positional = 0
          Parts = []
          TakesBody = false
          Shape =
            fun _ x ->
                match x.Vocabulary, x.Grid with
                | Some _, _ -> Error NeedsContinuous
                | _, Row n when n <= 2147483647L -> Ok { x with Grid = Row x.Width; Width = n }
                | _ -> Error(NeedsGrid "tokens in a row")
          Weights = fun _ _ -> []
          Rule = rule
          Rules =
            [ { Name = "transpose.regroup"
                Statement = "LF = 1, F → token: 1, LI = √N, N the tokens before; R' = r' = √N·R"
                Domain = "none"
                Proof =
                  "The entries are the same, so the whole keeps its norm, and one new token has at most the whole's. A new token holds one channel \
                   of N tokens, each at most the largest token: the root of N squares. The new tokens' spread is not that of the old: tokens \
                   that all equal c become tokens c_k·(1, …, 1), as far apart as the entries of c; the origin is within R' of all. Equality: \
                   all tokens move alike along one channel."
                Citation = "norm of a concatenation"
                Tightness = 1.00M } ]
          Macs = fun _ _ -> BigInteger.Zero
          Emit = fun _ -> { Members = []; Forward = fun x _ -> $"{x}.transpose(dim0: 1, dim1: 2)" } }
