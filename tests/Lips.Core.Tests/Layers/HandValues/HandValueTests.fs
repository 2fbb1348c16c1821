/// Every rule against numbers derived by hand, at places where each of its branches is the one that counts.
module Lips.Core.Tests.HandValueTests

open System.Collections.Generic
open Xunit
open Lips.Core
open Lips.Core.Tests
open Lips.Core.Tests.HandCase

/// Chosen so that every place of their rules counts in one of them, but for `IdlePlaces`.
let private chosen: HandCase list =
    TokenwiseValues.cases @ GridValues.cases @ AttentionValues.cases

/// Sets of tokens, shared heads, products and other similarities: drawn so that between them many branches are the least.
let private drawn: HandCase list =
    TokenwiseValues.descents @ VisibilityValues.cases @ OtherSightValues.cases @ CosineValues.cases @ QkNormValues.cases @ DistanceAndSigmoidValues.cases @ PiecewiseLinearValues.cases

/// A rule's file adds its cases here.
let private cases: HandCase list = chosen @ drawn

/// Statements about what moves before a model begins, or about several models: no rule of a layer computes them.
let private aboutInputs = [ "embedding.substitution"; "embedding.soft-tokens" ]

let private describe (c: HandCase) = c.Kind + " [" + System.String.Join(", ", c.Rules) + "] " + (sprintf "%A" c.Options).Replace("\n", " ")
let private slack = Rational.Create(bigint 1, bigint 100_000_000_000L)
let private printing = Rational.Create(bigint 1, bigint 10_000_000_000_000L)

/// Is the number found the expected one to 11 digits, and not below it by more than the digits printed here?
let private agrees (expected: string) (found: Rational option) reading =
    match expected, found with
    | "inf", None -> true
    | "inf", Some _
    | _, None -> false
    | text, Some found ->
        let wanted = Judge.rational text
        // a lower radius is rounded the other way
        let low, high = if reading = Lower || reading = LowerCentred then slack, printing else printing, slack
        wanted - wanted.Abs * low <= found && found <= wanted + wanted.Abs * high

[<Fact>]
let ``every rule gives the value derived by hand`` () =
    let wrong =
        [ for c in cases do
              let j = judgement c

              for reading, expected in c.Expected do
                  let value = found j reading

                  if not (agrees expected value reading) then
                      let text = (match value with Some r -> r.ToDoubleNearest.ToString "R" | None -> "inf")
                      $"{describe c}: {reading} should be {expected}, is {text}" ]

    Assert.True(wrong.IsEmpty, System.String.Join("\n", wrong))

[<Fact>]
let ``every rule of the catalogue has a value derived by hand`` () =
    let shown = cases |> List.collect (fun c -> c.Rules) |> Set.ofList
    let known = Catalog.kinds |> List.collect (fun k -> k.Rules |> List.map (fun r -> r.Name)) |> Set.ofList
    let missing = known - shown - Set.ofList aboutInputs
    Assert.Equal<string list>([], Set.toList missing)
    Assert.Equal<string list>([], Set.toList (shown - known))

    // a case shows the rules it names
    for c in cases do
        let j = judgement c
        // a candidate in another reading says so behind its name
        let names = j.Rule :: (j.Candidates |> List.map (fun (n, _) -> n.Split(' ')[0]))
        let rules = Catalog.byName[c.Kind].Rules |> List.map (fun r -> r.Name)
        Assert.All(c.Rules, fun r -> Assert.Contains(r, rules))
        Assert.Contains(j.Rule, rules)
        Assert.True(c.Rules |> List.exists (fun r -> List.contains r names || r.StartsWith j.Rule), describe c)

/// What a rule that may lose is called, and where it is compared with: its kind, its similarity, and the reading behind its name.
let private compared (c: HandCase) (name: string) =
    let similarity = c.Options |> List.tryPick (function "similarity", Choice(s, _) -> Some s | _ -> None)
    c.Kind, defaultArg similarity "", (match name.IndexOf ' ' with -1 -> "" | i -> name.Substring i), name

/// Rules that are never less than another of the same reading, with the reason.
let private neverLeast =
    [ // a deviation is at least 0: eps by itself is the shell that begins there
      "layer_norm ", "layer_norm.eps"
      "layer_norm ", "layer_norm.added"
      // √H·4tκ²r and √H·2tκ²r against √H·4tκ²r and 2tκ|W|r, and |W| ≤ √H·κ for a stack of heads
      "attention l2", "attention.l2.doeblin" ]

