using System;
using System.Collections.Generic;
using TorchSharp;
using TorchSharp.Native;

namespace Lips.Runtime.Torch;

/// <summary>
/// What libtorch offers and the TorchSharp API does not. This file stands where the provider is Lips.Torch over an
/// installed libtorch; <c>TorchExtras.Package.cs</c> has the same members for the TorchSharp packages.
/// </summary>
public static class TorchExtras
{
    /// <summary>Whether the features of this class exist; without them each member says which provider lacks what.</summary>
    public static bool IsSupported => true;

    /// <summary><c>system</c> or <c>package</c>.</summary>
    public static string ProviderName => "system";

    /// <summary>Version of the libtorch that computes, such as 1.13.1.</summary>
    public static string LibtorchVersion => NativeMethods.Version;

    /// <summary>The library that multiplies matrices; empty when it is not one of the fast ones.</summary>
    public static string BlasName => NativeMethods.Blas;

    /// <summary>Whether matrix products run on the reference BLAS, some ten times slower than OpenBLAS.</summary>
    public static bool IsReferenceBlas => BlasName.Length == 0;

    /// <summary>State of a device's random generator, a byte tensor on the CPU.</summary>
    public static torch.Tensor GetRngState(torch.Device device)
    {
        using torch.Generator generator = torch.Generator.OfDevice(device);
        return generator.get_state();
    }

    /// <summary>Restores what <see cref="GetRngState"/> gave; what is drawn afterwards repeats bit by bit.</summary>
    public static void SetRngState(torch.Device device, torch.Tensor state)
    {
        using torch.Generator generator = torch.Generator.OfDevice(device);
        generator.set_state(state);
    }

    /// <summary>Bytes that tensors on a CUDA device hold now; 0 for the CPU, where torch does not count.</summary>
    public static long MemoryAllocated(torch.Device device) => Memory(device).Allocated;

    /// <summary>The most bytes held at once since the start or <see cref="ResetPeakMemory"/>.</summary>
    public static long PeakMemoryAllocated(torch.Device device) => Memory(device).Peak;

    /// <summary>Bytes the CUDA caching allocator holds, in use or not.</summary>
    public static long MemoryReserved(torch.Device device) => Memory(device).Reserved;

    public static void ResetPeakMemory(torch.Device device)
    {
        if (device.type == DeviceType.CUDA) NativeMethods.Check(NativeMethods.lips_cuda_reset_peak(device.index));
    }

    /// <summary>Whether CUDA graphs can be captured: where the native library was compiled with CUDA.</summary>
    public static bool CudaGraphsSupported => CudaGraph.IsSupported;

    /// <summary>Whether processes can exchange tensors on a kind of device: c10d's Gloo on the CPU, its NCCL on CUDA devices.</summary>
    public static bool DistributedSupports(DeviceType device) => (NativeMethods.lips_distributed() & (device == DeviceType.CUDA ? 2 : 1)) != 0;

    /// <summary>Whether processes can exchange tensors at all.</summary>
    public static bool DistributedSupported => DistributedSupports(DeviceType.CPU);

    /// <summary>Whether <see cref="SetBackward"/> exists.</summary>
    public static bool CallersGraphSupported => true;

    /// <summary>
    /// Gives a value that was computed without a graph a backward pass: when its gradient arrives, <paramref name="backward"/> turns
    /// it into those of <paramref name="inputs"/>, in their order (null: none). It may reach further weights by a backward pass of
    /// its own. It runs once, and <paramref name="release"/> once at the latest when the graph is freed, both on a thread of autograd's.
    /// </summary>
    public static void SetBackward(torch.Tensor value, IList<torch.Tensor> inputs, Func<torch.Tensor, IReadOnlyList<torch.Tensor?>> backward, Action release) =>
        CallersGraph.Attach(value, inputs, backward, release);

    // ---- parts of a network in fewer passes over memory; null (or false) where their composed form is to be used ----------------

