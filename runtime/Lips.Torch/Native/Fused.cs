using System;

namespace TorchSharp.Native;

/// <summary>Parts of a network that the native library computes in fewer passes over memory than libtorch's operators. Null: not for these arguments.</summary>
internal static unsafe class Fused
{
    internal static torch.Tensor? Attention(torch.Tensor qkv, torch.Tensor? cosine, torch.Tensor? sine, long heads, double scale, bool causal)
    {
        IntPtr result;
        int code = NativeMethods.Check(NativeMethods.lips_attention(qkv.Handle, HandleOf(cosine), HandleOf(sine), heads, scale, causal ? 1 : 0, &result));
        GC.KeepAlive(qkv);
        GC.KeepAlive(cosine);
        GC.KeepAlive(sine);
        return code == 0 ? new torch.Tensor(result) : null;
    }

    internal static (torch.Tensor Queries, torch.Tensor Keys, torch.Tensor Values)? Heads(torch.Tensor all, torch.Tensor cosine, torch.Tensor sine, long heads, long keyHeads)
    {
        IntPtr q, k, v;
        int code = NativeMethods.Check(NativeMethods.lips_heads(all.Handle, cosine.Handle, sine.Handle, heads, keyHeads, &q, &k, &v));
        GC.KeepAlive(all);
        GC.KeepAlive(cosine);
        GC.KeepAlive(sine);
        return code == 0 ? (new(q), new(k), new(v)) : null;
    }

    internal static torch.Tensor? Linear(torch.Tensor x, torch.Tensor weight, torch.Tensor? bias, double gain)
    {
        IntPtr result;
        int code = NativeMethods.Check(NativeMethods.lips_linear(x.Handle, weight.Handle, HandleOf(bias), gain, &result));
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        return code == 0 ? new torch.Tensor(result) : null;
    }

    internal static torch.Tensor? Mix(torch.Tensor a, double keep, torch.Tensor b, double share)
    {
        IntPtr result;
        int code = NativeMethods.Check(NativeMethods.lips_mix(a.Handle, keep, b.Handle, share, &result));
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        return code == 0 ? new torch.Tensor(result) : null;
    }

    internal static torch.Tensor? CrossEntropy(torch.Tensor logits, torch.Tensor target, long ignored, bool consumes)
    {
        IntPtr result;
        int code = NativeMethods.Check(NativeMethods.lips_cross_entropy(logits.Handle, target.Handle, ignored, consumes ? 1 : 0, &result));
        GC.KeepAlive(logits);
        GC.KeepAlive(target);
        return code == 0 ? new torch.Tensor(result) : null;
    }

    /// <returns>Whether it was done.</returns>
    internal static bool AdamW(torch.Tensor[] values, torch.Tensor[] gradients, torch.Tensor[] first, torch.Tensor[] second, double kept, double beta1, double beta2, double root, double epsilon, double rate)
    {
        IntPtr[] v = torch.Tensor.Handles(values), g = torch.Tensor.Handles(gradients), m = torch.Tensor.Handles(first), s = torch.Tensor.Handles(second);
        int code;
        fixed (IntPtr* pv = v, pg = g, pm = m, ps = s)
            code = NativeMethods.Check(NativeMethods.lips_adamw(pv, pg, pm, ps, v.Length, kept, beta1, beta2, root, epsilon, rate));
        GC.KeepAlive(values);
        GC.KeepAlive(gradients);
        GC.KeepAlive(first);
        GC.KeepAlive(second);
        return code == 0;
    }

    /// <returns>Whether it was done.</returns>
    internal static bool MultiplyInto(torch.Tensor result, torch.Tensor a, torch.Tensor b, double beta, double alpha)
    {
        int code = NativeMethods.Check(NativeMethods.lips_multiply_into(result.Handle, a.Handle, b.Handle, beta, alpha));
        GC.KeepAlive(result);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        return code == 0;
    }

    /// <returns>Whether it was done.</returns>
    internal static bool SymmetricProduct(torch.Tensor result, torch.Tensor a, torch.Tensor b, double alpha)
    {
        int code = NativeMethods.Check(NativeMethods.lips_symmetric_product(result.Handle, a.Handle, b.Handle, alpha));
        GC.KeepAlive(result);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        return code == 0;
    }

    private static IntPtr HandleOf(torch.Tensor? tensor) => tensor is null ? 0 : tensor.Handle;
}
