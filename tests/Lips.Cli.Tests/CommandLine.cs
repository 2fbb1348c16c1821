using System;
using System.IO;
using System.Text;
using Xunit;

// the command line owns the console and the current folder
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Lips.Cli.Tests;

/// <summary>What a command printed and ended with.</summary>
internal sealed record Outcome(int Code, string Output, string Errors);

/// <summary>A folder of its own, in which commands run.</summary>
public class CommandLine : IDisposable
{
    private readonly string _before = Directory.GetCurrentDirectory();

    public CommandLine()
    {
        Folder = Directory.CreateTempSubdirectory("lips-cli-").FullName;
        Directory.SetCurrentDirectory(Folder);
        Environment.SetEnvironmentVariable("NO_COLOR", "1");
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", Path.Combine(Path.GetTempPath(), "lips-cli-tests-cache"));
    }

    public string Folder { get; }

    public virtual void Dispose()
    {
        Directory.SetCurrentDirectory(_before);
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    internal static Outcome Run(params string[] arguments)
    {
        TextWriter output = Console.Out, errors = Console.Error;
        using StringWriter printed = new() { NewLine = "\n" }, complained = new() { NewLine = "\n" };
        Console.SetOut(printed);
        Console.SetError(complained);
        try
        {
            int code = Program.Run(arguments);
            return new Outcome(code, printed.ToString(), complained.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }

    internal static string Write(string name, string text)
    {
        File.WriteAllText(name, text, new UTF8Encoding(false));
        return name;
    }

    internal const string Tiny = """
        // one hidden layer, three times
        model Tiny(width = 16) in rms {
          input x = features(1, 64, radius: 20)
          weights(bias: false, init: orthogonal, constraint: rms_cap(2))
          linear(width)
          blocks = repeat 3 {
            linear(width)
          }
          logits = linear(10)
          claim lipschitz(x -> logits) <= 32
          claim parameters == 1952
        }

        """;
}
