using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace Lips.Runtime.Falsification;

/// <summary>The largest gain an attack found, with where.</summary>
public sealed record Found(double Gain, Reading Reading, Start Start, int Seed);

/// <summary>
/// Searches for a large gain |J u|: weights at their caps, inputs in the declared domain and output functional ascend
/// together. With u fixed the gain is the dual norm of Jᵀu; its gradient with respect to u is J of the best direction, which
/// is the next u (power iteration), that with respect to the input moves the input, and that with respect to the weights
/// moves them towards the farthest point of their caps' sets. Every gain seen is one, up to arithmetic.
/// </summary>
public sealed class Falsifier(AttackedMap subject)
{
    public int Steps { get; init; } = 30;

    public int Batch { get; init; } = 8;

    /// <summary>Whether the weights move; else they stay as they are.</summary>
    public bool MovesWeights { get; init; } = true;

    /// <summary>Whether the inputs move.</summary>
    public bool MovesInputs { get; init; } = true;

    /// <summary>Ascends from random weights and inputs.</summary>
    public Found Attack(Reading reading, Start start, int seed)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        foreach (var weight in subject.Weights.Distinct)
            CappedSet.Draw(weight, start, generator);
        Buffers(generator);
        return new Found(Ascend(reading, Inputs(generator), generator), reading, start, seed);
    }

    /// <summary>Ascends from the weights as they are and the given inputs (batch first).</summary>
    public double Ascend(Reading reading, Tensor inputs, Generator generator)
    {
        var x = subject.Clip(inputs).DetachFromDisposeScope();
        var beside = Beside(x.shape[0], generator)?.DetachFromDisposeScope();
        Tensor? functional = null;
        double best = 0, rate = 0.3, pull = 0.3;
        for (int step = 0; step <= Steps; step++)
        {
            using var scope = NewDisposeScope();
            using var point = x.detach().requires_grad_(true);
            using var companion = beside?.detach().requires_grad_(true);
            var value = subject.Map(point, companion);
            functional ??= Dual(randn(value.shape, dtype: float64, generator: generator), reading, held: true).DetachFromDisposeScope();
            using var u = functional.detach().requires_grad_(true);
            var pulled = autograd.grad([value], [point], [u], create_graph: true, allow_unused: true)[0];
            if (pulled is null || pulled.IsInvalid)
                break;
            var gains = DualNorm(pulled, reading);
            double largest = gains.max().item<double>();
            if (!double.IsFinite(largest))
                throw new RunFailed($"{subject.Name}: a gain is {largest}");
            best = Math.Max(best, largest);
            if (step == Steps || largest == 0 && step > 3)
                break;
            // the best sample leads the weights; the others keep ascending
            var share = (gains / Math.Max(largest, 1e-300)).detach().pow(6) + 1e-9;
            var moving = MovesWeights ? subject.Weights.Leaves.Select(l => (Tensor)l.Parameter).ToList() : [];
            IList<Tensor> slopes = autograd.grad([(gains * share).sum()], [point, u, .. moving, .. companion is null ? Array.Empty<Tensor>() : [companion]], allow_unused: true);
            functional.Dispose();
            functional = Dual(slopes[1].detach(), reading, held: 2 * step < Steps).DetachFromDisposeScope();
            if (MovesInputs && Known(slopes[0]))
            {
                var next = subject.Clip(point.detach() + Direction(slopes[0]) * rate).DetachFromDisposeScope();
                x.Dispose();
                x = next;
            }
            if (MovesInputs && companion is not null && Known(slopes[^1]))
            {
                var size = slopes[^1].flatten(1).square().sum(1).sqrt().clamp_min(1e-300).view([-1, .. Enumerable.Repeat(1L, (int)slopes[^1].dim() - 1)]);
                var next = subject.ClipBeside(companion.detach() + (slopes[^1] / size * rate * Math.Sqrt(companion.numel() / companion.shape[0]))).DetachFromDisposeScope();
                beside!.Dispose();
                beside = next;
            }
            if (MovesWeights)
                MoveWeights(slopes, pull);
            rate *= 0.94;
            pull = Math.Max(0.05, pull * 0.97);
        }
        functional?.Dispose();
        beside?.Dispose();
        x.Dispose();
        return best;
    }

    private Tensor? Beside(long batch, Generator generator) => subject.Beside is { } input
        ? subject.ClipBeside(randn([batch, .. input.Shape], dtype: float64, generator: generator) * 3)
        : null;

    /// <summary>The largest |f(a) − f(b)| / |a − b| over pairs of the given inputs, for the weights as they are.</summary>
    public double Pairs(Reading reading, Tensor inputs, Generator generator)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var a = subject.Clip(inputs);
        var b = a.roll([1], [0]);
        var beside = Beside(a.shape[0], generator);
        var change = Norm(AttackedMap.OutputTokens(subject.Map(a, beside)) - AttackedMap.OutputTokens(subject.Map(b, beside)), reading is Reading.WholeToWhole);
        var moved = Norm(subject.Tokens(a) - subject.Tokens(b), reading is not Reading.TokenToToken);
        return (change / moved.clamp_min(1e-6)).max().item<double>();
    }

    /// <summary>Largest and least token of the output, half the largest distance of two tokens of one sample, and the least token once its own mean is subtracted.</summary>
    public (double Largest, double Least, double Spread, double LeastCentred) Outputs(Tensor inputs, Generator generator)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var tokens = AttackedMap.OutputTokens(subject.Map(subject.Clip(inputs), Beside(inputs.shape[0], generator)));
        var lengths = tokens.square().sum(2).sqrt();
        var spread = (tokens.unsqueeze(1) - tokens.unsqueeze(2)).square().sum(3).sqrt();
        var centred = (tokens - tokens.mean([2L], keepdim: true)).square().sum(2).sqrt();
        return (lengths.max().item<double>(), lengths.min().item<double>(), spread.max().item<double>() / 2, centred.min().item<double>());
    }

    /// <summary>Inputs at the border of the domain, inside it, near its centre, all equal, and antipodal in pairs.</summary>
    public Tensor Inputs(Generator generator)
    {
        long[] shape = [Batch, .. subject.Shape];
        var noise = randn(shape, dtype: float64, generator: generator);
        if (subject.IsImage)
        {
            var (low, high) = subject.Range ?? (-1, 1);
            var corners = noise.sign() * ((high - low) / 2) + (high + low) / 2;
            var inside = noise * ((high - low) / 4) + (high + low) / 2;
            return subject.Clip(cat([corners.narrow(0, 0, Batch / 2), inside.narrow(0, Batch / 2, Batch - (Batch / 2))], 0));
        }
        double radius = double.IsInfinity(subject.Radius) ? 2 : subject.Radius;
        var tokens = subject.Tokens(noise);
        var onSphere = tokens / tokens.square().sum(2, keepdim: true).sqrt() * radius;
        var samples = new List<Tensor>();
        for (int i = 0; i < Batch; i++)
        {
            var one = onSphere.narrow(0, i, 1);
            samples.Add((i % 6) switch
            {
                0 or 1 => one,
                2 => one * rand([1, one.shape[1], 1], dtype: float64, generator: generator),
                3 => one * 1e-3,
                4 => one.narrow(1, 0, 1) * tensor(Enumerable.Range(0, (int)one.shape[1]).Select(j => j % 2 == 0 ? 1.0 : -1.0).ToArray()).view(1, -1, 1),
                _ => one.narrow(1, 0, 1).expand(one.shape),
            });
        }
        return subject.Clip(subject.Back(cat(samples, 0), noise));
    }

    private void MoveWeights(IList<Tensor> slopes, double pull)
    {
        using var noGrad = no_grad();
        var byLeaf = subject.Weights.Leaves.Select((l, i) => (l.Name, Slope: slopes[i + 2])).ToDictionary(l => l.Name, l => l.Slope);
        foreach (var weight in subject.Weights.Distinct)
        {
            var slope = byLeaf[weight.Weight.Leaf];
            if (weight.Weight.Constraint is not Constraint.Cap cap || !Known(slope))
                continue;
            var direction = ModelWeights.View(weight.Weight, slope);
            if (direction.abs().max().item<double>() is var size && (size == 0 || !double.IsFinite(size)))
                continue;
            // only where it points counts, and squares of what is tiny are 0
            direction = direction / size;
            if (cap.Extent == CapExtent.Operator)
            {
                var moved = weight.View + direction * (pull * weight.View.square().sum().sqrt() / direction.square().sum().sqrt());
                weight.View.copy_(CappedSet.AtCap(weight.Weight, moved));
            }
            else
            {
                weight.View.copy_(weight.View * (1 - pull) + CappedSet.Farthest(weight.Weight, direction) * pull);
            }
        }
    }

    /// <summary>Running statistics are no weights: a bound holds for any, so the variances are 0 in some channels.</summary>
    private void Buffers(Generator generator)
    {
        using var noGrad = no_grad();
        foreach (var (name, buffer) in subject.Weights.Buffers)
        {
            if (name.EndsWith("running_var", StringComparison.Ordinal))
                buffer.copy_(randn(buffer.shape, dtype: float64, generator: generator).relu());
            else if (name.EndsWith("running_mean", StringComparison.Ordinal))
                buffer.copy_(randn(buffer.shape, dtype: float64, generator: generator));
        }
    }

    /// <summary>Per sample, a step of the size of the domain along the slope.</summary>
    private Tensor Direction(Tensor slope)
    {
        if (subject.Range is var (low, high))
            return slope.sign() * ((high - low) / 2);
        double radius = double.IsInfinity(subject.Radius) ? 2 : subject.Radius;
        var flat = slope.flatten(1).square().sum(1).sqrt().clamp_min(1e-300);
        return slope / flat.view([-1, .. Enumerable.Repeat(1L, (int)slope.dim() - 1)]) * (radius * Math.Sqrt(subject.SourceTokens));
    }

    private static bool Known(Tensor? slope) => slope is not null && !slope.IsInvalid;

    private static Tensor Norm(Tensor tokens, bool whole) => whole ? tokens.flatten(1).square().sum(1).sqrt() : tokens.square().sum(2).sqrt().amax([1]);

    private Tensor DualNorm(Tensor pulled, Reading reading) => reading == Reading.TokenToToken
        ? (subject.Tokens(pulled).square().sum(2) + 1e-300).sqrt().sum(1)
        : (pulled.flatten(1).square().sum(1) + 1e-300).sqrt();

    /// <summary>
    /// The functional of dual norm 1 along a change of the output: all of it, or the token that changes most; while held, sample
    /// i keeps to token i, so that no token is forgotten because another changes more at first.
    /// </summary>
    private static Tensor Dual(Tensor change, Reading reading, bool held)
    {
        var tokens = AttackedMap.OutputTokens(change);
        if (reading == Reading.WholeToWhole)
            return (tokens / tokens.flatten(1).square().sum(1).sqrt().clamp_min(1e-300).view(-1, 1, 1)).reshape(change.shape);
        var lengths = tokens.square().sum(2, keepdim: true).sqrt();
        var chosen = held ? arange(change.shape[0], dtype: int64).remainder(tokens.shape[1]).view(-1, 1, 1) : lengths.argmax(1, keepdim: true);
        var mask = zeros_like(lengths).scatter(1, chosen, ones_like(lengths));
        return (tokens / lengths.clamp_min(1e-300) * mask).reshape(change.shape);
    }
}
