using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Lips.Runtime;
using Lips.Runtime.Distributed;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Cli.Runs;

/// <summary>
/// Several workers on this machine, each a process of its own: started together, stopped together. Worker 0 writes to the
/// terminal; of another's messages those are shown with which it failed.
/// </summary>
internal sealed class WorkerProcesses : IDisposable
{
    /// <summary>In a worker's environment: its standard input ends when the process that started it does.</summary>
    private const string Supervised = "LIPS_SUPERVISED";

    /// <summary>What workers are asked to stop with: unlike SIGINT, no shell that starts programs in the background has it ignored.</summary>
    private const int SigTerm = 15;

    /// <summary>How long the others may take to end by themselves after one has died.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    private readonly List<Process> _processes = [];
    private readonly List<StringBuilder> _errors = [];
    private readonly RendezvousStore _store;

    private WorkerProcesses(int count, IReadOnlyList<string> arguments)
    {
        // served here, so that the port is free for sure and outlives any worker
        _store = new RendezvousStore("127.0.0.1", 0, serves: true, TimeSpan.FromMinutes(1));
        int threads = Math.Max(1, Cores / count);
        try
        {
            for (int rank = 0; rank < count; rank++)
                Start(new WorkerPlace(rank, count, rank, "127.0.0.1", _store.Port, ServesStore: false, Attempt: "0"), arguments, threads);
        }
        catch
        {
            End();
            throw;
        }
    }

    /// <summary>Cores that this program may use: as many as the launcher counted, or as the machine has.</summary>
    public static int Cores => int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS"), NumberStyles.None, CultureInfo.InvariantCulture, out int told) && told > 0
        ? told
        : Environment.ProcessorCount;

    /// <summary>Runs a command in several workers and waits for them.</summary>
    /// <returns>0 where all ended well; else the code of the first that did not.</returns>
    public static int Run(int count, IReadOnlyList<string> arguments)
    {
        if (!TorchExtras.DistributedSupported)
            throw Workers.Unsupported(DeviceType.CPU);
        Console.Out.Flush();
        using var processes = new WorkerProcesses(count, arguments);
        return processes.Wait();
    }

    /// <summary>In a worker that <see cref="Run"/> started: ends with the process that started it, however that ends.</summary>
    public static void FollowSupervisor()
    {
        if (Environment.GetEnvironmentVariable(Supervised) is null)
            return;
        var input = Console.OpenStandardInput();
        new Thread(() =>
        {
            Span<byte> room = stackalloc byte[16];
            try
            {
                while (input.Read(room) > 0)
                {
                }
            }
            catch (IOException)
            {
                // closed is closed
            }
            Process.GetCurrentProcess().Kill();
        })
        { IsBackground = true, Name = "supervisor" }.Start();
    }

    private void Start(WorkerPlace place, IReadOnlyList<string> arguments, int threads)
    {
        string beside = Path.Combine(AppContext.BaseDirectory, "lips");
        var start = new ProcessStartInfo(File.Exists(beside) ? beside : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = place.Rank > 0,
            RedirectStandardError = place.Rank > 0,
        };
        if (!File.Exists(beside))
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "lips.dll"));
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in place.Variables)
            start.Environment[name] = value;
        start.Environment[Supervised] = "1";
        start.Environment["OMP_NUM_THREADS"] = start.Environment["OPENBLAS_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
        var process = Process.Start(start) ?? throw new RunFailed($"Worker {place.Rank} could not be started ({start.FileName}).");
        var errors = new StringBuilder();
        if (place.Rank > 0)
        {
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, line) =>
            {
                lock (errors)
                    if (line.Data is { } text)
                        errors.Append(text).Append('\n');
            };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }
        _processes.Add(process);
        _errors.Add(errors);
    }

    private int Wait()
    {
        // a second Ctrl-C reaches the workers from the terminal, and ends them if they still run
        ConsoleCancelEventHandler interrupt = (_, e) =>
        {
            e.Cancel = true;
            Stop();
        };
        Console.CancelKeyPress += interrupt;
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            Stop();
        });
        try
        {
            var running = _processes.Select((process, rank) => (Rank: rank, Task: process.WaitForExitAsync())).ToList();
            (int Rank, int Code)? first = null;
            while (running.Count > 0)
            {
                var ended = Task.WhenAny(running.Select(r => r.Task));
                if (first is null)
                    ended.Wait();
                else if (!ended.Wait(Grace))
                {
                    End();
                    break;
                }
                // asked once: one that ends in the meantime is the next round's
                var done = running.Where(r => r.Task.IsCompleted).ToList();
                foreach (var (rank, _) in done.OrderByDescending(r => Signal(_processes[r.Rank].ExitCode)))
                    if (first is null && _processes[rank].ExitCode is not 0 and var code)
                        first = (rank, code);
                running.RemoveAll(done.Contains);
            }
            return first is { } failed ? Explain(failed.Rank, failed.Code) : ExitCode.Ok;
        }
        finally
        {
            Console.CancelKeyPress -= interrupt;
        }
    }

    /// <summary>Says which worker failed first and how, and gives the code to end with.</summary>
    private int Explain(int rank, int code)
    {
        _processes[rank].WaitForExit();
        lock (_errors[rank])
            foreach (string line in _errors[rank].ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries))
                Console.Error.WriteLine($"worker {rank}: {line}");
        if (Signal(code) is > 0 and var signal)
            Terminal.Complain($"worker {rank} (process {_processes[rank].Id}) was ended by signal {signal}, and the others with it.");
        else if (rank > 0)
            Terminal.Complain($"worker {rank} (process {_processes[rank].Id}) ended with code {code}, and the others with it.");
        return Signal(code) > 0 || code is < 0 or > ExitCode.RunFailed ? ExitCode.RunFailed : code;
    }

    /// <summary>The signal that ended a process, from its code; 0 where none did.</summary>
    private static int Signal(int code) => code is > 128 and < 192 ? code - 128 : 0;

    /// <summary>Asks all workers to stop after the step in progress.</summary>
    private void Stop()
    {
        foreach (var process in _processes.Where(p => !p.HasExited))
            _ = kill(process.Id, SigTerm);
    }

    private void End()
    {
        foreach (var process in _processes.Where(p => !p.HasExited))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
    }

    public void Dispose()
    {
        End();
        foreach (var process in _processes)
            process.Dispose();
        _store.Dispose();
    }

    [DllImport("libc")]
    private static extern int kill(int process, int signal);
}
