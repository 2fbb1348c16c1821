using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lips.Runtime.Certification;

/// <summary>
/// The inner loop of symmetric products: C += A·Bᵀ for 16 rows of A and 16 of B, both packed column by column (entry (r, t) at
/// 16·t + r). Every entry of C is one chain of fused multiply-adds over t, in order, so it has the same bits on every machine,
/// whatever the width of its vectors. These loops are compiled with all optimizations at once: most processes certify once.
/// </summary>
internal static unsafe class PanelProduct
{
    /// <summary>Rows of a panel.</summary>
    public const int Width = 16;

    /// <param name="a">A panel of <paramref name="depth"/> columns.</param>
    /// <param name="b">Another, or the same.</param>
    /// <param name="depth">Columns.</param>
    /// <param name="c">The first entry of a 16 × 16 block, row-major.</param>
    /// <param name="stride">From one row of C to the next.</param>
    public static void Accumulate(double* a, double* b, int depth, double* c, int stride)
    {
        if (Vector512.IsHardwareAccelerated)
            Accumulate512(a, b, depth, c, stride);
        else
            Accumulate256(a, b, depth, c, stride);
    }

    /// <summary>The same where only <paramref name="rows"/> × <paramref name="columns"/> of the block exist.</summary>
    public static void AccumulateEdge(double* a, double* b, int depth, double* c, int stride, int rows, int columns)
    {
        double* tile = stackalloc double[Width * Width];
        for (int i = 0; i < Width; i++)
            for (int j = 0; j < Width; j++)
                tile[i * Width + j] = i < rows && j < columns ? c[(long)i * stride + j] : 0;
        Accumulate(a, b, depth, tile, Width);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                c[(long)i * stride + j] = tile[i * Width + j];
    }

    internal static void Accumulate512(double* a, double* b, int depth, double* c, int stride)
    {
        Rows512(a, b, depth, c, stride);
        Rows512(a + 8, b, depth, c + 8L * stride, stride);
    }

    internal static void Accumulate256(double* a, double* b, int depth, double* c, int stride)
    {
        for (int i = 0; i < Width; i += 4)
            for (int j = 0; j < Width; j += 8)
                Rows256(a + i, b + j, depth, c + (long)i * stride + j, stride);
    }

    /// <summary>8 × 16 entries in 16 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows512(double* a, double* b, int depth, double* c, int stride)
    {
        double* r0 = c, r1 = r0 + stride, r2 = r1 + stride, r3 = r2 + stride, r4 = r3 + stride, r5 = r4 + stride, r6 = r5 + stride, r7 = r6 + stride;
        Vector512<double> c00 = Vector512.Load(r0), c01 = Vector512.Load(r0 + 8), c10 = Vector512.Load(r1), c11 = Vector512.Load(r1 + 8),
            c20 = Vector512.Load(r2), c21 = Vector512.Load(r2 + 8), c30 = Vector512.Load(r3), c31 = Vector512.Load(r3 + 8),
            c40 = Vector512.Load(r4), c41 = Vector512.Load(r4 + 8), c50 = Vector512.Load(r5), c51 = Vector512.Load(r5 + 8),
            c60 = Vector512.Load(r6), c61 = Vector512.Load(r6 + 8), c70 = Vector512.Load(r7), c71 = Vector512.Load(r7 + 8);
        for (double* end = b + (long)Width * depth; b < end; a += Width, b += Width)
        {
            Vector512<double> b0 = Vector512.Load(b), b1 = Vector512.Load(b + 8), x = Vector512.Create(a[0]), y = Vector512.Create(a[1]);
            c00 = Vector512.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x, b1, c01);
            c10 = Vector512.FusedMultiplyAdd(y, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(y, b1, c11);
            x = Vector512.Create(a[2]);
            y = Vector512.Create(a[3]);
            c20 = Vector512.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x, b1, c21);
            c30 = Vector512.FusedMultiplyAdd(y, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(y, b1, c31);
            x = Vector512.Create(a[4]);
            y = Vector512.Create(a[5]);
            c40 = Vector512.FusedMultiplyAdd(x, b0, c40);
            c41 = Vector512.FusedMultiplyAdd(x, b1, c41);
            c50 = Vector512.FusedMultiplyAdd(y, b0, c50);
            c51 = Vector512.FusedMultiplyAdd(y, b1, c51);
            x = Vector512.Create(a[6]);
            y = Vector512.Create(a[7]);
            c60 = Vector512.FusedMultiplyAdd(x, b0, c60);
            c61 = Vector512.FusedMultiplyAdd(x, b1, c61);
            c70 = Vector512.FusedMultiplyAdd(y, b0, c70);
            c71 = Vector512.FusedMultiplyAdd(y, b1, c71);
        }
        c00.Store(r0);
        c01.Store(r0 + 8);
        c10.Store(r1);
        c11.Store(r1 + 8);
        c20.Store(r2);
        c21.Store(r2 + 8);
        c30.Store(r3);
        c31.Store(r3 + 8);
        c40.Store(r4);
        c41.Store(r4 + 8);
        c50.Store(r5);
        c51.Store(r5 + 8);
        c60.Store(r6);
        c61.Store(r6 + 8);
        c70.Store(r7);
        c71.Store(r7 + 8);
    }

    /// <summary>4 × 8 entries in 8 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows256(double* a, double* b, int depth, double* c, int stride)
    {
        double* r0 = c, r1 = r0 + stride, r2 = r1 + stride, r3 = r2 + stride;
        Vector256<double> c00 = Vector256.Load(r0), c01 = Vector256.Load(r0 + 4), c10 = Vector256.Load(r1), c11 = Vector256.Load(r1 + 4),
            c20 = Vector256.Load(r2), c21 = Vector256.Load(r2 + 4), c30 = Vector256.Load(r3), c31 = Vector256.Load(r3 + 4);
        for (double* end = b + (long)Width * depth; b < end; a += Width, b += Width)
        {
            Vector256<double> b0 = Vector256.Load(b), b1 = Vector256.Load(b + 4), x = Vector256.Create(a[0]), y = Vector256.Create(a[1]);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            c10 = Vector256.FusedMultiplyAdd(y, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(y, b1, c11);
            x = Vector256.Create(a[2]);
            y = Vector256.Create(a[3]);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            c30 = Vector256.FusedMultiplyAdd(y, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(y, b1, c31);
        }
        c00.Store(r0);
        c01.Store(r0 + 4);
        c10.Store(r1);
        c11.Store(r1 + 4);
        c20.Store(r2);
        c21.Store(r2 + 4);
        c30.Store(r3);
        c31.Store(r3 + 4);
    }
}
