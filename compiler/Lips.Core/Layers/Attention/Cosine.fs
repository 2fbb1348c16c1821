namespace Lips.Core.Layers

open Lips.Core

/// Logits are tau·cos of the angle between query and key, both divided by a norm that eps keeps away from 0: scaled cosine attention
/// of LipsFormer (arXiv 2304.09856), as the paper writes it and as its code was released.
module internal Cosine =

    let private positive name value doc = Hyper.positiveOr value name doc

    let private epsilon =
        Hyper.choiceOr
            "smooth"
            [ Hyper.alternative "smooth" "y/√(|y|² + eps): the paper's" [ positive "eps" (Hyper.ratio 1L 1000000L) "added under the root" ]
              Hyper.alternative "clamp" "y/max(|y|, eps): that of the released code, with 1e-12" [ positive "eps" (Hyper.ratio 1L 1000L) "least divisor" ]
              Hyper.alternative "added" "y/(|y| + eps)" [ positive "eps" (Hyper.ratio 1L 1000L) "added to the length" ]
              Hyper.alternative "none" "y/|y|: no finite Lipschitz constant exists" [] ]
            "eps"
            "what keeps a short vector from being divided by nearly 0"

    let private normalize: Hyperparameter =
        { Name = "normalize"
          Type = ListType(ChoiceType [ for part in [ "q"; "k"; "v" ] -> Hyper.alternative part "" [] ])
          Default = Default(Items [ for part in [ "q"; "k"; "v" ] -> Choice(part, []) ])
          Doc = "`[q, k, v]`, or `[q, k]` where values stay as they are and only a bounded radius gives a bound" }

    let private argumentsOf (options: Options) = snd (options.Choice "similarity")

    let private normalized (options: Options) =
        match (argumentsOf options).Value "normalize" with
        | Items items -> items |> List.choose (function Choice(name, _) -> Some name | _ -> None) |> set
        | _ -> Set.empty

    let private normalizesValues options = (normalized options).Contains "v"

    /// The eps that the module is given: a double, so that bound and code agree to the last digit.
    let private epsOf (options: Options) =
        match (argumentsOf options).Choice "eps" with
        | "none", _ -> "none", Rational.Zero
        | name, given -> name, Rational.OfDouble (Normalization.least given "eps").ToDoubleDown

    let private fits (options: Options) (_: Shape) =
        let parts = normalized options

        if not (parts.Contains "q" && parts.Contains "k") then
            Error(DoesNotFit "cosine similarity normalizes queries and keys at least: write `normalize: [q, k]` or `normalize: [q, k, v]`")
        elif options.Value "scale" <> Hyper.ofInt 1L then
            Error(DoesNotFit "cosine similarity takes its factor as `cosine(tau: …)`: leave `scale` out")
        else Ok()

    let private judge (a: AttentionInput) =
        let input = a.Input
        let options = input.Options
        let given = argumentsOf options
        let form, eps = epsOf options
        let values = normalizesValues options
        let heads = options.Count "heads"
        let tau, nu = Hyper.sizeOf given "tau", Hyper.sizeOf given "nu"
        let whole = AttentionHeads.whole input
        let head = AttentionHeads.headNorm input
        let r = a.Seen.Centred

        // the normalization's constant
        let inverse =
            match form with
            | _ when eps.Sign = 0 -> Bound.infinity
            | "smooth" -> Normalization.inverseRoot eps
            | _ -> Bound.ofRational eps.Inverse

        let slope norm =
            let size = tau * inverse * norm
            if form <> "clamp" then { Saturating = size; Fixed = Bound.zero } else { Saturating = Bound.zero; Fixed = size }

        let norms = { Heads = heads; Out = whole "out"; OutOfHead = head "out" }
        let keys = AttentionHeads.stacked input "k"

        let range =
            let spread = if a.Rotary then Bound.one else Bound.min [ Bound.one; norms.Over(head "k") * r * inverse ]
            input.Name "range of the logits" (Bound.ofInt 2 * tau * spread + a.Spread)

        let setting: BoundedLogitsSetting =
            { Norms = norms
              Shared = AttentionHeads.shared options
              Rows = RowWeights.ofRange input.Name a.Sees range
              KeyOfHead = slope (head "k")
              QueryOfHead = slope (head "q")
              Key = slope keys
              Query = slope (whole "q")
              ValueOfHead = if values then nu * inverse * head "v" else nu * head "v"
              Value = if values then nu * inverse * whole "v" else nu * whole "v"
              Stacked = if values then nu * inverse * AttentionHeads.stacked input "v" else nu * AttentionHeads.stacked input "v"
              SpreadOfHead = if values then nu * Bound.min [ Bound.one; inverse * head "v" * r ] else nu * head "v" * r
              SizeOfHead =
                if values then
                    nu * Bound.min [ Bound.one; inverse * (head "v" * a.Seen.Radius + AttentionHeads.biasOfHead input "v_bias") ]
                else
                    nu * head "v" * a.Seen.Radius
              Saturated = if values && form <> "clamp" then Some nu else None
              Linear = if values then None else Some(a.Seen.Radius, r)
              Shift =
                if values || not (input.HasWeight "v_bias") then Bound.zero
                else nu * norms.Out * (Hyper.root (AttentionHeads.shared options) * input.Measure Functional.VectorNorm "v_bias")
              Name = input.Name }

        let needs =
            [ if form = "none" then
                  { Value = Bound.infinity
                    Why = "`eps: none` divides by the norm itself: a query or key near 0 turns right round when it moves a little, so no finite constant exists"
                    Fix = "write `eps: smooth(1e-6)` as the paper does, or `eps: clamp(1e-3)`" }
              if not values then
                  { Value = r
                    Why = "its values are not normalized, so it has no Lipschitz constant where tokens may be arbitrarily far apart"
                    Fix = "normalize them too: `normalize: [q, k, v]`, or bound the radius before it" }
              AttentionHeads.cap input (whole "q") "q"
              AttentionHeads.cap input keys "k"
              AttentionHeads.cap input (whole "v") "v"
              AttentionHeads.cap input norms.Out "out" ]

        BoundedLogits.paths setting, needs

    let similarity: Similarity =
        { Alternative =
            Hyper.alternative
                "cosine"
                "tau·cos of the angle between q and k"
                [ positive "tau" (Rational.OfInt 10L) "factor on the cosine: the inverse temperature"
                  positive "nu" Rational.One "factor on the heads' output"
                  normalize
                  epsilon ]
          Fits = fits
          Weights = fun options fused x keyWidth -> AttentionHeads.weights fused options x.Width keyWidth
          Judge = judge
          Rules = BoundedLogitsProofs.cosine
          MemoryRules = BoundedLogitsProofs.cosineOfMemory
          Scale = fun options -> (argumentsOf options).Value "tau"
          Arguments =
            fun options _ _ ->
                let form, eps = epsOf options
                let given = argumentsOf options

                [ "similarity: new Lips.Runtime.Modules.Cosine("
                  + System.String.Join(
                      ", ",
                      [ match given.Value "nu" with
                        | Number one when one = Rational.One -> ()
                        | nu -> $"nu: {Hyper.literal nu}"
                        $"eps: {CSharp.number eps}"
                        if form = "added" then "added: true"
                        elif form <> "smooth" then "clamp: true"
                        if not (normalizesValues options) then "values: false" ]
                  )
                  + ")" ] }
