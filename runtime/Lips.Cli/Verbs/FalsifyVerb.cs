using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Cli.Falsification;
using Lips.Cli.Runs;
using Lips.Core;
using Lips.Runtime.Falsification;
using TorchSharp;

namespace Lips.Cli.Verbs;

/// <summary><c>lips falsify SPEC|all</c>: attacks bounds from below; a bound that is exceeded is an error.</summary>
internal static class FalsifyVerb
{
    /// <summary>Random stacks attacked beside the small specs in every round of <c>all</c>.</summary>
    private const int StacksPerRound = 12;

    private sealed record Row(string Name, IReadOnlyList<string> Rules, IReadOnlyList<double> Bounds, double[] Best);

    public static Command Create()
    {
        var command = new Command("falsify", "Attack bounds from below: weights at their caps, inputs and directions ascend together.");
        var spec = new SpecArguments(command, "a .lips file, or 'all' for small specs of every layer kind and random stacks");
        var budget = Terminal.WholeNumber("--budget", least: 1, "attacks, at least; every reading of every source is attacked equally often [default: once, of a spec four times]", "N");
        var seed = Terminal.WholeNumber("--seed", least: 0, "other seeds, other attacks [default: 0]", "N");
        var format = new Option<string>("--format") { Description = "text or json", DefaultValueFactory = _ => "text" }.AcceptOnlyFromAmong("text", "json");
        foreach (Option option in new Option[] { budget, seed, format })
            command.Add(option);
        command.SetAction(given =>
        {
            bool isText = given.GetValue(format) == "text";
            int number = (int)Math.Min(given.GetValue(seed) ?? 0, int.MaxValue);
            IReadOnlyList<Emitted> models;
            if (spec.Path(given) == "all" && !File.Exists("all"))
            {
                models = Small(given.GetValue(budget) ?? 1, number);
            }
            else
            {
                var options = new CompileOptions(ModelAssembly.Namespace, Emitted.Norms);
                var compiled = spec.Read(given, options);
                // a model made small by the command line need not have the number of parameters it claims
                if (compiled.HasModels && compiled.ExitCode == ExitCode.ClaimFails)
                    compiled = compiled.With(WithoutCounts(compiled), spec.Overrides(given), options);
                int code = compiled.HasModels ? compiled.Show() : compiled.ShowLack();
                if (code != ExitCode.Ok)
                    return code;
                models = [new Emitted(new Case(spec.Path(given), compiled.Compilation.Source.Text), compiled.Model, ModelAssembly.TypeOf(compiled.Model))];
            }
            return Attack(models, models.Count == 1 ? given.GetValue(budget) ?? 12 : given.GetValue(budget) ?? 1, number, isText);
        });
        return command;
    }

    /// <summary>Small specs of every kind, and as many random stacks as the budget has rounds for.</summary>
    private static IReadOnlyList<Emitted> Small(long budget, int seed)
    {
        long perRound = 3L * (Cases.All.Count + StacksPerRound);
        int stacks = (int)Math.Min(StacksPerRound * Math.Max(1, budget / perRound), 4096);
        return Emitted.All([.. Cases.All, .. RandomStacks.Draw(stacks, seed)]);
    }

    /// <summary>The spec's text without claims of counts; its lines stay where they are.</summary>
    private static string WithoutCounts(Spec spec)
    {
        var source = spec.Compilation.Source;
        var (syntax, _) = Lips.Compiler.Parsing.Parse(source);
        string text = source.Text;
        if (syntax is not null)
            foreach (var claim in CapPlaces.claims(syntax.Value, spec.Model.Resolved.Model.Name).Where(c => c.Subject is "parameters" or "macs").OrderByDescending(c => c.Span.Start))
                text = text.Remove(claim.Span.Start, claim.Span.Length);
        return text;
    }

