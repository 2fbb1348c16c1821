namespace Lips.Core

/// The operations a program is evaluated with. All must be upper bounds of the exact operation.
type Arithmetic<'n> =
    { Infinity: 'n
      OfRational: Rational -> 'n
      Add: 'n -> 'n -> 'n
      Multiply: 'n -> 'n -> 'n
      Min: 'n -> 'n -> 'n
      Max: 'n -> 'n -> 'n
      /// x^n, n ≥ 0.
      Power: 'n -> int -> 'n
      Sqrt: 'n -> 'n
      /// Applied to a function first, so that its constants are converted once.
      Apply: Fn -> 'n -> 'n
      /// Are two numbers identical? Only saves work: false is always allowed.
      Same: 'n -> 'n -> bool }

/// Values of loop indices, outermost first.
type LoopIndices = (string * int64) list
