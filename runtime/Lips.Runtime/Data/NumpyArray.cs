using System;
using System.Buffers.Binary;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Lips.Runtime.Data;

/// <summary>An array of NumPy's <c>.npy</c> format, versions 1 to 3, little-endian and row-major.</summary>
public sealed partial class NumpyArray
{
    private readonly byte[] _data;
    private readonly string _type;
    private readonly string _file;

    private NumpyArray(string file, string type, long[] shape, byte[] data) => (_file, _type, Shape, _data) = (file, type, shape, data);

    public long[] Shape { get; }

    public static NumpyArray Read(string file)
    {
        byte[] bytes = LabelledSet.ReadAll(file);
        if (bytes.Length < 12 || bytes[0] != 0x93 || Encoding.ASCII.GetString(bytes, 1, 5) != "NUMPY" || bytes[6] is < 1 or > 3)
            throw new RunFailed($"'{file}' is not a .npy file.");
        int start = bytes[6] == 1 ? 10 : 12;
        long length = bytes[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8)) : BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (start + length > bytes.Length)
            throw new RunFailed($"'{file}' ends inside its header.");
        string header = Encoding.UTF8.GetString(bytes, start, (int)length);
        string type = Field(TypePattern(), header, file);
        if (Field(OrderPattern(), header, file) != "False")
            throw new RunFailed($"'{file}' is column-major; save it with numpy.ascontiguousarray.");
        long[] shape = Field(ShapePattern(), header, file)
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(s => long.Parse(s, CultureInfo.InvariantCulture))
            .ToArray();
        byte[] data = bytes[(start + (int)length)..];
        int size = type switch { "|u1" or "|i1" or "|b1" => 1, "<i2" => 2, "<i4" or "<f4" => 4, "<i8" or "<f8" => 8, _ => throw new RunFailed($"'{file}' has elements of type '{type}'; supported are u1, i1, b1, i2, i4, i8, f4, f8, little-endian.") };
        if (data.Length != shape.Aggregate(1L, (a, b) => a * b) * size)
            throw new RunFailed($"'{file}' holds {data.Length} bytes, which does not fit its shape [{string.Join(", ", shape)}].");
        return new NumpyArray(file, type, shape, data);
    }

    /// <summary>The bytes themselves, when the elements are unsigned bytes; else null.</summary>
    public byte[]? Bytes => _type == "|u1" ? _data : null;

    public float[] Floats() => _type switch
    {
        "<f4" => MemoryMarshal.Cast<byte, float>(_data).ToArray(),
        "<f8" => Array.ConvertAll(MemoryMarshal.Cast<byte, double>(_data).ToArray(), d => (float)d),
        _ => Array.ConvertAll(Integers(), i => (float)i),
    };

    public int[] Integers() => _type switch
    {
        "|u1" or "|b1" => Array.ConvertAll(_data, b => (int)b),
        "|i1" => Array.ConvertAll(_data, b => (int)(sbyte)b),
        "<i2" => Array.ConvertAll(MemoryMarshal.Cast<byte, short>(_data).ToArray(), i => (int)i),
        "<i4" => MemoryMarshal.Cast<byte, int>(_data).ToArray(),
        "<i8" => Array.ConvertAll(MemoryMarshal.Cast<byte, long>(_data).ToArray(), i => checked((int)i)),
        _ => throw new RunFailed($"'{_file}' holds floating-point numbers where whole numbers are needed."),
    };

    private static string Field(Regex pattern, string header, string file)
    {
        var match = pattern.Match(header);
        return match.Success ? match.Groups[1].Value : throw new RunFailed($"'{file}' has a header that cannot be read: {header.Trim()}");
    }

    [GeneratedRegex(@"'descr'\s*:\s*'([^']+)'")]
    private static partial Regex TypePattern();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)")]
    private static partial Regex OrderPattern();

    [GeneratedRegex(@"'shape'\s*:\s*\(([^)]*)\)")]
    private static partial Regex ShapePattern();
}
