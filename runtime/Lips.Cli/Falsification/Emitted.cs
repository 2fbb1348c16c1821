using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using Lips.Compiler;
using Lips.Core;
using Lips.Runtime;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.FSharp.Collections;

namespace Lips.Cli.Falsification;

/// <summary>A spec to attack: the whole text of a model, and the name it is reported by.</summary>
public sealed record Case(string Name, string Spec)
{
    /// <summary>A model of the given statements; <c>y</c> is its output.</summary>
    public static Case Of(string name, string body) => new(name, "model M in rms {\n" + body + "\n}\n");

    public override string ToString() => Name;
}

/// <summary>A spec all the way to a type: text, derivation, C#, assembly.</summary>
public sealed record Emitted(Case Case, CompiledModel Compiled, Type Type)
{
    public ILipsModel New() => (ILipsModel)Activator.CreateInstance(Type)!;

    /// <summary>The pairs of norms that every case is bounded in.</summary>
    public static FSharpList<Tuple<Norm, Norm>> Norms { get; } = ListModule.OfSeq(
    [
        Tuple.Create(Norm.RmsNorm, Norm.RmsNorm),
        Tuple.Create(Norm.TokenNorm, Norm.TokenNorm),
        Tuple.Create(Norm.L2Norm, Norm.L2Norm),
        Tuple.Create(Norm.L2Norm, Norm.TokenNorm),
    ]);

    private static readonly Lazy<IReadOnlyList<Emitted>> Shared = new(() => All(Falsification.Cases.All));

    /// <summary>Every case of <see cref="Falsification.Cases"/>, compiled once.</summary>
    public static IReadOnlyList<Emitted> Cases => Shared.Value;

    /// <summary>Compiles all cases into one assembly, each in a namespace of its own.</summary>
    public static IReadOnlyList<Emitted> All(IReadOnlyList<Case> cases, params (string Path, string Value)[] overrides)
    {
        var compiled = cases.Select((c, i) => Compile(c, Namespace(i), overrides)).ToList();
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        var compilation = CSharpCompilation.Create(
            "Soundness" + Guid.NewGuid().ToString("N"),
            compiled.Select((m, i) => CSharpSyntaxTree.ParseText(m.CSharp, options, path: cases[i].Name + ".g.cs", encoding: Encoding.UTF8)),
            References(),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, optimizationLevel: OptimizationLevel.Release));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        var problems = result.Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning).ToList();
        if (problems.Count > 0)
            throw new InvalidOperationException("Emitted C# does not compile cleanly:\n" + string.Join("\n", problems.Take(20)));
        var assembly = Assembly.Load(image.ToArray());
        return [.. cases.Select((c, i) => new Emitted(c, compiled[i], assembly.GetType(Namespace(i) + "." + compiled[i].Resolved.Model.Name, throwOnError: true)!))];
    }

    public static Emitted One(Case one, params (string Path, string Value)[] overrides) => All([one], overrides)[0];

    private static string Namespace(int index) => "Lips.Attacked.Model" + index;

    /// <summary>Compiles a spec, bounded in every pair of norms; throws where it has an error.</summary>
    public static CompiledModel Compile(Case one, string into = "Lips.Attacked.Model", params (string Path, string Value)[] overrides)
    {
        var compilation = SpecCompiler.Compile(new SourceText(one.Name + ".lips", one.Spec), _ => null, overrides, new CompileOptions(into, Norms));
        var errors = compilation.Diagnostics.Where(DiagnosticModule.isError).Select(d => d.Code + " line " + d.Span.Line + ": " + d.Message).ToList();
        return errors.Count == 0 ? compilation.Models.Last() : throw new InvalidOperationException($"'{one.Name}' does not compile:\n{string.Join("\n", errors)}\n{one.Spec}");
    }

    private static IEnumerable<MetadataReference> References() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is { } file && (file.StartsWith("System.", StringComparison.Ordinal) || file is "Lips.Runtime.dll" or "Lips.Torch.dll" or "TorchSharp.dll"))
            .Select(path => MetadataReference.CreateFromFile(path));
}
