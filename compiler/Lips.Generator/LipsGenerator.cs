using System;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Lips.Generator;

/// <summary>
/// Compiles every <c>.lips</c> file among a project's AdditionalFiles: one source per model, findings at their place in the
/// spec. All it knows is how to hand Roslyn's files to <see cref="Lips.Compiler.SpecCompiler"/>, once for every change.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class LipsGenerator : IIncrementalGenerator
{
    /// <summary>Name of the step that reads the specs.</summary>
    public const string Files = nameof(Files);

    /// <summary>Name of the step that finds what each spec depends on.</summary>
    public const string Units = nameof(Units);

    /// <summary>Name of the step that compiles.</summary>
    public const string Specs = nameof(Specs);

    /// <summary>Name of the step whose values are sources of models.</summary>
    public const string Models = nameof(Models);

    /// <summary>Name of the step whose values are diagnostics.</summary>
    public const string Findings = nameof(Findings);

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<SpecFile> files = context.AdditionalTextsProvider
            .Where(file => file.Path.EndsWith(".lips", StringComparison.OrdinalIgnoreCase))
            .Select(SpecFile.Read)
            .Where(file => file is not null)
            .Select((file, _) => file!)
            .WithTrackingName(Files);
        IncrementalValueProvider<string> modelNamespace = context.AnalyzerConfigOptionsProvider
            .Select((options, _) => Namespace(options.GlobalOptions));

        // A unit is equal to what it was unless one of its own files changed: only then is it compiled again.
        IncrementalValuesProvider<SpecUnit> units = files.Combine(files.Collect())
            .Select((pair, _) => SpecUnit.Of(pair.Left, pair.Right))
            .WithTrackingName(Units);
        IncrementalValuesProvider<CompiledSpec> specs = units.Combine(modelNamespace)
            .Select((pair, _) => CompiledSpec.Of(pair.Left, pair.Right))
            .WithTrackingName(Specs);

        IncrementalValueProvider<EquatableArray<Clash>> clashes = specs.SelectMany((spec, _) => spec.Declared).Collect()
            .Select((declared, _) => Clash.Among(declared));
        IncrementalValuesProvider<Finding> findings = specs.SelectMany((spec, _) => spec.Findings).Collect().Combine(clashes)
            // what is wrong in a used file is found once more by every spec that uses it
            .SelectMany((pair, _) => pair.Left.Concat(pair.Right.Select(clash => clash.Finding)).Distinct())
            .WithTrackingName(Findings);
        IncrementalValuesProvider<GeneratedModel> models = specs.SelectMany((spec, _) => spec.Models).Combine(clashes)
            .Where(pair => !pair.Right.Any(clash => clash.Name == pair.Left.Name && clash.Path == pair.Left.Path))
            .Select((pair, _) => pair.Left)
            .WithTrackingName(Models);

        context.RegisterSourceOutput(findings, (output, finding) => output.ReportDiagnostic(finding.ToDiagnostic()));
        context.RegisterSourceOutput(models, (output, model) => output.AddSource(model.Name + ".g.cs", SourceText.From(model.CSharp, new UTF8Encoding(false))));
    }

    /// <summary>Namespace of the generated classes: <c>LipsNamespace</c>, else <c>RootNamespace</c>.</summary>
    private static string Namespace(AnalyzerConfigOptions options) =>
        options.TryGetValue("build_property.LipsNamespace", out string? named) && named.Length > 0 ? named
        : options.TryGetValue("build_property.RootNamespace", out string? root) && root.Length > 0 ? root
        : Core.CompileOptions.Default.Namespace;
}
