using System.Collections.Generic;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>
/// How attention compares a query with a key, and what it makes of the logits: softmax(scale·q·kᵀ) unless a kind below says
/// otherwise. Queries, keys and values are [.., head width].
/// </summary>
public abstract class Similarity
{
    private protected Similarity()
    {
    }

    internal static Similarity Dot { get; } = new DotProduct();

    /// <summary>Modules with weights of its own, by the name they have in the attention layer.</summary>
    internal virtual IEnumerable<(string Name, torch.nn.Module Module)> Parts => [];

    /// <summary>Whether anything is done to queries and keys before they are turned by their position.</summary>
    internal virtual bool Prepares => false;

    /// <summary>Whether the weights are softmax(scale·q·kᵀ), of queries and keys as they were prepared.</summary>
    internal virtual bool IsSoftmaxOfProducts => true;

    /// <summary>What is done to queries before they are turned by their position.</summary>
    internal virtual torch.Tensor Query(torch.Tensor q) => q;

    /// <summary>What is done to keys before they are turned by their position.</summary>
    internal virtual torch.Tensor Key(torch.Tensor k) => k;

    /// <summary>What is done to values before they are mixed.</summary>
    internal virtual torch.Tensor Value(torch.Tensor v) => v;

    /// <returns>[.., queries, keys]</returns>
    internal virtual torch.Tensor Logits(torch.Tensor q, torch.Tensor k, double scale) => q.mul(scale).matmul(k.transpose(-2, -1));

    /// <summary>The factor of every value, where the logits are −∞ for keys out of sight.</summary>
    internal virtual torch.Tensor Weights(torch.Tensor logits) => logits.softmax(-1);

    /// <summary>The part of a row that each weight makes up: what is watched as probabilities.</summary>
    internal virtual torch.Tensor Shares(torch.Tensor weights) => weights;

    private sealed class DotProduct : Similarity;
}

/// <summary>
/// Scaled cosine attention (arXiv 2304.09856): nu·softmax(scale·q̂·k̂ᵀ)·v̂, ŷ = y/√(|y|² + eps), or y/max(|y|, eps) where clamped,
/// as the released code of the paper has it, with values as they are.
/// </summary>
/// <param name="eps">Keeps a short vector from being divided by nearly 0; 0 where nothing does.</param>
/// <param name="nu">Factor on the heads' output.</param>
/// <param name="clamp">Whether eps is the least divisor.</param>
/// <param name="values">Whether values are normalized too.</param>
/// <param name="added">Whether eps is added to the length: y/(|y| + eps).</param>
public sealed class Cosine(double eps, double nu = 1, bool clamp = false, bool values = true, bool added = false) : Similarity
{
    internal override bool Prepares => true;

    internal override torch.Tensor Query(torch.Tensor q) => Normalized(q);

    internal override torch.Tensor Key(torch.Tensor k) => Normalized(k);

    internal override torch.Tensor Value(torch.Tensor v)
    {
        var value = values ? Normalized(v) : v;
        return nu == 1 ? value : value.mul(nu);
    }

    /// <summary>Far below any eps: the root's slope at 0 would be NaN.</summary>
    private const double Shortest = 1e-15;

    // the root of a clamped square: its slope at 0 is 0, that of a clamped root would be NaN. Autocast has sums and roots in float32:
    // they are narrowed and not all of y widened
    private torch.Tensor Normalized(torch.Tensor y)
    {
        var square = y.mul(y).sum(-1, keepdim: true);
        if (added)
            return y.div(square.clamp_min(Shortest * Shortest).sqrt().add(eps).to_type(y.dtype));
        return y.mul((clamp ? square.clamp_min(eps * eps) : square.add(eps)).rsqrt().to_type(y.dtype));
    }
}

/// <summary>
/// Queries and keys normalized in every head, with gains and biases that the heads share (arXiv 2010.04245, 2302.05442):
/// y/√(mean(y²) + eps), of y − mean(y) where centred.
/// </summary>
/// <param name="headWidth">Channels of a head.</param>
/// <param name="eps">Added under the root.</param>
/// <param name="centre">Whether the mean is subtracted first: a layer norm.</param>
/// <param name="affine">Whether there is a gain per channel.</param>
/// <param name="hasBias">Whether there is a bias per channel.</param>
public sealed class QkNorm(long headWidth, double eps, bool centre = false, bool affine = true, bool hasBias = false) : Similarity
{
    private readonly HeadNorm _query = new(headWidth, eps, centre, affine, hasBias);
    private readonly HeadNorm _key = new(headWidth, eps, centre, affine, hasBias);

