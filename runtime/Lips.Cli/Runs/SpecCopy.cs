using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Lips.Compiler;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Microsoft.FSharp.Collections;

namespace Lips.Cli.Runs;

/// <summary>
/// The spec as a run keeps it: one that means by itself what was trained. What the command line changed is written into it, and
/// the files it uses are copied beside it.
/// </summary>
internal static class SpecCopy
{
    /// <summary>Writes the copy, compiles it, and makes sure that it means the same.</summary>
    public static void Write(Spec spec, IReadOnlyList<(string Path, string Value)> overrides, string target)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(target))!;
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string used in spec.Files.Skip(1))
            names[used] = Unique(names.Values, Path.GetFileName(used));
        foreach (var (used, name) in names)
            AtomicFile.WriteText(Path.Combine(folder, "used", name), Redirect(spec.TextOf(used), used, names, ""));
        string text = Redirect(spec.Compilation.Source.Text, spec.Compilation.Source.Path, names, "used/");
        if (overrides.Count > 0)
            text = Apply(text, spec.Model.Resolved.Model.Name, overrides);
        AtomicFile.WriteText(target, text);
        var copy = Spec.Compile(target, [], spec.Model.Resolved.Model.Name);
        if (overrides.Count > 0 && copy.HasModels && WithoutOldCounts(copy, text) is { } shorter)
        {
            AtomicFile.WriteText(target, shorter);
            copy = Spec.Compile(target, [], spec.Model.Resolved.Model.Name);
        }
        if (!copy.HasModels || copy.Model.Meaning != spec.Model.Meaning)
            throw new RunFailed($"The copy '{target}' does not mean what '{spec.Compilation.Source.Path}' does. This is a fault of lips.");
    }

    /// <summary>Without the counts that were claimed of the declared parameters and do not hold of the chosen ones; null where all hold.</summary>
    private static string? WithoutOldCounts(Spec copy, string text)
    {
        var old = copy.Compilation.Models.SelectMany(m => m.Verdicts).Where(v => !v.Item3 && (v.Item1.Subject.IsParameters || v.Item1.Subject.IsMacs)).Select(v => v.Item2).ToList();
        if (old.Count == 0)
            return null;
        foreach (var place in old.OrderByDescending(p => p.Start))
        {
            int start = text.LastIndexOf("claim", place.Start, StringComparison.Ordinal);
            text = text.Remove(start, place.Start + place.Length - start);
        }
        return Format.print(Parse(text, "spec.lips"));
    }

    private static string Unique(IEnumerable<string> taken, string name)
    {
        string candidate = name;
        for (int i = 2; taken.Contains(candidate, StringComparer.Ordinal); i++)
            candidate = $"{Path.GetFileNameWithoutExtension(name)}-{i}{Path.GetExtension(name)}";
        return candidate;
    }

    /// <summary>Points <c>use "…"</c> at the copies.</summary>
    private static string Redirect(string text, string path, Dictionary<string, string> names, string prefix)
    {
        if (names.Count == 0)
            return text;
        var edits = new List<(Span Place, string Text)>();
        foreach (var declaration in Parse(text, path).Declarations)
            if (declaration is Syntax.Declaration.Use use && names.FirstOrDefault(n => Path.GetFileName(n.Key) == Path.GetFileName(use.path)) is { Value: { } name })
            {
                string written = text.Substring(use.Item2.Start, use.Item2.Length);
                int first = written.IndexOf('"', StringComparison.Ordinal), last = written.LastIndexOf('"');
                edits.Add((use.Item2, string.Concat(written.AsSpan(0, first + 1), prefix, name, written.AsSpan(last))));
            }
        return Edit(text, edits);
    }

    private static string Apply(string text, string model, IReadOnlyList<(string Path, string Value)> overrides)
    {
        foreach (var (path, value) in overrides)
        {
            // one at a time: each edit moves the places of the others
            IEnumerable<Syntax.Declaration.Model> Declared() => Parse(text, "spec.lips").Declarations.OfType<Syntax.Declaration.Model>();
            var owners = Declared().Where(m => m.Item2.Any(p => p.Name.Text == path)).Select(m => m.Item1.Text).ToList();
            foreach (string owner in owners.Count > 0 ? owners : [model])
                text = One(text, Declared().First(m => m.Item1.Text == owner), path, value);
        }
        return Format.print(Parse(text, "spec.lips"));
    }

    private static string One(string text, Syntax.Declaration.Model model, string path, string value)
    {
        var parameter = model.Item2.FirstOrDefault(p => p.Name.Text == path);
        if (parameter is not null)
            return parameter.Default is { } standard ? Edit(text, [(standard.Value.Span, value)]) : Insert(text, parameter.Name.Span.Start + parameter.Name.Span.Length, " = " + value);
        var body = model.Item4;
        var recipe = body.Statements.Where(s => s.Node.IsRecipe).LastOrDefault();
        if (recipe is null)
            return Insert(text, Closing(text, body.Span), $"\nrecipe {{\n{path}: {value}\n}}\n");
        var entry = ((Syntax.StatementNode.Recipe)recipe.Node).Item.FirstOrDefault(e => e.Selector is null && string.Join('.', e.Path.Parts.OfType<Syntax.PathPart.Field>().Select(f => f.Item.Text)) == path);
        return entry is not null ? Edit(text, [(entry.Value.Span, value)]) : Insert(text, Closing(text, recipe.Span), $"\n{path}: {value}\n");
    }

    private static int Closing(string text, Span span) => text.LastIndexOf('}', Math.Min(text.Length - 1, span.Start + span.Length));

    private static string Insert(string text, int at, string more) => text.Insert(at, more);

    private static string Edit(string text, IReadOnlyList<(Span Place, string Text)> edits)
    {
        var result = new StringBuilder(text);
        foreach (var (place, replacement) in edits.OrderByDescending(e => e.Place.Start))
            result.Remove(place.Start, place.Length).Insert(place.Start, replacement);
        return result.ToString();
    }

    private static Syntax.Spec Parse(string text, string path) => Parsing.Parse(new SourceText(path, text)).Spec?.Value
        ?? throw new RunFailed($"'{path}' could not be rewritten for the run's folder. This is a fault of lips.");
}
