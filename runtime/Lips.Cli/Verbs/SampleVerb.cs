using System;
using System.CommandLine;
using Lips.Cli.Runs;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Cli.Verbs;

/// <summary><c>lips sample RUN</c>: text from a trained model.</summary>
internal static class SampleVerb
{
    public static Command Create()
    {
        var command = new Command("sample", "Write text with a run's model.");
        var path = Run.Argument();
        var prompt = new Option<string>("--prompt") { Description = "what to continue", HelpName = "TEXT", DefaultValueFactory = _ => "" };
        var count = Terminal.WholeNumber("--count", least: 0, "symbols to write [default: 400]", "N");
        var temperature = new Option<double>("--temperature") { Description = "0 takes the likeliest symbol", HelpName = "T", DefaultValueFactory = _ => 0.8 };
        var seed = Terminal.WholeNumber("--seed", least: 0, "of the draws [default: 0]", "N");
        foreach (Symbol part in new Symbol[] { path, prompt, count, temperature, seed })
            if (part is Argument argument)
                command.Add(argument);
            else
                command.Add((Option)part);
        command.SetAction(given =>
        {
            using var run = Run.Open(given.GetValue(path)!);
            if (run is null)
                return ExitCode.SyntaxOrType;
            var alphabet = TrainingCheckpoint.AlphabetOf(run.File.Metadata)
                ?? throw new RunFailed($"'{run.Model.Name}' is no model of text: '{run.Folder.Model}' names no alphabet.");
            Console.Out.WriteLine(Terminal.Harmless(Sampling.Generate(run.Model, alphabet, given.GetValue(prompt)!, (int)Math.Min(given.GetValue(count) ?? 400, int.MaxValue), given.GetValue(temperature), given.GetValue(seed) ?? 0, torch.CPU)));
            return ExitCode.Ok;
        });
        return command;
    }
}
