using System;
using System.Linq;
using Lips.Cli.Proofs;
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

    private static double[] Random(int count, int seed, double scale = 1)
    {
        double[] values = Drawn("normal", 1, count, seed);
        return [.. values.Select(v => (double)(float)(v * scale))];
    }

    /// <summary>What is certified is proven again, and what is less by the share is not.</summary>
    private static void Agrees(NormRequest request, Func<string, WeightValues> weights, double less, string what)
    {
        double certified = CertifiedNorms.Norm(request, weights).Value;
        Assert.True(NormProof.Holds(request, weights, certified, null), $"{what}: {certified:R} is not proven");
        Assert.True(certified == 0 || !NormProof.Holds(request, weights, certified * (1 - less), null), $"{what}: {certified:R} less {less} is proven");
    }

    [Theory]
    [InlineData(NormKind.Product, 12, 4, 1)]
    [InlineData(NormKind.Product, 12, 4, 4)]
    [InlineData(NormKind.StackedProduct, 12, 1, 1)]
    [InlineData(NormKind.StackedProduct, 12, 4, 4)]
    [InlineData(NormKind.StackedProduct, 16, 8, 2)]
    [InlineData(NormKind.TransposedProduct, 12, 3, 3)]
    [InlineData(NormKind.StackedTransposedProduct, 12, 3, 3)]
    [InlineData(NormKind.StackedTransposedProduct, 16, 4, 2)]
    public void Products_are_proven_of_every_head_and_of_all(NormKind kind, int width, int heads, int shared)
    {
        bool transposed = kind is NormKind.TransposedProduct or NormKind.StackedTransposedProduct;
        int size = width / heads;
        // values and keys have heads of their own, which several heads may read
        var many = new Weight("many", "many", Role.Matrix, transposed ? [width, width] : [width, width], Heads: heads, HeadAxis: transposed ? HeadAxis.Rows : HeadAxis.Columns);
        var few = new Weight("few", "few", Role.Matrix, [size * shared, width], Heads: shared, HeadAxis: HeadAxis.Rows);
        for (int seed = 0; seed < 3; seed++)
        {
            double scale = seed == 2 ? 1e-120 : 1;
            double[] left = Random(width * width, seed, seed == 2 ? 1 : 3), right = [.. Random(size * shared * width, 50 + seed).Select(v => v * scale)];
            WeightValues Of(string name) => name == "many" ? new(many, left) : new(few, right);
            bool ofHeads = kind is NormKind.Product or NormKind.TransposedProduct && heads == shared && heads > 1;
            foreach (var request in ofHeads && heads == shared ? new[] { new NormRequest(kind, transposed ? "few" : "many", 0, transposed ? "many" : "few"), new(kind, transposed ? "few" : "many", heads - 1, transposed ? "many" : "few") }
                : [new NormRequest(kind, transposed ? "few" : "many", heads == shared || kind is NormKind.StackedProduct or NormKind.StackedTransposedProduct ? null : 1, transposed ? "many" : "few")])
                Agrees(request, Of, 1e-6, $"{request.Key}, seed {seed}");
        }
    }

    [Fact]
    public void A_product_that_cancels_is_small_and_proven_so()
    {
        // Q = e₁e₁ᵀ and K = e₂e₂ᵀ, and random matrices whose product is 0 but for rounding
        double[] q = [1, 0, 0, 0], k = [0, 0, 0, 1];
        var w = Matrix(2, 2);
        var request = new NormRequest(NormKind.TransposedProduct, "k", null, "q");
        Assert.True(NormProof.Holds(request, n => new(w, n == "q" ? q : k), 0, null));
        Assert.False(NormProof.Holds(request, n => new(w, n == "q" ? q : q), 0.999, null));
        Assert.True(NormProof.Holds(request, n => new(w, n == "q" ? q : q), 1, null));
    }

    [Theory]
    [InlineData(new[] { 5, 3, 3 }, 1)]
    [InlineData(new[] { 4, 3, 3, 3 }, 1)]
    [InlineData(new[] { 3, 2, 2, 2 }, 1)]
    [InlineData(new[] { 6, 2, 3, 1 }, 3)]
    [InlineData(new[] { 5, 1, 3, 3 }, 5)]
    [InlineData(new[] { 4, 6, 1, 1 }, 1)]
    public void Convolutions_are_proven_at_their_frequencies(int[] shape, int groups)
    {
        var weight = new Weight("w", "w", Role.Kernel, [.. shape.Select(n => (long)n)], Groups: groups);
        for (int seed = 0; seed < 2; seed++)
        {
            double[] values = Random(shape.Aggregate(1, (a, b) => a * b), seed, seed == 0 ? 1 : 1e-30);
            // between the samples the certificate takes 1 − x²/2 for cos x
            Agrees(new NormRequest(NormKind.Operator, "w"), _ => new(weight, values), 1e-4, $"[{string.Join(", ", shape)}], seed {seed}");
        }
        // the average of three has norm 1, at frequency 0
        var mean = new Weight("w", "w", Role.Kernel, [1, 1, 3]);
        double[] third = [1 / 3.0, 1 / 3.0, 1 / 3.0];
        Assert.False(NormProof.Holds(mean, third, NormKind.Operator, null, 0.9999));
        Assert.False(NormProof.Holds(mean, third, NormKind.Operator, null, 1));
        Assert.True(NormProof.Holds(mean, third, NormKind.Operator, null, 1 / Math.Cos(Math.PI * 2 / 48) * (1 + 1e-12)));
    }

    [Theory]
    [InlineData(new[] { 5, 3, 3 }, 1, 1.0)]
    [InlineData(new[] { 4, 3, 3, 3 }, 1, 1e-30)]
    [InlineData(new[] { 6, 2, 3, 1 }, 3, 1.0)]
    [InlineData(new[] { 5, 1, 3, 3 }, 5, 1e-300)]
    [InlineData(new[] { 4, 4, 2 }, 1, 1e300)]
    public void Taps_are_proven_one_by_one_and_by_their_sum(int[] shape, int groups, double scale)
    {
        var weight = new Weight("w", "w", Role.Kernel, [.. shape.Select(n => (long)n)], Groups: groups);
        double[] values = [.. Drawn("normal", 1, shape.Aggregate(1, (a, b) => a * b), 3).Select(v => v * scale)];
        var request = new NormRequest(NormKind.Taps, "w");
        var (certified, _, witness) = CertifiedNorms.Norm(request, _ => new(weight, values));
        bool Holds(double s, string? stated) => NormProof.Holds(request, _ => new(weight, values), s, stated);
        Assert.True(Holds(certified, witness));
        Assert.False(Holds(certified * (1 - 1e-12), witness));
        Assert.False(Holds(certified, null));
        // less of one tap, and as much more of another, is seen tap by tap
        double[] norms = [.. witness!.Split(' ').Select(n => double.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];
        string Stated(params double[] of) => string.Join(' ', of.Select(n => n.ToString("R", System.Globalization.CultureInfo.InvariantCulture)));
        Assert.False(Holds(certified, Stated([norms[0] * (1 - 1e-6), .. norms[1..^1], norms[^1] + (norms[0] * 1e-6)])));
        Assert.False(Holds(certified, Stated(norms[1..])));
        Assert.False(Holds(certified, Stated([-norms[0], .. norms[1..]])));
        // and no sum of taps is below what a constant image gains
        double plain = norms.Sum();
        Assert.InRange(certified, plain * (1 - 1e-14), plain * (1 + 1e-14));
    }

    [Fact]
    public void Sines_and_cosines_of_fixed_points()
    {
        Assert.Equal(Math.PI, (double)(FixedPoint.Pi >> 100) / Math.Pow(2, 60), 1e-15);
        for (int j = 0; j < 24; j++)
        {
            var (cosine, sine) = FixedPoint.Turn(j, 24);
            Assert.Equal(Math.Cos(2 * Math.PI * j / 24), FixedPoint.Rounded(cosine, 50) / Math.Pow(2, 50), 1e-14);
            Assert.Equal(Math.Sin(2 * Math.PI * j / 24), FixedPoint.Rounded(sine, 50) / Math.Pow(2, 50), 1e-14);
            // cos² + sin² = 1 to far more digits than doubles have
            Assert.True(System.Numerics.BigInteger.Abs((((cosine * cosine) + (sine * sine)) >> FixedPoint.Bits) - (System.Numerics.BigInteger.One << FixedPoint.Bits)) < System.Numerics.BigInteger.One << 20);
        }
    }

    [Theory]
    [InlineData("normal", 40, 24)]
    [InlineData("identity", 30, 30)]
    [InlineData("tiny", 12, 16)]
    [InlineData("huge", 6, 5)]
    [InlineData("zero", 3, 3)]
    public void The_largest_distance_of_two_rows_is_proven(string kind, int rows, int columns)
    {
        double[] values = Drawn(kind, rows, columns, 3);
        Agrees(new NormRequest(NormKind.LargestPairDistance, "w"), _ => new(Matrix(rows, columns), values), 1e-12, kind);
        // rows that are nearly alike: far below the last bit of the entries' 46
        double[] alike = [.. Enumerable.Range(0, rows * columns).Select(i => 1 + (1e-16 * (i % 5 == 0 ? 3 : 0)))];
        Agrees(new NormRequest(NormKind.LargestPairDistance, "w"), _ => new(Matrix(rows, columns), alike), 1e-3, kind + ", alike");
    }

    [Fact]
    public void Distances_of_many_rows_rest_on_the_rows_or_the_matrix()
    {
        double[] values = Random(4100 * 3, 4);
        Agrees(new NormRequest(NormKind.LargestPairDistance, "w"), _ => new(Matrix(4100, 3), values), 1e-6, "many rows");
    }

    [Theory]
    [InlineData("1; 1; 0; 1", 6, 12, 0)]
    [InlineData("5/6; 1/6; -1289041451851548/10000000000000000; 11289041451851548/10000000000000000", 8, 24, 0)]
    [InlineData("1; -1; 0; 1", 5, 7, 1)]
    public void Blocks_are_proven_by_their_multipliers(string numbers, int width, int hidden, int dead)
    {
        var up = new Weight("up", "up", Role.Matrix, [hidden, width]);
        var down = new Weight("down", "down", Role.Matrix, [width, hidden]);
        for (int seed = 0; seed < 3; seed++)
        {
            double[] first = Random(hidden * width, seed, seed == 1 ? 64 : 0.4), second = Random(hidden * width, 20 + seed, seed == 1 ? 1 / 256.0 : 0.4);
            // a channel that hardly reads anything has a multiplier far above the others
            for (int j = 0; j < width * dead; j++)
                first[j] *= 1 / 4096.0;
            WeightValues Of(string name) => name == "up" ? new(up, first) : new(down, second);
            var request = new NormRequest(NormKind.BlockGain, "up", null, "down", numbers);
            var (gain, witness) = BlockGain.Prove(request, Of, null)!.Value;
            Assert.True(NormProof.Holds(request, Of, gain, witness), $"{numbers}, seed {seed}: {gain:R} is not proven");
            Assert.False(NormProof.Holds(request, Of, gain * (1 - 1e-3), witness), $"{numbers}, seed {seed}: {gain:R} less a thousandth is proven");
            Assert.False(NormProof.Holds(request, Of, gain, null));
            Assert.False(NormProof.Holds(request, Of, gain, "not base64"));
            // other slopes than those that were proven
            if (numbers.StartsWith("1; 1; 0", StringComparison.Ordinal))
                Assert.False(NormProof.Holds(request with { Numbers = "1; 1; 0; 2" }, Of, gain, witness));
        }
    }

    /// <summary>y = x + 2·relu(x): s²·x² + t·e² ≥ t·x² + (2x + e)² for s = 3, t = 3: the matrix has determinant 0 there.</summary>
    [Fact]
    public void A_block_of_one_channel_is_proven_just_above_its_gain()
    {
        var one = new Weight("w", "w", Role.Matrix, [1, 1]);
        WeightValues Of(string name) => new(one, [name == "up" ? 1 : 2]);
        var request = new NormRequest(NormKind.BlockGain, "up", null, "down", "1; 1; 0; 1");
        string witness = Convert.ToBase64String(BitConverter.GetBytes(3f));
        Assert.True(NormProof.Holds(request, Of, 3 * (1 + 1e-6), witness));
        Assert.False(NormProof.Holds(request, Of, 3 * (1 - 1e-6), witness));
        Assert.False(NormProof.Holds(request, Of, 3 * (1 + 1e-6), Convert.ToBase64String(BitConverter.GetBytes(2f))));
    }
}
