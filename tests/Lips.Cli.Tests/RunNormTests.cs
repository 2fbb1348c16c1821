using System.Collections.Generic;
using System.Linq;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>The norms in a run's certificate, one by one.</summary>
public sealed class RunNormTests : CommandLine
{
    /// <summary>A norm of every kind that a certificate can hold, each made one percent too small: none is accepted.</summary>
    [Fact]
    public void A_norm_of_any_kind_that_is_too_small_is_refused()
    {
        Write("words.txt", string.Concat(Enumerable.Repeat("many small words make one long text\n", 20)));
        string image = RunVerbTests.Digits[..RunVerbTests.Digits.IndexOf("  weights", System.StringComparison.Ordinal)] + """
              weights(init: orthogonal, constraint: rms_cap(1)); weights of bias (constraint: l2_cap(1)); weights of gain (constraint: max_cap(1))
              conv2d(2, kernel: 3, padding: 1)
              patchify(4, 8)
              rms_norm(eps: 1)
              attention(2, scale: 1/4, position: lepe(3))
              residual { mlp(8, activation: relu) }
              pool(mean)
              logits = linear(10)
              recipe {
                data: digits(60)
                objective: cross_entropy
                optimizer: muon(lr: 0.1)
                steps: 2; batch: 8; seed: 1
              }
            }

            """;
        var met = new SortedSet<string>(System.StringComparer.Ordinal);
        foreach (var (name, spec) in new[] { ("every", image), ("letters", RunVerbTests.Text) })
        {
            var trained = Run("train", Write(name + ".lips", spec));
            Assert.True(trained.Code == 0, trained.Output + trained.Errors);
            string run = "runs/" + name, path = run + "/certificate.json";
            Assert.Equal(0, Run("certify", run, "--tight").Code);
            var honest = Certificate.Read(path);
            string said = Run("verify", run).Output;
            Assert.Matches("([0-9]+) norms certified again from [0-9]+ capped weights, \\1 of them also proven in exact integers", said);
            Assert.Contains(name == "every" ? "1 by their multipliers" : "1 by pairs of rows", said);
            foreach (var one in honest.Norms.GroupBy(n => n.Norm[..n.Norm.IndexOf('(', System.StringComparison.Ordinal)] + (n.Norm.EndsWith(']') ? "[]" : "")))
            {
                met.Add(one.Key);
                var norm = one.First(n => UpperBound.Parse(n.Exact) > UpperBound.Zero);
                var less = norm with { Exact = UpperBound.OfDouble(0.99 * UpperBound.Parse(norm.Exact).ToDoubleUp()).ToString() };
                (honest with { Norms = [.. honest.Norms.Select(n => n == norm ? less : n)] }).Write(path);
                var refused = Run("verify", run);
                Assert.True(refused.Code == 4, $"{norm.Norm}: exit code {refused.Code}");
            }
            honest.Write(path);
            Assert.Equal(0, Run("verify", run).Code);
        }
        Assert.Superset(new HashSet<string> { "spectral", "spectral[]", "vector", "entry", "row", "operator", "taps", "product", "product[]", "products", "transposed_product[]", "transposed_products", "block" }, met);
    }
}
