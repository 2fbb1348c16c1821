using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Lips.Generator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;
using Diagnostic = Microsoft.CodeAnalysis.Diagnostic;

namespace Lips.Compiler.Tests.Generator;

public sealed class GeneratorTests
{
    private const string Two = """
        // Two maps.
        model Two in l2 {
          input x = features(1, 8, radius: 1)
          weights(bias: false, constraint: spectral_cap(2))
          linear(4)
          y = linear(2)
          claim lipschitz(x -> y) <= 4
        }

        """;

    private const string Blocks = "block Halve(wide = 4) {\n  linear(wide, bias: false, constraint: spectral_cap(1))\n}\n";

    private const string Using = "use \"parts/blocks.lips\"\nmodel Using in l2 {\n  input x = features(1, 8, radius: 1)\n  y = Halve()\n  claim lipschitz(x -> y) <= 1\n}\n";

    public static TheoryData<string> AllSpecs => Specs.All;

    [Fact]
    public void The_generator_says_what_the_compiler_says()
    {
        GeneratorDriver driver = Driver([.. Specs.All.Select(spec => new SpecText(spec.Data, Repository.Read(spec.Data)))], ("RootNamespace", "Lips.Zoo"));
        var generated = Run(driver).Results.Single().GeneratedSources.ToDictionary(source => source.HintName, source => source.SourceText.ToString());
        var expected = Specs.All.SelectMany(spec => Specs.Compile(spec.Data).Models).ToDictionary(model => model.Resolved.Model.Name + ".g.cs", model => model.CSharp);
        Assert.Equal(expected.Keys.Order(), generated.Keys.Order());
        Assert.All(expected, model => Assert.Equal(model.Value, generated[model.Key]));
    }

    [Theory]
    [MemberData(nameof(AllSpecs))]
    public void The_zoo_holds_every_model_as_compiled(string spec)
    {
        foreach (var model in Specs.Compile(spec).Models)
        {
            Type type = typeof(Lips.Zoo.Linear).Assembly.GetType("Lips.Zoo." + model.Resolved.Model.Name, throwOnError: true)!;
            Assert.Equal(model.Meaning, type.GetField("Meaning")!.GetRawConstantValue());
        }
    }

    /// <summary>As MSBuild hands them over where a project names its specs by ../../specs/**.</summary>
    [Fact]
    public void A_used_file_is_found_whatever_dots_its_path_has()
    {
        GeneratorDriver driver = Driver([new SpecText("/repo/zoo/../specs/using.lips", Using), new SpecText("/repo/zoo/../specs/parts/blocks.lips", Blocks)]);
        var result = Run(driver).Results.Single();
        Assert.Empty(result.Diagnostics);
        Assert.Equal(["Using.g.cs"], result.GeneratedSources.Select(source => source.HintName));
    }

    [Theory]
    [InlineData("LipsNamespace", "Mine.Models")]
    [InlineData("RootNamespace", "App")]
    public void The_namespace_is_the_projects(string property, string name)
    {
        string source = Sources(Driver([new SpecText("two.lips", Two)], (property, name))).Single();
        Assert.Contains("namespace " + name + ";", source, StringComparison.Ordinal);
    }

