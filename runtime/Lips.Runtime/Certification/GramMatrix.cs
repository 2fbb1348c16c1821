using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>
/// Symmetric products and Cholesky factors in plain double arithmetic: no library, so that what a certificate rests on is in this
/// file and <see cref="PanelProduct"/>. Every entry is one chain of fused multiply-adds in a fixed order, so results have the same
/// bits on every machine and with any number of threads.
/// </summary>
internal static unsafe class GramMatrix
{
    /// <summary>Columns that a product takes at a time: two packed panels stay in the first cache.</summary>
    private const int Depth = 192;

    /// <summary>Columns of a factor that are eliminated at a time; a multiple of the panels' width.</summary>
    private const int Block = 64;

    private const int Width = PanelProduct.Width;

    /// <summary>The dot product of the first <paramref name="length"/> entries, summed in four lanes, whatever the width of the machine's vectors.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var u = MemoryMarshal.Cast<double, Vector256<double>>(a);
        var v = MemoryMarshal.Cast<double, Vector256<double>>(b);
        Vector256<double> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i + 4 <= u.Length; i += 4)
        {
            s0 += u[i] * v[i];
            s1 += u[i + 1] * v[i + 1];
            s2 += u[i + 2] * v[i + 2];
            s3 += u[i + 3] * v[i + 3];
        }
        for (; i < u.Length; i++)
            s0 += u[i] * v[i];
        double sum = FixedLanes.Sum(s0 + s1 + (s2 + s3));
        for (int j = u.Length * Vector256<double>.Count; j < a.Length; j++)
            sum += a[j] * b[j];
        return sum;
    }

    /// <summary>fl(W·Wᵀ), both triangles, of a row-major n × k matrix.</summary>
    public static double[] Of(double[] w, int n, int k) => Of(w, n, k, transposed: false, 0);

    /// <summary>fl(W·Wᵀ), both triangles, of W = 2^−exponent times an n × k matrix that is stored row-major, or the transpose of one.</summary>
    internal static double[] Of(ReadOnlySpan<double> w, int n, int k, bool transposed, int exponent)
    {
        fixed (double* source = w)
        {
            nint from = (nint)source;
            return Of(n, k, (panel, start, depth, packed) => Pack((double*)from, n, k, transposed, exponent, panel, start, depth, (double*)packed));
        }
    }

    /// <summary>The same of single-precision entries, each widened exactly as it is read.</summary>
    internal static double[] Of(ReadOnlySpan<float> w, int n, int k, bool transposed, int exponent)
    {
        fixed (float* source = w)
        {
            nint from = (nint)source;
            return Of(n, k, (panel, start, depth, packed) => PackSingle((float*)from, n, k, transposed, exponent, panel, start, depth, (double*)packed));
        }
    }

    /// <param name="n">Rows of W.</param>
    /// <param name="k">Columns.</param>
    /// <param name="pack">Writes a panel's columns start… (panel, start, depth) to an address.</param>
    private static double[] Of(int n, int k, Action<int, int, int, nint> pack)
    {
        var gram = new double[(long)n * n];
        int panels = (n + Width - 1) / Width;
        var packed = GC.AllocateUninitializedArray<double>(panels * Width * Math.Min(k, Depth));
        fixed (double* target = packed, product = gram)
        {
            // addresses as numbers: the closures below end before the arrays are let go
            nint to = (nint)target, c = (nint)product;
            for (int start = 0; start < k; start += Depth)
            {
                int first = start, depth = Math.Min(Depth, k - start);
                ForPanels(panels, depth * Width, p => pack(p, first, depth, (nint)((double*)to + (long)p * Width * depth)));
                ForPanels(panels, n * depth * Width / 2, p => AccumulateRow((double*)to, panels - 1 - p, depth, (double*)c, n, n));
            }
        }
        ForPanels(panels, n * Width, p =>
        {
            for (int i = p * Width; i < Math.Min(n, (p + 1) * Width); i++)
                for (int j = 0; j < i; j++)
                    gram[(long)j * n + i] = gram[(long)i * n + j];
        });
        return gram;
    }

    /// <summary>In parallel where the work of one panel, in multiplications, is worth it.</summary>
    private static void ForPanels(int panels, long work, Action<int> body)
    {
        if (panels * work > 200_000)
            Parallel.For(0, panels, body);
        else
            for (int p = 0; p < panels; p++)
                body(p);
    }

    /// <summary>Blocks (panel, 0…panel) of C += P·Pᵀ for packed panels P; C has <paramref name="rows"/> rows.</summary>
    private static void AccumulateRow(double* packed, int panel, int depth, double* c, int rows, int stride)
    {
        double* a = packed + (long)panel * Width * depth;
        int height = Math.Min(Width, rows - panel * Width);
        for (int other = 0; other <= panel; other++)
        {
            double* b = packed + (long)other * Width * depth, tile = c + (long)panel * Width * stride + other * Width;
            if (height == Width)
                PanelProduct.Accumulate(a, b, depth, tile, stride);
            else
                PanelProduct.AccumulateEdge(a, b, depth, tile, stride, height, other == panel ? height : Width);
        }
    }

    /// <summary>Columns start… of 16 rows, column by column, times 2^−exponent; zeros where there are no rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pack(double* w, int n, int k, bool transposed, int exponent, int panel, int start, int depth, double* packed)
    {
        int first = panel * Width, rows = Math.Min(Width, n - first);
        long across = transposed ? 1 : k, along = transposed ? n : 1;
        double* source = w + first * across + start * along;
        // Within this range the power of two is a normal number, and one product rounds as one scaling does.
        if (Math.Abs(exponent) > 1000 || rows < Width)
        {
            for (int t = 0; t < depth; t++)
                for (int r = 0; r < Width; r++)
                    packed[t * Width + r] = r < rows ? Math.ScaleB(source[r * across + t * along], -exponent) : 0;
            return;
        }
        double factor = Math.ScaleB(1, -exponent);
        if (transposed)
        {
            for (int t = 0; t < depth; t++)
                for (int r = 0; r < Width; r += Vector<double>.Count)
                    (Vector.Load(source + t * along + r) * factor).Store(packed + t * Width + r);
            return;
        }
        for (int r = 0; r < Width; r++)
            for (int t = 0; t < depth; t++)
                packed[t * Width + r] = source[r * across + t] * factor;
    }

    /// <summary>The same of single-precision entries. Their range is far inside that of double, so scaling is exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackSingle(float* w, int n, int k, bool transposed, int exponent, int panel, int start, int depth, double* packed)
    {
        int first = panel * Width, rows = Math.Min(Width, n - first);
        long across = transposed ? 1 : k, along = transposed ? n : 1;
        float* source = w + first * across + start * along;
        double factor = Math.ScaleB(1, -exponent);
        if (rows < Width)
            new Span<double>(packed, depth * Width).Clear();
        if (transposed)
            for (int t = 0; t < depth; t++, source += along)
                for (int r = 0; r < rows; r++)
                    packed[t * Width + r] = source[r] * factor;
        else
            for (int r = 0; r < rows; r++, source += across)
                for (int t = 0; t < depth; t++)
                    packed[t * Width + r] = source[t] * factor;
    }

    /// <summary>
    /// Whether Cholesky's method on fl(c·I − G) meets only positive, finite pivots; <paramref name="factor"/> is then the lower
    /// triangle, zero above. Reads the lower triangle of G. Uses reciprocal pivots and substitution, no inverse.
    /// </summary>
    /// <remarks>The array holds G − c·I and what remains of it, that is −1 times the remainder: the kernel only adds.</remarks>
    public static bool CholeskySucceeds(double[] gram, int n, double c, double[] factor)
    {
        for (int i = 0; i < n; i++)
        {
            gram.AsSpan(i * n, i + 1).CopyTo(factor.AsSpan(i * n));
            factor.AsSpan(i * n + i + 1, n - i - 1).Clear();
            factor[i * n + i] = -(c - gram[i * n + i]);
        }
        var reciprocals = new double[Block];
        var packed = GC.AllocateUninitializedArray<double>((n + Width) * Math.Min(n, Block));
        fixed (double* entries = factor, panels = packed, inverses = reciprocals)
        {
            nint to = (nint)panels, l = (nint)entries, inverse = (nint)inverses;
            for (int start = 0; start < n; start += Block)
            {
                int p = start, end = Math.Min(start + Block, n), depth = end - start, rest = n - end, count = (rest + Width - 1) / Width;
                if (!FactorDiagonal(entries, n, start, end, inverses))
                    return false;
                ForPanels(count, depth * depth * Width / 2, q => Solve((double*)l, n, p, end, (double*)inverse, q, (double*)to + (long)q * Width * depth));
                ForPanels(count, rest * depth * Width / 2, q => AccumulateRow((double*)to, count - 1 - q, depth, (double*)l + (long)end * n + end, rest, n));
            }
        }
        return true;
    }

    /// <summary>Factors the block in place, which holds −1 times what is to be factored, and clears above its diagonal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool FactorDiagonal(double* l, int n, int start, int end, double* reciprocals)
    {
        for (int j = start; j < end; j++)
        {
            double* row = l + (long)j * n;
            double negative = row[j];
            for (int q = start; q < j; q++)
                negative = Math.FusedMultiplyAdd(row[q], row[q], negative);
            double pivot = -negative;
            if (!(pivot > 0 && double.IsFinite(pivot)))
                return false;
            double root = Math.Sqrt(pivot), reciprocal = 1 / root;
            if (!double.IsFinite(reciprocal))
                return false;
            row[j] = root;
            reciprocals[j - start] = reciprocal;
            for (int i = j + 1; i < end; i++)
            {
                double* other = l + (long)i * n;
                double sum = other[j];
                for (int q = start; q < j; q++)
                    sum = Math.FusedMultiplyAdd(other[q], row[q], sum);
                other[j] = -sum * reciprocal;
                row[i] = 0;
            }
        }
        return true;
    }

    /// <summary>Columns start…end of 16 rows below the block: packed, solved for by substitution, and stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Solve(double* l, int n, int start, int end, double* reciprocals, int panel, double* packed)
    {
        int depth = end - start, first = end + panel * Width, rows = Math.Min(Width, n - first);
        for (int r = 0; r < Width; r++)
            for (int q = 0; q < depth; q++)
                packed[q * Width + r] = r < rows ? l[(long)(first + r) * n + start + q] : 0;
        for (int q = 0; q < depth; q++)
        {
            var x = new Span<double>(packed + q * Width, Width);
            for (int r = 0; r < Width; r++)
                x[r] = -x[r] * reciprocals[q];
            var solved = MemoryMarshal.Cast<double, Vector<double>>(x);
            for (int s = q + 1; s < depth; s++)
            {
                var factor = new Vector<double>(l[(long)(start + s) * n + start + q]);
                var remaining = MemoryMarshal.Cast<double, Vector<double>>(new Span<double>(packed + s * Width, Width));
                for (int v = 0; v < solved.Length; v++)
                    remaining[v] = Vector.FusedMultiplyAdd(factor, solved[v], remaining[v]);
            }
        }
        for (int r = 0; r < rows; r++)
            for (int q = 0; q < depth; q++)
                l[(long)(first + r) * n + start + q] = packed[q * Width + r];
    }

    /// <summary>A pilot for the largest eigenvalue: an estimate, never a bound.</summary>
    public static double PilotLargestEigenvalue(double[] gram, int n) => LanczosPilot.Of(gram, n).Value;
}
