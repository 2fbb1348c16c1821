using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Text;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>What the constructs of the language mean, seen through counts, bounds and diagnostics.</summary>
public sealed class LanguageTests
{
    private static Compilation Compile(string text, Dictionary<string, string>? files = null, params (string, string)[] overrides) =>
        SpecCompiler.Compile(
            new SourceText("specs/test.lips", text),
            path => files is not null && files.TryGetValue(path, out string? found) ? Encoding.UTF8.GetBytes(found) : null,
            overrides);

    private static CompiledModel Model(string body, Dictionary<string, string>? files = null, params (string, string)[] overrides)
    {
        Compilation compiled = Compile(body, files, overrides);
        Assert.DoesNotContain(compiled.Diagnostics, DiagnosticModule.isError);
        return Assert.Single(compiled.Models);
    }

    private static string Code(string text, Dictionary<string, string>? files = null, params (string, string)[] overrides)
    {
        Compilation compiled = Compile(text, files, overrides);
        Assert.DoesNotContain(compiled.Models, m => m.CSharp.Length > 0);
        return string.Join(" ", compiled.Diagnostics.Where(DiagnosticModule.isError).Select(d => d.Code));
    }

    private static string Bound(CompiledModel model, int query = 0) => UpperText.toDecimal(9, model.AtCaps[query].Item2);

    private const string Head = "input x = features(1, 8, radius: 1)\nweights(bias: false, constraint: spectral_cap(2))\n";

    /// <summary>What a bound rests on is said: the least length of a vector too.</summary>
    [Theory]
    [InlineData("radius: 3, lower: 3/2", "for any two inputs whose vectors have l2 norm <= 3 and >= 1.5, with")]
    [InlineData("radius: 3", "for any two inputs whose vectors have l2 norm <= 3, with")]
    [InlineData("lower: 2", "for any two inputs whose vectors have l2 norm >= 2, with")]
    [InlineData("radius: 3, spread: 1/4", "for any two inputs whose vectors have l2 norm <= 3, and l2 norm >= 0.25 once their own mean is subtracted, with")]
    [InlineData("spread: 1/4", "for any two inputs whose vectors have l2 norm >= 0.25 once their own mean is subtracted, with")]
    [InlineData("radius: 3, lower: 0", "for any two inputs whose vectors have l2 norm <= 3, with")]
    public void A_bound_names_its_whole_domain(string limits, string said)
    {
        CompiledModel m = Model($"model M in l2 {{ input x = features(1, 8, {limits})\nweights of gain (constraint: max_cap(1))\ny = {(limits.Contains("spread") ? "layer_norm(bias: false)" : "rms_norm")}\nclaim lipschitz(x -> y) <= 1000 }}");
        Assert.Contains(said, m.CSharp.Replace("&lt;", "<").Replace("&gt;", ">"));
    }

    [Fact]
    public void A_chain_of_linear_maps_multiplies_their_caps()
    {
        CompiledModel m = Model($"model M in l2 {{ {Head} linear(4)\n y = linear(2) }}");
        Assert.Equal("4.00000000", Bound(m));
        Assert.Equal(new BigInteger(8 * 4 + 4 * 2), m.Parameters);
    }

