using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>The rules of the repository that the C# compiler does not know: who may reference whom, and how files are kept.</summary>
public sealed partial class ArchitectureTests
{
    private const int MaxLines = 400;
    private const int MaxLinesWithReason = 600;

    /// <summary>What each project may reference: projects and packages.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Lips.Grammar"] = ["Antlr4.Runtime.Standard"],
        ["Lips.Core"] = ["FSharp.Core"],
        ["Lips.Compiler"] = ["Lips.Grammar", "Lips.Core"],
        ["Lips.Generator"] = ["Lips.Compiler", "Microsoft.CodeAnalysis.CSharp"],
        ["Lips.Torch"] = [],
        ["Lips.Runtime"] = ["Lips.Torch", "TorchSharp", "TorchSharp-cpu", "TorchSharp-cuda-linux"],
        ["Lips.Zoo"] = ["Lips.Runtime", "Lips.Generator"],
        ["Lips.Precompilation"] = [],
        ["Lips.Cli"] = ["Lips.Compiler", "Lips.Zoo", "Lips.Runtime", "Lips.Precompilation", "Microsoft.CodeAnalysis.CSharp", "System.CommandLine", "FSharp.Core"],
    };

    /// <summary>Files that are longer, each for a reason.</summary>
    private static readonly Dictionary<string, string> Longer = new(StringComparer.Ordinal)
    {
        ["compiler/Lips.Core/Text/Diagnostic.fs"] = "a list: every case of one type with its prose",
        ["compiler/Lips.Core/Bounds/Precise.fs"] = "one number type and its operations",
        ["compiler/Lips.Core/Bounds/Upper.fs"] = "one number type and its operations",
        ["runtime/Lips.Torch/Native/Ops.cs"] = "a list: every operator that is called",
        ["runtime/native/lipstorch.cpp"] = "one C interface, compiled by one command",
    };

    private static IReadOnlyList<string> Tracked { get; } = Git("ls-files --cached --others --exclude-standard")
        .Where(file => File.Exists(Path.Combine(Repository.Root, file))).ToList();

    private static IEnumerable<string> Projects => Tracked.Where(file => file.EndsWith("proj", StringComparison.Ordinal));

    [Fact]
    public void Projects_reference_what_the_architecture_allows()
    {
        foreach (string project in Projects.Where(file => !file.StartsWith("tests/", StringComparison.Ordinal)))
        {
            string name = Path.GetFileNameWithoutExtension(project);
            Assert.True(Allowed.TryGetValue(name, out string[]? allowed), project + " is not among the projects of the architecture");
            XDocument file = XDocument.Load(Path.Combine(Repository.Root, project));
            var references = file.Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')))
                .Concat(file.Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value));
            None(references.Except(allowed).Select(reference => name + " -> " + reference));
        }
    }

    [Theory]
    [InlineData(typeof(Lips.Core.Diagnostic), "FSharp.Core")]
    [InlineData(typeof(Lips.Grammar.LipsLexer), "Antlr4.Runtime.Standard")]
    [InlineData(typeof(SpecCompiler), "Lips.Core", "Lips.Grammar", "FSharp.Core", "Antlr4.Runtime.Standard")]
    [InlineData(typeof(Lips.Runtime.ILipsModel), "Lips.Torch", "TorchSharp")]
    [InlineData(typeof(Lips.Zoo.Linear), "Lips.Runtime", "Lips.Torch", "TorchSharp")]
    public void Assemblies_reference_what_the_architecture_allows(Type member, params string[] allowed)
    {
        // the base class library: of netstandard2.0 for the compiler, of .NET for the runtime
        var found = member.Assembly.GetReferencedAssemblies().Select(reference => reference.Name!)
            .Where(name => name is not "netstandard" && !name.StartsWith("System.", StringComparison.Ordinal));
        None(found.Except(allowed));
    }

    [Theory]
    [InlineData(typeof(Lips.Core.Diagnostic))]
    [InlineData(typeof(SpecCompiler))]
    public void The_compiler_keeps_no_state(Type member)
    {
        var mutable = member.Assembly.GetTypes()
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsInitOnly && !field.IsLiteral)
            // what the compilers keep for themselves: start-up code of F#, delegates of C#
            .Where(field => !field.Name.Contains('<') && !field.Name.Contains('@') && !field.DeclaringType!.FullName!.StartsWith('<'))
            .Select(field => field.DeclaringType + "." + field.Name);
        None(mutable);
    }

    [Fact]
    public void Core_and_compiler_are_pure()
    {
        var sources = Tracked.Where(file => (file.StartsWith("compiler/Lips.Core/", StringComparison.Ordinal) || file.StartsWith("compiler/Lips.Compiler/", StringComparison.Ordinal)) && IsSource(file))
            // a thread for its stack alone, which no stage can tell from a call
            .Where(file => file != "compiler/Lips.Compiler/RoomyStack.cs");
        var impure = from file in sources
                     from line in File.ReadLines(Path.Combine(Repository.Root, file)).Select((text, number) => (text, number))
                     where Impure().IsMatch(line.text)
                     select $"{file}({line.number + 1}): {line.text.Trim()}";
        None(impure);
    }

    [Fact]
    public void No_file_is_long()
    {
        var tooLong = Tracked.Where(file => IsSource(file) && !file.StartsWith("grammar/Generated/", StringComparison.Ordinal) && !file.StartsWith("tests/accepted/", StringComparison.Ordinal))
            .Select(file => (File: file, Lines: File.ReadLines(Path.Combine(Repository.Root, file)).Count()))
            .Where(file => file.Lines > (Longer.ContainsKey(file.File) ? MaxLinesWithReason : MaxLines))
            .Select(file => $"{file.File}: {file.Lines} lines");
        None(tooLong);
        None(Longer.Keys.Except(Tracked));
    }

    [Fact]
    public void Names_say_what_a_thing_is()
    {
        var vague = Tracked.Where(file => Path.GetFileNameWithoutExtension(file) is { } name && Vague().IsMatch(name))
            .Concat(new[] { typeof(Lips.Core.Diagnostic), typeof(SpecCompiler), typeof(Lips.Runtime.ILipsModel) }
                .SelectMany(member => member.Assembly.GetTypes()).Select(type => type.Name).Where(name => Vague().IsMatch(name)));
        None(vague);
    }

    [Fact]
    public void Every_file_of_a_project_is_compiled_and_exists()
    {
        foreach (string project in Projects.Where(file => file.EndsWith(".fsproj", StringComparison.Ordinal)))
        {
            string folder = Path.GetDirectoryName(project)!.Replace('\\', '/');
            var listed = XDocument.Load(Path.Combine(Repository.Root, project)).Descendants("Compile").Select(item => folder + "/" + item.Attribute("Include")!.Value);
            var present = Tracked.Where(file => file.StartsWith(folder + "/", StringComparison.Ordinal) && (file.EndsWith(".fs", StringComparison.Ordinal) || file.EndsWith(".fsi", StringComparison.Ordinal)));
            Assert.Equal(present.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = Repository.Read("Spec.sln").Replace('\\', '/');
        None(Projects.Where(project => !solution.Contains('"' + project + '"', StringComparison.Ordinal)));
    }

    [Fact]
    public void Text_files_are_UTF8_without_a_mark_and_with_plain_line_ends()
    {
        foreach (string file in Tracked.Where(file => IsSource(file) || Path.GetExtension(file) is ".md" or ".sh" or ".props" or ".csproj" or ".fsproj" or ".g4"))
        {
            byte[] bytes = File.ReadAllBytes(Path.Combine(Repository.Root, file));
            Assert.False(bytes.AsSpan().StartsWith("\uFEFF"u8), file + " begins with a byte order mark");
            Assert.False(bytes.Contains((byte)'\r'), file + " has carriage returns");
        }
    }

    [Fact]
    public void No_file_knows_the_machine_it_was_written_on()
    {
        // put together here, so that this file does not find itself
        string[] traces = ["/work" + "/", "/home" + "/", "/root" + "/", "/Users" + "/", ".." + "/shared"];
        var found = from file in Tracked
                    where IsSource(file) || Path.GetExtension(file) is ".md" or ".sh" or ".props" or ".targets" or ".csproj" or ".fsproj" or ".json" or ".txt" or ".lips" or ".sln" or ""
                    let text = File.ReadAllText(Path.Combine(Repository.Root, file))
                    from trace in traces
                    where text.Contains(trace, StringComparison.Ordinal)
                    select file + " mentions " + trace;
        None(found);
    }

    private static void None(IEnumerable<string> found) => Assert.True(!found.Any(), string.Join('\n', found));

    private static bool IsSource(string file) => Path.GetExtension(file) is ".cs" or ".fs" or ".cpp";

    [GeneratedRegex(@"\b(Utils?|Helpers?|Manager|Common)\b|(Utils?|Helpers?|Manager)$")]
    private static partial Regex Vague();

    [GeneratedRegex(@"\b(File|Directory|Console|Environment\.Get\w*|Process|Random|Stopwatch|DateTime(Offset)?|Guid\.NewGuid|CultureInfo\.Current\w*|Thread|Task)\b\s*[.(]|\b(FileStream|StreamReader|StreamWriter|HttpClient)\b")]
    private static partial Regex Impure();

    private static IEnumerable<string> Git(string arguments)
    {
        using Process git = Process.Start(new ProcessStartInfo("git", arguments) { WorkingDirectory = Repository.Root, RedirectStandardOutput = true })!;
        string output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
