using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lips.Runtime.Checkpoints;

/// <summary>Element types of the safetensors format, under the names it uses in files.</summary>
public enum StoredType { F64, I64, U64, F32, I32, U32, F16, BF16, I16, U16, I8, U8, BOOL, F8_E4M3, F8_E5M2 }

/// <summary>A tensor as stored: row-major, little-endian bytes.</summary>
public sealed record StoredTensor(string Name, StoredType Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data);

/// <summary>What a safetensors file holds.</summary>
public sealed record StoredTensors(IReadOnlyDictionary<string, StoredTensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    public StoredTensor this[string name] => Tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new RunFailed($"The file holds no tensor '{name}'.");
}

/// <summary>
/// The safetensors format: eight bytes with the header's length (little-endian), a JSON header, then the tensors' bytes
/// without holes. Written here with widest element types first and then by name, and the header padded with spaces, so
/// that every tensor lies at a multiple of its element size and the data at a multiple of eight.
/// </summary>
public static class Safetensors
{
    private const long HeaderLimit = 100_000_000;
    private const string MetadataKey = "__metadata__";

    public static int SizeOf(StoredType type) => type switch
    {
        StoredType.F64 or StoredType.I64 or StoredType.U64 => 8,
        StoredType.F32 or StoredType.I32 or StoredType.U32 => 4,
        StoredType.F16 or StoredType.BF16 or StoredType.I16 or StoredType.U16 => 2,
        _ => 1,
    };

    /// <summary>Writes the file atomically.</summary>
    public static void Write(string path, IEnumerable<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var list = tensors.ToList();
        AtomicFile.Write(path, stream => Write(stream, list, metadata));
    }

    public static void Write(Stream stream, IEnumerable<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = tensors
            .OrderByDescending(t => SizeOf(t.Type))
            .ThenBy(t => t.Name, StringComparer.Ordinal)
            .ToList();
        byte[] header = Header(ordered, metadata);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in ordered)
            stream.Write(tensor.Data.Span);
    }

    private static byte[] Header(List<StoredTensor> ordered, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        var names = new HashSet<string>(StringComparer.Ordinal);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (var tensor in ordered)
            {
                if (tensor.Name == MetadataKey || !names.Add(tensor.Name))
                    throw new ArgumentException($"Two tensors are named '{tensor.Name}', or the name is reserved.");
                long bytes = checked(Count(tensor.Shape) * SizeOf(tensor.Type));
                if (bytes != tensor.Data.Length)
                    throw new ArgumentException($"Tensor '{tensor.Name}' of shape [{string.Join(", ", tensor.Shape)}] needs {bytes} bytes, got {tensor.Data.Length}.");
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.ToString());
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset + bytes);
                json.WriteEndArray();
                json.WriteEndObject();
                offset += bytes;
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    /// <summary>Reads a file, holding it to the format's rules.</summary>
    /// <exception cref="RunFailed">The file is missing or breaks a rule; the message says which.</exception>
    public static StoredTensors Read(string path)
    {
        byte[] file;
        try
        {
            file = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunFailed($"Cannot read '{path}': {e.Message}", e);
        }
        try
        {
            return Parse(file);
        }
        catch (Exception e) when (e is FormatException or JsonException or OverflowException or InvalidOperationException or KeyNotFoundException)
        {
            throw new RunFailed($"'{path}' is not a valid safetensors file: {e.Message}", e);
        }
    }

    private static StoredTensors Parse(byte[] file)
    {
        if (file.Length < 8)
            throw new FormatException("it is shorter than the eight bytes of the header's length.");
        ulong declared = BinaryPrimitives.ReadUInt64LittleEndian(file);
        if (declared > HeaderLimit)
            throw new FormatException($"its header claims {declared} bytes, more than the limit of {HeaderLimit}.");
        if (declared > (ulong)(file.Length - 8))
            throw new FormatException($"its header claims {declared} bytes, but only {file.Length - 8} follow.");
        int headerLength = (int)declared;
        var data = file.AsMemory(8 + headerLength);
        if (headerLength == 0 || file[8] != (byte)'{')
            throw new FormatException("its header does not begin with '{'.");

        using var json = JsonDocument.Parse(file.AsMemory(8, headerLength));
        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var ranges = new List<(long Begin, long End, string Name)>();
        foreach (var entry in json.RootElement.EnumerateObject())
        {
            if (entry.Name == MetadataKey)
            {
                foreach (var item in entry.Value.EnumerateObject())
                    metadata[item.Name] = item.Value.GetString() ?? throw new FormatException($"metadata '{item.Name}' is not text.");
                continue;
            }
            var (tensor, begin, end) = Entry(entry, data);
            if (!tensors.TryAdd(entry.Name, tensor))
                throw new FormatException($"tensor '{entry.Name}' is listed twice.");
            ranges.Add((begin, end, entry.Name));
        }
        long position = 0;
        foreach (var (begin, end, name) in ranges.OrderBy(r => r.Begin).ThenBy(r => r.End))
        {
            if (begin != position)
                throw new FormatException($"tensor '{name}' begins at byte {begin} of the data, expected {position}: holes and overlaps are not allowed.");
            position = end;
        }
        if (position != data.Length)
            throw new FormatException($"the tensors cover {position} bytes of data, the file holds {data.Length}.");
        return new StoredTensors(tensors, metadata);
    }

    private static (StoredTensor Tensor, long Begin, long End) Entry(JsonProperty entry, ReadOnlyMemory<byte> data)
    {
        string name = entry.Name;
        string typeName = entry.Value.GetProperty("dtype").GetString() ?? "";
        if (!Enum.TryParse<StoredType>(typeName, out var type) || type.ToString() != typeName)
            throw new FormatException($"tensor '{name}' has the unknown type '{typeName}'.");
        long[] shape = entry.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray();
        if (shape.Any(s => s < 0))
            throw new FormatException($"tensor '{name}' has a negative size.");
        var offsets = entry.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
            throw new FormatException($"tensor '{name}' must have two data offsets.");
        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        if (begin < 0 || end < begin || end > data.Length)
            throw new FormatException($"tensor '{name}' lies at bytes {begin} to {end} of {data.Length}.");
        long bytes = checked(Count(shape) * SizeOf(type));
        if (bytes != end - begin)
            throw new FormatException($"tensor '{name}' of shape [{string.Join(", ", shape)}] needs {bytes} bytes, its offsets give {end - begin}.");
        return (new StoredTensor(name, type, shape, data.Slice((int)begin, (int)(end - begin))), begin, end);
    }

    private static long Count(IReadOnlyList<long> shape)
    {
        long count = 1;
        foreach (long size in shape)
            count = checked(count * size);
        return count;
    }
}
