using System;
using System.Buffers.Binary;
using System.Globalization;
using System.Linq;
using System.Numerics;

namespace Lips.Cli.Proofs;

/// <summary>
/// The constant of y = keep·x + branch·W₂·act(W₁·x + b), slopes of act in [least, most], by the multipliers that a certificate states:
/// with Middle = branch·(most + least)/2, Half = |branch|·(most − least)/2, M = keep·I + Middle·W₂W₁ and any diagonal T ≥ 0, the
/// constant is at most s if s²|x|² + eᵀTe ≥ |√T·W₁x|² + |Mx + Half·W₂e|² for all x and e: if diag(s²I, T) − ZᵀZ has no negative
/// eigenvalue, Z = [√T·W₁, 0; M, Half·W₂]. All of Z is formed in integers; what that is off by, e in norm, costs 2e|Z| + e².
/// </summary>
internal static class BlockProof
{
    /// <param name="up">W₁, hidden × width, row-major.</param>
    /// <param name="down">W₂, width × hidden.</param>
    /// <param name="numbers"><c>keep; branch; least; most</c>, as fractions.</param>
    /// <param name="witness">Multipliers, base64 of little-endian float32, for W₁/2^n and 2^n·W₂, n such that W₁/2^n is of length √min(width, hidden) to a factor of 2.</param>
    public static bool Holds(double[] up, double[] down, int width, int hidden, string numbers, string witness, double s)
    {
        if (Fractions(numbers) is not [var keep, var branch, var least, var most] || Multipliers(witness) is not { } t || t.Length != hidden || !(s > 0) || up.Length != width * hidden || down.Length != up.Length
            || up.All(x => x == 0) || down.All(x => x == 0))
            return false;
        int size = Math.ILogB(up.Max(Math.Abs));
        int balance = size + Math.ILogB(Math.Sqrt(up.Sum(x => Math.ScaleB(x, -size) * Math.ScaleB(x, -size)))) - Math.ILogB(Math.Sqrt(Math.Min(width, hidden)));
        var middle = Times(branch, (most.Top * least.Bottom + least.Top * most.Bottom, 2 * least.Bottom * most.Bottom));
        var half = Times((BigInteger.Abs(branch.Top), branch.Bottom), (most.Top * least.Bottom - least.Top * most.Bottom, 2 * least.Bottom * most.Bottom));
        // the length may be computed on the other side of a power of two
        return half.Top.Sign >= 0 && new[] { balance, balance - 1, balance + 1 }.Any(n => Holds(
            [.. up.Select(x => Math.ScaleB(x, -n))], [.. down.Select(x => Math.ScaleB(x, n))], up, down, n, width, hidden, keep, middle, half, t, s));
    }

    private static bool Holds(double[] up, double[] down, double[] givenUp, double[] givenDown, int balance, int width, int hidden, (BigInteger Top, BigInteger Bottom) keep, (BigInteger Top, BigInteger Bottom) middle, (BigInteger Top, BigInteger Bottom) half, float[] t, double s)
    {
        // a power of two that costs digits is no balance
        if (up.Where((x, i) => Math.ScaleB(x, balance) != givenUp[i]).Any() || down.Where((x, i) => Math.ScaleB(x, -balance) != givenDown[i]).Any())
            return false;
        // any T will do: a little more than the one given, for what is rounded off
        double more = 1e-7 * s * s / (1 + PowerSquared(up, hidden, width));
        double[] roots = [.. t.Select(v => Math.Sqrt(v + more))];
        var (w1, w2) = (IntegerMatrix.Of(up, hidden, width), IntegerMatrix.Of(down, width, hidden));
        var product = w2.Times(w1);
        var (m, h) = (Scalar(middle), Scalar(half));
        double largestProduct = product.Entries.Max(e => Math.Abs(Math.ScaleB(e, product.Exponent)));
        // of a channel whose multiplier is far above s², e is measured in larger units, 2^tall of them, so that all of the diagonal is near s²
        int[] tall = [.. roots.Select(r => Math.Max(0, Math.ILogB(r) - Math.ILogB(s)))];
        double tallest = Enumerable.Range(0, hidden).Max(i => roots[i] * Enumerable.Range(0, width).Max(j => Math.Abs(up[(i * width) + j])));
        double largest = new[] { 2 * s, Math.Abs(Near(keep)) + (Math.Abs(Near(middle)) * largestProduct), Near(half) * down.Max(Math.Abs), tallest }.Max();
        if (!double.IsFinite(largest) || largest < 1e-100 || largest > 1e100)
            return false;
        int unit = Math.ILogB(largest) + 2 - IntegerMatrix.Bits, n = width + hidden;
        long[] tau = [.. roots.Select((r, i) => (long)Math.Ceiling(Math.ScaleB(r, -unit - tall[i])))];
        var kept = Scaled(keep, unit);

        // columns of Z, one to a row here: its first entries are those of √T·W₁, the others of [M, Half·W₂]
        var z = new long[n * n];
        for (int j = 0; j < width; j++)
        {
            for (int i = 0; i < hidden; i++)
                z[(j * n) + i] = (long)IntegerMatrix.Shifted((Int128)tau[i] * w1.Entries[(i * width) + j], w1.Exponent + tall[i]);
            for (int i = 0; i < width; i++)
                z[(j * n) + hidden + i] = (long)(IntegerMatrix.Shifted((Int128)m.Value * product.Entries[(i * width) + j], m.Exponent + product.Exponent - unit) + (i == j ? kept : 0));
        }
        for (int j = 0; j < hidden; j++)
            for (int i = 0; i < width; i++)
                z[((width + j) * n) + hidden + i] = (long)IntegerMatrix.Shifted((Int128)h.Value * w2.Entries[(i * hidden) + j], h.Exponent + w2.Exponent - unit - tall[j]);

        double InUnits(double length, int exponent) => Math.ScaleB(length, exponent - unit);
        double error = (0.5 * Math.Sqrt((double)n * n)) + (0.5 * Math.Sqrt(width))
            + (Enumerable.Range(0, hidden).Max(i => Math.ScaleB(tau[i], tall[i])) * Math.ScaleB(w1.Error, w1.Exponent))
            + (Math.Abs((double)m.Value) * InUnits(product.Error, m.Exponent + product.Exponent)) + InUnits(product.Length + product.Error, m.Exponent + product.Exponent)
            + (h.Value * InUnits(w2.Error, h.Exponent + w2.Exponent)) + InUnits(w2.Length + w2.Error, h.Exponent + w2.Exponent);
        var columns = new IntegerMatrix(z, n, n, unit, 0);
        double room = IntegerMatrix.Room(n, n), limit = Math.ScaleB(s, -unit) * (1 + room) * (1 - 1e-15);
        double cost = error * ((2 * columns.Length) + error) * (1 + 1e-12);
        if (!(limit >= 1 && limit < Math.ScaleB(1, 62)) || !(cost < Math.ScaleB(1, 120)))
            return false;
        Int128 square = (Int128)(long)limit * (long)limit, slack = (Int128)Math.Ceiling(cost), scale = Int128.Max(square, (Int128)tau.Max() * tau.Max());
        var matrix = columns.Gram();
        for (int i = 0; i < matrix.Length; i++)
        {
            int row = i / n;
            var own = i % (n + 1) != 0 ? 0 : (row < width ? square : (Int128)tau[row - width] * tau[row - width]) - slack;
            matrix[i] = own - matrix[i];
        }
        return SymmetricMatrix.IsPositive(matrix, n, scale, room);
    }

