namespace Lips.Core

open System.Numerics

/// Functions of one non-negative argument t, each non-decreasing in t with values ≥ 0, so that an upper
/// bound of the argument gives an upper bound of the value. N ≥ 1 throughout.
///
/// Why each is non-decreasing:
/// * `Exp`, `Cosh`: on t ≥ 0.
/// * `DoeblinComplement` N: 1 − N/(1+(N−1)e^t); the denominator grows.
/// * `LargestSoftmaxWeight` N: e^t/(e^t+N−1) = 1 − (N−1)/(e^t+N−1).
/// * `CausalColumnMass` N: Σ_{i<N} e^t/(e^t+i), each term as above.
/// * `SaturationG`: 1 up to t = 1/2; then z²+(1−z)² with z = (1+2t)²/(8t) ≥ 1, dz/dt = (4−1/t²)/8 ≥ 0, and
///   z²+(1−z)² grows for z ≥ 1/2; both pieces give 1 at t = 1/2.
/// * `GeluGain` Φ, `SigmoidGain` σ: distribution functions.
/// * `GeluTanhGain`: σ(2u(t)), u(t) = √(2/π)(t+0.044715t³) grows.
/// * `GeluSlope`: sup of |gelu'| on [−t, t], non-decreasing as a supremum over a growing set. It is Φ(t)+tφ(t)
///   up to √2, since gelu'' = φ(t)(2−t²), and gelu'(−x) = 1 − gelu'(x) lies in [−0.129, 1/2].
/// * `SiluSlope`: likewise sup of |silu'|, equal to σ(t)(1+t(1−σ(t))) up to 2.3993572805…: silu'' has the sign
///   of 2 − t·tanh(t/2), and t·tanh(t/2) grows.
/// * `GeluTanhSlope`: likewise; with y = 0.044715t², the second derivative has the sign of
///   1 − c·t·tanh(u)·(1+3y)²/(1+6y), whose subtracted term is a product of growing factors.
/// * `ShellGain`: the denominator √(max(0, start−t)²/dim + eps) falls.
/// * `ShellGainAdded`: the denominator max(0, start−t)/√dim + eps falls.
/// * `LambertW` n: W₀(n·e^t/e); W₀ grows on [0, ∞).
/// * `SigmoidWeight` b k: sup of σ(l) + k·t·σ'(l), k ≥ 0, over |l − b| ≤ t: the set and every term grow.
/// * `SigmoidSteepness` b: sup of σ'(l) over |l − b| ≤ t.
/// * `LessOne`: max(0, t − 1).
[<RequireQualifiedAccess>]
type Fn =
    /// e^t
    | Exp
    /// cosh t
    | Cosh
    /// 1 − N/(1+(N−1)e^t): what is left after the common part of N softmax weights with logit range t.
    | DoeblinComplement of tokens: int64
    /// e^t/(e^t+N−1): the largest of N softmax weights with logit range t.
    | LargestSoftmaxWeight of tokens: int64
    /// Σ_{i=0}^{N−1} e^t/(e^t+i): the largest column sum of a causal softmax matrix.
    | CausalColumnMass of tokens: int64
    /// G(t) of the F-norm attention rule.
    | SaturationG
    /// Φ(t) = sup |gelu(x)/x| on [−t, t].
    | GeluGain
    /// σ(t) = sup |silu(x)/x| on [−t, t].
    | SigmoidGain
    /// σ(2u(t)) = sup |f(x)/x| on [−t, t] for the tanh form of GELU.
    | GeluTanhGain
    /// sup |gelu'| on [−t, t].
    | GeluSlope
    /// sup |f'| on [−t, t] for the tanh form of GELU, for any coefficient from 0.79788456 to √(2/π).
    | GeluTanhSlope
    /// sup |silu'| on [−t, t].
    | SiluSlope
    /// 1/√(max(0, start−t)²/dim + eps), eps > 0: the gain of RMSNorm on tokens of norm ≥ start − t.
    | ShellGain of start: Rational * dim: int64 * eps: Rational
    /// 1/(max(0, start−t)/√dim + eps), eps > 0: the gain of LayerNorm with eps beside the deviation, where it is at least start − t.
    | ShellGainAdded of start: Rational * dim: int64 * eps: Rational
    /// W₀(n·e^(t−1)), n ≥ 0: w_N of L2 attention is `LambertW (N−1)` at t = 0 (or at the bias range T).
    | LambertW of n: int64
    /// sup of σ(l) + slopes·t·σ'(l) over |l − bias| ≤ t, slopes ≥ 0; σ is the logistic function.
    | SigmoidWeight of bias: Rational * slopes: int
    /// sup of σ'(l) over |l − bias| ≤ t.
    | SigmoidSteepness of bias: Rational
    /// max(0, t − 1)
    | LessOne

