using System;
using System.Threading;

namespace Lips.Runtime.Training;

/// <summary>Turns the first Ctrl-C into a request to stop at the next step; a second one ends the process.</summary>
public sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public Interrupt() => Console.CancelKeyPress += Handle;

    public CancellationToken Token => _source.Token;

    private void Handle(object? sender, ConsoleCancelEventArgs e)
    {
        e.Cancel = !_source.IsCancellationRequested;
        _source.Cancel();
    }

    public void Dispose()
    {
        Console.CancelKeyPress -= Handle;
        _source.Dispose();
    }
}
