namespace Lips.Core

open System.Text
open Lips.Core.Syntax

/// Puts words on lines and comments back where they stood: at the end of the line of what they
/// followed, or on a line of their own.
type internal Writer(comments: Comment list) =
    let out = StringBuilder()
    let mutable waiting = comments
    let mutable indent = 0
    let mutable brackets = 0
    let mutable lineStart = true
    let mutable spaceDue = false
    let mutable blankDue = false
    // The last line of the source whose text is printed, and whether it can take a comment.
    let mutable sourceLine = 0
    let mutable commented = false

    member _.SourceLine = sourceLine
    member _.Commented = commented
    member _.LineStart = lineStart
    member _.Space() = spaceDue <- true
    member _.Blank() = blankDue <- true
    member _.Indent() = indent <- indent + 1
    member _.Outdent() = indent <- indent - 1
    member _.Open() = brackets <- brackets + 1
    member _.Close() = brackets <- brackets - 1

    member _.Newline() =
        if not lineStart then
            out.Append('\n') |> ignore
            lineStart <- true

        spaceDue <- false
        commented <- false

    member _.Text(text: string) =
        if lineStart then
            if blankDue && out.Length > 0 then
                out.Append('\n') |> ignore

            blankDue <- false
            out.Append(' ', 2 * (indent + min brackets 1)) |> ignore
        elif spaceDue then
            out.Append(' ') |> ignore

        out.Append(text) |> ignore
        lineStart <- false
        spaceDue <- false

    member private this.Comment(comment: Comment) =
        if comment.Span.Line <= sourceLine && not lineStart && not commented then
            out.Append("  ").Append(comment.Text) |> ignore
        else
            this.Newline()

            if brackets = 0 && comment.Span.Line > sourceLine + 1 then
                this.Blank()

            this.Text comment.Text

        commented <- true
        sourceLine <- max sourceLine comment.Span.Line

    /// The comments that stand before a place in the source.
    member this.Comments(place: int) =
        match waiting with
        | comment :: rest when comment.Span.Start < place ->
            waiting <- rest
            this.Comment comment
            this.Comments place
        | _ -> ()

    /// Text from the given place. A comment in the midst of a statement can only be printed where its
    /// line may end, inside brackets; elsewhere it waits for the end of the line.
    member this.At(span: Span, text: string) =
        if brackets > 0 then
            this.Comments span.Start

        if commented then
            this.Newline()

        this.Text text
        sourceLine <- max sourceLine span.EndLine

    override _.ToString() = out.ToString()
