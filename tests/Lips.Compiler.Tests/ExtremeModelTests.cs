using System;
using System.Linq;
using System.Threading.Tasks;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>Models beyond any machine: numbers that leave 64 bits, and more layers than anyone writes.</summary>
public sealed class ExtremeModelTests
{
    [Theory]
    [InlineData("input x = features(10^18, 10^18)\n linear(10)")]
    [InlineData("input x = features(2^31 - 1, 2^31 - 1)\n flatten")]
    [InlineData("input x = image(3, 2^31 - 1, 2^31 - 1)\n flatten")]
    [InlineData("input x = image(10^18, 10^18, 10^18)\n conv2d(8, kernel: 3)")]
    [InlineData("input x = tokens(10^18, 10^18)\n embedding(10)")]
    [InlineData("input x = tokens(2^31 - 1, 16)\n embedding(2^31 - 1)")]
    [InlineData("input x = features(16, 8)\n linear(10^18)")]
    [InlineData("input x = features(1, 2^31 - 1)\n linear(2^31 - 1)")]
    [InlineData("input x = features(16, 8)\n mlp(10^18)")]
    [InlineData("input x = features(16, 8)\n mlp(ratio: 10^300)")]
    [InlineData("input x = features(16, 2^30)\n attention(2)")]
    [InlineData("input x = features(16, 8)\n attention(10^18)")]
    [InlineData("input x = features(16, 8)\n attention(0)")]
    [InlineData("input x = features(16, 8)\n attention(-4)")]
    [InlineData("input x = features(0, 8)\n relu")]
    [InlineData("input x = features(-5, 8)\n relu")]
    [InlineData("input x = image(3, 8, 8)\n conv2d(16, kernel: 2^31 - 1, padding: 2^31 - 1)")]
    [InlineData("input x = image(3, 8, 8)\n conv2d(16, kernel: 10^18, dilation: 10^18)")]
    [InlineData("input x = image(3, 8, 8)\n conv2d(16, kernel: 3, stride: 0)")]
    [InlineData("input x = image(3, 8, 8)\n conv2d(16, kernel: 3, groups: 0)")]
    [InlineData("input x = image(3, 8, 8)\n patchify(0, 16)")]
    [InlineData("input x = image(3, 8, 8)\n patchify(10^19, 16)")]
    [InlineData("input x = features(16, 8)\n repeat -3 { relu }")]
    [InlineData("input x = features(16, 8)\n repeat 10^30 { relu }")]
    [InlineData("input x = features(16, 8)\n for i in -10^18..10^18 { relu }")]
    [InlineData("input x = features(16, 8)\n repeat 64 as i { linear(2 * width) }")]
    [InlineData("input x = features(16, 8)\n for i in 0..4096 { linear(2 ^ i) }")]
    [InlineData("input x = features(16, 8)\n linear(8)\n claim radius(x[10^30]) <= 1")]
    public void What_no_machine_holds_is_an_error(string body)
    {
        Compilation compiled = Compile(body);
        Assert.True(compiled.HasErrors, body);
        Assert.Empty(compiled.Models);
        Assert.All(compiled.Diagnostics, d => Assert.NotEqual(0, d.Span.Line));
    }

    [Theory]
    [InlineData("for i in 0..3000 { linear(width) }")]
    [InlineData("for i in 0..2000 { residual { linear(width); relu } }")]
    [InlineData("repeat 200 as i { repeat 10 as j { linear(8 + (i + j) % 2) } }")]
    [InlineData("for i in 0..30000 { relu }")]
    public void Many_layers_are_compiled(string statement)
    {
        Compilation compiled = Compile("input x = features(4, 8, radius: 1)\n weights(constraint: spectral_cap(1), bias: false)\n " + statement);
        Assert.False(compiled.HasErrors, string.Join('\n', compiled.Diagnostics.Select(d => d.Message)));
        Assert.NotEmpty(Assert.Single(compiled.Models).CSharp);
    }

    [Fact]
    public void Long_lists_are_read_item_by_item()
    {
        string list = "let d = [" + string.Join(',', Enumerable.Repeat("8", 20000)) + "]\n";
        Compilation compiled = SpecCompiler.Compile(
            new SourceText("extreme.lips", list + "model M in l2 {\n input x = features(4, 8)\n for i in 0..len(d) { if d[i] > 9 { relu } }\n linear(8)\n}"), _ => null);
        Assert.False(compiled.HasErrors);
    }

    [Theory]
    [InlineData(10, "1e1000")]
    [InlineData(100, "10^4000")]
    public void A_bound_of_any_size_is_a_bound(int repeats, string cap)
    {
        Compilation compiled = Compile($"input x = features(4, 8, radius: 1)\n repeat {repeats} {{ linear(8, bias: false, constraint: spectral_cap({cap})) }}\n y = linear(8, bias: false, constraint: spectral_cap(1))");
        Assert.False(compiled.HasErrors);
        Upper bound = Assert.Single(compiled.Models).AtCaps[0].Item2;
        Assert.False(bound.IsInfinity);
        Assert.Equal(repeats == 10 ? "1.00001e10000" : "1e400001", UpperText.toDecimal(6, bound));
    }

    private static Compilation Compile(string body)
    {
        Task<Compilation> task = Task.Run(() => SpecCompiler.Compile(new SourceText("extreme.lips", "model M in l2 {\n " + body + "\n}\n"), _ => null));
#pragma warning disable xUnit1031 // a compiler that hangs has to be left behind
        Assert.True(task.Wait(TimeSpan.FromMinutes(2)), "compiling does not end: " + body);
        return task.Result;
#pragma warning restore xUnit1031
    }
}
