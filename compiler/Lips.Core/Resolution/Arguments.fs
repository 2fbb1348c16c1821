namespace Lips.Core

open System.Numerics
open Lips.Core.Syntax

/// Checks written arguments against declared hyperparameters and completes them with defaults.
module internal Arguments =
    open Expressions

    let rec expectation (t: HyperType) =
        let text (r: Rational) = r.ToString()

        match t with
        | CountType -> "a whole number of at least 1"
        | NaturalType -> "a whole number of at least 0"
        | RealType(None, _, None) -> "a number"
        | RealType(Some lo, isOpen, None) -> (if isOpen then "a number above " else "a number of at least ") + text lo
        | RealType(None, _, Some hi) -> "a number of at most " + text hi
        | RealType(Some lo, isOpen, Some hi) ->
            (if isOpen then "a number above " else "a number from ") + text lo + " to " + text hi
        | TrainingRateType hi -> "a number from 0 to " + text hi
        | FlagType -> "true or false"
        | TextType -> "a text in quotes"
        | ChoiceType alternatives -> "one of " + System.String.Join(", ", alternatives |> List.map (fun a -> a.Name))
        | ListType inner -> "a list of " + expectation inner
        | OneOf types -> System.String.Join(", or ", types |> List.map expectation)
        | PointType -> "the name of a point"
        | InputType -> "the name of an input"

    let private inRange lower isOpen upper (lo: Rational, hi: Rational) =
        (match lower with
         | Some l -> (if isOpen then lo > l else lo >= l)
         | None -> true)
        && (match upper with
            | Some u -> hi <= u
            | None -> true)

    /// Sizes stay small enough that no shape rule's sum or product of two of them leaves 64 bits.
    let private ofSize (span: Span) name (n: Rational) =
        if n.Numerator > BigInteger System.Int32.MaxValue then
            fault span (Problem.NumberTooLarge(name, string System.Int32.MaxValue))

    /// The value as the declared type reads it, or a fault that says what was expected.
    let rec coerce (span: Span) (owner: string) (h: Hyperparameter) (t: HyperType) (v: Value) : Value =
        let wrong () = fault span (Problem.WrongValue(h.Name, expectation t, describe v))

        match t, v with
        | CountType, Value.Number n when n.IsInteger && n.Sign > 0 -> ofSize span h.Name n; v
        | NaturalType, Value.Number n when n.IsInteger && n.Sign >= 0 -> ofSize span h.Name n; v
        | (CountType | NaturalType), Value.Number n when not n.IsInteger -> fault span (Problem.NotAnInteger(h.Name, describe v))
        | (CountType | NaturalType), Enclosed _ -> fault span (Problem.NotAnInteger(h.Name, describe v))
        | RealType(lo, isOpen, hi), Value.Number n when inRange lo isOpen hi (n, n) -> v
        | RealType(lo, isOpen, hi), Enclosed(a, b) when inRange lo isOpen hi (a, b) -> v
        | TrainingRateType hi, (Value.Number _ | Enclosed _) when inRange (Some Rational.Zero) false (Some hi) (Option.get v.Lower, Option.get v.Upper) -> v
        | FlagType, Flag _ -> v
        | TextType, Value.Text _ -> v
        | (PointType | InputType), Choice(_, []) -> v
        | ListType inner, Items items -> Items(items |> List.map (coerce span owner h inner))
        | ChoiceType alternatives, Choice(name, given) ->
            match alternatives |> List.tryFind (fun a -> a.Name = name) with
            | Some a -> Choice(name, complete span name a.Arguments given)
            | None ->
                let nearest = Nearest.names (alternatives |> List.map (fun a -> a.Name)) name

                match nearest with
                | [] -> wrong ()
                | _ -> fault span (Problem.UnknownName(name, nearest))
        | OneOf types, _ ->
            let fits t =
                match t, v with
                | FlagType, Flag _ | TextType, Value.Text _ | ListType _, Items _ | (PointType | InputType), Choice(_, []) -> true
                | (CountType | NaturalType | RealType _ | TrainingRateType _), (Value.Number _ | Enclosed _) -> true
                | ChoiceType alternatives, Choice(name, _) -> alternatives |> List.exists (fun a -> a.Name = name)
                | _ -> false

            match types |> List.tryFind fits with
            | Some t -> coerce span owner h t v
            | None -> wrong ()
        | _ -> wrong ()

    /// Fills a choice's own arguments: by label, else by position, defaults last. All come out labelled.
    and complete span owner (declared: Hyperparameter list) (given: (string option * Value) list) =
        let positional = given |> List.filter (fun (l, _) -> l.IsNone) |> List.map snd

        if positional.Length > declared.Length then
            fault span (Problem.TooManyPositional(owner, positional.Length, declared |> List.map (fun h -> h.Name)))

        for label, _ in given do
            match label with
            | Some l when declared |> List.forall (fun h -> h.Name <> l) ->
                fault span (Problem.UnknownHyperparameter(owner, l, Nearest.names (declared |> List.map (fun h -> h.Name)) l))
            | _ -> ()

        [ for i, h in List.indexed declared do
              let labelled = given |> List.tryFind (fun (l, _) -> l = Some h.Name) |> Option.map snd
              let placed = if i < positional.Length then Some positional[i] else None

              match labelled, placed with
              | Some _, Some _ -> fault span (Problem.DeclaredTwice(h.Name, Span.None))
              | Some v, None | None, Some v -> Some h.Name, coerce span owner h h.Type v
              | None, None ->
                  match h.Default with
                  | Default v -> Some h.Name, coerce span owner h h.Type v
                  | Absent -> ()
                  | Required -> fault span (Problem.MissingHyperparameter(owner, h.Name, h.Doc))
                  | Computed _ -> invalidOp $"the choice '{owner}' has a computed default, which only layers may have" ]
