using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text;
using Lips.Compiler;
using Lips.Core;
using Lips.Runtime;

namespace Lips.Cli;

/// <summary>The arguments by which every verb names a spec, a model in it, and what to change in it.</summary>
internal sealed class SpecArguments
{
    private readonly Argument<string> _spec;
    private readonly Argument<string[]> _overrides = new("overrides") { Description = "model parameters and recipe entries: layers=2 optimizer.lr=0.05", HelpName = "key=value", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _model = new("--model") { Description = "which model of the file; the last if not said", HelpName = "NAME" };

    public SpecArguments(Command command, string description = "a .lips file")
    {
        command.Add(_spec = new Argument<string>("spec") { Description = description, HelpName = "SPEC" });
        command.Add(_overrides);
        command.Add(_model);
    }

    public string Path(ParseResult given) => given.GetValue(_spec)!;

    public IReadOnlyList<(string Path, string Value)> Overrides(ParseResult given) => given.GetValue(_overrides) is { Length: > 0 } written ? [.. written.Select(Override)] : [];

    public string? ModelName(ParseResult given) => given.GetValue(_model);

    public Spec Read(ParseResult given, CompileOptions? options = null) => Spec.Compile(Path(given), Overrides(given), ModelName(given), options);

    private static (string, string) Override(string text)
    {
        int sign = text.IndexOf('=', StringComparison.Ordinal);
        return sign > 0
            ? (text[..sign].Trim(), text[(sign + 1)..].Trim())
            : throw new LipsException($"'{text}' is not of the form key=value.", Lips.Cli.ExitCode.Usage);
    }
}

/// <summary>A compiled spec file.</summary>
internal sealed class Spec
{
    private readonly Dictionary<string, byte[]?> _files;
    private readonly string? _modelName;

    private Spec(Compilation compilation, Dictionary<string, byte[]?> files, string? modelName) =>
        (Compilation, _files, _modelName) = (compilation, files, modelName);

    public Compilation Compilation { get; }

    /// <summary>The bytes of the spec, as hashed in certificates.</summary>
    public byte[] Bytes => _files[Compilation.Source.Path]!;

    /// <summary>Whether there are models: no error, or none but a failed claim.</summary>
    public bool HasModels => !Compilation.Models.IsEmpty;

    /// <summary>The chosen model.</summary>
    public CompiledModel Model
    {
        get
        {
            if (Compilation.Models.IsEmpty)
                throw new LipsException($"'{Compilation.Source.Path}' declares no model.", Lips.Cli.ExitCode.SyntaxOrType);
            if (_modelName is null)
                return Compilation.Models.Last();
            return Compilation.Models.FirstOrDefault(m => m.Resolved.Model.Name == _modelName)
                ?? throw new LipsException($"'{Compilation.Source.Path}' declares no model '{_modelName}'; it has {string.Join(", ", Compilation.Models.Select(m => m.Resolved.Model.Name))}.", Lips.Cli.ExitCode.Usage);
        }
    }

    /// <summary>The path of each file the spec uses, itself first.</summary>
    public IEnumerable<string> Files => _files.Keys;

    public static Spec Compile(string path, IReadOnlyList<(string Path, string Value)> overrides, string? model = null, CompileOptions? options = null) =>
        Compile(path, null, overrides, model, options);

    /// <summary>As if the file held another text: what a verb has written into it.</summary>
    public Spec With(string text, IReadOnlyList<(string Path, string Value)> overrides, CompileOptions? options = null) =>
        Compile(Compilation.Source.Path, Encoding.UTF8.GetBytes(text), overrides, _modelName, options);

    private static Spec Compile(string path, byte[]? text, IReadOnlyList<(string Path, string Value)> overrides, string? model, CompileOptions? options)
    {
        var files = new Dictionary<string, byte[]?>(StringComparer.Ordinal);
        byte[]? Read(string file)
        {
            if (!files.TryGetValue(file, out byte[]? bytes))
                files[file] = bytes = TryRead(file);
            return bytes;
        }

        if (text is not null)
            files[path] = text;
        byte[] main = Read(path) ?? throw new LipsException(
            Directory.Exists(path) ? $"'{path}' is a folder; name a .lips file in it." : $"There is no file '{path}'.", Lips.Cli.ExitCode.Usage);
        var (source, problems) = SourceReader.Read(path, main);
        if (main.Length > SourceReader.MaxBytes)
            problems = Microsoft.FSharp.Collections.ListModule.OfSeq([DiagnosticModule.create(path, Span.None, Problem.NewFileTooLarge(text?.Length ?? new FileInfo(path).Length, SourceReader.MaxBytes))]);
        var compilation = source is null
            ? new Compilation(new SourceText(path, ""), Microsoft.FSharp.Collections.FSharpList<CompiledModel>.Empty, problems)
            : SpecCompiler.Compile(source.Value, Read, overrides, options);
        return new Spec(compilation, files, model);
    }

    /// <summary>At most one byte more than a spec may have, so that no file fills the memory.</summary>
    private static byte[]? TryRead(string path)
    {
        try
        {
            if (!File.Exists(path))
                return null;
            using var stream = File.OpenRead(path);
            var buffer = new byte[SourceReader.MaxBytes + 1];
            int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return buffer[..length];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LipsException($"Cannot read '{path}': {e.Message}", Lips.Cli.ExitCode.Usage, e);
        }
    }

    /// <summary>Shows every finding on standard error and gives the exit code of the gravest.</summary>
    public int Show()
    {
        Terminal.Show(Compilation.Diagnostics, TextOf);
        return ExitCode;
    }

    /// <summary>Shows why there is no model, and gives the exit code.</summary>
    public int ShowLack()
    {
        int code = Show();
        if (code != Lips.Cli.ExitCode.Ok)
            return code;
        Terminal.Complain($"'{Compilation.Source.Path}' declares no model.");
        return Lips.Cli.ExitCode.SyntaxOrType;
    }

    public int ExitCode
    {
        get
        {
            char least = char.MaxValue;
            foreach (var d in Compilation.Diagnostics)
                if (DiagnosticModule.isError(d) && d.Code[4] < least)
                    least = d.Code[4];
            return least switch
            {
                char.MaxValue => Lips.Cli.ExitCode.Ok,
                < '3' => Lips.Cli.ExitCode.SyntaxOrType,
                '3' => Lips.Cli.ExitCode.ClaimFails,
                _ => Lips.Cli.ExitCode.Emission,
            };
        }
    }

    public string TextOf(string path) => path == Compilation.Source.Path ? Compilation.Source.Text
        : _files.TryGetValue(path, out byte[]? bytes) && bytes is not null ? Encoding.UTF8.GetString(bytes)
        // an override: its path is what was written on the command line
        : path.IndexOf('=', StringComparison.Ordinal) is > 0 and var sign ? "let value = " + path[(sign + 1)..] : "";
}
