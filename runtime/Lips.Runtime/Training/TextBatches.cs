using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

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
        torch.Tensor inputs = Windows(count), targets = Windows(count);
        _corpus.Sample(_random, count, _context, Entries<long>(inputs), Entries<long>(targets));
        return new Batch(Placed(inputs, device), Placed(targets, device));
    }

    public override IEnumerable<Batch> Validation(int count, torch.Device device)
    {
        foreach (var group in _corpus.ValidationWindows(_context, _stride).GroupBy(w => w.Counted))
            foreach (var chunk in group.Chunk(count))
            {
                torch.Tensor inputs = Windows(chunk.Length), targets = Windows(chunk.Length);
                for (int b = 0; b < chunk.Length; b++)
                {
                    Span<long> read = Entries<long>(inputs).Slice(b * _context, _context), wanted = Entries<long>(targets).Slice(b * _context, _context);
                    for (int t = 0; t < _context; t++)
                        (read[t], wanted[t]) = (_corpus.Tokens[chunk[b].Start + t], _corpus.Tokens[chunk[b].Start + t + 1]);
                }
                yield return new Batch(Placed(inputs, device), Placed(targets, device), group.Key);
            }
    }

    private torch.Tensor Windows(int count) => torch.empty(count, _context, dtype: torch.ScalarType.Int64);
}
