using System;
using System.CommandLine;
using Lips.Core;

namespace Lips.Cli.Verbs;

/// <summary><c>lips explain LIPS3002</c>: what a diagnostic means, with an example.</summary>
internal static class ExplainVerb
{
    public static Command Create()
    {
        var command = new Command("explain", "Explain a diagnostic by its code.");
        var code = new Argument<string>("code") { Description = "such as LIPS3002", HelpName = "CODE" };
        command.Add(code);
        command.SetAction(given =>
        {
            string asked = given.GetValue(code)!;
            if (DiagnosticModule.explain(asked) is { } explanation)
            {
                Console.Out.Write(explanation.Value);
                return ExitCode.Ok;
            }
            Terminal.Complain($"there is no diagnostic '{asked}'; compiler/DIAGNOSTICS.md lists them.");
            return ExitCode.Usage;
        });
        return command;
    }
}
