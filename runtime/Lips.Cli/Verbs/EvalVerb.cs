using System;
using System.CommandLine;
using System.IO;
using Lips.Cli.Runs;
using Lips.Runtime.Certification;

namespace Lips.Cli.Verbs;

/// <summary><c>lips eval RUN</c>: loss and accuracy on the whole validation part, with the bound and an estimate beside it.</summary>
internal static class EvalVerb
{
    public static Command Create()
    {
        var command = new Command("eval", "Evaluate a run on its whole validation data.");
        var path = Run.Argument();
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
        command.Add(path);
        command.Add(device);
        command.SetAction(given =>
        {
            string where = given.GetValue(device)!;
            using var run = Run.Open(given.GetValue(path)!, where);
            if (run is null)
                return ExitCode.SyntaxOrType;
            var result = run.Validate(where);
            Console.Out.WriteLine(FormattableString.Invariant($"{run.Model.Name}: loss {result.Loss:F4}, accuracy {100 * result.Accuracy:F2} % over {result.Count} predictions"));
            if (File.Exists(run.Folder.Certificate))
                foreach (var claim in Certificate.Read(run.Folder.Certificate).Claims)
                    Console.Out.WriteLine($"{claim.Text} <= {claim.Bound} by certificate.json (lips verify checks it)");
            if (where == "cpu")
                RunSeal.Estimates(run);
            return ExitCode.Ok;
        });
        return command;
    }
}
