using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using TorchSharp;

namespace Lips.Runtime.Torch;

/// <summary>What libtorch offers and the TorchSharp packages do not expose. <c>TorchExtras.System.cs</c> has it.</summary>
public static class TorchExtras
{
    public static bool IsSupported => false;

    public static string ProviderName => "package";

    /// <summary>The libtorch that this TorchSharp release is built for.</summary>
    public static string LibtorchVersion => "2.10.0";

    /// <summary>The packages ship libtorch with MKL.</summary>
    public static string BlasName => "MKL";

    public static bool IsReferenceBlas => false;

    /// <summary>Of the CPU; TorchSharp reads no other generator.</summary>
    public static torch.Tensor GetRngState(torch.Device device) =>
        device.type == DeviceType.CPU ? torch.get_rng_state() : throw Missing("the random state of " + device.type);

    public static void SetRngState(torch.Device device, torch.Tensor state)
    {
        if (device.type != DeviceType.CPU) throw Missing("the random state of " + device.type);
        torch.set_rng_state(state);
    }

    public static long MemoryAllocated(torch.Device device) => device.type == DeviceType.CPU ? 0 : throw Missing();

    public static long PeakMemoryAllocated(torch.Device device) => device.type == DeviceType.CPU ? 0 : throw Missing();

    public static long MemoryReserved(torch.Device device) => device.type == DeviceType.CPU ? 0 : throw Missing();

    public static void ResetPeakMemory(torch.Device device)
    {
        if (device.type != DeviceType.CPU) throw Missing();
    }

    public static bool CudaGraphsSupported => false;

    public static bool DistributedSupported => false;

    public static bool DistributedSupports(DeviceType device) => false;

    public static bool CallersGraphSupported => false;

    public static void SetBackward(torch.Tensor value, IList<torch.Tensor> inputs, Func<torch.Tensor, IReadOnlyList<torch.Tensor?>> backward, Action release) => throw Missing();

    public static torch.Tensor? Attention(torch.Tensor qkv, torch.Tensor? cosine, torch.Tensor? sine, long heads, double scale, bool causal) => null;

    public static (torch.Tensor Queries, torch.Tensor Keys, torch.Tensor Values)? TurnedHeads(torch.Tensor all, torch.Tensor cosine, torch.Tensor sine, long heads, long keyHeads) => null;

    public static bool HasDotProductAttention => true;

    public static bool FusesAttention(torch.Device device) => device.type == DeviceType.CUDA && HasDotProductAttention;

    /// <summary>The packages' scale is 1/√(head width): the queries take the rest.</summary>
    public static torch.Tensor DotProductAttention(torch.Tensor q, torch.Tensor k, torch.Tensor v, torch.Tensor? mask, double scale, bool causal) =>
        torch.nn.functional.scaled_dot_product_attention(q.mul(scale * Math.Sqrt(q.shape[^1])), k, v, attn_mask: mask!, is_casual: causal);

    public static torch.Tensor? Linear(TorchSharp.Modules.Linear layer, torch.Tensor x, double gain) => null;

    public static torch.Tensor? Mix(torch.Tensor a, double keep, torch.Tensor b, double share) => null;

    public static torch.Tensor? ConsumingCrossEntropy(torch.Tensor logits, torch.Tensor target, long ignored) => null;

    public static bool AdamW(torch.Tensor[] values, torch.Tensor[] gradients, torch.Tensor[] first, torch.Tensor[] second, double kept, double beta1, double beta2, double root, double epsilon, double rate) => false;

    public static bool HasFusedAdamW(DeviceType device) => false;

    public static bool AdamW(torch.Tensor[] values, torch.Tensor[] gradients, torch.Tensor[] first, torch.Tensor[] second, torch.Tensor rate, torch.Tensor step, double beta1, double beta2, double decay, double epsilon) => false;

    public static bool HasForeachOfScalarTensor => false;

    public static void ForeachMul_(IReadOnlyList<torch.Tensor> self, torch.Tensor factor) => throw Missing();

    public static void ForeachAdd_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> other, double alpha = 1) => throw Missing();

    public static void ForeachMul_(IReadOnlyList<torch.Tensor> self, double factor) => throw Missing();

    public static void ForeachMul_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> other) => throw Missing();

    public static void ForeachAdd_(IReadOnlyList<torch.Tensor> self, double number) => throw Missing();

    public static void ForeachAddcmul_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> tensor1, IReadOnlyList<torch.Tensor> tensor2, double value) => throw Missing();

    public static void ForeachAddcdiv_(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> tensor1, IReadOnlyList<torch.Tensor> tensor2, double value) => throw Missing();

    public static torch.Tensor[] ForeachSqrt(IReadOnlyList<torch.Tensor> self) => throw Missing();

    public static torch.Tensor[] ForeachNorm(IReadOnlyList<torch.Tensor> self) => throw Missing();

    /// <summary>result ← beta·result + alpha·a·b for batches of matrices. A beta of 0 reads nothing.</summary>
    public static void MultiplyInto(torch.Tensor result, torch.Tensor a, torch.Tensor b, double beta = 0, double alpha = 1)
    {
        using var product = beta == 0 ? a.bmm(b).mul_(alpha) : a.baddbmm(b, result, (float)beta, (float)alpha);
        result.copy_(product);
    }

    public static bool SymmetricProduct(torch.Tensor result, torch.Tensor a, torch.Tensor b, double alpha) => false;

    public static torch.Tensor Pinned(torch.Tensor tensor) => tensor.alias();

    internal static bool ReadsAreRefused { get; set; }

    private static NotSupportedException Missing([CallerMemberName] string feature = "") =>
        new($"the TorchSharp packages (provider 'package') lack {feature}; build with TorchProvider=system for it");
}
