using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Distributed;

/// <summary>
/// Which worker updates and projects which parameters, and how the others get them. A parameter is one worker's whole; shares
/// are balanced by the work of update and projection.
/// </summary>
internal sealed class WeightShares : IDisposable
{
    /// <summary>Parameters travel in pieces of about this size, so that copying one overlaps with sending the next.</summary>
    private const long PieceBytes = 4 << 20;

    private readonly Dictionary<string, int> _owner;
    private readonly List<Piece> _pieces = [];
    private readonly int _rank;

    /// <param name="leaves">Every parameter that is trained, by name, with the weights that are slices of it.</param>
    public WeightShares(IReadOnlyList<(string Name, Parameter Parameter, IReadOnlyList<Weight> Weights)> leaves, TrainingPlan plan, int rank, int size)
    {
        _rank = rank;
        _owner = Assign(leaves.Select(l => (l.Name, l.Weights.Sum(w => Cost(w, plan)))).ToList(), size);
        using var noGrad = torch.no_grad();
        foreach (var group in leaves.GroupBy(l => (Owner: _owner[l.Name], l.Parameter.dtype)))
        {
            var members = new List<Parameter>();
            long entries = 0;
            foreach (var (_, parameter, _) in group)
            {
                members.Add(parameter);
                entries += parameter.numel();
                if (entries * parameter.element_size() >= PieceBytes)
                {
                    _pieces.Add(new Piece(group.Key.Owner, members));
                    (members, entries) = ([], 0);
                }
            }
            if (members.Count > 0)
                _pieces.Add(new Piece(group.Key.Owner, members));
        }
    }

    /// <summary>Whether this worker updates the parameter.</summary>
    public bool Owns(string leaf) => _owner[leaf] == _rank;

    /// <summary>Every parameter becomes its owner's.</summary>
    public void Exchange(ProcessGroup group)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach (var piece in _pieces)
        {
            if (piece.Owner == _rank)
                piece.Fill();
            piece.Work = group.Broadcast(piece.Flat, piece.Owner);
        }
        foreach (var piece in _pieces)
        {
            piece.Work!.Wait();
            piece.Work = null;
            if (piece.Owner != _rank)
                piece.Empty();
        }
    }

    /// <summary>
    /// About the time that update and projection of a weight take, in entries that AdamW updates. A matrix of m ≤ n takes
    /// 4m²n + 2m³ operations for each odd polynomial of degree five; some eight of them go into the time of one such entry.
    /// </summary>
    internal static double Cost(Weight weight, TrainingPlan plan)
    {
        double entries = weight.Shape.Aggregate(1.0, (a, b) => a * b);
        if (weight.Shape.Count < 2)
            return entries;
        double rows = weight.Shape[0], columns = entries / rows;
        if (MatrixBlocks.ArePerHead(weight))
            (rows, columns) = weight.HeadAxis == HeadAxis.Rows ? (rows / weight.Heads, columns) : (rows, columns / weight.Heads);
        double least = Math.Min(rows, columns), most = Math.Max(rows, columns);
        double polynomial = entries / (rows * columns) * ((4 * least * least * most) + (2 * least * least * least)) / 64;
        double update = plan.Optimizers[weight.Role] is OptimizerPlan.Muon ? entries + (6 * polynomial) : entries;
        double projection = weight.Constraint switch
        {
            Constraint.Cap { Unit: CapUnit.RowL2 or CapUnit.RowRms or CapUnit.L2 or CapUnit.MaxAbs } => entries,
            Constraint.Cap { Method: CapMethod.Soft } => 2 * polynomial,
            Constraint.Cap { Method: CapMethod.Hard } => 14 * polynomial,
            Constraint.Cap { Method: CapMethod.Stiefel } => 8 * polynomial,
            Constraint.Cap { Method: CapMethod.Svd } => 40 * polynomial,
            Constraint.Cap or Constraint.SpectralDecay => polynomial + (2 * entries),
            _ => 0,
        };
        return update + projection;
    }

    /// <summary>The dearest first, each to the worker with the least work so far: at most 4/3 of the best division's largest share (Graham 1969).</summary>
    internal static Dictionary<string, int> Assign(IReadOnlyList<(string Name, double Cost)> items, int size)
    {
        var load = new double[size];
        var owner = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, cost) in items.OrderByDescending(i => i.Cost).ThenBy(i => i.Name, StringComparer.Ordinal))
        {
            int least = Array.IndexOf(load, load.Min());
            owner[name] = least;
            load[least] += cost;
        }
        return owner;
    }

    public void Dispose()
    {
        foreach (var piece in _pieces)
            piece.Flat.Dispose();
    }

    /// <summary>Parameters of one owner, side by side in one tensor.</summary>
    private sealed class Piece
    {
        private readonly List<(torch.Tensor Value, long At)> _members = [];

        public Piece(int owner, List<Parameter> parameters)
        {
            Owner = owner;
            long at = 0;
            foreach (var parameter in parameters)
            {
                _members.Add((parameter.detach().DetachFromDisposeScope(), at));
                at += parameter.numel();
            }
            Flat = torch.zeros([at], dtype: parameters[0].dtype, device: parameters[0].device).DetachFromDisposeScope();
        }

        public int Owner { get; }

        public torch.Tensor Flat { get; }

        public PendingWork? Work { get; set; }

        public void Fill()
        {
            foreach (var (value, at) in _members)
                Place(value, at).copy_(value);
        }

        public void Empty()
        {
            foreach (var (value, at) in _members)
                value.copy_(Place(value, at));
        }

        private torch.Tensor Place(torch.Tensor value, long at) => Flat.narrow(0, at, value.numel()).view(value.shape);
    }
}
