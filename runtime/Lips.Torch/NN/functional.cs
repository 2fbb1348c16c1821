using System;
using System.Linq;
using TorchSharp.Native;

namespace TorchSharp;

/// <summary>What stands beyond the edge of a padded input.</summary>
public enum PaddingModes { Zeros = 0, Reflect = 1, Replicate = 2, Circular = 3, Constant = 4 }

/// <summary>Padding by rule: none, or as much as keeps the size.</summary>
public enum Padding { Valid = 0, Same = 1 }

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction : long { None = 0, Mean = 1, Sum = 2 }

        /// <summary>What layers compute, without their state.</summary>
        public static partial class functional
        {
            /// <summary>input · weightsᵀ + bias over the last dimension; weights [out, in].</summary>
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Fused.Linear(input, weights, bias, 1) ?? Ops.linear.Call(input, weights, bias);

            // ---- activations ---------------------------------------------------------------------------------------

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_().alias() : x.relu();
            public static Tensor relu6(Tensor x, bool inplace = false) => inplace ? Ops.relu6_.InPlace(x, x).alias() : x.relu6();
            public static Tensor gelu(Tensor x) => Ops.gelu.Call(x);
            public static Tensor gelu(Tensor x, bool inplace) => gelu(x, Modules.GELU.Approximate.none, inplace);
            public static Tensor gelu(Tensor x, Modules.GELU.Approximate approximate, bool inplace = false) =>
                inplace ? Ops.gelu_.InPlace(x, x, approximate.ToString()).alias() : Ops.gelu.Call(x, approximate.ToString());
            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.silu_().alias() : x.silu();
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_().alias() : x.tanh();
            public static Tensor sigmoid(Tensor x) => x.sigmoid();
            public static Tensor sigmoid(Tensor x, bool inplace) => inplace ? x.sigmoid_().alias() : x.sigmoid();
            public static Tensor logsigmoid(Tensor x) => x.log_sigmoid();
            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) => inplace ? Ops.leaky_relu_.InPlace(input, input, negative_slope).alias() : input.leaky_relu(negative_slope);
            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => inplace ? Ops.elu_.InPlace(x, x, alpha).alias() : x.elu(alpha);
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => x.softplus(beta, threshold);
            public static Tensor hardtanh(Tensor x, double min_val = -1, double max_val = 1, bool inplace = false) => inplace ? Ops.hardtanh_.InPlace(x, x, min_val, max_val).alias() : x.hardtanh(min_val, max_val);
            public static Tensor glu(Tensor input, long dim = -1) => Ops.glu.Call(input, dim);
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            /// <summary>Zeroes each value with probability <paramref name="p"/> and scales the others by 1/(1 − p), while training.</summary>
            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Ops.dropout_.InPlace(input, input, p, training).alias() : Ops.dropout.Call(input, p, training);

            // ---- normalization -------------------------------------------------------------------------------------

            /// <summary>(x − mean)/√(var + eps)·weight + bias over the last dimensions; the variance is the biased one.</summary>
            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) =>
                input.device.type == DeviceType.META
                    ? ComposedLayerNorm(input, normalized_shape, weight, bias, eps)
                    : input.dtype == ScalarType.BFloat16 && (weight ?? bias)?.dtype == ScalarType.Float32
                        ? WidenedLayerNorm(input, normalized_shape, weight, bias, eps)
                        : Ops.layer_norm.Call(input, normalized_shape, weight, bias, eps);

            /// <summary>In the type of gain and bias, as autocast on CUDA has it; on the CPU libtorch before 2.0 takes no two types.</summary>
            private static Tensor WidenedLayerNorm(Tensor input, long[] normalized_shape, Tensor? weight, Tensor? bias, double eps)
            {
                using Tensor wide = input.to(ScalarType.Float32);
                return Ops.layer_norm.Call(wide, normalized_shape, weight, bias, eps);
            }

            /// <summary>Its definition: libtorch 1.13 has no layer_norm on the meta device.</summary>
            private static Tensor ComposedLayerNorm(Tensor input, long[] normalized_shape, Tensor? weight, Tensor? bias, double eps)
            {
                using DisposeScope scope = NewDisposeScope();
                long[] axes = Enumerable.Range(1, normalized_shape.Length).Select(i => -(long)i).ToArray();
                Tensor centred = input.sub(input.mean(axes, keepdim: true));
                Tensor y = centred.mul(centred.square().mean(axes, keepdim: true).add(eps).rsqrt());
                if (weight is not null) y = y.mul(weight);
                if (bias is not null) y = y.add(bias);
                return y.MoveToOuterDisposeScope();
            }

            public static Tensor group_norm(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) =>
                Ops.group_norm.Call(input, num_groups, weight, bias, eps);

            public static Tensor batch_norm(Tensor input, Tensor running_mean, Tensor running_var, Tensor? weight = null, Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1e-05) =>
                Ops.batch_norm.Call(input, weight, bias, running_mean, running_var, training, momentum, eps, true);

            /// <summary>x / max(‖x‖_p, eps) along <paramref name="dim"/>.</summary>
            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1, double eps = 1e-12)
            {
                using Tensor norm = Ops.norm__ScalarOpt_dim.Call(input, p, dim, true);
                using Tensor floored = norm.clamp_min(eps);
                return input.div(floored);
            }

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-08) => Ops.cosine_similarity.Call(x1, x2, dim, eps);

            // ---- convolution and pooling ---------------------------------------------------------------------------

            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) =>
                Ops.conv1d.Call(input, weight, bias, stride ?? 1, padding ?? 0, dilation ?? 1, groups);

            /// <param name="input">[batch, in, height, width]</param>
            /// <param name="weight">[out, in/groups, kernel height, kernel width]</param>
            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) =>
                Ops.conv2d.Call(input, weight, bias, strides ?? [1, 1], padding ?? [0, 0], dilation ?? [1, 1], groups);

            public static Tensor conv2d_padding(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, Padding padding = Padding.Valid, long[]? dilation = null, long groups = 1) =>
                Ops.conv2d__padding.Call(input, weight, bias, strides ?? [1, 1], padding == Padding.Same ? "same" : "valid", dilation ?? [1, 1], groups);

            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[]? stride = null, long[]? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                Ops.avg_pool2d.Call(input, kernel_size, stride ?? kernel_size, padding ?? [0, 0], ceil_mode, count_include_pad, divisor_override);

            public static Tensor avg_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(input, [kernel_size, kernel_size], [stride ?? kernel_size, stride ?? kernel_size], [padding, padding], ceil_mode, count_include_pad, divisor_override);

            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) =>
                Ops.max_pool2d.Call(input, kernel_size, strides ?? kernel_size, padding ?? [0, 0], dilation ?? [1, 1], ceil_mode);

            public static Tensor max_pool2d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                Ops.max_pool2d.Call(input, new[] { kernel_size, kernel_size }, stride ?? kernel_size, padding ?? 0, dilation ?? 1, ceil_mode);

            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size) => Ops.adaptive_avg_pool2d.Call(input, output_size);

            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => Ops.adaptive_avg_pool2d.Call(input, new[] { output_size, output_size });

            /// <summary>Patches as columns: [batch, channels·kernel², positions].</summary>
            public static Tensor unfold(Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                Ops.im2col.Call(input, new[] { kernel_size, kernel_size }, new[] { dilation, dilation }, new[] { padding, padding }, new[] { stride, stride });

            public static Tensor pixel_shuffle(Tensor input, long upscale_factor) => Ops.pixel_shuffle.Call(input, upscale_factor);

            public static Tensor pixel_unshuffle(Tensor input, long downscale_factor) => Ops.pixel_unshuffle.Call(input, downscale_factor);

            /// <param name="input">Any shape.</param>
            /// <param name="pad">Widths before and after, from the last dimension on.</param>
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => mode switch
            {
                PaddingModes.Constant or PaddingModes.Zeros => Ops.constant_pad_nd.Call(input, pad, mode == PaddingModes.Zeros ? 0.0 : value),
                _ => Ops.pad.Call(input, pad, mode.ToString().ToLowerInvariant()),
            };

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Ops.one_hot.Call(x, num_classes);

            // ---- attention -----------------------------------------------------------------------------------------

            /// <summary>
            /// softmax(Q Kᵀ/√d + mask) V by libtorch's fused kernel where it has one (2.0 and later), else composed of
            /// its definition.
            /// </summary>
            /// <param name="query">[…, L, d]</param>
            /// <param name="key">[…, S, d]</param>
            /// <param name="value">[…, S, v]</param>
            /// <param name="attn_mask">Added to the scores; if boolean, true takes part.</param>
            /// <param name="p">Dropout probability of the attention weights.</param>
            /// <param name="is_casual">Position i attends to positions up to i. (Spelled as TorchSharp spells it.)</param>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0, bool is_casual = false)
            {
                if (Ops.scaled_dot_product_attention.Exists) return Ops.scaled_dot_product_attention.Call(query, key, value, attn_mask, p, is_casual);
                if (is_casual && attn_mask is not null) throw new ArgumentException("give attn_mask or is_casual, not both");
                using DisposeScope scope = NewDisposeScope();
                Tensor scores = query.mul(1 / Math.Sqrt(query.size(-1))).matmul(key.transpose(-2, -1));
                if (is_casual)
                {
                    Tensor future = ones([query.size(-2), key.size(-2)], ScalarType.Bool, query.device).triu(1);
                    scores = scores.masked_fill(future, double.NegativeInfinity);
                }
                else if (attn_mask is not null)
                {
                    scores = attn_mask.dtype == ScalarType.Bool ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity) : scores.add(attn_mask);
                }
                Tensor weights = scores.softmax(-1);
                if (p > 0) weights = dropout(weights, p);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }

            // ---- losses --------------------------------------------------------------------------------------------

            /// <param name="input">Logits [batch, classes, …].</param>
            /// <param name="target">Class numbers [batch, …], int64; or probabilities in the shape of the input.</param>
            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0.0) =>
                Ops.cross_entropy_loss.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) => Ops.nll_loss_nd.Call(input, target, weight, (long)reduction, -100);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Ops.mse_loss.Call(input, target, (long)reduction);

            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Ops.l1_loss.Call(input, target, (long)reduction);

            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1.0) => Ops.smooth_l1_loss.Call(input, target, (long)reduction, beta);

            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1.0, Reduction reduction = Reduction.Mean) => Ops.huber_loss.Call(input, target, (long)reduction, delta);

            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) =>
                Ops.binary_cross_entropy_with_logits.Call(input, target, weight, pos_weights, (long)reduction);

            /// <summary>Kullback-Leibler divergence; the mean is over elements, as in torch.</summary>
            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) => Ops.kl_div.Call(input, target, (long)reduction, log_target);

            /// <param name="log_probs">[time, batch, classes]</param>
            /// <param name="targets">[batch, length], or all targets in one row.</param>
            public static Tensor ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, long blank = 0, bool zero_infinity = false, Reduction reduction = Reduction.Mean) =>
                Ops.ctc_loss__Tensor.Call(log_probs, targets, input_lengths, target_lengths, blank, (long)reduction, zero_infinity);
        }

        public static partial class utils
        {
            /// <summary>Scales all gradients by one factor so that their joint norm is at most <paramref name="max_norm"/>.</summary>
            /// <returns>The norm before.</returns>
            public static double clip_grad_norm_(System.Collections.Generic.IEnumerable<Modules.Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using IDisposable mode = no_grad();
                using DisposeScope scope = NewDisposeScope();
                var gradients = new System.Collections.Generic.List<Tensor>();
                foreach (Modules.Parameter parameter in tensors)
                    if (parameter.grad is { } gradient) gradients.Add(gradient);
                if (gradients.Count == 0) return 0;
                Tensor norms = stack(gradients.ConvertAll(g => linalg.vector_norm(g, norm_type).to(gradients[0].device)));
                double total = linalg.vector_norm(norms, norm_type).item<double>();
                double factor = max_norm / (total + 1e-6);
                if (factor < 1)
                    foreach (Tensor gradient in gradients) gradient.detach().mul_(factor);
                return total;
            }
        }
    }
}
