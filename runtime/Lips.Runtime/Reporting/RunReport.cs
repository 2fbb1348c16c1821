using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Training;

namespace Lips.Runtime.Reporting;

/// <summary>What a run's page shows.</summary>
public sealed record RunReport
{
    public required string Title { get; init; }

    /// <summary>One sentence under the title.</summary>
    public string Subtitle { get; init; } = "";

    /// <summary>What a reader must know before trusting the page: a claim that fails, weights without a certificate.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Rows of name and value at the top: bound, estimate, validation loss, time.</summary>
    public IReadOnlyList<(string Name, string Value)> Facts { get; init; } = [];

    public IReadOnlyList<MetricsLine> Metrics { get; init; } = [];

    /// <summary>The bound's factors, layer by layer, as log₁₀ with their text.</summary>
    public IReadOnlyList<Bar> BoundByLayer { get; init; } = [];

    /// <summary>Certified norms: weight, norm, cap.</summary>
    public IReadOnlyList<(string Weight, string Norm, string Cap)> Norms { get; init; } = [];

    /// <summary>The bound's derivation as text.</summary>
    public string Derivation { get; init; } = "";

    public string Sample { get; init; } = "";

    public string Spec { get; init; } = "";

    public void Write(string path) => AtomicFile.WriteText(path, ToHtml());

