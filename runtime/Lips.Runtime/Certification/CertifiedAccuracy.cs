using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Lips.Runtime.Certification;

/// <summary>One prediction: its place, whether it is right, and the certified radius (0 where it is wrong).</summary>
public sealed record CertifiedPrediction(int Sample, int Position, bool Right, double Radius);

/// <summary>Shares of the predictions at one radius: proven to stay right, not broken by the attack, right without any change.</summary>
public sealed record AccuracyRow(double Radius, double Certified, double Surviving, double Clean);

/// <summary>A certified evaluation. <paramref name="Violations"/> names every certified prediction that the attack has broken: none, unless a bound is wrong.</summary>
public sealed record CertifiedEvaluation(IReadOnlyList<AccuracyRow> Rows, IReadOnlyList<CertifiedPrediction> Predictions, IReadOnlyList<string> Violations);

/// <summary>
/// Certified accuracy of a classifier (of every position, for a model of text) and, at the same radii, its accuracy under
/// projected gradient ascent (Madry et al. 2018) on the margin. Points leave neither the ball around the sample nor the declared
/// input domain, on which alone the bound holds. Everything is computed in float64.
/// </summary>
/// <param name="from">The input or named point that moves.</param>
/// <param name="norm">How its moves are measured: <see cref="ValueNorm.L2"/> of the whole value, or of its largest token.</param>
/// <param name="radius">The proven radius of one token's logits for the right class, given how far a logit may be from its exact value.</param>
public sealed class CertifiedAccuracy(ILipsModel model, string from, ValueNorm norm, Func<double[], int, double, double> radius)
{
    /// <summary>
    /// What float64 is taken to add to or take from a logit, relative to the largest. An assumption, not a proof, and told wherever a
    /// radius is: some 10⁶ roundings in a row would have to err to one side.
    /// </summary>
    public const double Rounding = 1e-9;

    /// <summary>Ascent steps for each start.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Starts for each radius: the sample itself, then random points of the ball.</summary>
    public int Starts { get; init; } = 2;

    public long Seed { get; init; }

    /// <summary>Largest ℓ2 norm of a token of the point; ∞ where none is declared.</summary>
    public double Radius { get; init; } = double.PositiveInfinity;

    private InputInfo? Input => model.Inputs.FirstOrDefault(i => i.Name == from && i.Kind != "tokens");