[<Fact>]
let ``every rule that competes with others wins at a value derived by hand`` () =
    let wins = Dictionary<_, bool>()

    for c in cases do
        let j = judgement c

        let values =
            [ for name, b in j.Candidates ->
                  let upper = (ExactFirst.atCaps { Statements = []; Results = [ "", b ] }).[0].Upper
                  compared c name, (match upper.TryRational with Some r -> r.ToDoubleNearest | None -> infinity) ]

        for (kind, similarity, reading, name), value in values do
            let others = values |> List.filter (fun ((k, s, r, n), _) -> r = reading && n <> name) |> List.map snd
            // what the case says must hang on it: the token-max constant, or the rule's own number
            let shown = c.Expected |> List.exists (fun (r, expected) -> expected <> "inf" && (r = Local || r = Candidate name))
            let wins' = shown && others |> List.forall (fun other -> value < other * (1.0 - 1e-6))
            let key = kind, similarity, name
            wins[key] <- wins' || (match wins.TryGetValue key with | true, before -> before | _ -> false)

    let never = [ for KeyValue((kind, similarity, name), won) in wins do if not won then kind + " " + similarity, name ]
    let unshown = Set.ofList never - Set.ofList UnlikeHeads.wins
    Assert.Equal<Set<string * string>>(Set.ofList neverLeast, unshown)

let private scaled (factor: Rational) reading (j: Judgement) : Judgement =
    let by b = Bound.ofRational factor * b
    let s = j.Space
    let constants pick = s.Constants |> Map.map (fun source (from, c) -> from, pick source c)

    let space =
        match reading with
        | Whole
        | MemoryWhole -> { s with Constants = constants (fun _ c -> { c with Whole = by c.Whole }) }
        | Token
        | MemoryToken -> { s with Constants = constants (fun _ c -> { c with Token = by c.Token }) }
        | Local
        | MemoryLocal -> { s with Constants = constants (fun _ c -> { c with Local = by c.Local }) }
        | Radius -> { s with Radius = by s.Radius }
        | Centred -> { s with Centred = by s.Centred }
        | Lower -> { s with Lower = { s.Lower with Loss = by s.Lower.Loss } }
        | LowerCentred -> { s with LowerCentred = { s.LowerCentred with Loss = by s.LowerCentred.Loss } }
        | Around -> { s with Centre = s.Centre |> Option.map (fun (c, r) -> c, by r) }
        | Candidate _ -> s

    { j with Space = space }

[<Fact>]
let ``a kind that claims one percent too little anywhere is caught`` () =
    for k in Catalog.kinds do
        let mine = cases |> List.filter (fun c -> c.Kind = k.Name)

        for reading in [ Whole; Token; Local; Radius; Centred ] do
            // token ids have no distance
            if not (k.Name = "embedding" && List.contains reading [ Whole; Token; Local ]) then
                let catches (c: HandCase) =
                    c.Expected
                    |> List.exists (fun (r, expected) ->
                        r = reading
                        && not (agrees expected (found (scaled (Judge.rational "0.99") reading (judgement c)) reading) reading))

                // what has no bound at all cannot be claimed too small
                let without = mine |> List.exists (fun c -> List.contains (reading, "inf") c.Expected)
                Assert.True(without || List.exists catches mine, $"nothing sees that '{k.Name}' claims {reading} one percent too small")

/// Whatever subexpression of a rule is scaled by 0.99, some case's number moves: no constant of a rule and no branch of a
/// minimum can be changed unseen. Of the drawn cases the branches that are the least in one of them.
[<Fact>]
let ``a mistake of one percent at any place of any rule is caught`` () =
    let missed = List<string>()

    let winning = HashSet(drawn, HashIdentity.Reference)

    // similarities have places of their own, but for the two that normalize: one rule is behind both
    let placesOf (c: HandCase) =
        match compared c "" with
        | kind, ("cosine" | "qk_norm"), _, _ -> kind + " by normalized vectors"
        | kind, similarity, _, _ -> kind + " " + similarity

    for kind, mine in cases |> List.groupBy placesOf do
        let places = Dictionary<string, bool>()

        for c in mine do
            let j, names = judgementWithNames c
            let shared = BoundGraph.sharing names

            for reading, expected in c.Expected do
                let graph = bounded j >> shared
                let g = graph reading

                let token =
                    match reading with
                    | Whole
                    | Local -> Some(graph Token)
                    | MemoryWhole
                    | MemoryLocal -> Some(graph MemoryToken)
                    | _ -> None

                // √N times the token's constant tightens the others; that is composition and not this rule
                let skip i =
                    match token with
                    | None -> false
                    | Some token ->
                        let node, whole = g.Nodes[i], token.Nodes[token.Root].Place

                        i <> g.Root
                        && List.contains i g.Nodes[g.Root].Children
                        && (match node.Label with
                            | "*" -> node.Children |> List.exists (fun c -> g.Nodes[c].Place = whole)
                            | "√" -> whole = "1"
                            | _ -> false)

                if expected <> "inf" then
                    let before = BoundGraph.value g None

                    for edge in BoundGraph.edges (winning.Contains c) skip g do
                        let place = BoundGraph.place g edge
                        let parent, position = edge
                        let after = BoundGraph.value g (Some(parent, position, 0.99))
                        let seen = (after < before * (1.0 - 1e-10))
                        places[place] <- seen || (match places.TryGetValue place with | true, s -> s | _ -> false)

        for KeyValue(place, seen) in places do
            if not seen && not (IdlePlaces.contains (kind.Split(' ').[0]) place) then
                missed.Add $"{kind.Trim()}: {place}"

    Assert.True((missed.Count = 0), $"{missed.Count} places:\n" + System.String.Join("\n", missed |> Seq.sortBy (fun s -> s.Length)))
