using System;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// Functions of the singular values of a batch of matrices (batch, rows ≤ columns), by products alone: every one works on the
/// smaller Gram side, in float32, on any device.
/// </summary>
internal static class MatrixFunctions
{
    /// <summary>Quintics a·x + b·x³ + c·x⁵ that lift singular values of 0.003 to 1 to 0.9956 to 0.9993 without overshoot (arXiv 2507.13338, its released optimizer).</summary>
    private static readonly (double A, double B, double C)[] Quintics =
    [
        (3955 / 1024.0, -8306 / 1024.0, 5008 / 1024.0), (3735 / 1024.0, -6681 / 1024.0, 3463 / 1024.0),
        (3799 / 1024.0, -6499 / 1024.0, 3211 / 1024.0), (4019 / 1024.0, -6385 / 1024.0, 2906 / 1024.0),
        (2677 / 1024.0, -3029 / 1024.0, 1162 / 1024.0), (2172 / 1024.0, -1833 / 1024.0, 682 / 1024.0),
    ];

    /// <summary>The largest singular value that the quintics give, for updates whose size is to be bounded.</summary>
    public const double OrthogonalizeCeiling = 0.9998;

    /// <summary>Nearly the polar factor. <paramref name="polish"/> adds cubics x(3 − x²)/2, each squaring the error.</summary>
    public static torch.Tensor Orthogonalize(torch.Tensor x, int polish = 0)
    {
        using var scope = torch.NewDisposeScope();
        var y = x / FrobeniusNorm(x).clamp_min(1e-30f);
        foreach (var (a, b, c) in Quintics)
        {
            var gram = y.bmm(y.mT);
            y = y * a + (gram * b).add_(gram.bmm(gram), c).bmm(y);
        }
        for (int i = 0; i < polish; i++)
            y = y * 1.5 - (y.bmm(y.mT) * 0.5).bmm(y);
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// min(σ, 1) in place of every σ: W ← C^(−1/2)·W with C = max(W·Wᵀ, I) = (G + I + |G − I|)/2, the absolute value through the
    /// matrix sign. Near σ = 1 the sign is uncertain, but there |G − I| is small; small σ need no sign at all.
    /// </summary>
    public static torch.Tensor HardCap(torch.Tensor x)
    {
        using var scope = torch.NewDisposeScope();
        var gram = x.bmm(x.mT);
        var identity = torch.eye(gram.shape[^1], dtype: gram.dtype, device: gram.device);
        var difference = gram - identity;
        var sign = SymmetricSign(difference);
        var capped = (gram + identity + sign.bmm(difference)) * 0.5;
        capped = (capped + capped.mT) * 0.5;
        return InverseSqrt(capped, identity).bmm(x).MoveToOuterDisposeScope();
    }

    /// <summary>sign of a batch of symmetric matrices.</summary>
    private static torch.Tensor SymmetricSign(torch.Tensor a)
    {
        var y = a / RowSumNorm(a).clamp_min(1e-30f);
        foreach (var (p, q, r) in Quintics)
        {
            var square = y.bmm(y);
            y = y * p + (square * q).add_(square.bmm(square), r).bmm(y);
        }
        for (int i = 0; i < 2; i++)
            y = y * 1.5 - (y.bmm(y) * 0.5).bmm(y);
        return y;
    }

    /// <summary>C^(−1/2) for eigenvalues in [1, c]: the coupled Newton–Schulz iteration (Higham 2008, section 6.7).</summary>
    private static torch.Tensor InverseSqrt(torch.Tensor c, torch.Tensor identity)
    {
        var norm = RowSumNorm(c);
        var y = c / norm;
        var z = identity.expand(y.shape).clone();
        // The smallest eigenvalue is 1/norm; each round brings it up by 9/4 until near 1, then squares the error.
        double largest = norm.max().item<float>();
        int rounds = 5 + (int)Math.Ceiling(Math.Log(Math.Max(largest, 1)) / Math.Log(2.25));
        for (int i = 0; i < Math.Min(rounds, 40); i++)
        {
            var t = identity * 1.5 - z.bmm(y) * 0.5;
            y = y.bmm(t);
            z = t.bmm(z);
        }
        return z / norm.sqrt();
    }

    /// <summary>√(σ_max(G)) from above and the matrix that projects onto its singular vectors: G^(2^k) by squaring, ‖G‖ ≤ ‖G^(2^k)‖_F^(1/2^k).</summary>
    /// <returns>norms of shape (batch, 1, 1), at most n^(1/2^(k+2)) above σ_max, and unit left singular vectors (batch, n, 1).</returns>
    public static (torch.Tensor Norm, torch.Tensor Left) LargestSingular(torch.Tensor x, int squarings = 9)
    {
        using var scope = torch.NewDisposeScope();
        var power = x.bmm(x.mT);
        var frobenius = FrobeniusNorm(power).clamp_min(1e-37f);
        var logNorm = frobenius.log();
        power = power / frobenius;
        double weight = 1;
        for (int i = 0; i < squarings; i++)
        {
            power = power.bmm(power);
            weight *= 0.5;
            frobenius = FrobeniusNorm(power).clamp_min(1e-37f);
            logNorm = logNorm + frobenius.log() * weight;
            power = power / frobenius;
        }
        // The column of the largest diagonal entry is the longest one; it is parallel to the leading vector.
        var index = power.diagonal(0, 1, 2).argmax(1).view(-1, 1, 1).expand(-1, power.shape[1], 1);
        var left = power.gather(2, index);
        left = left / FrobeniusNorm(left).clamp_min(1e-37f);
        return scope.MoveToOuter((logNorm * 0.5).exp(), left);
    }

    /// <summary>(batch, 1, 1).</summary>
    public static torch.Tensor FrobeniusNorm(torch.Tensor x) => x.square().sum([1L, 2L], keepdim: true).sqrt();

    /// <summary>The ∞-norm, an upper bound of the spectral norm of symmetric matrices: (batch, 1, 1).</summary>
    private static torch.Tensor RowSumNorm(torch.Tensor x) => x.abs().sum(2, keepdim: true).amax([1L], keepdim: true);
}