    internal static int Attack(IReadOnlyList<Emitted> models, long budget, int seed, bool isText)
    {
        torch.set_num_threads(1);
        var sources = models.SelectMany(e => Subject.Sources(e).Select(from => (Emitted: e, From: from))).ToList();
        int rounds = (int)Math.Min((budget + (3L * sources.Count) - 1) / (3L * sources.Count), int.MaxValue);
        var campaign = new Campaign(seed);
        var rows = new List<Row>();
        if (isText)
            Console.Out.WriteLine($"largest gain over bound  {string.Join("  ", Readings.Select(r => r.Name))}");
        for (int index = 0; index < sources.Count; index++)
        {
            using var subject = new Subject(sources[index].Emitted, sources[index].From);
            double[] best = campaign.Attack(subject, index, rounds);
            var row = new Row(
                subject.Name + (subject.Beside is null ? "" : ", from " + subject.From),
                [.. subject.Emitted.Compiled.Derivation.Steps.Select(s => s.Rule).Distinct()],
                [.. Readings.Select(r => subject.Bound(r.Reading))],
                best);
            rows.Add(row);
            if (!isText)
                continue;
            Console.Out.WriteLine($"  {row.Name,-38} {Cells(row.Best, row.Bounds)}");
            Console.Out.Flush();
        }
        Console.Out.Write(isText ? ByRule(rows, campaign) : Json(rows, campaign, seed));
        Console.Out.Flush();
        if (campaign.Violations.Count == 0)
            return ExitCode.Ok;
        Terminal.Complain($"A BOUND IS EXCEEDED: {campaign.Violations.Count} findings lie above what is proven. This is a fault of lips, and no certificate by these rules can be trusted:");
        foreach (string violation in campaign.Violations)
            Console.Error.WriteLine(violation);
        return ExitCode.ClaimFails;
    }

    private static IReadOnlyList<(Reading Reading, string Name, string Key)> Readings { get; } =
    [
        (Reading.TokenToToken, "token -> token", "token"), (Reading.WholeToWhole, "l2 -> l2", "l2"), (Reading.WholeToToken, "l2 -> token", "l2_token"),
    ];

    private static string Cells(IReadOnlyList<double> best, IReadOnlyList<double>? bounds) => string.Join("  ", Readings.Select((r, i) =>
        (bounds is not null && double.IsInfinity(bounds[i]) ? "no bound" : best[i].ToString("F4", CultureInfo.InvariantCulture)).PadLeft(r.Name.Length)));

    /// <summary>Per rule the largest share that a model using it has reached: the evidence that the rule is no looser than it says.</summary>
    private static IEnumerable<(string Rule, double[] Best)> Rules(IReadOnlyList<Row> rows) =>
        rows.SelectMany(r => r.Rules.Select(rule => (Rule: rule, r.Best))).GroupBy(r => r.Rule, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => (g.Key, Readings.Select((_, i) => g.Max(r => r.Best[i])).ToArray()));

    private static string ByRule(IReadOnlyList<Row> rows, Campaign campaign) =>
        "\nby rule, the most of any model that uses it\n"
        + string.Concat(Rules(rows).Select(r => $"  {r.Rule,-38} {Cells(r.Best, null)}\n"))
        + $"\n{campaign.Attacks} attacks, {campaign.Bounded} against a finite bound; {(campaign.Violations.Count == 0 ? "none exceeded it" : campaign.Violations.Count + " EXCEEDED IT")}\n";

    private static string Json(IReadOnlyList<Row> rows, Campaign campaign, int seed) => JsonPrinting.Object(json =>
    {
        void Write(double[] best)
        {
            foreach (var (i, reading) in Readings.Index())
                json.WriteMeasured(reading.Key, best[i]);
        }

        json.WriteNumber("seed", seed);
        json.WriteNumber("attacks", campaign.Attacks);
        json.WriteNumber("bounded", campaign.Bounded);
        json.WriteStartArray("exceeded");
        foreach (string violation in campaign.Violations)
            json.WriteStringValue(violation);
        json.WriteEndArray();
        json.WriteObjects("rules", Rules(rows), r =>
        {
            json.WriteString("rule", r.Rule);
            Write(r.Best);
        });
        json.WriteObjects("models", rows, r =>
        {
            json.WriteString("model", r.Name);
            Write(r.Best);
        });
    });
}
