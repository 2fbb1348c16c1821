namespace Lips.Core.Layers

open Lips.Core

/// Who sees whom: the pattern of an attention layer's rows, as far as its rules ask.
type internal Visibility =
    { /// Rows: tokens that ask.
      Queries: int64
      /// Keys of the row that sees the most, and of the row that sees the fewest; no row sees none.
      MostKeys: int64
      FewestKeys: int64
      /// Rows that see the key that is seen most.
      MostQueries: int64
      /// Row i sees keys 1 … i only.
      Causal: bool
      /// Every row sees the same keys.
      SameKeys: bool
      /// Every head sees the same keys in a row.
      SameInHeads: bool
      /// The tokens that ask are the keys, and each sees itself.
      SeesItself: bool }

[<RequireQualifiedAccess>]
module internal Visibility =

    let mask =
        Hyper.choiceOr
            "none"
            [ Hyper.alternative "none" "every token sees every token" []
              Hyper.alternative "causal" "a token sees itself and the tokens before it" [] ]
            "mask"
            "which tokens a token sees"

    /// Every query sees every key.
    let full (queries: int64) (keys: int64) =
        { Queries = queries
          MostKeys = keys
          FewestKeys = keys
          MostQueries = queries
          Causal = false
          SameKeys = true
          SameInHeads = true
          SeesItself = false }

    /// Of a sequence to itself, as the layer's `mask` says.
    let ofMask (options: Options) (x: Shape) =
        let itself = { full x.Tokens x.Tokens with SeesItself = true }

        match options.ChoiceName "mask" with
        | "causal" -> { itself with FewestKeys = 1L; Causal = true; SameKeys = (x.Tokens = 1L) }
        | _ -> itself

    /// Constructor arguments of the module that say the same.
    let arguments (options: Options) = [ if options.ChoiceName "mask" = "causal" then "causal: true" ]
