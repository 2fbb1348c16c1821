using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using Lips.Runtime.Distributed;
using Lips.Runtime.Torch;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Distributed;

public sealed class WorkersTests
{
    private static string? None(string name) => null;

    private static Func<string, string?> Variables(params (string Name, string Value)[] given) => name => given.FirstOrDefault(g => g.Name == name).Value;

    [Fact]
    public void The_environment_of_torchrun_names_a_place()
    {
        var torchrun = Variables(("RANK", "3"), ("WORLD_SIZE", "8"), ("LOCAL_RANK", "1"), ("MASTER_ADDR", "node0"), ("MASTER_PORT", "29500"), ("TORCHELASTIC_USE_AGENT_STORE", "True"), ("TORCHELASTIC_RESTART_COUNT", "2"));
        Assert.Equal(new WorkerPlace(3, 8, 1, "node0", 29500, ServesStore: false, "2"), WorkerPlace.FromEnvironment(torchrun));
        var operators = Variables(("RANK", "0"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "job-master-0"), ("MASTER_PORT", "23456"));
        Assert.Equal(new WorkerPlace(0, 2, 0, "job-master-0", 23456, ServesStore: true, "0"), WorkerPlace.FromEnvironment(operators));
        Assert.Null(WorkerPlace.FromEnvironment(None));
        Assert.Null(WorkerPlace.FromEnvironment(Variables(("RANK", "0"), ("WORLD_SIZE", "1"))));
        var place = WorkerPlace.FromEnvironment(torchrun)!;
        Assert.Equal(place, WorkerPlace.FromEnvironment(Variables([.. place.Variables])));
    }

