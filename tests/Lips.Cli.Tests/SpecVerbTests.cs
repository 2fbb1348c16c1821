using System.IO;
using System.Text.Json;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>The verbs that read specs: exit codes, what they print, how errors read.</summary>
public sealed class SpecVerbTests : CommandLine
{
    [Fact]
    public void Without_a_verb_the_verbs_are_listed()
    {
        var help = Run();
        Assert.Equal(0, help.Code);
        foreach (string verb in new[] { "check", "bound", "summary", "emit", "layers", "explain", "format", "solve", "falsify", "table", "train", "eval", "sample", "certify", "verify" })
            Assert.Contains("\n  " + verb + " ", help.Output);
    }

    [Fact]
    public void Every_stage_has_its_exit_code()
    {
        string good = Write("good.lips", Tiny);
        Assert.Equal(0, Run("check", good).Code);
        Assert.Equal(1, Run("check", "none.lips").Code);
        Assert.Equal(1, Run("check", ".").Code);
        Assert.Equal(1, Run("chekc", good).Code);
        Assert.Equal(1, Run("bound", good, "--norm", "l7").Code);
        Assert.Equal(1, Run("bound", good, "width").Code);
        Assert.Equal(1, Run("bound", good, "--model", "Other").Code);
        Assert.Equal(2, Run("check", Write("syntax.lips", Tiny.Replace("repeat 3 {", "repeat 3 {{"))).Code);
        Assert.Equal(2, Run("check", Write("name.lips", Tiny.Replace("linear(10)", "linaer(10)"))).Code);
        Assert.Equal(2, Run("bound", good, "depth=3").Code);
        Assert.Equal(2, Run("bound", Write("empty.lips", "")).Code);
        Assert.Equal(4, Run("check", Write("claim.lips", Tiny.Replace("<= 32", "<= 31"))).Code);
        Assert.Equal(4, Run("emit", "claim.lips").Code);
        Assert.Equal(4, Run("train", "claim.lips").Code);
        Assert.Equal(1, Run("sample", good).Code);
        Assert.Equal(5, Run("bound", good, "--weights", "none.safetensors").Code);
    }

    [Fact]
    public void Errors_show_the_line_the_place_and_a_hint_and_never_a_stack()
    {
        var outcome = Run("check", Write("name.lips", Tiny.Replace("linear(10)", "linaer(10)")));
        Assert.Contains("name.lips(9,12): error LIPS1001", outcome.Errors);
        Assert.Contains("9 |   logits = linaer(10)", outcome.Errors);
        Assert.Contains("^^^^^^", outcome.Errors);
        Assert.Contains("hint: Did you mean 'linear'", outcome.Errors);
        Assert.DoesNotContain("   at ", outcome.Errors);
        Assert.Equal("", outcome.Output);
    }

    [Fact]
    public void A_file_that_is_no_spec_is_not_read_whole()
    {
        File.WriteAllBytes("large.lips", new byte[3_000_000]);
        var outcome = Run("bound", "large.lips");
        Assert.Equal(2, outcome.Code);
        Assert.Contains("the file has 3000000 bytes", outcome.Errors);
        Assert.Equal("", outcome.Output);
    }

    [Fact]
    public void A_failed_claim_is_shown_beside_the_report()
    {
        var outcome = Run("bound", Write("claim.lips", Tiny.Replace("<= 32", "<= 31")));
        Assert.Equal(4, outcome.Code);
        Assert.Contains("claim <= 31 DOES NOT HOLD", outcome.Output);
        Assert.Contains("LIPS3001", outcome.Errors);
    }

