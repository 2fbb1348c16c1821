using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;

namespace Lips.Runtime.Tests.Training;

/// <summary>
/// What a CUDA graph does, by running the work again: results go to the memory that the recording has, and where somebody has moved
/// or taken away what it reads or writes, it notices. What is in that memory before a repetition is nothing to be read. The
/// processor's numbers are in every repetition what they were when it was recorded, and no value can be read.
/// </summary>
/// <param name="failures">How many recordings fail.</param>
internal sealed class Rerun(int failures = 0) : IPassRecorder
{
    private int _failures = failures;
    private Func<IReadOnlyList<torch.Tensor>>? _work;
    private IReadOnlyList<torch.Tensor> _results = [];
    private List<(Parameter Parameter, torch.Tensor Gradient)> _gradients = [];
    private List<(Func<torch.Tensor> Now, torch.Tensor Memory)> _memory = [];
    private ILipsModel? _model;
    private OptimizerSet? _optimizer;
    private double[] _numbers = [];
    private long _steps;

    public List<string> Calls { get; } = [];

    /// <summary>Whose steps are recorded.</summary>
    public void Watch(ILipsModel model, OptimizerSet optimizer) => (_model, _optimizer) = (model, optimizer);

    public void WarmUp(Action work)
    {
        Calls.Add("warm-up");
        work();
    }

    public IReadOnlyList<torch.Tensor> Record(Func<IReadOnlyList<torch.Tensor>> work)
    {
        Calls.Add("record");
        if (_failures-- > 0)
            throw new ExternalException("operation not permitted when stream is capturing\nand more");
        Assert.All(_model!.Module.parameters(), p => Assert.Null(p.grad));
        Forget();
        using var scope = torch.NewDisposeScope();
        // recording does nothing: what the work changes is set back
        List<Func<torch.Tensor>> written = [.. _model.Module.parameters().Concat(_model.Module.buffers()).Select(t => (Func<torch.Tensor>)(() => t.detach()))];
        for (int i = 0; i < _optimizer!.State.Count(); i++)
        {
            int at = i;
            written.Add(() => _optimizer.State.ElementAt(at).Tensor.detach());
        }
        var before = written.ConvertAll(now => now().clone());
        (_work, _numbers, _steps) = (work, [.. _optimizer.Numbers.All.Select(n => n.Host)], _optimizer.Numbers.Steps);
        var results = Refusing(work);
        using (torch.no_grad())
        {
            foreach (var (now, value) in written.Zip(before))
                now().copy_(value);
            _optimizer.Refresh();
        }
        _memory = written.ConvertAll(now => (now, now().DetachFromDisposeScope()));
        _gradients = [.. _model.Module.parameters().Where(p => p.grad is not null).Select(p => (p, p.grad!.DetachFromDisposeScope()))];
        foreach (var (_, gradient) in _gradients)
            gradient.fill_(double.NaN);
        return _results = [.. results.Select(r => r.detach().fill_(double.NaN).DetachFromDisposeScope())];
    }

    public void Replay()
    {
        Calls.Add("replay");
        using var scope = torch.NewDisposeScope();
        foreach (var (now, memory) in _memory)
            Assert.True(now().Equals(memory), "what a recording reads or writes is no longer where it was");
        foreach (var (parameter, gradient) in _gradients)
        {
            // the same memory: what is written here is read there
            gradient.fill_(7);
            Assert.True(parameter.grad!.eq(7).all().item<bool>());
            parameter.grad = null;
        }
        var numbers = _optimizer!.Numbers;
        var (live, steps) = (numbers.All.Select(n => n.Host).ToArray(), numbers.Steps);
        Set(_numbers, _steps);
        foreach (var (kept, value) in _results.Zip(Refusing(_work!)))
            kept.copy_(value);
        Set(live, steps);
        foreach (var (parameter, gradient) in _gradients)
        {
            gradient.copy_(parameter.grad!);
            parameter.grad = gradient;
        }

        void Set(double[] values, long at)
        {
            for (int i = 0; i < values.Length; i++)
                numbers.All[i].Host = values[i];
            numbers.Steps = at;
        }
    }

    private static IReadOnlyList<torch.Tensor> Refusing(Func<IReadOnlyList<torch.Tensor>> work)
    {
        TorchExtras.ReadsAreRefused = true;
        try
        {
            return work();
        }
        finally
        {
            TorchExtras.ReadsAreRefused = false;
        }
    }

    private void Forget()
    {
        foreach (var (_, gradient) in _gradients)
            gradient.Dispose();
        foreach (var (_, memory) in _memory)
            memory.Dispose();
        (_gradients, _memory) = ([], []);
    }

    public void Dispose()
    {
        Calls.Add("dispose");
        Forget();
    }
}
