using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;

namespace Lips.Runtime.Tests.Training;

/// <summary>Batches that a thread of their own makes ahead are those made in turn, and leave nothing behind.</summary>
public sealed class BatchFeedTests
{
    /// <summary>Counts; number <paramref name="broken"/> cannot be made.</summary>
    private sealed class Counting(ulong broken = ulong.MaxValue) : BatchSource
    {
        private ulong _at;

        private int _made;

        /// <summary>The threads that have asked for a batch.</summary>
        public HashSet<int> Makers { get; } = [];

        public int Made => Volatile.Read(ref _made);

        public override string Name => "counting";

        public override string Unit => "samples";

        public override long UnitsPerSample => 1;

        public override double SamplesPerEpoch => 100;

        public override ulong[] Position
        {
            get => [_at];
            set => _at = value[0];
        }

        public override string Fingerprint => "counting";

        public override Batch Next(int count, torch.Device device)
        {
            Makers.Add(Environment.CurrentManagedThreadId);
            Interlocked.Increment(ref _made);
            ulong at = _at++;
            return at == broken ? throw new InvalidDataException("no batch " + at) : new Batch(torch.full([count], (double)at), torch.tensor((long)at));
        }

        public override IEnumerable<Batch> Validation(int count, torch.Device device) => [];
    }

    private static double Value(Batch batch) => batch.Inputs[0].mean().item<float>();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Batches_and_places_are_those_of_the_source(bool ahead)
    {
        var source = new Counting();
        using (var feed = new BatchFeed(source, 3, torch.CPU, ahead, 5))
            for (int i = 0; i < 4; i++)
            {
                using var scope = torch.NewDisposeScope();
                Assert.Equal([(ulong)i], feed.Position);
                var batch = feed.Next();
                Assert.Equal((i, i), (Value(batch), (int)batch.Target.item<long>()));
                Assert.Equal([(ulong)i + 1], feed.Position);
            }
        // a batch that was made and not given out is not gone
        Assert.Equal([4UL], source.Position);
        Assert.Equal(ahead, !source.Makers.Contains(Environment.CurrentManagedThreadId));
        Assert.Single(source.Makers);
        Assert.InRange(source.Made, 4, 5);
    }

    [Fact]
    public void No_more_is_read_than_there_are_steps_and_no_tensor_is_left()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = torch.Tensor.TotalCount;
        var source = new Counting();
        using (var feed = new BatchFeed(source, 3, torch.CPU, ahead: true, 2))
        {
            using var scope = torch.NewDisposeScope();
            feed.Next();
            feed.Next();
            Assert.Throws<InvalidOperationException>(() => feed.Next());
        }
        using (var unused = new BatchFeed(source, 3, torch.CPU, ahead: true, 10))
        using (torch.NewDisposeScope())
            unused.Next();
        Assert.Equal([3UL], source.Position);
        Assert.True(torch.Tensor.TotalCount <= before);
    }

    [Fact]
    public void What_the_source_throws_is_thrown_where_the_batch_is_asked_for_and_not_before()
    {
        using var scope = torch.NewDisposeScope();
        var source = new Counting(broken: 2);
        using var feed = new BatchFeed(source, 3, torch.CPU, ahead: true, 10);
        Assert.Equal(0, Value(feed.Next()));
        Assert.Equal(1, Value(feed.Next()));
        for (int again = 0; again < 2; again++)
            Assert.Contains("no batch 2", Assert.Throws<InvalidDataException>(() => feed.Next()).Message, StringComparison.Ordinal);
        Assert.Equal([2UL], feed.Position);
    }

    [Fact]
    public void While_it_is_held_nothing_is_made()
    {
        using var scope = torch.NewDisposeScope();
        var source = new Counting();
        using var feed = new BatchFeed(source, 3, torch.CPU, ahead: true, 10);
        int next = 0;
        Assert.Equal(next++, Value(feed.Next()));
        using (feed.Hold())
        {
            int made = source.Made;
            if (made == 2)
                Assert.Equal(next++, Value(feed.Next()));
            // waits in vain where all is well
            Assert.False(SpinWait.SpinUntil(() => source.Made > made, 50));
        }
        while (next < 10)
            Assert.Equal(next++, Value(feed.Next()));
    }
}
