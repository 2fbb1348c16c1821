using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Lips.Runtime.Reporting;

/// <summary>What several runs were at one step: the mean and the ends of the band.</summary>
public readonly record struct BandPoint(double X, double Low, double Mean, double High);

/// <summary>A line of means in its band, and the points at which runs ended before their time. Curves of one name have one colour.</summary>
public sealed record Curve(string Name, IReadOnlyList<BandPoint> Points, IReadOnlyList<(double X, double Y)> Ends);

/// <summary>Panels side by side with one vertical axis. Where values may explode, the axis shows where most of them lie and curves leave it at the top.</summary>
public sealed record CurveRow(string YLabel, bool MayExplode, IReadOnlyList<IReadOnlyList<Curve>> Panels);

/// <summary>Learning curves in rows of panels as a self-contained SVG file, readable on light and dark.</summary>
public static class CurvePlot
{
    private const int Left = 52, Right = 14, Gap = 16, Top = 52, PanelHeight = 168, Between = 30, Bottom = 58, MostWidth = 330, LeastWidth = 118, Wanted = 700;

    /// <param name="titles">Of the panels of every row, from left to right.</param>
    /// <param name="note">A line under the panels.</param>
    public static string Draw(IReadOnlyList<string> titles, IReadOnlyList<CurveRow> rows, string xLabel, string note)
    {
        int columns = Math.Max(1, titles.Count), panel = Math.Clamp((Wanted / columns) - Gap, LeastWidth, MostWidth);
        int width = Math.Max(Left + (columns * (panel + Gap)) - Gap + Right, 420), height = Top + (rows.Count * (PanelHeight + Between)) - Between + Bottom;
        var curves = rows.SelectMany(r => r.Panels).SelectMany(p => p).ToList();
        var names = curves.Select(c => c.Name).Distinct().ToList();
        double xEnd = Math.Max(1, curves.SelectMany(c => c.Points).Select(p => p.X).DefaultIfEmpty(1).Max());
        string Colour(string name) => ScatterPlot.Colours[names.IndexOf(name) % ScatterPlot.Colours.Length];

        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{SvgChart.Escape(string.Join(", ", rows.Select(r => r.YLabel)))} over {SvgChart.Escape(xLabel)}\" font-family=\"system-ui,sans-serif\" font-size=\"12\" fill=\"#7b818f\">\n");
        double at = Left;
        foreach (string name in names)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{at:F0}\" y=\"9\" width=\"16\" height=\"4\" rx=\"2\" fill=\"{Colour(name)}\"/><text x=\"{at + 22:F0}\" y=\"16\">{SvgChart.Escape(name)}</text>\n");
            at += 44 + (6.6 * name.Length);
        }
        for (int c = 0; c < titles.Count; c++)
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + (c * (panel + Gap))}\" y=\"{Top - 10}\" font-size=\"11\">{SvgChart.Escape(titles[c])}</text>\n");
        for (int r = 0; r < rows.Count; r++)
        {
            int top = Top + (r * (PanelHeight + Between));
            var (low, high) = Range(rows[r]);
            double Y(double y) => top + PanelHeight - ((y - low) / (high - low) * PanelHeight);
            var ticks = ScatterPlot.Ticks(low, high, 4).ToList();
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{-top - (PanelHeight / 2)}\" y=\"11\" text-anchor=\"middle\" font-size=\"11\" transform=\"rotate(-90)\">{SvgChart.Escape(rows[r].YLabel)}</text>\n");
            foreach (double t in ticks)
                svg.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"end\" font-size=\"11\" x=\"{Left - 6}\" y=\"{Y(t) + 4:F1}\">{t:0.####}</text>\n");
            for (int c = 0; c < rows[r].Panels.Count; c++)
            {
                int left = Left + (c * (panel + Gap));
                bool last = c == rows[r].Panels.Count - 1;
                double X(double x) => left + (x / xEnd * panel);
                // a frame of its own cuts off what leaves the axis
                svg.Append(CultureInfo.InvariantCulture, $"<clipPath id=\"p{r}-{c}\"><rect x=\"{left}\" y=\"{top}\" width=\"{panel}\" height=\"{PanelHeight}\"/></clipPath><rect x=\"{left}\" y=\"{top}\" width=\"{panel}\" height=\"{PanelHeight}\" fill=\"none\" stroke=\"#7b818f\" stroke-opacity=\".35\"/>\n");
                foreach (double t in ticks)
                    svg.Append(CultureInfo.InvariantCulture, $"<line stroke=\"#7b818f\" stroke-opacity=\".2\" x1=\"{left}\" x2=\"{left + panel}\" y1=\"{Y(t):F1}\" y2=\"{Y(t):F1}\"/>\n");
                svg.Append(CultureInfo.InvariantCulture, $"<g clip-path=\"url(#p{r}-{c})\">\n");
                foreach (var curve in rows[r].Panels[c].Where(k => k.Points.Count > 0))
                {
                    string Text(IEnumerable<(double X, double Y)> points) => string.Join(' ', points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.X):0.#},{Math.Clamp(Y(p.Y), -9999, 9999):0.#}")));
                    string colour = Colour(curve.Name);
                    svg.Append(CultureInfo.InvariantCulture, $"<polygon fill=\"{colour}\" fill-opacity=\".18\" points=\"{Text(curve.Points.Select(p => (p.X, p.High)).Concat(curve.Points.Reverse().Select(p => (p.X, p.Low))))}\"/>\n");
                    svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-linejoin=\"round\" points=\"{Text(curve.Points.Select(p => (p.X, p.Mean)))}\"><title>{SvgChart.Escape(curve.Name)}: {curve.Points[^1].Mean:0.####} at the end</title></polyline>\n");
                    foreach (var (x, y) in curve.Ends)
                    {
                        double ex = X(x), ey = Math.Clamp(Y(y), top + 6, top + PanelHeight - 6);
                        svg.Append(CultureInfo.InvariantCulture, $"<path stroke=\"{colour}\" stroke-width=\"2\" d=\"M{ex - 4:F1} {ey - 4:F1}l8 8m0 -8l-8 8\"/>\n");
                    }
                }
                svg.Append("</g>\n");
                if (r == rows.Count - 1)
                    // a number at the right edge would meet the next panel's first
                    foreach (double t in ScatterPlot.Ticks(0, xEnd, Math.Max(2, panel / 60)).Where(t => last || X(t) < left + panel - 16))
                        svg.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"middle\" font-size=\"11\" x=\"{X(t):F1}\" y=\"{top + PanelHeight + 15}\">{t:0.####}</text>\n");
            }
        }
        svg.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"end\" x=\"{width - Right}\" y=\"{height - Bottom + 33}\" font-size=\"11\">{SvgChart.Escape(xLabel)}</text><text x=\"{Left}\" y=\"{height - 8}\" font-size=\"11\">{SvgChart.Escape(note)}</text></svg>\n");
        return svg.ToString();
    }

    private static (double Low, double High) Range(CurveRow row)
    {
        var points = row.Panels.SelectMany(p => p).SelectMany(c => c.Points).Where(p => double.IsFinite(p.Low) && double.IsFinite(p.High)).ToList();
        if (points.Count == 0)
            return (0, 1);
        double low = points.Min(p => p.Low), high = points.Max(p => p.High);
        if (row.MayExplode)
        {
            double most = points.Select(p => p.Mean).Order().ElementAt(points.Count * 4 / 5);
            high = Math.Min(high, most + Math.Max(most - low, 1e-9));
        }
        double margin = Math.Max((high - low) * 0.04, 1e-6 + (Math.Abs(high) * 0.005));
        return (low - margin, high + margin);
    }
}
