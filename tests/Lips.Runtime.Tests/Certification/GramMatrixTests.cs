using System;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Data;
using Xunit;

namespace Lips.Runtime.Tests.Certification;

public class GramMatrixTests
{
    private static double[] Normals(int count, int seed)
    {
        var random = new SeededRandom(seed);
        return Enumerable.Range(0, count).Select(_ => random.Normal()).ToArray();
    }

    /// <summary>What every entry is by definition, whatever blocks, vectors and threads computed it.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 700)]
    [InlineData(16, 16)]
    [InlineData(17, 193)]
    [InlineData(70, 31)]
    [InlineData(130, 400)]
    public void Every_entry_is_one_chain_of_fused_multiply_adds(int n, int k)
    {
        double[] w = Normals(n * k, n + k);
        double[] gram = GramMatrix.Of(w, n, k);
        double[] transposed = ProductNorm.Transposed(w, n, k);
        double[] fromTransposed = GramMatrix.Of(transposed, n, k, transposed: true, 0), scaled = GramMatrix.Of(w, n, k, transposed: false, 3);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
            {
                double chain = 0;
                for (int t = 0; t < k; t++)
                    chain = Math.FusedMultiplyAdd(w[i * k + t], w[j * k + t], chain);
                Assert.Equal(chain, gram[i * n + j]);
                Assert.Equal(chain, fromTransposed[i * n + j]);
                Assert.Equal(chain / 64, scaled[i * n + j]);
            }
    }

    [Theory]
    [InlineData("normal", 1f)]
    [InlineData("denormal", 1e-44f)]
    [InlineData("huge", 3e37f)]
    public void Single_precision_entries_give_the_same_certificate_as_their_copies_in_double(string kind, float scale)
    {
        foreach (var (rows, columns) in new[] { (1, 9), (70, 33), (33, 70), (64, 256) })
        {
            float[] w = [.. Normals(rows * columns, rows).Select(x => (float)x * scale)];
            var copy = SpectralNorm.Bound([.. w.Select(x => (double)x)], rows, columns, kind);
            Assert.Equal(copy, SpectralNorm.Bound(w, rows, columns, kind));
        }
        Assert.Equal(new NormBound(0, "zero"), SpectralNorm.Bound(new float[6], 2, 3, kind));
        Assert.Contains("'head'", Assert.Throws<NotCertified>(() => SpectralNorm.Bound([1, float.NaN, 3, float.NegativeInfinity], 2, 2, "head")).Message);
    }

    [Fact]
    public unsafe void Wide_and_narrow_vectors_give_the_same_bits()
    {
        double[] a = Normals(16 * 40, 1), b = Normals(16 * 40, 2), start = Normals(16 * 20, 3), narrow = (double[])start.Clone(), wide = (double[])start.Clone();
        fixed (double* p = a, q = b, c = narrow, d = wide)
        {
            PanelProduct.Accumulate256(p, q, 40, c, 20);
            PanelProduct.Accumulate512(p, q, 40, d, 20);
        }
        Assert.Equal(narrow, wide);
        Assert.NotEqual(start, wide);
        // between the rows of the block nothing is written
        for (int i = 0; i < 16; i++)
            Assert.Equal(start.AsSpan(i * 20 + 16, 4), wide.AsSpan(i * 20 + 16, 4));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(79)]
    [InlineData(150)]
    [InlineData(300)]
    public void A_factor_multiplies_back_within_its_error_bound(int n)
    {
        double[] gram = GramMatrix.Of(Normals(n * (n + 2), n), n, n + 2), factor = new double[n * n];
        double c = LanczosPilot.Of(gram, n).Value * 1.001, unit = Math.ScaleB(1, -53);
        Array.Fill(factor, double.NaN);
        Assert.True(GramMatrix.CholeskySucceeds(gram, n, c, factor));
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
            {
                if (j > i)
                {
                    Assert.Equal(0, factor[i * n + j]);
                    continue;
                }
                double sum = 0, sizes = 0;
                for (int t = 0; t <= j; t++)
                {
                    sum += factor[i * n + t] * factor[j * n + t];
                    sizes += Math.Abs(factor[i * n + t] * factor[j * n + t]);
                }
                double wanted = (i == j ? c : 0) - gram[i * n + j];
                // (n+2)·u of the factor, as much again for this check's own sum
                Assert.InRange(Math.Abs(sum - wanted), 0, (2 * n + 6) * unit * (sizes + Math.Abs(wanted)));
            }
        Assert.False(GramMatrix.CholeskySucceeds(gram, n, LanczosPilot.Of(gram, n).Value * (1 - 1e-9), factor));
    }

    [Fact]
    public void What_is_not_finite_is_no_success()
    {
        const int n = 90;
        double[] gram = GramMatrix.Of(Normals(n * n, 6), n, n);
        foreach (double bad in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
            foreach (int at in new[] { 0, 65 * n + 2, 89 * n + 89, 80 * n + 70 })
            {
                var broken = (double[])gram.Clone();
                broken[at] = bad;
                Assert.False(GramMatrix.CholeskySucceeds(broken, n, 1e6, new double[n * n]), $"{bad} at {at}");
            }
    }

    [Theory]
    [InlineData(200, 0)]
    [InlineData(300, 1)]
    [InlineData(300, 200)]
    public void The_pilot_finds_the_largest_eigenvalue(int n, int ties)
    {
        // diag(s)² rotated by a reflection; the largest is 1, as often as there are ties
        var random = new SeededRandom(n + ties);
        var w = new double[n * n];
        double[] h = Normals(n, 5);
        double length = h.Sum(x => x * x);
        for (int i = 0; i < n; i++)
        {
            double s = i <= ties ? 1 : 0.999 * random.Uniform();
            for (int j = 0; j < n; j++)
                w[i * n + j] = s * ((i == j ? 1 : 0) - 2 * h[i] * h[j] / length);
        }
        double[] gram = GramMatrix.Of(ProductNorm.Transposed(w, n, n), n, n);
        var (value, excess) = LanczosPilot.Of(gram, n);
        Assert.InRange(value, 1 - 1e-7, 1 + 1e-12);
        Assert.InRange(excess, 0, 1e-5);
    }
}
