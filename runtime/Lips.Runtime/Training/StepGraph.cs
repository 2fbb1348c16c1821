using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Records a device's work once and repeats it. Recorded work reads and writes the memory it was recorded with.</summary>
internal interface IPassRecorder : IDisposable
{
    /// <summary>Runs work as it is going to be recorded, so that libraries set themselves up and constants are made.</summary>
    void WarmUp(Action work);

    /// <summary>
    /// Records work without running it, in the place of what was recorded before; gives the tensors that it gives, which have values after
    /// the first repetition. Gradients that are not there yet are the recording's too: every repetition writes them anew.
    /// </summary>
    /// <exception cref="ExternalException">An operator cannot be recorded; nothing is.</exception>
    IReadOnlyList<torch.Tensor> Record(Func<IReadOnlyList<torch.Tensor>> work);

    /// <summary>Runs what was recorded.</summary>
    void Replay();
}

/// <summary>
/// A step as one graph of the device: recorded once, then launched with one call, where an operator at a time the processor would keep a
/// fast device waiting. Each batch is copied into the memory that the graph reads, and so are the numbers that change with every step:
/// learning rates, bias corrections, strengths of projections. Where these change which kernels there are, the step is recorded anew.
/// </summary>
/// <remarks>An update that needs the processor in its midst stays outside: then forward and backward pass alone are the graph.</remarks>
internal sealed class StepGraph : IDisposable
{
    /// <summary>Steps that are taken operator by operator first, as PyTorch advises.</summary>
    internal const int WarmUps = 3;

    private readonly GradientPass _pass;
    private readonly IStepUpdate _update;
    private readonly Action<string>? _say;

    /// <summary>Whether the numbers lie on the device for the graph alone.</summary>
    private readonly bool _movedNumbers;
    private IPassRecorder? _recorder;
    private List<Batch>? _inputs;
    private torch.Tensor? _loss, _norm;
    private string? _said;
    private bool _whole, _updateFailed;
    private int _warmUpsLeft = WarmUps;

    private StepGraph(GradientPass pass, IStepUpdate update, IPassRecorder recorder, torch.Device device, Action<string>? say)
    {
        (_pass, _update, _recorder, _say) = (pass, update, recorder, say);
        _movedNumbers = !update.Numbers.AreOnDevice;
        if (_movedNumbers)
            update.Numbers.MoveTo(device);
    }

    /// <summary>The graph of a plan's steps; null, and on a CUDA device a line that says why, where there is none.</summary>
    public static StepGraph? Create(GradientPass pass, IStepUpdate update, TrainingPlan plan, TrainingOptions options, torch.Device device)
    {
        if (!plan.RecordsSteps || (device.type != DeviceType.CUDA && options.Recorder is null))
            return null;
        if ((Refusal(plan, options.Workers is not null) ?? (options.Recorder is null && !CudaGraph.IsSupported ? CudaGraph.Lack : null)) is { } reason)
        {
            options.Progress?.Say($"no CUDA graph: {reason}. Steps run one operator at a time; graphs: off says so without this line.");
            return null;
        }
        return new StepGraph(pass, update, options.Recorder ?? new CudaGraph(device), device, s => options.Progress?.Say(s));
    }

    /// <summary>Why the passes of a plan cannot be recorded: they need the processor in their midst. Null where they can.</summary>
    internal static string? Refusal(TrainingPlan plan, bool workers) => plan switch
    {
        _ when workers => "several workers exchange gradients while the backward pass runs",
        { RecomputesBlocks: true } => "recompute: blocks sets random numbers back in the midst of the backward pass",
        { Objective: Objective.Ctc } => "ctc reads the lengths of its targets, and these differ from batch to batch",
        { Objective: Objective.Nkd } => "nkd runs a second model in the midst of a step",
        { Objective: Objective.Uskd } => "uskd sorts classes by what a hook reads in the midst of a step",
        _ => null,
    };

    /// <summary>Whether gradients stay where they are between steps, for the graph to write them: they must not be taken from the weights.</summary>
    public bool KeepsGradients => _loss is not null;

    /// <summary>One step with learning rates plan·<paramref name="factor"/>; gives the loss, and the gradient's norm where it is clipped.</summary>
    public (torch.Tensor Loss, torch.Tensor? Norm) Run(BatchFeed feed, double factor)
    {
        Read(feed);
        _update.Numbers.Advance(factor);
        bool whole = _recorder is not null && !_updateFailed && Whole();
        if (KeepsGradients && (whole != _whole || (whole && !_update.IsAlike)))
        {
            // other kernels than were recorded: once operator by operator, for what they have not set up yet
            Forget();
            _warmUpsLeft = 1;
        }
        if (_recorder is not null && !KeepsGradients)
        {
            if (_warmUpsLeft-- > 0)
                return WarmUp();
            using (feed.Hold())
                Record(whole);
        }
        if (_recorder is null)
            return Step();
        _recorder.Replay();
        var norm = _whole ? _norm?.clone() : _update.Update();
        return (_loss!.clone(), norm);
    }

