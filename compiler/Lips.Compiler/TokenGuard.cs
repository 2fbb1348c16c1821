using System;
using System.Collections.Generic;
using System.Globalization;
using Antlr4.Runtime;
using Lips.Core;
using Lips.Grammar;

namespace Lips.Compiler;

/// <summary>
/// Looks at all tokens before the parser does. The parser and everything after it recurse, so the depth
/// of what they will see is bounded here, in a loop; brackets that do not match are found here too,
/// where the bracket to blame is known.
/// </summary>
internal sealed class TokenGuard(IList<IToken> tokens, string path)
{
    /// <summary>Brackets within brackets and operators of one expression, together.</summary>
    internal const int MaxDepth = 256;

    internal const int MaxErrors = 100;

    private readonly List<Diagnostic> found = [];
    private readonly Stack<Level> open = new();
    private IToken? before;
    private IToken? stray;
    private IToken? misaligned;

    internal IReadOnlyList<Diagnostic> Found => found;

    /// <summary>False where the parser must not go on: brackets that do not match, or too deep.</summary>
    internal bool Readable { get; private set; } = true;

    /// <summary>The depth of the deepest brackets and operators seen.</summary>
    internal int Deepest { get; private set; }

    /// <summary>What is open: one pair of brackets, and how deep the expressions between them are.</summary>
    private sealed class Level(IToken? opening)
    {
        private int operators;
        private int inner;
        private int deepest;

        internal IToken? Opening => opening;

        internal int Current => operators + inner;

        internal void Operator() => operators++;

        internal void Contains(int depth) => inner = Math.Max(inner, depth);

        internal int Close()
        {
            Next();
            return deepest + 1;
        }

        internal void Next()
        {
            deepest = Math.Max(deepest, Current);
            operators = inner = 0;
        }
    }

    internal void Check()
    {
        open.Push(new Level(null));
        for (int i = 0; i < tokens.Count && Readable; i++)
        {
            IToken token = tokens[i];
            Word(token);
            if (token.Channel == TokenConstants.DefaultChannel)
            {
                Bracket(token);
                Depth(token);
                before = token;
            }

            if (found.Count >= MaxErrors)
            {
                Report(token, Problem.NewTooManyErrors(MaxErrors));
                Readable = false;
            }
        }
    }

    private void Report(IToken token, Problem problem) =>
        found.Add(DiagnosticModule.create(path, Places.Of(token), problem));

    private void Word(IToken token)
    {
        switch (token.Type)
        {
            case LipsLexer.STRAY:
                // Of a run of stray characters the first speaks for all, and so does the first 'quote' of a pair.
                int index = token.TokenIndex;
                bool runs = index > 0 && tokens[index - 1].Type == LipsLexer.STRAY;
                if (!runs && !(stray?.Line == token.Line && stray.Text == token.Text))
                {
                    Report(token, SyntaxErrors.Stray(token));
                }

                stray = token;

                break;
            case LipsLexer.OPEN_TEXT:
                Report(token, Problem.UnterminatedText);
                // For the parser it is a text, so that nothing else on the line is blamed for it.
                ((CommonToken)token).Type = LipsLexer.TEXT;
                break;
            case LipsLexer.TEXT:
                int escape = Literals.UnknownEscape(token.Text);
                if (escape >= 0)
                {
                    Span place = new(token.StartIndex + escape, 2, token.Line, token.Column + 1 + escape, token.Line, token.Column + 3 + escape);
                    found.Add(DiagnosticModule.create(path, place, Problem.NewUnknownEscape(token.Text.Substring(escape, 2))));
                }

                break;
            case LipsLexer.NUMBER:
                if (Literals.Limit(token.Text) is { } limit)
                {
                    Report(token, Problem.NewLiteralTooLarge(SyntaxErrors.Shortened(token.Text), limit));
                }

                break;
        }
    }

