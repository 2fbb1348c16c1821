using System;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// Functions of the singular values of batches of matrices, by products alone, in float32, on any device. With G = W·Wᵀ on the
/// smaller side, f(σ) = σ·q(σ²) is q(G)·W: what is large is read twice and multiplied twice, everything between is small and
/// symmetric. A batch (batch, n, k) that is "tall" holds matrices whose columns are the smaller side.
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

    /// <summary>Columns of the larger side that are multiplied at a time on the CPU: the product stays in the cache.</summary>
    private const long SliceEntries = 1 << 21;

    /// <summary>Nearly the polar factor. <paramref name="polish"/> adds cubics x(3 − x²)/2, each squaring the error.</summary>
    public static torch.Tensor Orthogonalize(torch.Tensor x, int polish = 0, bool tall = false)
    {
        using var scope = torch.NewDisposeScope();
        var (y, gain) = OrthogonalFactors(x, tall);
        y = Multiply(gain, y, tall);
        for (int i = 0; i < polish; i++)
            y = Multiply(Polynomial(SymmetricProducts.Gram(y, tall), 1.5, -0.5), y, tall);
        return y.MoveToOuterDisposeScope();
    }

    /// <summary>target ← target + scale·(nearly the polar factor of x), without a matrix for the factor.</summary>
    public static void AddOrthogonalized(torch.Tensor target, torch.Tensor x, bool tall, double scale)
    {
        using var scope = torch.NewDisposeScope();
        var (y, gain) = OrthogonalFactors(x, tall);
        if (target.dtype != y.dtype)
            target.add_(Multiply(gain, y, tall).to(target.dtype), scale);
        else if (tall)
            TorchExtras.MultiplyInto(target, y, gain, 1, scale);
        else
            TorchExtras.MultiplyInto(target, gain, y, 1, scale);
    }

    /// <summary>
    /// Y and Q with Q·Y (Y·Q where tall) nearly orthogonal. Where the larger side is half as large again as the smaller, three
    /// quintics at a time are composed on the Gram side: Q ← P·Q and G ← P·G·P commute and are symmetric. Between, W·Wᵀ is
    /// formed anew, since what G cannot resolve (singular values below some 3·10⁻⁴) grows sixteenfold each step.
    /// </summary>
    private static (torch.Tensor Y, torch.Tensor Gain) OrthogonalFactors(torch.Tensor x, bool tall)
    {
        long small = x.shape[tall ? 2 : 1], large = x.shape[tall ? 1 : 2];
        var gram = SymmetricProducts.Gram(x, tall);
        // ‖W‖²_F; below 10⁻³⁰ squares are lost, and what is that small is lifted less instead of too far
        var squared = gram.diagonal(0, 1, 2).sum(1).view(-1, 1, 1).clamp_min(1e-30f);
        gram = gram / squared;
        if (2 * large >= 3 * small)
        {
            var half = Multiply(Composed(gram, Quintics.AsSpan(0, 3)) / squared.sqrt(), x, tall);
            return (half, Composed(SymmetricProducts.Gram(half, tall), Quintics.AsSpan(3)));
        }
        var gain = Quintic(gram, Quintics[0].A, Quintics[0].B, Quintics[0].C) / squared.sqrt();
        for (int i = 1; i < Quintics.Length; i++)
        {
            x = Multiply(gain, x, tall);
            gain = Quintic(SymmetricProducts.Gram(x, tall), Quintics[i].A, Quintics[i].B, Quintics[i].C);
        }
        return (x, gain);
    }

    /// <summary>The gain Q(G) of odd quintics one after the other.</summary>
    private static torch.Tensor Composed(torch.Tensor gram, ReadOnlySpan<(double A, double B, double C)> quintics)
    {
        torch.Tensor? gain = null;
        for (int i = 0; i < quintics.Length; i++)
        {
            var factor = Quintic(gram, quintics[i].A, quintics[i].B, quintics[i].C);
            gain = gain is null ? factor : SymmetricProducts.Product(factor, gain);
            if (i + 1 < quintics.Length)
                gram = SymmetricProducts.Product(SymmetricProducts.Product(gram, factor), factor);
        }
        return gain!;
    }

    /// <summary>a·I + b·G + c·G².</summary>
    private static torch.Tensor Quintic(torch.Tensor gram, double a, double b, double c)
    {
        var square = SymmetricProducts.Product(gram, gram, c).add_(gram, b);
        square.diagonal(0, 1, 2).add_(a);
        return square;
    }

    /// <summary>a·I + b·G.</summary>
    private static torch.Tensor Polynomial(torch.Tensor gram, double a, double b)
    {
        var result = gram * b;
        result.diagonal(0, 1, 2).add_(a);
        return result;
    }

    /// <summary>Q·W, or W·Q where tall.</summary>
    private static torch.Tensor Multiply(torch.Tensor gain, torch.Tensor x, bool tall)
    {
        var product = torch.empty(x.shape, dtype: x.dtype, device: x.device);
        TorchExtras.MultiplyInto(product, tall ? x : gain, tall ? gain : x);
        return product;
    }

    /// <summary>W ← Q·W for a function Q of factor²·W·Wᵀ, or of WᵀW where tall, in place.</summary>
    public static void Apply(Func<torch.Tensor, torch.Tensor> gain, torch.Tensor x, bool tall, double factor)
    {
        using var scope = torch.NewDisposeScope();
        Apply(gain(SymmetricProducts.Gram(x, tall, factor * factor)), x, tall);
    }

    /// <summary>W ← Q·W, or W·Q where tall, in place; on the CPU in slices.</summary>
    public static void Apply(torch.Tensor gain, torch.Tensor x, bool tall)
    {
        int axis = tall ? 1 : 2;
        long small = x.shape[3 - axis], large = x.shape[axis];
        long step = x.device_type == DeviceType.CPU ? Math.Max(1, SliceEntries / (small * x.shape[0])) : large;
        for (long at = 0; at < large; at += step)
        {
            using var slice = x.narrow(axis, at, Math.Min(step, large - at));
            using var product = Multiply(gain, slice, tall);
            slice.copy_(product);
        }
    }

    /// <summary>
    /// Q with Q·W of singular values min(σ, 1), from G = W·Wᵀ, which may be written over: C^(−1/2) with C = max(G, I) = (G + I + |G − I|)/2,
    /// the absolute value through the matrix sign. Near σ = 1 the sign is uncertain, but there |G − I| is small; small σ need no sign at all.
    /// </summary>
    /// <param name="reach">A bound of all σ, where one is known: up to that of a <see cref="Knee"/> a single polynomial does it.</param>
    public static torch.Tensor HardCapGain(torch.Tensor gram, double? reach = null)
    {
        foreach (var knee in Knee.All)
            if (reach <= knee.Reach)
                return knee.Of(gram);
        return FarGain(gram);
    }

    /// <summary>C^(−1/2) whatever the eigenvalues of G are.</summary>
    private static torch.Tensor FarGain(torch.Tensor gram)
    {
        var identity = torch.eye(gram.shape[^1], dtype: gram.dtype, device: gram.device);
        var difference = gram - identity;
        var sign = SymmetricSign(difference);
        var capped = (gram + identity + SymmetricProducts.Product(sign, difference)) * 0.5;
        return InverseSqrt((capped + capped.mT) * 0.5, identity);
    }

    /// <summary>sign of a batch of symmetric matrices.</summary>
    private static torch.Tensor SymmetricSign(torch.Tensor a)
    {
        var y = a / RowSumNorm(a).clamp_min(1e-30f);
        foreach (var (p, q, r) in Quintics)
            y = SymmetricProducts.Product(Quintic(SymmetricProducts.Product(y, y), p, q, r), y);
        for (int i = 0; i < 2; i++)
            y = SymmetricProducts.Product(Polynomial(SymmetricProducts.Product(y, y), 1.5, -0.5), y);
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
            var t = Polynomial(z.bmm(y), 1.5, -0.5);
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
        var power = SymmetricProducts.Gram(x, tall: false);
        var frobenius = FrobeniusNorm(power).clamp_min(1e-37f);
        var logNorm = frobenius.log();
        power = power / frobenius;
        double weight = 1;
        for (int i = 0; i < squarings; i++)
        {
            power = SymmetricProducts.Product(power, power);
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
