using System;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>
/// Gives weights their first values, in table order from one seeded generator of this project, so that a seed means the same
/// weights on every provider and device. Computed in double and rounded once to the weight's type.
/// </summary>
public static class Initialization
{
    /// <summary>Shrinks below a target so that rounding to a float cannot exceed it.</summary>
    private const double Margin = 1 - 1.0 / (1 << 18);

    public static void Apply(ILipsModel model, long seed)
    {
        using var weights = new ModelWeights(model);
        Apply(weights, seed);
    }

    public static void Apply(ModelWeights weights, long seed)
    {
        using var noGrad = torch.no_grad();
        foreach (var bound in weights.Distinct)
        {
            var init = bound.Weight.Init;
            if (init is null)
                continue;
            // A stream per weight: adding or removing one leaves the others as they were.
            var random = SeededRandom.For(seed, "weight " + bound.Weight.Name);
            using var scope = torch.NewDisposeScope();
            switch (init)
            {
                case Init.Orthogonal orthogonal:
                    Fill(bound, Orthogonal(bound.Weight, orthogonal.Gain, random), orthogonal.Gain);
                    break;
                case Init.Spectral spectral:
                    Fill(bound, Spectral(bound.Weight, spectral.Target, random), spectral.Target);
                    break;
                default:
                    Write(bound.View, Entries(bound.Weight, init, random, checked((int)bound.View.numel())));
                    break;
            }
        }
    }

    private static double[] Entries(Weight weight, Init init, SeededRandom random, int count)
    {
        var (fanIn, fanOut) = Fans(weight);
        return init switch
        {
            Init.Zero => new double[count],
            Init.One => Fill(() => 1),
            Init.Constant constant => Fill(() => constant.Value),
            Init.Normal normal => Fill(() => normal.Mean + normal.Std * random.Normal()),
            Init.TruncatedNormal truncated => Fill(() => truncated.Std * Truncated(random)),
            Init.Xavier { Gaussian: true } xavier => Fill(() => xavier.Gain * Math.Sqrt(2.0 / (fanIn + fanOut)) * random.Normal()),
            Init.Xavier xavier => Fill(() => xavier.Gain * Math.Sqrt(6.0 / (fanIn + fanOut)) * (2 * random.Uniform() - 1)),
            Init.Kaiming { Gaussian: true } => Fill(() => Math.Sqrt(2.0 / fanIn) * random.Normal()),
            // As torch.nn.Linear starts: uniform with bound 1/√in.
            Init.Kaiming => Fill(() => (2 * random.Uniform() - 1) / Math.Sqrt(fanIn)),
            _ => throw new RunFailed($"No rule initializes '{weight.Name}' by {init}."),
        };

        double[] Fill(Func<double> next)
        {
            var values = new double[count];
            for (int i = 0; i < count; i++)
                values[i] = next();
            return values;
        }
    }

    private static double Truncated(SeededRandom random)
    {
        double x;
        do
            x = random.Normal();
        while (Math.Abs(x) > 2);
        return x;
    }

    /// <summary>Inputs and outputs of one entry's row and column, over a kernel's taps.</summary>
    private static (double In, double Out) Fans(Weight weight)
    {
        double taps = weight.Shape.Skip(2).Aggregate(1.0, (a, b) => a * b);
        return weight.Shape.Count switch
        {
            0 => (1, 1),
            1 => (weight.Shape[0], weight.Shape[0]),
            _ => (weight.Shape[1] * taps, weight.Shape[0] * taps / weight.Groups),
        };
    }

    /// <summary>The target of σ_max for a gain given in the unit of the weight's cap.</summary>
    private static double InSpectralUnit(Weight weight, double gain, long rows, long columns) =>
        weight.Constraint is Constraint.Cap { Unit: CapUnit.Rms } ? gain * Math.Sqrt((double)rows / columns) : gain;

