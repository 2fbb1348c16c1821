using System;
using System.CommandLine;
using System.Linq;
using Lips.Core;

namespace Lips.Cli.Verbs;

/// <summary><c>lips check SPEC</c>: every finding, and whether every claim holds.</summary>
internal static class CheckVerb
{
    public static Command Create()
    {
        var command = new Command("check", "Find errors in a spec and decide its claims.");
        var spec = new SpecArguments(command);
        var format = new Option<string>("--format") { Description = "text or sarif", DefaultValueFactory = _ => "text" }.AcceptOnlyFromAmong("text", "sarif");
        command.Add(format);
        command.SetAction(given =>
        {
            var compiled = spec.Read(given);
            if (given.GetValue(format) == "sarif")
            {
                Console.Out.Write(ReportJson.sarif(Product.Version, compiled.Compilation.Diagnostics).Print());
                return compiled.ExitCode;
            }
            int code = compiled.Show();
            if (code == ExitCode.Ok && !compiled.HasModels)
                Console.Out.WriteLine($"{compiled.Compilation.Source.Path} has no errors and declares no model.");
            if (code == ExitCode.Ok)
                foreach (var model in compiled.Compilation.Models)
                    Console.Out.WriteLine($"{compiled.Compilation.Source.Path}: {model.Resolved.Model.Name} has no errors" + model.Verdicts.Length switch { 0 => ".", 1 => "; its claim holds.", var n => $"; its {n} claims hold." });
            return code;
        });
        return command;
    }
}
