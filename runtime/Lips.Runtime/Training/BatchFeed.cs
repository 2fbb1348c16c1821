using System;
using System.Runtime.ExceptionServices;
using System.Threading;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>
/// A run's training batches in the order of their source. Made ahead, the next one is drawn, augmented and (for a CUDA device) put
/// into memory that the device reads by itself, on a thread of its own while a step computes; in turn, a step waits for its batch.
/// Either way the batches are the same, and so is the place that a checkpoint holds: that of the next batch to be given out.
/// </summary>
/// <remarks>
/// By default batches are made ahead only for CUDA devices. On the CPU the kernels of a step keep all cores busy, and a thread beside
/// them takes from one of theirs what it saves at the end.
/// </remarks>
internal sealed class BatchFeed : IDisposable
{
    private readonly BatchSource _source;
    private readonly int _count;
    private readonly torch.Device _device;
    private readonly Thread? _maker;
    private readonly object _gate = new();
    private ulong[] _position;
    private long _left;
    private (Batch Batch, ulong[] Next)? _made;
    private ExceptionDispatchInfo? _failure;
    private bool _making, _held, _ended;

    /// <param name="count">Samples of a batch.</param>
    /// <param name="batches">How many there will be at most: the source is not read beyond them.</param>
    public BatchFeed(BatchSource source, int count, torch.Device device, bool ahead, long batches)
    {
        (_source, _count, _device, _left, _position) = (source, count, device, batches, source.Position);
        if (!ahead || batches <= 0)
            return;
        _maker = new Thread(MakeAll) { Name = "batches", IsBackground = true };
        _maker.Start();
    }

    /// <summary>Where the next batch to be given out comes from.</summary>
    public ulong[] Position => _maker is null ? _source.Position : _position;

    /// <summary>The next batch, on the device; its tensors are the innermost scope's.</summary>
    /// <exception cref="Exception">What the source threw, here and not on its thread, when the batch that failed is asked for.</exception>
    public Batch Next()
    {
        if (_maker is null)
            return _source.Next(_count, _device);
        Batch made;
        lock (_gate)
        {
            while (_made is null && _failure is null && _left > 0)
                Monitor.Wait(_gate);
            if (_made is null)
            {
                _failure?.Throw();
                throw new InvalidOperationException("the feed has given out all its batches");
            }
            (made, _position) = _made.Value;
            _made = null;
            Monitor.PulseAll(_gate);
        }
        // the copies are queued before what computes with them; pinned memory is given back by its allocator after they are done
        using (made)
            return made.Of(t => _device.type == DeviceType.CPU ? t.alias() : t.to(_device, non_blocking: true));
    }

    /// <summary>Until the result is disposed of nothing is made: some of CUDA's calls may be made by nobody while a graph is captured.</summary>
    public IDisposable Hold()
    {
        lock (_gate)
        {
            _held = true;
            while (_making)
                Monitor.Wait(_gate);
        }
        return new Release(this);
    }

    private void MakeAll()
    {
        while (true)
        {
            lock (_gate)
            {
                while (!_ended && (_made is not null || _held))
                    Monitor.Wait(_gate);
                if (_ended)
                    return;
                _making = true;
            }
            Batch? made = null;
            try
            {
                made = Make();
            }
            catch (Exception e)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }
            lock (_gate)
            {
                _making = false;
                if (made is not null)
                    _made = (made, _source.Position);
                bool done = _failure is not null || --_left == 0;
                Monitor.PulseAll(_gate);
                if (done)
                    return;
            }
        }
    }

    /// <summary>On the CPU, so that this thread queues nothing on the device.</summary>
    private Batch Make()
    {
        using var scope = torch.NewDisposeScope();
        var batch = _source.Next(_count, torch.CPU);
        return (_device.type == DeviceType.CUDA ? batch.Of(TorchExtras.Pinned) : batch).Of(t => t.DetachFromDisposeScope());
    }

    /// <summary>Ends the thread; a batch that was not given out is as if it had never been made.</summary>
    public void Dispose()
    {
        if (_maker is null)
            return;
        lock (_gate)
        {
            _ended = true;
            Monitor.PulseAll(_gate);
        }
        _maker.Join();
        _made?.Batch.Dispose();
        _made = null;
        _source.Position = _position;
    }

    private sealed class Release(BatchFeed feed) : IDisposable
    {
        public void Dispose()
        {
            lock (feed._gate)
            {
                feed._held = false;
                Monitor.PulseAll(feed._gate);
            }
        }
    }
}
