namespace Lips.Core

/// A named non-negative functional of named weights. In text: `spectral(blocks.0.attention.q)`,
/// `spectral(blocks.0.attention.q)[2]` for one head's slice, `product(out.weight, v.weight)[2]` for one of two weights.
[<RequireQualifiedAccess>]
type Functional =
    /// σ_max of a matrix; of the reshape out × rest for kernels.
    | SpectralNorm
    /// σ_max of head h's slice; h is the index of the innermost SumOver or MaxOver.
    | HeadSpectralNorm
    /// Largest l2 norm of a row.
    | LargestRow
    | HeadLargestRow
    /// l2 norm of a vector; for a table the largest l2 norm of a row.
    | VectorNorm
    | HeadVectorNorm
    /// Largest absolute entry.
    | LargestEntry
    /// Norm of the stride-1 convolution on the unbounded grid; rules add what stride and padding contribute.
    | OperatorNorm
    /// Σ over the taps of a kernel of σ_max of the tap's out × in matrix; of groups the largest, tap by tap.
    | TapNorms
    /// Largest l2 distance of two rows.
    | LargestPairDistance
    /// σ_max(W·R), R the weight of this name.
    | Product of right: string
    /// σ_max(W_h·R_h): W's columns and R's rows lie on the heads.
    | HeadProduct of right: string
    /// σ_max of the heads' products side by side, [W_1·R_1 … W_H·R_H].
    | StackedProduct of right: string
    /// σ_max(Wᵀ·R)
    | TransposedProduct of right: string
    /// σ_max(W_hᵀ·R_h): the rows of both lie on the heads.
    | HeadTransposedProduct of right: string
    /// σ_max of the heads' W_hᵀ·R_h, one above the other.
    | StackedTransposedProduct of right: string
    /// The Lipschitz constant of keep·x + branch·R·act(W·x + b), act with slopes in [least, most] entry by entry, as the
    /// multiplier certificate proves it; the numbers are `5/6; 1/6; 0; 1`. Known of given weights, where it was asked for.
    | BlockGain of right: string * numbers: string

    /// Does the value depend on a head index?
    member this.IsPerHead =
        match this with
        | HeadSpectralNorm
        | HeadLargestRow
        | HeadVectorNorm
        | HeadProduct _
        | HeadTransposedProduct _ -> true
        | SpectralNorm
        | LargestRow
        | VectorNorm
        | LargestEntry
        | OperatorNorm
        | TapNorms
        | LargestPairDistance
        | Product _
        | StackedProduct _
        | TransposedProduct _
        | StackedTransposedProduct _
        | BlockGain _ -> false

    /// The name of the second weight, of a functional of two.
    member this.Right =
        match this with
        | Product right
        | HeadProduct right
        | StackedProduct right
        | TransposedProduct right
        | HeadTransposedProduct right
        | StackedTransposedProduct right
        | BlockGain(right, _) -> Some right
        | SpectralNorm
        | HeadSpectralNorm
        | LargestRow
        | HeadLargestRow
        | VectorNorm
        | HeadVectorNorm
        | LargestEntry
        | OperatorNorm
        | TapNorms
        | LargestPairDistance -> None

    /// The same functional with another name of the second weight.
    member this.WithRight rename =
        match this with
        | Product right -> Product(rename right)
        | HeadProduct right -> HeadProduct(rename right)
        | StackedProduct right -> StackedProduct(rename right)
        | TransposedProduct right -> TransposedProduct(rename right)
        | HeadTransposedProduct right -> HeadTransposedProduct(rename right)
        | StackedTransposedProduct right -> StackedTransposedProduct(rename right)
        | BlockGain(right, numbers) -> BlockGain(rename right, numbers)
        | other -> other

    /// The name in the text of a norm: `spectral`, `row`, `vector`, `entry`, `operator`, `taps`, `diameter`, `product`, ….
    member this.Text =
        match this with
        | SpectralNorm
        | HeadSpectralNorm -> "spectral"
        | LargestRow
        | HeadLargestRow -> "row"
        | VectorNorm
        | HeadVectorNorm -> "vector"
        | LargestEntry -> "entry"
        | OperatorNorm -> "operator"
        | TapNorms -> "taps"
        | LargestPairDistance -> "diameter"
        | Product _
        | HeadProduct _ -> "product"
        | StackedProduct _ -> "products"
        | TransposedProduct _
        | HeadTransposedProduct _ -> "transposed_product"
        | StackedTransposedProduct _ -> "transposed_products"
        | BlockGain _ -> "block"

    /// Numbers that belong to the name of a norm.
    member this.Numbers = (match this with BlockGain(_, numbers) -> Some numbers | _ -> None)
