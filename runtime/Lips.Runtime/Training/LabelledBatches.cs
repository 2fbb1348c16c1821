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
    private readonly long _seed;
    private Augmentation _augmentation = Augmentation.None;

    public LabelledBatches(LabelledSet training, LabelledSet validation, InputInfo input, long seed)
        : this(training, training.Count, validation, 0, input, seed)
    {
    }

    private LabelledBatches(LabelledSet training, int trainingCount, LabelledSet validation, int validationFrom, InputInfo input, long seed)
    {
        (_training, _trainingCount, _validation, _validationFrom, _input, _seed) = (training, trainingCount, validation, validationFrom, input, seed);
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

    /// <summary>Changes training samples from now on.</summary>
    /// <exception cref="RunFailed">The samples are no images.</exception>
    public void Augment(Augmentation augmentation) => _augmentation = _input.Kind == "image"
        ? augmentation
        : throw new RunFailed($"augment changes images; '{_input.Name}' is {_input.Kind}.");

    public override Batch Next(int count, torch.Device device)
    {
        // drawn from where the pass stands, so that a resumed run draws the same
        var random = _augmentation == Augmentation.None ? null : SeededRandom.For(_seed, "augment " + string.Join(' ', _passes.Position));
        return Make(_training, _passes.Next(count), device, random);
    }

    public override IEnumerable<Batch> Validation(int count, torch.Device device) =>
        Enumerable.Range(_validationFrom, _validation.Count - _validationFrom).Chunk(count).Select(chunk => Make(_validation, chunk, device));

    private Batch Make(LabelledSet set, int[] chosen, torch.Device device, SeededRandom? random = null)
    {
        torch.Tensor values = torch.empty([chosen.Length, .. _input.Shape], dtype: torch.ScalarType.Float32), labels = torch.empty(chosen.Length, dtype: torch.ScalarType.Int64);
        Span<float> samples = Entries<float>(values);
        Span<long> classes = Entries<long>(labels);
        for (int b = 0; b < chosen.Length; b++)
        {
            var sample = samples.Slice(b * set.SampleSize, set.SampleSize);
            set.Copy(chosen[b], sample, _input.RangeLow ?? 0, _input.RangeHigh ?? 1);
            if (random is not null)
                _augmentation.Apply(sample, (int)_input.Shape[1], (int)_input.Shape[2], (float)(_input.RangeLow ?? 0), random);
            classes[b] = set.Labels[chosen[b]];
        }
        return new Batch(Placed(values, device), Placed(labels, device));
    }
}
