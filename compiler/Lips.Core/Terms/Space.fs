namespace Lips.Core

/// How far a value moves when one source moves, in raw ℓ2 units. With |X|_F the norm of the whole tensor
/// and |X|_TM the norm of its largest token: |X|_TM ≤ |X|_F ≤ √N·|X|_TM.
type Constants =
    { /// |Y|_F ≤ LF·|X|_F
      Whole: Bound
      /// |Y|_TM ≤ LM·|X|_F
      Token: Bound
      /// |Y|_TM ≤ LI·|X|_TM
      Local: Bound }

/// A place constants are measured from: a continuous input, or a point that a claim starts at.
type Source = { Tokens: int64; Width: int64 }

/// A length that is at least `Start − Loss` (or 0). Written so, a lower bound falls when a weight norm
/// grows, and the gain of a normalization that divides by it stays monotone in every norm.
type LowerRadius = { Start: Rational; Loss: Bound }

/// What is known of a value: the abstract domain every rule maps. All lengths are raw ℓ2 per token; each may be ∞.
type Space =
    { Shape: Shape
      /// R: every token has ℓ2 norm at most this.
      Radius: Bound
      /// r ≤ R: some point, which may depend on the input, is within this of every token.
      Centred: Bound
      /// ρ: every token has at least this ℓ2 norm.
      Lower: LowerRadius
      /// ρ_c: every token has at least this ℓ2 norm once its own mean is subtracted.
      LowerCentred: LowerRadius
      /// A known centre, per channel, within `CentreRadius` of every token.
      Centre: (Rational list * Bound) option
      Constants: Map<string, Source * Constants> }

/// The operator norms of one step in the three readings: whole → whole, whole → one token, token-max → token-max.
type Gain =
    { FF: Bound
      FR: Bound
      II: Bound }

