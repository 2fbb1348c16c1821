using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using Lips.Core;
using Lips.Runtime;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>A model's C#, compiled as in a project that holds nothing else.</summary>
internal sealed class EmittedModel
{
    private static readonly ConcurrentDictionary<string, Lazy<EmittedModel>> Known = new(StringComparer.Ordinal);

    private static readonly MetadataReference[] References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is { } name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "Lips.Runtime.dll" or "Lips.Torch.dll" or "TorchSharp.dll"))
            .Select(path => MetadataReference.CreateFromFile(path))];

    private readonly Type type;

    private EmittedModel(CompiledModel model)
    {
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Emitted." + model.Resolved.Model.Name,
            [CSharpSyntaxTree.ParseText(model.CSharp, new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.Diagnose))],
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, warningLevel: 9999));
        using var image = new MemoryStream();
        Warnings = [.. compilation.Emit(image).Diagnostics.Where(d => d.Severity != DiagnosticSeverity.Hidden).Select(d => d.ToString())];
        type = Warnings.Count > 0 ? typeof(void) : Assembly.Load(image.ToArray()).GetType("Lips.Zoo." + model.Resolved.Model.Name, throwOnError: true)!;
    }

    /// <summary>All that the C# compiler has to say.</summary>
    internal IReadOnlyList<string> Warnings { get; }

    internal static EmittedModel Of(CompiledModel model) => Known.GetOrAdd(model.CSharp, _ => new Lazy<EmittedModel>(() => new EmittedModel(model))).Value;

    /// <summary>The class's <c>LipschitzBound</c>.</summary>
    internal UpperBound[] LipschitzBound(Norms norms) => Call<UpperBound[]>("LipschitzBound", norms);

    /// <summary>The norms that the class says it reads.</summary>
    internal IReadOnlyList<NormRequest> NormsNeeded() => Call<List<NormRequest>>("AllNorms");

    private T Call<T>(string method, params object[] arguments)
    {
        Assert.True(Warnings.Count == 0, string.Join('\n', Warnings));
        MethodInfo found = type.GetMethod(method, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        return (T)found.Invoke(null, arguments)!;
    }
}