/// A non-negative extended real as an expression, non-decreasing in every measure it holds: every node is
/// non-decreasing in every child (sums, products, minima, maxima, powers n ≥ 0 and roots of non-negative
/// numbers, and `Fn`), and constants are not negative.
and [<RequireQualifiedAccess>] Bound =
    | Infinity
    /// Never negative.
    | Const of Rational
    | Measured of Measure
    /// A value bound earlier in the program.
    | Var of int
    | Add of Bound * Bound
    | Mul of Bound * Bound
    /// The least; ∞ of none.
    | Min of Bound list
    /// The largest; 0 of none.
    | Max of Bound list
    /// An integer power, exponent ≥ 0; x^0 = 1.
    | Power of Bound * int
    | Sqrt of Bound
    | Apply of Fn * Bound
    /// Σ over head 0 … count−1; the per-head measures inside read this index.
    | SumOver of count: int * Bound
    /// The largest over head 0 … count−1.
    | MaxOver of count: int * Bound

/// A functional of one weight, with what bounds it before the weight is known.
and Measure =
    { Functional: Functional
      /// The weight's path; `{i}` stands for the value of the loop index `i`: `blocks.{i}.attention.q`.
      Weight: string
      /// What the weight constraint guarantees all through training; nothing means ∞.
      Cap: Bound option
      /// What holds at step 0; nothing means the cap.
      Init: Bound option }

type Statement =
    | Let of id: int * value: Bound * comment: string
    | Loop of Loop

/// `Count` rounds of `Body`. Before the first, each carried id holds its initial value; after each round the
/// carried ids take the values of `Next`, all at once; after the last, `Results` hold them.
and Loop =
    { /// The name in `{i}` of weight paths.
      Index: string
      Count: int64
      Carried: (int * Bound) list
      Body: Statement list
      Next: Bound list
      Results: int list }

/// Statements in order, then named results.
type Program =
    { Statements: Statement list
      Results: (string * Bound) list }

