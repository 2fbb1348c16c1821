using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using Lips.Runtime.Data;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Runtime.Checkpoints;

/// <summary>
/// The losses that are still to be reported: their smoothed mean, and sum and number since the last line of the log. A run that is
/// resumed reports what one that was not stopped does.
/// </summary>
public readonly record struct PendingLosses(double Smoothed, double Sum, long Count)
{
    public static PendingLosses None => new(double.NaN, 0, 0);

    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"{Smoothed:R} {Sum:R} {Count}");

    /// <summary>None where the text is not what <see cref="ToText"/> gives.</summary>
    public static PendingLosses Parse(string? text) =>
        text?.Split(' ') is [var smoothed, var sum, var count]
        && double.TryParse(smoothed, NumberStyles.Float, CultureInfo.InvariantCulture, out double mean)
        && double.TryParse(sum, NumberStyles.Float, CultureInfo.InvariantCulture, out double total)
        && long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? new PendingLosses(mean, total, number)
            : None;
}

/// <summary>
/// Everything a run needs to go on bit by bit: weights, buffers, optimizer state, running average, generators, the place in the
/// data and the step, in one safetensors file, so that it is never half of one step and half of another.
/// </summary>
public static class TrainingCheckpoint
{
    /// <summary>Before the names of the optimizer's state.</summary>
    public const string OptimizerPrefix = "optimizer/";

    private const string WeightPrefix = "weight/", DataPosition = "position/data", DeviceRandom = "position/device";

    /// <param name="position">Where in <paramref name="data"/> the batch after the step begins.</param>
    /// <param name="optimizerState">The optimizer's whole state, as <see cref="OptimizerSet.Store"/> gives it under <see cref="OptimizerPrefix"/>.</param>
    public static void Write(string path, ModelWeights weights, IEnumerable<StoredTensor> optimizerState, BatchSource data, ulong[] position, long step, PendingLosses losses, torch.Device device)
    {
        var tensors = ModelFile.Store(weights).Select(t => t with { Name = WeightPrefix + t.Name })
            .Concat(optimizerState)
            .Append(new StoredTensor(DataPosition, StoredType.U64, [position.Length], MemoryMarshal.AsBytes(position.AsSpan()).ToArray()))
            .ToList();
        if (TorchExtras.IsSupported)
        {
            using var state = TorchExtras.GetRngState(device);
            tensors.Add(TensorStorage.Store(DeviceRandom, state));
        }
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["lips.step"] = step.ToString(CultureInfo.InvariantCulture),
            ["lips.losses"] = losses.ToText(),
            ["lips.data"] = data.Fingerprint,
        };
        AddAlphabet(metadata, data.Alphabet);
        Safetensors.Write(path, tensors, ModelFile.Metadata(weights.Model, metadata));
    }

    /// <summary>Restores the state and returns the step it was written after, with the losses not reported by then.</summary>
    public static (long Step, PendingLosses Losses) Load(string path, ModelWeights weights, OptimizerSet optimizer, BatchSource data, torch.Device device)
    {
        var file = Safetensors.Read(path);
        if (!file.Metadata.TryGetValue("lips.step", out string? text) || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long step))
            throw new RunFailed($"'{path}' is not a training checkpoint: it names no step.");
        if (file.Metadata.GetValueOrDefault("lips.data") != data.Fingerprint)
            throw new RunFailed($"'{path}' was made with other data than '{data.Name}' as it is now; a resumed run must continue on the same.");
        ModelFile.Load(file, weights, path, WeightPrefix);
        optimizer.Load(file, OptimizerPrefix, step);
        data.Position = MemoryMarshal.Cast<byte, ulong>(file[DataPosition].Data.Span).ToArray();
        if (TorchExtras.IsSupported && file.Tensors.TryGetValue(DeviceRandom, out var stored))
        {
            using var state = TensorStorage.Load(stored);
            TorchExtras.SetRngState(device, state);
        }
        return (step, PendingLosses.Parse(file.Metadata.GetValueOrDefault("lips.losses")));
    }

    /// <summary>Stores the symbols with the weights, so that text can be sampled without the corpus.</summary>
    public static void AddAlphabet(Dictionary<string, string> metadata, Alphabet? alphabet)
    {
        if (alphabet is null)
            return;
        metadata["lips.alphabet"] = alphabet.Kind;
        metadata["lips.symbols"] = alphabet.Symbols;
    }

    /// <summary>The symbols stored with the weights; null when the model is not one of text.</summary>
    public static Alphabet? AlphabetOf(IReadOnlyDictionary<string, string> metadata) =>
        metadata.TryGetValue("lips.alphabet", out string? kind) ? Alphabet.Restore(kind, metadata.GetValueOrDefault("lips.symbols", "")) : null;
}
