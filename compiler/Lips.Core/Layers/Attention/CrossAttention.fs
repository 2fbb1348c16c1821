namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Multi-head attention of a sequence to a memory.
module internal CrossAttention =

    let private rule (input: RuleInput) =
        let x = input.Input

        let memory =
            match Map.tryFind "memory" input.Reads with
            | Some m -> m
            | None -> invalidOp "the memory of a cross_attention has not been derived before it"

        let similarity = Similarities.ofOptions input.Options

        let c, needs =
            similarity.Judge
                { Input = input
                  Asks = x
                  Seen = memory
                  Sees = Visibility.ofMemory input.Options x.Shape.Tokens memory.Shape.Tokens
                  Rotary = false
                  Spread = Bound.zero
                  LargestBias = Bound.zero }

        let gain = Hyper.sizeOf input.Options "gain"
        let rootQueries = Hyper.root x.Shape.Tokens

        let through (_: string) (source: Source, k: Constants) =
            source,
            { Whole = Bound.min [ c.Keys.FF * k.Whole; rootQueries * (c.Keys.FR * k.Whole); rootQueries * (c.Keys.II * k.Token) ]
              Token = Bound.min [ c.Keys.II * k.Token; c.Keys.FR * k.Whole ]
              Local = c.Keys.II * k.Local }

        let ofMemory = memory.Constants |> Map.map through

        { Space = AttentionHeads.concluded input c (Space.addConstants input.Layer.Output (gain * c.Query) x.Constants gain ofMemory)
          Rule = "cross-attention." + similarity.Alternative.Name
          Candidates = []
          Needs = needs }

    let private emit (input: EmitInput) =
        let similarity = Similarities.ofOptions input.Options

        let arguments =
            AttentionHeads.arguments input (similarity.Scale input.Options)
            @ similarity.Arguments input.Options input.Layer.Input (Visibility.ofMemory input.Options input.Layer.Input.Tokens (AttentionHeads.memoryLength input.Options))
            @ [ $"memoryWidth: {AttentionHeads.memoryWidth input.Options}" ]

        let masked = Visibility.tokenMask input.Options input.Read
        let arguments = arguments @ (masked |> Option.map fst |> Option.toList)
        let further = (match masked with Some(_, tokens) -> ", " + tokens | None -> "")

        { Members =
            [ { Type = "Lips.Runtime.Modules.CrossAttention"
                Name = input.Layer.Name
                Construct = "new Lips.Runtime.Modules.CrossAttention(" + System.String.Join(", ", arguments) + ")" } ]
          Forward = fun x _ -> $"""{CSharp.identifier input.Layer.Name}.call({x}, {input.Read "memory"}{further})""" }

    let entry: LayerKind =
        { Name = "cross_attention"
          Summary = "multi-head attention of a sequence to a memory: queries from the sequence, keys and values from the memory"
          Citation = "Vaswani et al. 2017; bounds derived for this calculus"
          Hyperparameters =
            [ AttentionHeads.heads
              { Name = "memory"
                Type = PointType
                Default = Required
                Doc = "the point whose tokens are looked at" }
              Similarities.hyperparameter
              AttentionHeads.scale
              AttentionHeads.gain
              Visibility.memoryMask
              Visibility.tokens
              Hyper.bias ]
          Positional = 1
          Parts = [ "qkv", [ "q"; "k"; "v" ]; "qk", [ "q"; "k" ] ]
          TakesBody = false
          Shape =
            fun options x ->
                Similarities.fits options x
                |> Result.bind (fun x -> Visibility.fitsTokens options (AttentionHeads.memoryLength options) |> Result.map (fun () -> x))
          Weights = fun options x -> (Similarities.ofOptions options).Weights options "" x (AttentionHeads.memoryWidth options)
          Rule = rule
          Rules = Similarities.all |> List.collect (fun s -> s.MemoryRules)
          Macs =
            fun options x ->
                let keys = AttentionHeads.memoryLength options
                let weights = (Similarities.ofOptions options).Weights options "" x (AttentionHeads.memoryWidth options)
                AttentionHeads.macs weights x.Tokens keys x.Width (BigInteger x.Tokens * BigInteger keys)
          Emit = emit }
