using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Text;

namespace Lips.Runtime.Reporting;

/// <summary>A named line of (x, y) points.</summary>
public sealed record Series(string Name, IReadOnlyList<(double X, double Y)> Points, bool Markers = false);

/// <summary>A labelled bar with the text at its end.</summary>
public sealed record Bar(string Label, double Value, string Text);

/// <summary>Charts as SVG text, coloured by the page's style so that they follow light and dark.</summary>
internal static class SvgChart
{
    private const int Width = 720, Height = 300, Left = 64, Right = 16, Top = 30, Bottom = 40;

    public static string Lines(IReadOnlyList<Series> series, string xLabel, string yLabel, double? reference = null)
    {
        var shown = series.Select(s => s with { Points = Thin(s.Points.Where(p => double.IsFinite(p.X) && double.IsFinite(p.Y)).ToList()) }).Where(s => s.Points.Count > 0).ToList();
        if (shown.Count == 0)
            return "<p class=\"empty\">No data yet.</p>";
        double x0 = shown.Min(s => s.Points.Min(p => p.X)), x1 = shown.Max(s => s.Points.Max(p => p.X));
        double y0 = shown.Min(s => s.Points.Min(p => p.Y)), y1 = shown.Max(s => s.Points.Max(p => p.Y));
        if (reference is double line)
            (y0, y1) = (Math.Min(y0, line), Math.Max(y1, line));
        var yTicks = Ticks(ref y0, ref y1, 5);
        double xEnd = x1 > x0 ? x1 : x0 + 1;
        var xTicks = Ticks(ref x0, ref xEnd, 6, widen: false);
        double X(double x) => Left + (x - x0) / (xEnd - x0) * (Width - Left - Right);
        double Y(double y) => Height - Bottom - (y - y0) / (y1 - y0) * (Height - Top - Bottom);

        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Escape(yLabel)} over {Escape(xLabel)}\">");
        foreach (double t in yTicks)
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(t):F1}\" y2=\"{Y(t):F1}\"/><text class=\"tick\" text-anchor=\"end\" x=\"{Left - 8}\" y=\"{Y(t) + 4:F1}\">{Number(t)}</text>");
        foreach (double t in xTicks)
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" text-anchor=\"middle\" x=\"{X(t):F1}\" y=\"{Height - Bottom + 18}\">{Number(t)}</text>");
        if (reference is double mark)
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"reference\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(mark):F1}\" y2=\"{Y(mark):F1}\"/>");
        for (int i = 0; i < shown.Count; i++)
        {
            string points = string.Join(' ', shown[i].Points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.X):F1},{Y(p.Y):F1}")));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline class=\"s{i % 8}\" points=\"{points}\"><title>{Escape(shown[i].Name)}</title></polyline>");
            if (shown[i].Markers)
                foreach (var p in shown[i].Points)
                    svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"d{i % 8}\" cx=\"{X(p.X):F1}\" cy=\"{Y(p.Y):F1}\" r=\"3\"><title>{Number(p.X)}: {Number(p.Y)}</title></circle>");
        }
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"axis\" text-anchor=\"end\" x=\"{Width - Right}\" y=\"{Height - 6}\">{Escape(xLabel)}</text><text class=\"axis\" x=\"4\" y=\"12\">{Escape(yLabel)}</text></svg>");
        svg.Append("<p class=\"legend\">");
        for (int i = 0; i < shown.Count; i++)
            svg.Append(CultureInfo.InvariantCulture, $"<span><i class=\"b{i % 8}\"></i>{Escape(shown[i].Name)}</span> ");
        return svg.Append("</p>").ToString();
    }

    public static string Bars(IReadOnlyList<Bar> bars)
    {
        if (bars.Count == 0)
            return "<p class=\"empty\">No data yet.</p>";
        const int row = 22, label = 250, end = 96;
        double low = Math.Min(0, bars.Min(b => b.Value)), high = Math.Max(0, bars.Max(b => b.Value));
        double range = high > low ? high - low : 1;
        double X(double v) => label + (v - low) / range * (Width - label - end);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {bars.Count * row + 8}\" role=\"img\" aria-label=\"bars\">");
        for (int i = 0; i < bars.Count; i++)
        {
            double x = Math.Min(X(0), X(bars[i].Value)), width = Math.Max(Math.Abs(X(bars[i].Value) - X(0)), 1), y = 4 + i * row;
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" text-anchor=\"end\" x=\"{label - 8}\" y=\"{y + 14:F0}\">{Escape(bars[i].Label)}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{(bars[i].Value < 0 ? "d2" : "d0")}\" x=\"{x:F1}\" y=\"{y + 3:F0}\" width=\"{width:F1}\" height=\"{row - 7}\" rx=\"2\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"{Math.Max(X(0), X(bars[i].Value)) + 6:F1}\" y=\"{y + 14:F0}\">{Escape(bars[i].Text)}</text>");
        }
        return svg.Append("</svg>").ToString();
    }

    /// <summary>At most 600 points, keeping the extremes of each stretch.</summary>
    private static List<(double X, double Y)> Thin(List<(double X, double Y)> points)
    {
        const int stretches = 300;
        if (points.Count <= 2 * stretches)
            return points;
        var kept = new List<(double X, double Y)>();
        for (int s = 0; s < stretches; s++)
        {
            int from = (int)((long)s * points.Count / stretches), to = (int)((long)(s + 1) * points.Count / stretches);
            var part = points.GetRange(from, to - from);
            kept.AddRange(new[] { part.MinBy(p => p.Y), part.MaxBy(p => p.Y) }.Distinct().OrderBy(p => p.X));
        }
        return kept;
    }

    private static List<double> Ticks(ref double low, ref double high, int count, bool widen = true)
    {
        if (!(high > low))
            (low, high) = (low - Math.Max(Math.Abs(low) * 0.05, 1e-6), high + Math.Max(Math.Abs(high) * 0.05, 1e-6));
        double raw = (high - low) / count, power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = power * (raw / power <= 1 ? 1 : raw / power <= 2 ? 2 : raw / power <= 5 ? 5 : 10);
        if (widen)
            (low, high) = (Math.Floor(low / step) * step, Math.Ceiling(high / step) * step);
        var ticks = new List<double>();
        for (double t = Math.Ceiling(low / step - 1e-9) * step; t <= high + step * 1e-9; t += step)
            ticks.Add(Math.Abs(t) < step * 1e-9 ? 0 : t);
        return ticks;
    }

    private static string Number(double value) => value.ToString(Math.Abs(value) is >= 1e5 or (> 0 and < 1e-3) ? "0.##e0" : "0.####", CultureInfo.InvariantCulture);

    public static string Escape(string text) => WebUtility.HtmlEncode(text);
}
