namespace Lips.Core.Layers

open System.Numerics
open Lips.Core

/// How rows and the keys they see go together.
type internal Pattern =
    /// The tokens fall into sets and each sees exactly its own: the weights are block diagonal. One set where all see all.
    | Sets
    /// Row i sees keys 1 … i.
    | Before
    /// Row i sees the last `MostKeys` of the keys 1 … i.
    | LastFew
    /// A row sees the keys nearer than a distance on both sides.
    | Around
    /// Which keys a row sees depends on the token ids: at least one.
    | Any

/// Who sees whom: the pattern of an attention layer's rows, as far as its rules ask.
type internal Visibility =
    { Pattern: Pattern
      /// Rows of the largest set: tokens that ask.
      Queries: int64
      /// Keys of the row that sees the most, and of the row that sees the fewest; no row sees none.
      MostKeys: int64
      FewestKeys: int64
      /// Rows that see the key that is seen most, in one head.
      MostQueries: int64
      /// At least Σ 1/n over the rows of a set, n the keys a row sees.
      Reciprocals: Bound
      /// Every row sees the same keys.
      SameKeys: bool
      /// How many different sets of keys the heads of one row see.
      KeySets: int64
      /// The tokens that ask are the keys, and each sees itself.
      SeesItself: bool }

    /// No row sees a key after its own.
    member this.Causal = (this.Pattern = Before || this.Pattern = LastFew)

    /// Every head sees the same keys in a row.
    member this.SameInHeads = (this.KeySets = 1L)

