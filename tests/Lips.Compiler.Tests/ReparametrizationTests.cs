using System.Linq;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>Which weights may be reparametrized, and what the bound at caps says of them.</summary>
public sealed class ReparametrizationTests
{
    private static Compilation Compile(string body) =>
        SpecCompiler.Compile(new SourceText("m.lips", "model M in l2 {\n  input x = features(4, 6, radius: 1)\n" + body + "\n}\n"), _ => null);

    [Theory]
    [InlineData("y = linear(3, reparam: sigma_reparam)", "γ")]
    [InlineData("y = linear(3, reparam: spectral_norm)", "estimate from below")]
    [InlineData("y = linear(3, reparam: weight_norm)", "rows")]
    [InlineData("weights(reparam: sigma_reparam(gain: initial))\n  y = mlp(8)", "'up' is reparametrized")]
    [InlineData("weights(reparam: sigma_reparam(grouping: qk_v))\n  y = attention(2)", "'q' is reparametrized")]
    public void Gamma_is_no_cap_and_the_reason_says_so(string body, string reason)
    {
        Compilation compiled = Compile(body);
        Assert.False(compiled.HasErrors);
        Assert.True(compiled.Models.Single().AtCaps.Single().Item2.IsInfinity);
        Diagnostic information = Assert.Single(compiled.Diagnostics, d => d.Code == "LIPS3002");
        Assert.Contains(reason, information.Message);
        Assert.DoesNotContain("give it one", information.Message);
    }

    [Theory]
    [InlineData("weights(constraint: spectral_cap(1))\n  y = linear(3, reparam: sigma_reparam)", "has a constraint")]
    [InlineData("y = linear(3, init: zero, reparam: spectral_norm)", "starts at zero")]
    public void What_would_mean_nothing_is_refused(string body, string why)
    {
        Diagnostic error = Assert.Single(Compile(body).Diagnostics, DiagnosticModule.isError);
        Assert.Contains(why, error.Message);
    }

    [Fact]
    public void Weights_of_one_group_are_named_alike_and_a_tied_weight_has_none_of_its_own()
    {
        string joint = Compile("y = attention(2, reparam: sigma_reparam)").Models.Single().CSharp;
        Assert.Equal(3, joint.Split("Reparametrization.Sigma(\"y.qkv\", Gain: 1.0)").Length - 1);
        string separate = Compile("y = attention(2, qk.reparam: sigma_reparam(gain: 2, grouping: separate))").Models.Single().CSharp;
        Assert.Contains("Reparametrization.Sigma(\"y.k\", Gain: 2.0)", separate);
        Assert.DoesNotContain("\"y.v\", Gain", separate);
        string tied = SpecCompiler.Compile(new SourceText("m.lips", "model M in rms {\n  input t = tokens(9, 3)\n  weights(reparam: sigma_reparam)\n  words = embedding(4)\n  y = linear(9, bias: false, tie: words)\n}\n"), _ => null).Models.Single().CSharp;
        Assert.DoesNotContain("Reparametrization.", tied);
    }
}