    [Fact]
    public void A_finding_stands_at_its_place_in_the_spec()
    {
        string bad = Two.Replace("linear(4)", "liner(4)", StringComparison.Ordinal);
        Diagnostic found = Assert.Single(Run(Driver([new SpecText("specs/bad.lips", bad)])).Diagnostics);
        Assert.StartsWith("specs/bad.lips(5,3): error LIPS1001: 'liner' is neither", found.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("Did you mean 'linear'?", found.GetMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_that_fails_is_an_error_and_yields_no_model()
    {
        string bold = Two.Replace("<= 4", "<= 3", StringComparison.Ordinal);
        GeneratorDriver driver = Driver([new SpecText("bold.lips", bold)]);
        Diagnostic found = Assert.Single(Run(driver).Diagnostics);
        Assert.Equal(("LIPS3001", DiagnosticSeverity.Error, 6), (found.Id, found.Severity, found.Location.GetLineSpan().StartLinePosition.Line));
        Assert.Empty(Sources(driver));
    }

    [Fact]
    public void An_infinite_bound_is_information()
    {
        string free = Two.Replace(", constraint: spectral_cap(2)", "", StringComparison.Ordinal).Replace("  claim lipschitz(x -> y) <= 4\n", "", StringComparison.Ordinal);
        GeneratorDriver driver = Driver([new SpecText("free.lips", free)]);
        Diagnostic found = Assert.Single(Run(driver).Diagnostics);
        Assert.Equal(("LIPS3002", DiagnosticSeverity.Info), (found.Id, found.Severity));
        Assert.Single(Sources(driver));
    }

    [Fact]
    public void A_used_file_is_found_among_the_projects_files()
    {
        SpecText[] files = [new("/p/a/using.lips", Using), new("/p/a/parts/blocks.lips", Blocks)];
        Assert.Empty(Run(Driver(files)).Diagnostics);
        Assert.Single(Sources(Driver(files)));
        Assert.Equal("LIPS1009", Assert.Single(Run(Driver([files[0]])).Diagnostics).Id);
    }

    [Fact]
    public void What_is_wrong_in_a_used_file_is_said_once()
    {
        string other = Using.Replace("model Using", "model Other", StringComparison.Ordinal);
        SpecText[] files = [new("/p/using.lips", Using), new("/p/other.lips", other), new("/p/parts/blocks.lips", Blocks.Replace("(wide,", "(wide,,", StringComparison.Ordinal))];
        Diagnostic found = Assert.Single(Run(Driver(files)).Diagnostics);
        Assert.StartsWith("/p/parts/blocks.lips(2,", found.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Two")]
    [InlineData("TWO")]
    public void One_name_makes_one_class(string name)
    {
        SpecText[] files = [new("b.lips", Two.Replace("model Two", "model " + name, StringComparison.Ordinal)), new("a.lips", Two)];
        Diagnostic found = Assert.Single(Run(Driver(files)).Diagnostics);
        Assert.StartsWith("b.lips(2,7): error LIPS4001:", found.ToString(), StringComparison.Ordinal);
        Assert.Contains("'Two' of a.lips", found.GetMessage(), StringComparison.Ordinal);
        Assert.Contains("class Two :", Assert.Single(Sources(Driver(files))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_UTF8_is_refused()
    {
        byte[] latin = [.. "// "u8, 0xE4, .. "\n"u8, .. Encoding.UTF8.GetBytes(Two)];
        var file = new SpecText("latin.lips", Encoding.Latin1.GetString(latin), Encoding.Latin1);
        GeneratorDriver driver = Driver([file]);
        Assert.StartsWith("latin.lips(1,4): error LIPS0006", Assert.Single(Run(driver).Diagnostics).ToString(), StringComparison.Ordinal);
        Assert.Empty(Sources(driver));
    }

    [Fact]
    public void An_edited_comment_changes_no_output()
    {
        var spec = new SpecText("two.lips", Two);
        GeneratorDriver driver = Ran(Driver([spec]));
        driver = driver.ReplaceAdditionalText(spec, new SpecText("two.lips", Two.Replace("// Two maps.", "// Two linear maps,\n// one after the other.", StringComparison.Ordinal)));
        GeneratorRunResult second = Ran(driver).GetRunResult().Results.Single();
        Assert.Equal(IncrementalStepRunReason.Modified, Assert.Single(Reasons(second, LipsGenerator.Files)));
        Assert.All(Reasons(second, LipsGenerator.Models), Kept);
        Assert.All(Outputs(second), Kept);
    }

    [Fact]
    public void Only_what_depends_on_an_edited_file_is_compiled_again()
    {
        var blocks = new SpecText("/p/parts/blocks.lips", Blocks);
        GeneratorDriver driver = Ran(Driver([new SpecText("/p/two.lips", Two), new SpecText("/p/using.lips", Using), blocks]));
        driver = driver.ReplaceAdditionalText(blocks, new SpecText("/p/parts/blocks.lips", Blocks.Replace("wide = 4", "wide = 5", StringComparison.Ordinal)));
        GeneratorRunResult second = Ran(driver).GetRunResult().Results.Single();
        // two.lips and using.lips; blocks.lips has no output, and only steps behind an output are told
        Assert.Equal([IncrementalStepRunReason.Unchanged, IncrementalStepRunReason.Modified], Reasons(second, LipsGenerator.Units));
        Assert.Equal(IncrementalStepRunReason.Cached, Reasons(second, LipsGenerator.Specs)[0]);
        Assert.Equal([IncrementalStepRunReason.Modified, IncrementalStepRunReason.Cached], Outputs(second).Order());
    }

    [Fact]
    public void An_edited_program_compiles_no_spec()
    {
        GeneratorDriver driver = Ran(Driver([new SpecText("two.lips", Two)]));
        GeneratorRunResult second = Ran(driver, "class C;").GetRunResult().Results.Single();
        foreach (string step in new[] { LipsGenerator.Files, LipsGenerator.Units, LipsGenerator.Specs, LipsGenerator.Models })
        {
            Assert.All(Reasons(second, step), reason => Assert.Equal(IncrementalStepRunReason.Cached, reason));
        }
    }

    private static void Kept(IncrementalStepRunReason reason) =>
        Assert.True(reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, reason.ToString());

    private static List<IncrementalStepRunReason> Reasons(GeneratorRunResult run, string step) =>
        [.. run.TrackedSteps[step].SelectMany(one => one.Outputs).Select(output => output.Reason)];

    private static List<IncrementalStepRunReason> Outputs(GeneratorRunResult run) =>
        [.. run.TrackedOutputSteps.Values.SelectMany(steps => steps).SelectMany(one => one.Outputs).Select(output => output.Reason)];

    private static GeneratorDriver Driver(IReadOnlyList<SpecText> files, params (string Name, string Value)[] properties) =>
        CSharpGeneratorDriver.Create(
            [new LipsGenerator().AsSourceGenerator()],
            files,
            optionsProvider: new Properties(properties),
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    private static GeneratorDriver Ran(GeneratorDriver driver, string program = "") =>
        driver.RunGenerators(CSharpCompilation.Create("Program", [CSharpSyntaxTree.ParseText(program, cancellationToken: Cancelled)]), Cancelled);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>What a run gives; an exception of the generator would be in it, and is none.</summary>
    private static GeneratorDriverRunResult Run(GeneratorDriver driver)
    {
        GeneratorDriverRunResult result = Ran(driver).GetRunResult();
        Assert.Null(result.Results.Single().Exception);
        return result;
    }

    private static List<string> Sources(GeneratorDriver driver) =>
        [.. Run(driver).Results.Single().GeneratedSources.Select(source => source.SourceText.ToString())];
}
