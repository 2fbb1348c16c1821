using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Distributed;

/// <summary>
/// A trainer's part in a training by several workers. Every worker draws the whole batch and computes its share of it; gradients
/// are summed while the backward pass runs, each worker updates and projects its share of the weights, and all get all.
/// </summary>
internal sealed class DataParallel : IDisposable
{
    private const long BucketBytes = 4 << 20;
    private readonly Workers _workers;
    private readonly ModelWeights _weights;
    private readonly WeightShares _shares;
    private readonly GradientReducer _gradients;
    private readonly List<(string Name, Parameter Parameter)> _leaves;
    private readonly List<torch.Tensor> _statistics;
    private readonly long _seed, _checkEvery;
    private readonly List<(string Name, long Hash)> _hashes = [];
    private torch.Tensor? _stop;
    private PendingWork? _stopping;

    /// <param name="companions">Weights of the objective's own.</param>
    /// <param name="checkEvery">Steps between comparisons of all workers' bits; 0 for none.</param>
    public DataParallel(Workers workers, ModelWeights weights, TrainingPlan plan, IReadOnlyList<BoundWeight> companions, long checkEvery)
    {
        (_workers, _weights, _seed, _checkEvery) = (workers, weights, plan.Seed, checkEvery);
        _leaves = [.. weights.Leaves, .. companions.Select(c => (c.Weight.Leaf, c.Leaf))];
        var slices = weights.Distinct.Concat(companions).ToLookup(w => w.Weight.Leaf, w => w.Weight, StringComparer.Ordinal);
        _shares = new WeightShares(_leaves.Select(l => (l.Name, l.Parameter, (IReadOnlyList<Weight>)[.. slices[l.Name]])).ToList(), plan, workers.Rank, workers.Size);
        _gradients = new GradientReducer(workers.Data, [.. _leaves.Select(l => l.Parameter)], BucketBytes);
        // of batch normalization: every worker sees other samples, so that these alone differ
        _statistics = weights.Buffers.Where(b => b.Name.EndsWith("running_mean", StringComparison.Ordinal) || b.Name.EndsWith("running_var", StringComparison.Ordinal)).Select(b => b.Buffer).ToList();
    }

    public Workers Workers => _workers;

    /// <summary>What this worker updates.</summary>
    public OptimizerShare Share => new(_shares.Owns, WholeNorm, count => (long)_workers.Sum(count)[0]);

    /// <summary>Before a step, the one after <paramref name="step"/>: random numbers of its own for every worker and step, and the question whether one wants to stop.</summary>
    public void Begin(long step, bool stop)
    {
        torch.manual_seed(unchecked((long)SplitMix(SplitMix((ulong)_seed + (ulong)step) + (ulong)_workers.Rank)));
        _stop = torch.tensor(new long[] { stop ? 1 : 0 }).DetachFromDisposeScope();
        _stopping = _workers.Control.Largest(_stop);
    }

    /// <summary>This worker's samples of a batch, and the factor by which the mean over them enters that over the batch.</summary>
    public (Batch Batch, double Factor) ShareOf(Batch whole)
    {
        long count = whole.Target.shape[0], begin = count * _workers.Rank / _workers.Size, end = count * (_workers.Rank + 1) / _workers.Size;
        torch.Tensor Part(torch.Tensor tensor) => tensor.narrow(0, begin, end - begin);
        var share = whole.Of(Part);
        return (share, whole.Padded ? (double)Predictions(share) / Predictions(whole) : (double)(end - begin) / count);
    }

    private static long Predictions(Batch batch) => batch.Target.ne(Batch.Ignored).sum().item<long>();

    /// <summary>Announces the backward pass that completes the step's gradients.</summary>
    public void Arm() => _gradients.Arm();

    /// <summary>Afterwards gradients and loss are those of the whole batch.</summary>
    public void Finish(torch.Tensor loss, long step)
    {
        var sum = _workers.Data.Sum(loss);
        _workers.Guarded("the exchange of gradients", () =>
        {
            _gradients.Finish();
            sum.Wait();
        });
        _hashes.Clear();
        if (Checks(step + 1))
        {
            using var scope = torch.NewDisposeScope();
            _hashes.AddRange(DriftCheck.Hashes(_leaves.Where(l => l.Parameter.grad is not null).Select(l => ("gradient of " + l.Name, l.Parameter.grad!))));
        }
    }

