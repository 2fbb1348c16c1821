using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Lips.Runtime.Optimizers;
using TorchSharp;

namespace Lips.Runtime.Constraints;

public sealed partial class Projector
{
    /// <summary>Entries of the Gram matrices that are worked on together: some megabytes, several times over, stay in the cache.</summary>
    private const long CachedEntries = 1 << 20;

    /// <summary>A weight whose cap is of its matrices.</summary>
    private sealed class Member
    {
        public Member(BoundWeight bound, Constraint.Cap cap, Reach? reach)
        {
            Reach = reach;
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

        public Reach? Reach { get; }

        /// <summary>Multiplies the matrix into units of its cap.</summary>
        public double Factor { get; }

        /// <summary>The matrices (count, rows, columns) as they are stored.</summary>
        public torch.Tensor Stored() => MatrixBlocks.Of(View, Weight, PerHead);

        /// <summary>The same with rows ≤ columns.</summary>
        public torch.Tensor Blocks() => Transpose ? Stored().mT : Stored();
    }

    /// <summary>Weights of one method whose matrices have one shape.</summary>
    private sealed class Group(CapMethod method, StepNumbers numbers)
    {
        public CapMethod Method => method;

        public List<Member> Members { get; } = [];

        /// <summary>Why no projection of the group can be recorded: it reads values in its midst whatever the step is.</summary>
        public string? Obstacle => method switch
        {
            CapMethod.Svd => $"the projection of '{Members[0].Weight.Name}' is a singular value decomposition",
            CapMethod.Soft or CapMethod.Hard when Members.Find(m => m.Reach is null && !double.IsInfinity(m.Factor)) is { } free =>
                $"nothing bounds how far a step takes '{free.Weight.Name}' beyond its cap, so that the projection looks",
            _ => null,
        };

        /// <param name="method">The group's, or another in its place.</param>
        /// <param name="bounded">Whether the weights were at most their caps before the step.</param>
        public void Project(CapMethod method, bool bounded)
        {
            foreach (var zero in Members.Where(m => double.IsInfinity(m.Factor)))
                zero.View.zero_();
            var members = Members.Where(m => !double.IsInfinity(m.Factor)).ToList();
            switch (method)
            {
                case CapMethod.Soft:
                    // of one number on the host, and of one in memory on the device: others may have its value in this step alone
                    foreach (var same in members.GroupBy(m => (bounded ? m.Reach?.Alpha : null, numbers.AreOnDevice ? m.Reach : null)))
                        if (same.Key.Item1 is > 0)
                            Multiply([.. same], same.First().Reach!.Gain);
                        else if (same.Key.Item1 is null)
                            // Outside the range where the coupling is proven, the exact cap.
                            Multiply([.. same], gram => MatrixFunctions.HardCapGain(gram));
                    return;
                case CapMethod.Hard:
                    foreach (var same in members.GroupBy(m => bounded ? m.Reach?.Value : null))
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
        private void Multiply(List<Member> members, Func<torch.Tensor, torch.Tensor> gain)
        {
            if (members.Count == 0)
                return;
            if (members[0].View.device_type != DeviceType.CPU || numbers.AreOnDevice)
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
        private void Normalize(List<Member> members)
        {
            if (numbers.AreOnDevice || !members.All(m => LargestSingularValue.Reads(m.View)))
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
