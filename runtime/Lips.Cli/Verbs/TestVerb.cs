using System.CommandLine;

namespace Lips.Cli.Verbs;

/// <summary><c>./lips test</c> is the launcher's: it builds the test projects, which this program knows nothing of.</summary>
internal static class TestVerb
{
    public static Command Create()
    {
        var command = new Command("test", "Run every test of the project (./lips test, in a checkout).");
        command.SetAction(_ =>
        {
            Terminal.Complain("tests are run by the launcher: ./lips test, in a checkout of the project.");
            return ExitCode.Usage;
        });
        return command;
    }
}
