using System;
using System.Collections.Generic;
using TorchSharp;

namespace Lips.Runtime;

/// <summary>An input as declared. <paramref name="Kind"/> is <c>tokens</c>, <c>image</c> or <c>features</c>; <paramref name="Shape"/> has no batch axis. Of features <paramref name="Radius"/> and <paramref name="LowerRadius"/> are the largest and least ℓ2 norm of a vector, <paramref name="Spread"/> the least once its own mean is subtracted.</summary>
public sealed record InputInfo(
    string Name,
    string Kind,
    IReadOnlyList<long> Shape,
    long? Vocabulary = null,
    double? RangeLow = null,
    double? RangeHigh = null,
    double? Radius = null,
    double? LowerRadius = null,
    double? Spread = null);

/// <summary>A claim of the spec: <c>lipschitz(From -> To) &lt;= Limit in NormIn -> NormOut</c>. <paramref name="Domain"/> says in words for which inputs and weights the bound at caps holds; <paramref name="Radius"/> is the largest norm of a token at <paramref name="From"/> (in <paramref name="NormIn"/>), where one is declared.</summary>
public sealed record ClaimInfo(string Text, string From, string To, string NormIn, string NormOut, string Domain, string? Limit, double? Radius = null);

/// <summary>
/// A model compiled from a spec: its module, its weights as the spec names them, and the proven bound as a function of
/// their norms. Generated code implements it; the runtime trains, certifies and reports through it alone.
/// </summary>
public interface ILipsModel : IDisposable
{
    /// <summary>The model's name in the spec.</summary>
    string Name { get; }

    /// <summary>SHA-256 (hexadecimal) of the canonical print of the resolved terms.</summary>
    string Meaning { get; }

    torch.nn.Module Module { get; }

    IReadOnlyList<InputInfo> Inputs { get; }

    IReadOnlyList<Weight> Weights { get; }

    /// <summary>The model's output. Tokens are int64 (batch, length); images (batch, channels, height, width); features (batch, length, width).</summary>
    torch.Tensor Forward(IReadOnlyList<torch.Tensor> inputs);

    /// <summary>The value at a named point of the spec, for the same inputs.</summary>
    torch.Tensor ValueAt(string point, IReadOnlyList<torch.Tensor> inputs);

    /// <summary>The rest of the network from a named point to the output, for estimates and certified radii.</summary>
    torch.Tensor Continue(string point, torch.Tensor value);

    /// <summary>The same beside the inputs of the same samples, whose token ids masks may look at: a bound is about values with one set of hidden keys.</summary>
    torch.Tensor Continue(string point, torch.Tensor value, IReadOnlyList<torch.Tensor> inputs) => Continue(point, value);

    IReadOnlyList<ClaimInfo> Claims { get; }

    /// <summary>The proven bound of a claim when every weight is at its declared cap.</summary>
    UpperBound BoundAtCaps(int claim);

    /// <summary>The proven bound of a claim for certified norms of the weights.</summary>
    UpperBound Bound(int claim, Norms norms);

    /// <summary>The inputs that <see cref="Bound"/> speaks about at the same norms, in words: <see cref="ClaimInfo.Domain"/> is that of the bound at caps.</summary>
    string DomainAt(int claim, Norms norms);

    /// <summary>
    /// Where a claim is measured from embedding vectors: how far exchanging one token moves them, in the norm of the claim's input.
    /// In l2 exchanging k tokens moves them at most √k as far, in the other norms no farther. Null elsewhere.
    /// </summary>
    UpperBound? SubstitutionAt(int claim, Norms norms) => null;

    RecipeEntry[] Recipe { get; }

    /// <summary>The norms that <see cref="Bound"/> reads.</summary>
    IReadOnlyList<NormRequest> NormsNeeded { get; }
}
