using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Distributed;
using Lips.Runtime.Optimizers;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Where and how a plan is carried out.</summary>
public sealed record TrainingOptions
{
    public required RunFolder Folder { get; init; }

    public string Device { get; init; } = "cpu";

    /// <summary>Go on from the folder's checkpoint.</summary>
    public bool Resume { get; init; }

    /// <summary>Where data is looked for.</summary>
    public DataFiles Files { get; init; } = new(null);

    public ProgressLine? Progress { get; init; }

    /// <summary>The model that the recipe distils from, with its weights, on the same device.</summary>
    public ILipsModel? Teacher { get; init; }

    /// <summary>Stop after the step in progress, leaving a checkpoint.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Stop, with a checkpoint, once this many steps are done in all; the schedule is that of the whole plan.</summary>
    public long? StopAt { get; init; }

    /// <summary>The workers that train with this one, connected already; null for a training by one. Only worker 0 writes files.</summary>
    public Workers? Workers { get; init; }

    /// <summary>Steps between comparisons of all workers' gradients, weights and buffers, bit by bit; 0 for none.</summary>
    public long CheckEvery { get; init; } = 100;

    /// <summary>Records and repeats passes in place of a CUDA device.</summary>
    internal IPassRecorder? Recorder { get; init; }

    /// <summary>Called after every step of several workers, when all have all weights and before these are compared.</summary>
    internal Action<Trainer>? Exchanged { get; init; }
}

/// <summary>How a run ended.</summary>
public sealed record TrainingResult(long Step, long Steps, bool Interrupted, ValidationResult? Validation, string Sample, TimeSpan Time);

/// <summary>
/// Trains a model by its plan: batches, loss, gradients, update, projection onto the caps; validation, checkpoints and metrics
/// on the way. A run that is resumed continues bit by bit on the same machine, provider and thread count.
/// </summary>
public sealed partial class Trainer : IDisposable
{
    private readonly ILipsModel _model;
    private readonly TrainingPlan _plan;
    private readonly TrainingOptions _options;
    private readonly torch.Device _device;
    private readonly BatchSource _data;
    private readonly ModelWeights _weights;
    private readonly Recomputation? _recomputation;
    private readonly BlockScopes? _scopes;
    private readonly TrainingLoss _loss;
    private readonly GradientPass _gradients;
    private readonly StepGraph? _graph;
    private readonly DataParallel? _parallel;
    private readonly OptimizerSet _optimizer;
    private readonly Schedule _schedule;
    private readonly int _batch;
    private readonly string? _bound;
    private readonly PendingLosses _losses = PendingLosses.None;
    private bool _averaged;
    private readonly bool _attends;
    private bool _workersStop;
    private Batch? _watched;

