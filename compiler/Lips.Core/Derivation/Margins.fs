namespace Lips.Core

/// The linear map z = W·h + b that ends a model: a margin z_a − z_b reads the difference of two of its rows.
type Head =
    { /// The name of W, the owner's where it is tied.
      Weight: string
      /// Rows of W: the classes, or the entries of a vocabulary.
      Classes: int64
      /// The norm of W that bounds every pair of rows.
      Diameter: Bound
      /// h, one token or many.
      Input: Space }

/// What a Lipschitz constant says of one input: how far it may move before another logit is the largest, and how fast its
/// loss may change.
///
/// Everything here rests on one line: with |Δh| ≤ L·|Δx| for every token h, z_a − z_b = (w_a − w_b)·h + b_a − b_b changes by at
/// most |w_a − w_b|·L·|Δx|, which is at most √2·σ(W)·L·|Δx|, since |w_a − w_b| = |Wᵀ(e_a − e_b)|.
[<RequireQualifiedAccess>]
module Margins =

    /// The head of a model that ends with `linear`, or with `soft_cap` after it: tanh keeps the order of logits and never
    /// widens a margin, so that radii from its output are radii of the logits before it.
    let head (d: Derivation) : Head option =
        let ending =
            match List.rev d.Steps with
            | last :: before :: _ when last.Layer.Kind = "soft_cap" -> Some before
            | last :: _ -> Some last
            | [] -> None

        match ending with
        | Some step when step.Layer.Kind = "linear" && step.Loops.IsEmpty ->
            let own = step.Layer.Weights.Head

            let path, owner =
                match own.Tied with
                | None -> step.Path + "." + own.Name, own
                | Some point ->
                    let named (s: Step) (w: Weight) = s.Path + "." + w.Name = point + ".weight"

                    d.Steps
                    |> List.tryPick (fun s -> s.Layer.Weights |> List.tryFind (named s))
                    |> fun found -> point + ".weight", defaultArg found own

            Some
                { Weight = path
                  Classes = step.Layer.Output.Width
                  Diameter = Bound.Measured(Caps.measure path owner Functional.LargestPairDistance)
                  Input = step.Before }
        | _ -> None

    /// L: how far any one token of h moves (ℓ2) when `source` moves by 1 in the norm; nothing where h does not depend on it.
    let constant (from: Norm) (source: string) (head: Head) : Bound option =
        Map.tryFind source head.Input.Constants
        |> Option.map (fun (where, constants) -> Space.read from TokenNorm where head.Input.Shape constants)

    /// The constant of the cross-entropy, mean over tokens, with any labels and any label smoothing.
    ///
    /// The gradient of −Σ_k t_k·log softmax(z)_k in h is Wᵀ(p − t) = Σ_jk p_j·t_k·(w_j − w_k) for distributions p and t, a convex
    /// combination of differences of rows; with one label y only the pairs (j, y) occur, with smoothing all do. Over tokens,
    /// (1/N)·Σ_i|Δh_i| ≤ max_i|Δh_i|, and ≤ |Δh|_F/√N by Cauchy–Schwarz.
    let crossEntropy (from: Norm) (source: string) (head: Head) : Bound option =
        constant from source head
        |> Option.map (fun one ->
            let mean =
                match from, Map.tryFind source head.Input.Constants with
                | L2Norm, Some(_, c) -> [ Bound.sqrt (Bound.ofQuotient 1L head.Input.Shape.Tokens) * c.Whole ]
                | _ -> []

            head.Diameter * Bound.min (one :: mean))

    /// A value of the derivation at certified norms, named as `spectral(logits.weight)`.
    let atNorms (d: Derivation) (norm: string -> Upper) (value: Bound) : Upper =
        let program = Dataflow.prune (fun _ -> true) { d.Program with Results = [ "", value ] }
        (Evaluate.run Evaluate.upper (fun m indices head -> norm (Evaluate.key m indices head)) None program)[0]

    /// The value with every weight at its cap.
    let atCaps (d: Derivation) (value: Bound) : Upper =
        let program = Dataflow.prune (fun _ -> true) { d.Program with Results = [ "", value ] }
        (Evaluate.atCaps Evaluate.upper None program)[0]

    let private finite (x: float) = not (System.Double.IsNaN x || System.Double.IsInfinity x)

    /// The least (z_y − z_j) ÷ `speed j` over j ≠ y, rounded down; 0 where y is not the largest or a logit is not finite,
    /// ∞ where no other logit can move towards it. Exact until the last step.
    let private least (speed: int -> Upper) (error: float) (logits: float[]) (label: int) : float =
        if not (Array.forall finite logits && finite error && error >= 0.0) then
            0.0
        else
            let own = Rational.OfDouble logits[label]
            let slack = Rational.OfInt 2L * Rational.OfDouble error

            let distance j =
                let margin = own - Rational.OfDouble logits[j] - slack
                let s: Upper = speed j

                if margin.Sign <= 0 then Some Rational.Zero
                elif s.IsZero then None
                // radii below 10^-270 are none, and radii above 10^270 are that
                elif s.IsInfinity || s.Exponent > 1000L then Some Rational.Zero
                else
                    match s.TryRational with
                    | Some s -> Some(Rational.Min(margin / s, Rational.PowerOfTwo 900))
                    | None -> Some Rational.Zero

            match [ for j in 0 .. logits.Length - 1 do if j <> label then distance j ] |> List.choose id with
            | [] -> System.Double.PositiveInfinity
            | all ->
                let radius = all |> List.reduce (fun a b -> Rational.Min(a, b))
                if radius < Rational.PowerOfTwo -900 then 0.0 else radius.ToDoubleDown

    /// The certified radius of one token's logits, by the pairwise rule: within it, in the norm of `constant`, logit `label`
    /// stays the largest. `distance` bounds |w_label − w_j|, `constant` is L; `error` is how far each logit may be from its
    /// exact value. To be intersected with the declared input set, where L rests on one.
    let radius (constant: Upper) (distance: System.Func<int, int, float>) (error: float) (logits: float[]) (label: int) : float =
        least (fun j -> Upper.OfDouble(distance.Invoke(label, j)) * constant) error logits label

    let private rootTwo = Upper.Sqrt(Upper.OfInt64 2L)

    /// By the global rule: `constant` is an ℓ2 constant of the whole logit map, such as σ(W)·L; z_y − z_j moves by √2 of it.
    /// Never above the pairwise radius with the exact distances.
    let globalRadius (constant: Upper) (error: float) (logits: float[]) (label: int) : float =
        least (fun _ -> rootTwo * constant) error logits label

    /// `constant` bounds how far any one logit moves: two of them may meet half-way.
    let largestEntryRadius (constant: Upper) (error: float) (logits: float[]) (label: int) : float =
        least (fun _ -> Upper.OfInt64 2L * constant) error logits label
