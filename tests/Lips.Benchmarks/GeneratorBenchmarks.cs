using System;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using BenchmarkDotNet.Attributes;
using Lips.Generator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Lips.Benchmarks;

/// <summary>The generator's share of a build of a project that holds every spec of the repository.</summary>
public class GeneratorBenchmarks
{
    private readonly CSharpCompilation _empty = CSharpCompilation.Create("specs");
    private ImmutableArray<AdditionalText> _specs;
    private GeneratorDriver _before = null!;
    private int _edits;

    [GlobalSetup]
    public void Read()
    {
        string folder = Path.Combine(Machine.Repository, "specs");
        _specs = [.. Directory.EnumerateFiles(folder, "*.lips", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => new SpecText(file))];
        _before = Fresh();
    }

    /// <summary>A first build: every spec is compiled.</summary>
    [Benchmark]
    public GeneratorDriver Fresh() => CSharpGeneratorDriver.Create([new LipsGenerator().AsSourceGenerator()], _specs).RunGenerators(_empty);

    /// <summary>C# was edited and no spec: what the compiler server and the IDE, which keep the driver, do at each build and key.</summary>
    [Benchmark]
    public GeneratorDriver AfterAnEditOfCSharp() =>
        _before.RunGenerators(_empty.AddSyntaxTrees(CSharpSyntaxTree.ParseText($"class Edit{_edits++};")));

    private sealed class SpecText(string path) : AdditionalText
    {
        private readonly SourceText _text = SourceText.From(File.ReadAllText(path));

        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => _text;
    }
}
