namespace Lips.Core.Layers

open Lips.Core

/// Multi-head attention of a sequence to itself.
module internal Attention =

    let private rule (input: RuleInput) =
        let x = input.Input
        let similarity = Similarities.ofOptions input.Options

        let c, needs =
            similarity.Judge
                { Input = input
                  Asks = x
                  Seen = x
                  Sees = Visibility.ofMask input.Options x.Shape
                  Rotary = (input.Options.ChoiceName "position" = "rotary")
                  Spread = Bound.zero }

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
          Needs = needs }

    let private emit (input: EmitInput) =
        let similarity = Similarities.ofOptions input.Options

        let arguments =
            AttentionHeads.arguments input
            @ similarity.Arguments input.Options
            @ Visibility.arguments input.Options
            @ [ match input.Options.Choice "position" with
                | "rotary", arguments ->
                    let channels = defaultArg (AttentionHeads.turned input.Options input.Layer.Input) 0L
                    $"""rotary: new Lips.Runtime.Modules.Rotary(channels: {channels}, wavelengths: {Hyper.literal (arguments.Value "base")})"""
                | _ -> () ]

        { Members =
            [ { Type = "Lips.Runtime.Modules.Attention"
                Name = input.Layer.Name
                Construct = "new Lips.Runtime.Modules.Attention(" + System.String.Join(", ", arguments) + ")" } ]
          Forward = fun x _ -> $"{CSharp.identifier input.Layer.Name}.call({x})" }

    let entry: LayerKind =
        { Name = "attention"
          Summary = "multi-head softmax attention of a sequence to itself"
          Citation = "Vaswani et al. 2017; bounds derived for this calculus"
          Hyperparameters =
            [ AttentionHeads.heads
              Similarities.hyperparameter
              AttentionHeads.scale
              AttentionHeads.gain
              Visibility.mask
              AttentionHeads.position
              Hyper.bias ]
          Positional = 1
          Parts = [ "qkv", [ "q"; "k"; "v" ]; "qk", [ "q"; "k" ] ]
          TakesBody = false
          Shape =
            fun options x ->
                match Similarities.fits options x with
                | Ok _ when (AttentionHeads.turned options x).IsNone ->
                    Error(DoesNotFit "rotary positions turn channels in pairs: fraction times head_width must be an even whole number")
                | other -> other
          Weights = fun options x -> AttentionHeads.weights "qkv" options x.Width x.Width @ (Similarities.ofOptions options).Weights options x
          Rule = rule
          Rules = Similarities.all |> List.collect (fun s -> s.Rules)
          Macs = fun _ x -> AttentionHeads.macs x.Tokens x.Tokens x.Width x.Width
          Emit = emit }