    public string ToHtml()
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">");
        page.Append("<title>").Append(SvgChart.Escape(Title)).Append("</title><style>").Append(Style).Append("</style></head><body><main>\n");
        page.Append("<h1>").Append(SvgChart.Escape(Title)).Append("</h1><p class=\"subtitle\">").Append(SvgChart.Escape(Subtitle)).Append("</p>\n");
        foreach (string warning in Warnings)
            page.Append("<p class=\"warning\">").Append(SvgChart.Escape(warning)).Append("</p>\n");
        Table(page, "facts", Facts.Select(f => new[] { f.Name, f.Value }), []);

        Section(page, "Loss", SvgChart.Lines(
            [
                new Series("training", Metrics.Where(m => m.Loss is not null).Select(m => ((double)m.Step, m.Loss!.Value)).ToList()),
                new Series("validation", Metrics.Where(m => m.ValidationLoss is not null).Select(m => ((double)m.Step, m.ValidationLoss!.Value)).ToList(), Markers: true),
            ],
            "step", "loss"));
        if (BoundByLayer.Count > 0)
            Section(page, "Bound by layer", "<p>Each bar is a layer’s factor in the bound proven for weights at their caps, in powers of ten; negative bars contract.</p>" + SvgChart.Bars(BoundByLayer));
        var norms = NormSeries();
        if (norms.Count > 0)
            Section(page, "Weight norms over time", "<p>Estimated norm over cap; the caps become facts when the checkpoint is sealed.</p>" + SvgChart.Lines(norms, "step", "norm / cap", reference: 1));
        var entropies = EntropySeries();
        if (entropies.Count > 0)
        {
            Section(page, "Attention entropy", "<p>Mean over a layer’s heads, in nats; 0 is a switch between tokens. “floor” is the least that the theorem of arXiv 2303.06296 allows for the largest of its heads’ logits.</p>" + SvgChart.Lines(entropies, "step", "entropy"));
            var table = new StringBuilder();
            var final = Metrics.Last(m => m.Attention is { Count: > 0 }).Attention!;
            Table(table, "norms", final.Select(l => new[] { l.Key, string.Join(", ", l.Value.Select(h => Nats(h.Entropy))), l.Value.All(h => h.Floor is not null) ? string.Join(", ", l.Value.Select(h => Nats(h.Floor!.Value))) : "" }), ["layer", "entropy of each head at the end", "floor"]);
            Section(page, "Heads", table.ToString() + HeadCharts());
        }
        if (Norms.Count > 0)
        {
            var table = new StringBuilder();
            Table(table, "norms", Norms.Select(n => new[] { n.Weight, n.Norm, n.Cap }), ["weight", "certified norm", "cap"]);
            Section(page, "Certified norms", table.ToString());
        }
        Text(page, "Derivation", Derivation);
        Text(page, "Sample", Sample);
        Text(page, "Spec", Spec);
        return page.Append("</main></body></html>\n").ToString();
    }

    /// <summary>The eight weights that came nearest to their caps, and the largest of all.</summary>
    private List<Series> NormSeries()
    {
        var lines = Metrics.Where(m => m.Norms is { Count: > 0 }).ToList();
        var names = lines.SelectMany(m => m.Norms!).GroupBy(n => n.Key).OrderByDescending(g => g.Max(n => n.Value)).Select(g => g.Key).Take(8);
        return names.Select(name => new Series(name, lines.Where(m => m.Norms!.ContainsKey(name)).Select(m => ((double)m.Step, m.Norms![name])).ToList())).ToList();
    }

    /// <summary>The first six layers' mean entropies, each with its floor where there is one.</summary>
    private List<Series> EntropySeries()
    {
        var lines = Metrics.Where(m => m.Attention is { Count: > 0 }).ToList();
        Series Of(string name, string shown, Func<IReadOnlyList<HeadEntropy>, double?> value) => new(shown, lines
            .Where(m => m.Attention!.ContainsKey(name) && value(m.Attention[name]) is not null)
            .Select(m => ((double)m.Step, value(m.Attention![name])!.Value)).ToList());
        return lines.SelectMany(m => m.Attention!.Keys).Distinct().Take(6)
            .SelectMany(name => new[] { Of(name, name, heads => heads.Average(h => h.Entropy)), Of(name, name + ", floor", heads => heads.Min(h => h.Floor)) })
            .Where(series => series.Points.Count > 0)
            .ToList();
    }

    /// <summary>Every head of the first two dozen layers over time, folded away: a model may have a thousand.</summary>
    private string HeadCharts()
    {
        const int most = 24;
        var lines = Metrics.Where(m => m.Attention is { Count: > 0 }).ToList();
        var layers = lines.SelectMany(m => m.Attention!.Keys).Distinct().ToList();
        var charts = new StringBuilder();
        charts.Append("<details><summary>Every head over time").Append(layers.Count > most ? $", in the first {most} of {layers.Count} layers" : "").Append("</summary>");
        foreach (string layer in layers.Take(most))
        {
            var here = lines.Where(m => m.Attention!.ContainsKey(layer)).Select(m => (Step: (double)m.Step, Heads: m.Attention![layer])).ToList();
            var heads = Enumerable.Range(0, here.Max(h => h.Heads.Count)).Select(i => new Series($"head {i + 1}", here.Where(h => i < h.Heads.Count).Select(h => (h.Step, h.Heads[i].Entropy)).ToList()));
            var floor = new Series("floor", here.Where(h => h.Heads.All(x => x.Floor is not null)).Select(h => (h.Step, h.Heads.Min(x => x.Floor!.Value))).ToList());
            charts.Append("<p>").Append(SvgChart.Escape(layer)).Append("</p>").Append(SvgChart.Lines([.. heads, floor], "step", "entropy"));
        }
        return charts.Append("</details>").ToString();
    }

    private static string Nats(double value) => value.ToString(value < 1e-3 ? "0.##e0" : "0.###", System.Globalization.CultureInfo.InvariantCulture);

    private static void Section(StringBuilder page, string title, string body) =>
        page.Append("<section><h2>").Append(SvgChart.Escape(title)).Append("</h2>").Append(body).Append("</section>\n");

    private static void Text(StringBuilder page, string title, string text)
    {
        if (text.Length > 0)
            Section(page, title, "<pre>" + SvgChart.Escape(text) + "</pre>");
    }

    private static void Table(StringBuilder page, string style, IEnumerable<string[]> rows, string[] head)
    {
        page.Append("<div class=\"wide\"><table class=\"").Append(style).Append("\">");
        if (head.Length > 0)
            page.Append("<thead><tr>").AppendJoin("", head.Select(h => "<th>" + SvgChart.Escape(h) + "</th>")).Append("</tr></thead>");
        page.Append("<tbody>");
        foreach (var row in rows)
            page.Append("<tr>").AppendJoin("", row.Select(c => "<td>" + SvgChart.Escape(c) + "</td>")).Append("</tr>");
        page.Append("</tbody></table></div>");
    }

    private const string Style = """
        :root{color-scheme:light dark;--ink:#1c1d21;--soft:#686b75;--line:#e3e4e8;--paper:#fff;--panel:#f6f6f8;
        --c0:#2f5fd0;--c1:#c2571a;--c2:#1b8a5a;--c3:#8a3fb5;--c4:#b3263e;--c5:#0f7f92;--c6:#8a7410;--c7:#5b6170}
        @media(prefers-color-scheme:dark){:root{--ink:#e7e8ec;--soft:#9a9eaa;--line:#2c2e36;--paper:#141519;--panel:#1c1e24;
        --c0:#7ea4ff;--c1:#f09a5b;--c2:#58c795;--c3:#c58ae8;--c4:#f07a8c;--c5:#54c2d4;--c6:#d4bd55;--c7:#a0a6b5}}
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 "Source Serif 4",Charter,"Iowan Old Style",Georgia,serif}
        main{max-width:46rem;margin:3rem auto 5rem;padding:0 1.25rem}
        h1{font-size:2rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}h2{font-size:1.2rem;margin:2.75rem 0 .5rem}
        .subtitle,.empty,section>p{color:var(--soft);margin:.25rem 0 1rem}
        .warning{border-left:3px solid var(--c4);padding:.1rem 0 .1rem .75rem;margin:.5rem 0 1rem}
        svg{width:100%;height:auto;display:block;overflow:visible}
        .tick,.axis,.legend,table{font-family:system-ui,sans-serif;font-variant-numeric:tabular-nums}
        .tick{font-size:11px;fill:var(--soft)}.axis{font-size:11px;fill:var(--ink)}
        .grid{stroke:var(--line)}.reference{stroke:var(--c4);stroke-dasharray:5 4}
        polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}
        .s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}.s6{stroke:var(--c6)}.s7{stroke:var(--c7)}
        .d0{fill:var(--c0)}.d1{fill:var(--c1)}.d2{fill:var(--c2)}.d3{fill:var(--c3)}.d4{fill:var(--c4)}.d5{fill:var(--c5)}.d6{fill:var(--c6)}.d7{fill:var(--c7)}
        .legend{font-size:12px;color:var(--soft);display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.5rem 0 0}
        .legend i{display:inline-block;width:.9em;height:3px;border-radius:2px;margin-right:.4em;vertical-align:middle}
        .b0{background:var(--c0)}.b1{background:var(--c1)}.b2{background:var(--c2)}.b3{background:var(--c3)}.b4{background:var(--c4)}.b5{background:var(--c5)}.b6{background:var(--c6)}.b7{background:var(--c7)}
        .wide{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem;width:100%}
        td,th{padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
        th,.facts td:first-child{color:var(--soft);font-weight:400;white-space:nowrap}
        pre{background:var(--panel);border-radius:6px;padding:1rem;overflow-x:auto;font:12.5px/1.55 ui-monospace,"Cascadia Code",Menlo,monospace}
        """;
}
