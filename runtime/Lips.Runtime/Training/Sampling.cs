using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Text from a causal model.</summary>
public static class Sampling
{
    /// <summary>
    /// Continues a prompt. A prompt shorter than the context stands at its beginning, which a causal model cannot tell from a
    /// shorter input; once the context is full it slides. Temperature 0 takes the likeliest symbol.
    /// </summary>
    public static string Generate(ILipsModel model, Alphabet alphabet, string prompt, int count, double temperature, long seed, torch.Device device)
    {
        if (!(temperature >= 0))
            throw new LipsException($"The temperature must not be negative, got {temperature}.", 1);
        int context = checked((int)model.Inputs[0].Shape[0]);
        var random = SeededRandom.For(seed, "sampling");
        var tokens = new List<int>(alphabet.Encode(prompt));
        if (tokens.Count == 0)
            tokens.Add(0);
        int start = tokens.Count;
        bool training = model.Module.training;
        model.Module.eval();
        using (torch.no_grad())
        {
            while (tokens.Count < start + count)
            {
                using var scope = torch.NewDisposeScope();
                var window = new long[context];
                int from = Math.Max(0, tokens.Count - context), length = tokens.Count - from;
                for (int i = 0; i < length; i++)
                    window[i] = tokens[from + i];
                var logits = model.Forward([torch.tensor(window, device: device).view(1, context)]);
                var last = logits.select(1, length - 1).to(torch.ScalarType.Float64).ToArray<double>();
                tokens.Add(Draw(last.AsSpan(0, Math.Min(last.Length, alphabet.Count)), temperature, random));
            }
        }
        model.Module.train(training);
        return alphabet.Decode(tokens.Skip(prompt.Length == 0 ? 1 : 0));
    }

    private static int Draw(ReadOnlySpan<double> logits, double temperature, SeededRandom random)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best])
                best = i;
        if (temperature == 0 || !double.IsFinite(logits[best]))
            return best;
        double sum = 0;
        var weights = new double[logits.Length];
        for (int i = 0; i < logits.Length; i++)
            sum += weights[i] = Math.Exp((logits[i] - logits[best]) / temperature);
        double at = random.Uniform() * sum;
        for (int i = 0; i < weights.Length; i++)
            if ((at -= weights[i]) < 0)
                return i;
        return best;
    }
}
