using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace Lips.Compiler;

/// <summary>
/// The whole compiler: from the text of a spec to models, their bounds, diagnostics and C#. The generator, the command
/// line and the tests call this and nothing below it.
/// </summary>
public static class SpecCompiler
{
    /// <summary>Compiles a spec.</summary>
    /// <param name="source">The spec; its path is what <c>use</c> paths are relative to and what messages show.</param>
    /// <param name="read">The bytes of a used file by its path, or null where there is none. The compiler does no I/O.</param>
    /// <param name="overrides">Parameters and recipe entries from the command line: path and value as written.</param>
    /// <param name="options">Namespace of the generated code, further norms.</param>
    /// <returns>Models in order of declaration, with every finding. Models are absent where an error stands in the way.</returns>
    public static Compilation Compile(
        SourceText source,
        Func<string, byte[]?> read,
        IReadOnlyList<(string Path, string Value)>? overrides = null,
        CompileOptions? options = null)
    {
        (FSharpOption<Syntax.Spec>? spec, FSharpList<Diagnostic> found) = Parsing.Parse(source);
        if (spec is null)
        {
            return new Compilation(source, FSharpList<CompiledModel>.Empty, found);
        }

        var problems = new List<Diagnostic>(found);
        var values = new List<Tuple<string, Syntax.Expr>>();
        foreach ((string path, string value) in overrides ?? [])
        {
            if (Override(path, value, problems) is { } expression)
            {
                values.Add(Tuple.Create(path, expression));
            }
        }

        if (problems.Any(DiagnosticModule.isError))
        {
            return new Compilation(source, FSharpList<CompiledModel>.Empty, ListModule.OfSeq(problems));
        }

        var files = new Dictionary<string, Syntax.Spec>();
        FSharpResult<Syntax.Spec, Problem> Use(string from, string target)
        {
            string path = Combine(from, target);
            if (!files.TryGetValue(path, out Syntax.Spec? used))
            {
                if (read(path) is not { } bytes)
                {
                    return FSharpResult<Syntax.Spec, Problem>.NewError(Problem.NewUseNotFound(target));
                }

                files[path] = used = ReadUsed(path, bytes, problems);
            }

            return FSharpResult<Syntax.Spec, Problem>.NewOk(used);
        }

        Compilation compiled = Pipeline.compile(
            FuncConvert.FromFunc<string, string, FSharpResult<Syntax.Spec, Problem>>(Use),
            ListModule.OfSeq(values),
            options ?? CompileOptions.Default,
            spec.Value);
        // A used file that cannot be read leaves names without meaning; only the cause is worth saying.
        return problems.Any(DiagnosticModule.isError)
            ? new Compilation(source, FSharpList<CompiledModel>.Empty, DiagnosticModule.sort(ListModule.OfSeq(problems)))
            : new Compilation(source, compiled.Models, DiagnosticModule.sort(ListModule.OfSeq(problems.Concat(compiled.Diagnostics))));
    }

    /// <summary>The paths of the files that a spec names in <c>use</c>, as <see cref="Compile"/> asks for them; none where its syntax has errors.</summary>
    public static IReadOnlyList<string> Uses(SourceText source)
    {
        (FSharpOption<Syntax.Spec>? spec, _) = Parsing.Parse(source);
        return spec is null
            ? []
            : [.. spec.Value.Declarations.OfType<Syntax.Declaration.Use>().Select(use => Combine(source.Path, use.path))];
    }

    private static Syntax.Spec ReadUsed(string path, byte[] bytes, List<Diagnostic> problems)
    {
        (FSharpOption<SourceText>? text, FSharpList<Diagnostic> unreadable) = SourceReader.Read(path, bytes);
        problems.AddRange(unreadable);
        if (text is not null)
        {
            (FSharpOption<Syntax.Spec>? spec, FSharpList<Diagnostic> found) = Parsing.Parse(text.Value);
            problems.AddRange(found);
            if (spec is not null)
            {
                return spec.Value;
            }
        }

        // its own findings say why; an empty file keeps the rest of the spec readable
        return new Syntax.Spec(new SourceText(path, ""), FSharpList<Syntax.Declaration>.Empty, FSharpList<Syntax.Comment>.Empty);
    }

    /// <summary>An override is an expression of the language, so that <c>optimizer=adamw(lr: 1e-3)</c> works.</summary>
    private static Syntax.Expr? Override(string path, string value, List<Diagnostic> problems)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            problems.Add(DiagnosticModule.create($"{path}=", Places.FileStart, Problem.NewWrongValue(path, "given a value", "nothing after '='")));
            return null;
        }

        (FSharpOption<Syntax.Spec>? spec, FSharpList<Diagnostic> found) = Parsing.Parse(new SourceText($"{path}={value}", "let value = " + value));
        problems.AddRange(found);
        return spec?.Value.Declarations is { Length: 1 } one && one.Head is Syntax.Declaration.LetTop let ? let.Item2 : null;
    }

    /// <summary>The path of a used file: relative to the file that uses it, with <c>.</c> and <c>..</c> removed.</summary>
    private static string Combine(string from, string target)
    {
        if (target.StartsWith("/", StringComparison.Ordinal))
        {
            return target;
        }

        string folder = from.Replace('\\', '/');
        return Plain(folder.Substring(0, folder.LastIndexOf('/') + 1) + target);
    }

    /// <summary>A path with '/' and without <c>.</c> and <c>..</c>, as the paths of used files are asked for.</summary>
    public static string Plain(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Replace('\\', '/').Split('/'))
        {
            if (part == ".." && parts.Count > 0 && parts[parts.Count - 1] != ".." && parts[parts.Count - 1] != "")
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        return string.Join("/", parts);
    }
}
