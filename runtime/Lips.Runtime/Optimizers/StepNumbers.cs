using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Optimizers;

/// <summary>
/// A number of the update that changes from step to step, with its formula: a learning rate, a bias correction, the strength of a
/// projection. Kernels take it as an argument, or from the device's memory while it lies there: a recorded step repeats arguments
/// as they were, and follows what is in memory.
/// </summary>
public sealed class StepNumber
{
    private readonly Func<double, long, double> _formula;

    /// <param name="formula">Of the learning rate's factor, and of the number of steps with this one.</param>
    internal StepNumber(Func<double, long, double> formula) => _formula = formula;

    /// <summary>One that is the same in all steps.</summary>
    public static StepNumber Of(double value) => new((_, _) => value) { Host = value };

    /// <summary>This step's value, for a kernel to take as an argument.</summary>
    /// <exception cref="InvalidOperationException">It is on the device, and a recording would repeat the value of a single step.</exception>
    public double Value => OnDevice is null ? Host : throw new InvalidOperationException("a number that lies on the device was asked for as an argument");

    /// <summary>This step's value, for what the processor decides: which kernels there are, and not what they compute.</summary>
    internal double Host { get; set; }

    /// <summary>Where kernels find it, a float32 scalar; null where they take <see cref="Value"/>.</summary>
    internal torch.Tensor? OnDevice { get; set; }

    internal void Advance(double factor, long step) => Host = _formula(factor, step);
}

/// <summary>All numbers of an update, evaluated together before it, in the order in which they were added.</summary>
public sealed class StepNumbers : IDisposable
{
    private readonly List<StepNumber> _all = [];
    private torch.Device? _place;
    private torch.Tensor? _host, _device;

    /// <summary>
    /// For weights on a device. Where it has AdamW as one kernel with its numbers in memory, they lie there from the start, so that a step is
    /// the same calls recorded or not.
    /// </summary>
    public static StepNumbers For(torch.Device device) =>
        new() { _place = device.type == DeviceType.CUDA && TorchExtras.HasFusedAdamW(device.type) ? device : null };

    /// <summary>Steps taken, with the one in progress.</summary>
    public long Steps { get; set; }

    internal IReadOnlyList<StepNumber> All => _all;

    /// <summary>Whether kernels find the numbers in the device's memory.</summary>
    internal bool AreOnDevice => _place is not null;

    /// <param name="formula">Of the learning rate's factor, and of the number of steps with this one; it may read numbers that were added before.</param>
    public StepNumber Add(Func<double, long, double> formula)
    {
        if (_device is not null)
            throw new InvalidOperationException("a step's numbers lie on the device already");
        var number = new StepNumber(formula);
        number.Advance(1, Steps + 1);
        _all.Add(number);
        return number;
    }

    /// <summary>From the next step on, kernels find the numbers in a device's memory.</summary>
    internal void MoveTo(torch.Device device)
    {
        TakeBack();
        _place = device;
    }

    /// <summary>Kernels take the numbers as arguments again.</summary>
    internal void TakeBack()
    {
        _place = null;
        foreach (var number in _all)
        {
            number.OnDevice?.Dispose();
            number.OnDevice = null;
        }
        _host?.Dispose();
        _device?.Dispose();
        (_host, _device) = (null, null);
    }

    /// <summary>Begins a step: all numbers have its values.</summary>
    public void Advance(double factor)
    {
        Steps++;
        foreach (var number in _all)
            number.Advance(factor, Steps);
        if (_place is not null)
            Upload(_place);
    }

    private void Upload(torch.Device place)
    {
        if (_device is null)
            Lay(place);
        var values = MemoryMarshal.Cast<byte, float>(_host!.bytes);
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)_all[i].Host;
        if (place.type != DeviceType.CUDA)
        {
            _device!.copy_(_host);
            return;
        }
        // The processor is steps ahead of the device: what one copy still reads must not be written for the next. libtorch's allocator of
        // pinned memory lends a block again once the copies that read it are done; the driver would wait for the device to read other memory.
        using var pinned = TorchExtras.Pinned(_host);
        _device!.copy_(pinned, nonBlocking: true);
    }

    private void Lay(torch.Device place)
    {
        using var noGrad = torch.no_grad();
        _host = torch.zeros(Math.Max(1, _all.Count), dtype: torch.ScalarType.Float32).DetachFromDisposeScope();
        _device = torch.zeros(Math.Max(1, _all.Count), dtype: torch.ScalarType.Float32, device: place).DetachFromDisposeScope();
        for (int i = 0; i < _all.Count; i++)
            _all[i].OnDevice = _device.select(0, i).DetachFromDisposeScope();
    }

    public void Dispose() => TakeBack();
}

/// <summary>Arithmetic of tensors with a number of the step, wherever that lies.</summary>
internal static class StepArithmetic
{
    /// <summary>x·number, new.</summary>
    public static torch.Tensor mul(this torch.Tensor x, StepNumber number) => number.OnDevice is { } there ? x.mul(there) : x.mul(number.Value);

    public static torch.Tensor mul_(this torch.Tensor x, StepNumber number) => number.OnDevice is { } there ? x.mul_(there) : x.mul_(number.Value);

    public static torch.Tensor sub_(this torch.Tensor x, StepNumber number) => number.OnDevice is { } there ? x.sub_(there) : x.sub_(number.Value);

    /// <summary>x += times·number·other.</summary>
    public static torch.Tensor add_(this torch.Tensor x, torch.Tensor other, StepNumber number, double times = 1) =>
        number.OnDevice is { } there ? x.addcmul_(other, there, times) : x.add_(other, number.Value * times);
}
