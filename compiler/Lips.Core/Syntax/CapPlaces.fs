namespace Lips.Core

/// A cap on σ_max as a spec's text has it: what the solver may open, and where its number is written back.
type CapPlace =
    { /// What it is called when caps are solved for: `weights`, `attention.qkv`, the text of its own `group:`.
      Group: string
      /// `rms_cap(1, per: head)`
      Call: Span
      /// The limit alone.
      Limit: Span
      /// Already `auto`: its declared preference, as written.
      Open: string option option }

/// A claim as written.
type ClaimPlace =
    { Span: Span
      Subject: string
      From: string
      To: string
      Relation: Syntax.Relation
      /// `in l2 -> token` without the `in`; empty for the model's own norm.
      Norm: string }

/// Caps and claims in a spec's text, for verbs that rewrite them.
[<RequireQualifiedAccess>]
module CapPlaces =
    open Syntax

    let private cut (source: SourceText) (span: Span) = source.Text.Substring(span.Start, span.Length)

    let private isCap (n: Name) = n.Text = "rms_cap" || n.Text = "spectral_cap"

    let private isLimit (i: int) (a: Argument) =
        match a.Label with
        | None -> i = 0
        | Some { Parts = [ Field n ] } -> n.Text = "limit"
        | Some _ -> false

    let private labelled (name: string) (arguments: Argument list) =
        arguments |> List.tryPick (fun a -> match a.Label with Some { Parts = [ Field n ] } when n.Text = name -> Some a.Value | _ -> None)

    /// `auto`, `auto(group: "head", prefer: 2)`: its group and preference.
    let private openCap source (limit: Expr) =
        match limit.Node with
        | Named(n, arguments) when n.Text = "auto" ->
            let arguments = defaultArg arguments []
            let group = (match labelled "group" arguments with Some { Node = Text t } -> t | _ -> "")
            Some(group, labelled "prefer" arguments |> Option.map (fun e -> cut source e.Span))
        | _ -> None

    let rec private inExpression (source: SourceText) (name: string) (e: Expr) : CapPlace list =
        let recurse = inExpression source name

        match e.Node with
        | Named(n, Some arguments) when isCap n ->
            arguments
            |> List.mapi (fun i a -> i, a)
            |> List.tryPick (fun (i, a) -> if isLimit i a then Some a.Value else None)
            |> Option.map (fun limit ->
                match openCap source limit with
                | Some(group, prefer) -> { Group = (if group = "" then "auto" else group); Call = e.Span; Limit = limit.Span; Open = Some prefer }
                | None -> { Group = name; Call = e.Span; Limit = limit.Span; Open = None })
            |> Option.toList
        | Number _
        | ExprNode.Text _
        | Boolean _
        | Named(_, None) -> []
        | List items -> items |> List.collect recurse
        | Named(_, Some arguments) -> arguments |> List.collect (fun a -> recurse a.Value)
        | Index(x, y)
        | Binary(_, x, y) -> recurse x @ recurse y
        | Slice(x, y, z)
        | Conditional(x, y, z) -> recurse x @ recurse y @ recurse z
        | Member(x, _)
        | Unary(_, x)
        | ExprNode.Group x -> recurse x

    let private ofCall source (name: string) (call: Call) =
        [ for a in defaultArg call.Arguments [] do
              let part =
                  match a.Label with
                  | Some { Parts = [ Field part; Field _ ] } -> name + "." + part.Text
                  | _ -> name

              yield! inExpression source part a.Value ]

    let rec private inBody source (body: Body) : CapPlace list =
        [ for statement in body.Statements do
              match statement.Node with
              | StatementNode.Weights(selector, arguments) ->
                  let name = (match selector with Some s -> s.Roles |> List.map (fun r -> r.Text) |> String.concat "+" | None -> "weights")
                  for a in arguments do yield! inExpression source name a.Value
              | StatementNode.Let(n, e) -> yield! inExpression source n.Text e
              | StatementNode.For(_, _, _, inner) -> yield! inBody source inner
              | StatementNode.If(_, whenTrue, whenFalse) ->
                  yield! inBody source whenTrue
                  yield! (match whenFalse with Some b -> inBody source b | None -> [])
              | StatementNode.Step(point, node) -> yield! inNode source point node
              | StatementNode.Input _
              | StatementNode.Claim _
              | StatementNode.Recipe _ -> () ]

    and private inNode source (point: Name option) node =
        match node with
        | Node.Repeat(_, _, body)
        | Node.From(_, body) -> inBody source body
        | Node.Layer(call, body) ->
            let name = (match point with Some p -> p.Text | None -> call.Kind.Text)
            ofCall source name call @ (match body with Some b -> inBody source b | None -> [])

    /// Groups that share a name though they were written apart are told apart by their lines.
    let private distinguished (places: CapPlace list) =
        let repeated = places |> List.filter (fun p -> p.Open.IsNone) |> List.countBy (fun p -> p.Group) |> List.filter (fun (_, n) -> n > 1) |> List.map fst
        let onLine = places |> List.map (fun p -> if p.Open.IsNone && List.contains p.Group repeated then { p with Group = $"{p.Group}@{p.Call.Line}" } else p)
        let twice = onLine |> List.filter (fun p -> p.Open.IsNone) |> List.countBy (fun p -> p.Group) |> List.filter (fun (_, n) -> n > 1) |> List.map fst
        onLine |> List.map (fun p -> if p.Open.IsNone && List.contains p.Group twice then { p with Group = $"{p.Group}:{p.Call.Column}" } else p)

    /// The caps on σ_max that a model's own file writes for it, in order: in its body, its parameters, blocks and top-level lets.
    let all (spec: Spec) (model: string) : CapPlace list =
        let ofParameters (parameters: Parameter list) =
            parameters |> List.collect (fun p -> match p.Default with Some e -> inExpression spec.Source p.Name.Text e | None -> [])

        spec.Declarations
        |> List.collect (fun d ->
            match d with
            | LetTop(n, e) -> inExpression spec.Source n.Text e
            | Model(n, parameters, _, body) when n.Text = model -> ofParameters parameters @ inBody spec.Source body
            | Block(_, parameters, body) -> ofParameters parameters @ inBody spec.Source body
            | Model _
            | Use _ -> [])
        |> List.sortBy (fun p -> p.Call.Start)
        |> distinguished

    let private pathText source (p: Path option) = (match p with Some p -> cut source p.Span | None -> "")

    let private placed (source: SourceText) (c: Claim) (span: Span) =
        { Span = span
          Subject = c.Subject.Text
          From = pathText source c.From
          To = pathText source c.To
          Relation = c.Relation
          Norm =
            (match c.Norm with
             | None -> ""
             | Some n -> n.From.Text + (match n.To with Some t -> " -> " + t.Text | None -> "")) }

    let private bodyOf (spec: Spec) model = spec.Declarations |> List.tryPick (fun d -> match d with Model(n, _, _, b) when n.Text = model -> Some b | _ -> None)

    /// A model's claims in order.
    let claims (spec: Spec) (model: string) : ClaimPlace list =
        match bodyOf spec model with
        | None -> []
        | Some body -> [ for s in body.Statements do match s.Node with StatementNode.Claim c -> placed spec.Source c s.Span | _ -> () ]

    /// The name of a model's first input, and of its last step where that has one.
    let ends (spec: Spec) (model: string) : string option * string option =
        match bodyOf spec model with
        | None -> None, None
        | Some body ->
            body.Statements |> List.tryPick (fun s -> match s.Node with StatementNode.Input(n, _) -> Some(match n with Some n -> n.Text | None -> "x") | _ -> None),
            body.Statements |> List.choose (fun s -> match s.Node with StatementNode.Step(p, _) -> Some p | _ -> None) |> List.tryLast |> Option.flatten |> Option.map (fun p -> p.Text)

    /// Where a new claim belongs: after the last claim, else after the last step. None in a model without steps.
    let claimSlot (spec: Spec) (model: string) : Span option =
        match bodyOf spec model with
        | None -> None
        | Some body ->
            let last choose = body.Statements |> List.filter choose |> List.tryLast |> Option.map (fun s -> s.Span)

            match last (fun s -> s.Node.IsClaim) with
            | Some s -> Some s
            | None -> last (fun s -> s.Node.IsStep)

    /// The names of the models a file declares.
    let models (spec: Spec) : string list = spec.Declarations |> List.choose (fun d -> match d with Model(n, _, _, _) -> Some n.Text | _ -> None)
