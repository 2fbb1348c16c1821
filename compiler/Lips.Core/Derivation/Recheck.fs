namespace Lips.Core

/// Bounds a second time, in another arithmetic: 256 bits and other series than the one certificates are made with.
/// What checks a certificate evaluates here, so that a mistake in one arithmetic does not confirm itself.
[<RequireQualifiedAccess>]
module Recheck =

    let private queries (d: Derivation) (values: Precise[]) = values |> Array.truncate d.Queries.Length

    /// Each query's bound at the given norms.
    let atNorms (d: Derivation) (norm: string -> Upper) : Precise[] =
        let measure m indices head = PreciseArithmetic.ofUpper (norm (Evaluate.key m indices head))
        Evaluate.run PreciseArithmetic.arithmetic measure None d.Program |> queries d

    /// Each query's bound with every weight at its cap.
    let atCaps (d: Derivation) : Precise[] =
        Evaluate.atCaps PreciseArithmetic.arithmetic None d.Program |> queries d

    /// A value that reads norms and no step.
    let measured (b: Bound) (norm: string -> Upper) : Precise =
        let measure m indices head = PreciseArithmetic.ofUpper (norm (Evaluate.key m indices head))
        (Evaluate.run PreciseArithmetic.arithmetic measure None { Statements = []; Results = [ "", b ] })[0]

    let product (a: Precise) (b: Precise) : Precise = PreciseArithmetic.arithmetic.Multiply a b

    let least (a: Precise) (b: Precise) = if PreciseArithmetic.comparison a b <= 0 then a else b

    let private scaled (bits: int) (x: Precise) =
        PreciseArithmetic.arithmetic.Multiply x (PreciseArithmetic.arithmetic.OfRational(Rational.One + Rational.PowerOfTwo -bits))

    /// Is a claimed bound at least the value? Both round up, so an exact claim may lie 2^-200 below.
    let covers (claimed: Upper) (value: Precise) =
        claimed.IsInfinity || PreciseArithmetic.comparison (scaled 200 (PreciseArithmetic.ofUpper claimed)) value >= 0

    /// Is it no more than the arithmetic's own roundings above?
    let isNear (claimed: Upper) (value: Precise) =
        value.IsInfinite || (not claimed.IsInfinity && PreciseArithmetic.comparison (PreciseArithmetic.ofUpper claimed) (scaled 30 value) <= 0)

    /// The value as decimal text, rounded up.
    let text (value: Precise) =
        match PreciseArithmetic.tryRational value with
        | Some r -> UpperText.rationalToDecimal 12 r
        | None -> "∞"
