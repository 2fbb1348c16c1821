using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using Lips.Runtime.Checkpoints;
using Xunit;

namespace Lips.Runtime.Tests.Checkpoints;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Path(string name) => System.IO.Path.Combine(_folder, name);

    private static StoredTensor Tensor(string name, StoredType type, params long[] shape)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        var data = new byte[count * Safetensors.SizeOf(type)];
        for (int i = 0; i < data.Length; i++)
            data[i] = (byte)(i * 7 + name.Length);
        return new StoredTensor(name, type, shape, data);
    }

    [Fact]
    public void What_is_written_is_read()
    {
        StoredTensor[] tensors = [Tensor("b", StoredType.F32, 2, 3), Tensor("a", StoredType.U8, 3), Tensor("scalar", StoredType.F64), Tensor("none", StoredType.BF16, 0, 4)];
        Safetensors.Write(Path("x.safetensors"), tensors, new Dictionary<string, string> { ["step"] = "12" });
        var read = Safetensors.Read(Path("x.safetensors"));
        Assert.Equal("12", read.Metadata["step"]);
        Assert.Equal(tensors.Length, read.Tensors.Count);
        foreach (var tensor in tensors)
        {
            Assert.Equal(tensor.Shape, read[tensor.Name].Shape);
            Assert.Equal(tensor.Type, read[tensor.Name].Type);
            Assert.Equal(tensor.Data.ToArray(), read[tensor.Name].Data.ToArray());
        }
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void The_file_follows_the_rules_of_the_format()
    {
        Safetensors.Write(Path("x.safetensors"), [Tensor("odd", StoredType.U8, 3), Tensor("wide", StoredType.F64, 2), Tensor("mid", StoredType.F16, 5)]);
        byte[] file = File.ReadAllBytes(Path("x.safetensors"));
        int header = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        Assert.Equal(0, (8 + header) % 8);
        Assert.Equal((byte)'{', file[8]);
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        long covered = 0;
        foreach (var entry in json.RootElement.EnumerateObject())
        {
            var offsets = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt64()).ToArray();
            Assert.Equal(covered, offsets[0]);
            Assert.Equal(0, offsets[0] % Safetensors.SizeOf(Enum.Parse<StoredType>(entry.Value.GetProperty("dtype").GetString()!)));
            covered = offsets[1];
        }
        Assert.Equal(file.Length - 8 - header, covered);
    }

    [Theory]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "needs 4 bytes")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "holes")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, "cover 4 bytes")]
    [InlineData("{\"a\":{\"dtype\":\"Q9\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown type")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "negative")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}", 4, "not a valid")]
    [InlineData("{\"a\":{\"dtype\":\"F32\"}}", 0, "not a valid")]
    [InlineData("[1]", 0, "'{'")]
    [InlineData("{\"a\":", 0, "not a valid")]
    public void A_file_that_breaks_a_rule_is_refused(string header, int bytes, string expected)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        File.WriteAllBytes(Path("bad"), [.. length, .. text, .. new byte[bytes]]);
        Assert.Contains(expected, Assert.Throws<RunFailed>(() => Safetensors.Read(Path("bad"))).Message);
    }

    [Fact]
    public void A_header_longer_than_the_file_is_refused()
    {
        File.WriteAllBytes(Path("bad"), [255, 255, 255, 255, 255, 255, 255, 127, 1]);
        Assert.Throws<RunFailed>(() => Safetensors.Read(Path("bad")));
        File.WriteAllBytes(Path("short"), [1, 2]);
        Assert.Throws<RunFailed>(() => Safetensors.Read(Path("short")));
        Assert.Throws<RunFailed>(() => Safetensors.Read(Path("absent")));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file()
    {
        AtomicFile.WriteText(Path("x"), "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(Path("x"), stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(Path("x")));
        Assert.Single(Directory.GetFiles(_folder));
    }
}
