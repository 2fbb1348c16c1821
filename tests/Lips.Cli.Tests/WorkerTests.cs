using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Distributed;
using Lips.Runtime.Torch;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>Training by several processes on loopback, and what becomes of it when one is killed or does not fit.</summary>
public sealed class WorkerTests : CommandLine
{
    /// <summary>Starts workers as torchrun does: by their environment, with the rendezvous held outside of them.</summary>
    private static List<LipsProcess> Start(RendezvousStore store, int attempt, int size, Func<int, string[]> arguments) =>
        Enumerable.Range(0, size).Select(rank => new LipsProcess(arguments(rank), new WorkerPlace(rank, size, rank, "127.0.0.1", store.Port, ServesStore: false, attempt.ToString(CultureInfo.InvariantCulture)).Variables)).ToList();

    private static StoredTensors Weights(string run) => Safetensors.Read(Path.Combine("runs", run, "model.safetensors"));

    [Fact]
    public void Two_and_four_processes_train_what_one_trains_and_their_certificates_verify()
    {
        Write("digits.lips", LipsProcess.Digits);
        Assert.Equal(0, Run("train", "digits.lips", "--name", "one").Code);
        var one = Weights("one");
        foreach (int count in new[] { 2, 4 })
        {
            string name = "by" + count;
            using var lips = new LipsProcess(["train", "digits.lips", "--name", name, "--workers", $"{count}", "--check-every", "1"]);
            Assert.True(lips.Wait() == 0, lips.Said);
            Assert.Contains($"training runs/{name} (9080 parameters, {count} workers)", lips.Said, StringComparison.Ordinal);
            // said once, by worker 0: of the caps, and of the trained weights
            Assert.Equal(2, lips.Said.Split('\n').Count(line => line.Contains("claim <= 1 holds", StringComparison.Ordinal)));
            var several = Weights(name);
            foreach (var (key, tensor) in one.Tensors)
                foreach (var (a, b) in MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray().Zip(MemoryMarshal.Cast<byte, float>(several[key].Data.Span).ToArray()))
                    Assert.True(Math.Abs(a - b) < 1e-4, $"{key}: {a} and {b}");
            var verified = Run("verify", Path.Combine("runs", name));
            Assert.True(verified.Code == 0, verified.Output + verified.Errors);
            // no half-written file, and only one worker's
            Assert.Equal(["certificate.json", "checkpoint.safetensors", "metrics.jsonl", "model.safetensors", "report.html", "run.json", "spec.lips"], Directory.GetFiles(Path.Combine("runs", name)).Select(Path.GetFileName).Order());
        }
    }

