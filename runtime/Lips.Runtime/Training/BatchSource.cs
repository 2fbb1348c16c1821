using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Inputs and what they should give. Of a sequence's predictions only the last <paramref name="Counted"/> count; all when null.</summary>
public sealed record Batch(torch.Tensor Input, torch.Tensor Target, int? Counted = null);

/// <summary>Training batches from a position that a checkpoint can hold, and the whole validation part.</summary>
public abstract class BatchSource
{
    public abstract string Name { get; }

    /// <summary>What progress counts: <c>tokens</c> or <c>samples</c>.</summary>
    public abstract string Unit { get; }

    public abstract long UnitsPerSample { get; }

    /// <summary>Samples in one pass over the training part.</summary>
    public abstract double SamplesPerEpoch { get; }

    /// <summary>The next training batch.</summary>
    public abstract Batch Next(int count, torch.Device device);

    /// <summary>The validation part, every prediction counted once.</summary>
    public abstract IEnumerable<Batch> Validation(int count, torch.Device device);

    /// <summary>Where the next batch comes from.</summary>
    public abstract ulong[] Position { get; set; }

    /// <summary>Identifies the data, so that a resumed run continues on the same.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>The symbols, for text.</summary>
    public virtual Alphabet? Alphabet => null;

    /// <summary>Reads the data of a plan and holds it to the model's input.</summary>
    public static BatchSource Open(ILipsModel model, TrainingPlan plan, DataFiles files)
    {
        if (model.Inputs.Count != 1)
            throw new RunFailed($"'{model.Name}' has {model.Inputs.Count} inputs; the trainer's data sets feed one.");
        var input = model.Inputs[0];
        switch (plan.Data)
        {
            case DataPlan.Text text:
                if (input.Kind != "tokens" || plan.Objective is not Objective.NextToken)
                    throw new RunFailed($"Text needs a model of tokens and the objective next_token; '{input.Name}' is {input.Kind}.");
                var corpus = text.Path is null
                    ? TextCorpus.Documentation(text.Alphabet, text.Split)
                    : TextCorpus.FromFile(files.Find(text.Path), text.Alphabet, text.Split);
                return new TextBatches(corpus, input, plan.ValidationStride, plan.Seed);
            case DataPlan.Cifar cifar:
                string folder = files.Find(cifar.Path);
                return new LabelledBatches(CifarPart(folder, "train.bin", "data_batch_*.bin"), CifarPart(folder, "test.bin", "test_batch.bin"), input, plan.Seed);
            case DataPlan.Idx idx:
                return LabelledBatches.Split(LabelledSet.Idx("idx", files.Find(idx.Images), files.Find(idx.Labels)), idx.Split, input, plan.Seed);
            case DataPlan.Numpy numpy:
                return LabelledBatches.Split(FromNumpy(files.Find(numpy.Inputs), files.Find(numpy.Labels)), numpy.Split, input, plan.Seed);
            case DataPlan.Digits digits:
                if (input.Kind != "image" || input.Shape[1] != input.Shape[2])
                    throw new RunFailed($"Digits are square images; '{input.Name}' is {input.Kind} of shape [{string.Join(", ", input.Shape)}].");
                return LabelledBatches.Split(MadeDigits.Draw(digits.Samples, (int)input.Shape[1], (int)input.Shape[0], plan.Seed), digits.Split, input, plan.Seed);
            default:
                throw new RunFailed($"No reader for {plan.Data}.");
        }
    }

    private static LabelledSet CifarPart(string folder, string whole, string pattern)
    {
        string single = System.IO.Path.Combine(folder, whole);
        var files = System.IO.File.Exists(single)
            ? [single]
            : System.IO.Directory.Exists(folder) ? System.IO.Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal).ToArray() : [];
        return files.Length > 0
            ? LabelledSet.Cifar(System.IO.Path.GetFileName(folder), files)
            : throw new RunFailed($"'{folder}' holds neither {whole} nor {pattern}.");
    }

    private static LabelledSet FromNumpy(string inputs, string labels)
    {
        var array = NumpyArray.Read(inputs);
        if (array.Shape.Length < 2)
            throw new RunFailed($"'{inputs}' has shape [{string.Join(", ", array.Shape)}]; the first axis counts samples, the others are a sample's.");
        long[] shape = array.Shape[1..];
        int[] classes = NumpyArray.Read(labels).Integers();
        return array.Bytes is { } bytes ? new LabelledSet(inputs, shape, bytes, classes) : new LabelledSet(inputs, shape, array.Floats(), classes);
    }
}

