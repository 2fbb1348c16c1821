using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime;

/// <summary>A weight with the tensors it lives in. <paramref name="View"/> shares the leaf's memory and has the weight's shape.</summary>
public sealed record BoundWeight(Weight Weight, Parameter Leaf, torch.Tensor View);

/// <summary>
/// The weights of a model as tensors: checks that the weight table and the module agree, and that every parameter is
/// covered. Build it after the module is on its device; it does not survive <c>to()</c>.
/// </summary>
public sealed class ModelWeights : IDisposable
{
    private readonly Dictionary<string, BoundWeight> _byName;

    public ModelWeights(ILipsModel model)
    {
        Model = model;
        Leaves = model.Module.named_parameters().Select(p => (p.name, p.parameter)).ToList();
        var leaves = Leaves.ToDictionary(l => l.Name, l => l.Parameter, StringComparer.Ordinal);
        using var noGrad = torch.no_grad();
        All = model.Weights.Select(weight => Bind(weight, leaves)).ToList();
        _byName = All.ToDictionary(w => w.Weight.Name, StringComparer.Ordinal);
        var owned = new HashSet<(string Leaf, long Offset)>();
        Distinct = All.Where(w => owned.Add((w.Weight.Leaf, w.Weight.RowOffset))).ToList();
        foreach (var (name, parameter) in Leaves)
        {
            long covered = Distinct.Where(w => w.Weight.Leaf == name).Sum(w => w.View.numel());
            if (covered != parameter.numel())
                throw new RunFailed($"The weights of '{model.Name}' cover {covered} of the {parameter.numel()} entries of the parameter '{name}'.");
        }
    }

    private ModelWeights(ModelWeights whole, Func<string, bool> leaf)
    {
        (Model, _byName) = (whole.Model, whole._byName);
        Leaves = [.. whole.Leaves.Where(l => leaf(l.Name))];
        All = [.. whole.All.Where(w => leaf(w.Weight.Leaf))];
        Distinct = [.. whole.Distinct.Where(w => leaf(w.Weight.Leaf))];
    }

    /// <summary>The weights of some parameters, as views that stay this object's: it must outlive the part, which needs no disposal.</summary>
    public ModelWeights Part(Func<string, bool> leaf) => new(this, leaf);

    public ILipsModel Model { get; }

    /// <summary>The parameters that autograd sees.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Leaves { get; }

    public IReadOnlyList<BoundWeight> All { get; }

    /// <summary>The weights without those that share another's tensor: together, every parameter once.</summary>
    public IReadOnlyList<BoundWeight> Distinct { get; }

    public BoundWeight this[string name] => _byName.TryGetValue(name, out var weight)
        ? weight
        : throw new RunFailed($"'{Model.Name}' has no weight '{name}'.");

    /// <summary>The buffers that belong to a checkpoint, such as running statistics.</summary>
    public IEnumerable<(string Name, torch.Tensor Buffer)> Buffers => Model.Module.named_buffers().Select(b => (b.name, b.buffer));

    private static BoundWeight Bind(Weight weight, Dictionary<string, Parameter> leaves)
    {
        if (!leaves.TryGetValue(weight.Leaf, out var leaf))
            throw new RunFailed($"The weight '{weight.Name}' names the parameter '{weight.Leaf}', which the module does not have.");
        return new BoundWeight(weight, leaf, View(weight, leaf).DetachFromDisposeScope());
    }

    /// <summary>The weight's part of a tensor of the leaf's shape: the leaf itself, its gradient, or an optimizer state.</summary>
    public static torch.Tensor View(Weight weight, torch.Tensor leaf)
    {
        long[] shape = [.. weight.Shape];
        long rows = weight.Transposed ? shape[1] : shape.Length == 0 ? 1 : shape[0];
        var plain = leaf.detach();
        var slice = shape.Length == 0 || (weight.RowOffset == 0 && leaf.shape[0] == rows) ? plain.alias() : plain.narrow(0, weight.RowOffset, rows);
        var view = weight.Transposed ? slice.transpose(0, 1) : slice;
        if (!view.shape.SequenceEqual(shape))
            throw new RunFailed($"The weight '{weight.Name}' has shape [{string.Join(", ", shape)}], its place in '{weight.Leaf}' [{string.Join(", ", view.shape)}].");
        return view;
    }

    public void Dispose()
    {
        foreach (var weight in All)
            weight.View.Dispose();
    }
}
