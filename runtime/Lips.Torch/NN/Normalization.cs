using System;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>(x − mean)/√(var + eps)·weight + bias over the last dimensions.</summary>
    public sealed class LayerNorm : nn.Module<Tensor, Tensor>
    {
        internal LayerNorm(long[] normalized_shape, double eps, bool elementwise_affine, bool bias, Device? device, ScalarType? dtype) : base(nameof(LayerNorm))
        {
            this.normalized_shape = normalized_shape;
            this.eps = eps;
            this.elementwise_affine = elementwise_affine;
            if (!elementwise_affine) return;
            weight = new Parameter(ones(normalized_shape, dtype, device).DetachFromDisposeScope());
            if (bias) this.bias = new Parameter(zeros(normalized_shape, dtype, device).DetachFromDisposeScope());
        }

        public long[] normalized_shape { get; set; }

        public double eps { get; set; }

        public bool elementwise_affine { get; set; }

        public Parameter? weight
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

        public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, normalized_shape, weight, bias, eps);

        public void reset_parameters()
        {
            if (weight is not null) nn.init.ones_(weight);
            if (bias is not null) nn.init.zeros_(bias);
        }
    }

    /// <summary>A normalization per channel with running statistics.</summary>
    public abstract class NormBase : nn.Module<Tensor, Tensor>
    {
        private protected NormBase(long num_features, double eps, double? momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype, string name) : base(name)
        {
            this.num_features = num_features;
            this.eps = eps;
            this.momentum = momentum;
            this.affine = affine;
            this.track_running_stats = track_running_stats;
            if (affine)
            {
                weight = new Parameter(ones([num_features], dtype, device).DetachFromDisposeScope());
                bias = new Parameter(zeros([num_features], dtype, device).DetachFromDisposeScope());
            }
            if (!track_running_stats) return;
            running_mean = zeros([num_features], dtype, device).DetachFromDisposeScope();
            running_var = ones([num_features], dtype, device).DetachFromDisposeScope();
            num_batches_tracked = zeros([], ScalarType.Int64, device).DetachFromDisposeScope();
        }

        public long num_features { get; }

        public double eps { get; set; }

        public double? momentum { get; set; }

        public bool affine { get; }

        public bool track_running_stats { get; }

        public Parameter? weight
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

        public Tensor? running_mean
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterBuffer(nameof(running_mean), value);
            }
        }

        public Tensor? running_var
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterBuffer(nameof(running_var), value);
            }
        }

        public Tensor? num_batches_tracked
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterBuffer(nameof(num_batches_tracked), value);
            }
        }

        /// <exception cref="ArgumentException">The input has the wrong number of dimensions.</exception>
        protected abstract void ValidateInputDimensions(Tensor input);
    }

    /// <summary>Normalization by the batch's statistics while training, by the running ones otherwise.</summary>
    public abstract class BatchNorm : NormBase
    {
        private protected BatchNorm(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype, string name)
            : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, name)
        {
        }

        public override Tensor forward(Tensor input)
        {
            ValidateInputDimensions(input);
            if (training && num_batches_tracked is not null)
            {
                using IDisposable mode = no_grad();
                num_batches_tracked.add_(1);
            }
            return nn.functional.batch_norm(input, running_mean!, running_var!, weight, bias, training || running_mean is null, momentum ?? 0.1, eps);
        }
    }

    /// <summary>Over batch, height and width.</summary>
    public sealed class BatchNorm2d : BatchNorm
    {
        internal BatchNorm2d(long num_features, double eps, double momentum, bool affine, bool track_running_stats, Device? device, ScalarType? dtype)
            : base(num_features, eps, momentum, affine, track_running_stats, device, dtype, nameof(BatchNorm2d))
        {
        }

        protected override void ValidateInputDimensions(Tensor input)
        {
            if (input.ndim != 4) throw new ArgumentException($"BatchNorm2d takes [batch, channels, height, width], not {input.ndim} dimensions");
        }
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static LayerNorm LayerNorm(long[] normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

            public static LayerNorm LayerNorm(long normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new([normalized_shape], eps, elementwise_affine, bias, device, dtype);

            public static BatchNorm2d BatchNorm2d(long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);
        }
    }
}
