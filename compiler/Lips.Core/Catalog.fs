namespace Lips.Core

open Lips.Core.Layers

/// Every layer kind, by topic. A new kind is its file and one line here.
[<RequireQualifiedAccess>]
module Catalog =

    let kinds: LayerKind list =
        [ // maps of every token
          Linear.entry
          Embedding.entry
          Position.entry
          Pointwise.bias
          Pointwise.scale
          Pointwise.identity
          // grids
          Flatten.entry
          Transpose.entry
          Patchify.entry
          PatchMerging.entry
          Convolution.conv1d
          Convolution.conv2d
          ClassToken.entry
          Pool.entry
          WindowPool.average
          WindowPool.max
          // normalization
          Standardize.entry
          LayerNorm.entry
          RmsNorm.entry
          CenterNorm.entry
          BatchNorm.entry
          DyT.entry
          // activations
          yield! Activation.entries
          Householder.entry
          // mixing and branches
          Mlp.entry
          Descent.entry
          Attention.entry
          CrossAttention.entry
          Residual.entry
          Residual.stack
          // the rest of a value's way through a network
          Dropout.entry
          SoftCap.entry ]

    let byName = kinds |> List.map (fun k -> k.Name, k) |> Map.ofList