    /// <summary>Initializes (or resumes) the model on its device.</summary>
    public Trainer(ILipsModel model, TrainingPlan plan, TrainingOptions options)
    {
        (_model, _plan, _options) = (model, plan, options);
        _device = torch.device(options.Device);
        if (_device.type == DeviceType.CUDA && !torch.cuda.is_available())
            throw new RunFailed($"The device '{options.Device}' was asked for, but libtorch sees no CUDA device.");
        if (plan.Threads is int threads)
            torch.set_num_threads(threads);
        var precision = new ComputePrecision(plan.Precision, _device);
        _data = BatchSource.Open(model, plan, options.Files);
        _batch = plan.TokensPerBatch is long tokens ? (int)Math.Max(1, tokens / _data.UnitsPerSample) : plan.Batch;
        if (_batch % plan.Accumulate != 0)
            throw new RecipeException($"accumulate ({plan.Accumulate}) must divide the {_batch} samples of a step.");
        double stepsPerEpoch = Math.Max(1, _data.SamplesPerEpoch / _batch);
        Steps = plan.Steps ?? Math.Max(1, (long)Math.Floor(plan.Epochs!.Value * stepsPerEpoch));
        _schedule = plan.Schedule.WarmupEpochs > 0
            ? plan.Schedule with { Warmup = (long)Math.Round(plan.Schedule.WarmupEpochs * stepsPerEpoch) }
            : plan.Schedule;

        torch.manual_seed(plan.Seed);
        Initialization.Apply(model, plan.Seed);
        model.Module.to(_device);
        _weights = new ModelWeights(model);
        _attends = model.Module.named_modules().Any(m => m.module is Modules.IAttention);
        // before any hook that reads a value, so that what it reads has its backward pass
        _recomputation = plan.RecomputesBlocks ? new Recomputation(model.Module, _device, precision) : null;
        // recomputation keeps its blocks' values itself, and a weak head reads one from within a block
        _scopes = plan.RecomputesBlocks || plan.Objective is Objective.Uskd ? null : new BlockScopes(model.Module);
        _loss = TrainingLoss.Create(model, plan, options.Teacher, _device);
        _gradients = new GradientPass(model, plan, _loss, precision);
        if (options.Workers is { } workers)
        {
            if (_batch / plan.Accumulate < workers.Size)
                throw new RunFailed($"{workers.Size} workers cannot share {_batch / plan.Accumulate} samples{(plan.Accumulate > 1 ? $" (a step's {_batch} in {plan.Accumulate} parts)" : "")}: every worker needs at least one. Train with fewer workers, or a larger batch.");
            _parallel = new DataParallel(workers, _weights, plan, _loss.Weights, options.CheckEvery);
        }
        _optimizer = new OptimizerSet(_weights, plan, _loss.Weights, _parallel?.Share);
        if (options.Resume)
            (Step, _losses) = TrainingCheckpoint.Load(options.Folder.Checkpoint, _weights, _optimizer, _data, _device);
        options.Workers?.Agree("weights", WorkerIdentity.Of(_weights, Step, _data.Fingerprint));
        if (!options.Resume)
            _optimizer.Projector.Enforce();
        _parallel?.Exchange();
        _graph = StepGraph.Create(_gradients, _optimizer, plan, options, _device);
        var caps = model.Claims.Count > 0 ? model.BoundAtCaps(0) : UpperBound.Infinity;
        _bound = model.Claims.Count > 0 ? caps.ToDecimal(5) : null;
    }

    /// <summary>Optimizer steps of the whole plan.</summary>
    public long Steps { get; }

    /// <summary>Optimizer steps done.</summary>
    public long Step { get; private set; }

    public ModelWeights Weights => _weights;

    public BatchSource Data => _data;

    internal OptimizerSet Optimizer => _optimizer;

    /// <summary>
    /// Runs to the end of the plan, or until stopped; once. Afterwards the module holds the weights that
    /// <c>model.safetensors</c> holds: the running average, where the recipe keeps one.
    /// </summary>
    /// <exception cref="RunFailed">The loss is no longer finite; the last checkpoint is as it was.</exception>
    public TrainingResult Run()
    {
        if (_averaged)
            throw new InvalidOperationException("A trainer runs once; make another with Resume set.");
        var clock = Stopwatch.StartNew();
        using var metrics = Writes ? new MetricsLog(_options.Folder.Metrics, Step) : null;
        var meter = new Meter(this, metrics);
        _model.Module.train();
        long end = Math.Min(Steps, _options.StopAt ?? Steps);
        using var feed = new BatchFeed(_data, _batch / _plan.Accumulate, _device, _plan.LoadsAhead ?? _device.type == DeviceType.CUDA, (end - Step) * _plan.Accumulate);
        ValidationResult? validation = null;
        while (Step < end && !Stopping)
        {
            meter.Count(TakeStep(feed));
            Step++;
            bool last = Step == Steps;
            meter.Report(last);
            if (last || (_plan.ValidateEvery > 0 && Step % _plan.ValidateEvery == 0))
            {
                validation = Validate();
                metrics?.Write(new MetricsLine { Step = Step, ValidationLoss = validation.Loss, ValidationAccuracy = validation.Accuracy });
                _options.Progress?.Say(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"step {Step}: validation loss {validation.Loss:F4}, accuracy {100 * validation.Accuracy:F2} % over {validation.Count} predictions"));
            }
            if (last || (_plan.CheckpointEvery > 0 && Step % _plan.CheckpointEvery == 0))
                Save(meter, feed);
        }
        bool interrupted = Step < Steps;
        if (interrupted)
            Save(meter, feed);
        string sample = "";
        if (_data is TextBatches text && _plan.Sample > 0 && !interrupted)
        {
            sample = WithAverage(() => !Writes ? "" : Sampling.Generate(_model, text.Alphabet, Prompt(text), _plan.Sample, 0.8, _plan.Seed, _device));
            if (Writes)
                AtomicFile.WriteText(_options.Folder.Sample, sample);
        }
        WriteModel();
        return new TrainingResult(Step, Steps, interrupted, validation, sample, clock.Elapsed);
    }

    /// <summary>Loss and accuracy on the whole validation part, with the averaged weights where the recipe keeps them.</summary>
    public ValidationResult Validate() => WithAverage(() => Training.Validation.Run(_model, _data, _plan.Objective, Math.Max(1, _batch / _plan.Accumulate), _device, _parallel));

    /// <summary>Whether this process writes the run's files.</summary>
    private bool Writes => _parallel is null || _parallel.Workers.IsFirst;

    /// <summary>Whether the run is to end after the step just taken; all workers end after the same.</summary>
    private bool Stopping => _parallel is null ? _options.Stop.IsCancellationRequested : _workersStop;

    /// <summary>One optimizer step; the loss stays on the device.</summary>
    private (torch.Tensor Loss, torch.Tensor? GradientNorm) TakeStep(BatchFeed feed)
    {
        using var scope = torch.NewDisposeScope();
        double factor = _schedule.Factor(Step, Steps);
        _parallel?.Begin(Step, _options.Stop.IsCancellationRequested);
        var (total, norm) = _graph is null ? (Gradients(feed), null) : _graph.Run(feed, factor);
        _parallel?.Finish(total, Step);
        if (_graph is null)
            norm = _optimizer.Step(factor);
        if (_parallel is not null)
            _workersStop = _parallel.End(Step + 1, () => _options.Exchanged?.Invoke(this));
        if (_graph is not { KeepsGradients: true })
            _model.Module.zero_grad();
        norm?.MoveToOuterDisposeScope();
        return (total.MoveToOuterDisposeScope(), norm);
    }

    /// <summary>Adds up the gradients of the step's micro-batches, one after the other; gives the loss.</summary>
    private torch.Tensor Gradients(BatchFeed feed)
    {
        torch.Tensor? total = null;
        for (int i = 0; i < _plan.Accumulate; i++)
        {
            using var scope = torch.NewDisposeScope();
            var (batch, factor) = _parallel is null ? (feed.Next(), 1) : _parallel.ShareOf(feed.Next());
            var value = _gradients.Add(batch, factor, i == _plan.Accumulate - 1 && _parallel is not null ? _parallel.Arm : null);
            total = (total is null ? value : total + value).MoveToOuterDisposeScope();
        }
        return total!;
    }

    /// <summary>How sharply each head attends, on the first samples of the validation part.</summary>
    private IReadOnlyDictionary<string, IReadOnlyList<HeadEntropy>>? Entropies()
    {
        if (!_attends)
            return null;
        _watched ??= _data.Validation(4, _device).First();
        return AttentionEntropy.Measure(_model, _weights, _watched);
    }

    private static string Prompt(TextBatches text) =>
        text.Alphabet.Decode(text.Corpus.Tokens.Skip(text.Corpus.TrainingLength).Take(32));

    private T WithAverage<T>(Func<T> action)
    {
        if (_averaged)
            return action();
        SwapAverage();
        try
        {
            return action();
        }
        finally
        {
            SwapAverage();
        }
    }

    private void SwapAverage()
    {
        _optimizer.SwapAverage();
        if (_plan.Ema is not null)
            _parallel?.Exchange();
    }

    private void Save(Meter meter, BatchFeed feed)
    {
        meter.Flush();
        var state = _optimizer.Store(TrainingCheckpoint.OptimizerPrefix);
        if (_parallel is not null)
            state = _parallel.Gather(state);
        if (state is not null)
            TrainingCheckpoint.Write(_options.Folder.Checkpoint, _weights, state, _data, feed.Position, Step, meter.Pending, _device);
    }

    private void WriteModel()
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["lips.step"] = Step.ToString(System.Globalization.CultureInfo.InvariantCulture) };
        TrainingCheckpoint.AddAlphabet(metadata, _data.Alphabet);
        // What is certified afterwards is what was written: the module keeps the averaged weights.
        if (!_averaged)
            SwapAverage();
        _averaged = true;
        if (Writes)
            ModelFile.Write(_options.Folder.Model, _weights, metadata);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _parallel?.Dispose();
        _graph?.Dispose();
        _loss.Dispose();
        _recomputation?.Dispose();
        _scopes?.Dispose();
        _watched?.Dispose();
        _weights.Dispose();
    }
}