/// Constructors that fold what is sound to fold, and questions about expressions.
/// 0·∞ is ∞ here: a factor of ∞ means "no bound is known", which a factor 0 does not repair.
module Bound =

    /// Constants fold into one while they stay this small; beyond it the expression is kept.
    let private foldLimit = 256L

    let infinity = Bound.Infinity
    let zero = Bound.Const Rational.Zero
    let one = Bound.Const Rational.One

    /// A constant; negative numbers are refused.
    let ofRational (r: Rational) =
        if r.Sign < 0 then
            invalidArg (nameof r) ("a bound is not negative: " + r.ToString())

        Bound.Const r

    let ofInt (n: int) = ofRational (Rational.OfInt(int64 n))
    let ofInt64 (n: int64) = ofRational (Rational.OfInt n)
    let ofQuotient (a: int64) (b: int64) = ofRational (Rational.Create(BigInteger a, BigInteger b))
    let var id = Bound.Var id
    let measured m = Bound.Measured m

    let private small (r: Rational) = r.BitSize <= foldLimit

    let isZero b =
        match b with
        | Bound.Const c -> c.Sign = 0
        | _ -> false

    let private isOne b = (b = one)

    let add a b =
        match a, b with
        | Bound.Infinity, _
        | _, Bound.Infinity -> Bound.Infinity
        | Bound.Const x, other
        | other, Bound.Const x when x.Sign = 0 -> other
        | Bound.Const x, Bound.Const y when small (x + y) -> Bound.Const(x + y)
        | _ -> Bound.Add(a, b)

    let mul a b =
        match a, b with
        | Bound.Infinity, _
        | _, Bound.Infinity -> Bound.Infinity
        | Bound.Const x, Bound.Const y when small (x * y) -> Bound.Const(x * y)
        | x, other
        | other, x when isOne x -> other
        | _ -> Bound.Mul(a, b)

    /// The least of several: nested minima are flattened, ∞ and repeats dropped, constants merged.
    let min (items: Bound list) =
        let flat =
            items
            |> List.collect (function
                | Bound.Min inner -> inner
                | b -> [ b ])
            |> List.filter (fun b -> b <> Bound.Infinity)
            |> List.distinct

        let constants =
            flat
            |> List.choose (function
                | Bound.Const c -> Some c
                | _ -> None)

        let others =
            flat
            |> List.filter (function
                | Bound.Const _ -> false
                | _ -> true)

        let all =
            match constants with
            | [] -> others
            | c :: rest -> others @ [ Bound.Const(List.fold (fun a b -> Rational.Min(a, b)) c rest) ]

        match all with
        | [] -> Bound.Infinity
        | [ b ] -> b
        | _ when List.exists isZero all -> zero
        | _ -> Bound.Min all

    let min2 a b = min [ a; b ]

    /// The largest of several: nested maxima are flattened, 0 and repeats dropped, constants merged.
    let max (items: Bound list) =
        let flat =
            items
            |> List.collect (function
                | Bound.Max inner -> inner
                | b -> [ b ])
            |> List.filter (fun b -> not (isZero b))
            |> List.distinct

        let constants =
            flat
            |> List.choose (function
                | Bound.Const c -> Some c
                | _ -> None)

        let others =
            flat
            |> List.filter (function
                | Bound.Const _ -> false
                | _ -> true)

        let all =
            match constants with
            | [] -> others
            | c :: rest -> others @ [ Bound.Const(List.fold (fun a b -> Rational.Max(a, b)) c rest) ]

        match all with
        | [] -> zero
        | _ when List.contains Bound.Infinity all -> Bound.Infinity
        | [ b ] -> b
        | _ -> Bound.Max all

    let max2 a b = max [ a; b ]

    let sqrt b =
        match b with
        | Bound.Infinity -> Bound.Infinity
        | Bound.Const c ->
            match c.TrySqrt with
            | Some root -> Bound.Const root
            | None -> Bound.Sqrt b
        | _ -> Bound.Sqrt b

    /// b^n for n ≥ 0.
    let power (b: Bound) (n: int) =
        if n < 0 then
            invalidArg (nameof n) "a bound has powers with exponent 0 or more only"

        match b with
        | _ when n = 0 -> one
        | _ when n = 1 -> b
        | Bound.Infinity -> Bound.Infinity
        | Bound.Const c ->
            match c.TryPower(BigInteger n, foldLimit) with
            | Some p -> Bound.Const p
            | None -> Bound.Power(b, n)
        | _ -> Bound.Power(b, n)

    let square b = power b 2

    let apply fn b =
        match fn with
        | Fn.DoeblinComplement n
        | Fn.LargestSoftmaxWeight n
        | Fn.CausalColumnMass n when n < 1L -> invalidArg (nameof fn) "softmax needs at least one token"
        | Fn.ShellGain(_, dim, eps)
        | Fn.ShellGainAdded(_, dim, eps) when dim < 1L || eps.Sign <= 0 ->
            invalidArg (nameof fn) "the gain of a shell needs a width of at least 1 and eps > 0"
        | Fn.LambertW n when n < 0L -> invalidArg (nameof fn) "W₀ is taken of numbers that are not negative"
        | Fn.SigmoidWeight(_, slopes) when slopes < 0 -> invalidArg (nameof fn) "the slope's factor is not negative"
        | Fn.SigmoidWeight(bias, _)
        | Fn.SigmoidSteepness bias when Rational.OfDouble bias.Abs.ToDoubleDown <> bias.Abs ->
            invalidArg (nameof fn) "the bias is a double, so that 64 bits hold it"
        | _ -> Bound.Apply(fn, b)

    let exp b =
        if isZero b then one
        elif b = Bound.Infinity then Bound.Infinity
        else Bound.Apply(Fn.Exp, b)

    let cosh b =
        if isZero b then one
        elif b = Bound.Infinity then Bound.Infinity
        else Bound.Apply(Fn.Cosh, b)

    let sum (items: Bound list) = List.fold add zero items
    let product (items: Bound list) = List.fold mul one items

    /// √(a² + b²)
    let hypot a b = sqrt (add (square a) (square b))

    /// What an expression is made of, one level down.
    let children b =
        match b with
        | Bound.Infinity
        | Bound.Const _
        | Bound.Measured _
        | Bound.Var _ -> []
        | Bound.Add(x, y)
        | Bound.Mul(x, y) -> [ x; y ]
        | Bound.Min items
        | Bound.Max items -> items
        | Bound.Power(x, _)
        | Bound.Sqrt x
        | Bound.Apply(_, x)
        | Bound.SumOver(_, x)
        | Bound.MaxOver(_, x) -> [ x ]

    /// Does a measure inside read the head index of a sum around this expression?
    let rec readsHead b =
        match b with
        | Bound.Measured m -> m.Functional.IsPerHead
        | Bound.SumOver _
        | Bound.MaxOver _ -> false
        | _ -> List.exists readsHead (children b)

    /// Σ over heads; count times the value when nothing inside depends on the head.
    let sumOver (count: int) b =
        if readsHead b then Bound.SumOver(count, b) else mul (ofInt count) b

    let maxOver (count: int) b =
        if readsHead b && count > 0 then Bound.MaxOver(count, b) else b

    /// All measures of an expression, in order of appearance, without those inside caps.
    let rec measuresOf b =
        match b with
        | Bound.Measured m -> [ m ]
        | _ -> List.collect measuresOf (children b)

    let rec private statementBounds statement =
        match statement with
        | Let(_, b, _) -> [ b ]
        | Loop loop -> List.map snd loop.Carried @ List.collect statementBounds loop.Body @ loop.Next

    /// All measures of a program, each once, in order of appearance.
    let measures (program: Program) =
        List.collect statementBounds program.Statements @ List.map snd program.Results
        |> List.collect measuresOf
        |> List.distinct

type Bound with

    static member (+)(a: Bound, b: Bound) = Bound.add a b
    static member (*)(a: Bound, b: Bound) = Bound.mul a b
