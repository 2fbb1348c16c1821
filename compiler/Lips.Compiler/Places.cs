using Antlr4.Runtime;
using Lips.Core;

namespace Lips.Compiler;

/// <summary>Where tokens stand. Columns count from 1; an end is the place after the last character.</summary>
internal static class Places
{
    internal static Span Of(IToken token) => Of(token, token);

    internal static Span Of(ParserRuleContext node) => Of(node.Start, node.Stop ?? node.Start);

    /// <summary>From the first character of one token to the last of another on the same or a later line.</summary>
    internal static Span Of(IToken first, IToken last)
    {
        int end = System.Math.Max(last.StopIndex + 1, first.StartIndex);
        int lastLength = System.Math.Max(0, last.StopIndex + 1 - last.StartIndex);
        return new Span(first.StartIndex, end - first.StartIndex, first.Line, first.Column + 1, last.Line, last.Column + 1 + lastLength);
    }

    /// <summary>The place of a whole file, for findings about it.</summary>
    internal static Span FileStart => new(0, 0, 1, 1, 1, 1);
}
