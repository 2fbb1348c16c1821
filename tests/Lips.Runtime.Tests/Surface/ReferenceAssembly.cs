using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lips.Runtime.Tests.Surface;

/// <summary>
/// An assembly without bodies made from <c>TorchSharp.signatures.txt</c>. What compiles against it uses nothing of the
/// TorchSharp API beyond that list.
/// </summary>
public static partial class ReferenceAssembly
{
    private static readonly CSharpParseOptions Language = new(LanguageVersion.Latest);

    private static readonly Lazy<MetadataReference> Image = new(Build);

    /// <summary>The listed signatures, one a line.</summary>
    public static IReadOnlyList<string> Signatures { get; } =
        File.ReadAllLines(SignatureFile()).Where(line => line.Length > 0 && line[0] != '#').ToArray();

    public static string SignatureFile([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "TorchSharp.signatures.txt"));

    /// <summary>Compiles C# against the listed API and the platform, and gives the errors.</summary>
    /// <param name="sources">Path (for messages) and text of each file.</param>
    /// <param name="friends">Paths of further assemblies that the sources use, such as one compiled from the runtime.</param>
    /// <param name="assemblyName">Name of the assembly that would result.</param>
    public static IReadOnlyList<string> Errors(IEnumerable<(string Path, string Text)> sources, IEnumerable<MetadataReference>? friends = null, string assemblyName = "Checked")
    {
        CSharpCompilation compilation = Compilation(sources, friends, assemblyName);
        return compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.ToString()).ToArray();
    }

    /// <summary>The sources compiled against the listed API, to be a reference of a further check.</summary>
    /// <exception cref="InvalidOperationException">They do not compile; the message holds the first errors.</exception>
    public static MetadataReference Compile(IEnumerable<(string Path, string Text)> sources, string assemblyName)
    {
        using var stream = new MemoryStream();
        var result = Compilation(sources, null, assemblyName).Emit(stream);
        if (!result.Success)
            throw new InvalidOperationException(string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(20)));
        return MetadataReference.CreateFromImage(ImmutableArray.Create(stream.ToArray()));
    }

    private static CSharpCompilation Compilation(IEnumerable<(string Path, string Text)> sources, IEnumerable<MetadataReference>? friends, string assemblyName) =>
        CSharpCompilation.Create(
            assemblyName,
            sources.Select(s => CSharpSyntaxTree.ParseText(s.Text, Language, s.Path)),
            [.. Platform(), Image.Value, .. friends ?? []],
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, allowUnsafe: true));

    private static IEnumerable<MetadataReference> Platform() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is var name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "mscorlib.dll" or "netstandard.dll" or "Microsoft.Win32.Primitives.dll"))
            .Select(path => MetadataReference.CreateFromFile(path));

    private static MetadataReference Build()
    {
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Lips.Torch", [CSharpSyntaxTree.ParseText(Source(), Language)], Platform(),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));
        using var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        if (!result.Success)
            throw new InvalidOperationException("TorchSharp.signatures.txt is no valid API:\n" + string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(20)));
        return MetadataReference.CreateFromImage(ImmutableArray.Create(stream.ToArray()));
    }

    // ---- from lines to source --------------------------------------------------------------------------------------------

    private sealed class TypeNode(string path, string declaration)
    {
        public string Path { get; } = path;

        public string Declaration { get; } = declaration;

        public List<string> Members { get; } = [];

        public List<TypeNode> Nested { get; } = [];

        public string SimpleName => Path[(LastDot(Path) + 1)..].Split('<')[0];

        public bool IsClass => Declaration.Contains(" class ", StringComparison.Ordinal) && !Declaration.Contains("static class ", StringComparison.Ordinal);
    }

    /// <summary>The whole list as C#; bodies throw.</summary>
    public static string Source()
    {
        var types = new Dictionary<string, TypeNode>(StringComparer.Ordinal);
        foreach ((string path, string text) in Signatures.Select(Split).Where(l => TypeLine().IsMatch(l.Text)))
            types[path] = new TypeNode(path, text);
        foreach ((string path, string text) in Signatures.Select(Split).Where(l => !TypeLine().IsMatch(l.Text)))
        {
            if (!types.TryGetValue(path, out TypeNode? owner)) throw new InvalidOperationException("no type line for " + path);
            owner.Members.Add(text);
        }
        var source = new StringBuilder("#pragma warning disable\nnamespace TorchSharp.Reference { internal sealed class Bodiless { } }\n");
        foreach (TypeNode type in types.Values)
        {
            string outer = type.Path[..LastDot(type.Path)];
            if (types.TryGetValue(outer, out TypeNode? owner)) owner.Nested.Add(type);
        }
        foreach (TypeNode type in types.Values.Where(t => !types.ContainsKey(t.Path[..LastDot(t.Path)])))
        {
            source.Append("namespace ").Append(type.Path[..LastDot(type.Path)]).Append(" {\n");
            Write(source, type, types);
            source.Append("}\n");
        }
        return source.ToString();
    }

    private static void Write(StringBuilder source, TypeNode type, Dictionary<string, TypeNode> types)
    {
        source.Append(type.Declaration);
        if (type.Declaration.Contains(" delegate ", StringComparison.Ordinal)) source.Append(';');
        if (type.Declaration.Contains(" delegate ", StringComparison.Ordinal) || type.Declaration.Contains(" enum ", StringComparison.Ordinal))
        {
            source.Append('\n');
            return;
        }
        source.Append("\n{\n");
        string chain = BaseOf(type) is { } parent && parent.StartsWith("TorchSharp.", StringComparison.Ordinal) && types.Keys.Any(k => Stem(k) == Stem(parent) && types[k].IsClass)
            ? " : base((TorchSharp.Reference.Bodiless)null)" : "";
        if (type.IsClass) source.Append("internal ").Append(type.SimpleName).Append("(TorchSharp.Reference.Bodiless none)").Append(chain).Append(" { }\n");
        if (type.Declaration.Contains("IEnumerable<", StringComparison.Ordinal) || type.Declaration.Contains("IList<", StringComparison.Ordinal))
            source.Append("System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => throw null;\n");
        bool isInterface = type.Declaration.Contains(" interface ", StringComparison.Ordinal);
        foreach (string member in type.Members) source.Append(Body(member, type, chain, isInterface)).Append('\n');
        foreach (TypeNode nested in type.Nested) Write(source, nested, types);
        source.Append("}\n");
    }

    private static string Body(string member, TypeNode type, string chain, bool isInterface)
    {
        if (isInterface) return member.EndsWith('}') ? member : member + ";";
        // An abstract member would have to be overridden by classes whose overrides the list leaves out.
        member = member.Replace(" abstract ", " virtual ", StringComparison.Ordinal);
        if (member.EndsWith('}'))
            return member.Replace(" get;", " get => throw null;", StringComparison.Ordinal).Replace(" set;", " set { }", StringComparison.Ordinal);
        if (!member.EndsWith(')') && !Constrained().IsMatch(member)) return member + ";";
        bool constructor = member.StartsWith("public " + type.SimpleName + "(", StringComparison.Ordinal) || member.StartsWith("protected " + type.SimpleName + "(", StringComparison.Ordinal);
        return constructor ? member + chain + " { }" : member + " => throw null;";
    }

    private static string? BaseOf(TypeNode type)
    {
        string text = Constrained().Split(type.Declaration)[0];
        int at = text.IndexOf(" : ", StringComparison.Ordinal);
        if (at < 0 || !type.IsClass) return null;
        string rest = text[(at + 3)..];
        int depth = 0;
        for (int i = 0; i < rest.Length; i++)
        {
            if (rest[i] is '<' or '(') depth++;
            if (rest[i] is '>' or ')') depth--;
            if (rest[i] == ',' && depth == 0) return rest[..i];
        }
        return rest;
    }

    /// <summary>A type's path with the number of its parameters in place of their names.</summary>
    private static string Stem(string path)
    {
        var text = new StringBuilder();
        int depth = 0, parameters = 0;
        foreach (char c in path)
        {
            if (c is '<' or '(')
            {
                if (depth++ == 0) parameters = 1;
            }
            else if (c is '>' or ')')
            {
                if (--depth == 0) text.Append('`').Append(parameters);
            }
            else if (depth == 0)
            {
                text.Append(c);
            }
            else if (c == ',' && depth == 1)
            {
                parameters++;
            }
        }
        return text.ToString();
    }

    private static int LastDot(string path)
    {
        int depth = 0;
        for (int i = path.Length - 1; i >= 0; i--)
        {
            if (path[i] == '>') depth++;
            if (path[i] == '<') depth--;
            if (path[i] == '.' && depth == 0) return i;
        }
        throw new FormatException(path + " has no namespace");
    }

    private static (string Path, string Text) Split(string line)
    {
        int at = line.IndexOf(" | ", StringComparison.Ordinal);
        return at > 0 ? (line[..at], line[(at + 3)..]) : throw new FormatException("no signature: " + line);
    }

    [GeneratedRegex(@"^(public|protected) (static |abstract |sealed |readonly |ref )*(class|struct|interface|enum|delegate) ")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@" where \w+ : ")]
    private static partial Regex Constrained();
}
