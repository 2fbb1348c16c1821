using System;
using System.Linq;
using Lips.Core;
using Microsoft.FSharp.Core;
using Microsoft.FSharp.Reflection;
using Xunit;

namespace Lips.Compiler.Tests;

public class DiagnosticTests
{
    [Fact]
    public void EveryProblemHasAnExample()
    {
        var cases = FSharpType.GetUnionCases(typeof(Problem), null).Select(c => c.Name).Order();
        var shown = Examples.all.Select(e => FSharpValue.GetUnionFields(e.Item1, typeof(Problem), null).Item1.Name).Order();
        Assert.Equal(cases, shown);
    }

    [Fact]
    public void EveryProblemSaysEnough()
    {
        foreach (var (problem, _) in Examples.all.Select(e => (e.Item1, e.Item2)))
        {
            Description text = ProblemModule.describe(problem);
            Assert.Matches("^LIPS[0-5][0-9]{3}$", text.Code);
            Assert.NotEmpty(text.Title);
            Assert.NotEmpty(text.Message);
            Assert.True(text.Explanation.Length > 20, text.Code);
            Assert.DoesNotContain("''", text.Message, StringComparison.Ordinal);
            Assert.False(text.Title.EndsWith('.') || text.Message.EndsWith('.'), text.Code);
            Assert.True(text.Hint is null || text.Hint.Value[^1] is '.' or '?' or ':', text.Code);
        }
    }

    [Fact]
    public void CodesAreUnique()
    {
        var codes = Examples.all.Select(e => ProblemModule.code(e.Item1)).ToList();
        Assert.Equal(codes.Distinct(), codes);
        Assert.Equal(codes.Order(StringComparer.Ordinal), codes);
    }

    [Fact]
    public void SyntaxExamplesHaveTheirProblem()
    {
        foreach (var (problem, example) in Examples.all.Select(e => (e.Item1, e.Item2)))
        {
            string code = ProblemModule.code(problem);
            if (code.StartsWith("LIPS0", StringComparison.Ordinal) && example.Length > 0)
            {
                string text = example.Replace("((((...))))", new string('(', 300) + "1" + new string(')', 300), StringComparison.Ordinal);
                bool statement = !text.StartsWith("use", StringComparison.Ordinal) && !text.StartsWith("let", StringComparison.Ordinal);
                Assert.Contains("error " + code, Repository.Errors(statement ? "model M in l2 {\n" + text + "\n}" : text), StringComparison.Ordinal);
            }
            else if (!example.Contains("lips train", StringComparison.Ordinal))
            {
                bool top = example.StartsWith("use", StringComparison.Ordinal) || example.StartsWith("block", StringComparison.Ordinal) || example.StartsWith("model", StringComparison.Ordinal);
                Repository.Parse(top ? example : "model M in l2 {\n" + example + "\n}", code);
            }
        }
    }

    [Fact]
    public void ExplanationsAreFoundByCode()
    {
        foreach (string code in Examples.all.Select(e => ProblemModule.code(e.Item1)))
        {
            FSharpOption<string>? text = DiagnosticModule.explain(code.ToLowerInvariant());
            Assert.StartsWith(code + " (", text!.Value, StringComparison.Ordinal);
        }

        Assert.Null(DiagnosticModule.explain("LIPS9999"));
    }

    [Fact]
    public void ThePrintedListIsFresh() => Snapshot.Holds("compiler/DIAGNOSTICS.md", DiagnosticModule.markdown());

    [Fact]
    public void AFindingPointsAtItsPlace()
    {
        const string text = "one\n\ttwo three\r\nfour\n";
        var span = new Span(9, 5, 2, 6, 2, 11);
        Diagnostic one = DiagnosticModule.create("a.lips", span, Problem.NewUnknownLayer("three", Microsoft.FSharp.Collections.ListModule.OfSeq(["thirty", "tree"])));
        Assert.Equal(
            "a.lips(2,6): error LIPS1001: 'three' is neither a layer of the catalogue nor a block of this spec\n"
            + "  2 | \ttwo three\n    | \t    ^^^^^\n  hint: Did you mean 'thirty' or 'tree'?\n",
            DiagnosticModule.render(text, one));
    }

    [Theory]
    [InlineData("atention", "attention")]
    [InlineData("attnetion", "attention")]
    [InlineData("LayerNorm", "layer_norm")]
    [InlineData("gleu", "gelu")]
    [InlineData("lineal_nrom", "")]
    [InlineData("x", "")]
    [InlineData("completely_different", "")]
    public void NearestNamesAreThoseATypingErrorAway(string written, string expected)
    {
        string[] known = ["attention", "layer_norm", "gelu", "relu", "linear", "rms_norm"];
        Assert.Equal(expected, string.Join(' ', Nearest.names(known, written)));
    }

    [Fact]
    public void LongNamesAreNotCompared() => Assert.Empty(Nearest.names([new string('a', 1_000_000)], new string('a', 999_999)));
}
