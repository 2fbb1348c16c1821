using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Cli.Proofs;
using Lips.Cli.Runs;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Microsoft.FSharp.Core;

namespace Lips.Cli;

/// <summary>
/// Certified norms of the tensors in a checkpoint file, from its bytes: no module is built and no tensor library is used,
/// so that what checks a certificate shares nothing with what wrote it.
/// </summary>
internal sealed class StoredNorms
{
    private readonly StoredTensors _file;
    private readonly Dictionary<string, Lips.Runtime.Weight> _weights;
    private readonly Dictionary<string, double[]> _values = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Upper> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _methods = new(StringComparer.Ordinal);
    private readonly string _path;
    private readonly bool _tight;
    private readonly IReadOnlyList<CertifiedNorm>? _given;

    /// <param name="tight">Gains of residual blocks too, by multipliers.</param>
    /// <param name="given">Norms of a certificate, whose witnesses are checked in place of finding new ones.</param>
    /// <exception cref="NotCertified">A tensor of the file holds an entry that is not finite.</exception>
    public StoredNorms(CompiledModel model, string path, bool tight = false, IReadOnlyList<CertifiedNorm>? given = null)
    {
        (_path, _tight, _given) = (path, tight, given);
        _file = Safetensors.Read(path);
        Weights = WeightTable.all(model.Resolved.Model).Select(w => Described(w.Item1, w.Item2, w.Item3)).ToList();
        _weights = Weights.ToDictionary(w => w.Name, StringComparer.Ordinal);
        foreach (var (name, weight) in _weights)
        {
            if (!_file.Tensors.TryGetValue(name, out var tensor))
                throw new RunFailed($"'{path}' lacks the weight '{name}' of '{model.Resolved.Model.Name}'.");
            if (!tensor.Shape.SequenceEqual(weight.Shape))
                throw new RunFailed($"'{name}' has shape [{string.Join(", ", tensor.Shape)}] in '{path}' and [{string.Join(", ", weight.Shape)}] in the spec.");
        }
        // also what no norm is asked of, such as the bias of the last layer: the bound is that of a network of real numbers
        foreach (var tensor in _file.Tensors.Values)
            if (tensor.Type == StoredType.F32)
                _ = SpectralNorm.LargestEntry(MemoryMarshal.Cast<byte, float>(tensor.Data.Span), tensor.Name);
            else if (tensor.Type is StoredType.F64 or StoredType.F16 or StoredType.BF16)
                _ = SpectralNorm.LargestEntry(Values(tensor), tensor.Name);
    }

    public StoredTensors File => _file;

    /// <summary>The spec's weights, in its order.</summary>
    public IReadOnlyList<Lips.Runtime.Weight> Weights { get; }

    /// <summary>Every norm that was asked for, by its text.</summary>
    public IReadOnlyDictionary<string, Upper> Known => _known;

    /// <summary>The point at which a report is made for given weights.</summary>
    public At Point => At.NewNorms(FuncConvert.FromFunc<string, Upper>(Of));

    /// <summary>A certified norm by its text: <c>spectral(blocks.0.attention.q)[2]</c>.</summary>
    public Upper Of(string key)
    {
        if (_known.TryGetValue(key, out var known))
            return known;
        if (Certify(key) is not { Value: var value, Method: var method })
            return Upper.Infinity;
        _methods[key] = method;
        return _known[key] = Upper.OfDouble(value);
    }

    /// <summary>How a norm that was asked for is proven; empty where it is not.</summary>
    public string MethodOf(string key) => _methods.GetValueOrDefault(key, "");

    /// <summary>Null for what was not asked for, and then is not bounded.</summary>
    private NormBound? Certify(string key)
    {
        var request = Parse(key);
        if (request.Kind != NormKind.BlockGain)
            return CertifiedNorms.Norm(request, WeightOf);
        var given = CertifiedNorms.WitnessOf(key, _given);
        return (_tight || given is not null) && BlockGain.Prove(request, WeightOf, given) is var (gain, _) ? new NormBound(gain, BlockGain.Method) : null;
    }

    /// <summary>Whether the norm of that text is at most a number, proven a second time in exact integers, and of which kind it is.</summary>
    /// <param name="witness">What the certificate states for the proof.</param>
    public (bool Holds, NormKind Kind) Proves(string key, double atMost, string? witness)
    {
        var request = Parse(key);
        return (NormProof.Holds(request, WeightOf, atMost, witness), request.Kind);
    }

    private static NormRequest Parse(string key) =>
        NormRequest.TryParse(key) ?? throw new RunFailed($"The bound reads the norm '{key}', which no rule certifies.");

    private WeightValues WeightOf(string name) => _weights.TryGetValue(name, out var weight)
        ? new WeightValues(weight, ValuesOf(name))
        : throw new RunFailed($"The bound reads a norm of '{name}', which is no weight of the spec.");

    /// <summary>The exact values of a weight, row-major.</summary>
    public double[] ValuesOf(string name)
    {
        if (!_values.TryGetValue(name, out double[]? values))
            _values[name] = values = Values(_file[name]);
        return values;
    }

    /// <summary>The exact values of a stored tensor.</summary>
    private double[] Values(StoredTensor tensor)
    {
        var bytes = tensor.Data.Span;
        return tensor.Type switch
        {
            StoredType.F64 => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
            StoredType.F32 => Widen(MemoryMarshal.Cast<byte, float>(bytes), v => v),
            StoredType.F16 => Widen(MemoryMarshal.Cast<byte, Half>(bytes), v => (double)v),
            StoredType.BF16 => Widen(MemoryMarshal.Cast<byte, ushort>(bytes), v => BitConverter.Int32BitsToSingle(v << 16)),
            _ => throw new RunFailed($"'{tensor.Name}' in '{_path}' has element type {tensor.Type}, which no weight may have."),
        };
    }

    private static double[] Widen<T>(ReadOnlySpan<T> values, Func<T, double> widen)
    {
        var wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = widen(values[i]);
        return wide;
    }

    private static Lips.Runtime.Weight Described(string name, Layer layer, Lips.Core.Weight weight)
    {
        // a kernel reads the input's channels in as many groups as they are more than its own: the same rule as in emitted code
        var groups = weight.Role.IsKernel && weight.Shape.Length > 1 && weight.Shape[1] < layer.Input.Width ? (int)(layer.Input.Width / weight.Shape[1]) : 1;
        return new Lips.Runtime.Weight(
            name, weight.Leaf, Enum.Parse<Lips.Runtime.Role>(weight.Role.ToString()), weight.Shape.ToArray(), weight.RowOffset, (int)weight.Heads,
            weight.HeadAxis.IsRows ? Lips.Runtime.HeadAxis.Rows : weight.HeadAxis.IsColumns ? Lips.Runtime.HeadAxis.Columns : Lips.Runtime.HeadAxis.None,
            Constraint: Limit(weight.Constraint),
            Groups: groups);
    }

    private static Lips.Runtime.Constraint? Limit(Lips.Core.Constraint constraint)
    {
        var cap = constraint is Lips.Core.Constraint.Capped capped ? capped.Item : constraint is Lips.Core.Constraint.AutoCapped chosen ? chosen.Item1 : null;
        return cap is null ? null : new Lips.Runtime.Constraint.Cap(
            cap.Limit.ToDoubleDown, Enum.Parse<Lips.Runtime.CapUnit>(cap.Unit.ToString()), Enum.Parse<Lips.Runtime.CapExtent>(cap.Extent.ToString()), Enum.Parse<Lips.Runtime.CapMethod>(cap.Method.ToString()));
    }
}
