namespace Lips.Core

/// What a weight's declared constraint and initializer say about each of its norms. A norm about which they say
/// nothing is ∞ at caps.
[<RequireQualifiedAccess>]
module Caps =

    let private root (n: int64) = Bound.sqrt (Bound.ofInt64 n)
    let private ratioRoot (a: int64) (b: int64) = Bound.sqrt (Bound.ofQuotient a b)

    /// rows and columns of the matrix, or of a kernel's out × rest reshape; a vector is one row
    let private extents (w: Weight) =
        match w.Shape with
        | [ n ] -> 1L, n
        | rows :: rest -> rows, List.fold (*) 1L rest
        | [] -> 1L, 1L

    /// rows and columns of one head's slice
    let private headExtents (w: Weight) =
        let rows, columns = extents w

        match w.HeadAxis with
        | Rows -> rows / w.Heads, columns
        | Columns -> rows, columns / w.Heads
        | NoHeads -> rows, columns

    /// From σ_max of the whole or of every head's slice: the norms that follow.
    let private ofSpectral (w: Weight) (whole: Bound) (head: Bound) functional =
        match functional with
        | Functional.SpectralNorm -> Some whole
        | Functional.HeadSpectralNorm -> Some head
        // a row is the image of a unit vector under the transpose; an entry is part of a row
        | Functional.LargestRow
        | Functional.VectorNorm
        | Functional.LargestEntry -> Some whole
        | Functional.HeadLargestRow
        | Functional.HeadVectorNorm -> Some head
        | Functional.LargestPairDistance -> Some(Bound.ofInt 2 * whole)
        | _ -> None

    /// From the largest row: the norms that follow, σ_max ≤ √rows · largest row among them.
    let private ofRows (w: Weight) (row: Bound) functional =
        let rows, _ = extents w

        match functional with
        | Functional.LargestRow
        | Functional.HeadLargestRow
        | Functional.VectorNorm
        | Functional.HeadVectorNorm
        | Functional.LargestEntry -> Some row
        | Functional.SpectralNorm
        | Functional.HeadSpectralNorm -> Some(root rows * row)
        | Functional.LargestPairDistance -> Some(Bound.ofInt 2 * row)
        | _ -> None

    let private spectralOf (w: Weight) (unit: CapUnit) perHead (c: Bound) functional =
        let scale (rows: int64, columns: int64) = if unit = Rms then ratioRoot rows columns * c else c

        if perHead then
            // the slices of Q, K, V stacked, or of O side by side: σ² ≤ Σ σ_h²
            let head = scale (headExtents w)
            ofSpectral w (root w.Heads * head) head functional
        else
            let whole = scale (extents w)
            ofSpectral w whole whole functional

    let private ofCap (w: Weight) (cap: Cap) functional =
        let c = Bound.ofRational cap.Limit
        let rows, columns = extents w

        match cap.Unit with
        | Spectral
        | Rms when cap.Extent = Operator ->
            // the weight knows its input channels per group only: with several groups this is above what is enforced
            let inputs = (match w.Shape with _ :: perGroup :: _ -> perGroup | _ -> 1L)
            let operator = if cap.Unit = Rms then ratioRoot rows inputs * c else c
            if functional = Functional.OperatorNorm then Some operator else None
        | Spectral
        | Rms -> spectralOf w cap.Unit (cap.Extent = PerHead) c functional
        | RowL2
        | L2 -> ofRows w c functional
        | RowRms -> ofRows w (root columns * c) functional
        | MaxAbs ->
            match functional with
            | Functional.LargestEntry -> Some c
            | other -> ofRows w (root columns * c) other

    /// The norm the constraint guarantees all through training.
    let declared (w: Weight) functional : Bound option =
        match w.Constraint, w.Reparametrization with
        | (Capped cap | AutoCapped(cap, _)), Direct -> ofCap w cap functional
        // the stored tensor is not the weight: a cap on it says nothing about γ·W/σ(W)
        | _ -> None

    let private capUnitOf (w: Weight) =
        match w.Constraint with
        | Capped c
        | AutoCapped(c, _) -> c.Unit, c.Extent = PerHead
        | Free
        | WeightDecay _
        | SpectralDecay _ -> Spectral, false

    /// The norm the initializer guarantees at step 0. Orthogonal starts have the gain in the unit of the weight's cap.
    let atInit (w: Weight) functional : Bound option =
        let upper name arguments =
            arguments
            |> List.tryPick (fun (l, v: Value) -> if l = Some name then v.Upper else None)
            |> Option.defaultValue Rational.One

        let unit, perHead = capUnitOf w

        match w.Init, w.Reparametrization with
        // even W/σ(W) is above 1 where the iteration's σ is below the true one
        | _, (SigmaReparam _ | SpectralNormalization | WeightNormalization) -> None
        | Choice("zero", _), _ -> Some Bound.zero
        | Choice("one", _), _ -> ofCap w { Limit = Rational.One; Unit = MaxAbs; Extent = Whole; Method = Normalize } functional
        | Choice("constant", a), _ ->
            ofCap w { Limit = (upper "value" a).Abs; Unit = MaxAbs; Extent = Whole; Method = Normalize } functional
        | Choice("orthogonal", a), _ ->
            spectralOf w unit perHead (Bound.ofRational (upper "gain" a)) functional
        | Choice("spectral", a), _ -> spectralOf w Spectral false (Bound.ofRational (upper "target" a)) functional
        | _ -> None

    /// The measure a rule reads, with what is known before training.
    let measure (path: string) (w: Weight) functional : Measure =
        let cap = declared w functional

        let init =
            match cap, atInit w functional with
            | Some c, Some i -> Some(Bound.min [ c; i ])
            | None, i -> i
            | c, None -> c

        { Functional = functional
          Weight = path
          Cap = cap
          Init = init }

    /// A norm of a product and the norms of its factors whose product it never exceeds.
    let private factors functional =
        match functional with
        | Functional.Product _
        | Functional.TransposedProduct _ -> Functional.SpectralNorm, Functional.SpectralNorm
        | Functional.HeadProduct _
        | Functional.HeadTransposedProduct _ -> Functional.HeadSpectralNorm, Functional.HeadSpectralNorm
        // [W_1·R_1 … W_H·R_H] = W·diag(R_1 … R_H)
        | Functional.StackedProduct _ -> Functional.SpectralNorm, Functional.HeadSpectralNorm
        // diag(W_1 … W_H)ᵀ·R
        | Functional.StackedTransposedProduct _ -> Functional.HeadSpectralNorm, Functional.SpectralNorm
        | other -> invalidArg (nameof functional) $"'{other.Text}' is a norm of one weight"

    /// The measure of a product of two weights: before training it is worth the product of its factors' norms. Of a block's gain
    /// nothing is known then that its parts do not say.
    let measureOfProduct (path: string) (left: Weight) (right: Weight) functional : Measure =
        match functional with
        | Functional.BlockGain _ -> { Functional = functional; Weight = path; Cap = None; Init = None }
        | _ ->
            let ofLeft, ofRight = factors functional
            let l, r = measure path left ofLeft, measure functional.Right.Value right ofRight
            let times a b = Option.map2 (fun (x: Bound) y -> x * y) a b

            { Functional = functional
              Weight = path
              Cap = times l.Cap r.Cap
              Init = times l.Init r.Init }

    /// What a measure of a derivation is at other constraints of its weights: the cap it would have, were they derived anew.
    let redeclared (owner: string -> Weight) (m: Measure) : Bound option =
        match m.Functional.Right with
        | None -> declared (owner m.Weight) m.Functional
        | Some right -> (measureOfProduct m.Weight (owner m.Weight) (owner right) m.Functional).Cap
