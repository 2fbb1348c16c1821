using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Threading.Tasks;

namespace Lips.Runtime.Certification;

/// <summary>Proofs of many weights at once.</summary>
internal static class InParallel
{
    /// <summary>The results by index; the first proof that fails, in order, is what the caller sees, as it would be one by one.</summary>
    public static T[] Compute<T>(int count, Func<int, T> proof)
    {
        var results = new T[count];
        var failures = new NotCertified?[count];
        // one at a time to whoever is free: a head takes a thousand times as long as a bias
        Parallel.ForEach(Partitioner.Create(Enumerable.Range(0, count), EnumerablePartitionerOptions.NoBuffering), i =>
        {
            try
            {
                results[i] = proof(i);
            }
            catch (NotCertified e)
            {
                failures[i] = e;
            }
        });
        return failures.FirstOrDefault(f => f is not null) is { } first ? throw first : results;
    }
}
