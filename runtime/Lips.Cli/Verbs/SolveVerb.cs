using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using Lips.Cli.Solving;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Microsoft.FSharp.Collections;

namespace Lips.Cli.Verbs;

/// <summary><c>lips solve SPEC --claim "lipschitz &lt;= 10"</c>: the largest caps with which a claim holds.</summary>
internal static class SolveVerb
{
    public static Command Create()
    {
        var command = new Command("solve", "Find the largest caps with which a claim holds.");
        var spec = new SpecArguments(command);
        var claim = new Option<string>("--claim") { Description = "such as \"lipschitz(x -> logits) <= 10\", or \"lipschitz <= 10\" for the points of the spec's own claim", HelpName = "CLAIM", Required = true };
        var prefer = new Option<string[]>("--prefer") { Description = "the size of a group's caps against the others': attention=2", HelpName = "GROUP=NUMBER", AllowMultipleArgumentsPerToken = false };
        var write = new Option<string?>("--write") { Description = "write the spec with these caps and the claim", HelpName = "FILE" };
        var format = new Option<string>("--format") { Description = "text or json", DefaultValueFactory = _ => "text" }.AcceptOnlyFromAmong("text", "json");
        foreach (Option option in new Option[] { claim, prefer, write, format })
            command.Add(option);
        command.SetAction(given =>
        {
            var overrides = spec.Overrides(given);
            var preferences = (given.GetValue(prefer) ?? []).Select(Preference).ToDictionary(p => p.Group, p => p.Number, StringComparer.Ordinal);
            var read = spec.Read(given);
            if (read.ExitCode == ExitCode.SyntaxOrType)
                return read.Show();
            var (solution, failed) = new CapSolver(read, spec.ModelName(given), overrides).Solve(given.GetValue(claim)!, preferences);
            if (solution is null)
                return failed!.Show() is var code && code == ExitCode.Ok ? ExitCode.ClaimFails : code;
            if (given.GetValue(write) is { } file)
                AtomicFile.WriteText(file, solution.Text);
            var report = ReportModule.create(solution.Spec.Compilation.Source, At.Caps, FSharpList<Tuple<Norm, Norm>>.Empty, solution.Spec.Model);
            Console.Out.Write(given.GetValue(format) == "json" ? Json(solution, report) : Text(solution, report, given.GetValue(write)));
            return ExitCode.Ok;
        });
        return command;
    }

    private static (string Group, string Number) Preference(string text)
    {
        int sign = text.LastIndexOf('=');
        string number = sign > 0 ? text[(sign + 1)..].Trim() : "";
        if (Rational.TryOfDecimal(number) is not { Value: { Sign: > 0 } })
            throw new LipsException($"--prefer must be a group and a positive number, as in attention=2, found '{text}'.", ExitCode.Usage);
        return (text[..sign].Trim(), number);
    }

    private static string Text(Solution solution, Report report, string? file)
    {
        var caps = solution.Caps;
        int Width(string title, Func<SolvedCap, string> of) => caps.Select(c => of(c).Length).Append(title.Length).Max();
        int groups = Width("group", c => c.Group), numbers = Width("cap", Shown), was = Width("in the spec", c => c.Was);
        string Line(string group, string cap, string line, string before, string after) => $"  {group.PadRight(groups)}   {cap.PadLeft(numbers)}   {line,4}   {before.PadRight(was)}   {after}".TrimEnd() + "\n";
        return string.Concat(report.Claims.Where(c => c.Query is not null || c.Written == solution.Claim).Select(c => $"{solution.Spec.Model.Resolved.Model.Name}   {c.Written}: {c.Found}, {(c.Holds ? "holds" : "DOES NOT HOLD")}\n"))
            + "\n" + Line("group", "cap", "line", "in the spec", "write")
            + string.Concat(caps.Select(c => Line(c.Group, Shown(c), c.Line.ToString(System.Globalization.CultureInfo.InvariantCulture), c.Was, c.Cap is null ? "(no claim limits it)" : c.Becomes)))
            + (file is null ? $"\nclaim {solution.Claim}\n" : $"\nwrote {file}\n");
    }

    private static string Shown(SolvedCap cap) => cap.Cap ?? "any";

    private static string Json(Solution solution, Report report) => JsonPrinting.Object(json =>
    {
        json.WriteString("model", solution.Spec.Model.Resolved.Model.Name);
        json.WriteString("claim", solution.Claim);
        var query = report.Queries.FirstOrDefault(q => report.Claims.Any(c => c.Written == solution.Claim && c.Query?.Value.Equals(q.Query) == true)) ?? report.Queries.FirstOrDefault();
        json.WriteString("bound", report.Claims.FirstOrDefault(c => c.Written == solution.Claim) is { } own ? own.Found : "∞");
        json.WriteString("log10", query is null ? "∞" : UpperText.log10(6, query.Bound));
        json.WriteObjects("claims", report.Claims, c =>
        {
            json.WriteString("text", c.Written);
            json.WriteBoolean("holds", c.Holds);
            json.WriteString("bound", c.Found);
        });
        json.WriteObjects("caps", solution.Caps, c =>
        {
            json.WriteString("group", c.Group);
            json.WriteString("cap", c.Cap);
            json.WriteNumber("line", c.Line);
            json.WriteString("was", c.Was);
            json.WriteString("write", c.Becomes);
        });
        json.WriteString("spec", solution.Text);
    });
}
