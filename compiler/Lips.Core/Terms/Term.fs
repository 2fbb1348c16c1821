namespace Lips.Core

open System.Numerics

/// What a hyperparameter or a recipe entry stands for after resolution.
/// Numbers are exact; what has no exact value (a square root) is a proven enclosure.
type Value =
    | Number of Rational
    /// lower ≤ true value ≤ upper
    | Enclosed of lower: Rational * upper: Rational
    | Text of string
    | Flag of bool
    | Items of Value list
    /// `causal`, `convex(1/6)`, `rms_cap(1, per: head)`
    | Choice of name: string * arguments: (string option * Value) list

    /// The least rational known to be at least the value.
    member this.Upper =
        match this with
        | Number n -> Some n
        | Enclosed(_, hi) -> Some hi
        | _ -> None

    /// The greatest rational known to be at most the value.
    member this.Lower =
        match this with
        | Number n -> Some n
        | Enclosed(lo, _) -> Some lo
        | _ -> None

/// Where the tokens of a value lie.
type Grid =
    /// One vector: after flatten, pooling, or a class-token read-out.
    | Single
    /// `length` tokens in a row.
    | Row of length: int64
    /// `height` × `width` tokens.
    | Map of height: int64 * width: int64

/// A value is tokens on a grid: every token is a vector of `Width` numbers, or, before the embedding,
/// an integer below `Vocabulary`. The batch is never part of a shape.
type Shape =
    { Grid: Grid
      Width: int64
      Vocabulary: int64 option }

    /// Number of tokens, N in every rule.
    member this.Tokens =
        match this.Grid with
        | Single -> 1L
        | Row n -> n
        | Map(h, w) -> h * w

    static member Of(grid, width) = { Grid = grid; Width = width; Vocabulary = None }

/// What a weight is for; `weights of ...` and recipe groups select by role.
type Role =
    | Matrix
    | Kernel
    | Embedding
    | Gain
    | Bias
    | Table
    | Alpha

/// The unit a cap is stated in.
type CapUnit =
    /// σ_max ≤ c
    | Spectral
    /// √(in/out)·σ_max ≤ c
    | Rms
    /// every row: ℓ2 ≤ c
    | RowL2
    /// every row: ℓ2/√width ≤ c
    | RowRms
    /// ℓ2 of a vector ≤ c
    | L2
    /// every |entry| ≤ c
    | MaxAbs

type CapExtent =
    | Whole
    /// Each head's slice of q, k, v (rows) or out (columns) keeps the cap by itself.
    | PerHead
    /// The operator norm of a convolution rather than of its reshape.
    | Operator

type CapMethod =
    | Soft
    | Hard
    | Normalize
    | Stiefel
    | Svd
    | Hammer

type Cap =
    { /// The declared maximum, rounded down where it has no exact value.
      Limit: Rational
      Unit: CapUnit
      Extent: CapExtent
      Method: CapMethod }

/// What the spec leaves to the solver: caps of one group grow together.
type AutoCap = { Group: string; Prefer: Rational }

type Constraint =
    | Free
    | Capped of Cap
    /// `spectral_cap(auto)`: the solver chooses the limit, one for each group, in proportion to `Prefer`.
    | AutoCapped of Cap * AutoCap
    | WeightDecay of Rational
    | SpectralDecay of Rational

type Reparametrization =
    | Direct
    /// γ·W/σ(W) with one power-iteration step per training step (arXiv 2303.06296, section 2). γ starts at `gain`, or,
    /// where there is none, at σ(W). `grouping`: which slices of a fused leaf are one matrix with one γ.
    | SigmaReparam of gain: Rational option * grouping: string
    /// W/σ(W): σReparam without the learned gain (Miyato et al. 2018).
    | SpectralNormalization
    /// γ_i·W_i/‖W_i‖ for every row i, γ_i learned (Salimans and Kingma 2016).
    | WeightNormalization

/// Which axis of a matrix the heads lie on.
type HeadAxis =
    | NoHeads
    | Rows
    | Columns

/// A named slice of a leaf. The leaf is what autograd and the optimizer see; the weight is what caps,
/// norms, reports and checkpoint keys see. Names and leaves are relative to the layer.
type Weight =
    { Name: string
      Leaf: string
      /// First row of the slice in the leaf.
      RowOffset: int64
      /// rows × columns for matrices (out × in), out × in/groups × height × width for kernels
      Shape: int64 list
      Role: Role
      Heads: int64
      HeadAxis: HeadAxis
      /// `init: orthogonal`, as a choice; the catalogue of initializers gives it meaning.
      Init: Value
      Constraint: Constraint
      Reparametrization: Reparametrization
      /// Path of the weight whose tensor this one shares.
      Tied: string option }

    member this.Count = this.Shape |> List.fold (fun p d -> p * BigInteger d) BigInteger.One

