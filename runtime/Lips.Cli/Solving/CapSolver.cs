using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Lips.Compiler;
using Lips.Core;
using Lips.Runtime;

namespace Lips.Cli.Solving;

/// <summary>A cap as written and as chosen: one place of the spec's text.</summary>
/// <param name="Was">The cap as the spec has it, such as <c>rms_cap(2, per: head)</c>.</param>
/// <param name="Becomes">The same with the number chosen; equal to <paramref name="Was"/> where no claim limits the cap.</param>
/// <param name="Cap">The number alone; null where no claim limits it.</param>
internal sealed record SolvedCap(string Group, int Line, string Was, string Becomes, string? Cap);

/// <summary>A spec with the largest caps for a claim, and that spec compiled from scratch.</summary>
internal sealed record Solution(string Claim, string Text, Spec Spec, IReadOnlyList<SolvedCap> Caps);

/// <summary>
/// Finds the largest caps for a claim by rewriting the spec's text: every cap of a matrix becomes <c>auto</c> in a group of its
/// own, the compiler solves, and the numbers are written where the caps were. What is returned has been compiled and its claims
/// decided as for any other spec.
/// </summary>
internal sealed partial class CapSolver
{
    private readonly Spec _spec;
    private readonly string _model;
    private readonly string _text;
    private readonly Syntax.Spec _syntax;
    private readonly IReadOnlyList<(string Path, string Value)> _overrides;

    public CapSolver(Spec spec, string? model, IReadOnlyList<(string Path, string Value)> overrides)
    {
        (_spec, _text, _overrides) = (spec, spec.Compilation.Source.Text, overrides);
        _syntax = Parse(_text) ?? throw new LipsException($"'{spec.Compilation.Source.Path}' has errors; 'lips check' shows them.", ExitCode.SyntaxOrType);
        var models = CapPlaces.models(_syntax);
        _model = model ?? models.LastOrDefault() ?? throw new LipsException($"'{spec.Compilation.Source.Path}' declares no model.", ExitCode.SyntaxOrType);
        if (!models.Contains(_model))
            throw new LipsException($"'{spec.Compilation.Source.Path}' declares no model '{_model}'; it has {string.Join(", ", models)}.", ExitCode.Usage);
    }

    /// <summary>The solution; null when there is none, and then the first spec that shows why.</summary>
    /// <param name="claim">As after <c>claim</c> in a spec, or the short form <c>lipschitz &lt;= 10</c>.</param>
    /// <param name="preferences">By group; 1 where not given.</param>
    public (Solution? Solution, Spec? Failed) Solve(string claim, IReadOnlyDictionary<string, string> preferences)
    {
        string written = Written(claim);
        var places = CapPlaces.all(_syntax, _model).ToList();
        if (places.Count == 0)
            throw new LipsException($"'{_spec.Compilation.Source.Path}' writes no spectral_cap and no rms_cap for '{_model}', so there is nothing to solve for; caps in files it uses are those files' own.", ExitCode.Usage);
        // caps left open by the author are the ones in question; else all are
        var open = places.Any(p => p.Open is not null) ? places.Where(p => p.Open is not null).ToList() : places;
        foreach (string name in preferences.Keys.Where(name => open.All(p => p.Group != name)))
            throw new LipsException($"--prefer names no group of caps '{name}'; there {(open.Count == 1 ? "is" : "are")} {string.Join(", ", open.Select(p => p.Group).Distinct())}.", ExitCode.Usage);

        string Preference(CapPlace place)
        {
            string? own = place.Open is { Value: { Value: { } declared } } ? $"({declared})" : null, given = preferences.GetValueOrDefault(place.Group);
            return own is not null && given is not null ? $"{own} * ({given})" : own ?? given ?? "1";
        }

        var opened = _spec.With(Rewritten(written, open, p => $"auto(group: \"{p.Group}\", prefer: {Preference(p)})"), _overrides);
        if (!opened.HasModels || Solved(opened) is not { } model)
            return (null, opened);
        var chosen = model.Chosen.ToDictionary(c => c.Item1, c => c.Item2, StringComparer.Ordinal);
        string? Number(CapPlace place) => chosen.TryGetValue(place.Group, out var value) && Comparer<Rational>.Default.Compare(value, Lips.Core.Solve.unlimited) < 0
            ? Product(value, Preference(place))
            : null;

        string Limit(CapPlace place) => Number(place) ?? (place.Open is null ? Cut(place.Limit) : "1");
        string text = Rewritten(written, open, Limit);
        var solved = _spec.With(text, _overrides);
        // the proof is this compilation of the printed text, not the search
        if (!solved.HasModels || solved.ExitCode != ExitCode.Ok)
            return (null, solved);
        var caps = open.Select(p => new SolvedCap(p.Group, p.Call.Line, Cut(p.Call), Cut(p.Call)[..(p.Limit.Start - p.Call.Start)] + Limit(p) + Cut(p.Call)[(p.Limit.Start - p.Call.Start + p.Limit.Length)..], Number(p)));
        return (new Solution(written, text, solved, [.. caps]), null);
    }

