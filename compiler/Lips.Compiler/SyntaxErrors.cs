using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Antlr4.Runtime;
using Antlr4.Runtime.Misc;
using Lips.Core;
using Lips.Grammar;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace Lips.Compiler;

/// <summary>Turns what the parser stumbles over into findings for people: what was found, what could stand there, what to do.</summary>
internal sealed class SyntaxErrors(string path, StatementRecovery recovery, IReadOnlyList<Diagnostic> before) : BaseErrorListener
{
    private static readonly int[] ValueStarts =
    [
        LipsLexer.NUMBER, LipsLexer.TEXT, LipsLexer.NAME, LipsLexer.TRUE, LipsLexer.FALSE, LipsLexer.IF, LipsLexer.NOT,
        LipsLexer.MINUS, LipsLexer.LPAREN, LipsLexer.LBRACK,
    ];

    private static readonly int[] Operators =
    [
        LipsLexer.PLUS, LipsLexer.MINUS, LipsLexer.STAR, LipsLexer.SLASH, LipsLexer.PERCENT, LipsLexer.CARET, LipsLexer.LT,
        LipsLexer.LE, LipsLexer.GT, LipsLexer.GE, LipsLexer.EQ, LipsLexer.NE, LipsLexer.AND, LipsLexer.OR, LipsLexer.DOT,
        LipsLexer.LPAREN, LipsLexer.LBRACK,
    ];

    private static readonly int[] StatementStarts =
    [
        LipsLexer.INPUT, LipsLexer.WEIGHTS, LipsLexer.LET, LipsLexer.CLAIM, LipsLexer.RECIPE, LipsLexer.FOR, LipsLexer.IF,
        LipsLexer.REPEAT, LipsLexer.FROM, LipsLexer.NAME,
    ];

    private readonly HashSet<int> lines = [.. before.Select(d => d.Span.Line)];
    private readonly List<Diagnostic> found = [];
    private int count;

    internal IReadOnlyList<Diagnostic> Found => found;

    public override void SyntaxError(
        TextWriter output, IRecognizer recognizer, IToken token, int line, int column, string message, RecognitionException exception)
    {
        var parser = (Parser)recognizer;
        // The first error of a line is the one to repair; what follows on it often follows from it.
        if (lines.Add(token.Line))
        {
            found.Add(DiagnosticModule.create(path, Places.Of(token), Explain(parser, token, recovery.Expected(parser))));
        }

        if (++count >= TokenGuard.MaxErrors)
        {
            found.Add(DiagnosticModule.create(path, Places.Of(token), Problem.NewTooManyErrors(TokenGuard.MaxErrors)));
            throw new ParseCanceledException();
        }
    }

    private static Problem Explain(Parser parser, IToken token, IntervalSet possible)
    {
        var expected = new HashSet<int>(possible.ToList());
        IToken? last = token.TokenIndex > 0 ? parser.TokenStream.LT(-1) : null;
        string? hint = Hint(parser, token, last, expected);
        bool afterStatement = last is not null && last.Type != LipsLexer.LBRACE && last.Line == token.Line;
        return Problem.NewUnexpected(Describe(token), ListModule.OfSeq(Words(expected, afterStatement, parser)), Option(hint));
    }

    private static string? Hint(Parser parser, IToken token, IToken? last, HashSet<int> expected)
    {
        bool touching = last is not null && last.StopIndex + 1 == token.StartIndex;
        return token.Type switch
        {
            LipsLexer.ASSIGN when expected.Contains(LipsLexer.COLON) || expected.Contains(LipsLexer.RPAREN) => "Arguments and recipe entries are written 'name: value'.",
            LipsLexer.ASSIGN when expected.Contains(LipsLexer.EQ) => "Equality is written '=='.",
            LipsLexer.COLON when expected.Contains(LipsLexer.ASSIGN) => "Defaults and names are given with '='.",
            LipsLexer.LT or LipsLexer.LE or LipsLexer.GT or LipsLexer.GE or LipsLexer.EQ or LipsLexer.NE when expected.Contains(LipsLexer.AND) =>
                "Comparisons do not chain: write 'a < b and b < c'.",
            LipsLexer.NAME when last?.Type == LipsLexer.NUMBER && touching => "Numbers are written like 1000, 1.5e-3 or 4.7G; a product needs its '*'.",
            LipsLexer.DOT when expected.Contains(LipsLexer.NUMBER) => "Write 0.5, with a digit before the point.",
            LipsLexer.NUMBER when last?.Type == LipsLexer.DOT => "Write 0.5 or 5.0, with digits on both sides of the point.",
            LipsLexer.NL when expected.Contains(LipsLexer.LBRACE) => "The '{' stands on the line of what it belongs to.",
            LipsLexer.NL => "A statement continues on the next line only inside ( ) and [ ].",
            LipsLexer.ELSE => "'else' stands on the line of the '}' before it.",
            LipsLexer.RPAREN or LipsLexer.RBRACK when last?.Type == LipsLexer.COMMA => "Delete the ',' before it.",
            _ when parser.Context is LipsParser.SpecContext && StatementStarts.Contains(token.Type) => "Layers, inputs and claims stand inside 'model NAME { ... }'.",
            _ when IsKeyword(token.Type) && expected.Contains(LipsLexer.NAME) && !expected.Contains(LipsLexer.NL) =>
                "'" + token.Text + "' is a word of the language; it can name an argument, but nothing that is declared.",
            _ => null,
        };
    }

