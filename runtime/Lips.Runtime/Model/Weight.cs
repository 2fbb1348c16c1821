using System.Collections.Generic;

namespace Lips.Runtime;

/// <summary>What a weight is in its layer; optimizer groups and constraints are chosen by it.</summary>
public enum Role { Matrix, Kernel, Embedding, Gain, Bias, Table, Alpha }

/// <summary>The unit in which a cap limits a weight.</summary>
public enum CapUnit
{
    /// <summary>σ_max(W) ≤ c.</summary>
    Spectral,
    /// <summary>√(in/out)·σ_max(W) ≤ c: the operator norm from RMS to RMS.</summary>
    Rms,
    /// <summary>The largest ℓ2 norm of a row ≤ c.</summary>
    RowL2,
    /// <summary>The largest RMS of a row (ℓ2/√width) ≤ c.</summary>
    RowRms,
    /// <summary>The ℓ2 norm of all entries ≤ c.</summary>
    L2,
    /// <summary>The largest |entry| ≤ c.</summary>
    MaxAbs,
}

/// <summary>What a cap limits: the whole matrix, each head's slice, or a convolution's operator norm.</summary>
public enum CapExtent { Whole, PerHead, Operator }

/// <summary>How a cap is enforced after an optimizer step.</summary>
public enum CapMethod { Soft, Hard, Normalize, Stiefel, Svd, Hammer }

/// <summary>What is done to a weight after each optimizer step.</summary>
public abstract record Constraint
{
    private Constraint() { }

    /// <summary>Nothing.</summary>
    public sealed record None : Constraint;

    /// <summary>A declared maximum. <paramref name="Limit"/> is the exact number of the spec rounded down to a double.</summary>
    public sealed record Cap(double Limit, CapUnit Unit, CapExtent Extent, CapMethod Method) : Constraint;

    /// <summary>W ← (1 − lr·Rate)·W before the step. Not a cap.</summary>
    public sealed record WeightDecay(double Rate) : Constraint;

    /// <summary>W ← W − lr·Rate·σ₁·u₁v₁ᵀ after the step. Not a cap.</summary>
    public sealed record SpectralDecay(double Rate) : Constraint;
}

/// <summary>How a weight starts.</summary>
public abstract record Init
{
    private Init() { }

    /// <summary>Semi-orthogonal times <paramref name="Gain"/>, in the unit of the weight's cap when that is RMS; never above it after rounding.</summary>
    public sealed record Orthogonal(double Gain = 1) : Init;

    /// <summary>Normal entries rescaled to spectral norm <paramref name="Target"/> (in the cap's unit); never above it after rounding.</summary>
    public sealed record Spectral(double Target = 1) : Init;

    /// <summary>Glorot and Bengio 2010: variance Gain²·2/(fan_in + fan_out).</summary>
    public sealed record Xavier(bool Gaussian = false, double Gain = 1) : Init;

    /// <summary>He et al. 2015: variance 2/fan_in.</summary>
    public sealed record Kaiming(bool Gaussian = true) : Init;

    public sealed record Normal(double Std, double Mean = 0) : Init;

    /// <summary>Normal entries cut at two standard deviations.</summary>
    public sealed record TruncatedNormal(double Std) : Init;

    public sealed record Zero : Init;

    public sealed record One : Init;

    public sealed record Constant(double Value) : Init;
}

/// <summary>
/// How training computes a weight from what it stores. The module always holds the weight itself, folded; what is stored
/// beside it is the trainer's. <see cref="Group"/> names the weights that are normalized together as one matrix.
/// </summary>
public abstract record Reparametrization(string Group)
{
    /// <summary>γ·V/σ(V), γ learned (arXiv 2303.06296). γ starts at <paramref name="Gain"/>, or at σ of the initial weight when null.</summary>
    public sealed record Sigma(string Group, double? Gain = null) : Reparametrization(Group);

    /// <summary>V/σ(V) (Miyato et al. 2018).</summary>
    public sealed record Spectral(string Group) : Reparametrization(Group);

    /// <summary>γ_i·V_i/‖V_i‖ for every row i, γ learned (Salimans and Kingma 2016); starts at the initial weight.</summary>
    public sealed record Rows(string Group) : Reparametrization(Group);
}

/// <summary>Which axis of a matrix the heads divide: rows of W_q, W_k, W_v; columns of W_out.</summary>
public enum HeadAxis { None, Rows, Columns }

/// <summary>
/// A named slice of a leaf parameter. The leaf is what autograd and the optimizer see; the weight is what caps, norms,
/// reports and checkpoint keys see. <paramref name="Shape"/> is the slice's own shape: (out, in) for matrices,
/// (out, in/groups, k…) for kernels; <paramref name="RowOffset"/> counts rows of the leaf.
/// <paramref name="Groups"/> divides a kernel's output channels. <paramref name="Transposed"/> means that the leaf stores (in, out), so that x·W and not x·Wᵀ is computed.
/// </summary>
public sealed record Weight(
    string Name,
    string Leaf,
    Role Role,
    IReadOnlyList<long> Shape,
    long RowOffset = 0,
    int Heads = 1,
    HeadAxis HeadAxis = HeadAxis.None,
    Init? Init = null,
    Constraint? Constraint = null,
    bool Transposed = false,
    int Groups = 1,
    Reparametrization? Reparametrization = null);