    [Theory]
    [InlineData("MASTER_PORT", null, "MASTER_PORT is not set")]
    [InlineData("RANK", "2", "RANK must be a whole number from 0 to 1, found '2'")]
    [InlineData("WORLD_SIZE", "two", "WORLD_SIZE must be a whole number")]
    [InlineData("MASTER_PORT", "70000", "MASTER_PORT must be a whole number from 1 to 65535")]
    public void A_wrong_environment_is_named(string name, string? value, string message)
    {
        (string Name, string Value)[] right = [("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "localhost"), ("MASTER_PORT", "29500")];
        var variables = Variables([.. right.Where(r => r.Name != name), .. value is null ? [] : new[] { (name, value) }]);
        Assert.Contains(message, Assert.Throws<LipsException>(() => WorkerPlace.FromEnvironment(variables)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Tensors_are_summed_compared_broadcast_and_sent(int size) => Company.Run(size, workers =>
    {
        using var scope = NewDisposeScope();
        var sum = arange(0, 1000, dtype: ScalarType.Float32) + workers.Rank;
        workers.Control.Sum(sum).Wait();
        Assert.Equal((999 * size) + (size * (size - 1) / 2), sum[999].item<float>());
        var largest = tensor(new long[] { workers.Rank, -workers.Rank });
        workers.Control.Largest(largest).Wait();
        Assert.Equal([size - 1, 0], largest.ToArray<long>());
        var from = full(7, workers.Rank, dtype: ScalarType.Float64);
        workers.Control.Broadcast(from, size - 1).Wait();
        Assert.Equal(size - 1, from[6].item<double>());
        Assert.Equal(size * 2.5, workers.Sum(2.5)[0]);
        var all = workers.Gather([.. Enumerable.Repeat((byte)workers.Rank, workers.Rank * 1000)]);
        Assert.Equal(workers.IsFirst, all is not null);
        if (all is not null)
            Assert.All(Enumerable.Range(0, size), r => Assert.Equal(Enumerable.Repeat((byte)r, r * 1000), all[r]));
        return 0;
    });

    [Theory]
    [InlineData(2, 40)]
    [InlineData(3, 4000)]
    public void Gradients_are_summed_in_the_backward_pass_and_what_no_worker_has_stays_undefined(int size, long bucket) => Company.Run(size, workers =>
    {
        using var scope = NewDisposeScope();
        var a = nn.Parameter(full([5], 2, dtype: ScalarType.Float32));
        var b = nn.Parameter(full([3, 4], 3, dtype: ScalarType.Float32));
        var sometimes = nn.Parameter(ones([2], dtype: ScalarType.Float32));
        var never = nn.Parameter(ones([6], dtype: ScalarType.Float32));
        using var reducer = new GradientReducer(workers.Control, [a, b, sometimes, never], bucket);
        for (int step = 0; step < 4; step++)
        {
            foreach (var parameter in new[] { a, b, sometimes, never })
                parameter.grad = null;
            reducer.Arm();
            // a is used twice; one worker alone uses `sometimes`, and not always
            var loss = (a * (workers.Rank + 1)).sum() + a.sum() + (b * b).sum() * workers.Rank;
            if (workers.Rank == 1 && step != 2)
                loss = loss + (sometimes * 7).sum();
            loss.backward();
            reducer.Finish();
            int ranks = size * (size - 1) / 2;
            Assert.All(a.grad!.ToArray<float>(), g => Assert.Equal(ranks + (2 * size), g));
            Assert.All(b.grad!.ToArray<float>(), g => Assert.Equal(6 * ranks, g));
            Assert.Equal(step == 2 ? Array.Empty<float>() : new[] { 7f, 7f }, sometimes.grad?.ToArray<float>() ?? []);
            Assert.Null(never.grad);
        }
        return 0;
    });

    [Fact]
    public void A_backward_pass_that_was_not_announced_is_not_exchanged() => Company.Run(2, workers =>
    {
        using var scope = NewDisposeScope();
        var a = nn.Parameter(ones([5], dtype: ScalarType.Float32));
        using var reducer = new GradientReducer(workers.Control, [a], 1000);
        (a * (workers.Rank + 1)).sum().backward();
        Assert.Equal(workers.Rank + 1, a.grad![0].item<float>());
        // two parts of a step: what the first left is summed with the second
        reducer.Arm();
        (a * 10).sum().backward();
        reducer.Finish();
        Assert.Equal(23, a.grad![0].item<float>());
        Assert.Contains("no backward pass was announced", Assert.Throws<ExternalException>(reducer.Finish).Message, StringComparison.Ordinal);
        return 0;
    });

    [Fact]
    public void A_worker_with_another_libtorch_is_refused_and_both_versions_are_named()
    {
        var ours = new WorkerIdentity([("spec", "A, meaning 11"), ("version of libtorch", "1.13.1")]);
        var theirs = new WorkerIdentity([("spec", "A, meaning 11"), ("version of libtorch", "2.11.0")]);
        var failures = Company.Try(3, _ => 0, out var _, rank => rank == 2 ? theirs : ours);
        foreach (int rank in new[] { 0, 2 })
        {
            string message = Assert.IsType<RunFailed>(failures[rank]).Message;
            Assert.Contains("Worker 2 is to train something else than worker 0 and is refused: version of libtorch: worker 0 has 1.13.1, worker 2 has 2.11.0.", message, StringComparison.Ordinal);
        }
        // the one that fits hears why there is no training
        Assert.Contains("Worker 0 gave up: Worker 2", Assert.IsType<RunFailed>(failures[1]).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_rendezvous_of_another_protocol_is_named_whether_it_hangs_up_or_stays_silent(bool hangsUp)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var connections = new List<Socket>();
        var server = new Thread(() =>
        {
            try
            {
                while (true)
                {
                    var connection = listener.AcceptSocket();
                    if (hangsUp)
                        connection.Dispose();
                    else
                        connections.Add(connection);
                }
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                // the test is over: accept was cut short, or found the listener stopped
            }
        });
        server.Start();
        var place = new WorkerPlace(1, 2, 1, "127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, ServesStore: false, "0");
        try
        {
            var error = Assert.Throws<RunFailed>(() => new Workers(place, Company.Same, hangsUp ? Company.Patience : TimeSpan.FromSeconds(1)));
            Assert.Contains($"is no rendezvous that libtorch {TorchExtras.LibtorchVersion} of worker 1 understands", error.Message, StringComparison.Ordinal);
            Assert.Contains(hangsUp ? "the connection broke off: " : "no answer within 1 s", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            listener.Stop();
            server.Join();
            connections.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public void Two_processes_of_one_rank_are_refused()
    {
        // the first of them waits for a worker 1 that never comes
        var failures = Company.Try(2, _ => 0, out var _, rank: _ => 0, patience: TimeSpan.FromSeconds(1));
        Assert.Contains(failures, f => f is RunFailed && f.Message.Contains("Two processes call themselves worker 0 of 2", StringComparison.Ordinal));
    }

    [Fact]
    public void A_worker_that_does_not_come_is_waited_for_no_longer_than_said()
    {
        using var store = new RendezvousStore("127.0.0.1", 0, serves: true, Company.Patience);
        var place = new WorkerPlace(0, 2, 0, "127.0.0.1", store.Port, ServesStore: false, "0");
        var error = Assert.Throws<RunFailed>(() => new Workers(place, Company.Same, TimeSpan.FromSeconds(1)));
        Assert.Contains("Worker 1 of 2 did not come within 1 s", error.Message, StringComparison.Ordinal);
        Assert.Equal(5, error.ExitCode);
    }

    [Fact]
    public void A_provider_without_the_engine_is_named_with_the_way_out()
    {
        string package = Workers.Unsupported("package", DeviceType.CPU, onCpu: false).Message;
        Assert.Contains("provider 'package'", package, StringComparison.Ordinal);
        Assert.Contains("TorchProvider=system", package, StringComparison.Ordinal);
        Assert.Contains("nccl", Workers.Unsupported("system", DeviceType.CUDA, onCpu: true).Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("LIBTORCH", Workers.Unsupported("system", DeviceType.CPU, onCpu: false).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Work_is_divided_evenly_and_every_parameter_has_one_owner()
    {
        var items = Enumerable.Range(1, 50).Select(i => ($"w{i}", (double)(i * i))).ToList();
        var owner = WeightShares.Assign(items, 4);
        Assert.Equal(items.Select(i => i.Item1).Order(), owner.Keys.Order());
        var load = Enumerable.Range(0, 4).Select(r => items.Where(i => owner[i.Item1] == r).Sum(i => i.Item2)).ToList();
        Assert.True(load.Max() <= load.Average() * 4 / 3, string.Join(' ', load));
        Assert.Equal(owner, WeightShares.Assign(Enumerable.Reverse(items).ToList(), 4));
    }

    [Fact]
    public void A_hash_tells_any_two_bits_apart_that_differ()
    {
        using var scope = NewDisposeScope();
        var value = arange(0, 37, dtype: ScalarType.Float32);
        long hash = DriftCheck.Hash(value);
        Assert.Equal(hash, DriftCheck.Hash(value.clone()));
        for (int i = 0; i < 37; i++)
        {
            var other = value.clone();
            other[i] = other[i] + 1e-5f + other[i] * 1e-6f;
            Assert.NotEqual(hash, DriftCheck.Hash(other));
        }
        Assert.NotEqual(DriftCheck.Hash(zeros(4)), DriftCheck.Hash(zeros(5)));
        Assert.NotEqual(DriftCheck.Hash(zeros(4)), DriftCheck.Hash(zeros(4).neg()));
    }
}
