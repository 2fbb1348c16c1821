using System;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Data;
using Xunit;

namespace Lips.Runtime.Tests.Certification;

/// <summary>Norms of products of weights against their exact values in rational arithmetic.</summary>
public class ProductNormTests
{
    private static readonly string[] Kinds = ["normal", "tiny", "denormal", "huge", "rank one", "ties", "near ties", "graded", "half", "one entry", "mixed scales"];

    public static TheoryData<string> AllKinds() => [.. Kinds];

    /// <summary>out: width × heads·m, v, q, k: heads·m × memory.</summary>
    private static (WeightValues Left, WeightValues Right) Weights(NormKind kind, string left, string right, int heads, int m, int width, int memory, SeededRandom random)
    {
        bool transposed = kind is NormKind.TransposedProduct or NormKind.StackedTransposedProduct;
        var a = transposed
            ? new Weight("k", "k", Role.Matrix, [heads * m, memory], Heads: heads, HeadAxis: HeadAxis.Rows)
            : new Weight("out", "out", Role.Matrix, [width, heads * m], Heads: heads, HeadAxis: HeadAxis.Columns);
        var b = new Weight(transposed ? "q" : "v", "b", Role.Matrix, [heads * m, transposed ? width : memory], Heads: heads, HeadAxis: HeadAxis.Rows);
        return (new(a, SpectralNormTests.Make(left, (int)a.Shape[0], (int)a.Shape[1], random)), new(b, SpectralNormTests.Make(right, (int)b.Shape[0], (int)b.Shape[1], random)));
    }

    private static Fraction[,] Rows(Fraction[,] w, int from, int count) => Part(w, from, count, 0, w.GetLength(1));

    private static Fraction[,] Columns(Fraction[,] w, int from, int count) => Part(w, 0, w.GetLength(0), from, count);

