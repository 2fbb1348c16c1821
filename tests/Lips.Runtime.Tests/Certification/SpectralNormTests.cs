using System;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Data;
using Xunit;

namespace Lips.Runtime.Tests.Certification;

public class SpectralNormTests
{
    /// <summary>Adversarial matrices: near-ties, tiny and huge scales, rank one, orthogonal, graded, short mantissas.</summary>
    public static TheoryData<string, int, int> Cases()
    {
        var data = new TheoryData<string, int, int>();
        foreach (string kind in Kinds)
            foreach (var (rows, columns) in new[] { (1, 5), (4, 4), (3, 7), (6, 2), (5, 5) })
                data.Add(kind, rows, columns);
        return data;
    }

    private static readonly string[] Kinds =
        ["normal", "tiny", "denormal", "huge", "rank one", "ties", "near ties", "graded", "half", "bfloat", "one entry", "mixed scales"];

    internal static double[] Make(string kind, int rows, int columns, SeededRandom random)
    {
        var u = Enumerable.Range(0, rows).Select(_ => random.Normal()).ToArray();
        var v = Enumerable.Range(0, columns).Select(_ => random.Normal()).ToArray();
        var w = new double[rows * columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
            {
                double x = random.Normal();
                w[i * columns + j] = kind switch
                {
                    "tiny" => x * 1e-300,
                    "denormal" => x * 1e-318,
                    "huge" => x * 1e300,
                    "rank one" => u[i] * v[j],
                    "ties" => i == j ? 1 : 0,
                    "near ties" => i == j ? 1 + i * 1e-15 : 0,
                    "graded" => x * Math.ScaleB(1, -20 * i),
                    "half" => (double)(Half)x,
                    "bfloat" => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits((float)x) & unchecked((int)0xFFFF0000)),
                    "one entry" => i == rows - 1 && j == 0 ? x : 0,
                    "mixed scales" => x * (random.Below(2) == 0 ? 1e200 : 1e-200),
                    _ => x,
                };
            }
        return w;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_bound_is_never_below_the_norm_and_within_a_millionth(string kind, int rows, int columns)
    {
        var random = SeededRandom.For(7, kind + rows + "x" + columns);
        for (int trial = 0; trial < 8; trial++)
        {
            var w = Make(kind, rows, columns, random);
            double bound = SpectralNorm.Certify(w, rows, columns);
            Assert.True(ExactMatrix.NormAtMost(w, rows, columns, bound), $"{kind} {rows}x{columns}: {bound:R} is below the norm");
            if (bound > 1e-290)
                Assert.False(ExactMatrix.NormAtMost(w, rows, columns, bound * (1 - 1e-6)), $"{kind} {rows}x{columns}: {bound:R} is loose");
        }
    }

    /// <summary>c is walked down to where the factorization fails: nothing but the error terms stands between bound and norm.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void A_factorization_that_runs_through_proves_its_bound_however_small_c_is(string kind, int rows, int columns)
    {
        var random = SeededRandom.For(8, kind + rows + "x" + columns);
        int proofs = 0;
        for (int trial = 0; trial < 4; trial++)
        {
            var w = Make(kind, rows, columns, random);
            double largest = w.Max(Math.Abs);
            if (largest == 0)
                continue;
            int exponent = Math.ILogB(largest) + 1, n = Math.Min(rows, columns), k = Math.Max(rows, columns);
            var scaled = new double[n * k];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    scaled[rows > columns ? j * k + i : i * k + j] = Math.ScaleB(w[i * columns + j], -exponent);
            var exact = ExactMatrix.Of(scaled, n, k);
            double norm = SpectralNorm.Certify(scaled, n, k);
            for (double below = 1e-3; below > -40e-16; below = below > 1e-15 ? below / 4 : below - 4e-16)
            {
                double bound = SpectralNorm.CholeskyAt(scaled, n, k, norm * norm * (1 - below));
                if (double.IsNaN(bound))
                    continue;
                proofs++;
                Assert.True(ExactMatrix.SquareAtMost(exact, Fraction.Of(bound)), $"{kind} {rows}x{columns}: c lies {below:R} below and the bound {bound:R} is too small");
            }
        }
        Assert.True(proofs > 0, "no factorization ran through");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_alternatives_are_never_below_the_norm(string kind, int rows, int columns)
    {
        var random = SeededRandom.For(9, kind + rows + "x" + columns);
        for (int trial = 0; trial < 6; trial++)
        {
            var w = Make(kind, rows, columns, random);
            double one = SpectralNorm.ByOneNorm(w, rows, columns);
            Assert.True(ExactMatrix.NormAtMost(w, rows, columns, one), $"{kind} {rows}x{columns}: √‖WᵀW‖₁ = {one:R} is below the norm");
            double least = SpectralNorm.Certify(w, rows, columns);
            Assert.InRange(least, 0, one * (1 + 1e-14));
            foreach (int iterations in new[] { 0, 1, 3, 10 })
            {
                double gram = SpectralNorm.ByGramIteration(w, rows, columns, iterations);
                Assert.True(ExactMatrix.NormAtMost(w, rows, columns, gram), $"{kind} {rows}x{columns}: {iterations} iterations give {gram:R}, below the norm");
                // excess at most n^(1/2^(iterations+2))
                Assert.InRange(gram, 0, Math.Max(least * Math.Pow(Math.Min(rows, columns), Math.ScaleB(1, -iterations - 2)) * (1 + 1e-9), 1e-290));
            }
        }
    }

    [Fact]
    public void The_certificate_says_which_method_was_least()
    {
        // orthogonal rows: ‖WWᵀ‖₁ is the norm; a single row is its length; a plain matrix is Cholesky's
        double[] rotation = [0.6, 0.8, -0.8, 0.6];
        Assert.Equal("one-norm", SpectralNorm.Bound(rotation, 2, 2).Method);
        Assert.Equal("length", SpectralNorm.Bound([3, 4], 1, 2).Method);
        Assert.Equal("zero", SpectralNorm.Bound(new double[4], 2, 2).Method);
        var random = new SeededRandom(4);
        var plain = Enumerable.Range(0, 100 * 60).Select(_ => random.Normal()).ToArray();
        var bound = SpectralNorm.Bound(plain, 100, 60);
        Assert.Equal("cholesky", bound.Method);
        Assert.Equal(SpectralNorm.ByGramIteration(plain, 100, 60, 14), bound.Value, bound.Value * 1e-6);
    }

    [Fact]
    public void Zero_has_norm_zero() => Assert.Equal(0, SpectralNorm.Certify(new double[12], 3, 4));

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Entries_that_are_not_finite_are_refused(double bad)
    {
        var w = new double[6];
        w[4] = bad;
        var error = Assert.Throws<NotCertified>(() => SpectralNorm.Certify(w, 2, 3, "head"));
        Assert.Contains("'head'", error.Message);
    }

    [Theory]
    [InlineData(200, 200)]
    [InlineData(130, 400)]
    [InlineData(300, 96)]
    public void A_product_of_known_reflections_has_its_known_norm(int rows, int columns)
    {
        // diag(s) between Householder reflections: the largest singular value is s₀ up to rounding.
        var random = new SeededRandom(rows);
        var w = new double[rows * columns];
        for (int i = 0; i < Math.Min(rows, columns); i++)
            w[i * columns + i] = i < 3 ? 1.7 : 1.7 * random.Uniform();
        Reflect(w, rows, columns, random, true);
        Reflect(w, rows, columns, random, false);
        double bound = SpectralNorm.Certify(w, rows, columns);
        Assert.InRange(bound, 1.7 * (1 - 1e-12), 1.7 * (1 + 1e-6));
    }

    private static void Reflect(double[] w, int rows, int columns, SeededRandom random, bool left)
    {
        int n = left ? rows : columns;
        var h = Enumerable.Range(0, n).Select(_ => random.Normal()).ToArray();
        double norm2 = h.Sum(x => x * x);
        for (int other = 0; other < (left ? columns : rows); other++)
        {
            int At(int i) => left ? i * columns + other : other * columns + i;
            double dot = Enumerable.Range(0, n).Sum(i => h[i] * w[At(i)]);
            for (int i = 0; i < n; i++)
                w[At(i)] -= 2 * dot / norm2 * h[i];
        }
    }

    [Fact]
    public void A_convolution_is_bounded_by_its_symbol()
    {
        // An averaging kernel has norm Σw = 1, attained at frequency zero.
        var box = Enumerable.Repeat(1.0 / 9, 9).ToArray();
        Assert.InRange(ConvolutionNorm.Certify(box, 1, 1, [3, 3], 1, "box"), 1, 1.04);
        // A difference [1, −1] has norm 2 at ω = π; two groups take the larger.
        double[] two = [1, -1, 3, -3];
        Assert.InRange(ConvolutionNorm.Certify(two, 2, 1, [2], 2, "difference"), 6, 6.2);
    }

    [Fact]
    public void A_convolution_bound_is_above_what_an_image_attains()
    {
        var random = new SeededRandom(3);
        var kernel = Enumerable.Range(0, 4 * 3 * 9).Select(_ => random.Normal()).ToArray();
        double bound = ConvolutionNorm.Certify(kernel, 4, 3, [3, 3], 1, "kernel");
        // The dense matrix of the zero-padded convolution on a 9 × 9 image.
        const int size = 9;
        int rows = 4 * size * size, columns = 3 * size * size;
        var dense = new double[rows * columns];
        for (int o = 0; o < 4; o++)
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < size; y++)
                    for (int x = 0; x < size; x++)
                        for (int a = 0; a < 3; a++)
                            for (int b = 0; b < 3; b++)
                                if (y + a - 1 is >= 0 and < size && x + b - 1 is >= 0 and < size)
                                    dense[((o * size + y) * size + x) * columns + (c * size + y + a - 1) * size + x + b - 1] = kernel[((o * 3 + c) * 3 + a) * 3 + b];
        double attained = SpectralNorm.Certify(dense, rows, columns);
        Assert.InRange(attained / bound, 0.8, 1);
    }
}
