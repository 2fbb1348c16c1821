using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Compiler;
using Lips.Core;

namespace Lips.Generator;

/// <summary>One model's C#.</summary>
internal sealed record GeneratedModel(string Name, string Path, string CSharp);

/// <summary>A model's name and where it is declared.</summary>
internal sealed record DeclaredModel(string Name, string Path, Span Place);

/// <summary>A model whose class another one of the project already has.</summary>
internal sealed record Clash(string Name, string Path, Finding Finding)
{
    /// <summary>
    /// Of several models of one name the first by path keeps it. Files of generated sources are told apart without regard
    /// to case, and so are models.
    /// </summary>
    internal static EquatableArray<Clash> Among(IEnumerable<DeclaredModel> all) => new(
        from same in all.GroupBy(model => model.Name, StringComparer.OrdinalIgnoreCase)
        let ordered = same.OrderBy(model => model.Path, StringComparer.Ordinal).ThenBy(model => model.Place.Start).ToList()
        from later in ordered.Skip(1)
        let reason = $"'{ordered[0].Name}' of {FileName(ordered[0].Path)} already has its class in this project"
        let problem = Problem.NewEmissionFailed(later.Name, reason)
        select new Clash(later.Name, later.Path, Finding.Of(DiagnosticModule.create(later.Path, later.Place, problem))));

    private static string FileName(string path) => path.Substring(path.LastIndexOf('/') + 1);
}

/// <summary>What a spec compiles to.</summary>
internal sealed record CompiledSpec(EquatableArray<GeneratedModel> Models, EquatableArray<DeclaredModel> Declared, EquatableArray<Finding> Findings)
{
    internal static CompiledSpec Of(SpecUnit unit, string modelNamespace)
    {
        if (unit.Main.Unreadable.Count > 0)
        {
            return new CompiledSpec(new([]), new([]), unit.Main.Unreadable);
        }

        Compilation compiled = SpecCompiler.Compile(
            new SourceText(unit.Main.Path, unit.Main.Text),
            unit.Read,
            options: CompileOptions.In(modelNamespace));
        return new CompiledSpec(
            new(compiled.Models.Where(model => model.CSharp.Length > 0).Select(model => new GeneratedModel(model.Resolved.Model.Name, unit.Main.Path, model.CSharp))),
            new(compiled.Models.Select(model => new DeclaredModel(model.Resolved.Model.Name, unit.Main.Path, model.Resolved.HeaderSpan))),
            new(compiled.Diagnostics.Select(Finding.Of)));
    }
}
