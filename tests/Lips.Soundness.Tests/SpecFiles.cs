using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace Lips.Soundness.Tests;

/// <summary>The specs of the repository, made small: a parameter of a known name takes a small value, counts are not claimed.</summary>
public static partial class SpecFiles
{
    private static readonly Dictionary<string, string> Small = new(StringComparer.Ordinal)
    {
        ["embed"] = "8", ["depths"] = "[1, 2]", ["stripes"] = "[1, 2]", ["window"] = "2",
        ["layers"] = "2", ["width"] = "16", ["heads"] = "4", ["context"] = "6", ["vocab"] = "11", ["side"] = "8", ["patch"] = "4", ["classes"] = "5",
        ["blocks"] = "2", ["depth"] = "2", ["outputs"] = "13", ["source_length"] = "6", ["target_length"] = "5", ["teacher_width"] = "16", ["teacher_heads"] = "4",
        ["frames"] = "24", ["bands"] = "6", ["symbols"] = "5", ["channels"] = "[6, 8]", ["strides"] = "[2, 2]", ["kernels"] = "[3, 3]",
    };

    public static IReadOnlyList<(Case Case, (string, string)[] Overrides)> All { get; } = [.. Read()];

    private static IEnumerable<(Case, (string, string)[])> Read()
    {
        string root = Root();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(root, "specs"), "*.lips", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            // what a spec uses stands in its place: a case is one text
            string text = Use().Replace(File.ReadAllText(file), use => File.ReadAllText(Path.Combine(Path.GetDirectoryName(file)!, use.Groups[1].Value)));
            text = CountClaim().Replace(text, "");
            // a library of blocks has no model to run
            if (Header().Match(text) is not { Success: true } header)
                continue;
            // a list of heads has one number for every stage; a stage of a map needs 16 pixels a side
            bool staged = StagedHeads().IsMatch(header.Groups[1].Value);
            var overrides = Parameter().Matches(header.Groups[1].Value).Select(m => m.Groups[1].Value).Where(Small.ContainsKey)
                .Select(p => (p, staged && p == "heads" ? "[2, 4]" : staged && p == "side" ? "16" : Small[p])).ToArray();
            yield return (new Case(Path.GetRelativePath(root, file), text), overrides);
        }
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Spec.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests run inside the repository.");
    }

    [GeneratedRegex(@"^\s*claim (parameters|macs).*$", RegexOptions.Multiline)]
    private static partial Regex CountClaim();

    [GeneratedRegex(@"^use ""([^""]+)""", RegexOptions.Multiline)]
    private static partial Regex Use();

    [GeneratedRegex(@"^model\s+\w+\s*\(([^)]*)\)", RegexOptions.Multiline)]
    private static partial Regex Header();

    [GeneratedRegex(@"heads\s*=\s*\[")]
    private static partial Regex StagedHeads();

    [GeneratedRegex(@"(\w+)\s*=")]
    private static partial Regex Parameter();
}
