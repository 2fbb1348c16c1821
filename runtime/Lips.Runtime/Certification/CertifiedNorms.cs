using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using TorchSharp;

namespace Lips.Runtime.Certification;

/// <summary>A weight with its exact values, row-major.</summary>
public sealed record WeightValues(Weight Weight, double[] Values);

/// <summary>
/// Proven upper bounds of the norms of stored weights. Every tensor is widened to double exactly, whatever its type; then only
/// arithmetic of this project is used.
/// </summary>
public static class CertifiedNorms
{
    /// <summary>Names what a certificate's norms rest on; changes whenever a rule does.</summary>
    public const string RuleVersion = "cholesky-certificate/3 one-norm/2 gram-iteration/2 products/1 symbol-grid/2 taps/1 multipliers/1 outward-sums/1";

    /// <summary>The norms a model's bounds read.</summary>
    public static Norms Of(ILipsModel model, ModelWeights weights) => Of(model.NormsNeeded, weights);

    /// <param name="tight">Gains of residual blocks too, by multipliers.</param>
    /// <param name="given">Norms of an earlier certificate, whose witnesses are checked in place of finding new ones.</param>
    /// <exception cref="NotCertified">An entry of the model is not finite, or a norm cannot be proven.</exception>
    public static Norms Of(IEnumerable<NormRequest> requests, ModelWeights weights, bool tight = false, IReadOnlyList<CertifiedNorm>? given = null)
    {
        // also what no norm is asked of, such as the bias of the last layer: the bound is that of a network of real numbers
        foreach (var (name, tensor) in weights.Leaves.Select(l => (l.Name, Tensor: (torch.Tensor)l.Parameter)).Concat(weights.Buffers))
            if (tensor.is_floating_point())
                RequireFinite(name, tensor);
        var distinct = requests.Distinct().ToList();
        var plain = distinct.Where(r => r.Kind != NormKind.BlockGain).ToList();
        // a weight's values are let go after the last norm that reads them
        var readers = plain.SelectMany(r => r.Weights).GroupBy(name => name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => new SharedValues(weights[g.Key], g.Count()), StringComparer.Ordinal);
        var bounds = InParallel.Compute(plain.Count, i =>
        {
            var bound = InPlace(plain[i], weights) ?? Norm(plain[i], name => readers[name].Read());
            foreach (string name in plain[i].Weights)
                readers[name].Release();
            return bound;
        });
        var norms = new Norms();
        for (int i = 0; i < plain.Count; i++)
            norms.Add(plain[i].Key, UpperBound.OfDouble(bounds[i].Value), bounds[i].Method, bounds[i].Witness);
        var known = new Dictionary<string, WeightValues>(StringComparer.Ordinal);
        foreach (var request in distinct.Where(r => r.Kind == NormKind.BlockGain))
            if (WitnessOf(request.Key, given) is var claimed && (tight || claimed is not null) && BlockGain.Prove(request, ValuesOf, claimed) is var (gain, witness))
                norms.Add(request.Key, UpperBound.OfDouble(gain), BlockGain.Method, witness);
        return norms;

        WeightValues ValuesOf(string name)
        {
            if (!known.TryGetValue(name, out var values))
                known[name] = values = new WeightValues(weights[name].Weight, Values(weights[name].View));
            return values;
        }
    }

    private static void RequireFinite(string name, torch.Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        if (!tensor.isfinite().all().item<bool>())
            _ = SpectralNorm.LargestEntry(Values(tensor), name);
    }

    /// <summary>The norm of a whole matrix in float32, which needs no copy of its values; null for what needs one.</summary>
    private static NormBound? InPlace(NormRequest request, ModelWeights weights)
    {
        if (request is not { Kind: NormKind.Spectral, Head: null, Right: null })
            return null;
        var (weight, view) = (weights[request.Weight].Weight, weights[request.Weight].View);
        if (weight.Shape.Count < 2 || view.dtype != torch.ScalarType.Float32 || view.device_type != DeviceType.CPU || !view.is_contiguous() || view.numel() >= int.MaxValue / sizeof(float))
            return null;
        int rows = checked((int)weight.Shape[0]);
        return SpectralNorm.Bound(MemoryMarshal.Cast<byte, float>(view.bytes), rows, (int)(view.numel() / Math.Max(rows, 1)), weight.Name);
    }

