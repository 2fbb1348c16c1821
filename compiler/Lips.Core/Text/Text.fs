namespace Lips.Core

/// A place in a source file. Lines and columns count from 1, offsets from 0, all in UTF-16 units.
[<Struct>]
type Span =
    { Start: int
      Length: int
      Line: int
      Column: int
      EndLine: int
      EndColumn: int }

    /// The place of things that were not written, such as defaults.
    static member None =
        { Start = 0; Length = 0; Line = 0; Column = 0; EndLine = 0; EndColumn = 0 }

/// A spec as it was read: its path, for messages, and its text.
type SourceText = { Path: string; Text: string }