[<RequireQualifiedAccess>]
module internal Visibility =

    // ---- hyperparameters ----

    let private padding arguments =
        Hyper.alternative
            "padding"
            "a token sees itself and the tokens that are not the padding of `tokens`"
            ({ Name = "id"; Type = NaturalType; Default = Required; Doc = "the token that pads" } :: arguments)

    /// The input that a mask of token ids reads.
    let tokens: Hyperparameter =
        { Name = "tokens"
          Type = InputType
          Default = Absent
          Doc = "the input of token ids that a padding or document mask looks at: as many as there are keys" }

    /// Of the keys of a memory.
    let memoryMask =
        Hyper.choiceOr
            "none"
            [ Hyper.alternative "none" "every key is seen" []
              Hyper.alternative "padding" "keys that are the padding of `tokens` are not seen; where all are, all are seen" [ { Name = "id"; Type = NaturalType; Default = Required; Doc = "the token that pads" } ] ]
            "mask"
            "which keys are seen"

    let mask =
        Hyper.choiceOr
            "none"
            [ Hyper.alternative "none" "every token sees every token" []
              Hyper.alternative "causal" "a token sees itself and the tokens before it" []
              Hyper.alternative
                  "sliding"
                  "a token sees itself and its neighbours nearer than `size` (Beltagy et al. 2020; Jiang et al. 2023)"
                  [ Hyper.count "size" "least distance of a token out of sight"
                    Hyper.flag true "causal" "only the neighbours before it" ]
              padding [ Hyper.flag false "causal" "and of those only the ones before it" ]
              Hyper.alternative
                  "document"
                  "a token sees itself and the tokens of its own document"
                  [ { Name = "separator"; Type = NaturalType; Default = Required; Doc = "the token that ends a document" }
                    Hyper.flag true "causal" "and of those only the ones before it" ] ]
            "mask"
            "which tokens a token sees"

    let partition =
        Hyper.choiceOr
            "full"
            [ Hyper.alternative "full" "all tokens are one set" []
              Hyper.alternative
                  "window"
                  "a map is cut into squares, and a token sees those of its own (Liu et al. 2021)"
                  [ Hyper.count "size" "side of a square; must divide the map's height and width"
                    { Name = "shift"
                      Type = NaturalType
                      Default = Default(Hyper.ofInt 0L)
                      Doc = "rows and columns by which the squares are moved; below `size`. A square that the border cuts is several sets" } ]
              Hyper.alternative
                  "cross"
                  "a map is cut into stripes: half of the heads sees the token's vertical stripe, the other half its horizontal one (Dong et al. 2022)"
                  [ Hyper.count "stripe" "width of a stripe; must divide the map's height and width" ] ]
            "partition"
            "sets of tokens that attend each to itself"

    // ---- shapes ----

    /// Height and width of the rectangles, for every share of the heads; none where all tokens are one set.
    let rectangles (options: Options) (x: Shape) =
        match x.Grid, options.Choice "partition" with
        | Map _, ("window", arguments) -> [ arguments.Count "size", arguments.Count "size" ]
        | Map(height, width), ("cross", arguments) -> [ height, arguments.Count "stripe"; arguments.Count "stripe", width ]
        | _ -> []

    let shift (options: Options) =
        match options.Choice "partition" with
        | "window", arguments -> arguments.Count "shift"
        | _ -> 0L

    /// The token that a mask looks for, and the mask's name.
    let private marker (options: Options) =
        match options.Choice "mask" with
        | "padding", arguments -> Some("padding", (arguments.Value "id"))
        | "document", arguments -> Some("document", (arguments.Value "separator"))
        | _ -> None

    /// Whether a mask of token ids, if any, has its tokens, as many as there are keys.
    let fitsTokens (options: Options) (keys: int64) =
        match marker options, options.Has "tokens" with
        | None, false -> Ok()
        | None, true -> Error(DoesNotFit "`tokens` is for `mask: padding(...)` and `mask: document(...)` alone: leave it out")
        | Some(name, _), false -> Error(DoesNotFit $"a {name} mask looks at token ids: say whose, as in `tokens: text`")
        | Some(name, id), true ->
            let input, sizes = options.Choice "tokens"

            if sizes.Count "length" <> keys then
                Error(DoesNotFit $"""the mask looks at the {sizes.Count "length"} tokens of '{input}', and there are {keys} keys""")
            elif sizes.Upper "vocab" <= Hyper.upper id then
                Error(DoesNotFit $"""the tokens of '{input}' are below {sizes.Count "vocab"}, and the {name} mask looks for {Hyper.upper id}""")
            else
                Ok()

    /// The mask of token ids as an argument of the module, and the input it is called with.
    let tokenMask (options: Options) (read: string -> string) =
        match marker options with
        | Some(name, id) -> Some($"tokenMask: Lips.Runtime.Modules.TokenMask.{CSharp.pascal name}({Hyper.upper id})", read "tokens")
        | None -> None

    let fits (options: Options) (x: Shape) =
        let divides name size height width =
            if height % size <> 0L then Some(Indivisible("height", height, name, size))
            elif width % size <> 0L then Some(Indivisible("width of the map", width, name, size))
            else None

        // no tail call with more arguments than this function has: it would be compiled at every start
        match fitsTokens options x.Tokens with
        | Error fault -> Error fault
        | Ok() ->
            match x.Grid, options.Choice "partition" with
            | _, ("full", _) -> Ok()
            | (Single | Row _), _ -> Error(NeedsGrid "a height × width map")
            | _ when options.ChoiceName "mask" <> "none" -> Error(DoesNotFit "a mask goes with `partition: full` only: the tokens of a map have no order")
            | Map(height, width), ("window", arguments) ->
                let size = arguments.Count "size"

                match divides "window" size height width with
                | Some fault -> Error fault
                | None when arguments.Count "shift" < size -> Ok()
                | None -> Error(DoesNotFit $"""the shift, {arguments.Count "shift"}, must be below the window, {size}""")
            | Map(height, width), (_, arguments) ->
                match divides "stripe" (arguments.Count "stripe") height width with
                | Some fault -> Error fault
                | None when options.Count "heads" % 2L = 0L -> Ok()
                | None -> Error(Indivisible("heads", options.Count "heads", "the number of stripes' directions", 2L))

    // ---- patterns ----

    /// An upper bound of 1 + 1/2 + … + 1/n: exact sums of rounded-up terms to 4096, then ln 2 for every doubling.
    let private harmonic (n: int64) =
        let unit = BigInteger.One <<< 60
        let cut = min n 4096L
        let mutable sum = BigInteger.Zero

        for i in 1L .. cut do
            sum <- sum + (unit + BigInteger(i - 1L)) / BigInteger i

        let mutable doublings = 0L
        let mutable reached = cut

        while reached < n do
            reached <- reached * 2L
            doublings <- doublings + 1L

        Bound.ofRational (Rational.Create(sum, unit) + Rational.OfInt doublings * Hyper.ratio 693147181L 1000000000L)

    /// Every query sees every key.
    let full (queries: int64) (keys: int64) =
        { Pattern = Sets
          Queries = queries
          MostKeys = keys
          FewestKeys = keys
          MostQueries = queries
          Reciprocals = Bound.ofQuotient queries keys
          SameKeys = true
          KeySets = 1L
          SeesItself = false }

    /// A set of tokens that see each other, of one of these sizes.
    let private sets (sizes: int64 list) =
        let most = List.max sizes

        { full most most with
            FewestKeys = List.min sizes
            SameKeys = false
            SeesItself = true }

    let private before (n: int64) (size: int64) =
        let seen = min n size

        { full n n with
            Pattern = (if seen = n then Before else LastFew)
            MostKeys = seen
            MostQueries = seen
            FewestKeys = 1L
            Reciprocals = harmonic seen + Bound.ofQuotient (n - seen) seen
            SameKeys = (n = 1L)
            SeesItself = true }

    let private around (n: int64) (size: int64) =
        if size >= n then
            { full n n with SeesItself = true }
        else
            // without 2·size − 1, which could leave 64 bits
            let most = if size > n - size then n else 2L * size - 1L

            { full n n with
                Pattern = Around
                MostKeys = most
                MostQueries = most
                FewestKeys = size
                Reciprocals = Bound.ofQuotient n size
                SameKeys = false
                SeesItself = true }

    /// A row sees at least one of the keys, and whatever else the token ids say.
    let any (queries: int64) (keys: int64) =
        { full queries keys with
            Pattern = Any
            FewestKeys = 1L
            MostQueries = queries
            Reciprocals = Bound.ofInt64 queries
            SameKeys = false }

    /// Of a sequence to a memory, as the layer's `mask` says.
    let ofMemory (options: Options) (queries: int64) (keys: int64) =
        match options.ChoiceName "mask" with
        | "padding" -> any queries keys
        | _ -> full queries keys

    /// Of a sequence to itself, as the layer's `mask` and `partition` say.
    let ofOptions (options: Options) (x: Shape) =
        match options.Choice "partition", rectangles options x with
        | ("window", _), [ size, _ ] ->
            let shift = shift options
            // along an axis: whole squares, and the one at the border, in two parts if it is cut
            let parts length = if shift = 0L then [ size ] else [ size - shift; shift; if length > size then size ]

            match x.Grid with
            | Map(height, width) ->
                { sets (List.allPairs (parts height) (parts width) |> List.map (fun (a, b) -> a * b)) with
                    SameKeys = (x.Tokens = size * size && shift = 0L) }
            | _ -> full x.Tokens x.Tokens
        | ("cross", _), stripes ->
            let whole = stripes |> List.forall (fun (a, b) -> a * b = x.Tokens)

            { sets (stripes |> List.map (fun (a, b) -> a * b)) with
                SameKeys = whole
                KeySets = (if whole then 1L else 2L) }
        | _ ->
            match options.Choice "mask" with
            | "causal", _ -> before x.Tokens x.Tokens
            | "sliding", arguments when arguments.Flag "causal" -> before x.Tokens (arguments.Count "size")
            | "sliding", arguments -> around x.Tokens (arguments.Count "size")
            | "padding", _ -> { any x.Tokens x.Tokens with SeesItself = true }
            // every document is a set of its own, of any size: what holds of the largest holds of all
            | "document", arguments when arguments.Flag "causal" -> { before x.Tokens x.Tokens with SameKeys = false }
            | "document", _ -> sets [ 1L; x.Tokens ]
            | _ -> { full x.Tokens x.Tokens with SeesItself = true }

    // ---- what softmax weights satisfy, in a row of logits of the given range ----

    /// The largest weight.
    let largest (sees: Visibility) range =
        if sees.FewestKeys = 1L then Bound.one else Bound.apply (Fn.LargestSoftmaxWeight sees.FewestKeys) range

    /// The largest sum of a column of one head.
    let column (sees: Visibility) range =
        if sees.Causal then
            Bound.apply (Fn.CausalColumnMass sees.MostKeys) range
        else
            // n·e^rg/(e^rg + n − 1) grows with n: the largest of several sets has the largest column
            let keys = if sees.Pattern = Sets then sees.MostKeys else sees.FewestKeys
            Bound.ofInt64 sees.MostQueries * Bound.apply (Fn.LargestSoftmaxWeight keys) range

    /// The norm of one head's matrix of weights, of its largest column and the cosh of half the range.
    let norm (sees: Visibility) range column coshHalf =
        let byDistance =
            match sees.Pattern with
            | Before -> Bound.ofInt 2 * Bound.exp range
            | LastFew -> Hyper.root 5L * Bound.exp range
            | Sets
            | Around
            | Any -> Bound.infinity

        Bound.min [ Hyper.root sees.MostQueries; Bound.sqrt column; byDistance; Bound.sqrt sees.Reciprocals * coshHalf ]

    /// √Σ a² of a row.
    let rowNorm (sees: Visibility) coshHalf =
        if sees.FewestKeys = 1L then Bound.one
        else Bound.min [ Bound.one; Hyper.rootOf (Hyper.ratio 1L sees.FewestKeys) * coshHalf ]

    // ---- cost and emission ----

    /// Pairs of a query and a key that a head computes, on average over the heads; a mask hides results, it saves none.
    let pairs (options: Options) (x: Shape) =
        match rectangles options x with
        | [] -> BigInteger x.Tokens * BigInteger x.Tokens
        | sets -> BigInteger x.Tokens * (sets |> List.sumBy (fun (a, b) -> BigInteger a * BigInteger b)) / BigInteger sets.Length

    /// Constructor arguments of the module that say the same; `whole`: the rectangles are named even where they are the map.
    let arguments (options: Options) (x: Shape) whole =
        let named =
            match rectangles options x, x.Grid with
            | [], Map(height, width) when whole -> [ height, width ]
            | [], Row n when whole -> [ 1L, n ]
            | given, _ -> given

        [ match options.Choice "mask" with
          | "causal", _ -> "causal: true"
          | "sliding", arguments ->
              $"""sliding: {arguments.Count "size"}"""
              if arguments.Flag "causal" then "causal: true"
          | ("padding" | "document"), arguments when arguments.Flag "causal" -> "causal: true"
          | _ -> ()
          if not named.IsEmpty then
              let shift = if shift options = 0L then "" else $", shift: {shift options}"
              let made = [ for height, width in named -> $"new Lips.Runtime.Modules.AttentionWindow(height: {height}, width: {width}{shift})" ]
              "windows: [" + System.String.Join(", ", made) + "]" ]