    /// <summary>A rate that acts in training only, as stochastic depth, may grow with the round without costing the fold; nothing else may.</summary>
    [Theory]
    [InlineData("residual(drop_path: i / 10) { linear(8); gelu }", true)]
    [InlineData("linear(8); dropout(i / 10)", true)]
    [InlineData("residual(convex((i + 1) / 10)) { linear(8); gelu }", false)]
    [InlineData("residual { linear(8, bias: i == 0) }", false)]
    [InlineData("repeat 2 as j { residual(drop_path: (i + j) / 10) { linear(8) } }", false)]
    public void Rounds_that_differ_in_training_alone_are_one_body(string body, bool folds)
    {
        string spec = $"model M in l2 {{ {Head} weights(constraint: spectral_cap(1))\n repeat 3 as i {{ {body} }}\n y = linear(1) }}";
        var terms = ((Term.Chain)Model(spec).Resolved.Model.Chains.Head.Body).Item;
        Assert.Equal(folds, terms.Any(t => t.IsRepeat));
        // the same constant and the same weights as rounds that do not differ at all
        CompiledModel still = Model(spec.Replace("i / 10", "1 / 10", StringComparison.Ordinal));
        if (folds)
        {
            Assert.Equal(still.AtCaps.First().Item2, Model(spec).AtCaps.First().Item2);
            Assert.Equal(still.Parameters, Model(spec).Parameters);
            Assert.Contains("new[] { 0.0, 0.1, 0.2 }[round]", Model(spec).CSharp, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Repeat_without_its_index_stays_folded_and_counts_every_round()
    {
        CompiledModel m = Model($"model M in l2 {{ {Head} repeat 10 {{ linear(8) }}\n y = linear(1) }}");
        Assert.Equal("2048.00000", Bound(m));
        Assert.Equal(new BigInteger(10 * 64 + 8), m.Parameters);
        Assert.Contains("foreach", m.CSharp);
    }

    [Fact]
    public void Repeat_with_its_index_is_expanded()
    {
        CompiledModel m = Model($"model M in l2 {{ {Head} repeat 3 as i {{ linear(8 + i) }}\n y = linear(1) }}");
        Assert.Equal(new BigInteger((8 * 8) + (8 * 9) + (9 * 10) + 10), m.Parameters);
    }

    [Fact]
    public void Parameters_take_defaults_overrides_and_each_other()
    {
        const string spec = "model M(width = 4, twice = 2 * width) in l2 { " + Head + " linear(twice)\n y = linear(1) }";
        Assert.Equal(new BigInteger((8 * 8) + 8), Model(spec).Parameters);
        Assert.Equal(new BigInteger((8 * 20) + 20), Model(spec, null, ("width", "10")).Parameters);
        Assert.Equal("LIPS1022", Code(spec, null, ("widht", "10")));
    }

    [Fact]
    public void Blocks_take_numbers_lists_choices_and_layers()
    {
        const string spec = """
            block Stage(widths, layer inner = linear) {
              for i in 0..len(widths) { inner(widths[i]) }
            }
            model M in l2 {
              input x = features(1, 8, radius: 1)
              weights(bias: false, constraint: spectral_cap(1/2))
              Stage([4, 6])
              Stage([3], inner: linear(bias: true))
              weights of bias (constraint: l2_cap(1))
              y = linear(1)
            }
            """;
        CompiledModel m = Model(spec);
        Assert.Equal(new BigInteger((8 * 4) + (4 * 6) + (6 * 3) + 3 + 3), m.Parameters);
        Assert.Equal("0.0625000000", Bound(m));
    }

    [Fact]
    public void Use_brings_blocks_of_another_file_relative_to_the_one_it_stands_in()
    {
        var files = new Dictionary<string, string> { ["specs/parts/a.lips"] = "use \"../b.lips\"\nblock A(w) { B(w) }", ["specs/b.lips"] = "block B(w) { linear(w) }" };
        CompiledModel m = Model($"use \"parts/a.lips\"\nmodel M in l2 {{ {Head} A(4)\n y = linear(1) }}", files);
        Assert.Equal(new BigInteger((8 * 4) + 4), m.Parameters);
        files["specs/b.lips"] = "use \"parts/a.lips\"\nblock B(w) { linear(w) }";
        Assert.Equal("LIPS1010", Code($"use \"parts/a.lips\"\nmodel M in l2 {{ {Head} A(4) }}", files));
        Assert.Equal("LIPS1009", Code($"use \"nowhere.lips\"\nmodel M in l2 {{ {Head} linear(4) }}", files));
    }

    /// <summary>A finding about a layer of a used file stands in that file, whichever stage found it.</summary>
    [Theory]
    [InlineData("block A(w) {\n  linear(w, wide: 1)\n}", "LIPS1002")]
    [InlineData("block A(w) {\n  attention(3)\n}", "LIPS2002")]
    [InlineData("block A(w) {\n  linear(w)\n}", "LIPS3002")]
    [InlineData("block A(w) {\n  linear(w\n}", "LIPS0008")]
    public void Findings_stand_in_the_file_they_are_about(string used, string code)
    {
        var source = new SourceText("specs/m.lips", "use \"parts/a.lips\"\nmodel M in l2 {\n  input x = features(2, 4, radius: 1)\n\n\n  A(4)\n}\n");
        Diagnostic found = SpecCompiler.Compile(source, path => path == "specs/parts/a.lips" ? System.Text.Encoding.UTF8.GetBytes(used) : null).Diagnostics.First(d => d.Code == code);
        Assert.Equal(("specs/parts/a.lips", 2), (found.Path, found.Span.Line));
        if (code == "LIPS3002")
            Assert.Contains("(line 2 of a.lips)", found.Message, System.StringComparison.Ordinal);
    }

    [Fact]
    public void Inner_weights_win_and_an_argument_beats_all()
    {
        const string spec = """
            model M in l2 {
              input x = features(1, 8, radius: 1)
              weights(bias: false, constraint: spectral_cap(2))
              stack { weights(constraint: spectral_cap(3)); linear(8) }
              linear(8)
              y = linear(8, constraint: spectral_cap(5))
            }
            """;
        Assert.Equal("30.0000000", Bound(Model(spec)));
    }

    [Fact]
    public void An_rms_cap_that_is_exactly_tight_proves_its_claim()
    {
        const string spec = """
            model M in rms {
              input x = features(1, 7, radius: 1)
              weights(bias: false, constraint: rms_cap(1))
              linear(11); linear(13)
              y = linear(3)
              claim lipschitz(x -> y) <= 1
              claim lipschitz(x -> y) <= 0.6547 in l2
            }
            """;
        CompiledModel m = Model(spec);
        Assert.Equal("1.00000000", Bound(m));
        Assert.Equal("LIPS3001", Code(spec.Replace("<= 1\n", "< 1\n")));
        // sqrt(3/7) = 0.65465...
        Assert.Equal("LIPS3001", Code(spec.Replace("0.6547", "0.6546")));
    }

    [Fact]
    public void A_weight_without_a_cap_makes_the_bound_infinite_and_says_which()
    {
        Compilation c = Compile("model M in l2 { input x = features(1, 8, radius: 1)\n a = linear(4)\n y = linear(1) }");
        Diagnostic info = Assert.Single(c.Diagnostics);
        Assert.Equal("LIPS3002", info.Code);
        Assert.Contains("'a' (line 2)", info.Message);
        Assert.True(c.Models[0].AtCaps[0].Item2.IsInfinity);
        Assert.NotEmpty(c.Models[0].CSharp);
    }

    [Theory]
    [InlineData("lineer(4)", "LIPS1001")]
    [InlineData("linear(4, wdth: 3)", "LIPS1002")]
    [InlineData("linear", "LIPS1003")]
    [InlineData("linear(\"a\")", "LIPS1004")]
    [InlineData("linear(2 * wiidth)", "LIPS1005")]
    [InlineData("y = linear(4)\n y = linear(4)", "LIPS1006")]
    [InlineData("linear(4, false)", "LIPS1007")]
    [InlineData("linear(7 / 2)", "LIPS1011")]
    [InlineData("repeat 10 ^ 12 as i { linear(8 + i) }", "LIPS1012")]
    [InlineData("repeat 10 ^ 12 { linear(8) }", "LIPS1012")]
    [InlineData("linear(2 ^ (10 ^ 9))", "LIPS1013")]
    [InlineData("linear(4 / 0)", "LIPS1015")]
    [InlineData("linear(4, init: xaver)", "LIPS1005")]
    [InlineData("linear(4, bias.constraint: l2_cap(1))", "LIPS1002")]
    [InlineData("linear(4, constraint: l2_cap(1))", "LIPS1023")]
    [InlineData("linear(4) { linear(8) }", "LIPS1020")]
    [InlineData("let a = [1, 2]\n linear(a[2])", "LIPS1021")]
    [InlineData("weights of matrx (init: zero)\n linear(4)", "LIPS1017")]
    [InlineData("linear(4)\n claim lipschitz(x -> z) <= 1", "LIPS1014")]
    [InlineData("z = linear(4)\n claim lipschitz(x -> z) <= 1 in l3", "LIPS1016")]
    [InlineData("cross_attention(2, memory: y)", "LIPS1014")]
    [InlineData("y = linear(8)\n cross_attention(2, memory: y)", "LIPS1004")]
    [InlineData("attention(3)", "LIPS2002")]
    [InlineData("embedding(8)", "LIPS2003")]
    [InlineData("mlp(hidden: 4, ratio: 2)", "LIPS2001")]
    [InlineData("attention(2, q_bias.constraint: spectral_cap(1))", "LIPS1002")]
    [InlineData("linear(4)\n claim parameters == 33", "LIPS3004")]
    [InlineData("linear(4)\n recipe { optimiser: sgd(lr: 1) }", "LIPS1018")]
    public void A_mistake_has_its_code(string body, string code) => Assert.Equal(code, Code($"model M in l2 {{ {Head} {body} }}"));

    [Fact]
    public void Every_statement_reports_its_own_mistake()
    {
        Assert.Equal("LIPS1001 LIPS1002 LIPS1003", Code($"model M in l2 {{ {Head} lineer(4)\n linear(4, wdth: 3)\n linear }}"));
    }

    [Fact]
    public void A_block_cannot_contain_itself() =>
        Assert.Equal("LIPS1008", Code($"block A(n) {{ B(n) }}\nblock B(n) {{ A(n) }}\nmodel M in l2 {{ {Head} A(4) }}"));

    [Fact]
    public void Layout_and_comments_do_not_change_the_meaning()
    {
        CompiledModel a = Model($"model M in l2 {{ {Head} y = linear(4) }}");
        CompiledModel b = Model($"// a comment\nmodel M(w = 2 * 2) in l2 {{\n {Head}\n\n y = linear(w)   // the head\n}}");
        CompiledModel c = Model($"model M in l2 {{ {Head} y = linear(5) }}");
        Assert.Equal(a.Meaning, b.Meaning);
        Assert.NotEqual(a.Meaning, c.Meaning);
    }

    [Fact]
    public void A_recipe_entry_from_the_command_line_wins_and_parts_reach_into_choices()
    {
        const string spec = "model M in l2 { " + Head + " y = linear(4)\n recipe { optimizer: sgd(lr: 1, momentum: 0.5); steps: 100 } }";
        CompiledModel m = Model(spec, null, ("steps", "7"), ("optimizer.lr", "0.25"));
        Assert.Contains("new RecipeEntry(\"steps\", [], new RecipeValue.Number(7.0))", m.CSharp);
        Assert.Contains("(\"lr\", new RecipeValue.Number(0.25))", m.CSharp);
        Assert.Contains("(\"momentum\", new RecipeValue.Number(0.5))", m.CSharp);
    }

    [Theory]
    [InlineData("linear(8, bias: false, tie: words)", "")]
    [InlineData("linear(9, bias: false, tie: words)", "LIPS2001")]
    [InlineData("linear(8, bias: false, tie: word)", "LIPS1014")]
    [InlineData("mlp(8, tie: words)", "LIPS1002")]
    public void A_tied_weight_has_an_owner_of_its_shape(string body, string code) =>
        Assert.Equal(code, string.Join(" ", Compile($"model M in l2 {{ input t = tokens(8, 4)\n words = embedding(4)\n {body} }}").Diagnostics.Where(DiagnosticModule.isError).Select(d => d.Code).Distinct()));

    [Fact]
    public void A_cap_on_the_operator_norm_caps_patches_too()
    {
        CompiledModel m = Model("model M in l2 { input p = image(3, 8, 8)\n weights(bias: false, constraint: spectral_cap(2, of: operator))\n y = patchify(4, 16) }");
        Assert.Equal("2.00000000", Bound(m));
    }

    [Fact]
    public void An_override_without_a_value_is_refused() =>
        Assert.Equal("LIPS1004", Code("model M(w = 4) in l2 { " + Head + " y = linear(w) }", null, ("w", "")));

    [Fact]
    public void Open_caps_are_the_largest_that_satisfy_the_claim()
    {
        const string spec = """
            model M in l2 {
              input x = features(1, 8, radius: 1)
              weights(bias: false, constraint: spectral_cap(auto))
              linear(8); linear(8)
              y = linear(8, constraint: spectral_cap(auto(group: "head")))
              claim lipschitz(x -> y) <= 10
            }
            """;
        Compilation c = Compile(spec);
        Diagnostic chosen = Assert.Single(c.Diagnostics);
        Assert.Equal("LIPS3007", chosen.Code);
        CompiledModel m = Assert.Single(c.Models);
        // together: 2.1544^3 <= 10 < 2.1545^3; then the first group cannot grow, the head can to 10 / 2.1544^2 = 2.15450...
        Assert.Contains("2.1544, head 2.1545", chosen.Message);
        Assert.Equal("9.99998111", Bound(m));
        Assert.Equal([("", "2.1544"), ("head", "2.1545")], m.Chosen.Select(c => (c.Item1, UpperText.rational(c.Item2))));
        Assert.Equal("LIPS3005", Code(spec.Replace("claim lipschitz(x -> y) <= 10", "")));
        Assert.Equal("LIPS3006", Code(spec.Replace("linear(8); linear(8)", "linear(8, constraint: none)")));
    }
}