    /// <summary>
    /// The part of softmax attention between the projections: softmax(scale·q·kᵀ)·v in every head, with its gradient, on the CPU. Nothing
    /// of length × length is kept.
    /// </summary>
    /// <param name="qkv">[batch, length, 3·width]: q, k and v side by side, each with its heads side by side.</param>
    /// <param name="cosine">[length, channels/2], turns queries and keys by their position; null: nothing does.</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <returns>[batch, length, width]</returns>
    public static torch.Tensor? Attention(torch.Tensor qkv, torch.Tensor? cosine, torch.Tensor? sine, long heads, double scale, bool causal) =>
        Fused.Attention(qkv, cosine, sine, heads, scale, causal);

    /// <summary>
    /// Queries, keys and values out of one product, on any device: the first two turned by their position, their gradients written into
    /// one tensor and not added up from slices.
    /// </summary>
    /// <param name="all">[batch, length, (heads + 2·keyHeads)·head width]: queries, then keys, then values, each with its heads side by side.</param>
    /// <param name="cosine">[length, channels/2]</param>
    /// <param name="sine">As <paramref name="cosine"/>.</param>
    /// <returns>Each [batch, length, its heads, head width].</returns>
    public static (torch.Tensor Queries, torch.Tensor Keys, torch.Tensor Values)? TurnedHeads(torch.Tensor all, torch.Tensor cosine, torch.Tensor sine, long heads, long keyHeads) =>
        Fused.Heads(all, cosine, sine, heads, keyHeads);

    /// <summary>Whether <see cref="DotProductAttention"/> is to be used: on CUDA devices, from libtorch 2.1 on, which has a scale for it.</summary>
    public static bool FusesAttention(torch.Device device) => device.type == DeviceType.CUDA && HasDotProductAttention;

    /// <summary>
    /// softmax(scale·q·kᵀ + mask)·v of [batch, heads, length, head width], by libtorch's fused kernels where they take it: nothing of
    /// length × length is made. They have a first derivative alone.
    /// </summary>
    /// <param name="mask">Of a shape that expands to [batch, heads, queries, keys]: true where a key is seen, or numbers to be added. Null where <paramref name="causal"/>.</param>
    public static torch.Tensor DotProductAttention(torch.Tensor q, torch.Tensor k, torch.Tensor v, torch.Tensor? mask, double scale, bool causal) =>
        Ops.scaled_dot_product_attention.Call(q, k, v, mask, 0.0, causal, scale);

    /// <summary>Whether <see cref="DotProductAttention"/> is there.</summary>
    public static bool HasDotProductAttention => ScaledAttention.Value;

    private static readonly Lazy<bool> ScaledAttention = new(() => IsAtLeast(2, 1) && Ops.scaled_dot_product_attention.Exists);

    /// <summary>
    /// bias + gain·x·weightᵀ over the last axis. On the CPU the gain is within the product, and of an x that is gelu(u), u is kept for the backward
    /// pass, which computes x again; elsewhere the gain is the weight's where that is the smaller of the two. Null also for a layer with
    /// hooks, which are its call's.
    /// </summary>
    public static torch.Tensor? Linear(TorchSharp.Modules.Linear layer, torch.Tensor x, double gain)
    {
        if (layer.Hooked) return null;
        if (Fused.Linear(x, layer.weight, layer.bias, gain) is { } product) return product;
        if (gain == 1 || x.numel() <= layer.weight.numel()) return null;
        using torch.Tensor weight = layer.weight.mul(gain);
        return torch.nn.functional.linear(x, weight, layer.bias);
    }

    /// <summary>keep·a + share·b, of one shape. Elsewhere than on the CPU only where the factors sum to 1.</summary>
    public static torch.Tensor? Mix(torch.Tensor a, double keep, torch.Tensor b, double share) =>
        Fused.Mix(a, keep, b, share) ?? (Math.Abs(keep + share - 1) <= 1e-15 && a.dtype == b.dtype ? Ops.lerp__Scalar.Call(a, b, share) : null);

    /// <summary>
    /// The mean cross-entropy of logits [n, classes] whose gradient is made at once, in their own memory where it can be: they must not be
    /// read afterwards, and there is one backward pass and no second derivative.
    /// </summary>
    public static torch.Tensor? ConsumingCrossEntropy(torch.Tensor logits, torch.Tensor target, long ignored) => Fused.CrossEntropy(logits, target, ignored, consumes: true);

