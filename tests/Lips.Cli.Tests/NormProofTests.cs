using System;
using System.Linq;
using Lips.Cli.Runs;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>The second proof of norms: it accepts what the first certifies, and nothing below the truth.</summary>
public sealed class NormProofTests
{
    private static double[] Drawn(string kind, int rows, int columns, int seed)
    {
        var random = new Random(seed);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        double[] left = [.. Enumerable.Range(0, rows).Select(_ => Normal())], right = [.. Enumerable.Range(0, columns).Select(_ => Normal())];
        return [.. Enumerable.Range(0, rows * columns).Select(i => kind switch
        {
            "normal" => (float)Normal(),
            "rank one" => left[i / columns] * right[i % columns],
            "double" => Normal(),
            "identity" => i / columns == i % columns ? 1 : 0,
            "tiny" => 1e-300 * Normal(),
            "huge" => 1e300 * Normal(),
            "mixed" => Normal() * Math.Pow(10, random.Next(-30, 1)),
            _ => 0.0,
        })];
    }

    private static Weight Matrix(int rows, int columns) => new("w", "w", Role.Matrix, [rows, columns]);

    [Theory]
    [InlineData("normal", 40, 24)]
    [InlineData("normal", 24, 70)]
    [InlineData("double", 33, 33)]
    [InlineData("rank one", 30, 20)]
    [InlineData("identity", 24, 24)]
    [InlineData("tiny", 12, 16)]
    [InlineData("huge", 12, 16)]
    [InlineData("mixed", 20, 20)]
    [InlineData("zero", 3, 3)]
    [InlineData("normal", 1, 9)]
    public void What_is_certified_is_proven_again_and_less_than_the_norm_is_not(string kind, int rows, int columns)
    {
        for (int seed = 0; seed < 4; seed++)
        {
            double[] values = Drawn(kind, rows, columns, seed);
            var weight = Matrix(rows, columns);
            foreach (var norm in new[] { NormKind.Spectral, NormKind.LargestRow, NormKind.LargestEntry })
            {
                double certified = CertifiedNorms.Norm(weight, values, norm);
                Assert.True(NormProof.Holds(weight, values, norm, null, certified), $"{kind}, seed {seed}: {norm} {certified:R} is not proven");
                if (certified == 0)
                    continue;
                // what is certified exceeds the norm by less than one part in 10^6
                Assert.False(NormProof.Holds(weight, values, norm, null, certified * (1 - 1e-6)), $"{kind}, seed {seed}: {norm} {certified:R} less a millionth is proven");
            }
        }
    }

    [Fact]
    public void Nothing_is_proven_below_a_known_norm_by_more_than_the_room()
    {
        // 3·I, and the rotation-like matrix whose columns are orthogonal with length √2
        double[] three = [3, 0, 0, 0, 3, 0, 0, 0, 3], crossed = [1, 1, 1, -1];
        Assert.True(NormProof.IsAtMost(three, 3, 3, 3));
        Assert.False(NormProof.IsAtMost(three, 3, 3, 3 * (1 - 1e-12)));
        Assert.True(NormProof.IsAtMost(crossed, 2, 2, Math.BitIncrement(Math.Sqrt(2))));
        Assert.False(NormProof.IsAtMost(crossed, 2, 2, Math.Sqrt(2) * (1 - 1e-12)));
        Assert.InRange(NormProof.Room(256, 1024), 0, 1e-10);
        Assert.False(NormProof.Holds(Matrix(1, 2), [double.NaN, 1], NormKind.Spectral, null, 5));
        Assert.Null(NormProof.Holds(Matrix(1, 2), [0, 1], NormKind.LargestPairDistance, null, 5));
    }

    [Fact]
    public void Heads_are_the_slices_they_are_named_for()
    {
        var byRows = new Weight("q", "q", Role.Matrix, [4, 2], Heads: 2, HeadAxis: HeadAxis.Rows);
        var byColumns = new Weight("o", "o", Role.Matrix, [2, 4], Heads: 2, HeadAxis: HeadAxis.Columns);
        double[] rows = [5, 0, 0, 5, 1, 0, 0, 1], columns = [5, 0, 1, 0, 0, 5, 0, 1];
        foreach (var (weight, values) in new[] { (byRows, rows), (byColumns, columns) })
        {
            Assert.True(NormProof.Holds(weight, values, NormKind.Spectral, 1, 1));
            Assert.False(NormProof.Holds(weight, values, NormKind.Spectral, 0, 4.999));
            Assert.True(NormProof.Holds(weight, values, NormKind.Spectral, 0, 5));
        }
    }
}
