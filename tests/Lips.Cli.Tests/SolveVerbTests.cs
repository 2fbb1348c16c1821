using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary><c>lips solve</c>: what it prints satisfies the claim when compiled from scratch, and nothing larger would.</summary>
public sealed class SolveVerbTests : CommandLine
{
    private const string Two = """
        // two caps that are written apart
        model Two(width = 16) in rms {
          input x = features(4, 16, radius: 2)
          weights(bias: false, constraint: rms_cap(1))
          blocks = repeat 2 {
            residual(convex(1/2)) { attention(2, scale: 1/8, qk.constraint: rms_cap(1, per: head)) }
            linear(width)
          }
          logits = linear(10, constraint: spectral_cap(3))
          claim lipschitz(x -> logits) <= 100
          claim parameters == 2720
        }

        """;

    private static JsonElement Solved(string spec, params string[] more)
    {
        var outcome = Run(["solve", spec, "--format", "json", .. more]);
        Assert.True(outcome.Code == 0, outcome.Errors);
        return JsonDocument.Parse(outcome.Output).RootElement;
    }

    private static Dictionary<string, string> Caps(JsonElement solved) =>
        solved.GetProperty("caps").EnumerateArray().ToDictionary(c => c.GetProperty("group").GetString()!, c => c.GetProperty("cap").GetString() ?? "any");

