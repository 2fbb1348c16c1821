using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

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

    /// <summary>The entries of a tensor in the processor's memory, to be written where they are read: a step leaves no arrays to the garbage collector.</summary>
    protected static Span<T> Entries<T>(torch.Tensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    /// <summary>The tensor on a device.</summary>
    protected static torch.Tensor Placed(torch.Tensor tensor, torch.Device device) => device.type == DeviceType.CPU ? tensor : tensor.to(device);

    /// <summary>Where the next batch comes from.</summary>
    public abstract ulong[] Position { get; set; }

    /// <summary>Identifies the data, so that a resumed run continues on the same.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>The symbols, for text.</summary>
    public virtual Alphabet? Alphabet => null;

    /// <summary>Reads the data of a plan and holds it to the model's input.</summary>
    public static BatchSource Open(ILipsModel model, TrainingPlan plan, DataFiles files)
    {
        var data = Read(model, plan, files);
        if (plan.Augment != Augmentation.None)
            (data as LabelledBatches ?? throw new RunFailed("augment changes images, and this data holds none; leave it out.")).Augment(plan.Augment);
        return data;
    }

    private static BatchSource Read(ILipsModel model, TrainingPlan plan, DataFiles files)
    {
        if (plan.Data is DataPlan.Pairs or DataPlan.ReversedText)
            return PairBatches.Open(model, plan, files);
        if (model.Inputs.Count != 1)
            throw new RunFailed($"'{model.Name}' has {model.Inputs.Count} inputs; of the trainer's data only pairs and reversed_text feed two.");
        var input = model.Inputs[0];
        if ((plan.Objective is Objective.Ctc) != (plan.Data is DataPlan.MadeSpeech))
            throw new RunFailed("The objective ctc and the data made_speech belong together: it is the only data whose targets are unaligned symbols.");
        switch (plan.Data)
        {
            case DataPlan.MadeSpeech speech:
                return new SpeechBatches(new MadeSpeech(input, speech.Samples, speech.Symbols, speech.Longest, ((Objective.Ctc)plan.Objective).Blank, plan.Seed), speech.Split, plan.Seed);
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
