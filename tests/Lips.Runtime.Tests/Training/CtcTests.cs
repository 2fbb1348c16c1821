using System;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch.nn;

namespace Lips.Runtime.Tests.Training;

public sealed class CtcTests
{
    /// <summary>Two frames that say "a": a a, a −, − a are its alignments, each frame's probabilities 1/2 (blank), 1/3 and 1/6.</summary>
    [Fact]
    public void The_loss_sums_over_all_alignments()
    {
        using var scope = torch.NewDisposeScope();
        var frame = torch.tensor(new[] { Math.Log(3), Math.Log(2), 0.0, Math.Log(3), Math.Log(2), 0.0 }).view(1, 2, 3);
        using var batch = new Batch([frame], torch.tensor(new long[] { 1 }).view(1, 1), TargetLengths: torch.tensor(new long[] { 1 }));
        double probability = (1 / 9.0) + (1 / 6.0) + (1 / 6.0);
        Assert.Equal(-Math.Log(probability), Losses(frame, batch), 6);
    }

    private static double Losses(torch.Tensor logits, Batch batch) => Ctc.Loss(logits, batch, 0, Reduction.Mean).item<double>();

    [Fact]
    public void A_path_is_read_without_blanks_and_repetitions()
    {
        Assert.Equal([1, 1, 2], Ctc.Read([0, 1, 1, 0, 1, 2, 2, 0], blank: 0));
        Assert.Equal([0, 2], Ctc.Read([0, 0, 1, 1, 2], blank: 1));
        Assert.Empty(Ctc.Read([], blank: 0));
    }

    [Theory]
    [InlineData(new long[] { 1, 2, 3 }, new long[] { 1, 2, 3 }, 0)]
    [InlineData(new long[] { 1, 3 }, new long[] { 1, 2, 3 }, 1)]
    [InlineData(new long[] { }, new long[] { 1, 2, 3 }, 3)]
    [InlineData(new long[] { 3, 1, 2, 2 }, new long[] { 1, 2, 3 }, 2)]
    public void Symbols_are_compared_by_the_least_number_of_edits(long[] read, long[] said, int distance) =>
        Assert.Equal(distance, Ctc.EditDistance(read, said));

    [Fact]
    public void Right_symbols_are_those_said_less_the_edits()
    {
        using var scope = torch.NewDisposeScope();
        // reads 1 2 2 where 1 2 3 was said
        var logits = torch.zeros(1, 6, 4);
        long[] path = [1, 1, 2, 0, 2, 0];
        for (int t = 0; t < path.Length; t++)
            logits[0, t, path[t]] = 5f;
        using var batch = new Batch([logits], torch.tensor(new long[] { 1, 2, 3 }).view(1, 3), TargetLengths: torch.tensor(new long[] { 3 }));
        var (_, right, count) = Ctc.Sums(logits, batch, 0);
        Assert.Equal((2L, 3L), (right.item<long>(), count));
    }
}
