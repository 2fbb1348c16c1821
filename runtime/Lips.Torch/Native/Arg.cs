using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;

namespace TorchSharp.Native;

internal enum Tag { None, Tensor, Int, Double, Bool, IntList, TensorList, OptionalTensorList, DoubleList, Device, String, Generator, Default }

/// <summary>The native side's argument or result.</summary>
internal struct Value
{
    public Tag Tag;
    public int Extra;
    public long Payload;
}

/// <summary>One argument of an operator. Lists and strings are carried in <see cref="Ref"/> and laid out by the call.</summary>
internal readonly struct Arg
{
    public readonly Tag Tag;
    public readonly int Extra;
    public readonly long Payload;
    public readonly object? Ref;

    private Arg(Tag tag, int extra, long payload, object? reference)
    {
        Tag = tag;
        Extra = extra;
        Payload = payload;
        Ref = reference;
    }

    public static Arg None => default;

    /// <summary>The schema's own default.</summary>
    public static Arg Default => new(Tag.Default, 0, 0, null);

    public static implicit operator Arg(torch.Tensor? t) => t is null ? default : new(Tag.Tensor, 0, t.Handle, t);
    public static implicit operator Arg(int value) => new(Tag.Int, 0, value, null);
    public static implicit operator Arg(long value) => new(Tag.Int, 0, value, null);
    public static implicit operator Arg(long? value) => value is { } v ? new(Tag.Int, 0, v, null) : default;
    public static implicit operator Arg(double value) => new(Tag.Double, 0, BitConverter.DoubleToInt64Bits(value), null);
    public static implicit operator Arg(double? value) => value is { } v ? new(Tag.Double, 0, BitConverter.DoubleToInt64Bits(v), null) : default;
    public static implicit operator Arg(bool value) => new(Tag.Bool, 0, value ? 1 : 0, null);
    public static implicit operator Arg(Scalar? value) => value is null ? default : new(value.Tag, 0, value.Bits, null);
    public static implicit operator Arg(long[]? values) => values is null ? default : new(Tag.IntList, values.Length, 0, values);
    public static implicit operator Arg(double[]? values) => values is null ? default : new(Tag.DoubleList, values.Length, 0, values);
    public static implicit operator Arg(torch.ScalarType value) => new(Tag.Int, 0, (long)value, null);
    public static implicit operator Arg(torch.ScalarType? value) => value is { } v ? new(Tag.Int, 0, (long)v, null) : default;
    public static implicit operator Arg(torch.Device? value) => value is null ? default : new(Tag.Device, value.index, (long)value.type, null);
    public static implicit operator Arg(torch.Generator? value) => value is null ? default : new(Tag.Generator, 0, value.Handle, value);
    public static implicit operator Arg(string value) => new(Tag.String, Encoding.UTF8.GetByteCount(value) + 1, 0, value);

    public static Arg List(IEnumerable<torch.Tensor> tensors)
    {
        torch.Tensor[] array = tensors as torch.Tensor[] ?? tensors.ToArray();
        return new(Tag.TensorList, array.Length, 0, array);
    }

    public static Arg OptionalList(torch.Tensor?[] tensors) => new(Tag.OptionalTensorList, tensors.Length, 0, tensors);

    /// <summary>8-byte words the argument needs beside the argument array.</summary>
    public int Words => Tag switch
    {
        Tag.IntList or Tag.TensorList or Tag.OptionalTensorList or Tag.DoubleList => Extra,
        Tag.String => (Extra + 7) / 8,
        _ => 0,
    };

    /// <summary>Writes the list or string to <paramref name="memory"/>, which has room for <see cref="Words"/>.</summary>
    public void CopyTo(Span<long> memory)
    {
        switch (Ref)
        {
            case long[] ints: ints.CopyTo(memory); break;
            case double[] doubles: Unsafe.As<long[]>(doubles).AsSpan().CopyTo(memory); break;
            case torch.Tensor?[] tensors:
                for (int i = 0; i < tensors.Length; i++) memory[i] = tensors[i]?.Handle ?? 0;
                break;
            case string text:
                memory.Clear();
                Encoding.UTF8.GetBytes(text, System.Runtime.InteropServices.MemoryMarshal.AsBytes(memory));
                break;
        }
    }
}