    /// <summary>The opened spec's model; its claim decided at the caps chosen.</summary>
    private CompiledModel? Solved(Spec opened) => opened.ExitCode == ExitCode.Ok ? opened.Compilation.Models.FirstOrDefault(m => m.Resolved.Model.Name == _model) : null;

    /// <summary>A cap as text: the number where the preference is 1, else the product as a spec writes it.</summary>
    private static string Product(Rational value, string preference) =>
        preference == "1" ? UpperText.rational(value)
        : Rational.TryOfDecimal(preference) is { Value: { } factor } ? UpperText.rational(value * factor)
        : $"{UpperText.rational(value)} * {preference}";

    /// <summary>The claim as a spec has it after <c>claim</c>, the short form spelled out.</summary>
    private string Written(string given)
    {
        string text = given.Trim();
        if (text.StartsWith("claim ", StringComparison.Ordinal))
            text = text[6..].TrimStart();
        if (Short().Match(text) is { Success: true } match)
        {
            var first = CapPlaces.claims(_syntax, _model).FirstOrDefault(c => c.Subject == "lipschitz");
            var (input, output) = CapPlaces.ends(_syntax, _model);
            if (first is null && (input is null || output is null))
                throw new LipsException($"'{_model}' has no claim to take the points from, and its last step has no name: write --claim \"lipschitz(input -> output) {match.Groups[1].Value}\", and name the output in the spec (logits = …).", ExitCode.Usage);
            string points = first is not null ? $"{first.From} -> {first.To}" : $"{input!.Value} -> {output!.Value}";
            string norm = first is { Norm.Length: > 0 } && !text.Contains(" in ", StringComparison.Ordinal) ? " in " + first.Norm : "";
            text = $"lipschitz({points}) {match.Groups[1].Value}{norm}";
        }
        var parsed = Parse($"model Claimed {{\n  claim {text}\n}}\n");
        if (text.Contains('\n') || parsed is null || CapPlaces.claims(parsed, "Claimed").ToList() is not [{ Subject: "lipschitz" or "radius" }])
            throw new LipsException($"--claim must bound a constant or a radius, as in \"lipschitz(x -> logits) <= 10\" or \"lipschitz <= 10\", found \"{given}\".", ExitCode.Usage);
        return text;
    }

    /// <summary>The spec's text with other limits, and with the claim in place of one about the same, or beside the others.</summary>
    private string Rewritten(string claim, IReadOnlyList<CapPlace> open, Func<CapPlace, string> limit)
    {
        var edits = open.Select(p => (p.Limit.Start, p.Limit.Length, Text: limit(p))).ToList();
        var asked = CapPlaces.claims(Parse($"model Claimed {{\n  claim {claim}\n}}\n")!, "Claimed").First();
        var same = CapPlaces.claims(_syntax, _model).FirstOrDefault(c => c.Subject == asked.Subject && Plain(c.From) == Plain(asked.From) && Plain(c.To) == Plain(asked.To) && c.Norm == asked.Norm);
        if (same is not null)
            edits.Add((same.Span.Start, same.Span.Length, "claim " + claim));
        else if (CapPlaces.claimSlot(_syntax, _model) is { Value: var after })
            edits.Add((after.Start + after.Length, 0, Indentation(after) + "claim " + claim));
        var text = new StringBuilder(_text);
        foreach (var (start, length, replacement) in edits.OrderByDescending(e => e.Start))
            text.Remove(start, length).Insert(start, replacement);
        return text.ToString();
    }

    /// <summary>A line break and the white space before a statement.</summary>
    private string Indentation(Span statement)
    {
        int begin = _text.LastIndexOf('\n', Math.Max(0, statement.Start - 1)) + 1;
        return "\n" + new string([.. _text[begin..statement.Start].TakeWhile(char.IsWhiteSpace)]);
    }

    private static string Plain(string path) => path.Replace(" ", "", StringComparison.Ordinal);

    private string Cut(Span span) => _text.Substring(span.Start, span.Length);

    private static Syntax.Spec? Parse(string text)
    {
        var (spec, found) = Parsing.Parse(new SourceText("", text));
        return spec is null || found.Any(DiagnosticModule.isError) ? null : spec.Value;
    }

    [GeneratedRegex(@"^lipschitz\s*(<=?\s*.+)$")]
    private static partial Regex Short();
}