    /// <summary>Evaluates the batches, which hold the input and the right classes; the model is float64 from here on.</summary>
    /// <param name="radii">Ascending.</param>
    public CertifiedEvaluation Run(IEnumerable<Batch> batches, Func<IReadOnlyList<CertifiedPrediction>, IReadOnlyList<double>> radii)
    {
        model.Module.to(ScalarType.Float64);
        model.Module.eval();
        var points = new List<Attacked>();
        var predictions = new List<CertifiedPrediction>();
        foreach (var batch in batches)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var input = batch.Inputs[0].is_floating_point() ? batch.Inputs[0].to(ScalarType.Float64) : batch.Inputs[0];
            var point = (Input is null ? model.ValueAt(from, [input]) : input).detach();
            var logits = Tokens(model.Continue(from, point, [input]));
            var target = Counted(batch, logits.shape[1]);
            predictions.AddRange(Certify(logits, target, points.Sum(p => (int)p.Point.shape[0])));
            points.Add(new(point.DetachFromDisposeScope(), target.DetachFromDisposeScope(), input.clone().DetachFromDisposeScope()));
        }
        var asked = radii(predictions);
        var surviving = Attack(points, predictions, asked);
        foreach (var (point, target, input) in points)
        {
            point.Dispose();
            target.Dispose();
            input.Dispose();
        }
        double count = predictions.Count, clean = predictions.Count(p => p.Right) / count;
        var rows = asked.Select((r, i) => new AccuracyRow(r, predictions.Count(p => p.Right && p.Radius >= r) / count, surviving[i].Count(s => s) / count, clean)).ToList();
        var violations = from i in Enumerable.Range(0, asked.Count)
                         from k in Enumerable.Range(0, predictions.Count)
                         let p = predictions[k]
                         where p.Right && p.Radius >= asked[i] && !surviving[i][k]
                         select FormattableString.Invariant($"sample {p.Sample}, position {p.Position}: certified to {p.Radius:R} and broken at {asked[i]:R}");
        return new CertifiedEvaluation(rows, predictions, [.. violations]);
    }

    /// <summary>The points of a batch, its right classes, and the input itself, whose token ids masks may look at.</summary>
    private sealed record Attacked(Tensor Point, Tensor Target, Tensor Input);

    /// <summary>Right classes as (batch, positions); −1 where a window's prediction does not count.</summary>
    private static Tensor Counted(Batch batch, long positions)
    {
        var target = batch.Target.view(-1, positions).clone();
        if (batch.Counted is int counted && counted < positions)
            target.narrow(1, 0, positions - counted).fill_(-1);
        return target;
    }

    /// <summary>Logits as (batch, positions, classes).</summary>
    private static Tensor Tokens(Tensor logits) => logits.dim() == 2 ? logits.unsqueeze(1) : logits.flatten(1, -2);

    private IEnumerable<CertifiedPrediction> Certify(Tensor logits, Tensor target, int first)
    {
        double[] values = logits.ToArray<double>();
        long[] classes = target.ToArray<long>();
        int positions = (int)logits.shape[1], count = (int)logits.shape[2];
        for (int k = 0; k < classes.Length; k++)
        {
            int right = (int)classes[k];
            if (right < 0)
                continue;
            double[] own = values.AsSpan(k * count, count).ToArray();
            double size = own.Max(Math.Abs);
            bool isRight = Enumerable.Range(0, count).All(c => c == right || own[c] < own[right]);
            yield return new CertifiedPrediction(first + (k / positions), k % positions, isRight, isRight ? radius(own, right, Rounding * size) : 0);
        }
    }

    /// <summary>For each radius, which predictions are still right at every point seen; what breaks at a radius is broken at larger ones.</summary>
    private List<bool[]> Attack(IReadOnlyList<Attacked> points, IReadOnlyList<CertifiedPrediction> predictions, IReadOnlyList<double> radii)
    {
        using var generator = new Generator((ulong)Seed);
        bool[] standing = [.. predictions.Select(p => p.Right)];
        var result = new List<bool[]>();
        foreach (double ball in radii)
        {
            int offset = 0;
            foreach (var (point, target, input) in points)
            {
                bool[] counted = [.. target.ToArray<long>().Select(t => t >= 0)];
                int own = counted.Count(c => c);
                // Where nothing is left to break, nothing is attacked.
                if (ball > 0 && standing.AsSpan(offset, own).Contains(true))
                {
                    bool[] broken = Broken(point, target, input, ball, generator);
                    for (int k = 0, i = offset; k < counted.Length; k++)
                        if (counted[k])
                            standing[i++] &= !broken[k];
                }
                offset += own;
            }
            result.Add([.. standing]);
        }
        return result;
    }

    /// <summary>Predictions that some point of the ball changes, one per position.</summary>
    private bool[] Broken(Tensor center, Tensor target, Tensor input, double ball, Generator generator)
    {
        var broken = new bool[target.numel()];
        for (int start = 0; start < Starts; start++)
        {
            var x = (start == 0 ? center.clone() : Inside(center + Unit(randn(center.shape, dtype: float64, generator: generator)) * ball, center, ball)).DetachFromDisposeScope();
            for (int step = 0; step <= Steps; step++)
            {
                using var scope = NewDisposeScope();
                using var point = x.detach().requires_grad_(true);
                var margins = Margins(Tokens(model.Continue(from, point, [input])), target);
                double[] values = margins.ToArray<double>();
                for (int k = 0; k < values.Length; k++)
                    broken[k] |= values[k] <= 0;
                if (step == Steps || !margins.requires_grad)
                    break;
                // Margins that are small already lead; those that are broken do not.
                var weights = margins.gt(0).to(ScalarType.Float64).detach() / (margins.detach().abs() + 1e-3);
                var slope = autograd.grad([-(margins * weights).sum()], [point], allow_unused: true)[0];
                if (slope is null || slope.IsInvalid)
                    break;
                var next = Inside(x + Unit(slope.detach()) * (2.5 * ball / Steps), center, ball).DetachFromDisposeScope();
                x.Dispose();
                x = next;
            }
            x.Dispose();
        }
        return broken;
    }

    /// <summary>The right logit minus the largest other, (batch, positions); ∞-like where a prediction does not count.</summary>
    private static Tensor Margins(Tensor logits, Tensor target)
    {
        var index = target.clamp_min(0).unsqueeze(-1);
        var own = logits.gather(-1, index).squeeze(-1);
        var others = logits.scatter(-1, index, full_like(index, double.NegativeInfinity, dtype: float64)).amax([-1]);
        return (own - others).masked_fill(target.lt(0), 1e300);
    }

    /// <summary>A direction of norm 1 per sample, or per token where every token may move.</summary>
    private Tensor Unit(Tensor direction)
    {
        if (norm == ValueNorm.L2)
            return direction / direction.flatten(1).square().sum(1).sqrt().clamp_min(1e-300).view(Ones(direction));
        var tokens = AsTokens(direction);
        return Back(tokens / tokens.square().sum(2, keepdim: true).sqrt().clamp_min(1e-300), direction);
    }

    /// <summary>The point of the ball and of the declared domain nearest to x, or the centre where a least radius stands in the way.</summary>
    private Tensor Inside(Tensor x, Tensor center, double ball)
    {
        var move = x - center;
        Tensor within;
        // a little inside, so that rounding does not leave the ball
        double limit = ball * (1 - 1e-12);
        if (norm == ValueNorm.L2)
        {
            within = center + move * (limit / move.flatten(1).square().sum(1).sqrt().clamp_min(1e-300)).clamp_max(1).view(Ones(move));
        }
        else
        {
            var tokens = AsTokens(move);
            within = center + Back(tokens * (limit / tokens.square().sum(2, keepdim: true).sqrt().clamp_min(1e-300)).clamp_max(1), move);
        }
        if (Input is { RangeLow: double low, RangeHigh: double high })
            return within.clamp(low, high);
        var lengths = AsTokens(within).square().sum(2, keepdim: true).sqrt().clamp_min(1e-300);
        // the domain is convex and holds the centre, so its nearest point is no farther from the centre
        var inside = double.IsInfinity(Radius) ? within : Back(AsTokens(within) * (Radius / lengths).clamp_max(1), within);
        var least = TokenDomain.Of(Input);
        if (!least.HasHole)
            return inside;
        var legal = least.IsKept(AsTokens(inside)).view(Ones(inside));
        return inside * legal + center * (1 - legal);
    }

    private bool IsImage => Input?.Kind == "image";

    private Tensor AsTokens(Tensor x) => IsImage ? x.flatten(2).transpose(1, 2) : x.dim() == 2 ? x.unsqueeze(1) : x.reshape(x.shape[0], -1, x.shape[^1]);

    private Tensor Back(Tensor tokens, Tensor like) => IsImage ? tokens.transpose(1, 2).reshape(like.shape) : tokens.reshape(like.shape);

    private static long[] Ones(Tensor like) => [-1, .. Enumerable.Repeat(1L, (int)like.dim() - 1)];
}
