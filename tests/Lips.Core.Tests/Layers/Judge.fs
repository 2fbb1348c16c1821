/// Runs one catalogue entry by itself: shape, weights and rule, with given norms in place of certified ones.
module Lips.Core.Tests.Judge

open Xunit
open Lips.Core

let rational (text: string) = (Rational.TryOfDecimal text).Value
let number text = Number(rational text)
let count n = Number(Rational.OfInt n)
let choice name = Choice(name, [])
let bound text = Bound.ofRational (rational text)

/// The declared hyperparameters with defaults for those not given.
let complete (kind: LayerKind) (given: (string * Value) list) (shape: Shape) =
    let rec alternatives (h: Hyperparameter) v =
        match h.Type, v with
        | ChoiceType all, Choice(name, given) ->
            let chosen = all |> List.find (fun a -> a.Name = name)

            Choice(
                name,
                [ for a in chosen.Arguments do
                      match given |> List.tryFind (fun (l, _) -> l = Some a.Name), a.Default with
                      | Some(_, v), _ -> Some a.Name, alternatives a v
                      | None, Default v -> Some a.Name, alternatives a v
                      | _ -> () ]
            )
        | _ -> v

    (([], kind.Hyperparameters)
     ||> List.fold (fun done' h ->
         match List.tryFind (fun (n, _) -> n = h.Name) given, h.Default with
         | Some(_, v), _ -> done' @ [ h.Name, alternatives h v ]
         | None, Default v -> done' @ [ h.Name, alternatives h v ]
         | None, Computed(_, f) -> done' @ [ h.Name, f done' shape ]
         | None, Absent -> done'
         | None, Required -> failwith $"'{kind.Name}' needs '{h.Name}'"))

let shapeOf name given (shape: Shape) =
    let kind = Catalog.byName[name]
    kind.Shape (Options(complete kind given shape)) shape

let layer name given (shape: Shape) : Layer =
    let kind = Catalog.byName[name]
    let options = complete kind given shape

    let output =
        match kind.Shape (Options options) shape with
        | Ok s -> s
        | Error f -> failwith $"{name}: {f}"

    { Id = 0
      Kind = name
      Name = name
      Options = options
      Input = shape
      Output = output
      Weights = kind.Weights (Options options) shape
      Reads = [] }

/// A value with these radii, measured from itself.
let space (shape: Shape) radius centred : Space =
    { Shape = shape
      Radius = radius
      Centred = centred
      Lower = Space.noLower
      LowerCentred = Space.noLower
      Centre = None
      Constants = Map.empty }
    |> Space.withSource "x"

let judgeLayer (layer: Layer) (norms: (Functional * string * Bound) list) (x: Space) =
    Catalog.byName[layer.Kind].Rule
        { Layer = layer
          Options = Options layer.Options
          Input = x
          Reads = Map.empty
          Body = None
          Inner = None
          Measure =
            fun f w ->
                match norms |> List.tryFind (fun (f', w', _) -> f = f' && w = w') with
                | Some(_, _, b) -> b
                | None -> Bound.infinity
          Name = fun _ b -> b }

let judge name given norms (x: Space) = judgeLayer (layer name given x.Shape) norms x

/// The least upper bound the arithmetic gives, as a double (17 digits, rounded up).
let value (b: Bound) =
    let upper = (ExactFirst.atCaps { Statements = []; Results = [ "", b ] }).[0].Upper
    if upper.IsInfinity then infinity
    else System.Double.Parse(UpperText.toDecimal 17 upper, System.Globalization.CultureInfo.InvariantCulture)

/// Equal to a value derived by hand, to 12 digits.
let equal (expected: float) (b: Bound) =
    let found = value b
    let same = if System.Double.IsInfinity expected then found = expected else abs (found - expected) <= 1e-12 * abs expected
    Assert.True(same, $"expected {expected:R}, found {found:R}")

let constants (j: Judgement) = snd j.Space.Constants["x"]
