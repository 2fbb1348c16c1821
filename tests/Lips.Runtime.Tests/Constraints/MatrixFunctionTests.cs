using System;
using System.Linq;
using Lips.Runtime.Constraints;
using Lips.Runtime.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Constraints;

/// <summary>The products on the small side, in blocks and in slices, against one matrix at a time, in double and as the papers write them.</summary>
public class MatrixFunctionTests
{
    private static Tensor Normals(long seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, dtype: float64, generator: generator);
    }

    /// <summary>A matrix with σᵢ = top·ratio^(i/(n−1)).</summary>
    private static Tensor Graded(int rows, int columns, double top, double ratio, long seed)
    {
        int n = Math.Min(rows, columns);
        var (u, _) = linalg.qr(Normals(seed, rows, n));
        var (v, _) = linalg.qr(Normals(seed + 1, columns, n));
        return (u * tensor(Enumerable.Range(0, n).Select(i => top * Math.Pow(ratio, i / Math.Max(n - 1.0, 1))).ToArray())).mm(v.T);
    }

    private static Tensor OneByOne(Tensor x, Func<double, double> function)
    {
        var (u, s, vh) = linalg.svd(x, fullMatrices: false);
        return (u * tensor(s.data<double>().ToArray().Select(function).ToArray())).mm(vh);
    }

    private static double Distance(Tensor a, Tensor b) => (a.to(float64) - b.to(float64)).abs().max().item<double>();

    private static double Norm(Tensor a) => linalg.svdvals(a.to(float64)).max().item<double>();

    [Theory]
    [InlineData(2, 40, 70)]
    [InlineData(3, 256, 600)]
    [InlineData(1, 288, 31)]
    [InlineData(1, 384, 500)]
    [InlineData(2, 401, 390)]
    public void A_product_computed_in_blocks_is_the_product_and_symmetric(int batch, int n, int k)
    {
        using var scope = NewDisposeScope();
        var x = Normals(n, batch, n, k).to(float32);
        var wide = SymmetricProducts.Gram(x, tall: false, 0.5);
        var tall = SymmetricProducts.Gram(x, tall: true);
        Assert.InRange(Distance(wide, x.to(float64).bmm(x.to(float64).mT) * 0.5), 0, 1e-3);
        Assert.InRange(Distance(tall, x.to(float64).mT.bmm(x.to(float64))), 0, 1e-3);
        Assert.True(wide.eq(wide.mT).all().item<bool>());
        var square = SymmetricProducts.Product(wide, wide, -2, into: zeros_like(wide));
        Assert.InRange(Distance(square, wide.to(float64).bmm(wide.to(float64)) * -2) / n / k, 0, 1e-4);
    }

    [Theory]
    [InlineData(1, 70, 33, 90)]
    [InlineData(5, 17, 40, 8)]
    [InlineData(3, 1, 20, 30)]
    [InlineData(2, 20, 1, 1)]
    public void A_product_goes_into_memory_of_any_layout(int batch, int rows, int inner, int columns)
    {
        using var scope = NewDisposeScope();
        // whole, as a transpose, and as columns of something wider
        Func<int, int, Tensor>[] layouts =
        [
            (n, m) => Normals(n, batch, n, m).to(float32),
            (n, m) => Normals(m, batch, m, n).to(float32).mT,
            (n, m) => Normals(n, batch, n, m + 5).to(float32).narrow(2, 3, m),
            (n, m) => Normals(n, batch, n, 2 * m).to(float32).slice(2, 0, 2 * m, 2),
        ];
        foreach (var left in layouts)
            foreach (var right in layouts)
                foreach (var into in layouts)
                    foreach (double beta in new[] { 0, 0.5 })
                    {
                        Tensor a = left(rows, inner), b = right(inner, columns), result = into(rows, columns);
                        var expected = result.to(float64) * beta + a.to(float64).bmm(b.to(float64)) * -1.5;
                        TorchExtras.MultiplyInto(result, a, b, beta, -1.5);
                        Assert.InRange(Distance(result, expected), 0, 1e-4);
                    }
    }

    [Fact]
    public void What_a_result_held_before_is_not_read()
    {
        using var scope = NewDisposeScope();
        foreach (int n in new[] { 1, 2, 5, 30 })
        {
            var a = Normals(n, 3, n, n).to(float32);
            var result = full([3, n, n], float.NaN);
            Lips.Runtime.Torch.TorchExtras.MultiplyInto(result, a, a, alpha: 2);
            Assert.InRange(Distance(result, a.to(float64).bmm(a.to(float64)) * 2), 0, 1e-4);
        }
    }

    /// <summary>The six quintics, each on the whole matrix, in double.</summary>
    private static Tensor Quintics(Tensor x)
    {
        var y = x / x.square().sum().sqrt();
        foreach (var (a, b, c) in new[] { (3955, -8306, 5008), (3735, -6681, 3463), (3799, -6499, 3211), (4019, -6385, 2906), (2677, -3029, 1162), (2172, -1833, 682) })
        {
            var gram = y.mm(y.T);
            y = y * (a / 1024.0) + (gram * (b / 1024.0) + gram.mm(gram) * (c / 1024.0)).mm(y);
        }
        return y;
    }

    [Theory]
    [InlineData(30, 30, 1)]
    [InlineData(30, 40, 1e-3)]
    [InlineData(30, 45, 1e-2)]
    [InlineData(24, 160, 1e-4)]
    [InlineData(160, 24, 1e-6)]
    [InlineData(390, 800, 1e-3)]
    public void Composing_the_quintics_on_the_small_side_is_applying_them_one_by_one(int rows, int columns, double ratio)
    {
        using var scope = NewDisposeScope();
        var x = Graded(rows, columns, 3, ratio, rows + columns);
        bool tall = rows > columns;
        var expected = tall ? Quintics(x.T).T : Quintics(x);
        var together = MatrixFunctions.Orthogonalize(x.to(float32).unsqueeze(0), tall: tall)[0];
        Assert.InRange(Norm(together - expected), 0, 2e-3);
        Assert.InRange(Norm(together), 0.9, MatrixFunctions.OrthogonalizeCeiling);
        // added to a target, which may be a part of a larger tensor
        var whole = Normals(5, rows + 3, columns + 2).to(float32);
        var target = whole.narrow(0, 1, rows).narrow(1, 2, columns);
        var sum = target.to(float64) - expected * 0.25;
        MatrixFunctions.AddOrthogonalized(target.unsqueeze(0), x.to(float32).unsqueeze(0), tall, -0.25);
        Assert.InRange(Norm(target - sum), 0, 1e-3);
    }

    [Theory]
    [InlineData(1e-12)]
    [InlineData(1e-17)]
    [InlineData(1e-25)]
    [InlineData(0)]
    [InlineData(1e12)]
    public void Whatever_the_size_of_a_gradient_the_update_is_no_larger_than_its_ceiling(double size)
    {
        using var scope = NewDisposeScope();
        foreach (var (rows, columns) in new[] { (20, 20), (20, 80) })
        {
            var x = (Normals(8, 1, rows, columns) * size).to(float32);
            double norm = Norm(MatrixFunctions.Orthogonalize(x)[0]);
            Assert.InRange(norm, size >= 1e-14 ? 0.99 : 0, MatrixFunctions.OrthogonalizeCeiling);
        }
    }

    [Theory]
    [InlineData(20, 50, 0.05)]
    [InlineData(50, 20, 0.3)]
    [InlineData(390, 6000, 0.1)]
    public void The_soft_cap_as_one_polynomial_is_its_two_cubics(int rows, int columns, double step)
    {
        using var scope = NewDisposeScope();
        double alpha = SoftCap.Coefficient(1 + step)!.Value, unit = 1.7;
        var x = Graded(rows, columns, (1 + step) / unit, 1e-2, rows);
        var once = x.to(float32).unsqueeze(0);
        MatrixFunctions.Apply(g => SoftCap.Gain(g, alpha), once, rows > columns, unit);
        var w = x * unit;
        foreach (double sign in new[] { -alpha, alpha })
            w = w + (rows <= columns ? w.mm(w.T).mm(w) : w.mm(w.T.mm(w))) * sign;
        Assert.InRange(Norm(once[0] * unit - w), 0, 2e-5);
        Assert.InRange(Norm(once[0] * unit), 0.999, 1 + 1e-5);
    }

    [Theory]
    [InlineData(40, 100, 1.05)]
    [InlineData(100, 40, 1.3)]
    [InlineData(60, 60, 1.306)]
    [InlineData(390, 400, 1.1)]
    public void The_hard_cap_within_a_known_reach_is_the_minimum_with_the_cap(int rows, int columns, double reach)
    {
        using var scope = NewDisposeScope();
        foreach (double ratio in new[] { 1e-3, 0.7, 1 })
        {
            var x = Graded(rows, columns, reach / 2.5, ratio, rows);
            var near = x.to(float32).unsqueeze(0);
            MatrixFunctions.Apply(g => MatrixFunctions.HardCapGain(g, reach), near, rows > columns, 2.5);
            Assert.InRange(Norm(near[0] - OneByOne(x, s => Math.Min(s, 1 / 2.5))) * 2.5, 0, reach <= 1.1 ? 8e-4 : 1.32e-3);
            // what the last step left too large is brought below the cap all the same
            var beyond = (x * 1.001).to(float32).unsqueeze(0);
            MatrixFunctions.Apply(g => MatrixFunctions.HardCapGain(g, reach), beyond, rows > columns, 2.5);
            Assert.InRange(Norm(beyond[0]) * 2.5, 0.995, 1.0014);
            // far below the cap hardly anything changes
            var small = (x * 0.5).to(float32).unsqueeze(0);
            var before = small.clone();
            MatrixFunctions.Apply(g => MatrixFunctions.HardCapGain(g, reach), small, rows > columns, 2.5);
            Assert.InRange(Norm((small - before)[0]) * 2.5, 0, 4e-4);
        }
    }

    [Theory]
    [InlineData(1, 9)]
    [InlineData(9, 1)]
    [InlineData(30, 40)]
    [InlineData(300, 200)]
    [InlineData(128, 384)]
    [InlineData(5000, 24)]
    public void The_estimate_by_lanczos_is_hardly_below_the_norm_and_close(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        var gaussian = Normals(rows, rows, columns);
        foreach (var x in new[] { gaussian, Graded(rows, columns, 7, 1e-3, 3), gaussian * 1e-6, Graded(rows, columns, 1, 0.97, 4) })
        {
            double norm = Norm(x), estimate = LargestSingularValue.Of(x.to(float32));
            Assert.InRange(estimate / norm, 1 - 2e-4, 1 + 6e-4);
        }
        Assert.Equal(0, LargestSingularValue.Of(zeros(3, 4)));
        Assert.Equal(LargestSingularValue.Of(gaussian.to(float32)), LargestSingularValue.Of(gaussian.to(float32)));
        // a head's columns, which do not lie side by side
        var part = gaussian.to(float32).narrow(1, 0, Math.Max(1, columns / 2));
        Assert.InRange(LargestSingularValue.Of(part) / Norm(part), 1 - 2e-4, 1 + 6e-4);
        Assert.True(double.IsNaN(LargestSingularValue.Of(full([3, 3], float.NaN))));
    }
}
