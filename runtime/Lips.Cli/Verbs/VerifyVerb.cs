using System;
using System.CommandLine;
using Lips.Cli.Runs;

namespace Lips.Cli.Verbs;

/// <summary><c>lips verify RUN</c>: derives everything again from spec and weights, and accepts or names the first disagreement.</summary>
internal static class VerifyVerb
{
    public static Command Create()
    {
        var command = new Command("verify", "Check a run's certificate from its spec and weights alone.");
        var path = Run.Argument();
        command.Add(path);
        command.SetAction(given =>
        {
            var (disagreement, accepted) = RunCheck.Verify(given.GetValue(path)!);
            if (disagreement is not null)
            {
                Terminal.Complain($"the certificate does not stand: {disagreement}");
                return ExitCode.ClaimFails;
            }
            foreach (string line in accepted)
                Console.Out.WriteLine(line);
            return ExitCode.Ok;
        });
        return command;
    }
}
