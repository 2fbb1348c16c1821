using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Lips.Runtime.Reporting;
using Lips.Runtime.Training;
using Xunit;

namespace Lips.Runtime.Tests.Reporting;

public class RunReportTests
{
    private static RunReport Report(int steps) => new()
    {
        Title = "Shakespeare & <co>",
        Warnings = ["a claim <= 1 fails"],
        Facts = [("bound", "0.92770")],
        Metrics = Enumerable.Range(1, steps)
            .Select(s => new MetricsLine { Step = s, Loss = 4.0 / s, ValidationLoss = s % 10 == 0 ? 5.0 / s : null, Norms = new System.Collections.Generic.Dictionary<string, double> { ["q"] = 0.9, ["k"] = 1.0 / s } })
            .ToList(),
        BoundByLayer = [new Bar("attention", 0.3, "×2.0"), new Bar("mlp", -0.1, "×0.8")],
        Norms = [("q", "0.99", "1")],
        Sample = "<script>alert(1)</script>",
    };

    [Fact]
    public void The_page_is_whole_in_itself_and_shows_text_as_text()
    {
        string html = Report(40).ToHtml();
        Assert.DoesNotContain("<script", html);
        Assert.Contains("Shakespeare &amp; &lt;co&gt;", html);
        Assert.DoesNotMatch(new Regex("(src|href)=|url\\(|@import", RegexOptions.IgnoreCase), html);
        Assert.Contains("prefers-color-scheme:dark", html);
        Assert.Contains("<p class=\"warning\">a claim &lt;= 1 fails</p>", html);
        Assert.Equal(3, Regex.Matches(html, "<svg").Count);
        Assert.Equal(4, Regex.Matches(html, "<polyline").Count);
        Assert.DoesNotContain("NaN", html);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public void Runs_of_every_length_give_a_page_of_modest_size(int steps)
    {
        string html = Report(steps).ToHtml();
        Assert.InRange(html.Length, 3_000, 300_000);
        Assert.Equal(steps > 0, html.Contains("<polyline"));
    }

    [Fact]
    public void The_log_is_read_back_and_cut_on_resume()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("lips-log-").FullName, "metrics.jsonl");
        using (var log = new MetricsLog(path, 0))
            for (int s = 1; s <= 5; s++)
                log.Write(new MetricsLine { Step = s, Loss = s == 4 ? double.NaN : 1.0 / s });
        File.AppendAllText(path, "{\"step\": 6, \"lo");
        using (var log = new MetricsLog(path, 3))
            log.Write(new MetricsLine { Step = 4, Loss = 0.25, ValidationAccuracy = 0.5 });
        var lines = MetricsLog.Read(path);
        Assert.Equal([1L, 2, 3, 4], lines.Select(l => l.Step));
        Assert.Equal(0.25, lines[3].Loss);
        Assert.Equal(0.5, lines[3].ValidationAccuracy);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public void The_progress_line_says_what_matters()
    {
        Assert.Equal(
            "step 120/2000  loss 2.4810  5.1k tokens/s  ETA 3:12  norm/cap 0.9980  bound 0.92770",
            ProgressLine.Format(120, 2000, 2.481, 5120, "tokens", 192, 0.998, "0.92770"));
        var output = new StringWriter { NewLine = "\n" };
        var line = new ProgressLine(output, terminal: false);
        for (int i = 0; i < 100; i++)
            line.Show("step " + i);
        line.Show("done", last: true);
        Assert.Equal("step 0\ndone\n", output.ToString());
    }

    [Fact]
    public void Every_head_of_every_layer_is_drawn_with_the_floor_beside_it()
    {
        MetricsLine Line(long step, int layers) => new()
        {
            Step = step,
            Attention = Enumerable.Range(0, layers).ToDictionary(
                l => $"blocks.{l}.attention",
                l => (System.Collections.Generic.IReadOnlyList<HeadEntropy>)[new(2.125 - (0.1 * step), l == 0 ? 0.375 : null), new(1.5, l == 0 ? 0.25 : null)]),
        };
        string html = new RunReport { Title = "heads", Metrics = [Line(1, 2), Line(2, 2)] }.ToHtml();
        Assert.Contains("<td>blocks.0.attention</td><td>1.925, 1.5</td><td>0.375, 0.25</td>", html);
        Assert.Contains("<td>blocks.1.attention</td><td>1.925, 1.5</td><td></td>", html);
        string heads = html[html.IndexOf("<details", StringComparison.Ordinal)..html.IndexOf("</details", StringComparison.Ordinal)];
        Assert.Equal(2, Regex.Matches(heads, "<title>head 1</title>").Count);
        Assert.Equal(2, Regex.Matches(heads, "<title>head 2</title>").Count);
        // the theorem speaks of the first layer only
        Assert.Single(Regex.Matches(heads, "<title>floor</title>"));

        string deep = new RunReport { Title = "deep", Metrics = [Line(1, 200), Line(2, 200)] }.ToHtml();
        Assert.Contains("in the first 24 of 200 layers", deep);
        Assert.Contains("<td>blocks.199.attention</td>", deep);
    }
}