    private void Bracket(IToken token)
    {
        switch (token.Type)
        {
            case LipsLexer.LPAREN or LipsLexer.LBRACK or LipsLexer.LBRACE:
                if (token.Type == LipsLexer.LBRACE && open.Peek().Opening is { Type: not LipsLexer.LBRACE } unclosed)
                {
                    Unclosed(unclosed, token);
                    return;
                }

                if (token.Type == LipsLexer.LBRACK && before is { Type: LipsLexer.NAME or LipsLexer.RBRACK or LipsLexer.RPAREN })
                {
                    // `a[0][1]`: an index is applied to what stands before it.
                    open.Peek().Operator();
                }

                open.Push(new Level(token));
                if (open.Count - 1 > MaxDepth)
                {
                    TooDeep(token);
                }

                break;
            case LipsLexer.RPAREN or LipsLexer.RBRACK or LipsLexer.RBRACE:
                if (open.Peek().Opening is not { } opening)
                {
                    Report(token, Problem.NewUnopened(token.Text));
                    Readable = false;
                }
                else if (Closing(opening) != token.Text)
                {
                    Unclosed(opening, token);
                }
                else
                {
                    Align(opening, token);
                    int depth = open.Pop().Close();
                    open.Peek().Contains(depth);
                }

                break;
            case TokenConstants.EOF:
                if (open.Peek().Opening is { } forgotten)
                {
                    Unclosed(forgotten.Type == LipsLexer.LBRACE ? misaligned ?? forgotten : forgotten, token);
                }

                break;
        }
    }

    /// <summary>
    /// Where braces do not match, the first that was closed by a '}' standing further left than the line it
    /// opened on is the one without its own.
    /// </summary>
    private void Align(IToken opening, IToken closing)
    {
        if (closing.Type == LipsLexer.RBRACE && closing.Line > opening.Line && Leads(closing) && closing.Column < Indentation(opening))
        {
            misaligned ??= opening;
        }
    }

    private bool Leads(IToken token) => before is null || before.Line < token.Line || before.Type == LipsLexer.NL;

    private int Indentation(IToken token)
    {
        int first = token.TokenIndex;
        while (first > 0 && tokens[first - 1].Line == token.Line)
        {
            first--;
        }

        return tokens[first].Type == LipsLexer.WS && first + 1 < tokens.Count ? tokens[first + 1].Column : tokens[first].Column;
    }

    private void Unclosed(IToken opening, IToken instead)
    {
        string place = string.Format(CultureInfo.InvariantCulture, "{0} on line {1}", SyntaxErrors.Describe(instead), instead.Line);
        Report(opening, Problem.NewUnclosed(opening.Text, Closing(opening), place));
        Readable = false;
    }

    private static string Closing(IToken opening) =>
        opening.Type switch { LipsLexer.LPAREN => ")", LipsLexer.LBRACK => "]", _ => "}" };

    private void Depth(IToken token)
    {
        Level level = open.Peek();
        Deepest = Math.Max(Deepest, Math.Max(level.Current, open.Count - 1));
        switch (token.Type)
        {
            case LipsLexer.COMMA or LipsLexer.SEMI or LipsLexer.NL:
                level.Next();
                break;
            case LipsLexer.PLUS or LipsLexer.MINUS or LipsLexer.STAR or LipsLexer.SLASH or LipsLexer.PERCENT or LipsLexer.CARET
                or LipsLexer.LT or LipsLexer.LE or LipsLexer.GT or LipsLexer.GE or LipsLexer.EQ or LipsLexer.NE
                or LipsLexer.AND or LipsLexer.OR or LipsLexer.NOT or LipsLexer.IF or LipsLexer.DOT:
                level.Operator();
                break;
        }

        if (Readable && level.Current > MaxDepth)
        {
            TooDeep(token);
        }
    }

    private void TooDeep(IToken token)
    {
        Report(token, Problem.NewTooDeep(MaxDepth));
        Readable = false;
    }
}
