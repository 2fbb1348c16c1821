using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// Products of batches of matrices that are known to be symmetric: W·Wᵀ, and products of polynomials of one symmetric matrix.
/// On the CPU only the blocks on and below the diagonal are computed, and copied to the other side; factors of <see cref="Product"/>
/// that are square are symmetric themselves.
/// </summary>
internal static class SymmetricProducts
{
    /// <summary>Below this size one call is faster than its parts.</summary>
    private const long LeastSize = 384;

    private const int BlockRows = 4;

    /// <summary>scale·a·b for a (batch, n, k) and b (batch, k, n), written over <paramref name="into"/> where that is given.</summary>
    public static torch.Tensor Product(torch.Tensor a, torch.Tensor b, double scale = 1, torch.Tensor? into = null)
    {
        long n = a.shape[1];
        var result = into ?? torch.empty(a.shape[0], n, n, dtype: a.dtype, device: a.device);
        if (a.device_type == DeviceType.CPU && a.shape[2] == n && TriangularProduct.Takes(n) && TryTriangular(result, a, b, new(n, 1), scale))
            return result;
        if (n < LeastSize || a.device_type != DeviceType.CPU || a.dtype != torch.ScalarType.Float32)
        {
            TorchExtras.MultiplyInto(result, a, b, alpha: scale);
            return result;
        }
        for (int i = 0; i < BlockRows; i++)
        {
            long start = n * i / BlockRows, end = n * (i + 1) / BlockRows;
            using var rows = a.narrow(1, start, end - start);
            using var columns = b.narrow(2, 0, end);
            using var band = result.narrow(1, start, end - start);
            using var part = band.narrow(2, 0, end);
            TorchExtras.MultiplyInto(part, rows, columns, alpha: scale);
        }
        Mirror(result, (int)n);
        return result;
    }

    /// <summary>scale·W·Wᵀ for W = x, or its transpose where x is <paramref name="tall"/>.</summary>
    public static torch.Tensor Gram(torch.Tensor x, bool tall, double scale = 1)
    {
        long n = x.shape[tall ? 2 : 1];
        if (x.device_type == DeviceType.CPU && TriangularProduct.Takes(n))
        {
            var result = torch.empty(x.shape[0], n, n, dtype: x.dtype, device: x.device);
            if (TryTriangular(result, x, x, tall ? new(n, 1) : new(1, x.shape[2]), scale))
                return result;
            result.Dispose();
        }
        using var transposed = x.mT;
        return tall ? Product(transposed, x, scale) : Product(x, transposed, scale);
    }

    /// <summary>Matrix by matrix, where they are float32 and lie side by side; otherwise false.</summary>
    private static unsafe bool TryTriangular(torch.Tensor result, torch.Tensor a, torch.Tensor b, TriangularProduct.Layout layout, double scale)
    {
        if (a.dtype != torch.ScalarType.Float32 || b.dtype != torch.ScalarType.Float32 || !a.is_contiguous() || !b.is_contiguous()
            || Math.Max(a.numel(), b.numel()) >= int.MaxValue / sizeof(float))
            return false;
        int n = (int)result.shape[1], batch = (int)result.shape[0], k = (int)(a.numel() / batch / n);
        fixed (byte* left = a.bytes, right = b.bytes, to = result.bytes)
            for (int i = 0; i < batch; i++)
                TriangularProduct.Multiply((float*)left + (long)i * n * k, layout, (float*)right + (long)i * n * k, layout, n, k, (float)scale, (float*)to + (long)i * n * n);
        Mirror(result, n);
        return true;
    }

    /// <summary>
    /// Entry (i, j) to (j, i) for j &lt; i, in tiles of a cache line a side. On one thread: those of the BLAS wait for the next product
    /// on the other cores.
    /// </summary>
    private static void Mirror(torch.Tensor square, int n)
    {
        for (int matrix = 0; matrix < square.shape[0]; matrix++)
        {
            using var one = square.select(0, matrix);
            Mirror(MemoryMarshal.Cast<byte, float>(one.bytes), n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Mirror(Span<float> square, int n)
    {
        const int tile = 16;
        fixed (float* entries = square)
            for (int below = 0; below < n; below += tile)
                for (int left = 0; left <= below; left += tile)
                    for (int i = below; i < Math.Min(n, below + tile); i++)
                    {
                        float* row = entries + (long)i * n, column = entries + i;
                        int end = Math.Min(left + tile, i);
                        for (int j = left; j < end; j++)
                            column[(long)j * n] = row[j];
                    }
    }
}
