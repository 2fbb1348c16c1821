using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Lips.Runtime.Reporting;

/// <summary>A point of a <see cref="ScatterPlot"/>: dots of one group have one colour.</summary>
public sealed record Dot(string Group, double X, double Y, string Label);

/// <summary>Points as a self-contained SVG file, readable on light and dark.</summary>
public static class ScatterPlot
{
    private const int Width = 760, Height = 460, Left = 64, Right = 24, Top = 28, Bottom = 52;

    internal static readonly string[] Colours = ["#2f6fd0", "#c2571a", "#1b8a5a", "#8a3fb5", "#b3263e", "#0f7f92", "#8a7410", "#7b818f"];

    public static string Draw(IReadOnlyList<Dot> dots, string xLabel, string yLabel)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{SvgChart.Escape(yLabel)} over {SvgChart.Escape(xLabel)}\" font-family=\"system-ui,sans-serif\" font-size=\"12\" fill=\"#7b818f\">");
        if (dots.Count == 0)
            return svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{Height / 2}\">no finite bound</text></svg>\n").ToString();
        var (x0, x1) = Range(dots.Select(d => d.X));
        var (y0, y1) = Range(dots.Select(d => d.Y));
        double X(double x) => Left + (x - x0) / (x1 - x0) * (Width - Left - Right);
        double Y(double y) => Height - Bottom - (y - y0) / (y1 - y0) * (Height - Top - Bottom);
        foreach (double t in Ticks(y0, y1))
            svg.Append(CultureInfo.InvariantCulture, $"<line stroke=\"#7b818f\" stroke-opacity=\".3\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(t):F1}\" y2=\"{Y(t):F1}\"/><text text-anchor=\"end\" x=\"{Left - 8}\" y=\"{Y(t) + 4:F1}\">{t:0.###}</text>");
        foreach (double t in Ticks(x0, x1))
            svg.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"middle\" x=\"{X(t):F1}\" y=\"{Height - Bottom + 18}\">{t:0.###}</text>");
        var groups = dots.Select(d => d.Group).Distinct().ToList();
        foreach (var dot in dots)
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(dot.X):F1}\" cy=\"{Y(dot.Y):F1}\" r=\"5\" fill=\"{Colours[groups.IndexOf(dot.Group) % Colours.Length]}\"><title>{SvgChart.Escape(dot.Label)}: {dot.X:0.###}, {dot.Y:0.##}</title></circle>");
        double at = Left;
        foreach (string group in groups)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{at + 5:F1}\" cy=\"12\" r=\"5\" fill=\"{Colours[groups.IndexOf(group) % Colours.Length]}\"/><text x=\"{at + 15:F1}\" y=\"16\">{SvgChart.Escape(group)}</text>");
            at += 30 + 6.6 * group.Length;
        }
        return svg.Append(CultureInfo.InvariantCulture, $"<text text-anchor=\"end\" x=\"{Width - Right}\" y=\"{Height - 14}\">{SvgChart.Escape(xLabel)}</text><text x=\"{Left}\" y=\"{Height - 14}\">{SvgChart.Escape(yLabel)} (vertical)</text></svg>\n").ToString();
    }

    private static (double Low, double High) Range(IEnumerable<double> values)
    {
        double low = values.Min(), high = values.Max(), margin = Math.Max((high - low) * 0.06, 1e-6 + Math.Abs(high) * 0.01);
        return (low - margin, high + margin);
    }

    /// <summary>Round numbers between the two, about as many as <paramref name="count"/>.</summary>
    internal static IEnumerable<double> Ticks(double low, double high, int count = 6)
    {
        double raw = (high - low) / count, power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        double step = power * (raw / power <= 1 ? 1 : raw / power <= 2 ? 2 : raw / power <= 5 ? 5 : 10);
        for (double t = Math.Ceiling(low / step) * step; t <= high; t += step)
            yield return Math.Abs(t) < step * 1e-9 ? 0 : t;
    }
}
