using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Lips.Runtime.Training;

/// <summary>
/// Turns the first Ctrl-C into a request to stop at the next step; a second one ends the process. SIGTERM, with which
/// Slurm and Kubernetes announce the end, asks the same.
/// </summary>
public sealed class Interrupt : IDisposable
{
    /// <summary>A terminal and the process that started this one both pass Ctrl-C on: within this time it is one and the same.</summary>
    private static readonly TimeSpan Same = TimeSpan.FromSeconds(0.5);

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration _terminate;
    private DateTime _first;

    public Interrupt()
    {
        Console.CancelKeyPress += Handle;
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            _source.Cancel();
        });
    }

    public CancellationToken Token => _source.Token;

    private void Handle(object? sender, ConsoleCancelEventArgs e)
    {
        var now = DateTime.UtcNow;
        if (!_source.IsCancellationRequested)
            _first = now;
        e.Cancel = now - _first < Same;
        _source.Cancel();
    }

    public void Dispose()
    {
        Console.CancelKeyPress -= Handle;
        _terminate.Dispose();
        _source.Dispose();
    }
}
