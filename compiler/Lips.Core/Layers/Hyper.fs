namespace Lips.Core.Layers

open Lips.Core

/// Hyperparameters that several kinds share, worded once.
module internal Hyper =

    let ofInt n = Number(Rational.OfInt n)

    let count name doc : Hyperparameter = { Name = name; Type = CountType; Default = Required; Doc = doc }

    let countOr value name doc : Hyperparameter =
        { Name = name; Type = CountType; Default = Default(ofInt value); Doc = doc }

    let flag value name doc : Hyperparameter =
        { Name = name; Type = FlagType; Default = Default(Flag value); Doc = doc }

    let real name doc : Hyperparameter =
        { Name = name; Type = RealType(None, false, None); Default = Required; Doc = doc }

    let realOr (value: Rational) name doc : Hyperparameter =
        { Name = name; Type = RealType(None, false, None); Default = Default(Number value); Doc = doc }

    let positiveOr (value: Rational) name doc : Hyperparameter =
        { Name = name; Type = RealType(Some Rational.Zero, true, None); Default = Default(Number value); Doc = doc }

    let alternative name doc arguments : Alternative = { Name = name; Arguments = arguments; Doc = doc }

    let choiceOr name alternatives hyper doc : Hyperparameter =
        { Name = hyper
          Type = ChoiceType alternatives
          Default = Default(Choice(name, []))
          Doc = doc }

    /// `bias: true`: whether the layer adds a learned vector; `weights(bias: false)` sets it for a whole scope.
    let bias = flag true "bias" "add a learned bias vector"

    let ratio (a: int64) (b: int64) = Rational.OfInt a / Rational.OfInt b

    let lower (v: Value) = defaultArg v.Lower Rational.Zero
    let upper (v: Value) = defaultArg v.Upper Rational.Zero

    /// The largest |value| the number may have.
    let size (v: Value) = Rational.Max((lower v).Abs, (upper v).Abs)

    let sizeOf (options: Options) name = Bound.ofRational (size (options.Value name))

    /// The nearest double towards 0: a constant in generated code is never larger than the one in the bound.
    let private towardsZero (r: Rational) =
        let size = Rational.OfDouble r.Abs.ToDoubleDown
        if r.Sign < 0 then -size else size

    /// The largest a number may be in any round of a folded repeat.
    let largest (v: Value) =
        match v with
        | Items rounds -> rounds |> List.map upper |> List.fold (fun a b -> Rational.Max(a, b)) Rational.Zero
        | _ -> upper v

    /// A number as a C# literal of type double; one that differs from round to round is read by the round's index.
    let rec literal (v: Value) =
        match v with
        | Items rounds -> "new[] { " + System.String.Join(", ", List.map literal rounds) + " }[round]"
        | Enclosed(lo, hi) -> CSharp.number (towardsZero (if lo.Abs < hi.Abs then lo else hi))
        | _ -> CSharp.number (lower v)

    /// What the literal says, exactly.
    let emitted (v: Value) =
        match v with
        | Enclosed(lo, hi) -> towardsZero (if lo.Abs < hi.Abs then lo else hi)
        | _ -> towardsZero (lower v)

    let root (n: int64) = Bound.sqrt (Bound.ofInt64 n)
    let rootOf (r: Rational) = Bound.sqrt (Bound.ofRational r)

    let continuous (x: Shape) shape =
        if x.Vocabulary.IsSome then Error NeedsContinuous else Ok shape
