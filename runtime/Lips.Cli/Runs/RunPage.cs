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
        new RunReport
        {
            Title = spec.Model.Resolved.Model.Name,
            Subtitle = certificate?.Claims.FirstOrDefault()?.Domain ?? report.Queries.FirstOrDefault()?.Domain ?? "",
            Facts = [.. proven, .. atCaps, .. facts],
            Metrics = MetricsLog.Read(folder.Metrics),
            BoundByLayer = report.Queries.IsEmpty ? [] : ReportPage.bars(report.Queries.Head).Select(b => new Bar(b.Item1, b.Item2, b.Item3)).ToList(),
            Norms = certificate?.Caps.Select(c => (c.Weight, $"{c.Decimal} ({c.Unit})", c.Cap)).ToList() ?? [],
            Derivation = ReportText.print(report),
            Sample = File.Exists(folder.Sample) ? File.ReadAllText(folder.Sample) : "",
            Spec = spec.Compilation.Source.Text,
        }.Write(folder.Report);
    }

    public static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}
