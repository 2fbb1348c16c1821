using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using Lips.Runtime;
using Lips.Runtime.Distributed;
using Lips.Runtime.Torch;
using Xunit;

namespace Lips.Cli.Tests;

/// <summary>Workers that torchrun starts, and workers that meet one of another torch.</summary>
public sealed class LauncherTests : CommandLine
{
    private const string Resumed = "resuming runs/killed (9080 parameters, 2 workers)";

    /// <summary>The same for every attempt, as launchers have it.</summary>
    private static readonly string[] ToBeKilled = ["train", "digits.lips", "--name", "killed", "--resume"];

    private static string Long => LipsProcess.Digits.Replace("steps: 8;", "steps: 200;", StringComparison.Ordinal).Replace("checkpoint_every: 4", "checkpoint_every: 5", StringComparison.Ordinal);

    private static string InRun(string run, string file) => Path.Combine("runs", run, file);

    private static void SameFiles(string run, string other)
    {
        foreach (string file in new[] { "model.safetensors", "checkpoint.safetensors" })
            Assert.Equal(File.ReadAllBytes(InRun(run, file)), File.ReadAllBytes(InRun(other, file)));
    }

    /// <summary>Kills a worker of the first attempt as soon as the run has done some steps.</summary>
    private static void Kill(Launcher launcher, int rank)
    {
        var clock = Stopwatch.StartNew();
        while (LipsProcess.LastStep(InRun("killed", "metrics.jsonl")) < 12)
        {
            Assert.True(clock.Elapsed < LipsProcess.Patience, launcher.Said);
            Thread.Sleep(1);
        }
        launcher.Kill(rank, attempt: 0);
    }

    /// <summary>The run that was killed is the one that no one disturbed.</summary>
    private static void SameAsUnbroken()
    {
        using (var lips = new LipsProcess(["train", "digits.lips", "--name", "unbroken", "--workers", "2"]))
            Assert.True(lips.Wait() == 0, lips.Said);
        SameFiles("unbroken", "killed");
        Assert.Equal(["killed", "unbroken"], Directory.GetDirectories("runs").Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Workers_of_torchrun_train_what_those_of_lips_do()
    {
        Write("digits.lips", LipsProcess.Digits);
        using (var lips = new LipsProcess(["train", "digits.lips", "--name", "own", "--workers", "2"]))
            Assert.True(lips.Wait() == 0, lips.Said);
        foreach (string rendezvous in new[] { "static", "c10d" })
        {
            using var launcher = Launcher.Start(rendezvous, restarts: 0, ["train", "digits.lips", "--name", rendezvous]);
            Assert.True(launcher.Wait() == 0, launcher.Said);
            Assert.Contains($"training runs/{rendezvous} (9080 parameters, 2 workers)", launcher.Said, StringComparison.Ordinal);
            SameFiles("own", rendezvous);
        }
    }

    [Fact]
    public void Torchrun_ends_all_when_one_is_killed_and_the_same_command_goes_on_bit_by_bit()
    {
        Write("digits.lips", Long);
        using (var launcher = Launcher.Start("static", restarts: 0, ToBeKilled))
        {
            Kill(launcher, rank: 1);
            Assert.NotEqual(0, launcher.Wait());
            Assert.Contains("training runs/killed (9080 parameters, 2 workers)", launcher.Said, StringComparison.Ordinal);
            Assert.Contains("Worker 1 is gone: it was killed, or its machine is lost.", launcher.Said, StringComparison.Ordinal);
        }
        using (var launcher = Launcher.Start("static", restarts: 0, ToBeKilled))
        {
            Assert.True(launcher.Wait() == 0, launcher.Said);
            Assert.Contains(Resumed, launcher.Said, StringComparison.Ordinal);
        }
        SameAsUnbroken();
    }

    [Fact]
    public void Torchrun_starts_all_again_when_worker_0_is_killed_and_they_go_on_bit_by_bit()
    {
        Write("digits.lips", Long);
        using (var launcher = Launcher.Start("c10d", restarts: 1, ToBeKilled))
        {
            // and with it the rendezvous
            Kill(launcher, rank: 0);
            Assert.True(launcher.Wait() == 0, launcher.Said);
            Assert.Contains(Resumed, launcher.Said, StringComparison.Ordinal);
        }
        SameAsUnbroken();
    }

    [Fact]
    public void Nothing_to_resume_is_an_error_where_no_launcher_starts_again()
    {
        Write("digits.lips", LipsProcess.Digits);
        foreach (string[] workers in new[] { Array.Empty<string>(), ["--workers", "2"] })
        {
            var outcome = Run(["train", "digits.lips", "--resume", .. workers]);
            Assert.Equal(5, outcome.Code);
            Assert.Contains("'runs/digits' holds no checkpoint to resume from.", outcome.Errors, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists("runs"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_process_and_one_of_another_libtorch_refuse_each_other_and_both_name_both_versions(int rank)
    {
        Write("digits.lips", LipsProcess.Digits);
        using var store = new RendezvousStore("127.0.0.1", 0, serves: true, LipsProcess.Patience);
        WorkerPlace Place(int rank) => new(rank, 2, rank, "127.0.0.1", store.Port, ServesStore: false, "0");
        using var lips = new LipsProcess(["train", "digits.lips"], Place(rank).Variables);
        // this process is the other one: all that it says of itself is the same, but for libtorch
        using var reader = new RendezvousStore("127.0.0.1", store.Port, serves: false, LipsProcess.Patience, "/lips/0/");
        var theirs = WorkerIdentity.FromBytes(reader.Get($"identity/{rank}", LipsProcess.Patience)!);
        const string version = "version of libtorch", other = "9.9.9";
        Assert.Contains((version, TorchExtras.LibtorchVersion), theirs.Facts);
        var mine = new WorkerIdentity(theirs.Facts.Select(f => f.Name == version ? (version, other) : f).ToList());
        string message = Assert.Throws<RunFailed>(() => new Workers(Place(1 - rank), mine, LipsProcess.Patience)).Message;
        string[] versions = rank == 0 ? [TorchExtras.LibtorchVersion, other] : [other, TorchExtras.LibtorchVersion];
        string refusal = $"Worker 1 is to train something else than worker 0 and is refused: {version}: worker 0 has {versions[0]}, worker 1 has {versions[1]}.";
        Assert.Equal(refusal, message);
        Assert.Equal(5, lips.Wait());
        Assert.Contains(refusal, lips.Said, StringComparison.Ordinal);
        Assert.False(Directory.Exists("runs"));
    }
}
