namespace Lips.Core.Layers

open Lips.Core

/// Heads and the projection behind them.
type internal HeadNorms =
    { Heads: int64
      Out: Bound
      /// Of one head's columns, a function of the head a sum runs over.
      OutOfHead: Bound }

    /// The largest over the heads.
    member this.Over(f: Bound) = Bound.maxOver (int this.Heads) f

    /// min(|O|·√(Σ_h f_h²), Σ_h |O_h|·f_h): heads whose constants are f_h, side by side or each through its own columns.
    member this.SideBySide(f: Bound) =
        if this.Heads = 1L then this.Out * f
        else
            Bound.min
                [ this.Out * Bound.sqrt (Bound.sumOver (int this.Heads) (Bound.square f))
                  Bound.sumOver (int this.Heads) (this.OutOfHead * f) ]

    /// Rules for several heads say no more of one than its own.
    member this.Several(rules: Bound list) = if this.Heads = 1L then [] else rules

/// What a row's softmax weights satisfy, from the range of its logits.
type internal RowWeights =
    { Sees: Visibility
      /// 1 − λ: the share that is not common to the heads.
      Uneven: Bound
      /// Largest column sum C and largest weight.
      Column: Bound
      Largest: Bound
      /// Norm of one head's matrix of weights.
      Matrix: Bound
      /// √Σ a² of a row.
      Row: Bound }

    /// min(1/√2, √a_max): what Σ a_j²c_j² is at most, over Σ a_j c_j², where Σ a_j c_j = 0.
    member this.KeyRow = Bound.min [ Hyper.rootOf (Hyper.ratio 1L 2L); Bound.sqrt this.Largest ]

    /// min(√C, √(m/2)), m the rows that see a key: the same summed over rows.
    member this.KeyColumn = Bound.min [ Bound.sqrt this.Column; Hyper.rootOf (Hyper.ratio this.Sees.MostQueries 2L) ]

[<RequireQualifiedAccess>]
module internal RowWeights =

    let private half = Bound.ofQuotient 1L 2L

    let ofRange (name: string -> Bound -> Bound) (sees: Visibility) (range: Bound) =
        let uneven = name "1 − lambda" (Bound.apply (Fn.DoeblinComplement sees.MostKeys) range)
        let coshHalf = name "cosh of half the range" (Bound.cosh (half * range))
        let column = name "largest column sum" (Visibility.column sees range)

        { Sees = sees
          Uneven = uneven
          Column = column
          Largest = Visibility.largest sees range
          Matrix = name "norm of the weights" (Visibility.norm sees range column coshHalf)
          Row = Visibility.rowNorm sees coshHalf }

    /// √n − √m, rounded up.
    let rootLess (n: int64) (m: int64) =
        let struct (_, high) = (Rational.OfInt n).SqrtEnclosure 64
        let struct (low, _) = (Rational.OfInt m).SqrtEnclosure 64
        Bound.ofRational (Rational.Max(high - low, Rational.Zero))

    /// How many heads' means of the same keys may differ although their weights are even.
    let private common heads shared (rows: RowWeights) = min heads (shared * rows.Sees.KeySets)

    /// min(√H·v, |V|(√m + (1−λ)(√H − √m))): means of values, all heads together; v the largest head's norm.
    let means (heads: int64) shared (rows: RowWeights) (largest: Bound) (all: Bound) =
        let m = common heads shared rows
        Bound.min [ Hyper.root heads * largest; all * (Hyper.root m + rows.Uneven * rootLess heads m) ]

    /// min(H·v², |V|²(m + (1−λ)(H − m))): the same where heads share a budget of squares.
    let squaredMeans (heads: int64) shared (rows: RowWeights) (largest: Bound) (all: Bound) =
        let m = common heads shared rows

        Bound.min
            [ Bound.ofInt64 heads * Bound.square largest
              Bound.square all * (Bound.ofInt64 m + rows.Uneven * Bound.ofInt64 (heads - m)) ]
