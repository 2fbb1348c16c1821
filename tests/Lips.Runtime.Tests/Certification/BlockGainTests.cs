using System;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Data;
using Xunit;

namespace Lips.Runtime.Tests.Certification;

/// <summary>The multiplier certificate of a residual block: never below the block's gain, exactly what its multipliers prove, and tight.</summary>
public class BlockGainTests
{
    private static double[] Gaussian(int count, double scale, SeededRandom random) => [.. Enumerable.Range(0, count).Select(_ => scale * random.Normal())];

    private static ResidualBlock Block(string text) => ResidualBlock.TryParse(text)!;

    /// <summary>The largest gain found over activation patterns: slopes at one end or the other, flipped while that helps.</summary>
    private static double Below(double[] up, double[] down, int d, int m, double keep, double branch, double least, double most, SeededRandom random)
    {
        double best = 0;
        for (int start = 0; start < 6; start++)
        {
            var slopes = Enumerable.Range(0, m).Select(_ => random.Below(2) == 0 ? least : most).ToArray();
            double here = Gain(slopes);
            for (bool moved = true; moved;)
            {
                moved = false;
                for (int i = 0; i < m; i++)
                {
                    double before = slopes[i];
                    slopes[i] = before == least ? most : least;
                    double there = Gain(slopes);
                    (slopes[i], here, moved) = there > here ? (slopes[i], there, true) : (before, here, moved);
                }
            }
            best = Math.Max(best, here);
        }
        return best;

        double Gain(double[] slopes)
        {
            var jacobian = new double[d * d];
            for (int i = 0; i < d; i++)
                for (int j = 0; j < d; j++)
                {
                    double sum = i == j ? keep : 0;
                    for (int h = 0; h < m; h++)
                        sum += branch * down[i * m + h] * slopes[h] * up[h * d + j];
                    jacobian[i * d + j] = sum;
                }
            return SpectralNorm.ByGramIteration(jacobian, d, d, 8);
        }
    }

    [Theory]
    [InlineData("1; 1; 0; 1", 1, 1, 0, 1)]
    [InlineData("1; -1; 0; 1", 1, -1, 0, 1)]
    [InlineData("5/6; 1/6; -1289/10000; 11290/10000", 5.0 / 6, 1.0 / 6, -0.1289, 1.129)]
    [InlineData("1/2; 1/2; -1; 1", 0.5, 0.5, -1, 1)]
    public void A_certified_gain_lies_between_what_is_reached_and_the_product_rule(string text, double keep, double branch, double least, double most)
    {
        const int d = 6, m = 14;
        var random = new SeededRandom(12);
        double[] up = Gaussian(d * m, 0.3, random), down = Gaussian(d * m, 0.3, random);
        var (gain, multipliers) = BlockGain.Find(up, down, d, m, Block(text))!.Value;
        double reached = Below(up, down, d, m, keep, branch, least, most, random);
        double product = Math.Abs(keep) + Math.Abs(branch) * Math.Max(most, -least) * SpectralNorm.Certify(up, m, d) * SpectralNorm.Certify(down, d, m);
        Assert.True(gain >= reached * (1 - 1e-6), $"{gain:R} is below the gain {reached:R} that is reached");
        Assert.True(gain <= product, $"{gain:R} is above the product rule's {product:R}");
        Assert.True(gain <= 1.4 * reached, $"{gain:R} is far above {reached:R}; the product rule says {product:R}");
        Assert.True(BlockGain.Holds(up, down, d, m, Block(text), multipliers, gain));
    }

    [Fact]
    public void A_plain_relu_block_is_certified_at_most_two_thirds_of_the_product_rule()
    {
        const int d = 12, m = 48;
        var random = new SeededRandom(3);
        double[] up = Gaussian(d * m, 1 / Math.Sqrt(d), random), down = Gaussian(d * m, 1 / Math.Sqrt(m), random);
        var (gain, _) = BlockGain.Find(up, down, d, m, Block("1; 1; 0; 1"))!.Value;
        double product = 1 + SpectralNorm.Certify(up, m, d) * SpectralNorm.Certify(down, d, m);
        Assert.InRange(gain / product, 0.3, 0.67);
    }

    [Fact]
    public void A_convex_potential_block_is_certified_near_one()
    {
        // x − (2/|W|²)·Wᵀ·relu(W·x) is 1-Lipschitz; the product rule says 3
        const int d = 8, m = 12;
        var random = new SeededRandom(6);
        double[] up = Gaussian(d * m, 1, random);
        double norm = SpectralNorm.Certify(up, m, d);
        double[] down = [.. ProductNorm.Transposed(up, m, d).Select(x => x * 2 / (norm * norm))];
        Assert.InRange(BlockGain.Find(up, down, d, m, Block("1; -1; 0; 1"))!.Value.Gain, 1 - 1e-9, 1.03);
    }

