using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Lips.Runtime.Data;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;

namespace Lips.Runtime.Tests.Data;

/// <summary>Data of several inputs, and of targets that are not aligned with outputs.</summary>
public sealed class PairTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lips-pairs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private sealed class TwoInputs(long vocabulary) : ILipsModel
    {
        public string Name => "TwoInputs";

        public string Meaning => "";

        public torch.nn.Module Module => throw new NotSupportedException();

        public IReadOnlyList<InputInfo> Inputs => [new("source", "tokens", [5], vocabulary), new("target", "tokens", [4], vocabulary)];

        public IReadOnlyList<Weight> Weights => [];

        public torch.Tensor Forward(IReadOnlyList<torch.Tensor> inputs) => inputs[0];

        public torch.Tensor ValueAt(string point, IReadOnlyList<torch.Tensor> inputs) => inputs[0];

        public torch.Tensor Continue(string point, torch.Tensor value) => value;

        public IReadOnlyList<ClaimInfo> Claims => [];

        public UpperBound BoundAtCaps(int claim) => UpperBound.Infinity;

        public UpperBound Bound(int claim, Norms norms) => UpperBound.Infinity;

        public string DomainAt(int claim, Norms norms) => "";

        public RecipeEntry[] Recipe => [];

        public IReadOnlyList<NormRequest> NormsNeeded => [];

        public void Dispose()
        {
        }
    }

    private static TrainingPlan Plan(DataPlan data, string? input = "target") => new()
    {
        Data = data,
        Objective = new Objective.NextToken(input, 0),
        Optimizers = new Dictionary<Role, OptimizerPlan>(),
        Schedule = Schedule.Parse(new RecipeValue.Call("constant", []), new Dictionary<string, RecipeValue>()),
        Steps = 1,
    };

    [Fact]
    public void A_target_is_given_one_token_late_and_ends_with_a_predicted_end()
    {
        Write("a", "ab\nabcabc\n\nc\n");
        Write("b", "ba\nccc\nx\nabcabc\n");
        using var model = new TwoInputs(5);
        var data = BatchSource.Open(model, Plan(new DataPlan.Pairs("a", "b", "characters", 0.5)), new DataFiles(_folder));
        // the pair with an empty side is left out: one of three trains; symbols a b c, begin 3, end 4
        Assert.Equal(1, data.SamplesPerEpoch);
        using var scope = torch.NewDisposeScope();
        using var first = data.Next(1, torch.CPU);
        Assert.Equal([0, 1, 4, 4, 4], first.Inputs[0].data<long>().ToArray());
        Assert.Equal([3, 1, 0, 4], first.Inputs[1].data<long>().ToArray());
        Assert.Equal([1, 0, 4, Batch.Ignored], first.Target.data<long>().ToArray());
        using var rest = Assert.Single(data.Validation(8, torch.CPU));
        // too long a side is cut, and a cut target has no end
        Assert.Equal([0, 1, 2, 0, 1, 2, 4, 4, 4, 4], rest.Inputs[0].data<long>().ToArray());
        Assert.Equal([3, 2, 2, 2, 3, 0, 1, 2], rest.Inputs[1].data<long>().ToArray());
        Assert.Equal([2, 2, 2, 4, 0, 1, 2, 0], rest.Target.data<long>().ToArray());
    }

    [Fact]
    public void Predictions_after_the_end_do_not_count()
    {
        using var scope = torch.NewDisposeScope();
        var logits = torch.zeros(1, 4, 5);
        logits[0, 0, 1] = 9f;
        logits[0, 3, 2] = 9f;
        using var batch = new Batch([torch.zeros(1)], torch.tensor(new long[] { 1, 0, 4, Batch.Ignored }).view(1, 4), Padded: true);
        var (loss, right, count) = Losses.Sums(new Objective.NextToken(null, 0), logits, batch);
        Assert.Equal(3, count);
        // the second position ties at 0 and takes the first class
        Assert.Equal(2, right.item<long>());
        Assert.Equal(2 * Math.Log(5) + Math.Log(1 + (4 * Math.Exp(-9))), loss.item<float>(), 4);
    }

    [Fact]
    public void A_text_and_its_reversal_are_pairs()
    {
        Write("text", "abc\n\nxyzuvw\n");
        using var model = new TwoInputs(258);
        var data = BatchSource.Open(model, Plan(new DataPlan.ReversedText("text", "bytes", 0.5), input: null), new DataFiles(_folder));
        Assert.Equal("text and its reversal", data.Name);
        using var batch = Assert.Single(data.Validation(8, torch.CPU));
        // cut to three, so that the whole reversal and the end fit into four
        Assert.Equal(['x', 'y', 'z', 257, 257], batch.Inputs[0].data<long>().ToArray());
        Assert.Equal([256, 'z', 'y', 'x'], batch.Inputs[1].data<long>().ToArray());
        Assert.Equal(['z', 'y', 'x', 257], batch.Target.data<long>().ToArray());
    }

    [Fact]
    public void What_does_not_fit_is_said()
    {
        Write("a", "one\ntwo\n");
        Write("b", "eins\n");
        using var model = new TwoInputs(257);
        string Refused(DataPlan data, string? input = "target") => Assert.Throws<RunFailed>(() => BatchSource.Open(model, Plan(data, input), new DataFiles(_folder))).Message;
        Assert.Contains("2 lines and", Refused(new DataPlan.Pairs("a", "b", "bytes", 0.5)));
        Assert.Contains("Set vocab = 258", Refused(new DataPlan.ReversedText("a", "bytes", 0.5)));
        Assert.Contains("source, target", Refused(new DataPlan.ReversedText("a", "bytes", 0.5), "other"));
        Assert.Contains("has 2 inputs", Refused(new DataPlan.Digits(10, 0.5)));
        using var one = new TinyTransformer(20);
        Assert.Contains("two token inputs", Assert.Throws<RunFailed>(() => BatchSource.Open(one, Plan(new DataPlan.ReversedText("a", "bytes", 0.5)), new DataFiles(_folder))).Message);
    }

    [Fact]
    public void Made_speech_is_the_same_for_a_seed_keeps_its_radius_and_never_says_the_blank()
    {
        var input = new InputInfo("audio", "features", [64, 10], Radius: 3);
        var speech = new MadeSpeech(input, count: 20, symbols: 4, longest: 6, blank: 2, seed: 5);
        var again = new MadeSpeech(input, 20, 4, 6, 2, 5);
        float[] frames = new float[640], same = new float[640];
        for (int sample = 0; sample < 20; sample++)
        {
            long[] said = speech.Draw(sample, frames);
            Assert.Equal(said, again.Draw(sample, same));
            Assert.Equal(frames, same);
            Assert.InRange(said.Length, 1, 6);
            Assert.All(said, s => Assert.True(s is 0 or 1 or 3 or 4));
            for (int t = 0; t < 64; t++)
                Assert.True(Math.Sqrt(frames.Skip(10 * t).Take(10).Sum(f => (double)f * f)) <= 3);
        }
        Assert.Throws<RunFailed>(() => new MadeSpeech(input, 20, 4, 9, 0, 5));
    }
}
