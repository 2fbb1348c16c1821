namespace Lips.Core.Layers

open Lips.Core

/// Multi-head attention of a sequence to itself.
module internal Attention =

    let private rule (input: RuleInput) =
        let x = input.Input
        let similarity = Similarities.ofOptions input.Options

        let heads, ofHeads =
            similarity.Judge
                { Input = input
                  Asks = x
                  Seen = x
                  Sees = Visibility.ofOptions input.Options x.Shape
                  Rotary = (input.Options.ChoiceName "position" = "rotary")
                  Spread = AttentionPosition.spread input
                  LargestBias = AttentionPosition.largest input }

        let c, ofPosition =
            AttentionPosition.beside input (AttentionHeads.stackedValue input) (AttentionHeads.shared input.Options) heads

        let gain = Hyper.sizeOf input.Options "gain"
        let n = x.Shape.Tokens

        let through (source: Source, k: Constants) =
            source,
            Space.tighten
                n
                source
                { Whole = gain * (c.Own.FF * k.Whole)
                  // the query path moves token i by what token i moved, not by what all moved together
                  Token =
                    gain
                    * Bound.min
                        [ c.Own.II * k.Token
                          c.Own.FR * k.Whole
                          c.Keys.FR * k.Whole + c.Query * k.Token ]
                  Local = gain * (c.Own.II * k.Local) }

        let rule = "attention." + similarity.Alternative.Name

        { Space = AttentionHeads.concluded input c (x.Constants |> Map.map (fun _ k -> through k))
          Rule = rule
          Candidates = [ for name, b in c.Candidates -> rule + "." + name, gain * b ]
          Needs = ofHeads @ ofPosition }

    let private emit (input: EmitInput) =
        let similarity = Similarities.ofOptions input.Options

        let arguments =
            AttentionHeads.arguments input (similarity.Scale input.Options)
            @ similarity.Arguments input.Options input.Layer.Input (Visibility.ofOptions input.Options input.Layer.Input)
            @ Visibility.arguments input.Options input.Layer.Input (AttentionPosition.needsRectangles input.Options)
            @ AttentionPosition.arguments input.Options input.Layer.Input

        let masked = Visibility.tokenMask input.Options input.Read
        let arguments = arguments @ (masked |> Option.map fst |> Option.toList)
        let further = (match masked with Some(_, tokens) -> ", " + tokens | None -> "")

        { Members =
            [ { Type = "Lips.Runtime.Modules.Attention"
                Name = input.Layer.Name
                Construct = "new Lips.Runtime.Modules.Attention(" + System.String.Join(", ", arguments) + ")" } ]
          Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x}{further})" }

    let entry: LayerKind =
        { Name = "attention"
          Summary = "multi-head attention of a sequence to itself"
          Citation = "Vaswani et al. 2017; bounds derived for this calculus"
          Hyperparameters =
            [ AttentionHeads.heads
              AttentionHeads.keyHeads
              Similarities.hyperparameter
              AttentionHeads.scale
              AttentionHeads.gain
              Visibility.mask
              Visibility.tokens
              Visibility.partition
              AttentionPosition.hyperparameter
              Hyper.bias ]
          Positional = 1
          Parts = [ "qkv", [ "q"; "k"; "v" ]; "qk", [ "q"; "k" ] ]
          TakesBody = false
          Shape =
            fun options x ->
                Similarities.fits options x
                |> Result.bind (fun x -> Visibility.fits options x |> Result.bind (fun () -> AttentionPosition.fits options x) |> Result.map (fun () -> x))
          Weights =
            fun options x ->
                (Similarities.ofOptions options).Weights options "qkv" x x.Width
                @ AttentionPosition.weights options x
          Rule = rule
          Rules = (Similarities.all |> List.collect (fun s -> s.Rules)) @ AttentionPosition.rules
          Macs =
            fun options x ->
                let weights = (Similarities.ofOptions options).Weights options "qkv" x x.Width
                AttentionHeads.macs weights x.Tokens x.Tokens x.Width (Visibility.pairs options x) + AttentionPosition.macs options x
          Emit = emit }
