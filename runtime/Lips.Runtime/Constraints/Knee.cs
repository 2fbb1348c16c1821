using System;
using System.Collections.Generic;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// The hard cap as one polynomial q of the Gram matrix: σ·q(σ²) differs from min(σ, 1) by at most 1.3·10⁻³ for σ up to
/// <see cref="Reach"/> (8·10⁻⁴ where that is 1.1), and by 3.8·10⁻⁴ of σ below 0.9. What the last step left a
/// thousandth too large goes a little beyond: it comes out below the cap, at 1.001·reach by 0.003, at 1.01·reach by 0.05.
/// q is a chain, P ← scale·P·(P + share·X + shift·I) from P = X = 2G/reach² − I, whose degree doubles with each product. Its numbers are fitted:
/// least squares over σ, by Levenberg and Marquardt, with weights that grow where the error is large, from many random starts.
/// </summary>
internal sealed class Knee
{
    private readonly (double Scale, double Share, double Shift)[] _chain;

    /// <summary>Of the last three products, of X and of I.</summary>
    private readonly (double Last, double Second, double Third, double Start, double One) _sum;

    private Knee(double reach, (double Scale, double Share, double Shift)[] chain, (double Last, double Second, double Third, double Start, double One) sum)
    {
        Reach = reach;
        _chain = chain;
        _sum = sum;
    }

    /// <summary>The largest σ it is meant for.</summary>
    public double Reach { get; }

    /// <summary>By reach: what a step can do beyond the cap is mostly little, and takes fewer products.</summary>
    public static IReadOnlyList<Knee> All { get; } =
    [
        new(
            1.1,
            [
                (1.886804037, 0, 0.9840987267), (-0.3524249399, -5.419784214, -0.1602334156), (1.224503478, -0.6586502154, -0.7502817897),
                (-0.3356281477, -7.943479012, 4.36747177), (1.207674505, -0.8037043565, -0.4405380645), (1.45143045, 0.3254809735, 0.2289747118),
                (2.353248904, 0.3952143046, -0.1392872811), (541.6705305, -0.004547527346, -0.006983524333),
            ],
            (-0.1748669669, -0.4416046935, -0.001274245212, -4.461934605e-05, 1.000075461)),
        new(
            SoftCap.LargestReach,
            [
                (3.527980229, 0, -0.1638696852), (-0.8558956823, -0.5343509981, -4.638316958), (-0.1677499558, -2.302500009, -5.438731365),
                (-0.1065205258, 0.7249094211, -4.609943598), (1.356923421, 0.3805340153, -0.01503504405), (-1.48322414, -0.924371865, -0.4518007525),
                (-5.448315908, -0.4775258623, -0.125506196), (-22.85749125, -0.2188555308, -0.1553073366), (1.001257245, -0.4165579121, -0.5835140765),
                (17.58960267, 0.3591950154, -0.04450618725),
            ],
            (0.3918395475, -0.1996575052, -0.448393202, 0.0003668506769, 1.000167966)),
    ];

    /// <summary>q(G) for a batch of symmetric matrices, which is written over.</summary>
    public torch.Tensor Of(torch.Tensor gram)
    {
        // six buffers, written over again and again: memory that is new costs as much as a product
        var start = gram.mul_(2 / (Reach * Reach));
        start.diagonal(0, 1, 2).sub_(1);
        torch.Tensor last = start, second = start, third = start, factor = torch.empty_like(gram);
        var free = new Stack<torch.Tensor>([torch.empty_like(gram), torch.empty_like(gram), torch.empty_like(gram), torch.empty_like(gram)]);
        foreach (var (scale, share, shift) in _chain)
        {
            factor.copy_(last).add_(start, share);
            factor.diagonal(0, 1, 2).add_(shift);
            var next = SymmetricProducts.Product(last, factor, scale, free.Pop());
            if (!ReferenceEquals(third, start))
                free.Push(third);
            (last, second, third) = (next, last, second);
        }
        var sum = last.mul_(_sum.Last).add_(second, _sum.Second).add_(third, _sum.Third).add_(start, _sum.Start);
        sum.diagonal(0, 1, 2).add_(_sum.One);
        return sum;
    }
}
