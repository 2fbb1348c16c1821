using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Lips.Runtime.Certification;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// σ_max of one matrix on the CPU by Lanczos's method on Wᵀ·W, each step reading W once. A step costs half of one of power
/// iteration, and some thirty give what that needs hundreds for. The start is fixed, and so is the order of all sums: the same
/// matrix has the same estimate, with any number of threads.
/// </summary>
internal static class LargestSingularValue
{
    /// <summary>Of σ²: where the iteration stops.</summary>
    private const double Tolerance = 2e-4;

    /// <summary>Rows of a large matrix that one thread takes at a time.</summary>
    private const int Band = 2048;

    /// <summary>Whether the estimate can read the tensor: a float32 matrix in the CPU's memory of less than 2 GiB.</summary>
    public static bool Reads(torch.Tensor x) =>
        x.device_type == DeviceType.CPU && x.dtype == torch.ScalarType.Float32 && x.numel() < int.MaxValue / sizeof(float);

    /// <summary>An estimate, by what is left of the iteration at most about 10⁻⁴ above σ_max of the matrix (rows, columns) and hardly ever below.</summary>
    public static double Of(torch.Tensor matrix)
    {
        using var plain = matrix.is_contiguous() ? matrix.alias() : matrix.contiguous();
        int rows = (int)plain.shape[0], columns = (int)plain.shape[1];
        if (rows == 0 || columns == 0)
            return 0;
        var (value, excess) = LanczosPilot.Iterate(x => Times(plain, rows, columns, x), columns, Tolerance);
        return Math.Sqrt(Math.Max(0, value + excess));
    }

    /// <summary>Wᵀ·(W·x).</summary>
    private static float[] Times(torch.Tensor matrix, int rows, int columns, float[] x)
    {
        int bands = (rows + Band - 1) / Band;
        var sum = new float[columns];
        if (bands == 1)
        {
            AddTo(sum, matrix, 0, rows, x);
            return sum;
        }
        var parts = new float[bands][];
        Parallel.For(0, bands, b =>
        {
            parts[b] = new float[columns];
            AddTo(parts[b], matrix, b * Band, Math.Min(rows, (b + 1) * Band), x);
        });
        foreach (var part in parts)
            for (int j = 0; j < columns; j++)
                sum[j] += part[j];
        return sum;
    }

    private static void AddTo(Span<float> sum, torch.Tensor matrix, int from, int to, float[] x)
    {
        int columns = x.Length;
        ReadOnlySpan<float> entries = MemoryMarshal.Cast<byte, float>(matrix.bytes);
        int i = from;
        for (; i + 4 <= to; i += 4)
            AddFour(sum, entries.Slice(i * columns, columns), entries.Slice((i + 1) * columns, columns), entries.Slice((i + 2) * columns, columns), entries.Slice((i + 3) * columns, columns), x);
        for (; i < to; i++)
        {
            var row = entries.Slice(i * columns, columns);
            float product = 0;
            for (int j = 0; j < columns; j++)
                product += row[j] * x[j];
            for (int j = 0; j < columns; j++)
                sum[j] += product * row[j];
        }
    }

    /// <summary>Four rows at once: x and the sum are read for all of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(Span<float> sum, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, ReadOnlySpan<float> d, ReadOnlySpan<float> x)
    {
        ReadOnlySpan<Vector<float>> va = MemoryMarshal.Cast<float, Vector<float>>(a), vb = MemoryMarshal.Cast<float, Vector<float>>(b),
            vc = MemoryMarshal.Cast<float, Vector<float>>(c), vd = MemoryMarshal.Cast<float, Vector<float>>(d), vx = MemoryMarshal.Cast<float, Vector<float>>(x);
        Vector<float> sa = default, sb = default, sc = default, sd = default;
        for (int j = 0; j < vx.Length; j++)
        {
            var at = vx[j];
            sa = Vector.FusedMultiplyAdd(va[j], at, sa);
            sb = Vector.FusedMultiplyAdd(vb[j], at, sb);
            sc = Vector.FusedMultiplyAdd(vc[j], at, sc);
            sd = Vector.FusedMultiplyAdd(vd[j], at, sd);
        }
        float pa = Vector.Sum(sa), pb = Vector.Sum(sb), pc = Vector.Sum(sc), pd = Vector.Sum(sd);
        int done = vx.Length * Vector<float>.Count;
        for (int j = done; j < x.Length; j++)
        {
            pa += a[j] * x[j];
            pb += b[j] * x[j];
            pc += c[j] * x[j];
            pd += d[j] * x[j];
        }
        var vs = MemoryMarshal.Cast<float, Vector<float>>(sum);
        Vector<float> fa = new(pa), fb = new(pb), fc = new(pc), fd = new(pd);
        for (int j = 0; j < vs.Length; j++)
            vs[j] = Vector.FusedMultiplyAdd(va[j], fa, Vector.FusedMultiplyAdd(vb[j], fb, Vector.FusedMultiplyAdd(vc[j], fc, Vector.FusedMultiplyAdd(vd[j], fd, vs[j]))));
        for (int j = done; j < x.Length; j++)
            sum[j] += a[j] * pa + b[j] * pb + (c[j] * pc + d[j] * pd);
    }
}
