namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// What stands beyond the border of a grid.
type internal Padding =
    | Zeros
    | Circular
    | Reflect
    | Replicate

/// One axis of a sliding window: `Size` inputs, `Kernel` taps `Dilation` apart, moved by `Stride`.
type internal Axis =
    { Size: int64
      Kernel: int64
      Stride: int64
      Padding: int64
      Dilation: int64
      Mode: Padding }

/// The 0/1 matrix that copies the inputs of an axis into windows: what a convolution or a pooling does before its weights.
module internal Windows =

    /// Above this many (output, tap) pairs the exact counts give way to closed upper bounds.
    let private exactLimit = 1L <<< 20

    /// Beyond this a window's numbers are a mistake, and their products could leave 64 bits.
    let largest = 1L <<< 24

    let outputs a = (a.Size + 2L * a.Padding - a.Dilation * (a.Kernel - 1L) - 1L) / a.Stride + 1L
    let fits a = a.Size + 2L * a.Padding - a.Dilation * (a.Kernel - 1L) >= 1L

    /// The input that position q (0 is the first input) copies; −1 for none.
    let private source a q =
        if q >= 0L && q < a.Size then
            q
        else
            match a.Mode with
            | Zeros -> -1L
            | Circular -> ((q % a.Size) + a.Size) % a.Size
            | Reflect -> if q < 0L then -q else 2L * (a.Size - 1L) - q
            | Replicate -> if q < 0L then 0L else a.Size - 1L

    let private position a o t = o * a.Stride + t * a.Dilation - a.Padding

    /// What the rules need to know of one axis.
    type Counts =
        { /// largest number of pairs (output, tap) that copy one input
          Coverage: int64
          /// largest number of taps of one window that copy one input
          Repeats: int64
          /// largest number of taps of one window that copy any input
          Taps: int64
          /// square of the norm of what surrounds the stride-1 convolution on the whole line
          Surround: int64 }

    let private ceilDiv a b = (a + b - 1L) / b

    /// Stride-1 outputs; for `circular`, each is a position of the periodic convolution and every period repeats them.
    let private surround a copies =
        match a.Mode with
        | Zeros -> 1L
        | Circular -> max 1L (ceilDiv (a.Size + 2L * a.Padding - a.Dilation * (a.Kernel - 1L)) a.Size)
        | Reflect
        | Replicate -> copies

    /// Copies of one input along the padded axis.
    let private copies a =
        match a.Mode with
        | Zeros -> 1L
        | Circular -> ceilDiv (a.Size + 2L * a.Padding) a.Size
        | Reflect ->
            // the copies of x besides itself: −x if x ≤ p, 2(n−1)−x if x ≥ n−1−p; both for some x in 1 … n−2
            if a.Padding = 0L || a.Size = 1L then 1L
            elif max 1L (a.Size - 1L - a.Padding) <= min a.Padding (a.Size - 2L) then 3L
            else 2L
        | Replicate -> if a.Size = 1L then 2L * a.Padding + 1L else a.Padding + 1L

    let private closed a =
        let rec gcd x y = if y = 0L then x else gcd y (x % y)
        let all = copies a
        let once = ceilDiv a.Kernel (a.Stride / gcd a.Stride a.Dilation)

        { Coverage = once * all
          Repeats = (match a.Mode with Zeros -> 1L | _ -> min a.Kernel all)
          Taps = a.Kernel
          Surround = surround a all }

    let counts a =
        let outs = outputs a

        if outs > exactLimit / a.Kernel || a.Size > exactLimit then
            closed a
        else
            let covered = Array.zeroCreate<int64> (int a.Size)
            let inWindow = Array.zeroCreate<int64> (int a.Size)
            let mutable repeats = 0L
            let mutable taps = 0L

            for o in 0L .. outs - 1L do
                let mutable real = 0L

                for t in 0L .. a.Kernel - 1L do
                    let x = source a (position a o t)

                    if x >= 0L then
                        real <- real + 1L
                        covered[int x] <- covered[int x] + 1L
                        inWindow[int x] <- inWindow[int x] + 1L
                        repeats <- max repeats inWindow[int x]

                for t in 0L .. a.Kernel - 1L do
                    let x = source a (position a o t)
                    if x >= 0L then inWindow[int x] <- 0L

                taps <- max taps real

            { Coverage = max 1L (Array.max covered)
              Repeats = max 1L repeats
              Taps = max 1L taps
              Surround = surround a (copies a) }

    let private product f (axes: Axis list) = axes |> List.fold (fun p a -> p * f (counts a)) 1L

    let coverage axes = product (fun c -> c.Coverage) axes
    let repeats axes = product (fun c -> c.Repeats) axes
    let taps axes = product (fun c -> c.Taps) axes
    let surrounding axes = product (fun c -> c.Surround) axes
    let root (n: int64) = Bound.sqrt (Bound.ofInt64 n)

    /// Row and column sums of the averaging matrix of one axis, and the largest sum of squares of a row. Zero padding.
    let averaging a countPadding =
        let outs = outputs a

        if outs > exactLimit / a.Kernel || a.Size > exactLimit then
            // a window holds at least one input; every input lies in at most ⌈k/s⌉ windows
            let once = ceilDiv a.Kernel a.Stride
            let least = if countPadding then a.Kernel else min a.Size (a.Kernel - a.Padding)
            let weight = Rational.OfInt 1L / Rational.OfInt least
            Rational.One, Rational.OfInt once * weight, weight
        else
            let columns = Array.create (int a.Size) Rational.Zero
            let mutable row = Rational.Zero
            let mutable squares = Rational.Zero

            for o in 0L .. outs - 1L do
                let first = o * a.Stride - a.Padding
                let inside = min (first + a.Kernel) a.Size - max first 0L

                if inside > 0L then
                    let divisor = if countPadding then a.Kernel else inside
                    let weight = Rational.OfInt 1L / Rational.OfInt divisor
                    row <- Rational.Max(row, Rational.OfInt inside * weight)
                    squares <- Rational.Max(squares, Rational.OfInt inside * weight * weight)

                    for x in max first 0L .. min (first + a.Kernel) a.Size - 1L do
                        columns[int x] <- columns[int x] + weight

            row, (columns |> Array.fold (fun m c -> Rational.Max(m, c)) Rational.Zero), squares

    /// A number for every axis: `3` means 3 on each.
    let perAxis (options: Options) name count =
        let exact v =
            match v with
            | Number n when n.IsInteger -> int64 n.Numerator
            | _ -> invalidOp $"'{name}' is not a whole number"

        match options.Value name with
        | Items items -> items |> List.map exact
        | v -> List.replicate count (exact v)

    let axisNames count = if count = 1 then [ "length" ] else [ "height"; "width" ]

    let sizes grid =
        match grid with
        | Single -> []
        | Row n -> [ n ]
        | Map(h, w) -> [ h; w ]

    let gridOf sizes =
        match sizes with
        | [ n ] -> Row n
        | [ h; w ] -> Map(h, w)
        | _ -> Single

    /// Hyperparameter of one number, or one for each of two axes.
    let hyper two least name default' doc : Hyperparameter =
        { Name = name
          Type = (if two then OneOf [ least; ListType least ] else least)
          Default = default'
          Doc = (if two then doc + "; a list of two numbers for height and width" else doc) }

    let natural n = Default(Number(Rational.OfInt n))

    /// r, or the distance from a known centre where that is smaller.
    let centred (x: Space) =
        match x.Centre with
        | Some(_, distance) -> Bound.min [ x.Centred; distance ]
        | None -> x.Centred
