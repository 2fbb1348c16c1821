using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Text;
using Lips.Core;
using Microsoft.FSharp.Collections;

namespace Lips.Cli;

/// <summary>What is written to a person: findings and errors on standard error, in colour on a terminal only.</summary>
internal static class Terminal
{
    private static bool Coloured(bool redirected) =>
        !redirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>A message of the program itself: <c>lips: …</c>.</summary>
    public static void Complain(string message) => Console.Error.WriteLine(Paint("lips:", Red, Console.IsErrorRedirected) + " " + message);

    /// <summary>Text a model wrote, for a person's terminal: its control characters could move the cursor or worse.</summary>
    public static string Harmless(string text) =>
        string.Concat(text.Select(c => c is '\n' or '\t' || !char.IsControl(c) ? c : '\u00B7'));

    /// <summary>Findings with their source lines. <paramref name="textOf"/> gives the text of a file by its path.</summary>
    public static void Show(IEnumerable<Diagnostic> diagnostics, Func<string, string> textOf)
    {
        foreach (var diagnostic in diagnostics)
        {
            string[] lines = DiagnosticModule.render(textOf(diagnostic.Path), diagnostic).TrimEnd('\n').Split('\n');
            var text = new StringBuilder(Paint(lines[0], diagnostic.Severity.IsError ? Red : diagnostic.Severity.IsWarning ? Yellow : Blue, Console.IsErrorRedirected)).Append('\n');
            for (int i = 1; i < lines.Length; i++)
                text.Append(lines[i]).Append('\n');
            Console.Error.Write(text.ToString());
        }
    }

    /// <summary>Marks verdicts in a report that goes to a terminal.</summary>
    public static string Verdicts(string report) => Coloured(Console.IsOutputRedirected)
        ? report.Replace(" holds", Escape + Green + " holds" + Escape + Plain, StringComparison.Ordinal)
            .Replace("DOES NOT HOLD", Escape + Red + "DOES NOT HOLD" + Escape + Plain, StringComparison.Ordinal)
        : report;

    /// <summary>An option that takes a whole number, and says so of anything else.</summary>
    public static Option<long?> WholeNumber(string name, long least, string description, string helpName) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = found =>
        {
            if (long.TryParse(found.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= least)
                return number;
            found.AddError($"{name} must be a whole number of at least {least}, found '{found.Tokens[0].Value}'.");
            return null;
        },
    };

    private static string Paint(string text, string colour, bool redirected) => Coloured(redirected) ? Escape + colour + text + Escape + Plain : text;

    private const string Escape = "\u001b[", Red = "31m", Green = "32m", Yellow = "33m", Blue = "34m", Plain = "0m";
}
