using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>Updates of many tensors: one call each where the provider has them, a loop where it has not.</summary>
internal static class TensorLists
{
    public static void Multiply(IReadOnlyList<torch.Tensor> self, double factor)
    {
        if (TorchExtras.IsSupported)
        {
            TorchExtras.ForeachMul_(self, factor);
            return;
        }
        foreach (var tensor in self)
            tensor.mul_(factor);
    }

    public static void Multiply(IReadOnlyList<torch.Tensor> self, StepNumber factor)
    {
        if (factor.OnDevice is not { } there)
            Multiply(self, factor.Value);
        else if (TorchExtras.HasForeachOfScalarTensor && AreOf(there.dtype, self))
            TorchExtras.ForeachMul_(self, there);
        else
            foreach (var tensor in self)
                tensor.mul_(there);
    }

    /// <summary>selfᵢ += scale·otherᵢ.</summary>
    public static void Add(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> other, StepNumber scale)
    {
        if (scale.OnDevice is null)
            Add(self, other, scale.Value);
        else
            // libtorch's call for all of them takes no such factor from a device, and a product before would be memory once more
            for (int i = 0; i < self.Count; i++)
                self[i].add_(other[i], scale);
    }

    /// <summary>selfᵢ += scale·otherᵢ.</summary>
    public static void Add(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> other, double scale)
    {
        if (TorchExtras.IsSupported)
        {
            TorchExtras.ForeachAdd_(self, other, scale);
            return;
        }
        for (int i = 0; i < self.Count; i++)
            self[i].add_(other[i], scale);
    }

    /// <summary>selfᵢ ← decay·selfᵢ + scale·otherᵢ.</summary>
    public static void Blend(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> other, double decay, double scale)
    {
        Multiply(self, decay);
        Add(self, other, scale);
    }

    /// <summary>selfᵢ += scale·aᵢ².</summary>
    public static void AddSquares(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> a, double scale)
    {
        if (TorchExtras.IsSupported)
        {
            TorchExtras.ForeachAddcmul_(self, a, a, scale);
            return;
        }
        for (int i = 0; i < self.Count; i++)
            self[i].addcmul_(a[i], a[i], scale);
    }

    /// <summary>selfᵢ += scale·aᵢ/(√bᵢ·rootScale + epsilon).</summary>
    public static void AddQuotients(IReadOnlyList<torch.Tensor> self, IReadOnlyList<torch.Tensor> a, IReadOnlyList<torch.Tensor> b, StepNumber rootScale, double epsilon, StepNumber scale)
    {
        var roots = TorchExtras.IsSupported ? TorchExtras.ForeachSqrt(b) : b.Select(t => t.sqrt()).ToArray();
        Multiply(roots, rootScale);
        if (TorchExtras.IsSupported && scale.OnDevice is null)
        {
            TorchExtras.ForeachAdd_(roots, epsilon);
            TorchExtras.ForeachAddcdiv_(self, a, roots, scale.Value);
            return;
        }
        for (int i = 0; i < self.Count; i++)
            if (scale.OnDevice is null)
                self[i].addcdiv_(a[i], roots[i].add_(epsilon), scale.Value);
            else
                self[i].add_(a[i] / roots[i].add_(epsilon), scale);
    }

    private static bool AreOf(torch.ScalarType type, IReadOnlyList<torch.Tensor> tensors)
    {
        foreach (var tensor in tensors)
            if (tensor.dtype != type)
                return false;
        return true;
    }

    /// <summary>√Σ‖tᵢ‖², a scalar on the device.</summary>
    public static torch.Tensor Norm(IReadOnlyList<torch.Tensor> tensors)
    {
        var norms = TorchExtras.IsSupported ? TorchExtras.ForeachNorm(tensors) : tensors.Select(t => t.norm()).ToArray();
        return torch.stack(norms.Select(n => n.to(torch.ScalarType.Float32)).ToArray()).norm();
    }
}
