using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>A run from spec to certificate, and what happens when something in it is not as it was left.</summary>
public sealed class RunVerbTests : CommandLine
{
    internal const string Digits = """
        model Digits(width = 12) in rms {
          input pixels = image(1, 8, 8, range: [0, 1])
          weights(bias: false, init: orthogonal, constraint: rms_cap(1))
          flatten
          blocks = repeat 2 {
            linear(64)
          }
          linear(width)
          logits = linear(10)
          claim lipschitz(pixels -> logits) <= 1
          recipe {
            data: digits(120)
            objective: cross_entropy
            optimizer: muon(lr: 0.1)
            steps: 6; batch: 8; seed: 1
          }
        }

        """;

    internal const string Text = """
        model Letters in rms {
          input text = tokens(256, 8)
          weights(bias: false, init: orthogonal, constraint: rms_cap(1))
          x = embedding(8, constraint: row_rms_cap(1))
          logits = linear(256)
          claim lipschitz(x -> logits) <= 1
          recipe {
            data: text("words.txt", alphabet: bytes)
            objective: next_token
            optimizer: adamw(lr: 0.01)
            steps: 3; batch: 4; sample: 16
          }
        }

        """;

    private static string Trained(params string[] more)
    {
        var outcome = Run(["train", Write("digits.lips", Digits), .. more]);
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        return Path.Combine("runs", "digits");
    }

    [Fact]
    public void A_run_is_trained_certified_and_verified_and_its_copy_means_the_same()
    {
        string run = Trained("width=10");
        foreach (string file in new[] { "model.safetensors", "certificate.json", "metrics.jsonl", "spec.lips", "report.html" })
            Assert.True(File.Exists(Path.Combine(run, file)), file);
        Assert.Contains("width = 10", File.ReadAllText(Path.Combine(run, "spec.lips")));
        var verified = Run("verify", run);
        Assert.True(verified.Code == 0, verified.Errors);
        Assert.Contains("claim <= 1 holds", verified.Output);
        Assert.Contains("4 norms certified again from 4 capped weights, 4 of them also proven in exact integers", verified.Output);
        var evaluated = Run("eval", run);
        Assert.Equal(0, evaluated.Code);
        Assert.Contains("over 12 predictions", evaluated.Output);
        Assert.Contains("estimated from below", evaluated.Output);
        var given = Run("bound", Path.Combine(run, "spec.lips"), "--weights", Path.Combine(run, "model.safetensors"));
        Assert.Equal(0, given.Code);
        Assert.Equal(given.Output, Run("bound", Path.Combine(run, "spec.lips"), "--weights", run).Output);
        // a second run does not write over the first
        Assert.Equal(0, Run("train", "digits.lips", "--stop-at", "1").Code);
        Assert.True(Directory.Exists("runs/digits-2"));
        Assert.Equal(0, Run("verify", run).Code);
    }

    [Fact]
    public void A_resumed_run_ends_with_the_bytes_of_one_that_was_not_stopped()
    {
        var straight = Run("train", Write("digits.lips", Digits), "--seed", "7");
        Assert.True(straight.Code == 0, straight.Errors);
        byte[] whole = File.ReadAllBytes(Path.Combine("runs", "digits", "model.safetensors"));
        Assert.Equal(0, Run("train", "digits.lips", "--seed", "7", "--name", "parts", "--stop-at", "3").Code);
        Assert.False(File.Exists("runs/parts/certificate.json"));
        var resumed = Run("train", "digits.lips", "--seed", "7", "--name", "parts", "--resume");
        Assert.Equal(0, resumed.Code);
        Assert.Equal(whole, File.ReadAllBytes("runs/parts/model.safetensors"));
        // the losses that are told are the same too: the smoothed one of the last line, and those of the log
        Assert.Equal(LastLoss(straight.Errors), LastLoss(resumed.Errors));
        Assert.Equal(Losses("runs/digits"), Losses("runs/parts"));

        static string LastLoss(string errors) => System.Text.RegularExpressions.Regex.Matches(errors, "step 6/6  loss ([0-9.]+)").Last().Groups[1].Value;
        static IEnumerable<double?> Losses(string folder) => Lips.Runtime.Training.MetricsLog.Read(Path.Combine(folder, "metrics.jsonl")).Select(l => l.Loss);
    }

    [Fact]
    public void A_dry_run_writes_nothing()
    {
        var outcome = Run("train", Write("digits.lips", Digits), "--dry-run");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("would train Digits", outcome.Output);
        Assert.False(Directory.Exists("runs"));
    }