    private static torch.Tensor Orthogonal(Weight weight, double gain, SeededRandom random)
    {
        if (weight.Shape.Count < 2)
            throw new RunFailed($"'{weight.Name}' has shape [{string.Join(", ", weight.Shape)}]; only matrices and kernels can be orthogonal.");
        bool perHead = MatrixBlocks.ArePerHead(weight);
        var (count, rows, columns) = MatrixBlocks.Shape(weight, perHead);
        var values = torch.zeros([.. weight.Shape], dtype: torch.ScalarType.Float64);
        var blocks = MatrixBlocks.Of(values, weight, perHead);
        double target = InSpectralUnit(weight, gain, rows, columns) * Margin;
        for (int b = 0; b < count; b++)
        {
            var gaussian = Gaussian(random, Math.Max(rows, columns), Math.Min(rows, columns));
            var q = Orthonormal(gaussian);
            blocks[b].copy_((rows >= columns ? q : q.mT) * target);
        }
        return values;
    }

    /// <summary>The Q of G = Q·R with a positive diagonal of R, which makes its distribution uniform (Mezzadri 2007).</summary>
    private static torch.Tensor Orthonormal(torch.Tensor gaussian)
    {
        // a large and tall Gaussian matrix has a condition number below some 6, so that the Cholesky factor of GᵀG is R to nearly the last digit, and takes a tenth of the time
        if (gaussian.shape[1] >= 128 && gaussian.shape[0] >= 2 * gaussian.shape[1])
            return torch.linalg.solve_triangular(torch.linalg.cholesky(gaussian.mT.mm(gaussian)), gaussian.mT, upper: false).mT;
        var (q, r) = torch.linalg.qr(gaussian);
        return q * r.diagonal().sign();
    }

    private static torch.Tensor Spectral(Weight weight, double target, SeededRandom random)
    {
        if (weight.Shape.Count < 2)
            throw new RunFailed($"'{weight.Name}' has shape [{string.Join(", ", weight.Shape)}]; only matrices and kernels have a spectral norm.");
        bool perHead = MatrixBlocks.ArePerHead(weight);
        var (count, rows, columns) = MatrixBlocks.Shape(weight, perHead);
        var values = torch.zeros([.. weight.Shape], dtype: torch.ScalarType.Float64);
        var blocks = MatrixBlocks.Of(values, weight, perHead);
        for (int b = 0; b < count; b++)
        {
            var gaussian = Gaussian(random, rows, columns);
            double norm = SpectralNorm.Certify(CertifiedNorms.Values(gaussian), (int)rows, (int)columns, weight.Name);
            blocks[b].copy_(gaussian * (InSpectralUnit(weight, target, rows, columns) * Margin / norm));
        }
        return values;
    }

    private static torch.Tensor Gaussian(SeededRandom random, long rows, long columns)
    {
        var entries = new double[rows * columns];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = random.Normal();
        return torch.tensor(entries).view(rows, columns);
    }

    /// <summary>Rounds to the weight's type and shrinks until the certified norm of what is stored is at most the target.</summary>
    private static void Fill(BoundWeight bound, torch.Tensor values, double target)
    {
        var weight = bound.Weight;
        bool perHead = MatrixBlocks.ArePerHead(weight);
        var unit = weight.Constraint is Constraint.Cap { Unit: CapUnit.Rms } ? CapUnit.Rms : CapUnit.Spectral;
        var limit = new Constraint.Cap(target, unit, perHead ? CapExtent.PerHead : CapExtent.Whole, CapMethod.Soft);
        for (int attempt = 0; ; attempt++)
        {
            bound.View.copy_(values);
            var norm = CertifiedNorms.InUnitOfCap(weight, CertifiedNorms.Values(bound.View), limit);
            if (norm <= UpperBound.OfDouble(target))
                return;
            if (attempt == 12)
                throw new RunFailed($"'{weight.Name}' could not be initialized with norm {target}: it stays at {norm.ToDecimal(9)}.");
            values = values * (1 - Math.ScaleB(1, attempt - 17));
        }
    }

    private static void Write(torch.Tensor view, double[] values)
    {
        using var tensor = torch.tensor(values, dtype: torch.ScalarType.Float64);
        view.copy_(tensor.reshape(view.shape));
    }
}
