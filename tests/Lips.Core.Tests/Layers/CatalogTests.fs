/// What every entry of the catalogue must have, and what every rule must obey.
module Lips.Core.Tests.CatalogTests

open System
open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

let private written (s: string) = not (String.IsNullOrWhiteSpace s)

[<Fact>]
let ``names are unique and are names`` () =
    let names = Catalog.kinds |> List.map (fun k -> k.Name)
    Assert.Equal<string list>(names |> List.distinct, names)

    for n in names do
        Assert.Matches("^[a-z][a-z0-9_]*$", n)

let rec private hyperparametersOf (h: Hyperparameter) : Hyperparameter list =
    h
    :: (match h.Type with
        | ChoiceType all -> all |> List.collect (fun a -> a.Arguments |> List.collect hyperparametersOf)
        | _ -> [])

[<Fact>]
let ``everything is described`` () =
    for k in Catalog.kinds do
        Assert.True(written k.Summary, k.Name)
        Assert.True(written k.Citation, k.Name)
        Assert.NotEmpty k.Rules
        Assert.InRange(k.Positional, 0, min 3 k.Hyperparameters.Length)
        let names = k.Hyperparameters |> List.map (fun h -> h.Name)
        Assert.Equal<string list>(List.distinct names, names)

        for h in k.Hyperparameters |> List.collect hyperparametersOf do
            Assert.True(written h.Doc, $"{k.Name}: {h.Name}")

        for r in k.Rules do
            for text in [ r.Name; r.Statement; r.Domain; r.Proof; r.Citation ] do
                Assert.True(written text, $"{k.Name}: {r.Name}")
                // a continued line keeps one space, not its indent
                Assert.False(text.Contains "  ", $"{k.Name}: {r.Name}: {text}")

            Assert.True(r.Tightness > 0.0M && r.Tightness <= 1.0M, r.Name)

        let rules = k.Rules |> List.map (fun r -> r.Name)
        Assert.Equal<string list>(List.distinct rules, rules)

// ---- every kind, run once ----

let private input (k: LayerKind) =
    match k.Name with
    | "embedding" -> { Grid = Row 6L; Width = 1L; Vocabulary = Some 11L }
    | "conv1d"
    | "class_token"
    | "transpose" -> Shape.Of(Row 8L, 8L)
    | "standardize" -> Shape.Of(Map(4L, 4L), 3L)
    | _ -> Shape.Of(Map(4L, 4L), 8L)

let private sample (k: LayerKind) : (string * Value) list =
    [ for h in k.Hyperparameters do
          match h.Default, h.Type with
          | Required, (CountType | NaturalType | OneOf(CountType :: _)) -> h.Name, count 2L
          | Required, (RealType _ | TrainingRateType _ | OneOf [ _; RealType _ ]) -> h.Name, number "0.5"
          | Required, ChoiceType(a :: _) -> h.Name, choice a.Name
          | Required, ListType(RealType _) -> h.Name, Items(List.replicate 3 (number "0.5"))
          | Required, PointType -> h.Name, Choice("m", [ Some "width", count 6L; Some "length", count 5L ])
          | Required, t -> failwith $"{k.Name}: no sample for {h.Name}: {t}"
          | _ -> () ]

/// Other ways of using a kind, so that each of its rules is run.
let private variants (k: LayerKind) =
    let more =
        match k.Name with
        | "attention" ->
            [ [ "heads", count 2L; "mask", choice "causal" ]
              [ "heads", count 4L; "position", choice "rotary" ]
              [ "heads", count 4L; "kv_heads", count 2L; "position", choice "relative_bias" ]
              [ "heads", count 2L; "mask", Choice("sliding", [ Some "size", count 3L ]) ]
              [ "heads", count 2L; "mask", Choice("sliding", [ Some "size", count 3L; Some "causal", Flag false ]) ]
              [ "heads", count 2L; "partition", Choice("window", [ Some "size", count 2L; Some "shift", count 1L ]) ]
              [ "heads", count 2L; "partition", Choice("cross", [ Some "stripe", count 2L ]); "position", Choice("lepe", [ Some "kernel", count 3L ]) ]
              [ "heads", count 1L; "bias", Flag false ]
              [ "heads", count 2L; "similarity", Choice("cosine", [ Some "eps", Choice("added", [ Some "eps", number "0.5" ]) ]) ] ]
            @ [ for similarity in [ "cosine"; "qk_norm"; "l2"; "sigmoid"; "relu"; "linear" ] do
                    for heads in [ 1L; 4L ] do
                        [ "heads", count heads; "similarity", choice similarity ]
                [ "heads", count 2L
                  "similarity", Choice("cosine", [ Some "normalize", Items [ choice "q"; choice "k" ]; Some "eps", Choice("clamp", [ Some "eps", number "0.5" ]) ]) ]
                [ "heads", count 2L; "similarity", Choice("qk_norm", [ Some "bias", Flag true ]); "position", choice "rotary" ]
                [ "heads", count 4L; "similarity", choice "qk_norm"; "kv_heads", count 2L; "mask", choice "causal" ]
                [ "heads", count 2L; "similarity", Choice("l2", [ Some "value", choice "free" ]); "mask", choice "causal" ]
                [ "heads", count 2L; "similarity", Choice("sigmoid", [ Some "bias", number "-1.5" ]); "position", choice "relative_bias" ]
                [ "heads", count 2L; "similarity", Choice("relu", [ Some "bias", number "-0.5" ]); "position", choice "rotary" ] ]
        | "cross_attention" ->
            [ for similarity in [ "cosine"; "qk_norm"; "sigmoid"; "relu"; "linear" ] ->
                  [ "heads", count 2L; "similarity", choice similarity; "memory", Choice("m", [ Some "width", count 6L; Some "length", count 5L ]) ] ]
        | "residual" ->
            [ [ "sum", Choice("convex", [ Some "alpha", number "0.25" ]) ]
              [ "sum", Choice("weighted", [ Some "init", number "0.1"; Some "clamp", number "3" ]) ]
              [ "sum", Choice("mixed", []) ]
              [ "sum", Choice("mixed", [ Some "least", number "-0.5"; Some "most", number "1.5" ]) ] ]
        | "descent" -> [ for a in [ "tanh"; "gelu"; "abs"; "sigmoid" ] -> [ "hidden", count 4L; "activation", choice a; "step", number "3" ] ]
        | "mlp" -> [ for a in [ "relu"; "silu"; "gelu_tanh"; "tanh"; "squared_relu"; "softplus"; "group_sort" ] -> [ "activation", choice a ] ]
        | _ -> []

    sample k :: more

