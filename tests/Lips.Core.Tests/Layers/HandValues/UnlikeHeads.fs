/// Two heads of different norms: what a rule that keeps the paths of a head together gains over one that adds the paths of all heads.
module Lips.Core.Tests.UnlikeHeads

open Xunit
open Lips.Core
open Lips.Core.Tests.Judge

type private Unlike =
    { Similarity: string
      Arguments: (string * Value) list
      Scale: string
      Tokens: int64
      /// Of the first and of the second head.
      Heads: (string * float * float) list
      Whole: (string * float) list
      /// The candidates' token-max constants, the least first.
      Expected: (string * float) list }

/// R = r = 1 and |O| = |O_h| = 1 throughout, no biases.
let private cases =
    // s = (0, 1), |V_h| = 1: four keys with W_2 = (1, 4)/4 against (1, 3)/4 and (0, 1)/4 added
    [ for similarity in [ "relu"; "linear" ] ->
          { Similarity = similarity
            Arguments = [ "bias", number "1" ]
            Scale = "1"
            Tokens = 4L
            Heads = [ "q", 0.0, 1.0; "k", 1.0, 1.0; "v", 1.0, 1.0 ]
            Whole = [ "q", 1.0; "k", 1.5; "v", 1.5 ]
            Expected = [ "per-head", sqrt 17.0; "stacked", sqrt 10.0 + 1.0 ] } ]
    @ [ // the same with σ around 0: (σ(0), σ(1)(1 + 2σ(−1))) against (σ(0), σ(1)(1 + σ(−1))) and (0, ¼)
        { Similarity = "sigmoid"
          Arguments = [ "bias", number "0" ]
          Scale = "1"
          Tokens = 4L
          Heads = [ "q", 0.0, 1.0; "k", 1.0, 1.0; "v", 1.0, 1.0 ]
          Whole = [ "q", 1.0; "k", 1.5; "v", 1.5 ]
          Expected = [ "per-head", 4.0 * sqrt (0.25 + 1.1242824451129685843 ** 2.0); "stacked", 4.0 * (sqrt (0.25 + 0.92767051187148673179 ** 2.0) + 0.25) ] }
        // |E_h||W_h| = 1, t|W_h|²r² = (1/40, 1/10): 1 + 4/40 + 2/40 and 1 + 4/10 + 2/10, against the first two and the last by themselves
        { Similarity = "l2"
          Arguments = []
          Scale = "0.1"
          Tokens = 3L
          Heads = [ "q", 0.5, 1.0; "v", 2.0, 1.0 ]
          Whole = [ "q", 1.2; "v", 2.5 ]
          Expected = [ "per-head", sqrt (1.15 ** 2.0 + 1.6 ** 2.0); "split", sqrt (1.1 ** 2.0 + 1.4 ** 2.0) + sqrt (0.05 ** 2.0 + 0.2 ** 2.0) ] } ]

let private name (c: Unlike) candidate = $"attention.{c.Similarity}.{candidate}"

/// Kinds with their similarity, and rules that win here.
let wins = [ for c in cases -> "attention " + c.Similarity, name c (fst c.Expected.Head) ]

[<Fact>]
let ``paths of a head kept together are less than those of all heads added`` () =
    for c in cases do
        let options = [ "heads", count 2L; "bias", Flag false; "scale", number c.Scale; "similarity", Choice(c.Similarity, [ for n, v in c.Arguments -> Some n, v ]) ]
        let l = layer "attention" options (Shape.Of(Row c.Tokens, 4L))

        let j =
            Catalog.byName["attention"].Rule
                { Layer = l
                  Options = Options l.Options
                  Input = space l.Input Bound.one Bound.one
                  Reads = Map.empty
                  Body = None
                  Inner = None
                  Measure = fun f w -> Bound.Measured { Functional = f; Weight = w; Cap = None; Init = None }
                  Name = fun _ b -> b }

        let measure (m: Measure) _ (head: int option) =
            match m.Functional, head with
            | Functional.HeadSpectralNorm, Some h when m.Weight <> "out" ->
                let _, first, second = c.Heads |> List.find (fun (w, _, _) -> w = m.Weight)
                Upper.OfDouble(if h = 0 then first else second)
            | Functional.SpectralNorm, _ when m.Weight <> "out" -> Upper.OfDouble(c.Whole |> List.find (fun (w, _) -> w = m.Weight) |> snd)
            | _ -> Upper.One

        let values =
            Evaluate.run Evaluate.upper measure None { Statements = []; Results = j.Candidates }
            |> Array.map (fun u -> u.ToDoubleUp())

        let found = List.zip (List.map fst j.Candidates) (List.ofArray values)
        Assert.Equal<string list>([ for n, _ in c.Expected -> name c n ] |> List.sort, found |> List.map fst |> List.sort)

        for n, expected in c.Expected do
            let value = found |> List.find (fun (m, _) -> m = name c n) |> snd
            Assert.True(abs (value - expected) <= 1e-12 * expected, $"{name c n}: {value:R}, not {expected:R}")

        Assert.True(snd c.Expected[0] < 0.999 * snd c.Expected[1])
        // and the constant is that of the winner
        let local = (Evaluate.run Evaluate.upper measure None { Statements = []; Results = [ "", (constants j).Local ] }).[0].ToDoubleUp()
        Assert.True(abs (local - snd c.Expected[0]) <= 1e-12 * local, c.Similarity)
