using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Cli.Runs;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;

namespace Lips.Cli.Verbs;

/// <summary><c>lips eval RUN</c>: loss and accuracy on the whole validation part, with the bound and an estimate beside it.</summary>
internal static class EvalVerb
{
    public static Command Create()
    {
        var command = new Command("eval", "Evaluate a run on its whole validation data; with --certified, at radii.");
        var path = Run.Argument();
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
        var certified = new Option<bool>("--certified") { Description = "certified accuracy at radii, beside the accuracy under attack" };
        var norm = new Option<string>("--norm") { Description = "l2 (of the whole change) or token (of its largest token), with --certified", DefaultValueFactory = _ => "l2" }.AcceptOnlyFromAmong("l2", "token");
        var radii = new Option<string?>("--radii") { Description = "such as 0,0.1,0.5, in the input's units; chosen from the data if not said", HelpName = "NUMBERS" };
        var samples = Terminal.WholeNumber("--samples", least: 1, "validation samples for --certified [default: 100; 4 windows of text]", "N");
        var format = new Option<string>("--format") { Description = "text or json, with --certified", DefaultValueFactory = _ => "text" }.AcceptOnlyFromAmong("text", "json");
        command.Add(path);
        foreach (Option option in new Option[] { device, certified, norm, radii, samples, format })
            command.Add(option);
        command.SetAction(given =>
        {
            string where = given.GetValue(device)!;
            var asked = Radii(given.GetValue(radii));
            using var run = Run.Open(given.GetValue(path)!, given.GetValue(certified) ? "cpu" : where);
            if (run is null)
                return ExitCode.SyntaxOrType;
            if (given.GetValue(certified))
                return RunRobustness.Evaluate(run, given.GetValue(norm) == "l2" ? Norm.L2Norm : Norm.TokenNorm, asked, given.GetValue(samples), given.GetValue(format) == "text");
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

    private static IReadOnlyList<double>? Radii(string? text)
    {
        if (text is null)
            return null;
        var radii = new SortedSet<double>();
        foreach (string part in text.Split(','))
            if (double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double radius) && double.IsFinite(radius) && radius >= 0)
                radii.Add(radius);
            else
                throw new LipsException($"--radii must be numbers of at least 0 with commas between them, found '{part}'.", ExitCode.Usage);
        return [.. radii];
    }
}
