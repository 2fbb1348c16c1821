using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using Lips.Runtime.Torch;
using Microsoft.CodeAnalysis;
using TorchSharp;
using Xunit;

namespace Lips.Runtime.Tests.Surface;

/// <summary>The TorchSharp API that the project relies on is the committed list, no more and no less.</summary>
public sealed class SurfaceTests
{
    [Fact]
    public void The_provider_offers_exactly_the_listed_signatures()
    {
        string[] offered = PublicSurface.Lines(typeof(torch).Assembly).ToArray();
        string[] missing = ReferenceAssembly.Signatures.Except(offered, StringComparer.Ordinal).ToArray();
        // The packages offer far more; Lips.Torch must not, or code written against it would not build with them.
        string[] unlisted = TorchExtras.ProviderName == "package" ? [] : offered.Except(ReferenceAssembly.Signatures, StringComparer.Ordinal).ToArray();
        if (missing.Length + unlisted.Length == 0) return;
        string received = Path.ChangeExtension(ReferenceAssembly.SignatureFile(), ".received.txt");
        File.WriteAllText(received, string.Join('\n', offered) + "\n", new UTF8Encoding(false));
        Assert.Fail("listed but not offered:\n  " + string.Join("\n  ", missing.Take(20)) + "\noffered but not listed:\n  " + string.Join("\n  ", unlisted.Take(20))
            + "\nIf TorchSharp 0.107 has these signatures: mv tests/Lips.Runtime.Tests/TorchSharp.signatures.received.txt tests/Lips.Runtime.Tests/TorchSharp.signatures.txt");
    }

    [Fact]
    public void The_list_is_sorted_and_holds_no_line_twice() =>
        Assert.Equal(ReferenceAssembly.Signatures.Order(StringComparer.Ordinal).Distinct(), ReferenceAssembly.Signatures);

    [Fact]
    public void The_runtime_compiles_against_the_listed_signatures_alone()
    {
        IReadOnlyList<string> errors = ReferenceAssembly.Errors(RuntimeSources(), assemblyName: "Lips.Runtime.Checked");
        Assert.True(errors.Count == 0, string.Join('\n', errors.Take(20)));
    }

    [Fact]
    public void Code_beyond_the_list_is_caught()
    {
        const string text = "using TorchSharp; static class C { static torch.Tensor F(torch.Tensor x) => x.CALL(); }";
        Assert.Empty(ReferenceAssembly.Errors([("in.cs", text.Replace("CALL", "exp", StringComparison.Ordinal))]));
        Assert.Contains("NoSuchOperator", Assert.Single(ReferenceAssembly.Errors([("out.cs", text.Replace("CALL", "NoSuchOperator", StringComparison.Ordinal))])), StringComparison.Ordinal);
    }

    [Fact]
    public void A_module_written_as_generated_code_is_compiles_against_the_list()
    {
        const string text = """
            using System.Collections.Generic;
            using TorchSharp;
            public sealed partial class Mlp : torch.nn.Module<torch.Tensor, torch.Tensor>
            {
                private readonly TorchSharp.Modules.Linear up;
                private readonly TorchSharp.Modules.Parameter gain;
                public Mlp() : base("Mlp")
                {
                    up = torch.nn.Linear(inputSize: 4, outputSize: 8, hasBias: false);
                    gain = torch.nn.Parameter(torch.ones(size: [8], dtype: torch.float32), requires_grad: true);
                    register_module("up", up);
                    register_parameter("gain", gain);
                }
                public override torch.Tensor forward(torch.Tensor input) => torch.nn.functional.gelu(x: up.call(input), approximate: TorchSharp.Modules.GELU.Approximate.tanh) * gain;
                protected override torch.nn.Module _to(torch.Device device, torch.ScalarType dtype, bool non_blocking) => base._to(device, dtype, non_blocking);
            }
            """;
        Assert.Empty(ReferenceAssembly.Errors([("Mlp.g.cs", text)]));
    }

    /// <summary>The runtime as the packages would compile it: without what reaches past the TorchSharp API, with what generators add.</summary>
    internal static IEnumerable<(string Path, string Text)> RuntimeSources()
    {
        char slash = Path.DirectorySeparatorChar;
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ReferenceAssembly.SignatureFile())!, "..", "..", "runtime", "Lips.Runtime"));
        string[] output = AppContext.BaseDirectory.TrimEnd(slash).Split(slash);
        string generated = Path.Combine(root, "obj", output[^2], output[^1], "generated");
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(path => path.StartsWith(generated, StringComparison.Ordinal)
                || !(path.StartsWith(Path.Combine(root, "obj") + slash, StringComparison.Ordinal) || path.StartsWith(Path.Combine(root, "bin") + slash, StringComparison.Ordinal)))
            .Where(path => !path.EndsWith(".System.cs", StringComparison.Ordinal))
            .Select(path => (path, File.ReadAllText(path)));
    }
}
