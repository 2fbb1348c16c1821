using System;
using TorchSharp.Modules;

namespace TorchSharp.Modules
{
    /// <summary>y = x Wᵀ + b.</summary>
    public sealed class Linear : torch.nn.Module<torch.Tensor, torch.Tensor>
    {
        internal Linear(Parameter weight, Parameter? bias) : base(nameof(Linear))
        {
            this.weight = weight;
            this.bias = bias;
            in_features = weight.size(1);
            out_features = weight.size(0);
        }

        /// <summary>[out_features, in_features]</summary>
        public Parameter weight
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterParameter(nameof(weight), value);
            }
        }

        /// <summary>[out_features], or null.</summary>
        public Parameter? bias
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterParameter(nameof(bias), value);
            }
        }

        public long in_features { get; set; }

        public long out_features { get; set; }

        public override torch.Tensor forward(torch.Tensor input) => torch.nn.functional.linear(input, weight, bias);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>Weights and bias uniform in ±1/√inputSize, as PyTorch initializes them.</summary>
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null)
            {
                Tensor weight = empty([outputSize, inputSize], dtype, device).DetachFromDisposeScope();
                Tensor? bias = hasBias ? empty([outputSize], dtype, device).DetachFromDisposeScope() : null;
                init.kaiming_uniform_(weight, Math.Sqrt(5));
                if (bias is not null) init.uniform_(bias, -1 / Math.Sqrt(inputSize), 1 / Math.Sqrt(inputSize));
                return new Linear(new Parameter(weight), bias is null ? null : new Parameter(bias));
            }

            public static Linear Linear(Parameter weight, Parameter? bias = null) => new(weight, bias);
        }
    }
}
