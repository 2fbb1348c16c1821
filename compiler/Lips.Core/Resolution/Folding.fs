namespace Lips.Core

/// Rounds of a repeat that mean the same but for rates that act in training only (a stochastic depth that grows with the
/// layer): one body, in which such a rate is the list of its values.
module internal Folding =

    let private trainingOnly (catalog: Map<string, LayerKind>) (l: Layer) =
        match Map.tryFind l.Kind catalog with
        | Some kind -> kind.Hyperparameters |> List.choose (fun h -> match h.Type with TrainingRateType _ -> Some h.Name | _ -> None)
        | None -> []

    /// Layers of the same meaning as one; nothing where they differ in more than such rates.
    let private layer catalog (rounds: Layer list) : Layer option =
        let first = List.head rounds
        let rates = trainingOnly catalog first
        let others (l: Layer) = { l with Id = first.Id; Options = l.Options |> List.filter (fun (n, _) -> not (List.contains n rates)) }

        if rounds |> List.exists (fun l -> others l <> others first) then
            None
        else
            let together name =
                match rounds |> List.map (fun l -> l.Options |> List.find (fun (n, _) -> n = name) |> snd) with
                | v :: rest when rest |> List.forall ((=) v) -> Some v
                // a rate that already differs from round to round of a repeat inside has no second index
                | values when values |> List.exists (function Items _ -> true | _ -> false) -> None
                | values -> Some(Items values)

            let options = first.Options |> List.map (fun (n, v) -> if List.contains n rates then together n |> Option.map (fun v -> n, v) else Some(n, v))
            if List.forall Option.isSome options then Some { first with Options = List.choose id options } else None

    let private all (parts: 'a option list) =
        if List.forall Option.isSome parts then Some(List.choose id parts) else None

    /// The one body of several rounds, if they have one.
    let rec body (catalog: Map<string, LayerKind>) (rounds: Term list) : Term option =
        let bodies choose = rounds |> List.map choose |> all |> Option.bind (body catalog)

        match List.head rounds with
        | Apply _ ->
            rounds |> List.map (function Apply l -> Some l | _ -> None) |> all |> Option.bind (layer catalog) |> Option.map Apply
        | Enclose _ ->
            match rounds |> List.map (function Enclose(l, _) -> Some l | _ -> None) |> all |> Option.bind (layer catalog), bodies (function Enclose(_, b) -> Some b | _ -> None) with
            | Some l, Some b -> Some(Enclose(l, b))
            | _ -> None
        | Chain terms ->
            let chains = rounds |> List.map (function Chain ts when ts.Length = terms.Length -> Some ts | _ -> None) |> all

            chains
            |> Option.bind (fun chains -> (if terms.IsEmpty then Some [] else chains |> List.transpose |> List.map (body catalog) |> all))
            |> Option.map Chain
        | Group(name, _) -> bodies (function Group(n, b) when n = name -> Some b | _ -> None) |> Option.map (fun b -> Group(name, b))
        | Point(name, _) -> bodies (function Point(n, b) when n = name -> Some b | _ -> None) |> Option.map (fun b -> Point(name, b))
        // the index of the repeat inside is the one its layers read
        | Repeat _ as first -> if rounds |> List.forall (fun t -> Canonical.term t = Canonical.term first) then Some first else None
