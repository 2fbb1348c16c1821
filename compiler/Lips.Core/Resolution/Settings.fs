namespace Lips.Core

open Lips.Core.Syntax

/// `weights(...)`: defaults that later layers of a scope inherit.
type internal Setting =
    { /// None: every role the setting makes sense for.
      Roles: Role list option
      Name: string
      Value: Value
      Span: Span }

/// Lays scoped settings and a layer's own arguments over the weights a kind declares.
module internal Settings =
    open Expressions

    let private reals v (span: Span) name =
        match v with
        | Value.Number n -> n
        | Enclosed(lo, _) -> lo
        | other -> fault span (Problem.WrongValue(name, "a number", describe other))

    let private argument name arguments =
        arguments |> List.pick (fun (l, v) -> if l = Some name then Some v else None)

    let private word name arguments =
        match argument name arguments with
        | Choice(w, _)
        | Value.Text w -> w
        | other -> invalidOp $"'{name}' is not a word: {other}"

    let private methodOf word =
        match word with
        | "hard" -> Hard
        | "normalize" -> Normalize
        | "stiefel" -> Stiefel
        | "svd" -> Svd
        | "hammer" -> Hammer
        | _ -> Soft

    /// A cap is the limit rounded down; weights below it satisfy the written cap too.
    let constraintOf span (value: Value) : Constraint =
        match value with
        | Choice("none", _) -> Free
        | Choice("weight_decay", a) -> WeightDecay(reals (argument "rate" a) span "rate")
        | Choice("spectral_decay", a) -> SpectralDecay(reals (argument "rate" a) span "rate")
        | Choice(name, a) ->
            let unit =
                match name with
                | "spectral_cap" -> Spectral
                | "rms_cap" -> Rms
                | "row_cap" -> RowL2
                | "row_rms_cap" -> RowRms
                | "l2_cap" -> L2
                | _ -> MaxAbs

            let isMatrixCap = (unit = Spectral || unit = Rms)

            let cap limit =
                { Limit = limit
                  Unit = unit
                  Extent =
                    (if not isMatrixCap then Whole
                     elif word "per" a = "head" then PerHead
                     elif word "of" a = "operator" then Operator
                     else Whole)
                  Method = (if isMatrixCap then methodOf (word "by" a) else Normalize) }

            match argument "limit" a with
            | Choice("auto", auto) -> AutoCapped(cap Rational.One, { Group = word "group" auto; Prefer = reals (argument "prefer" auto) span "prefer" })
            | limit -> Capped(cap (reals limit span "limit"))
        | other -> invalidOp $"not a constraint: {other}"

    let private reparametrizationOf value =
        match value with
        | Choice("sigma_reparam", a) ->
            SigmaReparam((argument "gain" a).Lower, word "grouping" a)
        | Choice("spectral_norm", _) -> SpectralNormalization
        | Choice("weight_norm", _) -> WeightNormalization
        | _ -> Direct

    /// Whether a setting without `of ...` reaches a weight of this role. Orthogonal and spectral starts are for
    /// matrices; a cap reaches the roles its unit makes sense for.
    let private reaches (setting: Setting) role =
        match setting.Roles with
        | Some roles -> List.contains role roles
        | None ->
            match setting.Name, setting.Value with
            | "init", Choice(("orthogonal" | "spectral" | "xavier" | "kaiming"), _) -> role = Matrix || role = Kernel
            | "init", _ -> role <> Bias && role <> Gain && role <> Alpha
            | "constraint", Choice(("none" | "weight_decay" | "spectral_decay"), _) -> role = Matrix || role = Kernel || role = Embedding
            | "constraint", Choice(name, _) -> List.contains name (Vocabulary.unitsOf role)
            | "reparam", _ -> role = Matrix || role = Kernel
            | _ -> false

    /// Checks that a cap's unit applies to the weight it was given to.
    let private checkUnit span layer (w: Weight) value =
        match value with
        | Choice(("none" | "weight_decay" | "spectral_decay"), _) -> ()
        | Choice(name, _) ->
            let allowed = Vocabulary.unitsOf w.Role

            if not (List.contains name allowed) then
                fault span (Problem.WrongCapUnit(name, layer + "." + w.Name, allowed))
        | _ -> ()

    let private apply span layer name value (w: Weight) =
        match name with
        | "init" -> { w with Init = value }
        | "constraint" ->
            checkUnit span layer w value
            let c = constraintOf span value

            match c with
            | (Capped { Extent = PerHead } | AutoCapped({ Extent = PerHead }, _)) when w.HeadAxis = NoHeads ->
                fault span (Problem.WrongValue("per", "matrix for a weight that is not split into heads", "head"))
            | _ -> { w with Constraint = c }
        | "reparam" -> { w with Reparametrization = reparametrizationOf value }
        | "tie" ->
            match value with
            | Choice(path, []) -> { w with Tied = Some path }
            | _ -> w
        | _ -> w

    /// Whether the layer's own bare argument (`init: zero`) is meant for this weight.
    let private isPrimary (w: Weight) = w.Role <> Bias && w.Role <> Gain

    /// own: settings among the layer's arguments, with the part they name (None: the layer as a whole).
    /// scoped: innermost and latest first.
    let overlay layer (parts: (string * string list) list) (own: (string option * Setting) list) (scoped: Setting list) (weights: Weight list) =
        let names part =
            match parts |> List.tryFind (fun (p, _) -> p = part) with
            | Some(_, ws) -> ws
            | None -> [ part ]

        let decide (w: Weight) (w': Weight) setting =
            let specific =
                own |> List.tryFind (fun (p, s) -> s.Name = setting && (match p with Some part -> List.contains w.Name (names part) | None -> false))

            let bare = own |> List.tryFind (fun (p, s) -> s.Name = setting && p.IsNone && isPrimary w)
            let inherited = scoped |> List.tryFind (fun s -> s.Name = setting && reaches s w.Role)

            match specific, bare, inherited with
            | Some(_, s), _, _ | None, Some(_, s), _ -> apply s.Span layer setting s.Value w'
            | None, None, Some s -> apply s.Span layer setting s.Value w'
            | None, None, None -> w'

        let settle (w: Weight) =
            let decided = [ "init"; "constraint"; "reparam"; "tie" ] |> List.fold (decide w) w

            match decided.Reparametrization with
            | Direct -> decided
            // the tensor is another weight's
            | _ when decided.Tied.IsSome -> { decided with Reparametrization = Direct }
            | _ ->
                let reparam = (own |> List.map snd) @ scoped |> List.find (fun s -> s.Name = "reparam")

                // what is stored is not the weight: a constraint on it would say nothing, and 0/σ(0) is no start
                if decided.Constraint <> Free then
                    fault reparam.Span (Problem.WrongValue("reparam", $"none where '{layer}.{w.Name}' has a constraint", describe reparam.Value))

                match decided.Init with
                | Choice("zero", _) -> fault reparam.Span (Problem.WrongValue("reparam", $"none where '{layer}.{w.Name}' starts at zero", describe reparam.Value))
                | _ -> decided

        weights |> List.map settle
