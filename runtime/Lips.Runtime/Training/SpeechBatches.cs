using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Made speech with the symbols that it says; drawn anew whenever a sample is asked for.</summary>
public sealed class SpeechBatches : BatchSource
{
    private readonly MadeSpeech _speech;
    private readonly int _trainingCount;
    private readonly ShuffledPasses _passes;

    public SpeechBatches(MadeSpeech speech, double split, long seed)
    {
        _speech = speech;
        _trainingCount = Math.Clamp((int)Math.Floor(speech.Count * split), 1, speech.Count - 1);
        _passes = new ShuffledPasses(_trainingCount, seed);
    }

    public override string Name => "made speech";

    public override string Unit => "samples";

    public override long UnitsPerSample => 1;

    public override double SamplesPerEpoch => _trainingCount;

    public override ulong[] Position
    {
        get => _passes.Position;
        set => _passes.Position = value;
    }

    public override string Fingerprint => _speech.Fingerprint;

    public override Batch Next(int count, torch.Device device) => Make(_passes.Next(count), device);

    public override IEnumerable<Batch> Validation(int count, torch.Device device) =>
        Enumerable.Range(_trainingCount, _speech.Count - _trainingCount).Chunk(count).Select(chunk => Make(chunk, device));

    private Batch Make(int[] chosen, torch.Device device)
    {
        int size = _speech.Frames * _speech.Bands;
        var frames = new float[chosen.Length * size];
        var said = chosen.Select((sample, b) => _speech.Draw(sample, frames.AsSpan(b * size, size))).ToArray();
        int longest = said.Max(s => s.Length);
        var targets = new long[chosen.Length * longest];
        for (int b = 0; b < said.Length; b++)
            said[b].CopyTo(targets, b * longest);
        return new Batch(
            [torch.tensor(frames, device: device).view(-1, _speech.Frames, _speech.Bands)],
            torch.tensor(targets, device: device).view(-1, longest),
            TargetLengths: torch.tensor(said.Select(s => (long)s.Length).ToArray(), device: device));
    }
}
