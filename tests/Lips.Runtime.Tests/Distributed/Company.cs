using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Lips.Runtime.Distributed;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Tests.Distributed;

/// <summary>Workers as threads of this process, each with connections of its own over loopback: what they do is what processes do.</summary>
internal static class Company
{
    /// <summary>Far more than any exchange takes, however loaded the machine is.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static WorkerIdentity Same { get; } = new([("version of libtorch", TorchExtras.LibtorchVersion)]);

    /// <summary>Runs an action on several connected workers; gives their results, or throws what the first of them threw.</summary>
    public static T[] Run<T>(int size, Func<Workers, T> action, Func<int, WorkerIdentity>? identity = null)
    {
        var failures = Try(size, action, out var results, identity);
        return failures.OfType<Exception>().FirstOrDefault() is { } failure ? throw new InvalidOperationException(failure.ToString(), failure) : results;
    }

    /// <summary>Runs an action on several workers; gives what each threw, null where it ended well.</summary>
    public static Exception?[] Try<T>(int size, Func<Workers, T> action, out T[] results, Func<int, WorkerIdentity>? identity = null, Func<int, int>? rank = null, TimeSpan? patience = null)
    {
        using var store = new RendezvousStore("127.0.0.1", 0, serves: true, Patience);
        var failures = new Exception?[size];
        var got = new T[size];
        var threads = Enumerable.Range(0, size).Select(i => new Thread(() =>
        {
            try
            {
                var place = new WorkerPlace(rank?.Invoke(i) ?? i, size, 0, "127.0.0.1", store.Port, ServesStore: false, Attempt: "0");
                using var workers = new Workers(place, identity?.Invoke(i) ?? Same, patience ?? Patience);
                got[i] = action(workers);
            }
            catch (Exception e)
            {
                failures[i] = e;
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        results = got;
        return failures;
    }

}