    /// <summary>A weight's values while norms that read them are being proven.</summary>
    private sealed class SharedValues(BoundWeight weight, int readers)
    {
        private readonly object _lock = new();
        private WeightValues? _values;
        private int _left = readers;

        public WeightValues Read()
        {
            lock (_lock)
                return _values ??= new WeightValues(weight.Weight, Values(weight.View));
        }

        public void Release()
        {
            lock (_lock)
                if (--_left == 0)
                    _values = null;
        }
    }

    /// <summary>The gain and the multipliers that a certificate states for a block.</summary>
    /// <exception cref="NotCertified">It states no number, or no multipliers.</exception>
    public static (double Gain, string Witness)? WitnessOf(string key, IReadOnlyList<CertifiedNorm>? given)
    {
        if (given?.FirstOrDefault(n => n.Norm == key) is not { } norm)
            return null;
        double gain = UpperBound.TryParse(norm.Exact, out var bound) ? bound.ToDoubleUp() : double.NaN;
        return norm.Witness is { } witness && UpperBound.OfDouble(double.IsNaN(gain) ? 0 : gain).ToString() == norm.Exact ? (gain, witness)
            : throw new NotCertified($"The certificate states no multipliers for '{key}'.");
    }

    /// <summary>An upper bound of a requested norm and how it was proven, from the weights' values; ∞ for a block, which <see cref="BlockGain"/> bounds where that is asked for.</summary>
    public static NormBound Norm(NormRequest request, Func<string, WeightValues> weights)
    {
        if (request.Kind == NormKind.BlockGain)
            return new NormBound(double.PositiveInfinity, "");
        var (weight, values) = weights(request.Weight);
        return request.Right is null
            ? Bound(weight, values, request.Kind, request.Head)
            : ProductBound(request, weights(request.Weight), weights(request.Right));
    }