    [Fact]
    public void The_text_report_has_a_row_per_step_and_a_column_per_iteration()
    {
        var outcome = Run("bound", Write("tiny.lips", Tiny));
        Assert.Equal(0, outcome.Code);
        string[] lines = outcome.Output.Split('\n');
        Assert.StartsWith("Tiny   lipschitz(x -> logits) <= 32 in rms        claim <= 32 holds", lines[0]);
        Assert.Matches(@"^ +5   linear\(16\) +2 +\S+ +linear\.operator-norm$", lines[4]);
        Assert.Matches(@"^ +6   blocks = repeat 3 +1 +2 +3$", lines[5]);
        Assert.Matches(@"^ +7     linear\(16\) +2 +2 +2 +linear\.operator-norm$", lines[6]);
        Assert.Matches(@"^ +product +4 +8 +16$", lines[7]);
        Assert.Matches(@"^ +radius +\d", lines[8]);
    }

    [Fact]
    public void Json_holds_bounds_as_decimal_text_and_counts_as_numbers()
    {
        string spec = Write("tiny.lips", Tiny);
        using var bound = JsonDocument.Parse(Run("bound", spec, "--format", "json").Output);
        Assert.Equal("Tiny", bound.RootElement.GetProperty("model").GetString());
        Assert.Equal("rms", bound.RootElement.GetProperty("norm").GetString());
        Assert.Equal("32", bound.RootElement.GetProperty("bound").GetString());
        Assert.Equal("1.505150", bound.RootElement.GetProperty("log10").GetString());
        var claim = bound.RootElement.GetProperty("claims")[0];
        Assert.Equal("lipschitz(x -> logits) <= 32", claim.GetProperty("text").GetString());
        Assert.Equal(10, claim.GetProperty("line").GetInt32());
        Assert.True(claim.GetProperty("holds").GetBoolean());
        Assert.Equal("32", claim.GetProperty("bound").GetString());
        using var summary = JsonDocument.Parse(Run("summary", spec, "--format", "json").Output);
        Assert.Equal(1952, summary.RootElement.GetProperty("parameters").GetInt64());
        Assert.Equal(1952, summary.RootElement.GetProperty("macs").GetInt64());
    }

    [Fact]
    public void Other_forms_are_well_formed()
    {
        string spec = Write("tiny.lips", Tiny);
        Assert.Contains("| 7 | &nbsp;&nbsp;linear(16) | 2 | 2 | 2 |", Run("bound", spec, "--format", "markdown").Output);
        string page = Run("bound", spec, "--format", "html").Output;
        Assert.StartsWith("<!doctype html>", page);
        Assert.DoesNotContain("http", page);
        Assert.Contains("    linear(width)\n    //@ L ≤ 2 · linear.operator-norm", Run("bound", spec, "--format", "source").Output);
        using var sarif = JsonDocument.Parse(Run("check", Write("name.lips", Tiny.Replace("linear(10)", "linaer(10)")), "--format", "sarif").Output);
        var result = sarif.RootElement.GetProperty("runs")[0].GetProperty("results")[0];
        Assert.Equal("LIPS1001", result.GetProperty("ruleId").GetString());
        Assert.Equal(9, result.GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("region").GetProperty("startLine").GetInt32());
    }

    [Fact]
    public void Norms_points_and_overrides_are_honoured()
    {
        string spec = Write("tiny.lips", Tiny);
        // raw l2: 2·√(16/64) · 2 · 2 · 2 · 2·√(10/16)
        Assert.Contains("<= 12.64912 in l2", Run("bound", spec, "--norm", "l2").Output);
        Assert.Contains("in l2 -> token", Run("bound", spec, "--norm", "l2->token").Output);
        Assert.Contains("at initialization (step 0 only)", Run("bound", spec, "--at", "init").Output);
        Assert.Contains("claim <= 32 holds at step 0 only", Run("bound", spec, "--at", "init").Output);
        Assert.DoesNotContain("step 0", Run("bound", spec).Output);
        Assert.Contains("<= 1 in rms", Run("bound", spec, "--at", "init").Output);
        Assert.Contains("linear(8)", Run("bound", spec, "width=8").Output);
        Assert.Contains("linear.operator-norm [", Run("bound", spec, "--explain").Output);
    }

