using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using Lips.Cli.Falsification;
using Lips.Runtime.Certification;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Cli.Tests;

/// <summary><c>lips eval --certified</c>: proven radii beside an attack that must not contradict them.</summary>
public sealed class CertifiedEvaluationTests : CommandLine
{
    private const string Digits = """
        model Digits in rms {
          input pixels = image(1, 8, 8, range: [0, 1])
          weights(bias: false, init: orthogonal, constraint: rms_cap(auto))
          flatten
          linear(24)
          abs
          logits = linear(10, constraint: rms_cap(auto(group: "head", prefer: 2)))
          claim lipschitz(pixels -> logits) <= 4
          recipe {
            data: digits(200)
            objective: cross_entropy
            optimizer: muon(lr: 0.1)
            steps: 40; batch: 20; seed: 1
          }
        }

        """;

    private const string Letters = """
        model Letters in rms {
          input text = tokens(256, 6)
          weights(bias: false, init: orthogonal, constraint: rms_cap(1))
          x = embedding(8, constraint: row_rms_cap(1))
          logits = linear(256)
          claim lipschitz(x -> logits) <= 1
          claim lipschitz(x -> logits) <= 6 in l2
          recipe {
            data: text("words.txt", alphabet: bytes)
            objective: next_token
            optimizer: adamw(lr: 0.05)
            steps: 20; batch: 4
          }
        }

        """;