    private static decimal Bound(string spec)
    {
        var outcome = Run("bound", spec, "--format", "json");
        Assert.True(outcome.Code == 0, outcome.Errors);
        using var json = JsonDocument.Parse(outcome.Output);
        return decimal.Parse(json.RootElement.GetProperty("bound").GetString()!, NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("lipschitz <= 10")]
    [InlineData("lipschitz(x -> logits) <= 0.03")]
    [InlineData("lipschitz(x->logits) < 7/3")]
    public void The_printed_spec_satisfies_the_claim_from_scratch_and_no_cap_can_grow(string claim)
    {
        var solved = Solved(Write("two.lips", Two), "--claim", claim, "--write", "out.lips");
        string text = File.ReadAllText("out.lips");
        Assert.Equal(text, solved.GetProperty("spec").GetString());
        Assert.Contains("// two caps that are written apart", text);
        Assert.Equal(0, Run("check", "out.lips").Code);
        decimal limit = claim.Contains("7/3") ? 7m / 3 : decimal.Parse(claim.Split("<= ")[1], CultureInfo.InvariantCulture);
        Assert.InRange(Bound("out.lips"), limit * 0.999m, limit);
        var caps = Caps(solved);
        Assert.Equal(["weights", "attention.qk", "logits"], caps.Keys);
        foreach (var cap in solved.GetProperty("caps").EnumerateArray())
        {
            string chosen = cap.GetProperty("cap").GetString()!, written = cap.GetProperty("write").GetString()!;
            // one unit of the fifth digit more
            decimal value = decimal.Parse(chosen, CultureInfo.InvariantCulture);
            decimal unit = (decimal)Math.Pow(10, Math.Floor(Math.Log10((double)value)) - 4);
            Assert.Contains(written, text);
            Write("more.lips", text.Replace(written, written.Replace(chosen, (value + unit).ToString(CultureInfo.InvariantCulture))));
            Assert.Equal(4, Run("check", "more.lips").Code);
        }
    }

    [Fact]
    public void Caps_are_equal_or_in_the_preferred_proportion()
    {
        string spec = Write("two.lips", Two);
        double[] equal = [.. Caps(Solved(spec, "--claim", "lipschitz <= 10")).Values.Select(c => double.Parse(c, CultureInfo.InvariantCulture))];
        Assert.All(equal, c => Assert.InRange(c / equal[0], 0.99, 1.01));
        var preferred = Caps(Solved(spec, "--claim", "lipschitz <= 10", "--prefer", "logits=3", "--prefer", "attention.qk=0.5")).ToDictionary(c => c.Key, c => double.Parse(c.Value, CultureInfo.InvariantCulture));
        Assert.InRange(preferred["logits"] / preferred["weights"], 2.99, 3.02);
        Assert.InRange(preferred["attention.qk"] / preferred["weights"], 0.49, 0.52);
    }

    [Fact]
    public void A_claim_about_other_points_stands_beside_the_spec_s_own_and_a_cap_it_does_not_reach_stays()
    {
        string spec = Write("tail.lips", """
            model Tail in l2 {
              input x = features(1, 4, radius: 1)
              weights(bias: false)
              h = linear(4, constraint: spectral_cap(2))
              y = linear(4, constraint: spectral_cap(5))
            }

            """);
        var solved = Solved(spec, "--claim", "lipschitz(h -> y) <= 3", "--write", "out.lips");
        var caps = Caps(solved);
        Assert.Equal("any", caps["h"]);
        Assert.Equal("3", caps["y"]);
        string text = File.ReadAllText("out.lips");
        Assert.Contains("h = linear(4, constraint: spectral_cap(2))", text);
        Assert.Contains("\n  claim lipschitz(h -> y) <= 3\n}", text);
        // no claim yet: from the input to the last named step
        Assert.Equal("lipschitz(x -> y) <= 9", Solved(spec, "--claim", "lipschitz <= 9").GetProperty("claim").GetString());
        Assert.Equal("9.000000", Solved(spec, "--claim", "lipschitz <= 9").GetProperty("bound").GetString()![..1] + ".000000");
        Assert.Contains("any", Run("solve", spec, "--claim", "lipschitz(h -> y) <= 3").Output);
    }

    [Fact]
    public void Caps_left_open_by_the_spec_are_the_ones_solved_for()
    {
        string spec = Write("open.lips", Two.Replace("spectral_cap(3)", "spectral_cap(auto(group: \"head\", prefer: 2))").Replace("rms_cap(1, per: head)", "rms_cap(auto, per: head)"));
        var caps = Caps(Solved(spec, "--claim", "lipschitz <= 2", "--write", "out.lips"));
        Assert.Equal(["auto", "head"], caps.Keys.Order());
        Assert.Contains("constraint: rms_cap(1))", File.ReadAllText("out.lips"));
        Assert.DoesNotContain("auto", File.ReadAllText("out.lips"));
        Assert.Equal(0, Run("check", "out.lips").Code);
    }

    [Fact]
    public void What_stands_in_the_way_is_named()
    {
        string spec = Write("fixed.lips", """
            model Fixed in l2 {
              input x = features(1, 16, radius: 4)
              weights(bias: false, constraint: spectral_cap(1))
              residual { linear(width) }
              tail = scale(3)
              y = scale(1/2)
              claim lipschitz(x -> y) <= 9
            }

            """);
        var outcome = Run("solve", spec, "--claim", "lipschitz <= 1", "--write", "out.lips");
        Assert.Equal(4, outcome.Code);
        Assert.Contains("LIPS3006", outcome.Errors);
        Assert.Contains("'tail' multiplies distances by up to 3", outcome.Errors);
        Assert.Contains("alone exceeds the claim", outcome.Errors);
        Assert.False(File.Exists("out.lips"));
        Assert.Equal("", outcome.Output);
    }

    [Theory]
    [InlineData("lipschitz", "--claim must bound")]
    [InlineData("parameters <= 3", "--claim must bound")]
    [InlineData("lipschitz <= 3\n  linear(3)", "--claim must bound")]
    [InlineData("lipschitz(x -> nowhere) <= 3", "LIPS1014")]
    public void A_claim_that_makes_no_sense_is_said_to(string claim, string said)
    {
        var outcome = Run("solve", Write("two.lips", Two), "--claim", claim);
        Assert.InRange(outcome.Code, 1, 2);
        Assert.Contains(said, outcome.Errors);
        Assert.Equal("", outcome.Output);
    }

    [Fact]
    public void Unknown_groups_and_specs_without_caps_are_named()
    {
        string spec = Write("two.lips", Two);
        Assert.Contains("there are weights, attention.qk, logits", Run("solve", spec, "--claim", "lipschitz <= 3", "--prefer", "head=2").Errors);
        Assert.Contains("--prefer must be", Run("solve", spec, "--claim", "lipschitz <= 3", "--prefer", "logits=-2").Errors);
        var none = Run("solve", Write("none.lips", "model N in l2 {\n  input x = features(1, 4)\n  y = relu\n}\n"), "--claim", "lipschitz <= 3");
        Assert.Equal(1, none.Code);
        Assert.Contains("nothing to solve for", none.Errors);
    }
}
