using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;

namespace Lips.Runtime.Data;

/// <summary>
/// Samples of one shape with a class each: images as bytes (0…255, channels × height × width) or features as floats.
/// </summary>
public sealed class LabelledSet
{
    private readonly byte[]? _bytes;
    private readonly float[]? _floats;

    public LabelledSet(string name, IReadOnlyList<long> shape, byte[] pixels, int[] labels)
        : this(name, shape, labels, pixels.Length) => _bytes = pixels;

    public LabelledSet(string name, IReadOnlyList<long> shape, float[] values, int[] labels)
        : this(name, shape, labels, values.Length) => _floats = values;

    private LabelledSet(string name, IReadOnlyList<long> shape, int[] labels, long length)
    {
        Name = name;
        Shape = shape;
        Labels = labels;
        SampleSize = (int)shape.Aggregate(1L, (a, b) => a * b);
        if (length != (long)SampleSize * labels.Length)
            throw new RunFailed($"'{name}' has {length} values for {labels.Length} labels of shape [{string.Join(", ", shape)}].");
        Classes = labels.Length == 0 ? 0 : labels.Max() + 1;
    }

    public string Name { get; }

    public IReadOnlyList<long> Shape { get; }

    public int[] Labels { get; }

    public int Count => Labels.Length;

    public int SampleSize { get; }

    /// <summary>One more than the largest label.</summary>
    public int Classes { get; }

    /// <summary>Writes one sample; bytes are mapped from 0…255 to [low, high], floats are left as they are.</summary>
    public void Copy(int index, Span<float> target, double low = 0, double high = 1)
    {
        if (_floats is not null)
        {
            _floats.AsSpan(index * SampleSize, SampleSize).CopyTo(target);
            return;
        }
        var pixels = _bytes.AsSpan(index * SampleSize, SampleSize);
        float offset = (float)low, scale = (float)((high - low) / 255);
        for (int i = 0; i < pixels.Length; i++)
            target[i] = offset + scale * pixels[i];
    }

    /// <summary>CIFAR's binary format: one label byte (two, coarse and fine, for CIFAR-100), then 3 × 32 × 32 bytes a record.</summary>
    public static LabelledSet Cifar(string name, IEnumerable<string> files, int labelBytes = 1)
    {
        const int pixels = 3 * 32 * 32;
        var labels = new List<int>();
        using var data = new MemoryStream();
        foreach (string file in files)
        {
            byte[] bytes = ReadAll(file);
            if (bytes.Length == 0 || bytes.Length % (labelBytes + pixels) != 0)
                throw new RunFailed($"'{file}' has {bytes.Length} bytes, no multiple of a CIFAR record's {labelBytes + pixels}.");
            for (int at = 0; at < bytes.Length; at += labelBytes + pixels)
            {
                labels.Add(bytes[at + labelBytes - 1]);
                data.Write(bytes, at + labelBytes, pixels);
            }
        }
        return new LabelledSet(name, [3, 32, 32], data.ToArray(), [.. labels]);
    }

    /// <summary>The IDX format of MNIST: unsigned bytes, one channel; files may be gzipped.</summary>
    public static LabelledSet Idx(string name, string imageFile, string labelFile)
    {
        var (imageShape, pixels) = ReadIdx(imageFile);
        var (labelShape, labels) = ReadIdx(labelFile);
        if (imageShape.Length != 3 || labelShape.Length != 1 || imageShape[0] != labelShape[0])
            throw new RunFailed($"'{imageFile}' and '{labelFile}' do not belong together: shapes [{string.Join(", ", imageShape)}] and [{string.Join(", ", labelShape)}].");
        return new LabelledSet(name, [1, imageShape[1], imageShape[2]], pixels, Array.ConvertAll(labels, b => (int)b));
    }

    private static (int[] Shape, byte[] Data) ReadIdx(string file)
    {
        byte[] bytes = ReadAll(file);
        if (bytes.Length < 4 || bytes[0] != 0 || bytes[1] != 0 || bytes[2] != 8)
            throw new RunFailed($"'{file}' is not an IDX file of unsigned bytes.");
        int rank = bytes[3], header = 4 + 4 * rank;
        if (bytes.Length < header)
            throw new RunFailed($"'{file}' ends inside its header.");
        var shape = Enumerable.Range(0, rank).Select(i => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4 + 4 * i))).ToArray();
        long expected = shape.Aggregate(1L, (a, b) => a * b);
        if (bytes.Length - header != expected)
            throw new RunFailed($"'{file}' declares {expected} bytes of data and holds {bytes.Length - header}.");
        return (shape, bytes[header..]);
    }

    internal static byte[] ReadAll(string file)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(file);
            if (bytes.Length < 2 || bytes[0] != 0x1F || bytes[1] != 0x8B)
                return bytes;
            using var unzipped = new MemoryStream();
            using (var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress))
                gzip.CopyTo(unzipped);
            return unzipped.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new RunFailed($"Cannot read '{file}': {e.Message}", e);
        }
    }
}
