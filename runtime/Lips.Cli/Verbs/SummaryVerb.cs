using System;
using System.CommandLine;
using Lips.Core;

namespace Lips.Cli.Verbs;

/// <summary><c>lips summary SPEC</c>: parameters, multiply–adds and activation memory, layer by layer.</summary>
internal static class SummaryVerb
{
    public static Command Create()
    {
        var command = new Command("summary", "Count parameters, multiply-adds and activation memory.");
        var spec = new SpecArguments(command);
        var format = new Option<string>("--format") { Description = "text or json", DefaultValueFactory = _ => "text" }.AcceptOnlyFromAmong("text", "json");
        command.Add(format);
        command.SetAction(given =>
        {
            var compiled = spec.Read(given);
            if (!compiled.HasModels)
                return compiled.ShowLack();
            var source = compiled.Compilation.Source;
            Console.Out.Write(given.GetValue(format) == "json" ? ReportSummary.json(source, compiled.Model).Print() : ReportSummary.text(source, compiled.Model));
            return ExitCode.Ok;
        });
        return command;
    }
}