    /// <summary>Whether the update of this step can be recorded; says why not, once for each reason.</summary>
    private bool Whole()
    {
        if (_update.Obstacle is not { } obstacle)
            return true;
        SayUpdate(obstacle);
        return false;
    }

    private void SayUpdate(string reason)
    {
        if (_said != reason)
            _say?.Invoke($"the CUDA graph of a step is that of its passes alone: {reason}. The update runs one operator at a time.");
        _said = reason;
    }

    private (torch.Tensor Loss, torch.Tensor? Norm) WarmUp()
    {
        (torch.Tensor Loss, torch.Tensor? Norm)? step = null;
        _recorder!.WarmUp(() => step = Step());
        return step!.Value;
    }

    private (torch.Tensor Loss, torch.Tensor? Norm) Step() => (Pass(), _update.Update());

    private void Record(bool whole)
    {
        string? failure = TryRecord(whole);
        if (whole && failure is not null && TryRecord(whole: false) is null)
        {
            _updateFailed = true;
            SayUpdate(failure);
        }
        else if (failure is not null)
        {
            _recorder!.Dispose();
            _recorder = null;
            if (_movedNumbers)
                _update.Numbers.TakeBack();
            _say?.Invoke($"no CUDA graph: {failure}. Steps run one operator at a time.");
        }
    }

    /// <summary>Null where it was done, else why not.</summary>
    private string? TryRecord(bool whole)
    {
        // gradients that the pass makes itself are the graph's own, and no step has to clear them
        _pass.Model.Module.zero_grad();
        try
        {
            var results = _recorder!.Record(whole ? WholeStep : () => [Pass()]);
            (_loss, _norm) = (results[0].DetachFromDisposeScope(), results.Count > 1 ? results[1].DetachFromDisposeScope() : null);
            _whole = whole;
            return null;
        }
        catch (ExternalException e)
        {
            _pass.Model.Module.zero_grad();
            return e.Message.Split('\n')[0];
        }
    }

    private IReadOnlyList<torch.Tensor> WholeStep()
    {
        var (loss, norm) = Step();
        return norm is null ? [loss] : [loss, norm];
    }

    private torch.Tensor Pass()
    {
        torch.Tensor? total = null;
        foreach (var batch in _inputs!)
        {
            var value = _pass.Add(batch);
            total = total is null ? value : total + value;
        }
        return total!;
    }

    /// <summary>Copies the step's batches to where the graph reads them.</summary>
    private void Read(BatchFeed feed)
    {
        using var scope = torch.NewDisposeScope();
        if (_inputs is null)
        {
            _inputs = [.. Enumerable.Range(0, _pass.Parts).Select(_ => feed.Next().Of(t => t.clone().DetachFromDisposeScope()))];
            return;
        }
        foreach (var kept in _inputs)
        {
            var next = feed.Next();
            // numbers beside the tensors are part of what was recorded
            if (next.Counted != kept.Counted || next.Padded != kept.Padded || next.Inputs.Count != kept.Inputs.Count || next.TargetLengths is null != kept.TargetLengths is null)
                throw new InvalidOperationException("a recorded step was given a batch of another kind");
            for (int i = 0; i < next.Inputs.Count; i++)
                Put(next.Inputs[i], kept.Inputs[i]);
            Put(next.Target, kept.Target);
            if (kept.TargetLengths is { } lengths)
                Put(next.TargetLengths!, lengths);
        }
    }

    private static void Put(torch.Tensor from, torch.Tensor to)
    {
        bool alike = from.dim() == to.dim();
        for (int i = 0; alike && i < to.dim(); i++)
            alike = from.size(i) == to.size(i);
        if (!alike)
            throw new InvalidOperationException($"a recorded step was given a batch of shape [{string.Join(", ", from.shape)}] where it reads [{string.Join(", ", to.shape)}]");
        to.copy_(from, nonBlocking: true);
    }

    /// <summary>The gradients go with what was recorded.</summary>
    private void Forget()
    {
        if (KeepsGradients)
            _pass.Model.Module.zero_grad();
        _loss?.Dispose();
        _norm?.Dispose();
        (_loss, _norm) = (null, null);
    }

    public void Dispose()
    {
        Forget();
        _recorder?.Dispose();
        _recorder = null;
        foreach (var batch in _inputs ?? [])
            batch.Dispose();
        _inputs = null;
    }
}
