using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>tests/rejected: at least one spec for every diagnostic, with what the user sees.</summary>
public class RejectedTests
{
    /// <summary>Begins the line of a spec that says what the command line adds: <c>//@ with steps=200</c>.</summary>
    private const string With = "//@ with ";

    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "rejected");

    /// <summary>LIPS0005: the file would have to be large; HostileInputTests makes one.</summary>
    private static readonly string[] Elsewhere = ["LIPS0005"];

    public static TheoryData<string> Rejected { get; } =
        [.. Directory.GetFiles(Folder, "LIPS*.lips").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Rejected))]
    public void A_rejected_spec_is_reported_as_accepted(string name)
    {
        string report = Report(name, File.ReadAllBytes(Path.Combine(Folder, name)));
        Assert.Contains(name[..8], report, StringComparison.Ordinal);
        Snapshot.Holds("tests/rejected/" + Path.ChangeExtension(name, ".txt"), report);
    }

    [Fact]
    public void Every_diagnostic_has_a_rejected_spec()
    {
        var missing = Examples.all.Select(example => ProblemModule.code(example.Item1))
            .Where(code => !Elsewhere.Contains(code) && Directory.GetFiles(Folder, code + "-*.lips").Length == 0);
        Assert.Empty(missing);
    }

    [Fact]
    public void Every_report_has_its_spec() =>
        Assert.All(Directory.GetFiles(Folder, "*.txt").Where(path => !path.Contains(".received.", StringComparison.Ordinal)), path => Assert.True(File.Exists(Path.ChangeExtension(path, ".lips")), path));

    private static string Report(string name, byte[] bytes)
    {
        var (source, unreadable) = SourceReader.Read(name, bytes);
        if (source is null)
        {
            return string.Concat(unreadable.Select(d => DiagnosticModule.render(Encoding.UTF8.GetString(bytes), d)));
        }

        string text = source.Value.Text;
        List<(string, string)> overrides = text.StartsWith(With, StringComparison.Ordinal)
            ? [.. text[With.Length..text.IndexOf('\n', StringComparison.Ordinal)].Split(' ').Select(part => part.Split('=')).Select(part => (part[0], part[1]))]
            : [];
        Compilation compiled = SpecCompiler.Compile(
            source.Value,
            path => File.Exists(Path.Combine(Folder, path)) ? File.ReadAllBytes(Path.Combine(Folder, path)) : null,
            overrides);
        Assert.Equal(compiled.HasErrors, !compiled.Models.Any(model => model.CSharp.Length > 0));
        return string.Concat(compiled.Diagnostics.Select(d => DiagnosticModule.render(d.Path == name ? text : Repository.Read("tests", "rejected", d.Path), d)));
    }
}
