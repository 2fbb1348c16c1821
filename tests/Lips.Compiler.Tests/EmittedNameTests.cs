using System;
using System.Linq;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>Names that a spec may give and C# or the generated class uses for something else.</summary>
public sealed class EmittedNameTests
{
    public static TheoryData<string> Names { get; } =
    [
        // words of C#, members of a module and of the generated class, locals of its methods, types that it mentions
        "class", "base", "void", "object", "string", "long", "field", "value", "await", "record",
        "forward", "call", "train", "eval", "parameters", "name", "to", "Dispose", "ToString", "GetType", "Equals", "register_module",
        "Weights", "Inputs", "Claims", "Recipe", "Meaning", "AtCaps", "BoundAtCaps", "LipschitzBound", "NormsNeeded", "AllWeights", "AllNorms", "Module", "Name",
        "h", "skip", "norms", "weights", "inputs", "point", "item", "i", "head", "v1", "block", "input_",
        "torch", "TorchSharp", "System", "Lips", "Linear", "Norms", "Weight", "Init", "Constraint", "UpperBound", "Enumerable", "List", "Tensor", "Role", "ILipsModel", "String", "Console", "Generated",
        "M", "m", "x_", "ToX", "FromX", "ToA", "FromA", "_", "__", "a1",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_point_of_any_name_compiles_or_is_refused(string name) =>
        Holds($"model M in l2 {{\n input x = features(4, 8, radius: 1)\n {name} = linear(8)\n z = linear(4)\n claim lipschitz({name} -> z) <= 1000 }}");

    [Theory]
    [MemberData(nameof(Names))]
    public void A_group_of_any_name_compiles_or_is_refused(string name) =>
        Holds($"model M in l2 {{\n input x = features(4, 8, radius: 1)\n {name} = repeat 2 {{ linear(8) }}\n {name}_2 = stack {{ linear(8); relu }}\n Encoder = stack {{ linear(8) }}\n z = linear(4) }}");

    [Theory]
    [MemberData(nameof(Names))]
    public void A_model_of_any_name_compiles_or_is_refused(string name) =>
        Holds($"model {name} in l2 {{\n input x = features(4, 8, radius: 1)\n a = repeat 2 {{ linear(8) }}\n z = linear(4) }}");

    [Theory]
    [MemberData(nameof(Names))]
    public void An_input_of_any_name_compiles_or_is_refused(string name) =>
        Holds($"model M in l2 {{\n input {name} = tokens(65, 8)\n e = embedding(8)\n z = linear(4)\n claim lipschitz(e -> z) <= 1000 }}");

    /// <summary>Either the compiler says that there can be no such class, or C# has nothing to say about it.</summary>
    private static void Holds(string spec)
    {
        // no claim can fail here: what is refused is refused for its name
        Compilation compiled = SpecCompiler.Compile(new SourceText("names.lips", spec.Replace(" <= 1000", " <= 10^300", StringComparison.Ordinal).Replace("in l2 {", "in l2 {\n weights(bias: false, constraint: spectral_cap(1))\n weights of embedding (constraint: row_cap(1))\n", StringComparison.Ordinal)), _ => null);
        if (compiled.HasErrors)
        {
            Assert.All(compiled.Diagnostics.Where(DiagnosticModule.isError), d => Assert.Contains(d.Code, new[] { "LIPS0001", "LIPS1006", "LIPS4001" }));
            return;
        }

        Assert.Equal("", string.Join('\n', EmittedModel.Of(Assert.Single(compiled.Models)).Warnings));
    }
}
