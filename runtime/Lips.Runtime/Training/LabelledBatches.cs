using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Shuffled passes over labelled samples; each pass has its own order, made from the seed and the pass's number.</summary>
public sealed class LabelledBatches : BatchSource
{
    private readonly LabelledSet _training;
    private readonly LabelledSet _validation;
    private readonly int _validationFrom;
    private readonly int _trainingCount;
    private readonly InputInfo _input;
    private readonly ShuffledPasses _passes;

    public LabelledBatches(LabelledSet training, LabelledSet validation, InputInfo input, long seed)
        : this(training, training.Count, validation, 0, input, seed)
    {
    }

    private LabelledBatches(LabelledSet training, int trainingCount, LabelledSet validation, int validationFrom, InputInfo input, long seed)
    {
        (_training, _trainingCount, _validation, _validationFrom, _input) = (training, trainingCount, validation, validationFrom, input);
        long size = input.Shape.Aggregate(1L, (a, b) => a * b);
        foreach (var set in new[] { training, validation })
            if (set.SampleSize != size)
                throw new RunFailed($"'{set.Name}' has samples of shape [{string.Join(", ", set.Shape)}], the input '{input.Name}' is [{string.Join(", ", input.Shape)}].");
        if (trainingCount < 1 || validation.Count - validationFrom < 1)
            throw new RunFailed($"'{training.Name}' gives {trainingCount} training and {validation.Count - validationFrom} validation samples; both need at least one.");
        _passes = new ShuffledPasses(trainingCount, seed);
    }

    public static LabelledBatches Split(LabelledSet set, double share, InputInfo input, long seed)
    {
        int training = (int)Math.Floor(set.Count * share);
        return new LabelledBatches(set, training, set, training, input, seed);
    }

    public override string Name => _training.Name;

    public override string Unit => "samples";

    public override long UnitsPerSample => 1;

    public override double SamplesPerEpoch => _trainingCount;

    public override ulong[] Position
    {
        get => _passes.Position;
        set => _passes.Position = value;
    }

    public override string Fingerprint => $"{_training.Name} {_trainingCount} {_validation.Count - _validationFrom} {_training.SampleSize}";

    public override Batch Next(int count, torch.Device device) => Make(_training, _passes.Next(count), device);

    public override IEnumerable<Batch> Validation(int count, torch.Device device) =>
        Enumerable.Range(_validationFrom, _validation.Count - _validationFrom).Chunk(count).Select(chunk => Make(_validation, chunk, device));

    private Batch Make(LabelledSet set, int[] chosen, torch.Device device)
    {
        var values = new float[chosen.Length * set.SampleSize];
        var labels = new long[chosen.Length];
        for (int b = 0; b < chosen.Length; b++)
        {
            set.Copy(chosen[b], values.AsSpan(b * set.SampleSize, set.SampleSize), _input.RangeLow ?? 0, _input.RangeHigh ?? 1);
            labels[b] = set.Labels[chosen[b]];
        }
        return new Batch(torch.tensor(values, device: device).view([chosen.Length, .. _input.Shape]), torch.tensor(labels, device: device));
    }
}
