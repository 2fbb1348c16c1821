using System;
using Lips.Runtime.Optimizers;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// The soft cap of arXiv 2507.13338: σ ← p₂(p₁(σ)) with p₁ = σ − α·σ³, p₂ = σ + α·σ³. The coupling chooses α so that a weight
/// at its cap, after decay and an update of norm η, comes back to the cap.
/// </summary>
public static class SoftCap
{
    /// <summary>The largest k over the cap for which the map is non-decreasing on [0, k]: t = α·k² = 1/3 there.</summary>
    public const double LargestReach = 81.0 / 62;

    /// <summary>
    /// α for weights in units of their cap (cap = 1) that reach at most <paramref name="reach"/> = (1 − decay) + η: the root of
    /// reach·(1 − 3t² + 3t³ − t⁴) = 1 with t = α·reach² in [0, 1/3]. Zero when nothing needs to be done, null where the map
    /// would not be monotone and another method must be used.
    /// </summary>
    public static double? Coefficient(double reach)
    {
        if (!(reach <= LargestReach))
            return null;
        if (reach <= 1)
            return 0;
        double low = 0, high = 1.0 / 3;
        for (int i = 0; i < 100; i++)
        {
            double t = 0.5 * (low + high);
            if (reach * (1 - 3 * t * t + 3 * t * t * t - t * t * t * t) > 1)
                low = t;
            else
                high = t;
        }
        return high / (reach * reach);
    }

    /// <summary>
    /// Q with Q·W of singular values p₂(p₁(σ)), from G = W·Wᵀ for W in units of its cap. As one polynomial the map is
    /// σ·(1 − α²g²·(3 − 3αg + α²g²)) with g = σ²: W is read for its Gram matrix and once more at the end.
    /// </summary>
    internal static torch.Tensor Gain(torch.Tensor gram, double alpha)
    {
        var (linear, quadratic, constant) = Terms(alpha);
        return Gain(gram, StepNumber.Of(linear), StepNumber.Of(quadratic), StepNumber.Of(constant));
    }

    /// <summary>3α³, −α⁴ and 3α²: what the numbers of <see cref="Gain(torch.Tensor, StepNumber, StepNumber, StepNumber)"/> are for an α.</summary>
    internal static (double Linear, double Quadratic, double Constant) Terms(double alpha)
    {
        double a2 = alpha * alpha;
        return (3 * a2 * alpha, -a2 * a2, 3 * a2);
    }

    /// <summary>The same for an α that changes from step to step, by its terms.</summary>
    internal static torch.Tensor Gain(torch.Tensor gram, StepNumber linear, StepNumber quadratic, StepNumber constant)
    {
        var square = SymmetricProducts.Product(gram, gram);
        var loss = gram.mul_(linear).add_(square, quadratic);
        loss.diagonal(0, 1, 2).sub_(constant);
        var gain = SymmetricProducts.Product(square, loss);
        gain.diagonal(0, 1, 2).add_(1);
        return gain;
    }
}
