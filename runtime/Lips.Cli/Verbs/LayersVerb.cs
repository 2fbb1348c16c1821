using System;
using System.CommandLine;
using System.Linq;
using Lips.Core;

namespace Lips.Cli.Verbs;

/// <summary><c>lips layers [NAME]</c>: the layer kinds, or all about one.</summary>
internal static class LayersVerb
{
    public static Command Create()
    {
        var command = new Command("layers", "List the layer kinds, or describe one.");
        var name = new Argument<string?>("name") { Description = "a layer kind", HelpName = "NAME", Arity = ArgumentArity.ZeroOrOne };
        var rule = new Option<bool>("--rule") { Description = "its Lipschitz rules with their proofs" };
        command.Add(name);
        command.Add(rule);
        command.SetAction(given =>
        {
            if (given.GetValue(name) is not { } kind)
            {
                Console.Out.Write(ReportCatalog.list());
                return ExitCode.Ok;
            }
            if (ReportCatalog.describe(kind, given.GetValue(rule)) is { } described)
            {
                Console.Out.Write(described.Value);
                return ExitCode.Ok;
            }
            var nearest = Nearest.names(Microsoft.FSharp.Collections.ListModule.OfSeq(Catalog.kinds.Select(k => k.Name)), kind);
            Terminal.Complain($"there is no layer kind '{kind}'." + (nearest.IsEmpty ? " 'lips layers' lists them." : $" Did you mean {string.Join(" or ", nearest)}?"));
            return ExitCode.Usage;
        });
        return command;
    }
}
