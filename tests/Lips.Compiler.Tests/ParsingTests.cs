using System;
using System.IO;
using System.Linq;
using System.Numerics;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Xunit;

namespace Lips.Compiler.Tests;

public class ParsingTests
{
    [Fact]
    public void EverySpecParses()
    {
        Assert.NotEmpty(Repository.Specs);
        foreach (string path in Repository.Specs)
        {
            Assert.NotEmpty(Repository.Parse(File.ReadAllText(path), Path.GetFileName(path)).Declarations);
        }
    }

    [Theory]
    [InlineData("1 - 2 - 3", "((1 - 2) - 3)")]
    [InlineData("1 + 2 * 3", "(1 + (2 * 3))")]
    [InlineData("8 / 4 / 2 % 3", "(((8 / 4) / 2) % 3)")]
    [InlineData("2 ^ 3 ^ 2", "(2 ^ (3 ^ 2))")]
    [InlineData("-2 ^ 2", "-(2 ^ 2)")]
    [InlineData("2 ^ -3 * 4", "((2 ^ -3) * 4)")]
    [InlineData("not a == b", "not (a == b)")]
    [InlineData("not a and b or c and d", "((not a and b) or (c and d))")]
    [InlineData("if a then b else c + d", "(if a then b else (c + d))")]
    [InlineData("if a then b else if c then d else e", "(if a then b else (if c then d else e))")]
    [InlineData("-a[0].b", "-a[0].b")]
    [InlineData("a[0..n + 1][i](", null)]
    [InlineData("a[0..n + 1][i]", "a[0..(n + 1)][i]")]
    [InlineData("f(x, y: 1 + 2, z.w: [1])", "f(x, y: (1 + 2), z.w: [1])")]
    public void OperatorsBindAsDocumented(string written, string? meant)
    {
        string text = "let x = " + written;
        if (meant is null)
        {
            Assert.Contains("LIPS0", Repository.Errors(text), StringComparison.Ordinal);
            return;
        }

        var let = (Syntax.Declaration.LetTop)Assert.Single(Repository.Parse(text).Declarations);
        Assert.Equal(meant, Meaning(let.Item2));
    }

    [Theory]
    [InlineData("12", 12, 1)]
    [InlineData("0.25", 1, 4)]
    [InlineData("1e-3", 1, 1000)]
    [InlineData("2.5E+2", 250, 1)]
    [InlineData("100k", 100_000, 1)]
    [InlineData("4.7G", 4_700_000_000, 1)]
    [InlineData("1.5e-2M", 15_000, 1)]
    [InlineData("007.0", 7, 1)]
    public void NumbersAreExact(string written, long numerator, long denominator)
    {
        var let = (Syntax.Declaration.LetTop)Assert.Single(Repository.Parse("let x = " + written).Declarations);
        var number = (Syntax.ExprNode.Number)let.Item2.Node;
        Assert.Equal(Rational.Create(new BigInteger(numerator), new BigInteger(denominator)), number.value);
        Assert.Equal(written, number.written);
    }

    [Theory]
    [InlineData("a\nb;c", 3)]
    [InlineData("a { b\n c }\n\n;;\nd", 2)]
    [InlineData("f(\n1,\n\n2)\ng", 2)]
    [InlineData("f([\n1\n])\r\ng\r\n", 2)]
    [InlineData("// only a comment", 0)]
    public void StatementsEndAtNewlinesOutsideOfBrackets(string statements, int count)
    {
        var block = (Syntax.Declaration.Block)Assert.Single(Repository.Parse("block B {\n" + statements + "\n}").Declarations);
        Assert.Equal(count, block.Item3.Statements.Length);
    }

    [Fact]
    public void PlacesAreThoseOfTheText()
    {
        const string text = "// 𝕃 ∞\nmodel M in l2 {\n  x = linear(2 *\n    width)\n}\n";
        var model = (Syntax.Declaration.Model)Assert.Single(Repository.Parse(text).Declarations);
        Syntax.Statement statement = Assert.Single(model.Item4.Statements);
        Span span = statement.Span;
        Assert.Equal("x = linear(2 *\n    width)", text.Substring(span.Start, span.Length));
        Assert.Equal((3, 3, 4, 11), (span.Line, span.Column, span.EndLine, span.EndColumn));
    }

    [Fact]
    public void AClaimIsKeptAsWritten()
    {
        Syntax.Spec spec = Repository.Parse("model M in l2 {\n  claim lipschitz(x  ->  y) <=  2 ^ 3 in l2->token // why\n}");
        var model = (Syntax.Declaration.Model)Assert.Single(spec.Declarations);
        var claim = ((Syntax.StatementNode.Claim)Assert.Single(model.Item4.Statements).Node).Item!;
        Assert.Equal("lipschitz(x -> y) <= 2 ^ 3 in l2->token", claim.Written);
        Assert.Equal("token", claim.Norm!.Value.To!.Value.Text);
        Assert.Equal("// why", Assert.Single(spec.Comments).Text);
    }

    /// <summary>An expression with parentheses around every operator.</summary>
    private static string Meaning(Syntax.Expr value) => value.Node switch
    {
        Syntax.ExprNode.Number number => number.written,
        Syntax.ExprNode.Named named => named.name.Text + (named.arguments is null ? "" : "(" + string.Join(", ", named.arguments.Value.Select(Meaning)) + ")"),
        Syntax.ExprNode.List list => "[" + string.Join(", ", list.Item.Select(Meaning)) + "]",
        Syntax.ExprNode.Index index => Meaning(index.Item1) + "[" + Meaning(index.index) + "]",
        Syntax.ExprNode.Slice slice => Meaning(slice.Item1) + "[" + Meaning(slice.first) + ".." + Meaning(slice.last) + "]",
        Syntax.ExprNode.Member member => Meaning(member.Item1) + "." + member.Item2.Text,
        Syntax.ExprNode.Unary unary => (unary.Item1.IsNot ? "not " : "-") + Meaning(unary.Item2),
        Syntax.ExprNode.Binary binary => "(" + Meaning(binary.Item2) + " " + Symbol(binary.Item1) + " " + Meaning(binary.Item3) + ")",
        Syntax.ExprNode.Conditional c => "(if " + Meaning(c.test) + " then " + Meaning(c.whenTrue) + " else " + Meaning(c.whenFalse) + ")",
        Syntax.ExprNode.Group group => Meaning(group.Item),
        _ => throw new ArgumentException("no such expression in these tests: " + value.Node),
    };

    private static string Meaning(Syntax.Argument argument) =>
        (argument.Label is null ? "" : string.Join('.', argument.Label.Value.Parts.Select(p => ((Syntax.PathPart.Field)p).Item.Text)) + ": ")
        + Meaning(argument.Value);

    private static string Symbol(Syntax.Binary operation) => operation.ToString() switch
    {
        "Add" => "+",
        "Subtract" => "-",
        "Multiply" => "*",
        "Divide" => "/",
        "Modulo" => "%",
        "Power" => "^",
        "Equal" => "==",
        string word => word.ToLowerInvariant(),
    };
}
