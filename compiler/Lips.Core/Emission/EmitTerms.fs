namespace Lips.Core

open System
open System.Collections.Generic

/// What emission asks of terms: their shapes in words, what they read from outside, and the names their parts get.
module internal EmitTerms =

    let annotate (s: Shape) =
        let dims =
            match s.Grid with
            | Single -> []
            | Row n -> [ string n ]
            | Map(h, w) -> [ string h; string w ]

        "[" + String.Join(", ", [ "B" ] @ dims @ (if s.Vocabulary.IsSome then [] else [ string s.Width ])) + "]"

    let freeOf term = Term.layers term |> List.collect (fun (_, l) -> l.Reads) |> List.distinct

    let rec outputOf (input: Shape) term =
        match term with
        | Apply l
        | Enclose(l, _) -> l.Output
        | Chain terms -> terms |> List.fold outputOf input
        | Group(_, body)
        | Point(_, body) -> outputOf input body
        | Repeat _ -> input

    /// Numeric groups of an unrolled repeat, in order.
    let unrolled body =
        match body with
        | Chain terms when not terms.IsEmpty && terms |> List.forall (function Group(n, _) -> n |> Seq.forall Char.IsDigit | _ -> false) ->
            Some(terms |> List.map (function Group(_, b) -> b | t -> t))
        | _ -> None

    let singular (name: string) =
        let n = CSharp.pascal name
        if n.EndsWith "s" && n.Length > 2 && not (n.EndsWith "ss") then n.Substring(0, n.Length - 1) else n + "Layer"

    let rec namesIn term =
        match term with
        | Apply l -> [ l.Name ]
        | Enclose(l, body) -> l.Name :: namesIn body
        | Chain terms -> terms |> List.collect namesIn
        | Group(n, body) -> n :: namesIn body
        | Point(_, body) -> namesIn body
        | Repeat r -> r.Name :: namesIn r.Body

    /// Does a class of this body need to know its round of the folded repeat around it?
    let rec readsRound term =
        let isRate (l: Layer) name =
            Catalog.byName[l.Kind].Hyperparameters
            |> List.exists (fun h -> h.Name = name && (match h.Type with TrainingRateType _ -> true | _ -> false))

        let own (l: Layer) = l.Options |> List.exists (fun (name, v) -> match v with Items _ -> isRate l name | _ -> false)

        match term with
        | Apply l -> own l
        | Enclose(l, body) -> own l || readsRound body
        | Chain terms -> List.exists readsRound terms
        | Group(_, body)
        | Point(_, body) -> readsRound body
        | Repeat _ -> false

    /// Names of the properties of a model's classes.
    let members (m: Model) = m.Chains |> List.collect (fun c -> namesIn c.Body) |> List.distinct |> List.map CSharp.identifier

    /// Inputs whose token ids masks of the term look at, by their C# names.
    let tokensRead (inputNames: IDictionary<string, string>) term =
        freeOf term |> List.filter (fun (role, _) -> role = "tokens") |> List.map (fun (_, input) -> inputNames[input]) |> List.distinct
