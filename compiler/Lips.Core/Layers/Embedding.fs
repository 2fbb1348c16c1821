namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// Token ids become rows of a table.
module internal Embedding =

    let private rule (input: RuleInput) =
        let row = input.Name "largest row" (input.Measure Functional.LargestRow "weight")
        let radius = Hyper.sizeOf input.Options "scale" * row

        { Space =
            { Shape = input.Layer.Output
              Radius = radius
              Centred = radius
              Lower = Space.noLower
              LowerCentred = Space.noLower
              Centre = None
              // token ids have no distance: the vectors themselves are where measuring starts
              Constants = Map.empty }
          Rule = "embedding.vectors"
          Candidates = []
          Needs =
            [ { Value = row
                Why = "its rows have no cap, so the radius of the tokens is unknown"
                Fix = "cap them: `constraint: row_rms_cap(1)`" } ] }

    /// D of `embedding.substitution`: how far apart two vectors may be.
    let diameter (layer: Layer) (measure: Functional -> string -> Bound) : Bound =
        Hyper.sizeOf (Options layer.Options) "scale" * measure Functional.LargestPairDistance "weight"

    let private docs: RuleDoc list =
        [ { Name = "embedding.vectors"
            Statement = "measured from the embedding's output: constant 1; R = r = |scale|·max_v |e_v|"
            Domain = "the input is the sequence of embedding vectors, any point of the ball of radius R"
            Proof =
              "Token ids are discrete, so a Lipschitz constant of the lookup has no meaning; the vectors it puts out are the input. \
               From there the map is the identity: constant 1 in every norm. Every row lies in the ball of radius |scale|·max_v|e_v| \
               about 0, which is convex, so R and r = R hold on all of the domain, not at the rows alone."
            Citation = "definition"
            Tightness = 1.00M }
          { Name = "embedding.substitution"
            Statement = "exchanging k tokens moves the vectors by |ΔX|_F ≤ √k·D and |ΔX|_TM ≤ D, D = |scale|·max_{a,b} |e_a − e_b|"
            Domain = "two sequences of token ids that differ in at most k places"
            Proof =
              "A place that differs moves by |scale|·|e_a − e_b| ≤ D, the others do not move: the largest is D, and the root of k squares \
               √k·D. The output then moves by at most the constant from the vectors times this length. Since D ≤ 2·max_v|e_v|, D itself \
               is used and not twice the radius."
            Citation = "triangle inequality"
            Tightness = 1.00M }
          { Name = "embedding.soft-tokens"
            Statement = "rows P of probabilities in place of ids: constant |scale|·|E|₂ from F to F, and |scale|·D/2 from the largest ℓ1 norm of a row to token-max"
            Domain = "every row of P in the probability simplex"
            Proof =
              "X = P·E, so |ΔX|_F ≤ |ΔP|_F·|E|₂. The difference δ of two points of the simplex sums to 0: with δ⁺ and δ⁻ of mass m = |δ|₁/2 \
               each, δE = m·(Σ (δ⁺_v/m) e_v − Σ (δ⁻_v/m) e_v), a difference of two points of the rows' hull times m, so |δE| ≤ (|δ|₁/2)·D. \
               A perturbation that leaves the simplex is covered by |δ|₁·max_v|e_v| only."
            Citation = "triangle inequality"
            Tightness = 1.00M } ]

    let entry: LayerKind =
        { Name = "embedding"
          Summary = "the row of a learned table for every token id"
          Citation = "definition; the input of the bound is the vectors"
          Hyperparameters =
            [ Hyper.count "width" "width of the vectors"
              Hyper.realOr Rational.One "scale" "factor on every vector" ]
          Positional = 1
          Parts = []
          TakesBody = false
          Shape =
            fun options x ->
                if x.Vocabulary.IsNone then Error NeedsTokenIds
                else Ok { x with Width = options.Count "width"; Vocabulary = None }
          Weights =
            fun options x ->
                [ Weights.embedding "weight" "weight" (defaultArg x.Vocabulary 1L) (options.Count "width") ]
          Rule = rule
          Rules = docs
          Macs = fun _ _ -> BigInteger.Zero
          Emit =
            fun input ->
                let width = input.Options.Count "width"
                let scaled e =
                    match input.Options.Value "scale" with
                    | Number one when one = Rational.One -> e
                    | v -> $"{e} * {Hyper.literal v}"

                match input.Layer.Weights |> List.tryPick (fun w -> w.Tied) with
                | Some _ ->
                    { Members = []
                      Forward = fun x _ -> scaled $"""Lips.Runtime.Modules.Tied.Rows({x}, {input.Read "tie"})""" }
                | None ->
                    let vocabulary = defaultArg input.Layer.Input.Vocabulary 1L

                    { Members =
                        [ { Type = "TorchSharp.Modules.Embedding"
                            Name = input.Layer.Name
                            Construct = $"torch.nn.Embedding(num_embeddings: {vocabulary}, embedding_dims: {width})" } ]
                      Forward = fun x _ -> scaled $"{CSharp.identifier input.Layer.Name}.call({x})" } }
