using System;
using System.IO;
using System.Linq;
using BenchmarkDotNet.Attributes;
using Lips.Compiler;
using Lips.Core;
using Microsoft.FSharp.Collections;

namespace Lips.Benchmarks;

/// <summary>A spec from text to bound and C#, warm: what the IDE waits for after a key.</summary>
public class CompileBenchmarks
{
    private SourceText _spec = null!;
    private Model _model = null!;

    /// <summary>A path below the repository's <c>specs</c>, or <c>repeat 10000</c>: one folded repeat of that many linear maps.</summary>
    [Params("quickstart.lips", "enforced/shakespeare.lips", "enforced/nanogpt.lips", "baselines/gpt.lips", "repeat 10000")]
    public string Spec { get; set; } = "";

    [GlobalSetup]
    public void Read()
    {
        const string deep = "model Deep in l2 {\n  input x = features(1, 64, radius: 1)\n  weights(bias: false, constraint: spectral_cap(1))\n  y = repeat 10000 { residual(convex(1 / 2)) { linear(64); relu } }\n}\n";
        string path = Path.Combine(Machine.Repository, "specs", Spec);
        _spec = new SourceText(path, Spec.StartsWith("repeat", StringComparison.Ordinal) ? deep : File.ReadAllText(path));
        _model = SpecCompiler.Compile(_spec, _ => null).Models.Last().Resolved.Model;
    }

    [Benchmark]
    public int Compile() => SpecCompiler.Compile(_spec, _ => null).Models.Sum(model => model.CSharp.Length + model.Domains.Length + model.AtInit.Length);

    /// <summary>The derivation and its value at caps alone, for a model that is resolved already.</summary>
    [Benchmark]
    public double Derivation()
    {
        var derivation = Derive.model(Catalog.byName, ListModule.Empty<Tuple<Norm, Norm>>(), _model);
        return Evaluate.atCaps(Evaluate.upper, null, derivation.Program)[0].ToDoubleUp();
    }
}
