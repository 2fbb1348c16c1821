using System;
using System.Globalization;
using System.IO;

namespace Lips.Runtime.Training;

/// <summary>The state of a run as one line: rewritten in place on a terminal, printed now and then elsewhere.</summary>
public sealed class ProgressLine(TextWriter output, bool terminal)
{
    private DateTime _last = DateTime.MinValue;
    private int _width;

    public static ProgressLine ForConsole() => new(Console.Error, !Console.IsErrorRedirected);

    /// <summary>Shows a line, unless one was shown just before and this is not the last.</summary>
    public void Show(string line, bool last = false)
    {
        var now = DateTime.UtcNow;
        if (!last && now - _last < (terminal ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(10)))
            return;
        _last = now;
        if (terminal)
        {
            output.Write('\r' + line.PadRight(_width));
            _width = line.Length;
            if (last)
                output.WriteLine();
        }
        else
        {
            output.WriteLine(line);
        }
        output.Flush();
    }

    /// <summary>A message above the line.</summary>
    public void Say(string message)
    {
        if (terminal && _width > 0)
            output.Write('\r' + new string(' ', _width) + '\r');
        _width = 0;
        output.WriteLine(message);
        output.Flush();
    }

    /// <summary><c>step 120/2000  loss 2.4810  5.1k tokens/s  ETA 3:12  norm/cap 0.998  bound 0.92770</c>.</summary>
    public static string Format(long step, long steps, double loss, double perSecond, string unit, double secondsLeft, double? normOverCap, string? bound)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"step {step}/{steps}  loss {loss:F4}  {Short(perSecond)} {unit}/s  ETA {Duration(secondsLeft)}");
        if (normOverCap is double norm)
            text += string.Create(CultureInfo.InvariantCulture, $"  norm/cap {norm:F4}");
        return bound is null ? text : $"{text}  bound {bound}";
    }

    public static string Short(double value) => value switch
    {
        >= 1e6 => (value / 1e6).ToString("F1", CultureInfo.InvariantCulture) + "M",
        >= 1e3 => (value / 1e3).ToString("F1", CultureInfo.InvariantCulture) + "k",
        _ => value.ToString("F0", CultureInfo.InvariantCulture),
    };

    public static string Duration(double seconds)
    {
        if (!(seconds >= 0 && seconds < 1e8))
            return "?";
        long s = (long)Math.Round(seconds);
        return s >= 3600
            ? string.Create(CultureInfo.InvariantCulture, $"{s / 3600}:{s / 60 % 60:D2}:{s % 60:D2}")
            : string.Create(CultureInfo.InvariantCulture, $"{s / 60}:{s % 60:D2}");
    }
}
