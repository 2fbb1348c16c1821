namespace Lips.Core.Layers

open Lips.Core

/// The shapes in which kinds declare their weights, and the settings they start from.
module internal Weights =

    let choice name = Choice(name, [])

    let private weight name leaf shape role init =
        { Name = name
          Leaf = leaf
          RowOffset = 0L
          Shape = shape
          Role = role
          Heads = 1L
          HeadAxis = NoHeads
          Init = init
          Constraint = Free
          Reparametrization = Direct
          Tied = None }

    /// out × in
    let matrix name leaf (outputs: int64) (inputs: int64) =
        weight name leaf [ outputs; inputs ] Matrix (choice "kaiming")

    let kernel name leaf shape = weight name leaf shape Kernel (choice "kaiming")
    let bias name leaf (n: int64) = weight name leaf [ n ] Bias (choice "zero")
    let gain name leaf (n: int64) = weight name leaf [ n ] Gain (choice "one")
    let table name leaf (rows: int64) (columns: int64) = weight name leaf [ rows; columns ] Table (choice "zero")

    let embedding name leaf (rows: int64) (columns: int64) =
        weight name leaf [ rows; columns ] Embedding (choice "normal")

    /// A slice of a fused leaf: rows `offset .. offset + outputs`.
    let sliceOf offset (w: Weight) = { w with RowOffset = offset }
    let withHeads heads axis (w: Weight) = { w with Heads = heads; HeadAxis = axis }

    /// What a rule needs of the norm of a weight: `standard` says why it may be ∞ and what to do. Where the weight is
    /// reparametrized the reason is another, and no cap may be given.
    let needed (input: RuleInput) (name: string) (standard: Need) : Need =
        match input.Weight name with
        | Some w when w.Reparametrization <> Direct ->
            let why =
                match w.Reparametrization with
                | SpectralNormalization -> "σ is a power iteration's, an estimate from below, so W/σ has no cap that is proven"
                | WeightNormalization -> "the learned gains of its rows have no cap"
                | _ -> "the learned γ has no cap, and σ is a power iteration's, an estimate from below, so γ·W/σ has none"

            { standard with
                Why = $"its weight '{w.Name}' is reparametrized: {why}"
                Fix = "bound the trained weights instead, which are stored folded (`lips certify RUN`), or write `constraint: spectral_cap(1)` in place of `reparam`" }
        | _ -> standard

    /// Whether the cap is on the convolution's operator norm and says nothing of its reshape by itself.
    let capsOperator (w: Weight) =
        match w.Constraint with
        | Capped { Extent = Operator }
        | AutoCapped({ Extent = Operator }, _) -> true
        | _ -> false