[<RequireQualifiedAccess>]
module Space =

    let private root (n: int64) = Bound.sqrt (Bound.ofRational (Rational.OfInt n))

    /// Three readings of the same constant; true of a map that acts on each token by itself.
    let tokenwise (c: Bound) = { FF = c; FR = c; II = c }

    /// Nothing known about ρ or ρ_c.
    let noLower = { Start = Rational.Zero; Loss = Bound.zero }

    /// What is left of a least length where something no longer than this is added.
    let less (by: Bound) (l: LowerRadius) = { l with Loss = l.Loss + by }

    /// A least length times a factor between two sizes.
    let times (least: Rational) (most: Bound) (l: LowerRadius) = { Start = least * l.Start; Loss = most * l.Loss }

    let identityConstants = { Whole = Bound.one; Token = Bound.one; Local = Bound.one }

    /// The three constants tightened by what any value of this shape satisfies:
    /// LM ≤ LF, LM ≤ LI (|X|_TM ≤ |X|_F), LF ≤ √N_out·LM, LI ≤ √N_in·LM.
    let tighten (tokensOut: int64) (source: Source) (c: Constants) =
        let token = Bound.min [ c.Token; c.Whole; c.Local ]

        { Whole = Bound.min [ c.Whole; root tokensOut * token ]
          Token = token
          Local = Bound.min [ c.Local; root source.Tokens * token ] }

    /// Composition with one more step: LM' = min(II·LM, FR·LF), LI' = II·LI, LF' = min(FF·LF, √N·LM').
    let private compose tokensOut (g: Gain) (source, c: Constants) =
        source,
        tighten
            tokensOut
            source
            { Whole = g.FF * c.Whole
              Token = Bound.min [ g.II * c.Token; g.FR * c.Whole ]
              Local = g.II * c.Local }

    let mapConstants (shape: Shape) (g: Gain) constants =
        constants |> Map.map (fun _ c -> compose shape.Tokens g c)

    /// The value after a step of the given gain whose tokens stay within the given radius.
    let step (shape: Shape) (gain: Gain) (radius: Bound) (centred: Bound) (x: Space) =
        { Shape = shape
          Radius = radius
          Centred = Bound.min [ centred; radius ]
          Lower = noLower
          LowerCentred = noLower
          Centre = None
          Constants = mapConstants shape gain x.Constants }

    /// Component-wise a·x + b·y of composite constants; a source that only one side knows counts 0 on the other.
    let addConstants (shape: Shape) (a: Bound) (x: Map<string, Source * Constants>) (b: Bound) y =
        let zero = { Whole = Bound.zero; Token = Bound.zero; Local = Bound.zero }
        let keys = Seq.append (Map.keys x) (Map.keys y) |> Seq.distinct |> List.ofSeq

        [ for k in keys do
              let source = (match Map.tryFind k x with Some(s, _) -> s | None -> fst y[k])
              let cx = (match Map.tryFind k x with Some(_, c) -> c | None -> zero)
              let cy = (match Map.tryFind k y with Some(_, c) -> c | None -> zero)

              k,
              (source,
               tighten
                   shape.Tokens
                   source
                   { Whole = a * cx.Whole + b * cy.Whole
                     Token = a * cx.Token + b * cy.Token
                     Local = a * cx.Local + b * cy.Local }) ]
        |> Map.ofList

    /// √(a·x² + b·y²) of composite constants, component by component, for sums whose factors are convex in every channel.
    let mixConstants (shape: Shape) (a: Bound) (x: Map<string, Source * Constants>) (b: Bound) y =
        let squared constants =
            constants
            |> Map.map (fun _ (source, c) -> source, { Whole = Bound.square c.Whole; Token = Bound.square c.Token; Local = Bound.square c.Local })

        let zero = { Whole = Bound.zero; Token = Bound.zero; Local = Bound.zero }
        let xs, ys = squared x, squared y
        let part key constants = (match Map.tryFind key constants with Some(_, c) -> c | None -> zero)

        [ for k in Seq.append (Map.keys xs) (Map.keys ys) |> Seq.distinct |> List.ofSeq do
              let source = (match Map.tryFind k xs with Some(s, _) -> s | None -> fst ys[k])
              let cx, cy = part k xs, part k ys

              k,
              (source,
               tighten
                   shape.Tokens
                   source
                   { Whole = Bound.sqrt (a * cx.Whole + b * cy.Whole)
                     Token = Bound.sqrt (a * cx.Token + b * cy.Token)
                     Local = Bound.sqrt (a * cx.Local + b * cy.Local) }) ]
        |> Map.ofList

    /// The lesser of two bounds, one by one; both hold.
    let leastConstants (a: Map<string, Source * Constants>) (b: Map<string, Source * Constants>) =
        a
        |> Map.map (fun name (source, x) ->
            match Map.tryFind name b with
            | Some(_, y) ->
                source,
                { Whole = Bound.min [ x.Whole; y.Whole ]
                  Token = Bound.min [ x.Token; y.Token ]
                  Local = Bound.min [ x.Local; y.Local ] }
            | None -> source, x)

    /// Begins measuring from here: the point itself is a source with constant 1.
    let withSource name (x: Space) =
        { x with
            Constants =
                Map.add
                    name
                    ({ Tokens = x.Shape.Tokens; Width = x.Shape.Width }, identityConstants)
                    x.Constants }

    /// √(2)-style combination for a convex sum whose two parts cannot both be extremal is a rule's business;
    /// here only the plain unit conversion. rms → rms is LI·√(d_in/d_out), and so on for every pair.
    let read (from: Norm) (into: Norm) (source: Source) (shape: Shape) (c: Constants) =
        let perToken (w: int64) = Bound.sqrt (Bound.ofRational (Rational.OfInt 1L / Rational.OfInt w))
        // the source norm, as a multiple of |X|_F or |X|_TM
        let raw =
            match from, into with
            | L2Norm, L2Norm -> c.Whole
            | L2Norm, _ -> c.Token
            | _, L2Norm -> Bound.min [ root source.Tokens * c.Whole; root shape.Tokens * c.Local ]
            | _, _ -> c.Local

        let inUnits = (match from with RmsNorm -> root source.Width | _ -> Bound.one)
        let outUnits = (match into with RmsNorm -> perToken shape.Width | _ -> Bound.one)

        let units =
            if from = RmsNorm && into = RmsNorm then
                Bound.sqrt (Bound.ofRational (Rational.OfInt source.Width / Rational.OfInt shape.Width))
            else
                inUnits * outUnits

        units * raw

    /// What the length of a token is called in a norm.
    let lengthName (norm: Norm) = (match norm with RmsNorm -> "RMS" | TokenNorm | L2Norm -> "l2 norm")

    /// A radius in the units of a norm.
    let readRadius (norm: Norm) (x: Space) =
        match norm with
        | TokenNorm -> x.Radius
        | RmsNorm -> Bound.sqrt (Bound.ofRational (Rational.OfInt 1L / Rational.OfInt x.Shape.Width)) * x.Radius
        | L2Norm -> root x.Shape.Tokens * x.Radius
