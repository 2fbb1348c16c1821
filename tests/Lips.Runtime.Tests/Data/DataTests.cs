using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Lips.Runtime.Data;
using Xunit;

namespace Lips.Runtime.Tests.Data;

public sealed class DataTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(10, 10)]
    [InlineData(10, 3)]
    [InlineData(7, 1)]
    [InlineData(16, 16)]
    public void Every_validation_token_is_predicted_once(int context, int stride)
    {
        var corpus = TextCorpus.FromText("t", new string('a', 100) + new string('b', 63), "characters", 100.0 / 163);
        var predicted = new int[corpus.Tokens.Length];
        foreach (var window in corpus.ValidationWindows(context, stride))
        {
            Assert.True(window.Start >= 0 && window.Counted <= stride);
            // The prediction at position t of the window is for token Start + t + 1.
            for (int t = context - window.Counted; t < context; t++)
                predicted[window.Start + t + 1]++;
        }
        Assert.All(predicted.Take(corpus.TrainingLength), count => Assert.Equal(0, count));
        Assert.All(predicted.Skip(corpus.TrainingLength), count => Assert.Equal(1, count));
    }

    [Fact]
    public void Training_windows_stay_in_the_training_part_and_repeat_with_the_state()
    {
        var corpus = TextCorpus.FromText("t", string.Concat(Enumerable.Range(0, 300).Select(i => (char)(256 + i))), "characters", 0.5);
        var random = new SeededRandom(1);
        var inputs = new long[80];
        var targets = new long[80];
        corpus.Sample(random, 10, 8, inputs, targets);
        var state = random.State;
        corpus.Sample(random, 10, 8, inputs, targets);
        Assert.All(targets, t => Assert.InRange(t, 0, corpus.TrainingLength - 1));
        Assert.Equal(inputs.Select(i => i + 1), targets);
        var again = new long[80];
        corpus.Sample(new SeededRandom(99) { State = state }, 10, 8, again, targets);
        Assert.Equal(inputs, again);
    }

    [Fact]
    public void Images_are_mirrored_and_moved_and_nothing_else()
    {
        // every pixel of two channels of 3 × 4 is told by its value, 1 to 24
        float[] image = [.. Enumerable.Range(1, 24).Select(i => (float)i)];
        var random = new SeededRandom(5);
        var seen = new HashSet<(bool, int, int)>();
        for (int round = 0; round < 400; round++)
        {
            float[] changed = [.. image];
            new Lips.Runtime.Training.Augmentation(Flip: true, Shift: 1).Apply(changed, 3, 4, -1, random);
            var found = (from mirrored in new[] { false, true }
                         from down in new[] { -1, 0, 1 }
                         from right in new[] { -1, 0, 1 }
                         where Enumerable.Range(0, 24).All(i => changed[i] == Expected(i / 12, i / 4 % 3, i % 4, mirrored, down, right))
                         select (mirrored, down, right)).ToList();
            Assert.Single(found);
            seen.Add(found[0]);
        }
        Assert.Equal(18, seen.Count);

        static float Expected(int channel, int row, int column, bool mirrored, int down, int right)
        {
            var (above, from) = (row - down, column - right);
            return above is < 0 or > 2 || from is < 0 or > 3 ? -1 : 1 + (channel * 12) + (above * 4) + (mirrored ? 3 - from : from);
        }
    }

    [Theory]
    [InlineData("bytes", "naïve café\n")]
    [InlineData("characters", "naïve 😀 café\n")]
    [InlineData("ascii", "plain text\n")]
    public void Text_survives_its_alphabet(string kind, string text)
    {
        var alphabet = Alphabet.For(kind, text);
        Assert.Equal(text, alphabet.Decode(alphabet.Encode(text)));
        var restored = Alphabet.Restore(alphabet.Kind, alphabet.Symbols);
        Assert.Equal(alphabet.Encode(text), restored.Encode(text));
    }

    [Fact]
    public void A_character_outside_the_alphabet_is_named() =>
        Assert.Contains("U+00EF", Assert.Throws<RunFailed>(() => Alphabet.Ascii.Encode("naïve")).Message);

    [Fact]
    public void The_documentation_has_no_line_twice()
    {
        string text = SdkDocumentation.Read();
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 10_000, $"{lines.Length} lines");
        Assert.Equal(lines.Length, lines.Distinct().Count());
        Assert.All(text, c => Assert.True(c is '\n' or >= ' ' and <= '~'));
    }

    [Fact]
    public void Images_are_read_from_cifar_idx_and_numpy()
    {
        var record = new byte[3073];
        record[0] = 7;
        record[1] = 255;
        File.WriteAllBytes(Path.Combine(_folder, "c.bin"), [.. record, .. record]);
        var cifar = LabelledSet.Cifar("c", [Path.Combine(_folder, "c.bin")]);
        Assert.Equal((2, 8, 3072), (cifar.Count, cifar.Classes, cifar.SampleSize));
        var values = new float[3072];
        cifar.Copy(1, values, -1, 1);
        Assert.Equal((1f, -1f), (values[0], values[1]));

        File.WriteAllBytes(Path.Combine(_folder, "i"), [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40]);
        File.WriteAllBytes(Path.Combine(_folder, "l"), [0, 0, 8, 1, 0, 0, 0, 2, 3, 4]);
        var idx = LabelledSet.Idx("m", Path.Combine(_folder, "i"), Path.Combine(_folder, "l"));
        Assert.Equal([3, 4], idx.Labels);
        Assert.Equal([1L, 1, 2], idx.Shape);

        string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".PadRight(117) + "\n";
        File.WriteAllBytes(Path.Combine(_folder, "a.npy"),
            [0x93, .. Encoding.ASCII.GetBytes("NUMPY"), 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(header), .. new float[] { 1, 2, 3, 4, 5, 6.5f }.SelectMany(BitConverter.GetBytes)]);
        var array = NumpyArray.Read(Path.Combine(_folder, "a.npy"));
        Assert.Equal([2L, 3], array.Shape);
        Assert.Equal(6.5f, array.Floats()[5]);

        File.WriteAllBytes(Path.Combine(_folder, "bad"), [1, 2, 3]);
        foreach (Action read in new Action[] { () => LabelledSet.Cifar("c", [Path.Combine(_folder, "bad")]), () => NumpyArray.Read(Path.Combine(_folder, "bad")), () => LabelledSet.Idx("m", Path.Combine(_folder, "bad"), Path.Combine(_folder, "l")) })
            Assert.Contains("bad", Assert.Throws<RunFailed>(read).Message);
    }

    [Fact]
    public void Made_digits_repeat_and_differ()
    {
        var a = MadeDigits.Draw(50, 16, 1, 3);
        var b = MadeDigits.Draw(50, 16, 1, 3);
        var x = new float[256];
        var y = new float[256];
        var seen = new HashSet<string>();
        for (int i = 0; i < 50; i++)
        {
            a.Copy(i, x);
            b.Copy(i, y);
            Assert.Equal(x, y);
            Assert.True(x.Max() > 0.4);
            seen.Add(string.Join(",", x));
        }
        Assert.Equal(50, seen.Count);
    }

    [Fact]
    public void The_generator_is_uniform_enough()
    {
        var random = new SeededRandom(5);
        var counts = new int[7];
        for (int i = 0; i < 70_000; i++)
            counts[random.Below(7)]++;
        Assert.All(counts, c => Assert.InRange(c, 9_500, 10_500));
        var normal = Enumerable.Range(0, 20_000).Select(_ => random.Normal()).ToArray();
        Assert.InRange(normal.Average(), -0.03, 0.03);
        Assert.InRange(normal.Select(x => x * x).Average(), 0.96, 1.04);
    }
}