/// <summary>Random windows of a text; validation goes through its second part once.</summary>
public sealed class TextBatches : BatchSource
{
    private readonly TextCorpus _corpus;
    private readonly int _context;
    private readonly int? _stride;
    private readonly SeededRandom _random;

    public TextBatches(TextCorpus corpus, InputInfo input, int? stride, long seed)
    {
        _corpus = corpus;
        _context = checked((int)input.Shape[0]);
        _stride = stride;
        _random = SeededRandom.For(seed, "training windows");
        corpus.Check(input.Vocabulary ?? long.MaxValue, _context);
    }

    public override string Name => _corpus.Name;

    public override string Unit => "tokens";

    public override long UnitsPerSample => _context;

    public override double SamplesPerEpoch => (double)_corpus.TrainingLength / _context;

    public override Alphabet Alphabet => _corpus.Alphabet;

    public override ulong[] Position
    {
        get => _random.State;
        set => _random.State = value;
    }

    public override string Fingerprint => _corpus.Fingerprint();

    public TextCorpus Corpus => _corpus;

    public override Batch Next(int count, torch.Device device)
    {
        var inputs = new long[count * _context];
        var targets = new long[count * _context];
        _corpus.Sample(_random, count, _context, inputs, targets);
        return new Batch(ToTensor(inputs, device), ToTensor(targets, device));
    }

    public override IEnumerable<Batch> Validation(int count, torch.Device device)
    {
        foreach (var group in _corpus.ValidationWindows(_context, _stride).GroupBy(w => w.Counted))
            foreach (var chunk in group.Chunk(count))
            {
                var inputs = new long[chunk.Length * _context];
                var targets = new long[chunk.Length * _context];
                for (int b = 0; b < chunk.Length; b++)
                    for (int t = 0; t < _context; t++)
                    {
                        inputs[b * _context + t] = _corpus.Tokens[chunk[b].Start + t];
                        targets[b * _context + t] = _corpus.Tokens[chunk[b].Start + t + 1];
                    }
                yield return new Batch(ToTensor(inputs, device), ToTensor(targets, device), group.Key);
            }
    }

    private torch.Tensor ToTensor(long[] tokens, torch.Device device) => torch.tensor(tokens, device: device).view(-1, _context);
}

/// <summary>Shuffled passes over labelled samples; each pass has its own order, made from the seed and the pass's number.</summary>
public sealed class LabelledBatches : BatchSource
{
    private readonly LabelledSet _training;
    private readonly LabelledSet _validation;
    private readonly int _validationFrom;
    private readonly int _trainingCount;
    private readonly InputInfo _input;
    private readonly long _seed;
    private int[] _order = [];
    private ulong _epoch;
    private ulong _index;

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
        Shuffle();
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
        get => [_epoch, _index];
        set
        {
            if (value is not [var epoch, var index] || index > (ulong)_trainingCount)
                throw new RunFailed("The checkpoint's position does not fit this data.");
            _epoch = epoch;
            Shuffle();
            _index = index;
        }
    }

    public override string Fingerprint => $"{_training.Name} {_trainingCount} {_validation.Count - _validationFrom} {_training.SampleSize}";

    private void Shuffle()
    {
        _order = Enumerable.Range(0, _trainingCount).ToArray();
        SeededRandom.For(_seed, "epoch " + _epoch.ToString(System.Globalization.CultureInfo.InvariantCulture)).Shuffle(_order);
        _index = 0;
    }

    public override Batch Next(int count, torch.Device device)
    {
        var chosen = new int[count];
        for (int b = 0; b < count; b++)
        {
            if (_index == (ulong)_trainingCount)
            {
                _epoch++;
                Shuffle();
            }
            chosen[b] = _order[_index++];
        }
        return Make(_training, chosen, device);
    }

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
