using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;
using static TorchSharp.torch.nn;

namespace Lips.Runtime.Training;

/// <summary>Connectionist temporal classification (Graves et al. 2006) of outputs (batch, length, classes).</summary>
internal static class Ctc
{
    /// <summary>−log of the probability of all alignments; <c>Mean</c> divides each sample's by its number of symbols first. A sample with more symbols than alignments allow counts 0.</summary>
    public static torch.Tensor Loss(torch.Tensor logits, Batch batch, int blank, Reduction reduction)
    {
        if (logits.dim() != 3 || batch.TargetLengths is not { } lengths)
            throw new RunFailed($"ctc needs one prediction for every position and symbols as targets; the model gives shape [{string.Join(", ", logits.shape)}].");
        if (blank >= logits.shape[2])
            throw new RunFailed($"The blank {blank} is none of the {logits.shape[2]} classes.");
        var steps = torch.full_like(lengths, logits.shape[1]);
        return functional.ctc_loss(logits.log_softmax(-1).transpose(0, 1), batch.Target, steps, lengths, blank: blank, zero_infinity: true, reduction: reduction);
    }

    /// <summary>The summed loss; of the symbols as many as are right, which is their number less the edit distance to the best path's reading, and their number.</summary>
    public static (torch.Tensor Loss, torch.Tensor Right, long Count) Sums(torch.Tensor logits, Batch batch, int blank)
    {
        var loss = Loss(logits, batch, blank, Reduction.Sum);
        long[] path = logits.argmax(2).ToArray<long>(), targets = batch.Target.ToArray<long>(), lengths = batch.TargetLengths!.ToArray<long>();
        int samples = lengths.Length, steps = path.Length / samples, longest = targets.Length / samples;
        long right = 0;
        for (int b = 0; b < samples; b++)
        {
            var read = Read(path.AsSpan(b * steps, steps), blank);
            int count = (int)lengths[b];
            right += Math.Max(0, count - EditDistance(read, targets.AsSpan(b * longest, count)));
        }
        return (loss, torch.tensor(right), lengths.Sum());
    }

    /// <summary>What a path says: repetitions taken together, blanks left out.</summary>
    public static List<long> Read(ReadOnlySpan<long> path, int blank)
    {
        var read = new List<long>();
        for (int t = 0; t < path.Length; t++)
            if (path[t] != blank && (t == 0 || path[t] != path[t - 1]))
                read.Add(path[t]);
        return read;
    }

    /// <summary>Least number of insertions, deletions and replacements that make one of the other (Levenshtein).</summary>
    public static int EditDistance(IReadOnlyList<long> a, ReadOnlySpan<long> b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (int i = 1; i <= a.Count; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
