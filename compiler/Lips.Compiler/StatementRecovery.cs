using Antlr4.Runtime;
using Antlr4.Runtime.Atn;
using Antlr4.Runtime.Misc;
using Lips.Grammar;

namespace Lips.Compiler;

/// <summary>
/// After an error, reading goes on at the next statement: what is left of this one would only be blamed for
/// the same mistake. Nothing is ever deleted or inserted in the midst of a statement, so that the parser
/// never sees anything nested more deeply than <see cref="TokenGuard"/> has counted.
/// </summary>
internal sealed class StatementRecovery : DefaultErrorStrategy
{
    // Where the parser first had a choice at the current token: there the list of what could stand is longest.
    private int choiceIndex = -1;
    private int choiceState;
    private ParserRuleContext? choiceContext;

    public override void Reset(Parser recognizer)
    {
        choiceIndex = -1;
        base.Reset(recognizer);
    }

    public override void Sync(Parser recognizer)
    {
        if (InErrorRecoveryMode(recognizer))
        {
            return;
        }

        ATNState state = recognizer.Interpreter.atn.states[recognizer.State];
        ITokenStream input = recognizer.TokenStream;
        IntervalSet next = recognizer.Atn.NextTokens(state);
        if (next.Contains(input.LA(1)))
        {
            return;
        }

        if (next.Contains(TokenConstants.EPSILON))
        {
            if (choiceIndex != input.Index)
            {
                choiceIndex = input.Index;
                choiceState = recognizer.State;
                choiceContext = recognizer.Context;
            }

            return;
        }

        var error = new InputMismatchException(recognizer);
        if (recognizer.Context is not (LipsParser.SpecContext or LipsParser.BodyContext or LipsParser.RecipeContext))
        {
            throw error;
        }

        // Between statements: leaving the list would cost all that follow.
        ReportError(recognizer, error);
        Recover(recognizer, error);
    }

    public override IToken RecoverInline(Parser recognizer) => throw new InputMismatchException(recognizer);

    /// <summary>Skips to the end of the statement, with the braces that belong to it.</summary>
    public override void Recover(Parser recognizer, RecognitionException error)
    {
        ITokenStream input = recognizer.TokenStream;
        for (int braces = 0; ; input.Consume())
        {
            switch (input.LA(1))
            {
                case TokenConstants.EOF:
                case LipsLexer.RBRACE when braces == 0:
                case LipsLexer.NL or LipsLexer.SEMI when braces == 0 && !BodyFollows(input):
                    return;
                case LipsLexer.LBRACE:
                    braces++;
                    break;
                case LipsLexer.RBRACE:
                    braces--;
                    break;
            }
        }
    }

    /// <summary>A brace on the next line belongs to the statement that it was put below.</summary>
    private static bool BodyFollows(ITokenStream input)
    {
        int ahead = 1;
        while (input.LA(ahead) == LipsLexer.NL)
        {
            ahead++;
        }

        return input.LA(ahead) == LipsLexer.LBRACE;
    }

    /// <summary>All that could stand at the current token.</summary>
    internal IntervalSet Expected(Parser recognizer) =>
        choiceContext is not null && choiceIndex == recognizer.TokenStream.Index
            ? recognizer.Atn.GetExpectedTokens(choiceState, choiceContext)
            : recognizer.GetExpectedTokens();
}
