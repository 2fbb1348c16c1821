using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Core;
using Lips.Runtime.Certification;
using Lips.Runtime.Reporting;
using Lips.Runtime.Training;

namespace Lips.Cli.Runs;

/// <summary>Writes a run's <c>report.html</c> from its files.</summary>
internal static class RunPage
{
    public static void Write(RunFolder folder, Spec spec, Certificate? certificate, IReadOnlyList<(string Name, string Value)> facts)
    {
        var report = ReportModule.create(spec.Compilation.Source, At.Caps, Microsoft.FSharp.Collections.FSharpList<Tuple<Norm, Norm>>.Empty, spec.Model);
        var proven = certificate?.Claims.Select(c => ($"{c.Text}, these weights", $"≤ {c.Bound}{(c.Limit is null ? "" : c.Holds ? ", the claim holds" : ", the claim does not hold")}")) ?? [];
        var atCaps = report.Queries.Select(q => ($"{q.Query}, weights at their caps", $"≤ {ReportModule.shown(7, q.Bound)}"));
        var exchanged = certificate?.Claims.Where(c => c.Substitution is not null).Select(c => ($"{c.Text}, token ids", c.Substitution!.Text)) ?? [];
        new RunReport
        {
            Title = spec.Model.Resolved.Model.Name,
            Subtitle = certificate?.Claims.FirstOrDefault()?.Domain ?? report.Queries.FirstOrDefault()?.Domain ?? "",
            Warnings = Warnings(spec, certificate),
            Facts = [.. proven, .. atCaps, .. exchanged, .. facts],
            Metrics = MetricsLog.Read(folder.Metrics),
            BoundByLayer = report.Queries.IsEmpty ? [] : ReportPage.bars(report.Queries.Head).Select(b => new Bar(b.Item1, b.Item2, b.Item3)).ToList(),
            Norms = certificate?.Caps.Select(c => (c.Weight, $"{c.Decimal} ({c.Unit})", c.Cap)).ToList() ?? [],
            Derivation = ReportText.print(report),
            Sample = File.Exists(folder.Sample) ? File.ReadAllText(folder.Sample) : "",
            Spec = spec.Compilation.Source.Text,
        }.Write(folder.Report);
    }

    private static IReadOnlyList<string> Warnings(Spec spec, Certificate? certificate) =>
    [
        .. spec.Compilation.Diagnostics.Where(d => d.Severity.IsWarning || d.Code == "LIPS3002").Select(d => $"{d.Code}: {d.Message}."),
        .. certificate is null
            ? ["These weights have no certificate: sealing has refused them, and nothing proves that they keep their caps."]
            : certificate.Claims.Where(c => !c.Holds).Select(c => $"{c.Text} <= {c.Limit} is claimed, and these weights prove only <= {c.Bound}."),
    ];

    public static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}
