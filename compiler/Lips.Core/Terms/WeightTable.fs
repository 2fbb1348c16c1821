namespace Lips.Core

/// The weights of a model by the names a checkpoint has them under.
[<RequireQualifiedAccess>]
module WeightTable =

    /// Every weight with a tensor of its own, in the order of the spec, repeats unrolled; with the layer it belongs to.
    let all (model: Model) : (string * Layer * Weight) list =
        let rec visit prefix term =
            match term with
            | Apply l -> own prefix l
            | Enclose(l, body) -> own prefix l @ visit prefix body
            | Chain terms -> terms |> List.collect (visit prefix)
            | Point(_, body) -> visit prefix body
            | Group(name, body) -> visit (prefix + name + ".") body
            | Repeat r -> [ 0L .. r.Count - 1L ] |> List.collect (fun i -> visit (prefix + r.Name + "." + string i + ".") r.Body)

        and own prefix l =
            let prefix = if l.Name = "" then prefix else prefix + l.Name + "."
            [ for w in l.Weights do if w.Tied.IsNone then prefix + w.Name, l, w ]

        model.Chains |> List.collect (fun c -> visit "" c.Body)