    /// <summary>What may stand somewhere, in the words of the user; operators only where nothing else may.</summary>
    private static IEnumerable<string> Words(HashSet<int> expected, bool afterStatement, Parser parser)
    {
        var words = new List<string>();
        if (expected.Contains(LipsLexer.CLAIM) && expected.Contains(LipsLexer.REPEAT) && !expected.Contains(LipsLexer.THEN))
        {
            expected.ExceptWith(StatementStarts);
            if (!(afterStatement && expected.Contains(LipsLexer.NL)))
            {
                words.Add("a statement");
            }
        }

        if (expected.Contains(LipsLexer.NUMBER) && expected.Contains(LipsLexer.LPAREN))
        {
            words.Add("a value");
            expected.ExceptWith(ValueStarts);
            expected.RemoveWhere(IsKeyword);
        }

        if (expected.Contains(LipsLexer.NAME) && expected.Contains(LipsLexer.THEN))
        {
            expected.RemoveWhere(IsKeyword);
        }

        // After a value an operator may always follow: that is said only where nothing else may.
        if (expected.Contains(LipsLexer.PLUS) && (words.Count > 0 || expected.Any(type => !Operators.Contains(type))))
        {
            expected.ExceptWith(Operators);
        }

        if (expected.Remove(LipsLexer.SEMI) | expected.Remove(LipsLexer.NL))
        {
            expected.Add(LipsLexer.NL);
        }

        words.AddRange(expected.OrderBy(type => type).Select(type => Word(type, parser)));
        return words;
    }

    private static string Word(int type, Parser parser) => type switch
    {
        TokenConstants.EOF => "the end of the file",
        LipsLexer.NAME => "a name",
        LipsLexer.NUMBER => "a number",
        LipsLexer.TEXT => "a text",
        LipsLexer.NL => "a new line",
        _ => parser.Vocabulary.GetDisplayName(type),
    };

    private static bool IsKeyword(int type) => type is >= LipsLexer.USE and <= LipsLexer.FALSE;

    /// <summary>A token as the user knows it.</summary>
    internal static string Describe(IToken token) => token.Type switch
    {
        TokenConstants.EOF => "the end of the file",
        LipsLexer.NL => "the end of the line",
        LipsLexer.NUMBER => "the number " + Shortened(token.Text),
        LipsLexer.TEXT => "the text " + Shortened(token.Text),
        _ => "'" + Shortened(token.Text) + "'",
    };

    internal static string Shortened(string text) => text.Length <= 40 ? text : text.Substring(0, 37) + "...";

    /// <summary>What to say of a character that belongs to no word of the language.</summary>
    internal static Problem Stray(IToken token)
    {
        char character = token.Text[0];
        string name = char.IsControl(character) || char.IsWhiteSpace(character) || char.IsSurrogate(character)
            ? "U+" + ((int)character).ToString("X4", System.Globalization.CultureInfo.InvariantCulture)
            : "'" + character + "'";
        string? hint = character switch
        {
            '\'' or '“' or '”' or '„' or '‘' or '’' => "Texts stand between \" and \".",
            '–' or '—' or '−' => "Write the minus sign as -.",
            '×' or '·' => "Write a product as *.",
            '≤' => "Write <=.",
            '≥' => "Write >=.",
            '≠' or '!' => "Write 'not' or '!='.",
            '#' => "Comments begin with //.",
            '&' => "Write 'and'.",
            '|' => "Write 'or'.",
            '\r' => "Lines end with a newline character.",
            _ when char.IsWhiteSpace(character) => "Use plain spaces.",
            _ => null,
        };
        return Problem.NewStrayCharacter(name, Option(hint));
    }

    private static FSharpOption<string>? Option(string? text) => text is null ? null : FSharpOption<string>.Some(text);
}