    /// <summary>The solved caps are what is trained, sealed, certified and verified.</summary>
    [Fact]
    public void Certified_accuracy_lies_below_that_under_attack_and_both_are_written()
    {
        var trained = Run("train", Write("digits.lips", Digits));
        Assert.True(trained.Code == 0, trained.Output + trained.Errors);
        Assert.Contains("LIPS3007", trained.Errors);
        // 1.4142² · 2 ≤ 4: the head takes twice the cap of the others, as its preference says
        var caps = Certificate.Read("runs/digits/certificate.json").Caps;
        Assert.Equal([1.4142, 2.8284], caps.Select(c => double.Parse(c.Cap, System.Globalization.CultureInfo.InvariantCulture)).Order(), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Equal(0, Run("verify", "runs/digits").Code);
        var outcome = Run("eval", "runs/digits", "--certified", "--radii", "0.4,0,0.1", "--format", "json");
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        Assert.Equal(outcome.Output, File.ReadAllText("runs/digits/robustness.json"));
        using var json = JsonDocument.Parse(outcome.Output);
        var rows = json.RootElement.GetProperty("rows").EnumerateArray().Select(r => (Radius: r.GetProperty("radius").GetDouble(), Certified: r.GetProperty("certified").GetDouble(), Surviving: r.GetProperty("surviving").GetDouble(), Clean: r.GetProperty("clean").GetDouble())).ToList();
        Assert.Equal([0, 0.1, 0.4], rows.Select(r => r.Radius));
        Assert.All(rows, r => Assert.True(r.Certified <= r.Surviving && r.Surviving <= r.Clean));
        Assert.Equal(rows[0].Clean, rows[0].Certified);
        Assert.True(rows[1].Certified > 0, "nothing is certified at 0.1");
        Assert.True(rows[2].Surviving < rows[2].Clean, "the attack breaks nothing at 0.4");
        Assert.Equal(20, json.RootElement.GetProperty("predictions").GetInt32());
        double proven = double.Parse(json.RootElement.GetProperty("constant").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(json.RootElement.GetProperty("estimate_from_below").GetDouble(), proven / 3, proven);
        var text = Run("eval", "runs/digits", "--certified", "--samples", "5", "--norm", "token");
        Assert.Equal(0, text.Code);
        Assert.Contains("of 5 predictions", text.Output);
        Assert.Contains("the largest change of a token, in the units of 'pixels'", text.Output);
        Assert.Equal(1, Run("eval", "runs/digits", "--certified", "--radii", "0,far").Code);
    }

    [Fact]
    public void Radii_of_text_are_of_embedding_vectors_and_the_certificate_says_what_exchanging_tokens_does()
    {
        Write("words.txt", string.Concat(Enumerable.Repeat("many small words make one long text\n", 20)));
        var trained = Run("train", Write("letters.lips", Letters));
        Assert.True(trained.Code == 0, trained.Output + trained.Errors);
        Assert.Contains("exchanging any number of tokens moves 'x' by at most 2 in rms, so 'logits' by at most 2 in rms", trained.Output);
        Assert.Contains("exchanging k tokens moves 'x' by at most 5.65686·√k in l2", trained.Output);
        string path = Path.Combine("runs", "letters", "certificate.json");
        var honest = Certificate.Read(path);
        Assert.All(honest.Claims, c => Assert.StartsWith("for any two sequences of embedding vectors at 'x' whose tokens have", c.Domain));
        var (rms, l2) = (honest.Claims[0].Substitution!, honest.Claims[1].Substitution!);
        Assert.Contains("exchanging any number of tokens moves the embedding vectors at 'x'", rms.Text);
        Assert.Contains("·√k in l2, so 'logits' by at most", l2.Text);
        double Value(string exact) => Lips.Runtime.UpperBound.Parse(exact).ToDoubleUp();
        // the vectors of 8 numbers: rms is l2 over √8
        Assert.Equal(Value(l2.Distance), Value(rms.Distance) * Math.Sqrt(8), 1e-9);
        Assert.Equal(Value(l2.Exact), Value(l2.Distance) * Value(honest.Claims[1].Exact), 1e-9);
        Assert.Contains(rms.Text, Run("verify", Path.Combine("runs", "letters")).Output);
        foreach (var wrong in new[] { rms with { Exact = honest.Claims[0].Exact }, rms with { Text = "nothing moves" }, rms with { Bound = "0.1" }, null })
        {
            (honest with { Claims = [honest.Claims[0] with { Substitution = wrong }, honest.Claims[1]] }).Write(path);
            var refused = Run("verify", Path.Combine("runs", "letters"));
            Assert.Equal(4, refused.Code);
            Assert.Contains("exchanged tokens", refused.Errors);
        }
        honest.Write(path);
        var outcome = Run("eval", "runs/letters", "--certified", "--samples", "1");
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        Assert.Contains("in the embedding vectors at 'x'", outcome.Output);
    }

    /// <summary>Masks of token ids hide the same keys wherever the attack moves the vectors, and the estimate too.</summary>
    [Fact]
    public void A_model_whose_masks_look_at_tokens_has_radii_and_an_estimate()
    {
        Write("words.txt", string.Concat(Enumerable.Repeat("many small words make one long text\n", 20)));
        string spec = Letters.Replace("model Letters", "model Words").Replace("  logits = ", "  attention(2, scale: 1/4, mask: document(32), tokens: text)\n  logits = ")
            .Replace("<= 1\n", "<= 1000\n").Replace("<= 6 in", "<= 1000 in");
        var trained = Run("train", Write("words.lips", spec));
        Assert.True(trained.Code == 0, trained.Output + trained.Errors);
        Assert.Equal(0, Run("verify", "runs/words").Code);
        var outcome = Run("eval", "runs/words", "--certified", "--samples", "2", "--format", "json");
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        Assert.Empty(outcome.Errors);
        using var json = JsonDocument.Parse(outcome.Output);
        double proven = double.Parse(json.RootElement.GetProperty("constant").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(json.RootElement.GetProperty("estimate_from_below").GetDouble(), proven / 100, proven);
        var rows = json.RootElement.GetProperty("rows").EnumerateArray().ToList();
        Assert.All(rows, r => Assert.True(r.GetProperty("certified").GetDouble() <= r.GetProperty("surviving").GetDouble()));
    }

    /// <summary>A radius that is too large is contradicted by the attack: the teeth of the comparison.</summary>
    [Fact]
    public void A_radius_that_is_too_large_is_contradicted()
    {
        var emitted = Emitted.One(Case.Of("classes", "input x = features(1, 3, radius: 4)\nweights(bias: false, constraint: spectral_cap(1))\ny = linear(3)"));
        using var model = emitted.New();
        using (no_grad())
            model.Module.parameters().Single().copy_(eye(3));
        var inputs = eye(3).view(3, 1, 3);
        var batch = new Batch(inputs, arange(3, dtype: int64));
        // the classes of unit vectors meet half-way: at a distance of 1/√2
        CertifiedEvaluation Evaluated(double factor) => new CertifiedAccuracy(model, "x", ValueNorm.L2, (logits, label, _) => factor * Math.Sqrt(0.5)) { Radius = 4 }.Run([batch], _ => [0, 0.6, 0.72]);
        var honest = Evaluated(1);
        Assert.Empty(honest.Violations);
        Assert.Equal([1, 1, 0], honest.Rows.Select(r => r.Certified));
        Assert.Equal([1, 1, 0], honest.Rows.Select(r => r.Surviving));
        var wrong = Evaluated(1.1);
        Assert.Equal(3, wrong.Violations.Count);
        Assert.Contains("broken at 0.72", wrong.Violations[0]);
    }

    /// <summary>What was measured decides: a constant that is exceeded, a radius that is broken and rows out of order end with 5.</summary>
    [Fact]
    public void What_contradicts_the_proof_fails_the_run()
    {
        int Concluded(double? seen, CertifiedEvaluation result) => Runs.RunRobustness.Conclude("x", Lips.Core.Upper.One, seen, result);
        CertifiedEvaluation With(params AccuracyRow[] rows) => new(rows, [], []);
        var honest = With(new(0, 0.5, 0.5, 0.5), new(0.1, 0.25, 0.5, 0.5));
        Assert.Equal(0, Concluded(0.99, honest));
        Assert.Equal(0, Concluded(null, honest));
        Assert.Equal(5, Concluded(1.01, honest));
        Assert.Equal(5, Concluded(0.5, honest with { Violations = ["sample 3 is broken at 0.1"] }));
        Assert.Equal(5, Concluded(0.5, With(new AccuracyRow(0.1, 0.6, 0.5, 0.7))));
        Assert.Equal(5, Concluded(0.5, With(new AccuracyRow(0.1, 0.4, 0.8, 0.7))));
    }

    [Fact]
    public void A_run_that_cannot_be_evaluated_says_why()
    {
        Write("words.txt", string.Concat(Enumerable.Repeat("many small words make one long text\n", 20)));
        Assert.Equal(0, Run("train", Write("letters.lips", Letters)).Code);
        File.Delete("words.txt");
        foreach (string[] more in new[] { Array.Empty<string>(), ["--certified"] })
        {
            var outcome = Run(["eval", "runs/letters", .. more]);
            Assert.Equal(5, outcome.Code);
            Assert.Contains("words.txt", outcome.Errors);
        }
        Assert.False(File.Exists("runs/letters/robustness.json"));
    }
}
