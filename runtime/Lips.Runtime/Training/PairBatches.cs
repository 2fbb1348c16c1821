using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>
/// Pairs of texts for a model of two token inputs: the source, and the target one token late, as it is predicted. Rows are
/// cut to their input's length and filled with the end symbol, whose predictions count once.
/// </summary>
public sealed class PairBatches : BatchSource
{
    private readonly TextPairs _pairs;
    private readonly InputInfo _source, _target;
    private readonly bool _targetFirst;
    private readonly ShuffledPasses _passes;

    private PairBatches(TextPairs pairs, InputInfo source, InputInfo target, bool targetFirst, long seed)
    {
        (_pairs, _source, _target, _targetFirst) = (pairs, source, target, targetFirst);
        _passes = new ShuffledPasses(pairs.TrainingCount, seed);
    }

    public static new PairBatches Open(ILipsModel model, TrainingPlan plan, DataFiles files)
    {
        if (model.Inputs.Count != 2 || model.Inputs.Any(i => i.Kind != "tokens"))
            throw new RunFailed($"Pairs of texts feed a model of two token inputs; '{model.Name}' has {string.Join(", ", model.Inputs.Select(i => $"{i.Name} ({i.Kind})"))}.");
        if (plan.Objective is not Objective.NextToken objective)
            throw new RunFailed("Pairs of texts need the objective next_token, with the name of the input that is predicted: next_token(target).");
        var target = objective.Input is null ? model.Inputs[1] : model.Inputs.FirstOrDefault(i => i.Name == objective.Input)
            ?? throw new RunFailed($"next_token names the input '{objective.Input}'; '{model.Name}' has {string.Join(", ", model.Inputs.Select(i => i.Name))}.");
        bool targetFirst = ReferenceEquals(target, model.Inputs[0]);
        var source = model.Inputs[targetFirst ? 1 : 0];
        var pairs = plan.Data switch
        {
            DataPlan.Pairs given => TextPairs.FromFiles(files.Find(given.Source), files.Find(given.Target), given.Alphabet, given.Split),
            DataPlan.ReversedText reversed => TextPairs.Reversed(reversed.Path is null ? null : files.Find(reversed.Path), reversed.Alphabet, reversed.Split, (int)Math.Min(source.Shape[0], target.Shape[0] - 1)),
            var other => throw new RunFailed($"{other} is no data of pairs."),
        };
        foreach (var input in model.Inputs)
            if (input.Vocabulary < pairs.Vocabulary)
                throw new RunFailed($"'{pairs.Name}' has {pairs.Alphabet.Count} symbols and two more for begin and end, the vocabulary of '{input.Name}' {input.Vocabulary}. Set vocab = {pairs.Vocabulary}.");
        return new PairBatches(pairs, source, target, targetFirst, plan.Seed);
    }

    public override string Name => _pairs.Name;

    public override string Unit => "tokens";

    public override long UnitsPerSample => _target.Shape[0];

    public override double SamplesPerEpoch => _pairs.TrainingCount;

    public override ulong[] Position
    {
        get => _passes.Position;
        set => _passes.Position = value;
    }

    public override string Fingerprint => _pairs.Fingerprint();

    public override Alphabet Alphabet => _pairs.Alphabet;

    public override Batch Next(int count, torch.Device device) => Make(_passes.Next(count), device);

    public override IEnumerable<Batch> Validation(int count, torch.Device device) =>
        Enumerable.Range(_pairs.TrainingCount, _pairs.All.Count - _pairs.TrainingCount).Chunk(count).Select(chunk => Make(chunk, device));

    private Batch Make(int[] chosen, torch.Device device)
    {
        int read = checked((int)_source.Shape[0]), written = checked((int)_target.Shape[0]);
        var source = new long[chosen.Length * read];
        var given = new long[chosen.Length * written];
        var wanted = new long[chosen.Length * written];
        Array.Fill(source, _pairs.End);
        Array.Fill(given, _pairs.End);
        Array.Fill(wanted, Batch.Ignored);
        for (int b = 0; b < chosen.Length; b++)
        {
            var (from, into) = _pairs.All[chosen[b]];
            for (int t = 0; t < Math.Min(read, from.Length); t++)
                source[b * read + t] = from[t];
            given[b * written] = _pairs.Begin;
            for (int t = 0; t < Math.Min(written, into.Length + 1); t++)
            {
                wanted[b * written + t] = t < into.Length ? into[t] : _pairs.End;
                if (t + 1 < written)
                    given[b * written + t + 1] = t < into.Length ? into[t] : _pairs.End;
            }
        }
        var sources = torch.tensor(source, device: device).view(-1, read);
        var targets = torch.tensor(given, device: device).view(-1, written);
        return new Batch(_targetFirst ? [targets, sources] : [sources, targets], torch.tensor(wanted, device: device).view(-1, written), Padded: true);
    }
}