    private static Fraction[,] Part(Fraction[,] w, int row, int rows, int column, int columns)
    {
        var part = new Fraction[rows, columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                part[i, j] = w[row + i, column + j];
        return part;
    }

    private static Fraction[,] Beside(Fraction[][,] blocks)
    {
        var all = new Fraction[blocks[0].GetLength(0), blocks.Sum(b => b.GetLength(1))];
        int at = 0;
        foreach (var block in blocks)
        {
            for (int i = 0; i < block.GetLength(0); i++)
                for (int j = 0; j < block.GetLength(1); j++)
                    all[i, at + j] = block[i, j];
            at += block.GetLength(1);
        }
        return all;
    }

    /// <summary>What the request's text says, without rounding.</summary>
    private static Fraction[,] Exactly(NormKind kind, int? head, WeightValues left, WeightValues right, int heads, int m)
    {
        var a = ExactMatrix.Of(left.Values, (int)left.Weight.Shape[0], (int)left.Weight.Shape[1]);
        var b = ExactMatrix.Of(right.Values, (int)right.Weight.Shape[0], (int)right.Weight.Shape[1]);
        var of = (int h) => kind is NormKind.Product or NormKind.StackedProduct
            ? ExactMatrix.Times(Columns(a, h * m, m), Rows(b, h * m, m))
            : ExactMatrix.Times(ExactMatrix.Transposed(Rows(a, h * m, m)), Rows(b, h * m, m));
        return head is int one ? of(one)
            : kind == NormKind.StackedProduct ? Beside([.. Enumerable.Range(0, heads).Select(of)])
            : kind == NormKind.StackedTransposedProduct ? Beside([.. Enumerable.Range(0, heads).Select(h => ExactMatrix.Transposed(of(h)))])
            : ExactMatrix.Times(kind == NormKind.Product ? a : ExactMatrix.Transposed(a), b);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_product_is_never_below_its_norm_and_close_to_it(string left)
    {
        foreach (string right in new[] { "normal", left })
            foreach (var (kind, head) in new (NormKind, int?)[] { (NormKind.Product, null), (NormKind.Product, 1), (NormKind.StackedProduct, null), (NormKind.TransposedProduct, null), (NormKind.TransposedProduct, 0), (NormKind.StackedTransposedProduct, null) })
                foreach (var (heads, m, width, memory) in new[] { (2, 2, 4, 5), (3, 1, 2, 3), (2, 3, 2, 2) })
                {
                    var (a, b) = Weights(kind, left, right, heads, m, width, memory, SeededRandom.For(3, $"{left}/{right}/{kind}/{head}/{m}"));
                    var request = new NormRequest(kind, a.Weight.Name, head, b.Weight.Name);
                    double bound = CertifiedNorms.Norm(request, name => name == a.Weight.Name ? a : b).Value;
                    var exact = Exactly(kind, head, a, b, heads, m);
                    string what = $"{request.Key} of {left} and {right}, {heads} heads of {m}: {bound:R}";
                    if (!double.IsInfinity(bound))
                        Assert.True(ExactMatrix.SquareAtMost(exact, Fraction.Of(bound) * Fraction.Of(bound)), what + " is below the norm");
                    // what cancels between the factors is not found again
                    double scale = SpectralNorm.Certify(a.Values, (int)a.Weight.Shape[0], (int)a.Weight.Shape[1]) * SpectralNorm.Certify(b.Values, (int)b.Weight.Shape[0], (int)b.Weight.Shape[1]);
                    double share = bound / scale, below = scale * Math.Sqrt(Math.Max(0, share * share * (1 - 4e-6) - 1e-12));
                    if (below > 1e-290 && double.IsFinite(scale))
                        Assert.False(ExactMatrix.SquareAtMost(exact, Fraction.Of(below) * Fraction.Of(below)), what + " is loose");
                }
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void The_small_factor_of_a_wide_matrix_is_above_it(string kind)
    {
        var random = SeededRandom.For(5, kind);
        for (int trial = 0; trial < 6; trial++)
        {
            var (m, k) = (2 + trial % 3, 6);
            double[] b = SpectralNormTests.Make(kind, m, k, random);
            int exponent = b.Max(Math.Abs) is 0 ? 0 : Math.ILogB(b.Max(Math.Abs)) + 1;
            b = [.. b.Select(x => Math.ScaleB(x, -exponent))];
            if (ProductNorm.Reduced(b, m, k) is not { } factor)
                continue;
            var wide = ExactMatrix.Of(b, m, k);
            var small = ExactMatrix.Of(factor, m, m);
            var (above, below) = (ExactMatrix.Times(small, ExactMatrix.Transposed(small)), ExactMatrix.Times(wide, ExactMatrix.Transposed(wide)));
            for (int i = 0; i < m; i++)
                for (int j = 0; j < m; j++)
                    above[i, j] -= below[i, j];
            Assert.True(ExactMatrix.IsSemidefinite(above), $"{kind}: L·Lᵀ is not above B·Bᵀ");
        }
    }

    [Theory]
    [InlineData("product(out, v)[3]", NormKind.Product, "out", "v", 3)]
    [InlineData("transposed_products(a.k, a.q)", NormKind.StackedTransposedProduct, "a.k", "a.q", null)]
    [InlineData("spectral(blocks.0.v)[1]", NormKind.Spectral, "blocks.0.v", null, 1)]
    public void A_request_is_read_as_it_is_written(string key, NormKind kind, string weight, string? right, int? head)
    {
        var request = new NormRequest(kind, weight, head, right);
        Assert.Equal(key, request.Key);
        Assert.Equal(request, NormRequest.TryParse(key));
    }

    [Theory]
    [InlineData("norm(a)")]
    [InlineData("spectral")]
    [InlineData("spectral(a")]
    [InlineData("spectral(a)[x]")]
    [InlineData("spectral(a)]")]
    [InlineData("product(a, b, c)")]
    public void What_is_no_request_is_not_read(string key) => Assert.Null(NormRequest.TryParse(key));

    [Fact]
    public void Factors_that_do_not_fit_are_refused()
    {
        var a = new WeightValues(new Weight("a", "a", Role.Matrix, [2, 3]), new double[] { 1, 2, 3, 4, 5, 6 });
        Assert.Throws<NotCertified>(() => CertifiedNorms.Norm(new NormRequest(NormKind.Product, "a", null, "a"), _ => a));
    }
}