/// Where a layer was written. A reference, for tables: those of the framework over structures are compiled at every start.
type LayerPlace = { File: string; Span: Span }

/// One use of a layer kind, with every hyperparameter decided.
type Layer =
    { /// Position in the order of expansion; the key of the side table of spans.
      Id: int
      Kind: string
      /// Checkpoint segment and property name; empty for kinds that own nothing.
      Name: string
      /// Every hyperparameter of the kind, defaults included, in catalogue order. One that acts in training only may be a
      /// list: its value in each round of the folded repeat around the layer.
      Options: (string * Value) list
      Input: Shape
      Output: Shape
      Weights: Weight list
      /// Named points this layer reads besides its input (`memory: encoder`).
      Reads: (string * string) list }

/// A network, as data. Trees name a layer kind by string and never hold the catalogue entry,
/// so that structural equality is meaning equality and a cached tree stays small.
type Term =
    | Apply of Layer
    /// A layer kind that owns a body: `residual { ... }`.
    | Enclose of Layer * Term
    | Chain of Term list
    /// A folded repetition: the body is the same for every index, only its weights and what acts in training alone differ.
    | Repeat of Repetition
    /// A prefix for what lies inside; a typed sub-module of the generated class.
    | Group of name: string * Term
    /// A named point: the value after `body`.
    | Point of name: string * body: Term

and Repetition =
    { Name: string
      Count: int64
      Body: Term }

/// Questions about terms.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Term =

    /// Every layer with the prefix of its weights' checkpoint names, in order; a folded repeat's layers once, with `{}` for the index.
    let layers (term: Term) : (string * Layer) list =
        let rec visit prefix term =
            let own (l: Layer) = (if l.Name = "" then prefix else prefix + l.Name + "."), l

            match term with
            | Apply l -> [ own l ]
            | Enclose(l, body) -> own l :: visit prefix body
            | Chain terms -> terms |> List.collect (visit prefix)
            | Group(name, body) -> visit (prefix + name + ".") body
            | Point(_, body) -> visit prefix body
            | Repeat r -> visit (prefix + r.Name + ".{}.") r.Body

        visit "" term

/// The declared domain of an input.
type InputDomain =
    | Tokens of vocabulary: int64 * length: int64
    /// channels × height × width, every entry in [low, high]
    | Image of channels: int64 * height: int64 * width: int64 * range: (Rational * Rational) option
    /// length × width, every token ℓ2 ≤ radius (and at least `lower`, and at least `spread` once its own mean is subtracted)
    | Features of length: int64 * width: int64 * radius: Rational option * lower: Rational * spread: Rational

type Input =
    { Name: string
      Domain: InputDomain
      Padded: bool }

    member this.Shape =
        match this.Domain with
        | Tokens(v, n) -> { Grid = Row n; Width = 1L; Vocabulary = Some v }
        | Image(c, h, w, _) -> Shape.Of(Map(h, w), c)
        | Features(n, w, _, _, _) -> Shape.Of((if n = 1L then Single else Row n), w)

/// A norm of a value: `rms` and `token` take the largest token, `l2` the whole tensor.
type Norm =
    /// largest token, ℓ2/√width
    | RmsNorm
    /// largest token, ℓ2
    | TokenNorm
    /// all entries, ℓ2
    | L2Norm

    override this.ToString() =
        match this with
        | RmsNorm -> "rms"
        | TokenNorm -> "token"
        | L2Norm -> "l2"

type ClaimSubject =
    | Lipschitz of from: string * into: string
    | Radius of point: string * iteration: int64 option
    | Parameters
    | Macs

type Claim =
    { Subject: ClaimSubject
      Relation: Syntax.Relation
      /// Rounded in the direction that makes the claim harder to satisfy.
      Limit: Rational
      Norms: Norm * Norm
      Written: string }

/// One chain of a model: `memory = from source { ... }`, or the whole body of a one-input model.
type ModelChain =
    { Input: string
      /// Name of the chain; empty for the only chain of a one-input model.
      Name: string
      Body: Term }

type RecipeEntry =
    { Path: string
      Roles: Role list
      Value: Value }

/// A resolved model: shapes checked, everything expanded, no spans.
type Model =
    { Name: string
      Norm: Norm
      Inputs: Input list
      Chains: ModelChain list
      Claims: Claim list
      Recipe: RecipeEntry list }

    /// Masks look at token ids, so that exchanging a token may change more than its vector.
    member this.LooksAtTokens =
        this.Chains |> List.exists (fun c -> Term.layers c.Body |> List.exists (fun (_, l) -> l.Reads |> List.exists (fun (role, _) -> role = "tokens")))