    [Fact]
    public void Workers_killed_at_random_steps_leave_a_whole_checkpoint_and_the_run_goes_on_bit_by_bit()
    {
        const int kills = 10;
        Write("digits.lips", LipsProcess.Digits.Replace("steps: 8;", "steps: 2000;", StringComparison.Ordinal).Replace("checkpoint_every: 4", "checkpoint_every: 7", StringComparison.Ordinal));
        using var store = new RendezvousStore("127.0.0.1", 0, serves: true, LipsProcess.Patience);
        var random = new SeededRandom(20);
        long reached = 0;
        int attempt = 0;
        // until worker `victim` has done step `at` and is killed; without a victim, until step `at` is done
        void Go(string name, int? victim, long at)
        {
            bool resume = File.Exists(Path.Combine("runs", name, "checkpoint.safetensors"));
            // a run that was killed before its first checkpoint begins anew
            if (!resume && Directory.Exists(Path.Combine("runs", name)))
                Directory.Delete(Path.Combine("runs", name), recursive: true);
            var workers = Start(store, attempt++, 2, _ => ["train", "digits.lips", "--name", name, "--check-every", "10", .. resume ? new[] { "--resume" } : [], .. victim is null ? ["--stop-at", $"{at}"] : Array.Empty<string>()]);
            try
            {
                if (victim is int rank)
                {
                    string metrics = Path.Combine("runs", name, "metrics.jsonl");
                    var clock = Stopwatch.StartNew();
                    // the log of the attempt before stands there until this one has begun
                    while ((!workers[0].Said.Contains($"runs/{name} (", StringComparison.Ordinal) || LipsProcess.LastStep(metrics) < at) && !workers[rank].Process.HasExited)
                    {
                        Assert.True(clock.Elapsed < LipsProcess.Patience, workers[0].Said);
                        Thread.Sleep(1);
                    }
                    workers[rank].Process.Kill();
                    Assert.Equal(137, workers[rank].Wait());
                    var survivor = workers[1 - rank];
                    Assert.True(survivor.Wait() == 5, survivor.Said);
                    Assert.Contains($"Worker {rank} is gone: it was killed, or its machine is lost.", survivor.Said, StringComparison.Ordinal);
                    Assert.Contains("--resume goes on from it", survivor.Said, StringComparison.Ordinal);
                    return;
                }
                foreach (var worker in workers)
                    Assert.True(worker.Wait() == 0, worker.Said);
            }
            finally
            {
                workers.ForEach(w => w.Dispose());
            }
        }

        for (int kill = 0; kill < kills; kill++)
        {
            Go("killed", victim: (int)random.Below(2), at: reached + 2 + random.Below(20));
            string checkpoint = Path.Combine("runs", "killed", "checkpoint.safetensors");
            if (File.Exists(checkpoint))
                reached = long.Parse(Safetensors.Read(checkpoint).Metadata["lips.step"], CultureInfo.InvariantCulture);
        }
        Assert.True(reached > 0);
        Go("killed", null, reached + 10);
        Go("unbroken", null, reached + 10);
        Assert.Equal(Weights("unbroken").Tensors.Keys.Order(), Weights("killed").Tensors.Keys.Order());
        foreach (string file in new[] { "model.safetensors", "checkpoint.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine("runs", "unbroken", file)), File.ReadAllBytes(Path.Combine("runs", "killed", file)));
    }

    [Fact]
    public void Workers_with_another_spec_or_recipe_are_refused_and_both_are_named()
    {
        Write("digits.lips", LipsProcess.Digits);
        using var store = new RendezvousStore("127.0.0.1", 0, serves: true, LipsProcess.Patience);
        string[] first = ["train", "digits.lips"];
        foreach (var (attempt, other, what) in new[] { (0, "width=14", "spec: worker 0 has Digits, meaning "), (1, "batch=16", "recipe: worker 0 has ") })
        {
            var workers = Start(store, attempt, 2, rank => rank == 0 ? first : [.. first, other]);
            try
            {
                foreach (var worker in workers)
                {
                    Assert.Equal(5, worker.Wait());
                    Assert.Contains("Worker 1 is to train something else than worker 0 and is refused", worker.Said, StringComparison.Ordinal);
                    Assert.Contains(what, worker.Said, StringComparison.Ordinal);
                    Assert.Contains(what.Contains("spec", StringComparison.Ordinal) ? ", worker 1 has Digits, meaning " : ", worker 1 has ", worker.Said, StringComparison.Ordinal);
                }
                Assert.False(Directory.Exists("runs"));
            }
            finally
            {
                workers.ForEach(w => w.Dispose());
            }
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    public void Ctrl_C_and_SIGTERM_stop_all_workers_at_one_step_with_a_checkpoint(int signal)
    {
        Write("digits.lips", LipsProcess.Digits.Replace("steps: 8;", "steps: 1000000;", StringComparison.Ordinal).Replace("checkpoint_every: 4", "checkpoint_every: 1000", StringComparison.Ordinal));
        using var lips = new LipsProcess(["train", "digits.lips", "--workers", "2"]);
        var clock = Stopwatch.StartNew();
        while (LipsProcess.LastStep(Path.Combine("runs", "digits", "metrics.jsonl")) < 1)
        {
            Assert.True(clock.Elapsed < LipsProcess.Patience && !lips.Process.HasExited, lips.Said);
            Thread.Sleep(20);
        }
        // what a shell without job control leaves running in the background ignores Ctrl-C
        Assert.Equal(0, kill(lips.Process.Id, signal == 2 && IgnoresInterrupts ? 15 : signal));
        Assert.Equal(5, lips.Wait());
        Assert.Contains("stopped at step ", lips.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("worker 1", lips.Said, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine("runs", "digits", "checkpoint.safetensors")));
    }

    [Fact]
    public void A_launcher_whose_worker_is_killed_ends_the_others_and_names_it()
    {
        Write("digits.lips", LipsProcess.Digits.Replace("steps: 8;", "steps: 1000000;", StringComparison.Ordinal));
        using var lips = new LipsProcess(["train", "digits.lips", "--workers", "2"]);
        var clock = Stopwatch.StartNew();
        while (LipsProcess.LastStep(Path.Combine("runs", "digits", "metrics.jsonl")) < 1)
        {
            Assert.True(clock.Elapsed < LipsProcess.Patience && !lips.Process.HasExited, lips.Said);
            Thread.Sleep(20);
        }
        int last = Children(lips.Process.Id).Max();
        Assert.Equal(0, kill(last, 9));
        Assert.Equal(5, lips.Wait());
        Assert.Contains($"(process {last}) was ended by signal 9, and the others with it.", lips.Said, StringComparison.Ordinal);
    }

    /// <summary>Whether SIGINT is ignored here, and so in every process that is started from here.</summary>
    private static bool IgnoresInterrupts =>
        (ulong.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 2) != 0;

    private static List<int> Children(int process)
    {
        var children = new List<int>();
        foreach (string folder in Directory.GetDirectories("/proc"))
            try
            {
                if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                    && File.ReadLines(Path.Combine(folder, "status")).Any(line => line == $"PPid:\t{process}"))
                    children.Add(id);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // it has ended meanwhile
            }
        return children;
    }

    [Fact]
    public void Wrong_numbers_and_environments_are_told_apart_from_faults()
    {
        Write("digits.lips", LipsProcess.Digits);
        Assert.Contains("--workers must be a whole number of at least 1, found '0'", Run("train", "digits.lips", "--workers", "0").Errors, StringComparison.Ordinal);
        using (var lips = new LipsProcess(["train", "digits.lips"], [("WORLD_SIZE", "2"), ("RANK", "0")]))
        {
            Assert.Equal(1, lips.Wait());
            Assert.Contains("WORLD_SIZE says 2 workers, but MASTER_ADDR and MASTER_PORT are not set", lips.Said, StringComparison.Ordinal);
        }
        using (var lips = new LipsProcess(["train", "digits.lips", "--workers", "2"], new WorkerPlace(0, 2, 0, "127.0.0.1", 29511, true, "0").Variables))
        {
            Assert.Equal(1, lips.Wait());
            Assert.Contains("this process is one already (RANK=0, WORLD_SIZE=2)", lips.Said, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists("runs"));
        // the errors of a spec are said once, before any worker is started
        Write("wrong.lips", LipsProcess.Digits.Replace("linear(width)", "linear(wide)", StringComparison.Ordinal));
        using var wrong = new LipsProcess(["train", "wrong.lips", "--workers", "2"]);
        Assert.Equal(2, wrong.Wait());
        Assert.Single(wrong.Said.Split('\n'), line => line.Contains("error", StringComparison.Ordinal));
    }

    [DllImport("libc")]
    private static extern int kill(int process, int signal);
}
