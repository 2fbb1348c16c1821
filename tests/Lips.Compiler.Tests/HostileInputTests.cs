using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>No text whatever makes the first stage throw, hang, overflow the stack or fill memory.</summary>
public class HostileInputTests
{
    private const int Many = 100_000;

    // What Windows gives a thread.
    private const int SmallStack = 1024 * 1024;

    public static TheoryData<string, string> Nested { get; } = new()
    {
        { "parentheses", "let a = " + Repeat("(") + "1" + Repeat(")") },
        { "open parentheses", "let a = " + Repeat("(") },
        { "lists", "let a = " + Repeat("[") + Repeat("]") },
        { "calls", "let a = " + Repeat("f(") + Repeat(")") },
        { "labels", "let a = " + Repeat("f(a: ") + Repeat(")") },
        { "indices", "let a = " + Repeat("a[") + Repeat("]") },
        { "chained indices", "let a = a" + Repeat("[0]") },
        { "members", "let a = a" + Repeat(".b") },
        { "minus signs", "let a = " + Repeat("-") + "1" },
        { "nots", "let a = " + Repeat("not ") + "b" },
        { "powers", "let a = " + Repeat("2^") + "2" },
        { "sums", "let a = " + Repeat("1+") + "1" },
        { "products", "let a = " + Repeat("1*") + "1" },
        { "ands", "let a = " + Repeat("b and ") + "b" },
        { "comparisons", "let a = " + Repeat("b < ") + "b" },
        { "conditions", "let a = " + Repeat("if true then 1 else ") + "1" },
        { "conditions within", "let a = " + Repeat("if true then ") + "1" },
        { "tests", "let a = " + Repeat("if ") + "1" },
        { "bodies", "model M in l2 " + Repeat("{ residual ") + Repeat("}") },
        { "repeats", "model M in l2 {" + Repeat("repeat 2 {") + Repeat("}") + "}" },
        { "else ifs", "model M in l2 { if a { b }" + Repeat(" else if a { b }") + "}" },
        { "paths", "model M in l2 { from a" + Repeat("[a") + Repeat("]") + " { } }" },
    };

    public static TheoryData<string, string> Broken { get; } = new()
    {
        { "minus signs between commas", "let a = " + Repeat("-,") },
        { "minus signs on lines", "let a = " + Repeat("-\n") },
        { "conditions between commas", "let a = " + Repeat("if true then ,") },
        { "statements without end", "model M in l2 { " + Repeat("x = ") + " }" },
        { "commas", Repeat(",") },
        { "quotation marks", Repeat("\"") + "x" },
        { "text without end", "use \"" + Repeat("x") },
        { "stray characters", Repeat("$ ") },
        { "nul characters", Repeat("\0") },
        { "lone surrogates", Repeat("\uDC00\n") },
        { "carriage returns", Repeat("\r") },
        { "keywords", Repeat("model ") },
        { "labels without values", "let a = f(" + Repeat("if:") + ")" },
        { "dots", "let a = f(if" + Repeat(".x") + ")" },
        { "digits", "let a = " + Repeat("9") },
        { "exponent", "let a = 1e" + Repeat("9") },
        { "closing brackets", Repeat(")") },
        { "errors on lines", Repeat("=\n") },
        { "escapes", "use \"" + Repeat("\\x") + "\"" },
        { "unterminated escapes", Repeat("\"\\\n") },
    };

    public static TheoryData<string, string> Long { get; } = new()
    {
        { "statements", "model M in l2 { " + Repeat("a;") + "}" },
        { "list", "let a = [" + Repeat("1,") + "1]" },
        { "arguments", "let a = f(" + Repeat("1,") + "1)" },
        { "comments", Repeat("//\n") },
        { "newlines", Repeat("\n") },
        { "semicolons", Repeat(";") },
        { "name", "let " + Repeat("x") + " = 1" },
        { "powers of ten", "let a = [" + Times("1e-4096,", 30_000) + "1]" },
        { "spaces", Repeat(" ") },
        { "recipe", "model M in l2 { recipe {" + Times("a:1;", 50_000) + "} }" },
    };

