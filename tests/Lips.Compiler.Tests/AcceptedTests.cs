using System;
using System.IO;
using System.Linq;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>
/// tests/accepted: for every spec its text with each step's constant beside it (bounds.lips), the C# of its models, and the
/// report of each in Markdown.
/// </summary>
public sealed class AcceptedTests
{
    public static TheoryData<string> AllSpecs => Specs.All;

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void Every_spec_compiles(string spec)
    {
        Compilation compiled = Specs.Compile(spec);
        string text = compiled.Source.Text;
        Assert.True(!compiled.HasErrors, string.Concat(compiled.Diagnostics.Select(d => DiagnosticModule.render(text, d))));
    }

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void The_generated_class_is_as_accepted(string spec)
    {
        foreach (CompiledModel model in Specs.Compile(spec).Models)
        {
            Snapshot.Holds(Folder(spec) + "/" + model.Resolved.Model.Name + ".g.cs", model.CSharp);
        }
    }

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void The_bounds_under_the_source_lines_are_as_accepted(string spec) => Snapshot.Holds(Folder(spec) + "/bounds.lips", Annotated(spec));

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void The_report_is_as_accepted(string spec)
    {
        Compilation compiled = Specs.Compile(spec);
        Snapshot.Holds(Folder(spec) + "/report.md", string.Join("\n", compiled.Models.Select(model => ReportPage.markdown(Of(compiled, model)))));
    }

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void The_annotated_source_is_a_spec_of_the_same_meaning(string spec)
    {
        Compilation annotated = SpecCompiler.Compile(new SourceText(spec, Annotated(spec)), Specs.Bytes);
        Assert.Equal(Specs.Compile(spec).Models.Select(model => model.Meaning), annotated.Models.Select(model => model.Meaning));
    }

    [Fact]
    public void Nothing_is_accepted_of_a_spec_that_is_gone()
    {
        var known = Specs.All.Select(spec => Folder(spec.Data)).ToHashSet();
        var kept = Directory.GetDirectories(Path.Combine(Repository.Root, "tests", "accepted")).Select(path => "tests/accepted/" + Path.GetFileName(path));
        Assert.Equal([], kept.Where(folder => !known.Contains(folder)));
    }

    private static string Annotated(string spec)
    {
        Compilation compiled = Specs.Compile(spec);
        return ReportSource.print(compiled.Source, ListModule.OfSeq(compiled.Models.Select(model => Of(compiled, model))));
    }

    private static Report Of(Compilation compiled, CompiledModel model) => ReportModule.create(compiled.Source, At.Caps, FSharpList<Tuple<Norm, Norm>>.Empty, model);

    /// <summary>specs/baselines/gpt.lips has tests/accepted/baselines-gpt.</summary>
    private static string Folder(string spec) =>
        "tests/accepted/" + Path.ChangeExtension(spec, null)["specs/".Length..].Replace('/', '-');
}
