using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// Enforces the weight constraints after each optimizer step, in float32: on the CPU where the weights lie, elsewhere matrices of
/// equal shape in one batch. The result is within about 10⁻³ of the cap, and sealing makes it a fact.
/// </summary>
public sealed class Projector
{
    /// <summary>Entries of the Gram matrices that are worked on together: some megabytes, several times over, stay in the cache.</summary>
    private const long CachedEntries = 1 << 20;

    private readonly List<Group> _groups;
    private readonly List<(BoundWeight Weight, Constraint.Cap Cap)> _entrywise = [];
    private readonly List<(BoundWeight Weight, Constraint.Cap Cap)> _operators = [];
    private readonly List<(BoundWeight Weight, double Rate)> _spectralDecays = [];
    private readonly List<(BoundWeight Weight, double Rate)> _decays = [];

    public Projector(ModelWeights weights)
    {
        var groups = new Dictionary<(CapMethod, long, long), Group>();
        foreach (var bound in weights.All)
        {
            switch (bound.Weight.Constraint)
            {
                case Constraint.Cap { Unit: CapUnit.RowL2 or CapUnit.RowRms or CapUnit.L2 or CapUnit.MaxAbs } cap:
                    _entrywise.Add((bound, cap));
                    break;
                case Constraint.Cap { Extent: CapExtent.Operator } cap:
                    _operators.Add((bound, cap));
                    break;
                case Constraint.Cap cap:
                    var (_, rows, columns) = MatrixBlocks.Shape(bound.Weight, MatrixBlocks.ArePerHead(bound.Weight));
                    var key = (cap.Method, Math.Min(rows, columns), Math.Max(rows, columns));
                    if (!groups.TryGetValue(key, out var group))
                        groups[key] = group = new Group(cap.Method);
                    group.Members.Add(new Member(bound, cap));
                    break;
                case Constraint.SpectralDecay decay:
                    _spectralDecays.Add((bound, decay.Rate));
                    break;
                case Constraint.WeightDecay decay:
                    _decays.Add((bound, decay.Rate));
                    break;
            }
        }
        _groups = [.. groups.Values];
    }

    /// <summary>Decay that belongs before the step: W ← (1 − lr·rate)·W.</summary>
    public void BeforeStep(Func<Weight, double> learningRate)
    {
        using var noGrad = torch.no_grad();
        foreach (var (weight, rate) in _decays)
            weight.View.mul_(1 - learningRate(weight.Weight) * rate);
    }

