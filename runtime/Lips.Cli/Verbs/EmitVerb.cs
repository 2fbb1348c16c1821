using System;
using System.CommandLine;
using System.IO;
using Lips.Core;
using Lips.Runtime.Checkpoints;

namespace Lips.Cli.Verbs;

/// <summary><c>lips emit SPEC</c>: the generated C#, byte for byte what the source generator adds to a build.</summary>
internal static class EmitVerb
{
    public static Command Create()
    {
        var command = new Command("emit", "Write the generated C#.");
        var spec = new SpecArguments(command);
        var folder = new Option<string?>("--output", "-o") { Description = "a folder for one file per model; to standard output if not said", HelpName = "DIR" };
        var space = new Option<string>("--namespace") { Description = "namespace of the classes", DefaultValueFactory = _ => CompileOptions.Default.Namespace };
        space.Validators.Add(found =>
        {
            string text = found.GetValueOrDefault<string>();
            if (!System.Text.RegularExpressions.Regex.IsMatch(text, @"^[\p{L}_][\p{L}\p{Nd}_]*(\.[\p{L}_][\p{L}\p{Nd}_]*)*$"))
                found.AddError($"--namespace must be names joined by dots, found '{text}'.");
        });
        command.Add(folder);
        command.Add(space);
        command.SetAction(given =>
        {
            var compiled = spec.Read(given, new CompileOptions(given.GetValue(space)!, CompileOptions.Default.Norms));
            int code = compiled.Show();
            if (code != ExitCode.Ok)
                return code;
            foreach (var model in compiled.Compilation.Models)
            {
                if (given.GetValue(folder) is { } target)
                {
                    string path = Path.Combine(target, model.Resolved.Model.Name + ".g.cs");
                    AtomicFile.WriteText(path, model.CSharp);
                    Console.Error.WriteLine(path);
                }
                else
                {
                    Console.Out.Write(model.CSharp);
                }
            }
            return code;
        });
        return command;
    }
}
