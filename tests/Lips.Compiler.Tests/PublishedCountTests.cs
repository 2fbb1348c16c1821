using System;
using System.Globalization;
using System.Linq;
using System.Numerics;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>
/// Parameters and multiply–adds of the field's models as published. Parameters are exact where the publication is, else equal to
/// its printed digits; multiply–adds agree with the printed figure to 0.5 %, or to its last digit where that is coarser. One rule
/// counts all: multiply–adds of linear maps, convolutions, QKᵀ and AV; nothing for biases, norms, softmax and activations.
/// </summary>
public sealed class PublishedCountTests
{
    /// <summary>spec, model (the only one when null), parameters set, published parameters, published multiply–adds</summary>
    public static TheoryData<string, string?, string[], string, string?> Published => new()
    {
        { "baselines/gpt", null, [], "124439808", null },
        { "baselines/vit", null, [], "86567656", "17.6G" },
        { "baselines/deit", null, [], "5717416", null },
        { "baselines/deit", null, ["width=384", "heads=6"], "22050664", null },
        { "enforced/shakespeare", null, [], "2392576", null },
        { "enforced/cifar-mlp", null, [], "854528", null },
        { "enforced/nanogpt", null, [], "162165504", null },
        { "conv-stem/vit-p-1gf", null, [], "4830376", "1.1G" },
        { "conv-stem/vit-p-4gf", null, [], "18507112", "3.9G" },
        { "conv-stem/vit-p-18gf", null, [], "86.6M", "17.5G" },
        { "conv-stem/vit-p-36gf", null, [], "178.4M", "35.9G" },
        { "conv-stem/vit-c-1gf", null, [], "4567936", "1.1G" },
        { "conv-stem/vit-c-4gf", null, [], "17754136", "4.0G" },
        { "conv-stem/vit-c-18gf", null, [], "81.6M", "17.7G" },
        { "conv-stem/vit-c-36gf", null, [], "167796008", "35.0G" },
        { "swin/swin-tiny", null, [], "28288354", "4.49G" },
        { "swin/swin-tiny", null, ["depths=[2, 2, 18, 2]"], "49606258", "8.7G" },
        { "swin/swin-tiny", null, ["embed=128", "depths=[2, 2, 18, 2]", "heads=[4, 8, 16, 32]"], "87768224", "15.4G" },
        { "swin/cswin-tiny", null, [], "22.3M", "4.32G" },
        { "lipsformer/swin-tiny", null, [], "30908578", "4.98G" },
        { "lipsformer/swin-tiny-paper", null, [], "30908578", "4.98G" },
        { "lipsformer/swin-tiny-enforced", null, [], "30908578", "4.98G" },
        // the depths of the authors' first release
        { "lipsformer/swin-tiny", null, ["depths=[2, 2, 5, 2]"], "28944310", "4.59G" },
        // 23,780,136 are published; 12,416 of them belong to a norm that is built and never called
        { "lipsformer/cswin-tiny", null, [], "23767720", "4.67G" },
        { "distillation/nkd", "Teacher", [], "22050664", null },
        { "distillation/nkd", "Student", [], "5717416", null },
        { "distillation/uskd", null, [], "5717416", null },
        // no count is published for these: 12 d² + 13 d a block without its norms, and so on, by hand
        { "sigma-reparam/vit-b16", null, [], "86529256", "17.6G" },
        { "sigma-reparam/language-model", null, [], "124401408", null },
        { "sigma-reparam/translation", null, [], "60915712", null },
        { "sigma-reparam/translation", null, ["depth=100"], "752418816", null },
        { "sigma-reparam/speech", null, [], "255616541", null },
    };

    [Theory]
    [MemberData(nameof(Published))]
    public void Counts_are_those_published(string spec, string? name, string[] set, string parameters, string? macs)
    {
        string path = $"specs/{spec}.lips";
        var overrides = set.Select(s => (s[..s.IndexOf('=')], s[(s.IndexOf('=') + 1)..])).ToList();
        Compilation compiled = SpecCompiler.Compile(Specs.Source(path), Specs.Bytes, overrides);
        Assert.True(!compiled.HasErrors, string.Concat(compiled.Diagnostics.Select(d => DiagnosticModule.render(compiled.Source.Text, d))));
        CompiledModel model = compiled.Models.Single(m => name is null || m.Resolved.Model.Name == name);
        if (parameters.EndsWith('M'))
            Assert.Equal(parameters, ((double)model.Parameters / 1e6).ToString("F1", CultureInfo.InvariantCulture) + "M");
        else
            Assert.Equal(BigInteger.Parse(parameters, CultureInfo.InvariantCulture), model.Parameters);
        if (macs is not null)
        {
            double printed = double.Parse(macs[..^1], CultureInfo.InvariantCulture), counted = (double)model.Macs / 1e9;
            double digit = Math.Pow(10, -(macs.Length - 2 - macs.IndexOf('.'))) / 2;
            Assert.InRange(counted, printed - Math.Max(digit, 0.005 * printed), printed + Math.Max(digit, 0.005 * printed));
        }
    }

    /// <summary>A count claimed as a number is that of the declared parameters; one claimed as a formula holds of any.</summary>
    [Fact]
    public void A_plain_count_is_not_claimed_of_other_parameters()
    {
        const string spec = "model M(width = 4) in l2 {\n  input x = features(1, 3)\n  linear(width, bias: false)\n  claim parameters == 12\n  claim parameters == 3 * width\n}\n";
        Compilation Compile(params (string, string)[] set) => SpecCompiler.Compile(new SourceText("m.lips", spec), _ => null, set.ToList());
        Assert.Equal(2, Compile().Models.Single().Verdicts.Count(v => v.Item3));
        Compilation other = Compile(("width", "5"));
        Assert.False(other.HasErrors);
        Assert.Equal(["parameters == 3 * width"], other.Models.Single().Verdicts.Select(v => v.Item1.Written));
        Assert.True(SpecCompiler.Compile(new SourceText("m.lips", spec.Replace("== 12", "== 11", StringComparison.Ordinal)), _ => null).HasErrors);
    }
}
