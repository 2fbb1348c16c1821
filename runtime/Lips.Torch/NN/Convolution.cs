using System;
using System.Linq;
using TorchSharp.Native;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>Cross-correlation with a bank of kernels.</summary>
    public abstract class Convolution : nn.Module<Tensor, Tensor>
    {
        private protected Convolution(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[] padding, Padding? padding_type, long[] dilation, PaddingModes padding_mode, long groups, bool bias, Device? device, ScalarType? dtype)
            : base(name)
        {
            if (groups <= 0 || in_channels % groups != 0 || out_channels % groups != 0)
                throw new ArgumentException($"groups = {groups} divides not both in_channels = {in_channels} and out_channels = {out_channels}");
            this.in_channels = in_channels;
            this.out_channels = out_channels;
            this.kernel_size = kernel_size;
            this.stride = stride;
            this.padding = padding;
            this.padding_type = padding_type;
            this.dilation = dilation;
            this.padding_mode = padding_mode;
            this.groups = groups;
            weight = new Parameter(empty([out_channels, in_channels / groups, .. kernel_size], dtype, device).DetachFromDisposeScope());
            if (bias) this.bias = new Parameter(empty([out_channels], dtype, device).DetachFromDisposeScope());
            reset_parameters();
        }

        public long in_channels { get; }

        public long out_channels { get; }

        public long[] kernel_size { get; set; }

        public long[] stride { get; set; }

        public long[] padding { get; }

        public Padding? padding_type { get; }

        public long[] dilation { get; set; }

        public PaddingModes padding_mode { get; set; }

        public long groups { get; set; }

        /// <summary>[out, in/groups, kernel…]</summary>
        public Parameter weight
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterParameter(nameof(weight), value);
            }
        }

        public Parameter? bias
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterParameter(nameof(bias), value);
            }
        }

        public void reset_parameters()
        {
            nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
            if (bias is null) return;
            double bound = 1 / Math.Sqrt(weight.numel() / (double)out_channels);
            nn.init.uniform_(bias, -bound, bound);
        }

        private protected Tensor Apply(Tensor input, Op operation, Op byRule)
        {
            if (padding_type is { } rule && padding_mode == PaddingModes.Zeros)
                return byRule.Call(input, weight, bias, stride, rule == Padding.Same ? "same" : "valid", dilation, groups);
            if (padding_mode == PaddingModes.Zeros) return operation.Call(input, weight, bias, stride, padding, dilation, groups);
            long[] around = Around();
            using Tensor padded = nn.functional.pad(input, around, padding_mode);
            return operation.Call(padded, weight, bias, stride, new long[kernel_size.Length], dilation, groups);
        }

        /// <summary>Widths before and after each dimension, the last dimension first.</summary>
        private long[] Around()
        {
            var widths = new long[2 * kernel_size.Length];
            for (int i = 0; i < kernel_size.Length; i++)
            {
                int from = kernel_size.Length - 1 - i;
                long total = padding_type == Padding.Same ? dilation[from] * (kernel_size[from] - 1) : padding_type == Padding.Valid ? 0 : 2 * padding[from];
                widths[2 * i] = total / 2;
                widths[(2 * i) + 1] = total - (total / 2);
            }
            return widths;
        }
    }

    /// <summary>Over [batch, channels, length].</summary>
    public sealed class Conv1d : Convolution
    {
        internal Conv1d(long i, long o, long k, long s, long p, Padding? rule, long d, PaddingModes mode, long g, bool b, Device? device, ScalarType? dtype)
            : base(nameof(Conv1d), i, o, [k], [s], [p], rule, [d], mode, g, b, device, dtype)
        {
        }

        public override Tensor forward(Tensor input) => Apply(input, Ops.conv1d, Ops.conv1d__padding);
    }

    /// <summary>Over [batch, channels, height, width].</summary>
    public sealed class Conv2d : Convolution
    {
        internal Conv2d(long i, long o, (long, long) k, (long, long) s, (long, long) p, Padding? rule, (long, long) d, PaddingModes mode, long g, bool b, Device? device, ScalarType? dtype)
            : base(nameof(Conv2d), i, o, [k.Item1, k.Item2], [s.Item1, s.Item2], [p.Item1, p.Item2], rule, [d.Item1, d.Item2], mode, g, b, device, dtype)
        {
        }

        public override Tensor forward(Tensor input) => Apply(input, Ops.conv2d, Ops.conv2d__padding);
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, kernel_size, stride, padding, null, dilation, padding_mode, groups, bias, device, dtype);

            public static Conv1d Conv1d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, kernel_size, stride, 0, padding, dilation, padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, (kernel_size, kernel_size), (stride, stride), (padding, padding), null, (dilation, dilation), padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, kernel_size, stride ?? (1, 1), padding ?? (0, 0), null, dilation ?? (1, 1), padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, (kernel_size, kernel_size), (stride, stride), (0, 0), padding, (dilation, dilation), padding_mode, groups, bias, device, dtype);
        }
    }
}
