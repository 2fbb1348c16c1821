using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace Lips.Runtime.Checkpoints;

/// <summary>The weights of a model as a safetensors file, keyed by the names of the spec.</summary>
public static class ModelFile
{
    public const string BufferPrefix = "buffer.";

    public static List<StoredTensor> Store(ModelWeights weights) =>
    [
        .. weights.Distinct.Select(w => TensorStorage.Store(w.Weight.Name, w.View)),
        .. weights.Buffers.Select(b => TensorStorage.Store(BufferPrefix + b.Name, b.Buffer)),
    ];

    /// <summary>Writes <c>model.safetensors</c> atomically.</summary>
    public static void Write(string path, ModelWeights weights, IReadOnlyDictionary<string, string>? metadata = null) =>
        Safetensors.Write(path, Store(weights), Metadata(weights.Model, metadata));

    public static Dictionary<string, string> Metadata(ILipsModel model, IReadOnlyDictionary<string, string>? more = null)
    {
        var metadata = new Dictionary<string, string>(more ?? new Dictionary<string, string>(), StringComparer.Ordinal)
        {
            ["format"] = "pt",
            ["lips.model"] = model.Name,
            ["lips.meaning"] = model.Meaning,
        };
        return metadata;
    }

    /// <summary>Loads every weight and buffer; refuses a file of another model, with missing or with extra tensors.</summary>
    /// <param name="prefix">Where the tensors stand in a training checkpoint; empty in a model file.</param>
    public static void Load(StoredTensors file, ModelWeights weights, string path, string prefix = "", bool requireMeaning = true)
    {
        if (requireMeaning && file.Metadata.TryGetValue("lips.meaning", out string? meaning) && meaning != weights.Model.Meaning)
            throw new RunFailed($"'{path}' holds the weights of another spec: its meaning is {Short(meaning)}, this spec's is {Short(weights.Model.Meaning)}.");
        var targets = weights.Distinct.Select(w => (w.Weight.Name, w.View))
            .Concat(weights.Buffers.Select(b => (Name: BufferPrefix + b.Name, View: b.Buffer)))
            .ToDictionary(t => t.Name, t => t.View, StringComparer.Ordinal);
        var present = file.Tensors.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..]).ToHashSet(StringComparer.Ordinal);
        var missing = targets.Keys.Where(k => !present.Contains(k)).ToList();
        if (missing.Count > 0)
            throw new RunFailed($"'{path}' lacks {missing.Count} tensors of '{weights.Model.Name}': {string.Join(", ", missing.Take(5))}{(missing.Count > 5 ? ", …" : "")}.");
        var extra = present.Where(k => !targets.ContainsKey(k)).ToList();
        if (extra.Count > 0)
            throw new RunFailed($"'{path}' holds {extra.Count} tensors that '{weights.Model.Name}' does not have: {string.Join(", ", extra.Take(5))}{(extra.Count > 5 ? ", …" : "")}.");
        foreach (var (name, target) in targets)
            TensorStorage.CopyInto(target, file[prefix + name]);
    }

    /// <summary>SHA-256 over name, type, shape and bytes of every tensor in name order: what a certificate speaks of.</summary>
    public static string Hash(IEnumerable<StoredTensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[8];
        foreach (var tensor in tensors.OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            Text(tensor.Name);
            Text(tensor.Type.ToString());
            Number(tensor.Shape.Count, number);
            foreach (long size in tensor.Shape)
                Number(size, number);
            Number(tensor.Data.Length, number);
            hash.AppendData(tensor.Data.Span);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Span<byte> length = stackalloc byte[8];
            Number(bytes.Length, length);
            hash.AppendData(bytes);
        }

        void Number(long value, Span<byte> buffer)
        {
            BinaryPrimitives.WriteInt64LittleEndian(buffer, value);
            hash.AppendData(buffer);
        }
    }

    public static string Short(string hash) => hash.Length > 12 ? hash[..12] + "…" : hash;
}