    [Theory]
    [MemberData(nameof(Nested))]
    public void NestingIsAnError(string name, string text)
    {
        IReadOnlyList<Diagnostic> found = OnASmallStack(text);
        Assert.True(found.Count > 0, name);
        Assert.All(found, d => Assert.True(d.Code is "LIPS0004" or "LIPS0008", name + ": " + d.Message));
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void BrokenTextIsAnError(string name, string text)
    {
        IReadOnlyList<Diagnostic> found = OnASmallStack(text);
        Assert.True(found.Count is > 0 and <= 202, name);
    }

    [Theory]
    [MemberData(nameof(Long))]
    public void LongTextIsRead(string name, string text) => Assert.True(OnASmallStack(text).Count == 0, name);

    [Fact]
    public void TheDeepestAllowedTextsAreReadAndPrinted()
    {
        string[] deepest =
        [
            "let a = " + new string('(', 250) + "1" + new string(')', 250),
            "let a = " + Times("f(a: ", 250) + "1" + new string(')', 250),
            "let a = " + Times("if not -(", 60) + "1" + Times(") then 1 else 1", 60),
            "let a = " + new string('-', 250) + "1",
            "let a = " + Times("2 ^ ", 250) + "2",
            "let a = " + Times("1 + ", 250) + "1",
            "model M in l2 " + Times("{ residual ", 120) + "{ relu }" + Times(" }", 120),
        ];
        foreach (string text in deepest)
        {
            Assert.Empty(OnASmallStack(text));
        }
    }

    [Fact]
    public void ALargeFileIsNotRead()
    {
        var (source, fromBytes) = SourceReader.Read("large.lips", new byte[50 * 1024 * 1024]);
        Assert.Null(source);
        Assert.Equal("LIPS0005", Assert.Single(fromBytes).Code);
        var (spec, fromText) = Parsing.Parse(new SourceText("large.lips", new string('a', 50 * 1024 * 1024)));
        Assert.Null(spec);
        Assert.Equal("LIPS0005", Assert.Single(fromText).Code);
    }

    [Theory]
    [InlineData(new byte[] { 0xFF }, 0)]
    [InlineData(new byte[] { 0x61, 0x80 }, 1)]
    [InlineData(new byte[] { 0x61, 0xC3 }, 1)]
    [InlineData(new byte[] { 0xC0, 0xAF }, 0)]
    [InlineData(new byte[] { 0xE0, 0x80, 0x80 }, 0)]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 }, 0)]
    [InlineData(new byte[] { 0xF4, 0x90, 0x80, 0x80 }, 0)]
    [InlineData(new byte[] { 0x0A, 0xE2, 0x88, 0x41 }, 1)]
    public void InvalidUtf8IsAnErrorAtItsFirstByte(byte[] bytes, int offset)
    {
        var (source, found) = SourceReader.Read("a.lips", bytes);
        Assert.Null(source);
        Diagnostic one = Assert.Single(found);
        Assert.Equal("LIPS0006", one.Code);
        Assert.Contains("offset " + offset + " ", one.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValidUtf8IsReadWithoutItsMark()
    {
        string text = "// α ∞ 𝕃\n";
        var (source, found) = SourceReader.Read("a.lips", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)]);
        Assert.Empty(found);
        Assert.Equal(text, source!.Value.Text);
    }

    [Fact]
    public void NoMutationOfASpecEscapesItsDiagnostics()
    {
        int rejected = 0;
        int count = 0;
        foreach ((string name, string text) in Mutations.Corpus())
        {
            count++;
            var (spec, found) = Parsing.Parse(new SourceText("mutated.lips", text));
            Assert.True((spec is null) == found.Any(DiagnosticModule.isError), name);
            foreach (Diagnostic d in found)
            {
                Assert.True(d.Message.Length > 0 && d.Span.Line >= 1 && d.Span.Start + d.Span.Length <= text.Length, name + ": " + d.Message);
                Assert.StartsWith("mutated.lips(", DiagnosticModule.render(text, d), StringComparison.Ordinal);
            }

            if (spec is null)
            {
                rejected++;
                continue;
            }

            string printed = Format.print(spec.Value);
            Assert.True(printed == Format.print(Repository.Parse(printed)), name);
        }

        // A mutation that changed nothing tests nothing.
        Assert.True(count >= 3000 && rejected > count / 2, rejected + " of " + count + " rejected");
    }

    [Fact]
    public void NoMutationOfASpecEscapesTheCompiler()
    {
        foreach ((string name, string text) in Mutations.Corpus())
        {
            Compilation compiled = Compile(text, name);
            Assert.True(compiled.Models.IsEmpty || !compiled.Diagnostics.Any(d => d.Code[4] < '3' && DiagnosticModule.isError(d)), name);
        }
    }

    [Theory]
    [InlineData("for i in 0..10^12 { linear(width) }", "LIPS1012")]
    [InlineData("let a = 2^(10^9)", "LIPS1013")]
    [InlineData("let a = 2^(2^(2^(2^(2^2))))", "LIPS1013")]
    [InlineData("let a = 10^4096 * 10^4096 * 10^4096 * 10^4096 * 10^4096 * 10^4096", "LIPS1013")]
    [InlineData("linear(10^300)", "LIPS1")]
    [InlineData("linear(1 / (width - width))", "LIPS1015")]
    public void WhatWouldGrowWithoutEndIsAnError(string statement, string code)
    {
        Compilation compiled = Compile("model M in l2 {\n  input x = features(8, 16)\n  " + statement + "\n  linear(10)\n}\n", statement);
        Assert.Contains(compiled.Diagnostics, d => d.Code.StartsWith(code, StringComparison.Ordinal));
        Assert.Empty(compiled.Models);
    }

    [Theory]
    [InlineData("repeat 10^12 { linear(width) }")]
    [InlineData("repeat 10^12 { repeat 10^12 { repeat 10^12 { linear(width) } } }")]
    [InlineData("repeat 10^12 as i { linear(width + i) }")]
    [InlineData("residual(convex(10^4000)) { linear(width, constraint: rms_cap(10^4000)) }")]
    public void CompilingEnds(string statement)
    {
        Compilation compiled = Compile("model M in l2 {\n  input x = features(8, 16)\n  " + statement + "\n}\n", statement);
        Assert.Equal(compiled.Models.IsEmpty, compiled.Diagnostics.Any(DiagnosticModule.isError));
    }

    private static Compilation Compile(string text, string name)
    {
        Task<Compilation> task = Task.Run(() => SpecCompiler.Compile(new SourceText("hostile.lips", text), _ => null));
        Assert.True(task.Wait(TimeSpan.FromMinutes(2)), name + ": compiling does not end");
        return task.Result;
    }

    /// <summary>What is found in a text, by a thread with little stack; what is accepted is also printed there.</summary>
    private static IReadOnlyList<Diagnostic> OnASmallStack(string text)
    {
        IReadOnlyList<Diagnostic> found = [];
        Exception? thrown = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    var (spec, diagnostics) = Parsing.Parse(new SourceText("hostile.lips", text));
                    found = [.. diagnostics];
                    if (spec is not null)
                    {
                        Format.print(spec.Value);
                    }
                }
                catch (Exception e)
                {
                    thrown = e;
                }
            },
            SmallStack);
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromMinutes(2)), "reading does not end");
        Assert.Null(thrown);
        Assert.DoesNotContain(found, d => d.Code == "LIPS0005");
        return found;
    }

    /// <summary>10^5 times, or as often as twice of it still fits into a file that is read.</summary>
    private static string Repeat(string text) => Times(text, Math.Min(Many, (SourceReader.MaxBytes / 2 - 64) / Encoding.UTF8.GetByteCount(text)));

    private static string Times(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
}
