using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Distributed;

/// <summary>
/// The processes that train one model together: their rendezvous, what they agree on, and what is said when one is gone. Tensors
/// on the CPU go through Gloo, those on CUDA devices through NCCL.
/// </summary>
public sealed class Workers : IDisposable
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(0.25);

    /// <summary>The least that reaching the rendezvous may take: worker 0 may be started later than the others.</summary>
    private static readonly TimeSpan Connecting = TimeSpan.FromSeconds(30);

    private readonly WorkerPlace _place;
    private readonly TimeSpan _timeout;
    private readonly RendezvousStore _store;
    private readonly ProcessGroup _control;
    private readonly ProcessGroup? _device;
    private readonly Timer _heart;
    private readonly Lock _beating = new();
    private bool _left;

    /// <summary>Waits for the others, makes sure that all are to train the same, and connects.</summary>
    /// <param name="timeout">How long to wait for a worker that does not answer: here, and at every exchange afterwards.</param>
    /// <exception cref="RunFailed">A worker did not come, or differs; the message names both values.</exception>
    public Workers(WorkerPlace place, WorkerIdentity identity, TimeSpan timeout, DeviceType device = DeviceType.CPU)
    {
        (_place, _timeout) = (place, timeout);
        if (!TorchExtras.DistributedSupports(device))
            throw Unsupported(device);
        (_store, long namesakes) = Introduce(timeout > Connecting ? timeout : Connecting);
        _heart = new Timer(_ => TryBeat(), null, TimeSpan.Zero, Beat);
        try
        {
            if (namesakes > 1)
                throw new RunFailed($"Two processes call themselves worker {Rank} of {Size}: RANK must differ.");
            Agree("identity", identity);
            _control = Group("control", "gloo");
            _device = device == DeviceType.CUDA ? Group("device", "nccl") : null;
        }
        catch (Exception e)
        {
            Leave(e);
            Dispose();
            throw;
        }
    }

    public int Rank => _place.Rank;

    public int Size => _place.Size;

    /// <summary>The worker that writes files and talks.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>The group for tensors on the training device.</summary>
    internal ProcessGroup Data => _device ?? _control;

    /// <summary>The group for tensors on the CPU.</summary>
    internal ProcessGroup Control => _control;

    /// <summary>Why several processes cannot work together with this provider, and what to do about it.</summary>
    public static RunFailed Unsupported(DeviceType device) => Unsupported(TorchExtras.ProviderName, device, TorchExtras.DistributedSupported);

    internal static RunFailed Unsupported(string provider, DeviceType device, bool onCpu) => new(
        provider == "package" ? "Several workers need c10d, torch's distributed engine, and the TorchSharp packages (provider 'package') do not have it. Build with TorchProvider=system over an installed libtorch (apt-get install libtorch-dev libopenblas0-pthread g++, or set LIBTORCH); or train with one worker."
        : device == DeviceType.CUDA && onCpu ? $"Several workers on CUDA devices need NCCL, which libtorch {TorchExtras.LibtorchVersion} lacks, or whose header was not found when the native library was compiled (set NCCL_HOME and run runtime/native/build.sh). Train on the CPU, or with one worker."
        : $"Several workers need c10d, torch's distributed engine, and libtorch {TorchExtras.LibtorchVersion} here was compiled without it. Set LIBTORCH to one that has it, or train with one worker.");

    /// <summary>Makes sure that all workers have the same facts; every one compares with worker 0, and worker 0 with every one.</summary>
    /// <exception cref="RunFailed">They differ, or one did not come.</exception>
    public void Agree(string stage, WorkerIdentity mine)
    {
        Store(() => { _store.Set($"{stage}/{Rank}", mine.ToBytes()); return 0; });
        foreach (int other in IsFirst ? Enumerable.Range(1, Size - 1) : [0])
        {
            var theirs = WorkerIdentity.FromBytes(Await($"{stage}/{other}", other));
            string? difference = IsFirst ? theirs.DifferenceFrom(mine, other, 0) : mine.DifferenceFrom(theirs, Rank, other);
            if (difference is not null)
                throw new RunFailed($"Worker {(IsFirst ? other : Rank)} is to train something else than worker 0 and is refused: {difference}.");
        }
        // nobody goes on before worker 0 has seen all
        if (IsFirst)
            Store(() => { _store.Set($"{stage}/agreed", []); return 0; });
        else
            Await($"{stage}/agreed", 0);
    }

    /// <summary>Runs a part of the exchange between workers.</summary>
    /// <exception cref="RunFailed">A worker is gone or does not answer; the message says which.</exception>
    internal T Guarded<T>(string what, Func<T> exchange)
    {
        try
        {
            return exchange();
        }
        catch (ExternalException e)
        {
            throw new RunFailed($"{Diagnosis()} (worker {Rank}, {what}: {FirstLine(e)}) What is trained since the last checkpoint is lost; --resume goes on from it, with any number of workers.", e);
        }
    }

    internal void Guarded(string what, Action exchange) => Guarded(what, () => { exchange(); return 0; });

    /// <summary>The sum over all workers.</summary>
    public double[] Sum(params double[] values) => Guarded("a sum", () =>
    {
        using var tensor = torch.tensor(values, dtype: torch.ScalarType.Float64);
        _control.Sum(tensor).Wait();
        return tensor.ToArray<double>();
    });

    /// <summary>Everyone's bytes, in the order of ranks, on worker 0; elsewhere null.</summary>
    public IReadOnlyList<byte[]>? Gather(byte[] mine) => Guarded("a gathering", () =>
    {
        if (!IsFirst)
        {
            Send(mine, 0);
            return null;
        }
        var all = new List<byte[]> { mine };
        for (int rank = 1; rank < Size; rank++)
            all.Add(Receive(rank));
        return all;
    });

    internal void Send(byte[] bytes, int to)
    {
        using var length = torch.tensor(new long[] { bytes.Length });
        _control.Send(length, to).Wait();
        if (bytes.Length == 0)
            return;
        using var content = torch.tensor(bytes);
        _control.Send(content, to).Wait();
    }

    internal byte[] Receive(int from)
    {
        using var length = torch.tensor(new long[] { 0 });
        _control.Receive(length, from).Wait();
        long count = length.ToArray<long>()[0];
        if (count == 0)
            return [];
        using var content = torch.empty([count], dtype: torch.ScalarType.Byte);
        _control.Receive(content, from).Wait();
        return content.ToArray<byte>();
    }

    /// <summary>Tells the others why this worker ends before the training does.</summary>
    public void Leave(Exception reason)
    {
        try
        {
            lock (_beating)
                _store.Set($"left/{Rank}", Encoding.UTF8.GetBytes(reason.Message));
            // the store ends with this process: time for the others to read
            if (_place.ServesStore)
                Thread.Sleep(TimeSpan.FromSeconds(1));
        }
        catch (ExternalException)
        {
            // there is no one left to tell
        }
        _left = true;
    }

    public void Dispose()
    {
        using (var stopped = new ManualResetEvent(false))
            if (_heart is not null && _heart.Dispose(stopped))
                stopped.WaitOne(TimeSpan.FromSeconds(5));
        // after a failure the engine would wait for exchanges that never end; the process ends soon, and they with it
        if (_left)
            return;
        _device?.Dispose();
        _control?.Dispose();
        _store?.Dispose();
    }

    /// <summary>
    /// The first word to the rendezvous: how many call themselves by this rank. What is there may be of a torch whose stores
    /// speak otherwise, and hang up or never answer: to the connection itself from 2.4 on, to the first question before.
    /// </summary>
    private (RendezvousStore Store, long Namesakes) Introduce(TimeSpan reaching)
    {
        if (!_place.ServesStore)
            Reach(reaching);
        var answer = Task.Run(() =>
        {
            var store = Connect(reaching);
            try
            {
                return (store, store.Add($"taken/{Rank}", 1));
            }
            catch
            {
                store.Dispose();
                throw;
            }
        });
        string why = FormattableString.Invariant($"no answer within {_timeout.TotalSeconds:0} s");
        try
        {
            if (answer.Wait(_timeout))
                return answer.Result;
        }
        catch (AggregateException e) when (e.InnerException is RunFailed failed)
        {
            throw failed;
        }
        catch (AggregateException e) when (e.InnerException is ExternalException told)
        {
            // a reset or a broken pipe, by which of the two heard of it first
            why = $"the connection broke off: {FirstLine(told)}";
        }
        throw new RunFailed($"What is at {_place.Host}:{_place.Port} (MASTER_ADDR, MASTER_PORT) is no rendezvous that libtorch {TorchExtras.LibtorchVersion} of worker {Rank} understands ({why}). Its protocol is not the same in all versions of torch: give all workers, and the launcher where it holds the rendezvous, the same.");
    }

    private RendezvousStore Connect(TimeSpan timeout)
    {
        try
        {
            return new RendezvousStore(_place.Host, _place.Port, _place.ServesStore, timeout, $"/lips/{_place.Attempt}/");
        }
        catch (ExternalException e) when (_place.ServesStore)
        {
            throw new RunFailed($"Worker {Rank} cannot hold the rendezvous at port {_place.Port} (MASTER_PORT): {FirstLine(e)}", e);
        }
    }

    /// <summary>Waits until something listens where the rendezvous is to be: who holds it may be started last.</summary>
    private void Reach(TimeSpan within)
    {
        using var patience = new CancellationTokenSource(within);
        for (string why = "nothing answered there"; ;)
        {
            try
            {
                using var caller = new TcpClient();
                caller.ConnectAsync(_place.Host, _place.Port, patience.Token).AsTask().GetAwaiter().GetResult();
                return;
            }
            catch (SocketException e)
            {
                why = FirstLine(e);
            }
            catch (OperationCanceledException)
            {
                // how the last try failed is what there is to say
            }
            if (patience.Token.WaitHandle.WaitOne(Beat))
                throw new RunFailed($"Worker {Rank} found no rendezvous at {_place.Host}:{_place.Port} (MASTER_ADDR, MASTER_PORT) within {within.TotalSeconds:0} s: {why}");
        }
    }

    private ProcessGroup Group(string name, string engine)
    {
        // torch's own variable for Gloo's network interface; on loopback the address is known
        string place = Environment.GetEnvironmentVariable("GLOO_SOCKET_IFNAME") is { Length: > 0 } named ? named.Split(',')[0]
            : _place.Host == "localhost" || (IPAddress.TryParse(_place.Host, out var address) && IPAddress.IsLoopback(address)) ? "@127.0.0.1" : "";
        return Guarded("connecting", () => new ProcessGroup(_store, name, engine, place, Rank, Size, _timeout));
    }

    /// <summary>A key that another worker sets; ends early where it says that it left.</summary>
    private byte[] Await(string key, int owner)
    {
        var until = DateTime.UtcNow + _timeout;
        while (DateTime.UtcNow < until)
        {
            if (Store(() => _store.Get(key, TimeSpan.FromMilliseconds(100))) is { } value)
                return value;
            if (Store(() => _store.Get($"left/{owner}", TimeSpan.Zero)) is { } reason)
                throw new RunFailed($"Worker {owner} gave up: {Encoding.UTF8.GetString(reason)}");
        }
        throw new RunFailed($"Worker {owner} of {Size} did not come within {_timeout.TotalSeconds:0} s (worker {Rank} waited at {_place.Host}:{_place.Port}).");
    }

    private T Store<T>(Func<T> access)
    {
        try
        {
            lock (_beating)
                return access();
        }
        catch (ExternalException e)
        {
            throw new RunFailed($"The rendezvous at {_place.Host}:{_place.Port} is gone: {FirstLine(e)}", e);
        }
    }

    private void TryBeat()
    {
        try
        {
            lock (_beating)
                _store.Add($"beat/{Rank}", 1);
        }
        catch (Exception e) when (e is ExternalException or ObjectDisposedException)
        {
            // a failed exchange says what there is to say
        }
    }

    /// <summary>After a failed exchange: which workers said why they left, and whose hearts have stopped.</summary>
    private string Diagnosis()
    {
        try
        {
            var others = Enumerable.Range(0, Size).Where(r => r != Rank).ToList();
            long[] Beats() => others.Select(r => Store(() => _store.Add($"beat/{r}", 0))).ToArray();
            long[] before = Beats();
            Thread.Sleep(6 * Beat);
            long[] after = Beats();
            foreach (int rank in others)
                if (Store(() => _store.Get($"left/{rank}", TimeSpan.Zero)) is { } reason)
                    return $"Worker {rank} gave up: {Encoding.UTF8.GetString(reason)}";
            var silent = others.Where((_, i) => after[i] == before[i]).Select(r => r.ToString(CultureInfo.InvariantCulture)).ToList();
            return silent.Count switch
            {
                0 => $"The workers lost each other, or one did not answer within {_timeout.TotalSeconds:0} s.",
                1 => $"Worker {silent[0]} is gone: it was killed, or its machine is lost.",
                _ => $"Workers {string.Join(", ", silent)} are gone: they were killed, or their machines are lost.",
            };
        }
        catch (RunFailed)
        {
            return _place.ServesStore ? "The other workers are gone." : "Worker 0, or the launcher that holds the rendezvous, is gone.";
        }
    }

    private static string FirstLine(Exception e) => e.Message.Split('\n')[0];
}
