using System;
using System.CommandLine;
using System.Linq;
using Lips.Cli.Runs;

namespace Lips.Cli.Verbs;

/// <summary><c>lips certify RUN</c>: seals the weights onto their caps and writes the certificate.</summary>
internal static class CertifyVerb
{
    public static Command Create()
    {
        var command = new Command("certify", "Seal a run's weights and write its certificate.");
        var path = Run.Argument();
        var rescale = new Option<bool>("--rescale") { Description = "scale down weights that exceed their caps by more than rounding, showing the validation loss before and after" };
        var tight = new Option<bool>("--tight") { Description = "bound every mlp block as a whole, by the multiplier certificate (slower)" };
        command.Add(path);
        command.Add(tight);
        command.Add(rescale);
        command.SetAction(given =>
        {
            using var run = Run.Open(given.GetValue(path)!);
            if (run is null)
                return ExitCode.SyntaxOrType;
            bool may = given.GetValue(rescale);
            string? before = may ? RunPage.Number(run.Validate().Loss) : null;
            var certificate = RunSeal.Certify(run, may, given.GetValue(tight));
            if (before is not null)
                Console.Out.WriteLine($"validation loss {before} before, {RunPage.Number(run.Validate().Loss)} after");
            Console.Out.WriteLine($"wrote {run.Folder.Certificate}");
            return certificate.Claims.All(c => c.Holds) ? ExitCode.Ok : ExitCode.ClaimFails;
        });
        return command;
    }
}
