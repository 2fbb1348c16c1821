using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Lips.Runtime.Distributed;
using Lips.Runtime.Torch;

namespace Lips.Cli.Tests;

/// <summary>
/// What starts two workers on this machine, ends all when one dies, and starts them again as often as allowed: torchrun itself
/// where a Python has a torch of libtorch's version, elsewhere what torchrun does, done here.
/// </summary>
internal abstract class Launcher : IDisposable
{
    protected const int Count = 2;

    private static readonly Lazy<string?> Python = new(FindPython);

    private static int _launched;

    /// <summary>In every worker's environment, and in no other process's.</summary>
    protected string Id { get; } = FormattableString.Invariant($"lips-tests-{Environment.ProcessId}-{Interlocked.Increment(ref _launched)}");

    /// <summary>All that the workers have printed.</summary>
    public abstract string Said { get; }

    /// <param name="rendezvous"><c>static</c>: the launcher holds the workers' rendezvous; <c>c10d</c>: worker 0 does, at an address that changes with every attempt.</param>
    public static Launcher Start(string rendezvous, int restarts, IReadOnlyList<string> arguments) =>
        Python.Value is { } python ? new Torchrun(python, rendezvous, restarts, arguments) : new Imitation(rendezvous, restarts, arguments);

    /// <summary>The code it ended with.</summary>
    public abstract int Wait();

    /// <summary>Kills a worker, as the machine does when memory runs out.</summary>
    public void Kill(int rank, int attempt)
    {
        string[] wanted = [$"TORCHELASTIC_RUN_ID={Id}", FormattableString.Invariant($"RANK={rank}"), FormattableString.Invariant($"TORCHELASTIC_RESTART_COUNT={attempt}")];
        foreach (string folder in Directory.GetDirectories("/proc"))
            try
            {
                if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int process)
                    && File.ReadAllText(Path.Combine(folder, "environ")).Split('\0') is var variables && wanted.All(variables.Contains))
                    _ = kill(process, 9);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // it has ended meanwhile, or is another user's
            }
    }

    public abstract void Dispose();

    /// <summary>A port that nothing listens at, below those that the system gives to whoever asks for any.</summary>
    private static int FreePort()
    {
        for (int port = 20000 + (Environment.ProcessId % 8000); ; port++)
            try
            {
                using var listener = new TcpListener(IPAddress.Any, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // the next one
            }
    }

    private static string? FindPython()
    {
        string python = Environment.GetEnvironmentVariable("LIPS_PEER_PYTHON") is { Length: > 0 } named ? named : "/usr/bin/python3";
        if (!File.Exists(python))
            return null;
        using var asked = new LipsProcess(["-c", "import torch.distributed.run as run, torch; print(torch.__version__)"], program: python);
        // stores of other versions speak otherwise
        return asked.Wait() == 0 && asked.Said.Split('.')[0] == TorchExtras.LibtorchVersion.Split('.')[0] ? python : null;
    }

    [DllImport("libc")]
    private static extern int kill(int process, int signal);

    private sealed class Torchrun : Launcher
    {
        private readonly LipsProcess _process;

        public Torchrun(string python, string rendezvous, int restarts, IReadOnlyList<string> arguments)
        {
            string[] meeting = rendezvous == "static"
                ? ["--rdzv_backend", "static", "--master_port", FreePort().ToString(CultureInfo.InvariantCulture)]
                : ["--rdzv_backend", rendezvous, "--rdzv_endpoint", "localhost:0"];
            // redirecting something is what torch 1.13 needs with Python 3.11
            _process = new LipsProcess(
                ["-m", "torch.distributed.run", .. meeting, "--rdzv_id", Id, "--nproc_per_node", $"{Count}", "--max_restarts", $"{restarts}", "--monitor_interval", "1",
                 "--log_dir", "log", "--redirects", "1", "--tee", "1", "--no_python", LipsProcess.Program, .. arguments], program: python);
        }

        public override string Said => _process.Said;

        public override int Wait() => _process.Wait();

        public override void Dispose() => _process.Dispose();
    }

    private sealed class Imitation : Launcher
    {
        private readonly List<LipsProcess> _workers = [];
        private readonly Task<int> _running;

        public Imitation(string rendezvous, int restarts, IReadOnlyList<string> arguments) => _running = Task.Run(() => Run(rendezvous, restarts, arguments));

        public override string Said
        {
            get
            {
                lock (_workers)
                    return string.Concat(_workers.Select(w => w.Said));
            }
        }

        public override int Wait() => _running.Result;

        private int Run(string rendezvous, int restarts, IReadOnlyList<string> arguments)
        {
            using var agent = rendezvous == "static" ? new RendezvousStore("127.0.0.1", 0, serves: true, LipsProcess.Patience) : null;
            for (int attempt = 0; ; attempt++)
            {
                int port = agent?.Port ?? FreePort();
                var workers = Enumerable.Range(0, Count).Select(rank =>
                {
                    var place = new WorkerPlace(rank, Count, rank, "127.0.0.1", port, ServesStore: agent is null && rank == 0, attempt.ToString(CultureInfo.InvariantCulture));
                    return new LipsProcess(arguments, [.. place.Variables, ("TORCHELASTIC_RUN_ID", Id)]);
                }).ToList();
                lock (_workers)
                    _workers.AddRange(workers);
                while (workers.Any(w => !w.Process.HasExited) && !workers.Any(w => w.Process.HasExited && w.Process.ExitCode != 0))
                    Thread.Sleep(50);
                foreach (var worker in workers.Where(w => !w.Process.HasExited))
                    _ = kill(worker.Process.Id, 15);
                bool ended = workers.Count(w => w.Wait() == 0) == Count;
                if (ended || attempt == restarts)
                    return ended ? 0 : 1;
            }
        }

        public override void Dispose()
        {
            lock (_workers)
                _workers.ForEach(w => w.Dispose());
        }
    }
}
