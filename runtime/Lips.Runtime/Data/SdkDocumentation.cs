using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml;

namespace Lips.Runtime.Data;

/// <summary>
/// The summaries of the .NET API documentation that every SDK installs: real English prose of a few megabytes, at hand
/// without a download. One summary per line, lines that occur twice dropped, so that no line of the validation split was
/// seen in training.
/// </summary>
public static class SdkDocumentation
{
    /// <summary>Every distinct summary of the reference pack, in file and member order, as ASCII lines.</summary>
    public static string Read(string? dotnetRoot = null)
    {
        string root = dotnetRoot ?? FindRoot();
        var files = Files(root);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach (string file in files)
            foreach (string line in Summaries(file))
                if (line.Length >= 20 && line.All(c => c is >= ' ' and <= '~') && seen.Add(line))
                    text.Append(line).Append('\n');
        return text.Length > 0 ? text.ToString() : throw new RunFailed($"The documentation under '{root}' holds no summaries.");
    }

    private static string FindRoot()
    {
        var candidates = new[]
        {
            Environment.GetEnvironmentVariable("DOTNET_ROOT"),
            Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
            Path.GetDirectoryName(Environment.ProcessPath),
            "/usr/share/dotnet",
            "/usr/lib/dotnet",
        };
        return candidates.FirstOrDefault(c => c is { Length: > 0 } && Directory.Exists(Path.Combine(c, "packs", "Microsoft.NETCore.App.Ref")))
            ?? throw new RunFailed("The SDK's documentation was not found (packs/Microsoft.NETCore.App.Ref under the dotnet folder). Install the .NET SDK, or set DOTNET_ROOT.");
    }

    private static IReadOnlyList<string> Files(string root)
    {
        string pack = Path.Combine(root, "packs", "Microsoft.NETCore.App.Ref");
        string newest = Directory.EnumerateDirectories(pack)
            .OrderBy(folder => Version.TryParse(Path.GetFileName(folder).Split('-')[0], out var version) ? version : new Version())
            .ThenBy(folder => folder, StringComparer.Ordinal)
            .LastOrDefault() ?? throw new RunFailed($"'{pack}' is empty.");
        return Directory.EnumerateFiles(Path.Combine(newest, "ref"), "*.xml", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .ToList();
    }

    private static IEnumerable<string> Summaries(string file)
    {
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, IgnoreComments = true };
        using var xml = XmlReader.Create(file, settings);
        while (xml.Read())
        {
            if (xml.NodeType != XmlNodeType.Element || xml.Name != "summary" || xml.IsEmptyElement)
                continue;
            using var summary = xml.ReadSubtree();
            yield return Flatten(summary);
        }
    }

    /// <summary>The text of a summary; a reference to code becomes the name of what it refers to.</summary>
    private static string Flatten(XmlReader summary)
    {
        var text = new StringBuilder();
        while (summary.Read())
        {
            if (summary.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace)
                text.Append(summary.Value);
            else if (summary.NodeType == XmlNodeType.Element && (summary.GetAttribute("cref") ?? summary.GetAttribute("langword") ?? summary.GetAttribute("name")) is { } target)
                text.Append(ShortName(target));
        }
        return string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string ShortName(string cref)
    {
        string name = cref.Length > 2 && cref[1] == ':' ? cref[2..] : cref;
        int end = name.IndexOfAny(['(', '`', '{']);
        name = end < 0 ? name : name[..end];
        return name[(name.LastIndexOf('.') + 1)..];
    }
}
