using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Training;
using Microsoft.FSharp.Collections;

namespace Lips.Cli.Verbs;

/// <summary><c>lips bound SPEC</c>: the proven bound with its derivation.</summary>
internal static class BoundVerb
{
    public static Command Create()
    {
        var command = new Command("bound", "Print the proven bound and how it is derived.");
        var spec = new SpecArguments(command);
        var explain = new Option<bool>("--explain") { Description = "each step with its rule, conditions, proof and competitors" };
        var norm = new Option<string?>("--norm") { Description = "l2, rms, token, or a pair such as l2->token", HelpName = "NORM" };
        var at = new Option<string>("--at") { Description = "caps (all through training) or init (step 0 only)", DefaultValueFactory = _ => "caps" }.AcceptOnlyFromAmong("caps", "init");
        var weights = new Option<string?>("--weights") { Description = "certified norms of this checkpoint, or of this run's model.safetensors, in place of the caps", HelpName = "FILE|RUN" };
        var tight = new Option<bool>("--tight") { Description = "with --weights: bound every mlp block as a whole, by the multiplier certificate (slower)" };
        var format = new Option<string>("--format") { Description = "text, json, markdown, html, source or sarif", DefaultValueFactory = _ => "text" }
            .AcceptOnlyFromAmong("text", "json", "markdown", "html", "source", "sarif");
        var against = new Option<string?>("--against") { Description = "another spec: what differs, step by step", HelpName = "SPEC" };
        foreach (Option option in new Option[] { explain, norm, at, weights, tight, format, against })
            command.Add(option);
        command.SetAction(given =>
        {
            if (given.GetValue(tight) && given.GetValue(weights) is null)
                throw new LipsException("--tight speaks of given weights: add --weights FILE.", ExitCode.Usage);
            FSharpList<Tuple<Norm, Norm>> norms = Norms(given.GetValue(norm));
            var compiled = spec.Read(given, Options(norms));
            string form = given.GetValue(format)!;
            if (form == "sarif")
            {
                Console.Out.Write(ReportJson.sarif(Product.Version, compiled.Compilation.Diagnostics).Print());
                return compiled.ExitCode;
            }
            if (!compiled.HasModels)
                return compiled.ShowLack();
            var point = given.GetValue(weights) is { } file ? new StoredNorms(compiled.Model, Checkpoint(file), given.GetValue(tight)).Point
                : given.GetValue(at) == "init" ? At.Init : At.Caps;
            Report Of(CompiledModel model) => ReportModule.create(compiled.Compilation.Source, point, norms, model);
            var report = Of(compiled.Model);
            if (given.GetValue(against) is { } other)
                return Compare(report, other, norms);
            Console.Out.Write(form switch
            {
                "json" => ReportJson.report(report).Print(),
                "markdown" => ReportPage.markdown(report),
                "html" => ReportPage.page(report),
                "source" => ReportSource.print(compiled.Compilation.Source, ListModule.OfSeq(compiled.Compilation.Models.Select(Of))),
                _ => Terminal.Verdicts(ReportText.print(report)),
            });
            if (form == "text" && given.GetValue(explain))
                Console.Out.Write("\n" + ReportExplain.print(report));
            Console.Out.Flush();
            int code = compiled.Show();
            // a claim may fail at caps and hold for given weights: what was asked decides
            return point.IsCaps || code is not (ExitCode.Ok or ExitCode.ClaimFails) ? code
                : report.Claims.All(c => c.Holds) ? ExitCode.Ok : ExitCode.ClaimFails;
        });
        return command;
    }

    /// <summary>A checkpoint by its name, or the one of a run.</summary>
    private static string Checkpoint(string path) => Directory.Exists(path) ? new RunFolder(path).Model : path;

    private static int Compare(Report report, string other, FSharpList<Tuple<Norm, Norm>> norms)
    {
        var second = Spec.Compile(other, [], null, Options(norms));
        if (!second.HasModels)
            return second.ShowLack();
        Console.Out.Write(ReportCompare.print(report, ReportModule.create(second.Compilation.Source, report.At, norms, second.Model)));
        return ExitCode.Ok;
    }

    private static CompileOptions Options(FSharpList<Tuple<Norm, Norm>> norms) => new(CompileOptions.Default.Namespace, norms);

    private static FSharpList<Tuple<Norm, Norm>> Norms(string? text)
    {
        if (text is null)
            return FSharpList<Tuple<Norm, Norm>>.Empty;
        string[] parts = text.Split("->", StringSplitOptions.TrimEntries);
        if (parts.Length > 2)
            throw Unknown(text);
        return ListModule.OfSeq([Tuple.Create(One(parts[0]), One(parts[^1]))]);

        static Norm One(string name) => name switch
        {
            "rms" => Norm.RmsNorm,
            "token" => Norm.TokenNorm,
            "l2" => Norm.L2Norm,
            _ => throw Unknown(name),
        };

        static LipsException Unknown(string name) => new($"'{name}' is no norm; there are l2, rms, token, and pairs such as l2->token.", ExitCode.Usage);
    }
}
