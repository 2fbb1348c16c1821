namespace Lips.Core

/// What was written, with the place of every node. Built by the adapter over the generated parser,
/// read by `Resolve` (meaning) and `Format` (layout). Nothing here knows any layer by name.
module Syntax =

    type Name = { Text: string; Span: Span }

    type Unary =
        | Negate
        | Not

    type Binary =
        | Add
        | Subtract
        | Multiply
        | Divide
        | Modulo
        | Power
        | Less
        | LessOrEqual
        | Greater
        | GreaterOrEqual
        | Equal
        | NotEqual
        | And
        | Or

    type Expr = { Node: ExprNode; Span: Span }

    and ExprNode =
        /// `0.25`, `1e-6`, `4.7G`: exact. `Written` is the text, kept for the formatter.
        | Number of value: Rational * written: string
        | Text of string
        | Boolean of bool
        | List of Expr list
        /// `width`, `convex(1 / 6)`, `memory`: a name, with arguments if parentheses were written.
        | Named of name: Name * arguments: Argument list option
        /// `depths[stage]`
        | Index of Expr * index: Expr
        /// `depths[0..stage]`, half-open
        | Slice of Expr * first: Expr * last: Expr
        /// `memory.words`
        | Member of Expr * Name
        | Unary of Unary * Expr
        | Binary of Binary * Expr * Expr
        | Conditional of test: Expr * whenTrue: Expr * whenFalse: Expr
        /// Parentheses as written: no meaning, kept for the formatter.
        | Group of Expr

    /// One argument of a call: `4 * width`, `heads: 4`, `out.init: zero`.
    and Argument =
        { Label: Path option
          Value: Expr
          Span: Span }

    /// `q.constraint`, `blocks[2]`, `memory.words`
    and Path = { Parts: PathPart list; Span: Span }

    and PathPart =
        | Field of Name
        | Item of Expr

    /// The same expression without places: for what was written outside of the spec.
    let rec unplaced (e: Expr) : Expr =
        let name (n: Name) = { n with Span = Span.None }

        let part p =
            match p with
            | Field n -> Field(name n)
            | Item i -> Item(unplaced i)

        let argument (a: Argument) =
            { Label = a.Label |> Option.map (fun l -> { Parts = l.Parts |> List.map part; Span = Span.None })
              Value = unplaced a.Value
              Span = Span.None }

        let node =
            match e.Node with
            | Number _
            | Text _
            | Boolean _ -> e.Node
            | List items -> List(items |> List.map unplaced)
            | Named(n, arguments) -> Named(name n, arguments |> Option.map (List.map argument))
            | Index(list, index) -> Index(unplaced list, unplaced index)
            | Slice(list, first, last) -> Slice(unplaced list, unplaced first, unplaced last)
            | Member(owner, n) -> Member(unplaced owner, name n)
            | Unary(operator, x) -> Unary(operator, unplaced x)
            | Binary(operator, x, y) -> Binary(operator, unplaced x, unplaced y)
            | Conditional(test, whenTrue, whenFalse) -> Conditional(unplaced test, unplaced whenTrue, unplaced whenFalse)
            | Group x -> Group(unplaced x)

        { Node = node; Span = Span.None }

    /// `in rms`, `in l2 -> token`
    type NormPair =
        { From: Name
          To: Name option
          Span: Span }

    type Parameter =
        { /// Marked `layer`: stands for a layer kind or a block.
          IsLayer: bool
          Name: Name
          Default: Expr option }

    type Call =
        { Kind: Name
          Arguments: Argument list option
          Span: Span }

    /// Roles a `weights of ...` statement or a recipe entry speaks about.
    type Selector = { Roles: Name list; Span: Span }

    type Relation =
        | AtMost
        | Below
        | AtLeast
        | Exactly

    type Claim =
        { /// `lipschitz`, `radius`, `parameters`, `macs`
          Subject: Name
          From: Path option
          To: Path option
          Relation: Relation
          Limit: Expr
          Norm: NormPair option
          /// As written, for reports.
          Written: string
          Span: Span }

    type RecipeEntry =
        { Path: Path
          Selector: Selector option
          Value: Expr
          Span: Span }

    type Body = { Statements: Statement list; Span: Span }

    and Statement = { Node: StatementNode; Span: Span }

    and StatementNode =
        | Input of name: Name option * Call
        | Weights of Selector option * Argument list
        | Let of Name * Expr
        | Claim of Claim
        | Recipe of RecipeEntry list
        | For of index: Name * first: Expr * last: Expr * Body
        | If of test: Expr * whenTrue: Body * whenFalse: Body option
        /// A layer, a block, `repeat` or `from`, with the name of its point if one was given.
        | Step of point: Name option * Node

    and Node =
        | Repeat of count: Expr * index: Name option * Body
        | From of input: Path * Body
        /// `gelu`, `linear(256)`, `residual(convex(1 / 6)) { ... }`
        | Layer of Call * Body option

    type Declaration =
        | Use of path: string * Span
        | LetTop of Name * Expr
        | Model of Name * Parameter list * NormPair option * Body
        | Block of Name * Parameter list * Body

    type Comment = { Text: string; Span: Span }

    type Spec =
        { Source: SourceText
          Declarations: Declaration list
          /// Every `//` comment, in order of appearance; the formatter puts them back.
          Comments: Comment list }
