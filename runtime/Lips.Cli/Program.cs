using System;
using System.CommandLine;
using System.IO;
using System.Text;
using Lips.Cli.Verbs;
using Lips.Runtime;

namespace Lips.Cli;

/// <summary>The command line: one file per verb in <c>Verbs/</c>, nothing here but their list.</summary>
public static class Program
{
    public static int Main(string[] arguments)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false), 1 << 14) { AutoFlush = false };
        using var errors = new StreamWriter(Console.OpenStandardError(), new UTF8Encoding(false), 1 << 10) { AutoFlush = true };
        Console.SetOut(output);
        Console.SetError(errors);
        return Run(arguments);
    }

    /// <summary>Runs one command. Whatever goes wrong becomes a message and an exit code.</summary>
    public static int Run(string[] arguments)
    {
        try
        {
            // no verb: what there is to say
            string[] given = arguments.Length == 0 ? ["--help"] : arguments;
            return Root(given[0]).Parse(given).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (LipsException e)
        {
            Terminal.Complain(e.Message);
            return e.ExitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Terminal.Complain(e.Message);
            return ExitCode.RunFailed;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("LIPS_TRACE") is null)
        {
            Terminal.Complain($"{e.Message}\nThis is a fault of lips itself; with LIPS_TRACE=1 it says where.");
            return ExitCode.RunFailed;
        }
        finally
        {
            Console.Out.Flush();
        }
    }

    /// <summary>With the verb that comes first alone: the options of all the others would be made for nothing.</summary>
    private static RootCommand Root(string first)
    {
        var root = new RootCommand("Transformer stacks with a proven Lipschitz bound.");
        int given = Array.FindIndex(Verbs, v => v.Name == first);
        foreach (var (_, create) in given >= 0 ? [Verbs[given]] : Verbs)
            root.Add(create());
        return root;
    }

    private static readonly (string Name, Func<Command> Create)[] Verbs =
    [
        ("check", CheckVerb.Create),
        ("bound", BoundVerb.Create),
        ("solve", SolveVerb.Create),
        ("falsify", FalsifyVerb.Create),
        ("table", TableVerb.Create),
        ("summary", SummaryVerb.Create),
        ("emit", EmitVerb.Create),
        ("layers", LayersVerb.Create),
        ("explain", ExplainVerb.Create),
        ("format", FormatVerb.Create),
        ("train", TrainVerb.Create),
        ("grid", GridVerb.Create),
        ("eval", EvalVerb.Create),
        ("sample", SampleVerb.Create),
        ("certify", CertifyVerb.Create),
        ("verify", VerifyVerb.Create),
        ("test", TestVerb.Create),
    ];
}
