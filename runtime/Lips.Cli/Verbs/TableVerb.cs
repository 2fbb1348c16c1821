using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using Lips.Core;
using Lips.Runtime;
using Microsoft.FSharp.Collections;

namespace Lips.Cli.Verbs;

/// <summary><c>lips table [DIR]</c>: every spec of a folder with its bounds, as Markdown.</summary>
internal static class TableVerb
{
    public static Command Create()
    {
        var command = new Command("table", "Print the bounds of every spec in a folder, as Markdown.");
        var folder = new Argument<string>("folder") { Description = "a folder of .lips files; specs if not said", HelpName = "DIR", DefaultValueFactory = _ => "specs" };
        command.Add(folder);
        command.SetAction(given =>
        {
            string root = given.GetValue(folder)!;
            if (!Directory.Exists(root))
                throw new LipsException($"There is no folder '{root}'.", ExitCode.Usage);
            int code = ExitCode.Ok;
            var compiled = Directory.EnumerateFiles(root, "*.lips", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path =>
            {
                var spec = Spec.Compile(path, [], null, new CompileOptions(CompileOptions.Default.Namespace, ReportTable.norms));
                if (spec.ExitCode != ExitCode.Ok)
                    code = Math.Max(code, spec.Show());
                return Tuple.Create(Path.GetRelativePath(root, path).Replace('\\', '/'), spec.Compilation);
            }).ToList();
            Console.Out.Write(ReportTable.print(ListModule.OfSeq(compiled)));
            return code;
        });
        return command;
    }
}