let private judged (k: LayerKind) given (x: Space) (measure: Functional -> string -> Bound) =
    let l = layer k.Name given x.Shape

    l,
    k.Rule
        { Layer = l
          Options = Options l.Options
          Input = x
          Reads = Map.ofList [ "memory", { x with Shape = Shape.Of(Row 5L, 6L) } ]
          Body = if k.TakesBody then Some(fun x -> Space.step x.Shape (Space.tokenwise (measure Functional.SpectralNorm "body")) x.Radius x.Centred x) else None
          Inner = None
          Measure = measure
          Name = fun _ b -> b }

let private numbers (j: Judgement) =
    [ yield j.Space.Radius
      yield j.Space.Centred
      yield j.Space.Lower.Loss
      yield j.Space.LowerCentred.Loss
      for KeyValue(_, (_, c)) in j.Space.Constants do
          yield! [ c.Whole; c.Token; c.Local ]
      for _, b in j.Candidates do
          yield b ]

[<Fact>]
let ``every rule that concludes is documented`` () =
    for k in Catalog.kinds do
        for given in variants k do
            let _, j = judged k given (space (input k) Bound.one Bound.one) (fun _ _ -> Bound.one)
            let names = k.Rules |> List.map (fun r -> r.Name)
            Assert.Contains(j.Rule, names)

            for candidate, _ in j.Candidates do
                // one in another reading says so behind its name
                let rule: string = (candidate.Split ' ').[0]
                Assert.Contains(rule, names)

[<Fact>]
let ``no rule's value falls when a norm or a radius grows`` () =
    let random = Random 7
    let rational (x: float) = Bound.ofRational (Rational.OfDouble x)

    for k in Catalog.kinds do
        for given in variants k do
            for _ in 1..6 do
                let size = Math.Exp(3.0 * (random.NextDouble() - 0.5))
                let low = Collections.Generic.Dictionary<Functional * string, float>()
                let high = Collections.Generic.Dictionary<Functional * string, float>()

                let measure larger f w =
                    if not (low.ContainsKey(f, w)) then
                        low[(f, w)] <- size * random.NextDouble()
                        high[(f, w)] <- low[(f, w)] * (if random.Next 2 = 0 then 1.0 else 1.0 + random.NextDouble())

                    rational (if larger then high[(f, w)] else low[(f, w)])

                let r = random.NextDouble() * 2.0
                let radius = r + random.NextDouble()
                let _, small = judged k given (space (input k) (rational radius) (rational r)) (measure false)
                let grow () = if random.Next 2 = 0 then 1.0 else 1.5
                let r' = r * grow ()
                let _, large = judged k given (space (input k) (rational (max r' (radius * grow ()))) (rational r')) (measure true)

                for a, b in List.zip (numbers small) (numbers large) do
                    let a, b = value a, value b
                    Assert.True(a <= b * (1.0 + 1e-12), $"{k.Name} {given}: {a} > {b}")

[<Fact>]
let ``what no cap bounds is said, and how to repair it`` () =
    for k in Catalog.kinds do
        let _, j = judged k (sample k) (space (input k) Bound.infinity Bound.infinity) (fun _ _ -> Bound.infinity)

        for n in j.Needs do
            Assert.True(written n.Why && written n.Fix, k.Name)

        let constants = [ for KeyValue(_, (_, c)) in j.Space.Constants do yield! [ c.Whole; c.Local ] ]

        if not k.TakesBody && constants |> List.exists (fun b -> value b = infinity) then
            Assert.True(j.Needs |> List.exists (fun n -> value n.Value = infinity), k.Name)

[<Fact>]
let ``weights lie in their leaves and are emitted under their names`` () =
    for k in Catalog.kinds do
        for given in variants k do
            let l = layer k.Name given (input k)
            let names = l.Weights |> List.map (fun w -> w.Name)
            Assert.Equal<string list>(List.distinct names, names)

            for leaf, slices in l.Weights |> List.groupBy (fun w -> w.Leaf) do
                // slices follow one another without a gap
                let mutable row = 0L

                for w in slices do
                    Assert.True((w.RowOffset = row), $"{k.Name}: {leaf}")
                    row <- row + w.Shape.Head

            // one projection may serve as two
            for part, ws in k.Parts do
                Assert.True(ws |> List.exists (fun w -> List.contains w names), $"{k.Name}: {part}")

            let e = k.Emit { Layer = l; Options = Options l.Options; Read = id }
            if not l.Weights.IsEmpty then Assert.NotEmpty e.Members
            for m in e.Members do
                Assert.Equal(k.Name, m.Name)

            let forward = e.Forward "h" (if k.TakesBody then Some "y" else None)
            Assert.Contains((if k.TakesBody then "y" else "h"), forward)
            Assert.True((k.Macs (Options l.Options) (input k)).Sign >= 0)
