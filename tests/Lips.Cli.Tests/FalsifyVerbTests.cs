using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Lips.Cli.Falsification;
using Lips.Cli.Verbs;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary><c>lips falsify</c>: attacks reach bounds that are attained, and a bound that is exceeded is an error.</summary>
public sealed class FalsifyVerbTests : CommandLine
{
    private const string Chain = """
        model Chain(width = 6) in l2 {
          input x = features(2, width, radius: 1)
          weights(bias: false, constraint: spectral_cap(3/2))
          linear(width)
          y = linear(4)
          claim lipschitz(x -> y) <= 9/4
          claim parameters == 60
        }

        """;

    [Fact]
    public void A_product_of_norms_is_reached_and_not_exceeded()
    {
        var outcome = Run("falsify", Write("chain.lips", Chain), "--budget", "6", "--format", "json");
        Assert.True(outcome.Code == 0, outcome.Errors);
        using var json = JsonDocument.Parse(outcome.Output);
        Assert.Equal(6, json.RootElement.GetProperty("attacks").GetInt32());
        Assert.Equal(6, json.RootElement.GetProperty("bounded").GetInt32());
        Assert.Empty(json.RootElement.GetProperty("exceeded").EnumerateArray());
        var rule = Assert.Single(json.RootElement.GetProperty("rules").EnumerateArray());
        Assert.Equal("linear.operator-norm", rule.GetProperty("rule").GetString());
        Assert.InRange(rule.GetProperty("l2").GetDouble(), 0.97, 1 + 1e-9);
        // attacks follow from their seed
        Assert.Equal(outcome.Output, Run("falsify", "chain.lips", "--budget", "6", "--format", "json").Output);
        Assert.NotEqual(outcome.Output, Run("falsify", "chain.lips", "--budget", "6", "--seed", "5", "--format", "json").Output);
    }

    /// <summary>Each source that a claim speaks of is attacked in every norm.</summary>
    [Fact]
    public void Both_sources_of_two_claims_are_attacked()
    {
        string spec = Write("pair.lips", """
            model Pair in l2 {
              input a = features(2, 2, radius: 1)
              input b = features(3, 2, radius: 1)
              weights(bias: false, constraint: spectral_cap(1))
              memory = from b { identity }
              y = from a { cross_attention(1, similarity: relu, scale: 1/4, memory: memory) }
              claim lipschitz(a -> y) <= 10
              claim lipschitz(b -> y) <= 10
            }

            """);
        var outcome = Run("falsify", spec, "--budget", "6", "--format", "json");
        Assert.True(outcome.Code == 0, outcome.Errors);
        using var json = JsonDocument.Parse(outcome.Output);
        Assert.Equal(6, json.RootElement.GetProperty("bounded").GetInt32());
        Assert.Equal(2, json.RootElement.GetProperty("models").GetArrayLength());
    }

    [Fact]
    public void A_model_made_small_need_not_keep_its_counts_and_what_has_no_bound_is_said_to_have_none()
    {
        var small = Run("falsify", Write("chain.lips", Chain), "width=3", "--budget", "1");
        Assert.True(small.Code == 0, small.Errors);
        Assert.Contains("none exceeded it", small.Output);
        var free = Run("falsify", Write("free.lips", Chain.Replace("spectral_cap(3/2)", "none").Replace("  claim lipschitz(x -> y) <= 9/4\n", "")), "--budget", "1");
        Assert.True(free.Code == 0, free.Errors);
        Assert.Contains("no bound", free.Output);
        Assert.Contains("0 against a finite bound", free.Output);
        Assert.Equal(1, Run("falsify", "nothing.lips").Code);
        Assert.Equal(4, Run("falsify", Write("claim.lips", Chain.Replace("9/4", "2"))).Code);
    }

    [Fact]
    public void A_bound_that_is_too_small_is_an_error_that_names_the_attack()
    {
        var honest = Emitted.One(Case.Of("halved", "input x = features(2, 4, radius: 1)\nweights(bias: false, constraint: spectral_cap(1))\ny = linear(4)"));
        var c = honest.Compiled;
        var half = Upper.OfRational(Rational.OfDouble(0.5));
        var wrong = new CompiledModel(
            c.Resolved, c.Derivation, ListModule.OfSeq(c.AtCaps.Select(q => Tuple.Create(q.Item1, q.Item2 * half))), c.Trace, c.Parameters, c.Macs, c.Verdicts, c.Chosen, c.Later);
        using var printed = new StringWriter();
        using var complained = new StringWriter();
        TextWriter output = Console.Out, errors = Console.Error;
        int code;
        try
        {
            Console.SetOut(printed);
            Console.SetError(complained);
            code = FalsifyVerb.Attack([honest with { Compiled = wrong }], budget: 3, seed: 0, isText: true);
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
        Assert.Equal(4, code);
        Assert.Contains("A BOUND IS EXCEEDED", complained.ToString());
        Assert.Contains("halved, TokenToToken", complained.ToString());
        Assert.Contains("EXCEEDED IT", printed.ToString());
    }
}