    /// <summary>
    /// Projects. <paramref name="reach"/> bounds σ_max of a weight's matrices over its cap after the step, when it was at
    /// most the cap before; null where the optimizer gives no such bound.
    /// </summary>
    public void AfterStep(Func<Weight, double?> reach, Func<Weight, double> learningRate)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach (var group in _groups)
            group.Project(reach);
        foreach (var (weight, rate) in _spectralDecays)
            SpectralDecay(weight, learningRate(weight.Weight) * rate);
        Others();
    }

    /// <summary>Brings every cap about, whatever the weights were: at the start, and after weights came from elsewhere.</summary>
    public void Enforce()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach (var group in _groups)
            group.Project(_ => null, group.Method is CapMethod.Soft ? CapMethod.Hard : group.Method is CapMethod.Hammer or CapMethod.Stiefel ? CapMethod.Normalize : group.Method);
        Others();
    }

    /// <summary>Estimates (not bounds) of every capped matrix's norm over its cap; the largest over heads.</summary>
    public IReadOnlyDictionary<string, double> NormsOverCaps()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var norms = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var group in _groups)
            group.Measure(norms);
        foreach (var (weight, cap) in _entrywise)
            norms[weight.Weight.Name] = EntrywiseNorm(weight, cap).item<float>() / cap.Limit;
        return norms;
    }

    private void Others()
    {
        foreach (var (weight, cap) in _entrywise)
            Entrywise(weight, cap);
        foreach (var (weight, cap) in _operators)
        {
            double norm = OperatorNormEstimate.Of(weight.View, weight.Weight);
            if (norm > cap.Limit)
                weight.View.mul_(cap.Limit / norm);
        }
    }

    /// <summary>Norm in the cap's unit over σ_max.</summary>
    public static double UnitFactor(Constraint.Cap cap, long rows, long columns) =>
        cap.Unit == CapUnit.Rms ? Math.Sqrt((double)columns / rows) : 1;

    private static torch.Tensor EntrywiseNorm(BoundWeight weight, Constraint.Cap cap) => (cap.Unit switch
    {
        CapUnit.MaxAbs => weight.View.abs().max(),
        CapUnit.L2 => weight.View.square().sum().sqrt(),
        _ => RowNorms(weight, cap).max(),
    }).to(torch.ScalarType.Float32);

    private static torch.Tensor RowNorms(BoundWeight weight, Constraint.Cap cap)
    {
        // A vector is one row.
        var rows = (weight.View.dim() < 2 ? weight.View.view(1, -1) : weight.View.flatten(1)).square();
        return (cap.Unit == CapUnit.RowRms ? rows.mean([1L], keepdim: true) : rows.sum(1, keepdim: true)).sqrt();
    }

    private static void Entrywise(BoundWeight weight, Constraint.Cap cap)
    {
        switch (cap.Unit)
        {
            case CapUnit.MaxAbs:
                weight.View.clamp_(-cap.Limit, cap.Limit);
                break;
            case CapUnit.L2:
                weight.View.mul_((cap.Limit / weight.View.square().sum().sqrt().clamp_min(1e-30f)).clamp_max(1));
                break;
            default:
                var factor = (cap.Limit / RowNorms(weight, cap).clamp_min(1e-30f)).clamp_max(1);
                weight.View.mul_(factor.view([-1, .. Enumerable.Repeat(1L, Math.Max((int)weight.View.dim() - 1, 0))]));
                break;
        }
    }

    /// <summary>W ← W − rate·σ₁·u₁·v₁ᵀ.</summary>
    private static void SpectralDecay(BoundWeight weight, double rate)
    {
        var matrix = MatrixBlocks.Of(weight.View, weight.Weight, perHead: false).to(torch.ScalarType.Float32);
        var (_, left) = MatrixFunctions.LargestSingular(matrix);
        var leading = left.bmm(left.mT.bmm(matrix));
        weight.View.sub_((leading * rate).view([.. weight.Weight.Shape]).to(weight.View.dtype));
    }

    private sealed class Member
    {
        public Member(BoundWeight bound, Constraint.Cap cap)
        {
            bool perHead = MatrixBlocks.ArePerHead(bound.Weight);
            (Count, long rows, long columns) = MatrixBlocks.Shape(bound.Weight, perHead);
            Weight = bound.Weight;
            PerHead = perHead;
            View = bound.View;
            Transpose = rows > columns;
            Small = Math.Min(rows, columns);
            // A limit of zero means a zero matrix: any finite factor keeps it so once the entries are cleared.
            Factor = cap.Limit > 0 ? UnitFactor(cap, rows, columns) / cap.Limit : double.PositiveInfinity;
        }

        public Weight Weight { get; }

        public bool PerHead { get; }

        public torch.Tensor View { get; }

        public int Count { get; }

        public bool Transpose { get; }

        /// <summary>The smaller side.</summary>
        public long Small { get; }

        /// <summary>Multiplies the matrix into units of its cap.</summary>
        public double Factor { get; }

        /// <summary>The matrices (count, rows, columns) as they are stored.</summary>
        public torch.Tensor Stored() => MatrixBlocks.Of(View, Weight, PerHead);

        /// <summary>The same with rows ≤ columns.</summary>
        public torch.Tensor Blocks() => Transpose ? Stored().mT : Stored();
    }

    private sealed class Group(CapMethod method)
    {
        public CapMethod Method => method;

        public List<Member> Members { get; } = [];

        public void Project(Func<Weight, double?> reach, CapMethod? instead = null)
        {
            foreach (var zero in Members.Where(m => double.IsInfinity(m.Factor)))
                zero.View.zero_();
            var members = Members.Where(m => !double.IsInfinity(m.Factor)).ToList();
            switch (instead ?? method)
            {
                case CapMethod.Soft:
                    foreach (var same in members.GroupBy(m => reach(m.Weight) is double r ? SoftCap.Coefficient(r) : null))
                        if (same.Key is double alpha && alpha > 0)
                            Multiply([.. same], gram => SoftCap.Gain(gram, alpha));
                        else if (same.Key is null)
                            // Outside the range where the coupling is proven, the exact cap.
                            Multiply([.. same], gram => MatrixFunctions.HardCapGain(gram));
                    return;
                case CapMethod.Hard:
                    foreach (var same in members.GroupBy(m => reach(m.Weight)))
                        // what cannot have left the cap stays as it is
                        if (!(same.Key <= 1))
                            Multiply([.. same], gram => MatrixFunctions.HardCapGain(gram, same.Key));
                    return;
                case CapMethod.Normalize:
                    Normalize(members);
                    return;
                case CapMethod.Stiefel:
                    Run(members, x => MatrixFunctions.Orthogonalize(x, polish: 2));
                    return;
                case CapMethod.Svd:
                    Run(members, Svd);
                    return;
                default:
                    Run(members, Hammer);
                    return;
            }
        }

        /// <summary>
        /// W ← Q·W for a function Q of W·Wᵀ in units of the cap, which it may write over. On the CPU W stays where it lies, and as many small
        /// matrices go together as leave their Gram matrices in the cache; elsewhere all are one batch.
        /// </summary>
        private static void Multiply(List<Member> members, Func<torch.Tensor, torch.Tensor> gain)
        {
            if (members.Count == 0)
                return;
            if (members[0].View.device_type != DeviceType.CPU)
            {
                Run(members, x =>
                {
                    MatrixFunctions.Apply(gain, x, tall: false, 1);
                    return x;
                });
                return;
            }
            for (int begin = 0, end; begin < members.Count; begin = end)
            {
                using var scope = torch.NewDisposeScope();
                long size = members[begin].Small, count = 0;
                for (end = begin; end < members.Count && (count == 0 || (count + members[end].Count) * size * size <= CachedEntries); end++)
                    count += members[end].Count;
                var grams = torch.empty(count, size, size);
                var together = members.GetRange(begin, end - begin);
                Each((member, x, gram) => SymmetricProducts.Gram(x, member.Transpose, member.Factor * member.Factor, gram), grams);
                Each((member, x, factor) =>
                {
                    MatrixFunctions.Apply(factor, x, member.Transpose);
                    if (member.View.dtype != x.dtype)
                        member.Stored().copy_(x);
                }, gain(grams));

                void Each(Action<Member, torch.Tensor, torch.Tensor> action, torch.Tensor parts)
                {
                    long at = 0;
                    foreach (var member in together)
                    {
                        action(member, member.Stored().to(torch.ScalarType.Float32), parts.narrow(0, at, member.Count));
                        at += member.Count;
                    }
                }
            }
        }

        /// <summary>W/max(1, σ₁).</summary>
        private static void Normalize(List<Member> members)
        {
            if (!members.All(m => LargestSingularValue.Reads(m.View)))
            {
                Run(members, x => x / MatrixFunctions.LargestSingular(x).Norm.clamp_min(1));
                return;
            }
            using var scope = torch.NewDisposeScope();
            var matrices = members.SelectMany(m => Enumerable.Range(0, m.Count).Select(i => (Matrix: m.Stored().select(0, i), m.Factor))).ToList();
            var norms = new double[matrices.Count];
            Parallel.For(0, matrices.Count, i => norms[i] = LargestSingularValue.Of(matrices[i].Matrix) * matrices[i].Factor);
            for (int i = 0; i < norms.Length; i++)
                // a norm that is no number is passed on, so that a run that diverged is noticed
                if (!(norms[i] <= 1))
                    matrices[i].Matrix.mul_(1 / norms[i]);
        }

        private static torch.Tensor Svd(torch.Tensor x)
        {
            var (u, s, vh) = torch.linalg.svd(x, fullMatrices: false);
            return (u * s.clamp_max(1).unsqueeze(1)).bmm(vh);
        }

        /// <summary>W + (1 − σ₁)·u₁·v₁ᵀ: the largest singular value is set to the cap, from above or below.</summary>
        private static torch.Tensor Hammer(torch.Tensor x)
        {
            var (_, left) = MatrixFunctions.LargestSingular(x);
            var right = left.mT.bmm(x);
            var norm = MatrixFunctions.FrobeniusNorm(right).clamp_min(1e-30f);
            return x + left.bmm(right * ((1 - norm) / norm));
        }

        private static void Run(List<Member> members, Func<torch.Tensor, torch.Tensor> method)
        {
            if (members.Count == 0)
                return;
            using var scope = torch.NewDisposeScope();
            var projected = method(Stack(members));
            long at = 0;
            foreach (var member in members)
            {
                member.Blocks().copy_(projected.narrow(0, at, member.Count) / member.Factor);
                at += member.Count;
            }
        }

        private static torch.Tensor Stack(List<Member> members) =>
            torch.cat(members.Select(m => m.Blocks().to(torch.ScalarType.Float32) * m.Factor).ToArray(), 0);

        public void Measure(Dictionary<string, double> norms)
        {
            var members = Members.Where(m => !double.IsInfinity(m.Factor)).ToList();
            if (members.Count == 0)
                return;
            using var scope = torch.NewDisposeScope();
            var all = MatrixFunctions.LargestSingular(Stack(members)).Norm.ToArray<float>();
            int at = 0;
            foreach (var member in members)
            {
                norms[member.Weight.Name] = all.AsSpan(at, member.Count).ToArray().Max();
                at += member.Count;
            }
        }
    }
}
