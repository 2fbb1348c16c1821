using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Records a device's work once and repeats it. A recorded pass reads and writes the memory it was recorded with.</summary>
internal interface IPassRecorder : IDisposable
{
    /// <summary>Runs a pass as it is going to be recorded, so that libraries set themselves up and constants are made.</summary>
    void WarmUp(Action pass);

    /// <summary>
    /// Records a pass without running it; gives the tensor that the pass gives, which has a value after the first repetition. Gradients
    /// that are not there yet are the recording's too: every repetition writes them anew.
    /// </summary>
    /// <exception cref="ExternalException">An operator cannot be recorded; nothing is.</exception>
    torch.Tensor Record(Func<torch.Tensor> pass);

    /// <summary>Runs what was recorded.</summary>
    void Replay();
}

/// <summary>
/// The forward and backward passes of a step as one graph of the device: recorded once, then launched with one call, where an operator
/// at a time the processor would keep a fast device waiting. Each batch is copied into the memory that the graph reads.
/// </summary>
/// <remarks>
/// Clipping, update and projection stay outside. Learning rate, bias corrections and the strengths of the projections change with
/// every step and reach the device as arguments of its kernels, which a graph would repeat as they were; and they are a few launches for
/// all weights together, where the passes are thousands.
/// </remarks>
internal sealed class StepGraph : IDisposable
{
    /// <summary>Steps that are taken operator by operator first, as PyTorch advises.</summary>
    internal const int WarmUps = 3;

    private readonly GradientPass _pass;
    private readonly Action<string>? _say;
    private IPassRecorder? _recorder;
    private List<Batch>? _inputs;
    private torch.Tensor? _loss;
    private int _warmedUp;

    private StepGraph(GradientPass pass, IPassRecorder recorder, Action<string>? say) => (_pass, _recorder, _say) = (pass, recorder, say);

    /// <summary>The graph of a plan's steps; null, and on a CUDA device a line that says why, where there is none.</summary>
    public static StepGraph? Create(GradientPass pass, TrainingPlan plan, TrainingOptions options, torch.Device device)
    {
        if (!plan.RecordsSteps || (device.type != DeviceType.CUDA && options.Recorder is null))
            return null;
        if ((Refusal(plan, options.Workers is not null) ?? (options.Recorder is null && !CudaGraph.IsSupported ? CudaGraph.Lack : null)) is { } reason)
        {
            options.Progress?.Say($"no CUDA graph: {reason}. Steps run one operator at a time; graphs: off says so without this line.");
            return null;
        }
        return new StepGraph(pass, options.Recorder ?? new CudaGraph(device), s => options.Progress?.Say(s));
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

    /// <summary>The gradients of the step's batches, in the weights; gives the loss.</summary>
    public torch.Tensor Run(BatchFeed feed)
    {
        Read(feed);
        if (_recorder is not null && !KeepsGradients)
        {
            if (_warmedUp++ < WarmUps)
            {
                torch.Tensor? loss = null;
                _recorder.WarmUp(() => loss = Pass());
                return loss!;
            }
            using (feed.Hold())
                Record();
        }
        if (_recorder is null)
            return Pass();
        _recorder.Replay();
        return _loss!.clone();
    }

    private void Record()
    {
        // gradients that the pass makes itself are the graph's own, and no step has to clear them
        _pass.Model.Module.zero_grad();
        try
        {
            _loss = _recorder!.Record(Pass).DetachFromDisposeScope();
        }
        catch (ExternalException e)
        {
            _recorder!.Dispose();
            _recorder = null;
            _pass.Model.Module.zero_grad();
            _say?.Invoke($"no CUDA graph: {e.Message.Split('\n')[0]}. Steps run one operator at a time.");
        }
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
            if (next.Counted != kept.Counted || next.Padded != kept.Padded)
                throw new InvalidOperationException("a recorded step was given a batch of another kind");
            foreach (var (from, to) in Tensors(next).Zip(Tensors(kept)))
            {
                if (!from.shape.SequenceEqual(to.shape))
                    throw new InvalidOperationException($"a recorded step was given a batch of shape [{string.Join(", ", from.shape)}] where it reads [{string.Join(", ", to.shape)}]");
                to.copy_(from, nonBlocking: true);
            }
        }
    }

    private static IEnumerable<torch.Tensor> Tensors(Batch batch) => [.. batch.Inputs, batch.Target, .. batch.TargetLengths is { } lengths ? [lengths] : Array.Empty<torch.Tensor>()];

    public void Dispose()
    {
        if (KeepsGradients)
            _pass.Model.Module.zero_grad();
        _loss?.Dispose();
        _loss = null;
        _recorder?.Dispose();
        _recorder = null;
        foreach (var batch in _inputs ?? [])
            batch.Dispose();
        _inputs = null;
    }
}
