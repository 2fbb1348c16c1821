/// A bound as a graph in which every edge can be scaled: what a mistake of one percent at one place would do.
module Lips.Core.Tests.BoundGraph

open System.Collections.Generic
open Lips.Core

type Node =
    { /// Constructor and constants; equal nodes have equal labels and children.
      Label: string
      Bound: Bound
      Children: int list
      /// Text of the node with the case's sizes (tokens, heads, widths) left out: what the same place of a rule has in every case.
      Place: string }

/// Nodes, children before parents.
type Graph = { Nodes: Node[]; Root: int }

/// Numbers that rules write themselves; other constants come from sizes and options.
let private written = set [ Rational.Zero; Rational.One; Rational.OfInt 2L; Rational.Create(bigint 1, bigint 2); Rational.Create(bigint 1, bigint 4) ]

let private functionName (fn: Fn) = (string fn).Split([| ' '; '('; '\n' |]).[0]

/// Graphs that share their nodes; `names` are what a rule calls some of its values, in the order in which it names them.
let sharing (names: (Bound * string) seq) : Bound -> Graph =
    let nodes = List<Node>()
    let called = Dictionary<string, string>()
    let seen = Dictionary<Bound, int>(HashIdentity.Reference)
    let known = Dictionary<string, int>()
    let keyOf (label: string) (ids: int list) = label + " " + System.String.Join(" ", ids)

    let rec add (b: Bound) : int =
        match seen.TryGetValue b with
        | true, id -> id
        | _ ->
            let label, place, children =
                match b with
                | Bound.Infinity -> "∞", "∞", []
                | Bound.Const c -> "const " + c.ToString(), (if written.Contains c then c.ToString() else "#"), []
                | Bound.Measured m ->
                    let text = $"{m.Functional} {m.Weight}"
                    text, text, []
                | Bound.Var id -> failwith $"a rule by itself has no variables: {id}"
                | Bound.Add(x, y) -> "+", "+", [ x; y ]
                | Bound.Mul(x, y) -> "*", "*", [ x; y ]
                | Bound.Min items -> "min", "min", items
                | Bound.Max items -> "max", "max", items
                | Bound.Power(x, n) -> $"^{n}", $"^{n}", [ x ]
                | Bound.Sqrt x -> "√", "√", [ x ]
                | Bound.Apply(fn, x) -> string fn, functionName fn, [ x ]
                | Bound.SumOver(n, x) -> $"Σ{n}", "Σ", [ x ]
                | Bound.MaxOver(n, x) -> $"max{n}", "maxover", [ x ]

            let ids = children |> List.map add
            let key = keyOf label ids

            let id =
                match known.TryGetValue key with
                | true, id -> id
                | _ ->
                    let place =
                        if ids.IsEmpty then place
                        elif called.ContainsKey key then "‹" + called[key] + "›"
                        else place + "(" + System.String.Join(", ", ids |> List.map (fun i -> nodes[i].Place)) + ")"

                    nodes.Add { Label = label; Bound = b; Children = ids; Place = place }
                    known[key] <- nodes.Count - 1
                    nodes.Count - 1

            seen[b] <- id
            id

    for b, name in names do
        let id = add b
        let node = nodes[id]

        if not node.Children.IsEmpty && not (node.Place.StartsWith "‹") then
            called[keyOf node.Label node.Children] <- name
            nodes[id] <- { node with Place = "‹" + name + "›" }

    fun root ->
        let root = add root
        { Nodes = nodes.ToArray(); Root = root }

let private applied = Dictionary<struct (string * float), float>()

let private apply (node: Node) fn (x: float) =
    match applied.TryGetValue(struct (node.Label, x)) with
    | true, y -> y
    | _ ->
        let y =
            match fn with
            // a sum over tokens: plain doubles will do
            | Fn.CausalColumnMass n -> Seq.sum (seq { for i in 0L .. n - 1L -> 1.0 / (1.0 + float i * exp -x) })
            | _ ->

            if System.Double.IsInfinity x then (Evaluate.upper.Apply fn Upper.Infinity).ToDoubleUp()
            else (Evaluate.upper.Apply fn (Upper.OfDouble x)).ToDoubleUp()

        applied[struct (node.Label, x)] <- y
        y

/// All values in doubles, which are near enough for changes of a percent. What one node reads at one position may be scaled.
let values (g: Graph) (scaled: (int * int * float) option) : float[] =
    let values = Array.zeroCreate<float> g.Nodes.Length

    for i in 0 .. g.Root do
        let node = g.Nodes[i]

        let child position =
            let v = values[List.item position node.Children]

            match scaled with
            | Some(parent, at, factor) when parent = i && at = position -> v * factor
            | _ -> v

        values[i] <-
            match node.Bound with
            | Bound.Infinity -> infinity
            | Bound.Const c -> c.ToDoubleNearest
            | Bound.Measured m -> (match m.Cap with Some(Bound.Const c) -> c.ToDoubleNearest | _ -> failwith "a number of a case is a constant")
            | Bound.Var _ -> nan
            | Bound.Add _ -> child 0 + child 1
            | Bound.Mul _ -> child 0 * child 1
            | Bound.Min items -> Seq.min (items |> Seq.mapi (fun p _ -> child p))
            | Bound.Max items -> Seq.max (items |> Seq.mapi (fun p _ -> child p))
            | Bound.Power(_, n) -> child 0 ** float n
            | Bound.Sqrt _ -> sqrt (child 0)
            | Bound.Apply(fn, _) -> apply node fn (child 0)
            | Bound.SumOver(n, _) -> float n * child 0
            | Bound.MaxOver _ -> child 0

    values

let value (g: Graph) scaled = (values g scaled)[g.Root]

/// Every edge as parent and position, but for those of the outermost minimum, whose alternatives have places of their own, and
/// those on which a factor is 0. `winning`: only what lies on the alternatives of minima and maxima that are reached here.
let edges winning (skip: int -> bool) (g: Graph) =
    let reached = HashSet<int>()
    let all = values g None
    let chooses i = (g.Nodes[i].Label = "min" || g.Nodes[i].Label = "max")

    let rec walk i =
        let nought = winning && g.Nodes[i].Label = "*" && all[i] = 0.0

        if not (skip i) && reached.Add i && not nought then
            for c in g.Nodes[i].Children do
                if not winning || not (chooses i) || abs (all[c] - all[i]) <= 1e-9 * all[i] then walk c

    walk g.Root

    [ for i in reached do
          let node = g.Nodes[i]
          let outermost = (i = g.Root && node.Label = "min")
          let noughts = node.Label = "*" && node.Children |> List.exists (fun c -> all[c] = 0.0)

          for position, child in List.indexed node.Children do
              let loses = winning && chooses i && not (reached.Contains child)

              if not outermost && not loses && not noughts && not (skip child) && all[child] <> 0.0 then
                  i, position ]

/// What an edge is called in every case that has it.
let place (g: Graph) (parent, position) =
    let node = g.Nodes[parent]
    $"{node.Place} at {position}"