    /// <summary>At the smallest gain that the multipliers are said to prove, the matrix inequality is decided without rounding.</summary>
    [Theory]
    [InlineData("1; 1; 0; 1", 1.0, 1.0)]
    [InlineData("1/2; 1/2; -1/8; 9/8", 1.0, 1.0)]
    [InlineData("1; -1; 0; 1", 1e-3, 1e3)]
    [InlineData("0; 1; 0; 1", 1e60, 1e-60)]
    public void What_is_said_to_hold_holds_exactly(string text, double first, double second)
    {
        const int d = 3, m = 4;
        for (int trial = 0; trial < 6; trial++)
        {
            var random = SeededRandom.For(trial, text);
            double[] up = Gaussian(d * m, first, random), down = Gaussian(d * m, second, random);
            var (gain, multipliers) = BlockGain.Find(up, down, d, m, Block(text))!.Value;
            double fails = gain / 2, holds = gain;
            for (int i = 0; i < 40; i++)
            {
                double middle = (fails + holds) / 2;
                if (BlockGain.Holds(up, down, d, m, Block(text), multipliers, middle))
                    holds = middle;
                else
                    fails = middle;
            }
            Assert.True(Proves(up, down, d, m, text, multipliers, holds), $"{text}, trial {trial}: {holds:R} is not proven by its multipliers");
        }
    }

    /// <summary>diag(L²·I − W₁ᵀTW₁, T) − KᵀK ≥ 0, with T a little larger where that is needed: what makes |Δy| ≤ L·|Δx|.</summary>
    private static bool Proves(double[] up, double[] down, int d, int m, string text, float[] multipliers, double gain)
    {
        var numbers = text.Split("; ").Select(Number).ToArray();
        Fraction half = new(1, 2), keep = numbers[0], middle = numbers[1] * (numbers[3] + numbers[2]) * half, reach = numbers[1] * (numbers[3] - numbers[2]) * half;
        var (w1, w2) = (ExactMatrix.Of(up, m, d), ExactMatrix.Of(down, d, m));
        var product = ExactMatrix.Times(w2, w1);
        // the multipliers belong to weights balanced by a power of two: T·s² for W₁ itself
        int exponent = Math.ILogB(CertifiedNorms.Length(up)) - Math.ILogB(Math.Sqrt(Math.Min(d, m)));
        var balance = Fraction.Of(Math.ScaleB(1, -2 * exponent));
        foreach (double more in new[] { 0, 1e-12, 1e-9 })
        {
            var n = new Fraction[d + m, d + m];
            var t = multipliers.Select(x => (Fraction.Of(x) + Fraction.Of(more) * Fraction.Of(gain) * Fraction.Of(gain)) * balance).ToArray();
            var k = new Fraction[d, d + m];
            for (int i = 0; i < d; i++)
                for (int j = 0; j < d + m; j++)
                    k[i, j] = j < d ? middle * product[i, j] + (i == j ? keep : new Fraction(0, 1)) : reach * w2[i, j - d];
            var square = ExactMatrix.Times(ExactMatrix.Transposed(k), k);
            for (int i = 0; i < d + m; i++)
                for (int j = 0; j < d + m; j++)
                {
                    var sum = new Fraction(0, 1) - square[i, j];
                    if (i == j)
                        sum += i < d ? Fraction.Of(gain) * Fraction.Of(gain) : t[i - d];
                    for (int h = 0; h < m && i < d && j < d; h++)
                        sum -= w1[h, i] * t[h] * w1[h, j];
                    n[i, j] = sum;
                }
            if (ExactMatrix.IsSemidefinite(n))
                return true;
        }
        return false;
    }

    private static Fraction Number(string text)
    {
        string[] sides = text.Split('/');
        return new Fraction(System.Numerics.BigInteger.Parse(sides[0]), sides.Length == 2 ? System.Numerics.BigInteger.Parse(sides[1]) : 1);
    }

    [Fact]
    public void Nothing_else_is_accepted()
    {
        const int d = 4, m = 6;
        var random = new SeededRandom(1);
        double[] up = Gaussian(d * m, 0.5, random), down = Gaussian(d * m, 0.5, random);
        var block = Block("1; 1; 0; 1");
        var (gain, multipliers) = BlockGain.Find(up, down, d, m, block)!.Value;
        bool Holds(float[] t, double l) => BlockGain.Holds(up, down, d, m, block, t, l);
        Assert.True(Holds(multipliers, gain));
        Assert.True(Holds(multipliers, gain * 1.01));
        Assert.False(Holds(multipliers, gain * (1 - 1e-4)));
        Assert.False(Holds(multipliers[1..], gain));
        Assert.False(Holds([.. multipliers.Select((t, i) => i == 2 ? -t : t)], gain));
        Assert.False(Holds([.. multipliers.Select((t, i) => i == 2 ? float.NaN : t)], gain));
        Assert.False(Holds([.. multipliers.Select((t, i) => i == 2 ? 0 : t)], gain));
        Assert.False(Holds(multipliers, double.NaN));
        Assert.False(Holds(multipliers, double.PositiveInfinity));
        Assert.False(Holds(multipliers, -gain));
    }

    [Theory]
    [InlineData("1; 1; 0")]
    [InlineData("1; 1; 0; x")]
    [InlineData("1; 1; 1; 0")]
    [InlineData("1; 1/0; 0; 1")]
    public void What_is_no_block_is_not_read(string text) => Assert.Null(ResidualBlock.TryParse(text));
}
