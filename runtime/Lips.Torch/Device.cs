using System;
using System.Globalization;
using System.Linq;

namespace TorchSharp;

public enum DeviceType { CPU = 0, CUDA = 1, MKLDNN = 2, OPENGL = 3, OPENCL = 4, IDEEP = 5, HIP = 6, FPGA = 7, MSNPU = 8, XLA = 9, MPS = 13, META = 14 }

public static partial class torch
{
    /// <summary>Where a tensor lives: a kind of device and, for CUDA, which one (-1: the current one).</summary>
    public class Device
    {
        public DeviceType type { get; }

        public int index { get; }

        /// <exception cref="ArgumentException">The text is no device, such as <c>cuda:x</c>.</exception>
        public Device(string description)
        {
            string[] parts = description.Split(':');
            type = Parse(parts[0]);
            index = type == DeviceType.CUDA ? 0 : -1;
            if (parts.Length == 1) return;
            if (parts.Length > 2 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                throw new ArgumentException($"'{description}' is no device; expected for instance 'cpu', 'cuda' or 'cuda:1'", nameof(description));
            index = type == DeviceType.CUDA ? number : -1;
        }

        public Device(string deviceType, int index = -1) : this(Parse(deviceType), index)
        {
        }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = deviceType == DeviceType.CUDA ? Math.Max(index, 0) : index;
        }

        /// <summary>The CUDA device of this number.</summary>
        public Device(int index) : this(DeviceType.CUDA, index)
        {
        }

        public static implicit operator Device(string description) => new(description);

        public override string ToString() =>
            type.ToString().ToLowerInvariant() + (index == -1 ? "" : ":" + index.ToString(CultureInfo.InvariantCulture));

        public override bool Equals(object? obj) => obj is Device other && other.type == type && other.index == index;

        public override int GetHashCode() => ((int)type * 397) ^ index;

        private static DeviceType Parse(string text)
        {
            foreach (DeviceType type in Enum.GetValues<DeviceType>())
                if (string.Equals(type.ToString(), text, StringComparison.OrdinalIgnoreCase)) return type;
            throw new ArgumentException(
                $"'{text}' is no device; expected one of {string.Join(", ", Enum.GetNames<DeviceType>().Select(n => n.ToLowerInvariant()))}", nameof(text));
        }
    }

    public static readonly Device CPU = new(DeviceType.CPU);
    public static Device CUDA { get; } = new(DeviceType.CUDA);
    public static readonly Device META = new(DeviceType.META);

    public static Device device(string description) => new(description);
    public static Device device(string deviceType, int index = -1) => new(deviceType, index);
    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);
    public static Device device(int index) => new(index);
}
