using System;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Initial values, written into a tensor in place; no gradient is recorded.</summary>
        public static partial class init
        {
            public enum FanInOut { FanIn = 0, FanOut = 1 }

            public enum NonlinearityType { Linear = 0, Conv1D = 1, Conv2D = 2, Conv3D = 3, ConvTranspose1D = 4, ConvTranspose2D = 5, ConvTranspose3D = 6, Sigmoid = 7, Tanh = 8, ReLU = 9, LeakyReLU = 10 }

            public static Tensor constant_(Tensor tensor, Scalar val) => Quietly(tensor, t => t.fill_(val));

            public static Tensor zeros_(Tensor tensor) => Quietly(tensor, t => t.zero_());

            public static Tensor ones_(Tensor tensor) => Quietly(tensor, t => t.fill_(1));

            public static Tensor eye_(Tensor tensor) => Quietly(tensor, t =>
            {
                using Tensor identity = eye(t.size(0), t.size(1), t.dtype, t.device);
                t.copy_(identity);
            });

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator? generator = null) => Quietly(tensor, t => t.normal_(mean, std, generator));

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator? generator = null) => Quietly(tensor, t => t.uniform_(low, high, generator));

            /// <summary>A normal distribution cut to [<paramref name="a"/>, <paramref name="b"/>] by the inverse of its cumulative function.</summary>
            public static Tensor trunc_normal_(Tensor tensor, double mean = 0, double std = 1, double a = -2, double b = 2, Generator? generator = null) => Quietly(tensor, t =>
            {
                double low = Cumulative((a - mean) / std), high = Cumulative((b - mean) / std);
                t.uniform_((2 * low) - 1, (2 * high) - 1, generator).erfinv_().mul_(std * Math.Sqrt(2)).add_(mean).clamp_(a, b);
            });

            public static Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                double bound = Math.Sqrt(3) * calculate_gain(nonlinearity, a) / Math.Sqrt(Fan(tensor, mode));
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor kaiming_normal_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, calculate_gain(nonlinearity, a) / Math.Sqrt(Fan(tensor, mode)));

            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1)
            {
                (long fanIn, long fanOut) = CalculateFanInAndFanOut(tensor);
                double bound = gain * Math.Sqrt(6.0 / (fanIn + fanOut));
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor xavier_normal_(Tensor tensor, double gain = 1)
            {
                (long fanIn, long fanOut) = CalculateFanInAndFanOut(tensor);
                return normal_(tensor, 0, gain * Math.Sqrt(2.0 / (fanIn + fanOut)));
            }

            /// <summary>A (semi-)orthogonal matrix times <paramref name="gain"/>; dimensions after the first count as one.</summary>
            public static Tensor orthogonal_(Tensor tensor, double gain = 1) => Quietly(tensor, t =>
            {
                using DisposeScope scope = NewDisposeScope();
                long rows = t.size(0), columns = t.numel() / rows;
                Tensor flat = randn([rows, columns], t.dtype, t.device);
                (Tensor q, Tensor r) = linalg.qr(rows < columns ? flat.t() : flat);
                q = q.mul(r.diagonal().sign());
                t.copy_((rows < columns ? q.t() : q).reshape(t.shape)).mul_(gain);
            });

            public static (long fanIn, long fanOut) CalculateFanInAndFanOut(Tensor tensor)
            {
                long[] shape = tensor.shape;
                if (shape.Length < 2) throw new ArgumentException("fan in and fan out need at least two dimensions");
                long field = 1;
                for (int i = 2; i < shape.Length; i++) field *= shape[i];
                return (shape[1] * field, shape[0] * field);
            }

            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3,
                NonlinearityType.ReLU => Math.Sqrt(2),
                NonlinearityType.LeakyReLU => Math.Sqrt(2 / (1 + (param * param))),
                _ => 1,
            };

            private static long Fan(Tensor tensor, FanInOut mode)
            {
                (long fanIn, long fanOut) = CalculateFanInAndFanOut(tensor);
                return mode == FanInOut.FanIn ? fanIn : fanOut;
            }

            private static double Cumulative(double x)
            {
                using Tensor value = tensor(x / Math.Sqrt(2));
                return (1 + value.erf_().item<double>()) / 2;
            }

            private static Tensor Quietly(Tensor tensor, Action<Tensor> body)
            {
                using IDisposable mode = no_grad();
                body(tensor);
                return tensor;
            }
        }
    }
}
