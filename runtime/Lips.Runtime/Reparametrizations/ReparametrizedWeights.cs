using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Reparametrizations;

/// <summary>
/// What training stores in place of the reparametrized weights of a model. The module holds the folded weights all the time, so
/// that its forward pass, the running average, model files and certificates are of the weights themselves; here are V, γ and
/// the power iterations. One round: backward, <see cref="PullBack"/>, an optimizer step on <see cref="Weights"/>, <see cref="Fold"/>.
/// The iteration takes one step a round, however many forward passes a round has.
/// </summary>
public sealed class ReparametrizedWeights : IDisposable
{
    private readonly List<NormalizedMatrix> _matrices = [];
    private readonly List<(string Leaf, Parameter Stored, torch.Tensor Value)> _stored = [];

    /// <summary>Takes the module's weights as the first V and folds them.</summary>
    public ReparametrizedWeights(ModelWeights weights, long seed)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var stored = new List<BoundWeight>();
        foreach (var leaf in weights.Distinct.Where(w => w.Weight.Reparametrization is not null).GroupBy(w => w.Weight.Leaf, StringComparer.Ordinal))
        {
            var parameter = leaf.First().Leaf;
            var copy = new Parameter(parameter.detach().clone().DetachFromDisposeScope());
            copy.grad = torch.zeros_like(parameter.detach());
            _stored.Add((leaf.Key, copy, copy.detach().DetachFromDisposeScope()));
            foreach (var bound in leaf)
                stored.Add(new BoundWeight(bound.Weight, copy, ModelWeights.View(bound.Weight, copy).DetachFromDisposeScope()));
            foreach (var group in leaf.GroupBy(w => w.Weight.Reparametrization!))
                _matrices.Add(Matrix(group.Key, group.Select(w => w.Weight).ToList(), parameter, copy, seed));
        }
        Weights = stored;
        Gains = _matrices.Where(m => m.Gain is not null)
            .Select(m => new BoundWeight(new Weight(m.Rule.Group + ".gamma", m.Rule.Group + ".gamma", Role.Gain, m.Gain!.shape), m.Gain, m.Gain.detach().DetachFromDisposeScope()))
            .ToList();
        foreach (var matrix in _matrices)
            matrix.Fold(steps: 0);
    }

    /// <summary>The weights, then the gains, that a whole model has here, as their update rules are chosen by.</summary>
    public static IEnumerable<(Weight Weight, bool IsGain)> Of(ModelWeights weights)
    {
        var leaves = weights.Distinct.Where(w => w.Weight.Reparametrization is not null).GroupBy(w => w.Weight.Leaf, StringComparer.Ordinal).ToList();
        return leaves.SelectMany(leaf => leaf.Select(w => (w.Weight, false)))
            .Concat(leaves.SelectMany(leaf => leaf.GroupBy(w => w.Weight.Reparametrization!))
                .Where(group => group.Key is not Reparametrization.Spectral)
                .Select(group => (new Weight(group.Key.Group + ".gamma", group.Key.Group + ".gamma", Role.Gain, [1]), true)));
    }

    /// <summary>The weights as stored: V in the place of W.</summary>
    public IReadOnlyList<BoundWeight> Weights { get; }

    /// <summary>The learned γ, as weights of role gain.</summary>
    public IReadOnlyList<BoundWeight> Gains { get; }

    /// <summary>What the optimizer updates: the stored leaves and γ.</summary>
    public IEnumerable<Parameter> Parameters => _stored.Select(s => s.Stored).Concat(Gains.Select(g => g.Leaf));

    /// <summary>Everything that a resumed run needs.</summary>
    public IEnumerable<(string Name, torch.Tensor Tensor)> State =>
        _stored.Select(s => ("reparametrized/" + s.Leaf, s.Value))
            .Concat(_matrices.SelectMany(m => m.State.Select(s => ($"reparametrized/{m.Rule.Group}/{s.Name}", s.Tensor))));

    /// <summary>After the backward pass: the gradients of V and γ from those of the folded weights.</summary>
    public void PullBack()
    {
        foreach (var matrix in _matrices)
            matrix.PullBack();
    }

    /// <summary>After the optimizer's step: one step of every power iteration, then W = γ·V/n(V) into the module.</summary>
    public void Fold()
    {
        foreach (var matrix in _matrices)
            matrix.Fold(steps: 1);
    }

    /// <summary>After a checkpoint was loaded: the norms are those of the loaded V; nothing is iterated.</summary>
    public void Refresh()
    {
        foreach (var matrix in _matrices)
            matrix.Fold(steps: 0);
    }

    private static NormalizedMatrix Matrix(Reparametrization rule, List<Weight> weights, Parameter folded, Parameter stored, long seed)
    {
        long first = weights.Min(w => w.RowOffset), rows = weights.Sum(w => w.Shape[0]);
        if (weights.Any(w => w.Transposed || w.Shape.Count < 2) || weights.Max(w => w.RowOffset + w.Shape[0]) != first + rows)
            throw new RunFailed($"The weights of '{rule.Group}' ({string.Join(", ", weights.Select(w => w.Name))}) are no block of rows and cannot be normalized as one matrix.");
        torch.Tensor Block(torch.Tensor leaf) => leaf.detach().narrow(0, first, rows).view(rows, -1);
        torch.Tensor Gradient() => Block(folded.grad ?? torch.zeros_like(folded.detach()));
        return new NormalizedMatrix(rule, Block(stored).DetachFromDisposeScope(), Block(folded).DetachFromDisposeScope(), Gradient, () => Block(stored.grad!), seed);
    }

    public void Dispose()
    {
        foreach (var matrix in _matrices)
            matrix.Dispose();
        foreach (var bound in Weights.Concat(Gains))
            bound.View.Dispose();
        foreach (var (_, stored, value) in _stored)
        {
            value.Dispose();
            stored.Dispose();
        }
    }
}
