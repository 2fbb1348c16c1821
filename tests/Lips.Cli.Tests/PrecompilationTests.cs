using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>What publishing does to the assemblies of F#.</summary>
public sealed class PrecompilationTests : CommandLine
{
    [Theory]
    [InlineData("FSharp.Core.dll")]
    [InlineData("Lips.Core.dll")]
    public void Types_without_a_static_constructor_are_marked_and_nothing_else_is_touched(string assembly)
    {
        byte[] before = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, assembly));
        Precompilation.Program.Main(["marked", Path.Combine(AppContext.BaseDirectory, assembly)]);
        byte[] after = File.ReadAllBytes(Path.Combine("marked", assembly));

        var (types, marked) = (Types(before), Types(after));
        Assert.Equal(types.Select(t => t.Name), marked.Select(t => t.Name));
        foreach (var (type, mark) in types.Zip(marked))
            Assert.True(mark.Flags == (type.HasStaticConstructor ? type.Flags : type.Flags | TypeAttributes.BeforeFieldInit), type.Name);
        int changed = types.Zip(marked).Count(pair => pair.First.Flags != pair.Second.Flags);
        Assert.True(changed > 100, $"{changed} types");
        // one bit of each of these
        Assert.Equal(before.Length, after.Length);
        Assert.Equal(changed, before.Zip(after).Count(pair => pair.First != pair.Second));
    }

    private static List<(string Name, TypeAttributes Flags, bool HasStaticConstructor)> Types(byte[] image)
    {
        using var reader = new PEReader(new MemoryStream(image));
        var metadata = reader.GetMetadataReader();
        return metadata.TypeDefinitions.Select(metadata.GetTypeDefinition)
            .Select(t => (metadata.GetString(t.Name), t.Attributes, t.GetMethods().Any(m => metadata.GetString(metadata.GetMethodDefinition(m).Name) == ".cctor")))
            .ToList();
    }
}