    /// <summary>The exact values of a tensor, row-major.</summary>
    public static double[] Values(torch.Tensor tensor)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        return tensor.detach().to(torch.ScalarType.Float64).ToArray<double>();
    }

    /// <summary>An upper bound of one norm of a weight's values (row-major in the weight's shape), or of a head's slice.</summary>
    public static double Norm(Weight weight, double[] values, NormKind kind, int? head = null) => Bound(weight, values, kind, head).Value;

    /// <summary>The same, with how it was proven.</summary>
    public static NormBound Bound(Weight weight, double[] values, NormKind kind, int? head = null)
    {
        var (rows, columns) = Extents(weight, values);
        string name = head is null ? weight.Name : $"{weight.Name}[{head}]";
        if (head is int h)
            (values, rows, columns) = Slice(weight, values, rows, columns, h, weight.Heads);
        // A vector is one row.
        if (weight.Shape.Count < 2)
            (rows, columns) = (1, values.Length);
        SpectralNorm.LargestEntry(values, name);
        return kind switch
        {
            NormKind.Spectral => SpectralNorm.Bound(values, rows, columns, name),
            NormKind.LargestRow => new(LargestRow(values, rows, columns), "length"),
            NormKind.Vector => new(weight.Shape.Count > 1 && weight.Role == Role.Table ? LargestRow(values, rows, columns) : Length(values), "length"),
            NormKind.LargestEntry => new(SpectralNorm.LargestEntry(values, name), "entries"),
            NormKind.Operator => new(ConvolutionNorm.Certify(values, rows, checked((int)weight.Shape[1]), weight.Shape.Skip(2).Select(s => checked((int)s)).ToArray(), weight.Groups, name), "symbol-grid"),
            NormKind.Taps => TapNorms.Bound(values, rows, checked((int)weight.Shape[1]), weight.Groups, name),
            NormKind.LargestPairDistance => LargestPairDistance(values, rows, columns, name),
            _ => throw new NotCertified($"No rule certifies the norm '{kind}' of '{name}'."),
        };
    }

    private static NormBound ProductBound(NormRequest request, WeightValues left, WeightValues right)
    {
        bool isTransposed = request.Kind is NormKind.TransposedProduct or NormKind.StackedTransposedProduct;
        bool isStacked = request.Kind is NormKind.StackedProduct or NormKind.StackedTransposedProduct;
        // (Σ of heads' W_hᵀ·R_h, one above the other)ᵀ = [R_1ᵀ·W_1 … R_Hᵀ·W_H]: the blocks are those of W
        var (outer, blocks) = request.Kind == NormKind.StackedTransposedProduct ? (right, left) : (left, right);
        int heads = Math.Max(left.Weight.Heads, right.Weight.Heads), count = isStacked ? heads : 1;
        var a = Matrix(outer, isStacked ? null : request.Head, heads);
        var b = Enumerable.Range(0, count).Select(h => Matrix(blocks, isStacked ? h : request.Head, heads)).ToArray();
        if (isTransposed)
            a = (ProductNorm.Transposed(a.Values, a.Rows, a.Columns), a.Columns, a.Rows);
        if (!(request.Kind is NormKind.Product or NormKind.StackedProduct || isTransposed) || a.Columns != count * b[0].Rows)
            throw new NotCertified($"'{request.Key}' is no product: its factors have shapes [{string.Join(", ", left.Weight.Shape)}] and [{string.Join(", ", right.Weight.Shape)}].");
        return ProductNorm.Bound(a.Values, a.Rows, [.. b.Select(m => m.Values)], b[0].Rows, b[0].Columns, request.Key);
    }

    private static (double[] Values, int Rows, int Columns) Matrix(WeightValues w, int? head, int heads)
    {
        var (rows, columns) = Extents(w.Weight, w.Values);
        return head is int h ? Slice(w.Weight, w.Values, rows, columns, h, heads) : (w.Values, rows, columns);
    }

    private static (int Rows, int Columns) Extents(Weight weight, double[] values)
    {
        int rows = weight.Shape.Count == 0 ? 1 : checked((int)weight.Shape[0]);
        return (rows, values.Length / Math.Max(rows, 1));
    }

    /// <summary>What a cap limits: its norm of the weight in the cap's unit, the largest over heads, rounded up.</summary>
    public static UpperBound InUnitOfCap(Weight weight, double[] values, Constraint.Cap cap)
    {
        int rows = weight.Shape.Count < 2 ? 1 : checked((int)weight.Shape[0]);
        int columns = values.Length / Math.Max(rows, 1);
        switch (cap.Unit)
        {
            case CapUnit.MaxAbs:
                return UpperBound.OfDouble(SpectralNorm.LargestEntry(values, weight.Name));
            case CapUnit.L2:
                SpectralNorm.LargestEntry(values, weight.Name);
                return UpperBound.OfDouble(Length(values));
            case CapUnit.RowL2 or CapUnit.RowRms:
                SpectralNorm.LargestEntry(values, weight.Name);
                var row = UpperBound.OfDouble(LargestRow(values, rows, columns));
                return cap.Unit == CapUnit.RowL2 ? row : row * UpperBound.Sqrt(UpperBound.OfRational(1, columns));
        }
        return InUnitOfCap(weight, cap, (kind, head) => UpperBound.OfDouble(Norm(weight, values, kind, head)));
    }

    /// <summary>The same, where the norms it needs are known already without proving them again.</summary>
    internal static UpperBound InUnitOfCap(BoundWeight bound, Norms known)
    {
        var (weight, cap) = (bound.Weight, (Constraint.Cap)bound.Weight.Constraint!);
        double[]? values = null;
        return cap.Unit is CapUnit.Spectral or CapUnit.Rms
            ? InUnitOfCap(weight, cap, (kind, head) => known.Values.TryGetValue(Norms.Key(kind, weight.Name, head), out var norm) ? norm : UpperBound.OfDouble(Norm(weight, values ??= Values(bound.View), kind, head)))
            : InUnitOfCap(weight, Values(bound.View), cap);
    }

    /// <summary>The largest over heads of a spectral or operator norm, in the cap's unit.</summary>
    private static UpperBound InUnitOfCap(Weight weight, Constraint.Cap cap, Func<NormKind, int?, UpperBound> norm)
    {
        var largest = UpperBound.Zero;
        bool perHead = MatrixBlocks.ArePerHead(weight);
        var kind = cap.Extent == CapExtent.Operator ? NormKind.Operator : NormKind.Spectral;
        for (int h = 0; h < (perHead ? weight.Heads : 1); h++)
            largest = UpperBound.Max(largest, norm(kind, perHead ? h : null));
        // The operator norm of a convolution is capped as it is: a map of images has no one RMS unit.
        if (cap.Unit == CapUnit.Spectral || kind == NormKind.Operator)
            return largest;
        var (_, blockRows, blockColumns) = MatrixBlocks.Shape(weight, perHead);
        return largest * UpperBound.Sqrt(UpperBound.OfRational(blockColumns, blockRows));
    }

    /// <param name="heads">How many heads there are; where several share a slice, consecutive ones do.</param>
    private static (double[] Values, int Rows, int Columns) Slice(Weight weight, double[] values, int rows, int columns, int head, int heads)
    {
        if (head < 0 || head >= heads)
            throw new NotCertified($"'{weight.Name}' has {heads} heads, none with index {head}.");
        head = head * weight.Heads / heads;
        if (weight.HeadAxis != HeadAxis.Columns)
        {
            int part = rows / weight.Heads;
            return (values.AsSpan(head * part * columns, part * columns).ToArray(), part, columns);
        }
        int width = columns / weight.Heads;
        var slice = new double[rows * width];
        for (int i = 0; i < rows; i++)
            values.AsSpan(i * columns + head * width, width).CopyTo(slice.AsSpan(i * width));
        return (slice, rows, width);
    }

    private static double LargestRow(double[] values, int rows, int columns)
    {
        double largest = 0;
        for (int i = 0; i < rows; i++)
            largest = Math.Max(largest, Length(values.AsSpan(i * columns, columns)));
        return largest;
    }

    /// <summary>An upper bound of the ℓ2 norm, scaled by a power of two so that squares neither overflow nor vanish.</summary>
    internal static double Length(ReadOnlySpan<double> values)
    {
        double largest = 0;
        foreach (double v in values)
            largest = Math.Max(largest, Math.Abs(v));
        if (largest == 0)
            return 0;
        int exponent = Math.ILogB(largest) + 1;
        double sum = 0;
        foreach (double v in values)
        {
            // What scaling or squaring loses to underflow is covered by one smallest double an entry.
            double scaled = Math.ScaleB(Math.Abs(v), -exponent);
            sum = Outward.Add(sum, Outward.Multiply(scaled, scaled));
            if (v != 0 && scaled < 1e-150)
                sum = Outward.Add(sum, 1e-300);
        }
        return Outward.Scale(Outward.Sqrt(sum), exponent);
    }

    /// <summary>Above this many rows the largest distance of two is bounded without looking at every pair.</summary>
    private const int PairsLimit = 4096;

    /// <summary>An upper bound of the largest ℓ2 distance of two rows; of many rows the least of 2·(largest row) and √2·σ_max.</summary>
    private static NormBound LargestPairDistance(double[] values, int rows, int columns, string name)
    {
        if (rows > PairsLimit)
        {
            double twice = Outward.Multiply(2, LargestRow(values, rows, columns));
            var (norm, method, _) = SpectralNorm.Bound(values, rows, columns, name);
            double across = Outward.Multiply(Outward.Sqrt(2), norm);
            return twice <= across ? new(twice, "length") : new(across, method);
        }
        var largest = new double[rows];
        Parallel.For(0, rows, i =>
        {
            var difference = new double[columns];
            for (int j = 0; j < i; j++)
                largest[i] = Math.Max(largest[i], Distance(values, columns, i, j, difference));
        });
        return new(rows == 0 ? 0 : largest.Max(), "length");
    }

    /// <summary>Upper bounds of the ℓ2 distances of every two rows of a row-major matrix: what pairwise margins are divided by.</summary>
    /// <exception cref="NotCertified">An entry is not finite.</exception>
    public static double[,] PairDistances(double[] values, int rows, int columns, string name = "matrix")
    {
        SpectralNorm.LargestEntry(values, name);
        var distances = new double[rows, rows];
        Parallel.For(0, rows, i =>
        {
            var difference = new double[columns];
            for (int j = 0; j < i; j++)
                distances[i, j] = distances[j, i] = Distance(values, columns, i, j, difference);
        });
        return distances;
    }

    private static double Distance(double[] values, int columns, int i, int j, double[] difference)
    {
        for (int k = 0; k < columns; k++)
        {
            double d = Math.Abs(values[i * columns + k] - values[j * columns + k]);
            difference[k] = d == 0 ? 0 : Math.BitIncrement(d);
            if (double.IsInfinity(difference[k]))
                return double.PositiveInfinity;
        }
        return Length(difference);
    }
}
