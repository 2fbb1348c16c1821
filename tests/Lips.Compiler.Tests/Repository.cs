using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using Lips.Core;
using Microsoft.FSharp.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>The files that tests read, found from where this file was compiled.</summary>
internal static class Repository
{
    internal static string Root { get; } = Locate();

    internal static IEnumerable<string> AcceptedSyntax { get; } =
        Directory.GetFiles(Path.Combine(Root, "tests", "accepted-syntax"), "*.lips").Order(StringComparer.Ordinal).ToArray();

    /// <summary>Every spec that must parse: those made for it and all of specs/.</summary>
    internal static IEnumerable<string> Specs { get; } = Directory.Exists(Path.Combine(Root, "specs"))
        ? [.. AcceptedSyntax, .. Directory.GetFiles(Path.Combine(Root, "specs"), "*.lips", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]
        : AcceptedSyntax;

    internal static string Read(params string[] parts) => File.ReadAllText(Path.Combine([Root, .. parts]), new UTF8Encoding(false));

    /// <summary>The syntax of a text that must have no error.</summary>
    internal static Syntax.Spec Parse(string text, string path = "test.lips")
    {
        (FSharpOption<Syntax.Spec>? spec, var diagnostics) = Parsing.Parse(new SourceText(path, text));
        Assert.True(diagnostics.IsEmpty, string.Concat(diagnostics.Select(d => DiagnosticModule.render(text, d))));
        Assert.NotNull(spec);
        return spec.Value;
    }

    /// <summary>All findings in a text, as the user sees them.</summary>
    internal static string Errors(string text, string path = "test.lips")
    {
        (FSharpOption<Syntax.Spec>? spec, var diagnostics) = Parsing.Parse(new SourceText(path, text));
        Assert.Equal(spec is null, diagnostics.Any(DiagnosticModule.isError));
        return string.Concat(diagnostics.Select(d => DiagnosticModule.render(text, d)));
    }

    private static string Locate([CallerFilePath] string here = "")
    {
        for (DirectoryInfo? folder = new(Path.GetDirectoryName(here)!); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Directory.Build.props")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("no folder above " + here + " holds Directory.Build.props");
    }
}