    /// <summary>
    /// mᵢ ← β₁·mᵢ + (1 − β₁)·gᵢ, sᵢ ← β₂·sᵢ + (1 − β₂)·gᵢ², valueᵢ ← kept·valueᵢ − rate·mᵢ/(√sᵢ·root + ε), in one pass.
    /// </summary>
    public static bool AdamW(torch.Tensor[] values, torch.Tensor[] gradients, torch.Tensor[] first, torch.Tensor[] second, double kept, double beta1, double beta2, double root, double epsilon, double rate) =>
        Fused.AdamW(values, gradients, first, second, kept, beta1, beta2, root, epsilon, rate);

    /// <summary>Whether libtorch has AdamW as one kernel that reads rate and step in memory: on CUDA devices since 2.1, on the CPU since 2.4.</summary>
    public static bool HasFusedAdamW(DeviceType device) =>
        Ops._fused_adamw___tensor_lr.Exists && (device == DeviceType.CUDA || (device == DeviceType.CPU && IsAtLeast(2, 4)));

    /// <summary>
    /// libtorch's own kernel: mᵢ ← β₁·mᵢ + (1 − β₁)·gᵢ, sᵢ ← β₂·sᵢ + (1 − β₂)·gᵢ², valueᵢ ← (1 − rate·decay)·valueᵢ − rate/(1 − β₁ⁿ)·mᵢ/(√sᵢ/√(1 − β₂ⁿ) + ε),
    /// with rate and n = step as float32 scalars on the tensors' device.
    /// </summary>
    /// <returns>Whether it was done: it takes float32 tensors of which value, gradient and moments lie in memory alike.</returns>
    public static bool AdamW(torch.Tensor[] values, torch.Tensor[] gradients, torch.Tensor[] first, torch.Tensor[] second, torch.Tensor rate, torch.Tensor step, double beta1, double beta2, double decay, double epsilon)
    {
        if (values.Length == 0 || !HasFusedAdamW(values[0].device_type))
            return false;
        for (int i = 0; i < values.Length; i++)
            if (!LieAlike(values[i], gradients[i]) || !LieAlike(values[i], first[i]) || !LieAlike(values[i], second[i]))
                return false;
        // the kernel reads a step for each tensor, and writes none
        var steps = new torch.Tensor[values.Length];
        Array.Fill(steps, step);
        Ops._fused_adamw___tensor_lr.Run(Arg.List(values), Arg.List(gradients), Arg.List(first), Arg.List(second), Arg.List([]), Arg.List(steps), rate, beta1, beta2, decay, epsilon, false, false);
        return true;

        static bool LieAlike(torch.Tensor a, torch.Tensor b) =>
            a.dtype == torch.ScalarType.Float32 && b.dtype == torch.ScalarType.Float32 && a.numel() > 0
            && ((a.is_contiguous() && b.is_contiguous()) || (a.stride().AsSpan().SequenceEqual(b.stride()) && IsDense(a)));

        // a transposed matrix is, a part of one need not be
        static bool IsDense(torch.Tensor a)
        {
            if (a.dim() != 2)
                return false;
            using var transposed = a.mT;
            return transposed.is_contiguous();
        }
    }

    private static bool IsAtLeast(int major, int minor) =>
        Version.TryParse(LibtorchVersion.Split('+', 'a')[0], out var version) && version >= new Version(major, minor);

    // ---- updates of many tensors in one call each ----------------------------------------------------------------------

