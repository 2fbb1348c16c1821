using System;
using System.Numerics;
using Lips.Runtime;
using Xunit;

namespace Lips.Runtime.Tests.Certification;

/// <summary>The number type on its own; that it equals the compiler's bit for bit is held by Lips.Core.Tests.</summary>
public class UpperBoundTests
{
    [Fact]
    public void SumsAndProductsAreNeverBelowTheExactValue()
    {
        var random = new Random(7);
        for (int i = 0; i < 2000; i++)
        {
            double a = random.NextDouble() * Math.Pow(2, random.Next(-60, 60));
            double b = random.NextDouble() * Math.Pow(2, random.Next(-60, 60));
            (BigInteger x, BigInteger y) = (Scaled(a), Scaled(b));
            Assert.False((Exact(a) + Exact(b)).IsAtMost(x + y - 1, BigInteger.One << 200));
            Assert.True((Exact(a) + Exact(b)).IsAtMost((x + y) * ((BigInteger.One << 62) + 1), BigInteger.One << 262));
            Assert.False((Exact(a) * Exact(b)).IsAtMost(x * y - 1, BigInteger.One << 400));
            Assert.True((Exact(a) * Exact(b)).IsAtMost(x * y * ((BigInteger.One << 62) + 1), BigInteger.One << 462));
        }

        static UpperBound Exact(double value) => UpperBound.OfDouble(value);

        // value·2^200: every double here is a multiple of 2^-200.
        static BigInteger Scaled(double value) => (BigInteger)Math.ScaleB(value, 200);
    }

    [Fact]
    public void ExactTextIsReadBackAndNothingElseIs()
    {
        UpperBound third = UpperBound.OfRational(1, 3);
        Assert.Equal(third, UpperBound.Parse(third.ToString("R")));
        Assert.Equal("0xaaaaaaaaaaaaaaabp-65", third.ToString());
        Assert.Equal("0.33334", third.ToString("D5"));
        Assert.Equal("∞", UpperBound.Infinity.ToString());
        foreach (string text in (string[])["", "1", "-1", "0x1p0", "0xaaaaaaaaaaaaaaabp+1", "0xAAAAAAAAAAAAAAABp1", "0xaaaaaaaaaaaaaaabp9223372036854775807"])
            Assert.False(UpperBound.TryParse(text, out _), text);
        Assert.Throws<FormatException>(() => UpperBound.Parse("0.5"));
    }

    [Fact]
    public void NumbersThatAreNoBoundsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => UpperBound.OfDouble(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => UpperBound.OfDouble(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => UpperBound.OfRational(-1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => UpperBound.Power(2, -1));
    }

    [Fact]
    public void AMissingNormIsInfiniteAndOfTwoTheSmallerStays()
    {
        var norms = new Norms();
        Assert.True(norms.SpectralNorm("w").IsInfinity);
        norms.Add(NormKind.Spectral, "blocks.0.attention.q", 2, 3);
        norms.Add(NormKind.Spectral, "blocks.0.attention.q", 2, 2);
        norms.Add(NormKind.Spectral, "blocks.0.attention.q", 2, 4);
        Assert.Equal((UpperBound)2, norms.HeadSpectralNorm("blocks.0.attention.q", 2));
        Assert.True(norms.HeadSpectralNorm("blocks.0.attention.q", 1).IsInfinity);
        Assert.Equal((UpperBound)2, norms["spectral(blocks.0.attention.q)[2]"]);
        Assert.Equal("row(embedding)", new NormRequest(NormKind.LargestRow, "embedding").Key);
        Assert.True((UpperBound.Zero * norms.SpectralNorm("w")).IsInfinity);
    }
}
