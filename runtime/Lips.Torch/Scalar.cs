using System;
using System.Globalization;
using TorchSharp.Native;

namespace TorchSharp;

/// <summary>A number of any element type, as operators take it.</summary>
public sealed class Scalar : IDisposable
{
    internal readonly Tag Tag;
    internal readonly long Bits;

    internal Scalar(Tag tag, long bits)
    {
        Tag = tag;
        Bits = bits;
    }

    /// <summary>Int64, Float64 or Bool: the widest type of its kind.</summary>
    public torch.ScalarType Type => Tag switch { Tag.Double => torch.ScalarType.Float64, Tag.Bool => torch.ScalarType.Bool, _ => torch.ScalarType.Int64 };

    internal double AsDouble => Tag == Tag.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    internal long AsLong => Tag == Tag.Double ? (long)BitConverter.Int64BitsToDouble(Bits) : Bits;

    public static implicit operator Scalar(bool value) => new(Tag.Bool, value ? 1 : 0);
    public static implicit operator Scalar(byte value) => new(Tag.Int, value);
    public static implicit operator Scalar(sbyte value) => new(Tag.Int, value);
    public static implicit operator Scalar(short value) => new(Tag.Int, value);
    public static implicit operator Scalar(int value) => new(Tag.Int, value);
    public static implicit operator Scalar(long value) => new(Tag.Int, value);
    public static implicit operator Scalar(Half value) => (double)value;
    public static implicit operator Scalar(float value) => (double)value;
    public static implicit operator Scalar(double value) => new(Tag.Double, BitConverter.DoubleToInt64Bits(value));

    /// <summary>Nothing to release: kept so that code written for a native scalar stays valid.</summary>
    public void Dispose()
    {
    }

    public override string ToString() => Tag == Tag.Double ? AsDouble.ToString(CultureInfo.InvariantCulture) : Bits.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Conversions between <see cref="Scalar"/> and the number types.</summary>
public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static bool ToBoolean(this Scalar value) => value.AsDouble != 0;
    public static byte ToByte(this Scalar value) => (byte)value.AsLong;
    public static int ToInt32(this Scalar value) => (int)value.AsLong;
    public static long ToInt64(this Scalar value) => value.AsLong;
    public static float ToSingle(this Scalar value) => (float)value.AsDouble;
    public static double ToDouble(this Scalar value) => value.AsDouble;
}
