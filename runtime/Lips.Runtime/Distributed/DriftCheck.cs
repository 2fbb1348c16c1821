using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Lips.Runtime.Distributed;

/// <summary>
/// Whether all workers hold the same bits: one 64-bit hash a tensor, compared in one exchange. Workers that differ no longer
/// train one model, whatever the reason: a fault in memory, a library that computes otherwise, a bug.
/// </summary>
internal static class DriftCheck
{
    /// <exception cref="RunFailed">Tensors differ; the message names worker, step and tensor.</exception>
    public static void Run(Workers workers, long step, IReadOnlyList<(string Name, long Hash)> tensors)
    {
        using var scope = torch.NewDisposeScope();
        long[] mine = tensors.Select(t => t.Hash).ToArray();
        if (mine.Length == 0)
            return;
        // max(h) and max(~h) = ~min(h) in one exchange
        var extremes = torch.tensor(mine.Concat(mine.Select(h => ~h)).ToArray());
        workers.Guarded("the comparison of weights", workers.Control.Largest(extremes).Wait);
        long[] largest = extremes.ToArray<long>();
        var differing = Enumerable.Range(0, mine.Length).Where(i => largest[i] != ~largest[mine.Length + i]).ToList();
        if (differing.Count == 0)
            return;
        throw new RunFailed($"The workers have drifted apart at step {step}: {Describe(workers, mine, differing[0], tensors[differing[0]].Name)}"
            + $"{(differing.Count > 1 ? $", and {differing.Count - 1} more tensors differ" : "")}. The last checkpoint is unharmed; --resume goes on from it. If it happens again, a machine computes wrongly or the workers' libraries differ.");
    }

    /// <summary>The hash of each tensor.</summary>
    public static IEnumerable<(string Name, long Hash)> Hashes(IEnumerable<(string Name, torch.Tensor Tensor)> tensors)
    {
        foreach (var (name, tensor) in tensors)
            yield return (name, Hash(tensor));
    }

    /// <summary>Who differs: the workers that are not of the largest group, or not of worker 0's where groups are as large.</summary>
    private static string Describe(Workers workers, long[] mine, int index, string name)
    {
        using var row = torch.zeros([workers.Size], dtype: torch.ScalarType.Int64);
        row.narrow(0, workers.Rank, 1).fill_(mine[index]);
        workers.Guarded("the comparison of weights", workers.Control.Sum(row).Wait);
        long[] hashes = row.ToArray<long>();
        long common = hashes.GroupBy(h => h).OrderByDescending(g => g.Count()).ThenByDescending(g => g.Key == hashes[0]).First().Key;
        var others = Enumerable.Range(0, hashes.Length).Where(r => hashes[r] != common).ToList();
        return $"{(others.Count == 1 ? $"worker {others[0]} has" : $"workers {string.Join(", ", others)} have")} another '{name}' than worker {Array.IndexOf(hashes, common)} ({hashes[others[0]]:x16} and {common:x16})";
    }

    /// <summary>Of the tensor's bits: any single change changes it, and different tensors agree with probability 2⁻⁶⁴.</summary>
    internal static long Hash(torch.Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        var plain = tensor.detach().cpu().contiguous();
        if (plain.numel() == 0)
            return 0;
        var bytes = plain.bytes;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        // four lanes, so that a multiplication need not wait for the one before
        ulong a = 0x9E3779B97F4A7C15, b = 0xBF58476D1CE4E5B9, c = 0x94D049BB133111EB, d = 0xD6E8FEB86659FD93;
        int i = 0;
        for (; i + 4 <= words.Length; i += 4)
        {
            a = Mix(a, words[i]);
            b = Mix(b, words[i + 1]);
            c = Mix(c, words[i + 2]);
            d = Mix(d, words[i + 3]);
        }
        for (; i < words.Length; i++)
            a = Mix(a, words[i]);
        foreach (byte rest in bytes[(words.Length * 8)..])
            b = Mix(b, rest);
        return unchecked((long)Mix(Mix(Mix(Mix(0, a), b), c), d + (ulong)bytes.Length));
    }

    /// <summary>A bijection of the word for every state, and of the state for every word.</summary>
    private static ulong Mix(ulong state, ulong word)
    {
        state = (state ^ word) * 0x9FB21C651E98DF25;
        return state ^ (state >> 32);
    }
}
