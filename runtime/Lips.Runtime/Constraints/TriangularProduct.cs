using System;
using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading.Tasks;

namespace Lips.Runtime.Constraints;

/// <summary>
/// The lower triangle of a symmetric product on the CPU, which a BLAS has for W·Wᵀ alone and libtorch not at all: half of the work
/// of the whole product. Sums are formed in a fixed order, whatever the number of threads.
/// </summary>
internal static unsafe class TriangularProduct
{
    private const int Width = 32;
    private const int Depth = 256;

    /// <summary>Whether there is a gain, and no remainder.</summary>
    public static bool Takes(long n) => n >= 256 && n % Width == 0 && Vector256.IsHardwareAccelerated;

    /// <summary>Where entry (t, i) lies: at t·Row + i·Column.</summary>
    public readonly record struct Layout(long Row, long Column);

    /// <summary>c[i, j] = scale·Σₜ a[t, i]·b[t, j] for t below <paramref name="k"/> in the blocks of 32 on and below the diagonal of c (n × n).</summary>
    /// <param name="wide">Whether vectors of 512 bits are used; as the processor has them where that is not said.</param>
    public static void Multiply(float* a, Layout aLayout, float* b, Layout bLayout, int n, int k, float scale, float* c, bool? wide = null)
    {
        bool wideVectors = wide ?? Vector512.IsHardwareAccelerated;
        bool same = a == b && aLayout == bLayout;
        int panels = n / Width, size = n * Math.Min(k, Depth);
        float[] left = ArrayPool<float>.Shared.Rent(size), right = same ? left : ArrayPool<float>.Shared.Rent(size);
        fixed (float* packedLeft = left, packedRight = right)
        {
            // addresses as numbers: the closures below end before the arrays are let go
            nint from = (nint)a, other = (nint)b, to = (nint)packedLeft, toOther = (nint)packedRight, result = (nint)c;
            for (int start = 0; start < k; start += Depth)
            {
                int first = start, depth = Math.Min(Depth, k - start);
                Parallel.For(0, panels, p =>
                {
                    Pack((float*)from, aLayout, p, first, depth, (float*)to);
                    if (!same)
                        Pack((float*)other, bLayout, p, first, depth, (float*)toOther);
                });
                Parallel.For(0, panels, p => Row((float*)to, (float*)toOther, panels - 1 - p, depth, (float*)result, n, scale, first > 0, wideVectors));
            }
        }
        ArrayPool<float>.Shared.Return(left);
        if (!same)
            ArrayPool<float>.Shared.Return(right);
    }

    /// <summary>32 entries of each t side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(float* source, Layout layout, int panel, int start, int depth, float* packed)
    {
        packed += (long)panel * Width * depth;
        source += start * layout.Row + (long)panel * Width * layout.Column;
        if (layout.Column == 1)
        {
            for (int t = 0; t < depth; t++)
                Buffer.MemoryCopy(source + t * layout.Row, packed + t * Width, Width * sizeof(float), Width * sizeof(float));
            return;
        }
        for (int i = 0; i < Width; i++)
            for (int t = 0; t < depth; t++)
                packed[t * Width + i] = source[i * layout.Column + t * layout.Row];
    }

    private static void Row(float* left, float* right, int panel, int depth, float* c, int n, float scale, bool adds, bool wide)
    {
        float* a = left + (long)panel * Width * depth;
        for (int other = 0; other <= panel; other++)
        {
            float* b = right + (long)other * Width * depth, block = c + (long)panel * Width * n + other * Width;
            if (wide)
                for (int i = 0; i < Width; i += 8)
                    Tile512(a + i, b, depth, block + (long)i * n, n, scale, adds);
            else
                for (int i = 0; i < Width; i += 4)
                    for (int j = 0; j < Width; j += 16)
                        Tile256(a + i, b + j, depth, block + (long)i * n + j, n, scale, adds);
        }
    }

    /// <summary>8 × 32 entries in 16 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile512(float* a, float* b, int depth, float* c, int stride, float scale, bool adds)
    {
        Vector512<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default, c70 = default, c71 = default;
        for (float* end = b + (long)Width * depth; b < end; a += Width, b += Width)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 16), x;
            x = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a[1]);
            c10 = Vector512.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a[2]);
            c20 = Vector512.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(a[3]);
            c30 = Vector512.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(x, b1, c31);
            x = Vector512.Create(a[4]);
            c40 = Vector512.FusedMultiplyAdd(x, b0, c40);
            c41 = Vector512.FusedMultiplyAdd(x, b1, c41);
            x = Vector512.Create(a[5]);
            c50 = Vector512.FusedMultiplyAdd(x, b0, c50);
            c51 = Vector512.FusedMultiplyAdd(x, b1, c51);
            x = Vector512.Create(a[6]);
            c60 = Vector512.FusedMultiplyAdd(x, b0, c60);
            c61 = Vector512.FusedMultiplyAdd(x, b1, c61);
            x = Vector512.Create(a[7]);
            c70 = Vector512.FusedMultiplyAdd(x, b0, c70);
            c71 = Vector512.FusedMultiplyAdd(x, b1, c71);
        }
        var factor = Vector512.Create(scale);
        Store(c, c00, c01);
        Store(c + 1L * stride, c10, c11);
        Store(c + 2L * stride, c20, c21);
        Store(c + 3L * stride, c30, c31);
        Store(c + 4L * stride, c40, c41);
        Store(c + 5L * stride, c50, c51);
        Store(c + 6L * stride, c60, c61);
        Store(c + 7L * stride, c70, c71);

        void Store(float* row, Vector512<float> left, Vector512<float> right)
        {
            (adds ? Vector512.FusedMultiplyAdd(left, factor, Vector512.Load(row)) : left * factor).Store(row);
            (adds ? Vector512.FusedMultiplyAdd(right, factor, Vector512.Load(row + 16)) : right * factor).Store(row + 16);
        }
    }

    /// <summary>4 × 16 entries in 8 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile256(float* a, float* b, int depth, float* c, int stride, float scale, bool adds)
    {
        Vector256<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        for (float* end = b + (long)Width * depth; b < end; a += Width, b += Width)
        {
            Vector256<float> b0 = Vector256.Load(b), b1 = Vector256.Load(b + 8), x;
            x = Vector256.Create(a[0]);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            x = Vector256.Create(a[1]);
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            x = Vector256.Create(a[2]);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            x = Vector256.Create(a[3]);
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
        }
        var factor = Vector256.Create(scale);
        Store(c, c00, c01);
        Store(c + 1L * stride, c10, c11);
        Store(c + 2L * stride, c20, c21);
        Store(c + 3L * stride, c30, c31);

        void Store(float* row, Vector256<float> left, Vector256<float> right)
        {
            (adds ? Vector256.FusedMultiplyAdd(left, factor, Vector256.Load(row)) : left * factor).Store(row);
            (adds ? Vector256.FusedMultiplyAdd(right, factor, Vector256.Load(row + 8)) : right * factor).Store(row + 8);
        }
    }
}
