using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using Antlr4.Runtime;
using Antlr4.Runtime.Atn;
using Antlr4.Runtime.Misc;
using Lips.Core;
using Lips.Grammar;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace Lips.Compiler;

/// <summary>The first stage: text to syntax. Takes any text whatever, in linear time, and never throws.</summary>
public static class Parsing
{
    // Far deeper than a spec written by hand; any thread has the stack for it.
    private const int ShallowDepth = 32;

    /// <summary>The syntax of a spec, or none and at least one error. All errors of the stage are found at once, in the order of the text.</summary>
    public static (FSharpOption<Syntax.Spec>? Spec, FSharpList<Diagnostic> Diagnostics) Parse(SourceText source)
    {
        var found = new List<Diagnostic>();
        Syntax.Spec? spec = null;
        long bytes = source.Text.Length > SourceReader.MaxBytes ? source.Text.Length : Encoding.UTF8.GetByteCount(source.Text);
        if (bytes > SourceReader.MaxBytes)
        {
            found.Add(DiagnosticModule.create(source.Path, Places.FileStart, Problem.NewFileTooLarge(bytes, SourceReader.MaxBytes)));
        }
        else
        {
            spec = Read(source, found);
        }

        FSharpList<Diagnostic> diagnostics = DiagnosticModule.sort(ListModule.OfSeq(found));
        return (spec is null || diagnostics.Any(DiagnosticModule.isError) ? null : FSharpOption<Syntax.Spec>.Some(spec), diagnostics);
    }

    private static Syntax.Spec? Read(SourceText source, List<Diagnostic> found)
    {
        // Not a stream of code points: places are counted in UTF-16 units.
        var lexer = new LipsLexer(new AntlrInputStream(source.Text));
        lexer.RemoveErrorListeners();
        var tokens = new CommonTokenStream(lexer);
        tokens.Fill();
        IList<IToken> all = tokens.GetTokens();
        var guard = new TokenGuard(all, source.Path);
        guard.Check();
        found.AddRange(guard.Found);
        if (!guard.Readable)
        {
            return null;
        }

        return guard.Deepest <= ShallowDepth ? Tree(source, tokens, guard, found) : RoomyStack.Run(() => Tree(source, tokens, guard, found));
    }

    private static Syntax.Spec? Tree(SourceText source, CommonTokenStream tokens, TokenGuard guard, List<Diagnostic> found)
    {
        try
        {
            LipsParser.SpecContext? tree = Quietly(tokens);
            if (tree is null)
            {
                Explain(tokens, source.Path, guard.Found, found);
            }

            return tree is null ? null : new SyntaxBuilder(source, tokens.GetTokens(), found).Build(tree);
        }
        catch (InsufficientExecutionStackException)
        {
            // The guard bounds the depth, but the caller may have left no room even for that.
            found.Add(DiagnosticModule.create(source.Path, Places.FileStart, Problem.NewTooDeep(TokenGuard.MaxDepth)));
            return null;
        }
    }

    /// <summary>The tree of a text without errors, by the cheaper prediction; otherwise none.</summary>
    private static LipsParser.SpecContext? Quietly(CommonTokenStream tokens)
    {
        var parser = new GuardedParser(tokens) { ErrorHandler = new BailErrorStrategy() };
        parser.RemoveErrorListeners();
        parser.Interpreter.PredictionMode = PredictionMode.SLL;
        try
        {
            return parser.spec();
        }
        catch (ParseCanceledException)
        {
            return null;
        }
    }

    /// <summary>Reads a text that has errors once more, for all of them.</summary>
    private static void Explain(CommonTokenStream tokens, string path, IReadOnlyList<Diagnostic> before, List<Diagnostic> found)
    {
        tokens.Seek(0);
        var recovery = new StatementRecovery();
        var parser = new GuardedParser(tokens) { ErrorHandler = recovery, BuildParseTree = false };
        var errors = new SyntaxErrors(path, recovery, before);
        parser.RemoveErrorListeners();
        parser.AddErrorListener(errors);
        parser.Interpreter.PredictionMode = PredictionMode.LL;
        try
        {
            parser.spec();
        }
        catch (ParseCanceledException)
        {
            // After too many errors: the listener has said so.
        }

        found.AddRange(errors.Found);
    }

    private sealed class GuardedParser(ITokenStream tokens) : LipsParser(tokens)
    {
        public override void EnterRule(ParserRuleContext context, int state, int rule)
        {
            RuntimeHelpers.EnsureSufficientExecutionStack();
            base.EnterRule(context, state, rule);
        }
    }
}
