using TorchSharp.Native;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>Rows of a table, by number.</summary>
    public sealed class Embedding : nn.Module<Tensor, Tensor>
    {
        private readonly long padding;
        private readonly bool scaleByFrequency;

        internal Embedding(Parameter table, long? padding_idx, bool scale_grad_by_freq) : base(nameof(Embedding))
        {
            weight = table;
            padding = padding_idx ?? -1;
            scaleByFrequency = scale_grad_by_freq;
        }

        /// <summary>[num_embeddings, embedding_dims]</summary>
        public Parameter? weight
        {
            get;
            set
            {
                field = value;
                ConditionallyRegisterParameter(nameof(weight), value);
            }
        }

        /// <param name="input">Row numbers of any shape, int64 or int32.</param>
        /// <returns>The input's shape with embedding_dims appended.</returns>
        public override Tensor forward(Tensor input) => Ops.embedding.Call(weight, input, padding, scaleByFrequency, false);
    }
}

namespace TorchSharp
{
    using System;
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>Rows drawn from N(0, 1); the padding row is zero and gets no gradient.</summary>
            /// <exception cref="NotSupportedException">max_norm or sparse gradients, which this provider lacks.</exception>
            public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null)
            {
                if (max_norm is not null || sparse) throw new NotSupportedException("Embedding: max_norm and sparse gradients are not supported by the provider 'system'");
                Tensor table = init.normal_(empty([num_embeddings, embedding_dims], dtype, device).DetachFromDisposeScope());
                if (padding_idx is { } row)
                {
                    using Tensor padding = table.select(0, row);
                    padding.zero_();
                }
                return new Embedding(new Parameter(table), padding_idx, scale_grad_by_freq);
            }
        }
    }
}