    [Fact]
    public void A_comparison_marks_what_differs()
    {
        var outcome = Run("bound", Write("a.lips", Tiny), "--against", Write("b.lips", Tiny.Replace("linear(10)", "linear(10, constraint: rms_cap(1))")));
        Assert.Contains("32 against 16", outcome.Output);
        Assert.Contains("* logits", outcome.Output);
        Assert.DoesNotContain("* linear", outcome.Output);
    }

    [Fact]
    public void Emitted_files_are_what_is_printed()
    {
        string spec = Write("tiny.lips", Tiny);
        Assert.Equal(0, Run("emit", spec, "-o", "out").Code);
        Assert.Equal(Run("emit", spec).Output, File.ReadAllText("out/Tiny.g.cs"));
    }

    [Fact]
    public void Format_keeps_comments_and_is_idempotent()
    {
        string spec = Write("tiny.lips", Tiny.Replace("  linear(width)\n", "      linear( width )\n"));
        Assert.Equal(2, Run("format", "--check", spec).Code);
        Assert.Equal(0, Run("format", spec).Code);
        Assert.Equal(0, Run("format", "--check", spec).Code);
        Assert.Contains("// one hidden layer", File.ReadAllText(spec));
    }

    [Fact]
    public void Layers_and_codes_are_explained()
    {
        Assert.Contains("linear", Run("layers").Output);
        var described = Run("layers", "linear", "--rule");
        Assert.Contains("width: whole number", described.Output);
        Assert.Contains("proof", described.Output);
        Assert.Equal(1, Run("layers", "linaer").Code);
        Assert.Contains("Did you mean linear", Run("layers", "linaer").Errors);
        Assert.Contains("claim does not hold", Run("explain", "LIPS3001").Output);
        Assert.Equal(1, Run("explain", "LIPS9999").Code);
    }

    [Fact]
    public void Every_rule_of_every_kind_is_told_with_its_proof()
    {
        foreach (var kind in Lips.Core.Catalog.kinds)
        {
            var told = Run("layers", kind.Name, "--rule");
            Assert.Equal(0, told.Code);
            foreach (var rule in kind.Rules)
                Assert.Contains("\n  " + rule.Name + "\n", told.Output);
            foreach (string part in new[] { "statement", "domain", "proof", "source", "tightness" })
                Assert.Equal(kind.Rules.Length, System.Text.RegularExpressions.Regex.Matches(told.Output, $"^    {part} +\\S", System.Text.RegularExpressions.RegexOptions.Multiline).Count);
        }
    }

    [Fact]
    public void A_table_has_a_row_per_model_and_says_why_a_bound_is_infinite()
    {
        Directory.CreateDirectory("all/inner");
        Write("all/tiny.lips", Tiny);
        Write("all/inner/free.lips", "model Free in l2 {\n  input x = features(1, 4)\n  y = linear(3)\n}\n");
        var outcome = Run("table", "all");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("| [tiny.lips](tiny.lips) | `Tiny` | 1,952 | x → logits | 32 |", outcome.Output);
        Assert.Matches(@"\| \[inner/free.lips\]\(inner/free.lips\) \| `Free` \| 15 \| x → y \| ∞ \| ∞ \| ∞ \| ∞ \| ∞: 'y' \(line 3\): ", outcome.Output);
        Assert.Equal(1, Run("table", "none").Code);
    }

    [Fact]
    public void A_namespace_that_no_class_can_have_is_refused_and_a_spec_without_models_is_named()
    {
        string spec = Write("blocks.lips", "block Head(n) {\n  linear(n)\n}\n");
        var refused = Run("emit", spec, "--namespace", "1bad");
        Assert.Equal(1, refused.Code);
        Assert.Contains("--namespace must be", refused.Errors);
        Assert.Contains("declares no model", Run("check", spec).Output);
    }
}