    /// <summary>selfᵢ += alpha·otherᵢ.</summary>
    public static void ForeachAdd_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> other, double alpha = 1) =>
        Ops._foreach_add___List.Run(Arg.List(self), Arg.List(other), alpha);

    /// <summary>selfᵢ *= factor.</summary>
    public static void ForeachMul_(IReadOnlyList<torch.Tensor> self, double factor) => Ops._foreach_mul___Scalar.Run(Arg.List(self), factor);

    /// <summary>Whether <see cref="ForeachMul_(IReadOnlyList{torch.Tensor}, torch.Tensor)"/> exists: since libtorch 2.1.</summary>
    public static bool HasForeachOfScalarTensor => Ops._foreach_mul___Tensor.Exists;

    /// <summary>selfᵢ *= factor, a scalar on their device.</summary>
    public static void ForeachMul_(IReadOnlyList<torch.Tensor> self, torch.Tensor factor) => Ops._foreach_mul___Tensor.Run(Arg.List(self), factor);

    /// <summary>selfᵢ *= otherᵢ.</summary>
    public static void ForeachMul_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> other) => Ops._foreach_mul___List.Run(Arg.List(self), Arg.List(other));

    /// <summary>selfᵢ += number.</summary>
    public static void ForeachAdd_(IReadOnlyList<torch.Tensor> self, double number) => Ops._foreach_add___Scalar.Run(Arg.List(self), number);

    /// <summary>selfᵢ += value·tensor1ᵢ·tensor2ᵢ.</summary>
    public static void ForeachAddcmul_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> tensor1, IReadOnlyList<torch.Tensor> tensor2, double value) =>
        Ops._foreach_addcmul___Scalar.Run(Arg.List(self), Arg.List(tensor1), Arg.List(tensor2), value);

    /// <summary>selfᵢ += value·tensor1ᵢ/tensor2ᵢ.</summary>
    public static void ForeachAddcdiv_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> tensor1, IReadOnlyList<torch.Tensor> tensor2, double value) =>
        Ops._foreach_addcdiv___Scalar.Run(Arg.List(self), Arg.List(tensor1), Arg.List(tensor2), value);

    /// <summary>√selfᵢ, new tensors.</summary>
    public static torch.Tensor[] ForeachSqrt(IReadOnlyList<torch.Tensor> self) => Ops._foreach_sqrt.CallList(Arg.List(self));

    /// <summary>The ℓ2 norm of each tensor, as scalars on its device.</summary>
    public static torch.Tensor[] ForeachNorm(IReadOnlyList<torch.Tensor> self) => Ops._foreach_norm__Scalar.CallList(Arg.List(self), 2.0);

    /// <summary>result ← beta·result + alpha·a·b for batches of matrices; the result may be a part of a larger tensor. A beta of 0 reads nothing.</summary>
    public static void MultiplyInto(torch.Tensor result, torch.Tensor a, torch.Tensor b, double beta = 0, double alpha = 1)
    {
        if (Fused.MultiplyInto(result, a, b, beta, alpha)) return;
        // ATen's loop for the smallest matrices multiplies what is there by 0, which keeps a NaN
        if (beta == 0 && a.shape[1] * a.shape[2] * b.shape[2] < 1000) result.zero_();
        Ops.baddbmm_.InPlace(result, result, a, b, beta, alpha);
    }

    /// <summary>result ← alpha·a·b for batches of float32 matrices on the CPU whose products are known to be symmetric: half of the work.</summary>
    /// <returns>Whether it was done; false elsewhere and for others.</returns>
    public static bool SymmetricProduct(torch.Tensor result, torch.Tensor a, torch.Tensor b, double alpha) => Fused.SymmetricProduct(result, a, b, alpha);

    /// <summary>A copy in memory that CUDA devices read by themselves, while the processor does something else.</summary>
    public static torch.Tensor Pinned(torch.Tensor tensor) => Ops.pin_memory.Call(tensor);

    /// <summary>Whether this thread's reads of values fail, as they do while a device records: for what stands in for one.</summary>
    internal static bool ReadsAreRefused
    {
        get => torch.Tensor.ReadsAreRefused;
        set => torch.Tensor.ReadsAreRefused = value;
    }

    private static unsafe (long Allocated, long Peak, long Reserved) Memory(torch.Device device)
    {
        if (device.type != DeviceType.CUDA) return default;
        long allocated, peak, reserved;
        NativeMethods.Check(NativeMethods.lips_cuda_memory(device.index, &allocated, &peak, &reserved));
        return (allocated, peak, reserved);
    }
}
