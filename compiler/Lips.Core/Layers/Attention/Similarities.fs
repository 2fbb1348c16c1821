namespace Lips.Core.Layers

open Lips.Core

/// Every way to compare a query with a key.
module internal Similarities =

    let all = [ DotProduct.similarity; Cosine.similarity; QkNorm.similarity; Distance.similarity; Sigmoid.similarity; PiecewiseLinear.relu; PiecewiseLinear.linear ]
    let private byName = all |> List.map (fun s -> s.Alternative.Name, s) |> Map.ofList

    let hyperparameter =
        Hyper.choiceOr "dot" (all |> List.map (fun s -> s.Alternative)) "similarity" "what a logit measures"

    let ofOptions (options: Options) = byName[options.ChoiceName "similarity"]

    /// The shape, if the layer's similarity goes with its other settings.
    let fits (options: Options) (x: Shape) =
        AttentionHeads.fits options x
        |> Result.bind (fun x -> (ofOptions options).Fits options x |> Result.map (fun () -> x))
