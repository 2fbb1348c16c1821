using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using Lips.Compiler;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;

namespace Lips.Cli.Verbs;

/// <summary><c>lips format SPEC…</c>: the one canonical layout, comments kept.</summary>
internal static class FormatVerb
{
    public static Command Create()
    {
        var command = new Command("format", "Rewrite specs in the canonical layout.");
        var files = new Argument<string[]>("specs") { Description = ".lips files", HelpName = "SPEC", Arity = ArgumentArity.OneOrMore };
        var check = new Option<bool>("--check") { Description = "write nothing; exit with 2 if a file would change" };
        command.Add(files);
        command.Add(check);
        command.SetAction(given =>
        {
            int code = ExitCode.Ok;
            foreach (string path in given.GetValue(files)!)
                code = Math.Max(code, One(path, given.GetValue(check)));
            return code;
        });
        return command;
    }

    private static int One(string path, bool check)
    {
        if (!File.Exists(path))
            throw new LipsException($"There is no file '{path}'.", ExitCode.Usage);
        var (source, problems) = SourceReader.Read(path, File.ReadAllBytes(path));
        var found = problems;
        if (source is not null)
        {
            var (spec, more) = Parsing.Parse(source.Value);
            found = more;
            if (spec is not null && !more.Any(DiagnosticModule.isError))
            {
                string formatted = Format.print(spec.Value);
                if (formatted == source.Value.Text)
                    return ExitCode.Ok;
                if (!check)
                    AtomicFile.WriteText(path, formatted);
                Console.Out.WriteLine(path + (check ? " is not in the canonical layout" : ""));
                return check ? ExitCode.SyntaxOrType : ExitCode.Ok;
            }
        }
        Terminal.Show(found, _ => source?.Value.Text ?? "");
        return ExitCode.SyntaxOrType;
    }
}
