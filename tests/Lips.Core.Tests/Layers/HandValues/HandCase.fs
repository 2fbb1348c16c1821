/// One application of a rule with numbers small enough to follow by hand, and what must come out.
module Lips.Core.Tests.HandCase

open Lips.Core
open Lips.Core.Tests.Judge

/// What of a judgement is read. The first three are constants from the source; the rest are facts about the value.
type Reading =
    /// F → F
    | Whole
    /// F → one token
    | Token
    /// token-max → token-max
    | Local
    | Radius
    | Centred
    /// ρ' = start − loss
    | Lower
    /// ρ_c' = start − loss
    | LowerCentred
    /// distance from the known centre
    | Around
    /// constants that a second input, the memory, comes out with
    | MemoryWhole
    | MemoryToken
    | MemoryLocal
    /// token-max constant of a rule that may lose
    | Candidate of string

type HandCase =
    { /// The rules shown.
      Rules: string list
      Kind: string
      Options: (string * Value) list
      Shape: Shape
      /// R and r of the input; "inf" where nothing is known.
      R: string
      Spread: string
      /// Start and loss of its lower radius, and of that without its mean.
      AtLeast: string * string
      AtLeastCentred: string * string
      /// A known centre and the distance from it.
      Centre: (string list * string) option
      /// LF, LM, LI of what came before.
      From: string * string * string
      Norms: (Functional * string * string) list
      /// The convolution's cap is on its operator norm.
      CapsOperator: bool
      /// Tokens, R and r of the memory.
      Memory: (int64 * string * string) option
      /// Constant of a body that keeps shapes, R' and r' as multiples of R and r.
      Body: (string * string * string) option
      /// The layer that the body is said to consist of.
      Inner: (string * (string * Value) list) option
      Expected: (Reading * string) list }

/// N = 5 tokens of width 6, R = 1.75, r = 1.25.
let at kind rule options expected =
    { Rules = [ rule ]
      Kind = kind
      Options = options
      Shape = Shape.Of(Row 5L, 6L)
      R = "1.75"
      Spread = "1.25"
      AtLeast = "0", "0"
      AtLeastCentred = "0", "0"
      Centre = None
      From = "1", "1", "1"
      Norms = []
      CapsOperator = false
      Memory = None
      Body = None
      Inner = None
      Expected = expected }

let spectral weight norm = Functional.SpectralNorm, weight, norm
let row weight norm = Functional.LargestRow, weight, norm
let entry weight norm = Functional.LargestEntry, weight, norm
let vector weight norm = Functional.VectorNorm, weight, norm
let taps weight norm = Functional.TapNorms, weight, norm
let operator weight norm = Functional.OperatorNorm, weight, norm

/// All three constants.
let alike constant = [ Whole, constant; Token, constant; Local, constant ]

/// A number of the case as a symbol: a measure whose cap is the number, so that the rule cannot fold it away.
let private symbol name (text: string) =
    match text with
    | "inf" -> Bound.Infinity
    | "0" -> Bound.zero
    | _ ->
        Bound.Measured
            { Functional = Functional.VectorNorm
              Weight = name
              Cap = Some(bound text)
              Init = None }

let private measured (functional: Functional) name text =
    match symbol name text with
    | Bound.Measured m -> Bound.Measured { m with Functional = functional }
    | other -> other

let private valueOf (c: HandCase) name shape radius spread sourced : Space =
    let space =
        { Shape = shape
          Radius = symbol (name + ".R") radius
          Centred = symbol (name + ".r") spread
          Lower = Space.noLower
          LowerCentred = Space.noLower
          Centre = None
          Constants = Map.empty }

    if sourced then Space.withSource name space else space