    [Fact]
    public void Missing_data_and_missing_runs_are_said_plainly()
    {
        var outcome = Run("train", Write("letters.lips", Text));
        Assert.Equal(5, outcome.Code);
        Assert.Contains("words.txt", outcome.Errors);
        Assert.DoesNotContain("   at ", outcome.Errors);
        Assert.False(Directory.Exists("runs"));
        Assert.Equal(1, Run("verify", "runs/none").Code);
        Assert.Equal(5, Run("train", "letters.lips", "--resume").Code);
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_with_a_message()
    {
        var outcome = Run("train", Write("digits.lips", Digits.Replace("constraint: rms_cap(1)", "constraint: none").Replace("init: orthogonal", "init: normal(std: 1e30)").Replace("  claim lipschitz(pixels -> logits) <= 1\n", "")));
        Assert.Equal(5, outcome.Code);
        Assert.Contains("The loss became", outcome.Errors);
        Assert.False(File.Exists("runs/digits/certificate.json"));
    }

    [Fact]
    public void Weights_above_their_caps_are_refused_and_named_unless_rescaled()
    {
        string run = Trained();
        string path = Path.Combine(run, "model.safetensors");
        var file = Safetensors.Read(path);
        var doubled = file.Tensors.Values.Select(t => t.Name == "logits.weight" ? t with { Data = Doubled(t.Data.Span) } : t);
        Safetensors.Write(path, doubled, file.Metadata);
        Assert.Equal(4, Run("verify", run).Code);
        var refused = Run("certify", run);
        Assert.Equal(4, refused.Code);
        Assert.Contains("'logits.weight' has certified norm", refused.Errors);
        var rescaled = Run("certify", run, "--rescale");
        Assert.True(rescaled.Code == 0, rescaled.Errors);
        Assert.Contains("logits.weight scaled by", rescaled.Output);
        Assert.Contains("validation loss", rescaled.Output);
        Assert.Equal(0, Run("verify", run).Code);

        static byte[] Doubled(ReadOnlySpan<byte> floats)
        {
            float[] values = MemoryMarshal.Cast<byte, float>(floats).ToArray();
            for (int i = 0; i < values.Length; i++)
                values[i] *= 2;
            return MemoryMarshal.AsBytes<float>(values).ToArray();
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void A_model_that_does_not_compute_numbers_has_no_bound(float bad)
    {
        Assert.Equal(0, Run("train", Write("digits.lips", Digits.Replace("logits = linear(10)", "logits = linear(10, bias: true)", StringComparison.Ordinal)), "steps=1").Code);
        string run = Path.Combine("runs", "digits"), path = Path.Combine(run, "model.safetensors");
        Assert.Equal(0, Run("bound", "digits.lips", "--weights", run).Code);
        var file = Safetensors.Read(path);
        // the last bias is in no norm that the bound reads
        Safetensors.Write(path, file.Tensors.Values.Select(t => t.Name == "logits.bias" ? t with { Data = Spoilt(t.Data.Span) } : t), file.Metadata);
        foreach (var outcome in new[] { Run("bound", "digits.lips", "--weights", run), Run("certify", run), Run("verify", run) })
        {
            Assert.Equal(4, outcome.Code);
            Assert.DoesNotContain("lipschitz(pixels -> logits) <=", outcome.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", outcome.Errors, StringComparison.Ordinal);
        }
        Assert.Contains("'logits.bias' holds ", Run("bound", "digits.lips", "--weights", run).Errors, StringComparison.Ordinal);
        Assert.Contains("'logits.bias' holds ", Run("certify", run).Errors, StringComparison.Ordinal);

        byte[] Spoilt(ReadOnlySpan<byte> floats)
        {
            float[] values = MemoryMarshal.Cast<byte, float>(floats).ToArray();
            values[^1] = bad;
            return MemoryMarshal.AsBytes<float>(values).ToArray();
        }
    }

    [Fact]
    public void Text_is_sampled_and_used_files_travel_with_the_run()
    {
        Write("words.txt", string.Concat(Enumerable.Repeat("many small words make one long text\n", 20)));
        Directory.CreateDirectory("shared");
        Write("shared/head.lips", "block Head(n) {\n  linear(n)\n}\n");
        string spec = Write("letters.lips", "use \"shared/head.lips\"\n" + Text.Replace("logits = linear(256)", "Head(32)\n  logits = linear(256)"));
        var outcome = Run("train", spec);
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        File.Delete("shared/head.lips");
        Assert.Equal(0, Run("verify", "runs/letters").Code);
        var sampled = Run("sample", "runs/letters", "--prompt", "many", "--count", "5", "--temperature", "0");
        Assert.Equal(0, sampled.Code);
        Assert.StartsWith("many", sampled.Output);
    }

    /// <summary>The bound of given weights is derived on the ball that their embedding fills, not on the one at its cap.</summary>
    [Theory]
    [InlineData(", constraint: row_rms_cap(1)")]
    [InlineData(", constraint: none")]
    public void A_certificate_speaks_of_the_ball_its_bound_was_derived_on(string cap)
    {
        Write("words.txt", string.Concat(Enumerable.Repeat("many small words make one long text\n", 20)));
        string text = Text.Replace(", constraint: row_rms_cap(1)", cap).Replace("  logits =", "  attention(2)\n  logits =").Replace("  claim lipschitz(x -> logits) <= 1\n", "");
        var outcome = Run("train", Write("balls.lips", text));
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        var certificate = Certificate.Read("runs/balls/certificate.json");
        var claim = certificate.Claims[0];
        Assert.NotEqual("∞", claim.Exact);
        var row = UpperBound.Parse(certificate.Norms.Single(n => n.Norm.StartsWith("row(", System.StringComparison.Ordinal) && n.Norm.Contains("weight")).Exact);
        var match = System.Text.RegularExpressions.Regex.Match(claim.Domain, "^for any two sequences of embedding vectors at '[a-z]+' whose tokens have RMS <= ([0-9.]+), for the given weights, by their certified norms$");
        Assert.True(match.Success, claim.Domain);
        double stated = double.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        double proven = row.ToDoubleUp() / System.Math.Sqrt(8);
        Assert.InRange(stated, proven * (1 - 1e-6), proven * (1 + 1e-15));
        Assert.Equal(0, Run("verify", "runs/balls").Code);
        // without a cap nothing holds all through training, and the page says so
        Assert.Equal(cap.Contains("none"), File.ReadAllText("runs/balls/report.html").Contains("<p class=\"warning\">LIPS3002"));
    }

    [Theory]
    [InlineData("--seed", "x")]
    [InlineData("--stop-at", "-1")]
    [InlineData("--device", "tpu")]
    [InlineData("--name", "../elsewhere")]
    public void An_option_that_makes_no_sense_is_named_before_anything_is_done(string option, string value)
    {
        var outcome = Run("train", Write("digits.lips", Digits), option, value);
        Assert.Equal(1, outcome.Code);
        Assert.Contains($"{option} must be", outcome.Errors);
        Assert.Contains(value, outcome.Errors);
        Assert.False(Directory.Exists("runs"));
    }

    [Fact]
    public void A_flipped_bit_in_any_file_is_caught()
    {
        string run = Trained();
        foreach (var (file, places) in new[] { ("model.safetensors", 24), ("spec.lips", 12), ("certificate.json", 24) })
        {
            string path = Path.Combine(run, file);
            byte[] bytes = File.ReadAllBytes(path);
            for (int i = 0; i < places; i++)
            {
                byte[] flipped = [.. bytes];
                long at = (long)i * (bytes.Length - 1) / (places - 1);
                flipped[at] ^= (byte)(1 << (i % 8));
                File.WriteAllBytes(path, flipped);
                var outcome = Run("verify", run);
                Assert.True(outcome.Code == 4, $"{file}, byte {at}: exit code {outcome.Code}\n{outcome.Output}{outcome.Errors}");
                Assert.DoesNotContain("   at ", outcome.Errors);
            }
            File.WriteAllBytes(path, bytes);
        }
        Assert.Equal(0, Run("verify", run).Code);
    }

    /// <summary>What a faulty certifier would write: consistent in itself, with a checksum that fits, but not proven.</summary>
    [Fact]
    public void A_certifier_that_is_wrong_is_caught_by_the_other_arithmetic()
    {
        string run = Trained();
        string path = Path.Combine(run, "certificate.json");
        var honest = Certificate.Read(path);
        var claim = honest.Claims[0];
        var bound = UpperBound.Parse(claim.Exact);

        Certificate Claiming(UpperBound claimed) => honest with
        {
            Claims = [claim with { Exact = claimed.ToString(), Bound = claimed.ToDecimal(6), Log10 = claimed.Log10(6) }],
        };
        UpperBound Times(long numerator, long denominator) => bound * UpperBound.OfRational(numerator, denominator);

        var faults = new Dictionary<string, Certificate>
        {
            ["prove no less than"] = Claiming(Times(1, 2)),
            // one part in a million million below: rounding in the wrong direction
            ["prove no less than "] = Claiming(Times(999_999_999_999, 1_000_000_000_000)),
            ["far above"] = Claiming(Times(101, 100)),
            ["norm "] = honest with { Norms = [honest.Norms[0] with { Exact = UpperBound.OfDouble(0.5).ToString() }, .. honest.Norms.Skip(1)] },
            ["cap of"] = honest with { Caps = [honest.Caps[0] with { Cap = "2" }, .. honest.Caps.Skip(1)] },
            ["verdict"] = honest with { Claims = [claim with { Holds = false }] },
            ["domain"] = honest with { Claims = [claim with { Domain = "for all inputs" }] },
            ["source of the spec"] = honest with { Source = Other(honest.Source) },
            ["meaning of the spec"] = honest with { Meaning = Other(honest.Meaning) },
            ["model file"] = honest with { File = Other(honest.File!) },
            ["weights: "] = honest with { Weights = Other(honest.Weights) },
            ["rules"] = honest with { Rules = "by-eye/1" },
            // a factor of the product left out
            ["prove no less than  "] = Claiming(bound / UpperBound.Parse(honest.Norms[0].Exact) * UpperBound.OfRational(1, 2)),
            ["claims: "] = honest with { Claims = [] },
            ["caps: "] = honest with { Caps = [.. honest.Caps.Skip(1)] },
        };
        static string Other(string hash) => (hash[0] == '0' ? '1' : '0') + hash[1..];
        foreach (var (said, certificate) in faults)
        {
            certificate.Write(path);
            var outcome = Run("verify", run);
            Assert.Equal(4, outcome.Code);
            Assert.Contains(said.Trim(), outcome.Errors);
        }
        honest.Write(path);
        Assert.Equal(0, Run("verify", run).Code);
        File.Delete(Path.Combine(run, "model.safetensors"));
        var missing = Run("verify", run);
        Assert.Equal(1, missing.Code);
        Assert.Contains("has no model.safetensors", missing.Errors);
    }

    [Fact]
    public void A_certificate_of_whole_blocks_is_tighter_and_checked_by_its_multipliers()
    {
        string spec = Digits.Replace("blocks = repeat 2 {\n    linear(64)\n  }\n  linear(width)", "linear(width)\n  blocks = repeat 2 {\n    residual { mlp(16, activation: relu) }\n  }")
            .Replace("lipschitz(pixels -> logits) <= 1\n", "lipschitz(pixels -> logits) <= 1000\n");
        var outcome = Run("train", Write("blocks.lips", spec));
        Assert.True(outcome.Code == 0, outcome.Output + outcome.Errors);
        string path = "runs/blocks/certificate.json";
        var plain = Certificate.Read(path);
        Assert.DoesNotContain(plain.Norms, n => n.Norm.StartsWith("block(", System.StringComparison.Ordinal));

        Assert.Equal(0, Run("certify", "runs/blocks", "--tight").Code);
        var tight = Certificate.Read(path);
        var blocks = tight.Norms.Where(n => n.Norm.StartsWith("block(", System.StringComparison.Ordinal)).ToList();
        Assert.Equal(2, blocks.Count);
        Assert.All(blocks, b => Assert.Equal("multipliers", b.Method));
        Assert.True(UpperBound.Parse(tight.Claims[0].Exact) < UpperBound.Parse(plain.Claims[0].Exact));
        var accepted = Run("verify", "runs/blocks");
        Assert.True(accepted.Code == 0, accepted.Errors);
        Assert.Contains(tight.Claims[0].Bound, accepted.Output);
        var bound = Run("bound", "runs/blocks/spec.lips", "--weights", "runs/blocks/model.safetensors", "--tight");
        Assert.Equal(0, bound.Code);
        var printed = System.Text.RegularExpressions.Regex.Match(bound.Output, "<= ([0-9.]+) in rms");
        double proven = UpperBound.Parse(tight.Claims[0].Exact).ToDoubleUp();
        Assert.Equal(proven, double.Parse(printed.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), proven * 1e-5);

        // other multipliers, a smaller gain, none at all
        foreach (var (said, block) in new[]
        {
            ("multipliers", blocks[0] with { Witness = blocks[1].Witness!.Replace('A', 'B')[..8] + "AAAA" }),
            ("multipliers", blocks[0] with { Exact = UpperBound.OfDouble(0.5).ToString() }),
            ("multipliers", blocks[0] with { Witness = null }),
            ("prove no less than", blocks[0] with { Norm = "block(nothing)" }),
        })
        {
            (tight with { Norms = [.. tight.Norms.Select(n => n == blocks[0] ? block : n)] }).Write(path);
            var refused = Run("verify", "runs/blocks");
            Assert.Equal(4, refused.Code);
            Assert.Contains(said, refused.Errors);
        }
        var missing = Run("bound", "blocks.lips", "--tight");
        Assert.Equal(1, missing.Code);
        Assert.Contains("--weights", missing.Errors);
    }
}
