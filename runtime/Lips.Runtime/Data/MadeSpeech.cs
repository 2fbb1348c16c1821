using System;
using System.Globalization;
using System.Linq;

namespace Lips.Runtime.Data;

/// <summary>
/// Features that behave like those of speech, drawn by this program: a sample says a random string of symbols, each by its own
/// made spectrum for a random while, with silence between, noise over all, and no mark where one ends. Made data: figures on
/// it say nothing about recognizing speech.
/// </summary>
public sealed class MadeSpeech
{
    private readonly int _frames, _bands, _longest, _blank;
    private readonly long _seed;
    private readonly double _radius;
    private readonly float[][] _spectra;

    /// <param name="input">Frames × bands, whose declared radius every frame keeps.</param>
    /// <param name="count">Samples.</param>
    /// <param name="symbols">Different symbols; class <paramref name="blank"/> is none of them.</param>
    /// <param name="longest">Most symbols of a sample.</param>
    /// <param name="blank">The class of CTC's blank.</param>
    /// <param name="seed">Of everything drawn.</param>
    public MadeSpeech(InputInfo input, int count, int symbols, int longest, int blank, long seed)
    {
        if (input.Kind != "features" || input.Shape.Count != 2)
            throw new RunFailed($"Made speech is frames of features; '{input.Name}' is {input.Kind} of shape [{string.Join(", ", input.Shape)}].");
        (_frames, _bands) = (checked((int)input.Shape[0]), checked((int)input.Shape[1]));
        if (count < 2 || symbols < 1 || longest < 1 || blank < 0 || blank > symbols)
            throw new RecipeException($"made_speech needs at least 2 samples, 1 symbol, a longest of 1 and a blank from 0 to the number of symbols; got {count}, {symbols}, {longest} and {blank}.");
        // a symbol and the silence after it
        if (_frames < 8 * longest)
            throw new RunFailed($"A sample of {longest} symbols needs {8 * longest} frames, '{input.Name}' has {_frames}; lower longest.");
        (Count, _longest, _blank, _seed, _radius) = (count, longest, blank, seed, input.Radius ?? double.PositiveInfinity);
        var random = SeededRandom.For(seed, "made spectra");
        _spectra = Enumerable.Range(0, symbols).Select(_ => Enumerable.Range(0, _bands).Select(_ => (float)random.Normal()).ToArray()).ToArray();
        Symbols = symbols;
    }

    public int Count { get; }

    public int Symbols { get; }

    public int Frames => _frames;

    public int Bands => _bands;

    public int Longest => _longest;

    /// <summary>Writes the frames of one sample and returns the classes it says, the same for the same seed everywhere.</summary>
    public long[] Draw(int index, Span<float> target)
    {
        var random = SeededRandom.For(_seed, "made speech " + index.ToString(CultureInfo.InvariantCulture));
        var said = new long[1 + random.Below(_longest)];
        for (int i = 0; i < said.Length; i++)
        {
            long symbol = random.Below(Symbols);
            said[i] = symbol < _blank ? symbol : symbol + 1;
        }
        for (int i = 0; i < target.Length; i++)
            target[i] = 0.3f * (float)random.Normal();
        double room = (double)_frames / said.Length;
        for (int i = 0; i < said.Length; i++)
        {
            float[] spectrum = _spectra[said[i] < _blank ? said[i] : said[i] - 1];
            double length = room * (0.4 + 0.4 * random.Uniform()), start = i * room + (room - length) * random.Uniform();
            double loudness = 0.6 + 0.4 * random.Uniform();
            for (int t = (int)start; t < (int)(start + length); t++)
                for (int b = 0; b < _bands; b++)
                    target[t * _bands + b] += (float)loudness * spectrum[b];
        }
        for (int t = 0; t < _frames; t++)
            Shorten(target.Slice(t * _bands, _bands));
        return said;
    }

    private void Shorten(Span<float> frame)
    {
        double sum = 0;
        foreach (float v in frame)
            sum += (double)v * v;
        double norm = Math.Sqrt(sum);
        if (norm > _radius * 0.999)
            for (int b = 0; b < frame.Length; b++)
                frame[b] *= (float)(_radius * 0.999 / norm);
    }

    public string Fingerprint => string.Create(CultureInfo.InvariantCulture, $"made speech {_seed} {Count} {Symbols} {_longest} {_frames} {_bands}");
}
