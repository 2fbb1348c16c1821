namespace Lips.Core

open System.Numerics

/// What may be written for a hyperparameter.
type HyperType =
    /// an exact integer ≥ 1
    | CountType
    /// an exact integer ≥ 0
    | NaturalType
    /// a number, at least `lower` (strictly above it if `open`) and at most `upper`
    | RealType of lower: Rational option * isOpen: bool * upper: Rational option
    /// a share in [0, upper] that acts in training only: nothing a bound says depends on it, so that rounds of a repeat
    /// which differ in it alone are one body
    | TrainingRateType of upper: Rational
    | FlagType
    | TextType
    /// one of these names, each with its own arguments
    | ChoiceType of Alternative list
    | ListType of HyperType
    | OneOf of HyperType list
    /// a named point: `memory: encoder`, `tie: memory.words`. A layer kind reads it as a choice of that name whose arguments are
    /// the `width` and `length` of the value there.
    | PointType
    /// an input of token ids: `tokens: text`. A layer kind reads it as a choice of that name whose arguments are its `length` and `vocab`.
    | InputType

and Alternative =
    { Name: string
      Arguments: Hyperparameter list
      Doc: string }

and Hyperparameter =
    { Name: string
      Type: HyperType
      Default: Default
      Doc: string }

and Default =
    | Required
    | Default of Value
    /// Depends on the input or on hyperparameters before it; the text says how.
    | Computed of text: string * ((string * Value) list -> Shape -> Value)
    /// May be left out; the layer then does without.
    | Absent

/// Reads resolved hyperparameters. The resolver has checked names and types against the catalogue,
/// so a failure here is a mistake in the catalogue entry, not in a spec.
type Options(values: (string * Value) list) =
    let find name =
        match List.tryFind (fun (n, _) -> n = name) values with
        | Some(_, v) -> v
        | None -> invalidOp $"the catalogue entry reads '{name}', which it does not declare"

    member _.Values = values
    member _.Has name = values |> List.exists (fun (n, _) -> n = name)
    member _.Value name = find name

    member _.Count name =
        match find name with
        | Number n when n.IsInteger -> int64 n.Numerator
        | v -> invalidOp $"'{name}' is not an integer: {v}"

    member _.Flag name =
        match find name with
        | Flag b -> b
        | v -> invalidOp $"'{name}' is not true or false: {v}"

    /// The exact number, or its upper enclosure.
    member _.Upper name =
        match (find name).Upper with
        | Some n -> n
        | None -> invalidOp $"'{name}' is not a number"

    member _.Choice name =
        match find name with
        | Choice(n, arguments) -> n, Options(arguments |> List.choose (fun (l, v) -> l |> Option.map (fun l -> l, v)))
        | v -> invalidOp $"'{name}' is not a choice: {v}"

    member this.ChoiceName name = fst (this.Choice name)

/// Why a layer does not fit its input. The resolver adds the layer, the place and the words.
type ShapeFault =
    /// `what` of size `size` must be divisible by `divisorName` = `divisor`
    | Indivisible of what: string * size: int64 * divisorName: string * divisor: int64
    | NeedsGrid of wanted: string
    | NeedsTokenIds
    | NeedsContinuous
    /// A window of `kernel` does not fit into `size`.
    | KernelTooLarge of kernel: string * size: string
    | DoesNotFit of explanation: string

/// One condition a rule needs for a finite constant: if `Value` is ∞ the step has none.
type Need =
    { Value: Bound
      Why: string
      Fix: string }

type RuleInput =
    { Layer: Layer
      Options: Options
      Input: Space
      Reads: Map<string, Space>
      /// The map of the body, for kinds that own one.
      Body: (Space -> Space) option
      /// The layer that the body consists of, where it is one, with its norms.
      Inner: (Layer * (Functional -> string -> Bound)) option
      /// A norm of one of the layer's weights, by the weight's relative name.
      Measure: Functional -> string -> Bound
      /// Gives a value a name in the program; the comment appears in the generated arithmetic.
      Name: string -> Bound -> Bound }

    member this.Weight name = this.Layer.Weights |> List.tryFind (fun w -> w.Name = name)
    member this.HasWeight name = (this.Weight name).IsSome

    /// 0 where the layer has no such weight.
    member this.MeasureOrZero functional name =
        if this.HasWeight name then this.Measure functional name else Bound.zero

type Judgement =
    { Space: Space
      /// Name of the rule that gave the constant.
      Rule: string
      /// Every rule that applied, with its token-max constant: the derivation takes the least.
      Candidates: (string * Bound) list
      Needs: Need list }

/// A rule as the documentation prints it.
type RuleDoc =
    { Name: string
      Statement: string
      Domain: string
      Proof: string
      Citation: string
      /// Best adversarial gain found over the bound: 1 means attained.
      Tightness: decimal }

/// A typed sub-module or parameter of the generated class.
type Member =
    { /// C# type, fully qualified
      Type: string
      Name: string
      /// C# expression that makes it
      Construct: string }

/// How a layer reads in generated code.
type Emission =
    { Members: Member list
      /// C# expression of the output, given that of the input (and, for kinds with a body, of the body's result).
      Forward: string -> string option -> string }

type EmitInput =
    { Layer: Layer
      Options: Options
      /// C# expression of a named point the layer reads.
      Read: string -> string }

/// One layer kind: the only place where anything about it is said.
type LayerKind =
    { Name: string
      Summary: string
      Citation: string
      Hyperparameters: Hyperparameter list
      /// How many leading hyperparameters may be given without their names (at most three).
      Positional: int
      /// Names that reach several weights at once: `qkv` for q, k and v.
      Parts: (string * string list) list
      TakesBody: bool
      Shape: Options -> Shape -> Result<Shape, ShapeFault>
      /// The layer's weights with the kind's own defaults; the resolver lays scoped settings over them.
      Weights: Options -> Shape -> Weight list
      Rule: RuleInput -> Judgement
      Rules: RuleDoc list
      /// Multiply–adds for one sample: linear, convolution, QKᵀ and AV; nothing for bias, norms, softmax, activations.
      Macs: Options -> Shape -> BigInteger
      Emit: EmitInput -> Emission }