    /// <summary>About σ_max², from below.</summary>
    private static double PowerSquared(double[] w, int rows, int columns)
    {
        double[] x = [.. Enumerable.Range(0, columns).Select(i => 1 + (0.1 * (i % 7)))];
        double squared = 0;
        for (int round = 0; round < 30; round++)
        {
            double length = Math.Sqrt(x.Sum(v => v * v));
            if (length == 0)
                return squared;
            var y = new double[rows];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    y[i] += w[(i * columns) + j] * x[j] / length;
            x = new double[columns];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    x[j] += w[(i * columns) + j] * y[i];
            squared = y.Sum(v => v * v);
        }
        return squared;
    }

    private static (BigInteger Top, BigInteger Bottom) Times((BigInteger Top, BigInteger Bottom) a, (BigInteger Top, BigInteger Bottom) b) => (a.Top * b.Top, a.Bottom * b.Bottom);

    private static double Near((BigInteger Top, BigInteger Bottom) n) => Math.ScaleB((double)((n.Top << 60) / n.Bottom), -60);

    /// <summary>To the nearest 2^unit.</summary>
    private static long Scaled((BigInteger Top, BigInteger Bottom) n, int unit)
    {
        var top = unit < 0 ? n.Top << -unit : n.Top;
        var bottom = unit < 0 ? n.Bottom : n.Bottom << unit;
        return (long)BigInteger.Divide((2 * top) + (bottom * top.Sign), 2 * bottom);
    }

    /// <summary>Of <see cref="IntegerMatrix.Bits"/> bits, off by half of its last at most; 0 is itself.</summary>
    private static (long Value, int Exponent) Scalar((BigInteger Top, BigInteger Bottom) n)
    {
        if (n.Top.IsZero)
            return (0, -4096);
        int exponent = IntegerMatrix.UnitOf(Math.Abs(Near(n)));
        return (Scaled(n, exponent), exponent);
    }

    private static (BigInteger Top, BigInteger Bottom)[]? Fractions(string text)
    {
        var read = text.Split("; ").Select(part => part.Split('/')).Select(sides =>
            sides.Length <= 2 && BigInteger.TryParse(sides[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var top)
            && BigInteger.TryParse(sides.Length == 2 ? sides[1] : "1", NumberStyles.None, CultureInfo.InvariantCulture, out var bottom) && !bottom.IsZero
                ? (top, bottom) : default((BigInteger, BigInteger)?)).ToArray();
        return read.All(n => n is not null) ? [.. read.Select(n => n!.Value)] : null;
    }

    private static float[]? Multipliers(string text)
    {
        var bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out int length) || length % 4 != 0)
            return null;
        float[] t = [.. Enumerable.Range(0, length / 4).Select(i => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * i)))];
        return t.All(v => float.IsFinite(v) && v >= 0) ? t : null;
    }
}