    /// <summary>From the norm of the gradients that this worker applies, that of all.</summary>
    private torch.Tensor WholeNorm(torch.Tensor norm)
    {
        var square = norm.square().to(_leaves[0].Parameter.device);
        _workers.Guarded("the gradient's norm", _workers.Data.Sum(square).Wait);
        return square.sqrt();
    }

    /// <summary>After the update: everyone gets every weight. True where a worker wants to stop.</summary>
    /// <param name="step">Steps done, this one included.</param>
    /// <param name="exchanged">Called when all have all.</param>
    public bool End(long step, Action exchanged)
    {
        Exchange();
        foreach (var statistic in _statistics)
        {
            _workers.Guarded("the running statistics", _workers.Data.Sum(statistic).Wait);
            statistic.div_(_workers.Size);
        }
        exchanged();
        if (Checks(step))
        {
            _hashes.AddRange(DriftCheck.Hashes(_leaves.Select(l => (l.Name, (torch.Tensor)l.Parameter)).Concat(_weights.Buffers)));
            DriftCheck.Run(_workers, step, _hashes);
        }
        _workers.Guarded("the question whether to stop", _stopping!.Wait);
        bool stops = _stop!.item<long>() > 0;
        _stop!.Dispose();
        return stops;
    }

    public void Exchange() => _workers.Guarded("the exchange of weights", () => _shares.Exchange(_workers.Data));

    /// <summary>Whether all workers' gradients, weights and buffers are compared after that many steps.</summary>
    private bool Checks(long steps) => _checkEvery > 0 && steps % _checkEvery == 0;

    /// <summary>Of a validation: sums over this worker's part become those over all.</summary>
    public double[] Sum(params double[] values) => _workers.Sum(values);

    /// <summary>Whether a piece of work with that number is this worker's.</summary>
    public bool Takes(int piece) => piece % _workers.Size == _workers.Rank;

    /// <summary>Everyone's numbers on worker 0; this worker's own elsewhere.</summary>
    public IReadOnlyDictionary<string, double> Merge(IReadOnlyDictionary<string, double> own)
    {
        using var written = new MemoryStream();
        using (var writer = new BinaryWriter(written, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(own.Count);
            foreach (var (name, value) in own)
            {
                writer.Write(name);
                writer.Write(value);
            }
        }
        if (_workers.Gather(written.ToArray()) is not { } all)
            return own;
        var merged = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (byte[] bytes in all)
        {
            using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
            for (int count = reader.ReadInt32(); count > 0; count--)
                merged[reader.ReadString()] = reader.ReadDouble();
        }
        return merged;
    }

    /// <summary>The optimizer state of all workers on worker 0; null elsewhere. One tensor at a time travels, so that no worker holds more than it must.</summary>
    public IReadOnlyList<StoredTensor>? Gather(IEnumerable<StoredTensor> own) => _workers.Guarded("the gathering of the optimizer's state", () =>
    {
        if (!_workers.IsFirst)
        {
            foreach (var tensor in own)
            {
                _workers.Send(Encoding.UTF8.GetBytes($"{tensor.Type}\n{string.Join(' ', tensor.Shape)}\n{tensor.Name}"), 0);
                _workers.Send(tensor.Data.ToArray(), 0);
            }
            _workers.Send([], 0);
            return null;
        }
        var all = own.ToList();
        for (int rank = 1; rank < _workers.Size; rank++)
            while (_workers.Receive(rank) is { Length: > 0 } header)
            {
                string[] lines = Encoding.UTF8.GetString(header).Split('\n', 3);
                long[] shape = lines[1].Length == 0 ? [] : [.. lines[1].Split(' ').Select(s => long.Parse(s, System.Globalization.CultureInfo.InvariantCulture))];
                all.Add(new StoredTensor(lines[2], Enum.Parse<StoredType>(lines[0]), shape, _workers.Receive(rank)));
            }
        return all;
    });

    private static ulong SplitMix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    public void Dispose()
    {
        _gradients.Dispose();
        _shares.Dispose();
        _stop?.Dispose();
    }
}