/// The judgement of a case, whose bounds hold the case's numbers as symbols, and what the rule calls its intermediate values.
let judgementWithNames (c: HandCase) : Judgement * (Bound * string) seq =
    let names = System.Collections.Generic.List<Bound * string>()
    let kind = Catalog.byName[c.Kind]

    let options =
        match c.Memory with
        | Some(n, _, _) -> c.Options @ [ "memory", Choice("m", [ Some "width", count c.Shape.Width; Some "length", count n ]) ]
        | None -> c.Options

    let plain = layer c.Kind options c.Shape

    let layer =
        if not c.CapsOperator then
            plain
        else
            let cap = Capped { Unit = Spectral; Limit = Rational.One; Extent = Operator; Method = Soft }
            { plain with Weights = plain.Weights |> List.map (fun w -> if w.Name = "weight" then { w with Constraint = cap } else w) }

    let lf, lm, li = c.From
    let start, loss = c.AtLeast
    let startCentred, lossCentred = c.AtLeastCentred

    let input =
        let x = valueOf c "x" c.Shape c.R c.Spread c.Shape.Vocabulary.IsNone

        { x with
            Lower = { Start = rational start; Loss = symbol "x.loss" loss }
            LowerCentred = { Start = rational startCentred; Loss = symbol "x.loss without its mean" lossCentred }
            Centre = c.Centre |> Option.map (fun (centre, distance) -> centre |> List.map rational, symbol "x.around" distance)
            Constants = x.Constants |> Map.map (fun _ (s, _) -> s, { Whole = bound lf; Token = bound lm; Local = bound li }) }

    let measure functional weight =
        match c.Norms |> List.tryFind (fun (f, w, _) -> f = functional && w = weight) with
        | Some(_, _, text) -> measured functional weight text
        | None -> Bound.infinity

    let judgement =
      kind.Rule
        { Layer = layer
          Options = Options layer.Options
          Input = input
          Reads =
            (match c.Memory with
             | Some(n, radius, spread) -> Map.ofList [ "memory", valueOf c "m" (Shape.Of(Row n, c.Shape.Width)) radius spread true ]
             | None -> Map.empty)
          Body =
            c.Body
            |> Option.map (fun (constant, radius, spread) ->
                fun x ->
                    let times = symbol "body" constant

                    { x with
                        Radius = symbol "body.R" radius * x.Radius
                        Centred = symbol "body.r" spread * x.Centred
                        Constants = x.Constants |> Map.map (fun _ (s, c) -> s, { Whole = times * c.Whole; Token = times * c.Token; Local = times * c.Local }) })
          Inner = c.Inner |> Option.map (fun (kind, options) -> Judge.layer kind options c.Shape, measure)
          Measure = measure
          Name =
            fun comment b ->
                names.Add((b, comment))
                b }

    judgement, names

let judgement c = fst (judgementWithNames c)

/// The bound that a reading is about; a lower radius is read by what it loses.
let bounded (j: Judgement) reading =
    let from source = j.Space.Constants |> Map.tryFind source |> Option.map snd

    let constant source pick =
        match from source with
        | Some c -> pick c
        | None -> Bound.zero

    match reading with
    | Whole -> constant "x" (fun c -> c.Whole)
    | Token -> constant "x" (fun c -> c.Token)
    | Local -> constant "x" (fun c -> c.Local)
    | MemoryWhole -> constant "m" (fun c -> c.Whole)
    | MemoryToken -> constant "m" (fun c -> c.Token)
    | MemoryLocal -> constant "m" (fun c -> c.Local)
    | Radius -> j.Space.Radius
    | Centred -> j.Space.Centred
    | Lower -> j.Space.Lower.Loss
    | LowerCentred -> j.Space.LowerCentred.Loss
    | Around -> (match j.Space.Centre with Some(_, r) -> r | None -> Bound.infinity)
    | Candidate name -> j.Candidates |> List.find (fun (n, _) -> n = name) |> snd

/// The number a reading gives, rounded up; a lower radius rounded down.
let found (j: Judgement) reading : Rational option =
    let upper = (ExactFirst.atCaps { Statements = []; Results = [ "", bounded j reading ] }).[0].Upper

    match upper.TryRational, reading with
    | Some loss, Lower -> Some(j.Space.Lower.Start - loss)
    | Some loss, LowerCentred -> Some(j.Space.LowerCentred.Start - loss)
    | found, _ -> found