    internal override IEnumerable<(string Name, torch.nn.Module Module)> Parts => [("q_norm", _query), ("k_norm", _key)];

    internal override bool Prepares => true;

    internal override torch.Tensor Query(torch.Tensor q) => _query.call(q);

    internal override torch.Tensor Key(torch.Tensor k) => _key.call(k);

    private sealed class HeadNorm(long width, double eps, bool centre, bool affine, bool hasBias) : AffineNorm(nameof(HeadNorm), width, affine, hasBias)
    {
        public override torch.Tensor forward(torch.Tensor x)
        {
            using var scope = torch.NewDisposeScope();
            var y = centre ? x.sub(x.mean([-1], keepdim: true)) : x;
            return Affine(y.mul(y.square().mean([-1], keepdim: true).add(eps).rsqrt())).MoveToOuterDisposeScope();
        }
    }
}

/// <summary>
/// Logits fall with the distance: −scale·|y_i − y_j|² (Kim, Papamakarios and Mnih, arXiv 2006.04710), y the one projection of
/// queries and keys.
/// </summary>
/// <param name="tiedValue">Whether a head's value is a matrix times its query: without, the layer has no Lipschitz constant.</param>
public sealed class Distance(bool tiedValue = true) : Similarity
{
    internal bool TiedValue => tiedValue;

    internal override bool IsSoftmaxOfProducts => false;

    /// <summary>Without −scale·|q|², which is the same for all keys of a row.</summary>
    internal override torch.Tensor Logits(torch.Tensor q, torch.Tensor k, double scale) =>
        q.mul(2 * scale).matmul(k.transpose(-2, -1)).sub(k.square().sum(-1).mul(scale).unsqueeze(-2));
}

/// <summary>Every weight by itself, a function of its own logit: rows need not sum to 1.</summary>
public abstract class ElementwiseWeights : Similarity
{
    /// <summary>A row of nothing but zeros has no shares; the sum of any other is far above this.</summary>
    private const double Least = 1e-300;

    private protected ElementwiseWeights()
    {
    }

    internal override bool IsSoftmaxOfProducts => false;

    /// <summary>Sizes of the weights over their sum; 0 in a row without weights.</summary>
    internal override torch.Tensor Shares(torch.Tensor weights)
    {
        var sizes = weights.to_type(torch.ScalarType.Float64).abs();
        return sizes.div(sizes.sum(-1, keepdim: true).clamp_min(Least));
    }
}

/// <summary>σ(scale·q·kᵀ + bias) (arXiv 2409.04431).</summary>
/// <param name="bias">Added to every logit; −ln n makes n even weights sum to about 1.</param>
public sealed class SigmoidWeights(double bias) : ElementwiseWeights
{
    internal override torch.Tensor Weights(torch.Tensor logits) => logits.add(bias).sigmoid();
}

/// <summary>max(scale·q·kᵀ + bias, 0)/keys (arXiv 2309.08586).</summary>
/// <param name="keys">What every row divides by, however many keys it sees.</param>
/// <param name="bias">Added to every logit.</param>
public sealed class ReluWeights(long keys, double bias = 0) : ElementwiseWeights
{
    internal override torch.Tensor Weights(torch.Tensor logits) => (bias == 0 ? logits : logits.add(bias)).relu().div(keys);
}

/// <summary>(scale·q·kᵀ + bias)/keys, and 0 for keys out of sight: attention without a nonlinearity.</summary>
/// <param name="keys">What every row divides by, however many keys it sees.</param>
/// <param name="bias">Added to every logit.</param>
public sealed class LinearWeights(long keys, double bias = 0) : ElementwiseWeights
{
    internal override torch.Tensor Weights(torch.Tensor logits)
    {
        // −∞ means out of sight, and would stay −∞
        var seen = logits.masked_fill(logits.eq(double.NegativeInfinity), -bias);
        return (bias == 0 ? seen : seen.add(bias)).div(keys);
    }
}
