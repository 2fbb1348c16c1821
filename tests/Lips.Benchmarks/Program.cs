using System;
using System.Linq;
using BenchmarkDotNet.Running;
using Lips.Benchmarks;

// ./lips bench NAME [ARGUMENTS]: the benchmarks of this list by name, and all others through BenchmarkDotNet (--filter '*').
Benchmark[] benchmarks =
[
    new("training", "steps of two models with AdamW, beside the same models in eager PyTorch", TrainingBenchmark.Run),
    new("enforcement", "soft cap, hard cap and normalization of all weights of NanoGPT, beside one weight after the other", WeightsBenchmark.Enforcement),
    new("muon", "a step of Muon on them, beside one weight after the other", WeightsBenchmark.Muon),
    new("norms", "certified spectral norms of them, beside singular values in float64", WeightsBenchmark.Norms),
    new("workers", "training steps by one process and by several, on one core and on all", WorkersBenchmark.Run),
    new("start", "the command from a cold start: lips check of every spec, the first training step", StartBenchmark.Run),
    new(TrainingSide.Name, null, TrainingSide.Run),
    new(WeightsSide.Name, null, WeightsSide.Run),
];

if (args.FirstOrDefault() is { } name && benchmarks.FirstOrDefault(b => b.Name == name) is { } benchmark)
    return benchmark.Run(args[1..]);
if (args.Length > 0)
{
    BenchmarkSwitcher.FromAssembly(typeof(CompileBenchmarks).Assembly).Run(args);
    return 0;
}
Console.Error.WriteLine("lips bench NAME [ARGUMENTS], where NAME is one of");
foreach (var one in benchmarks.Where(b => b.Summary is not null))
    Console.Error.WriteLine($"  {one.Name,-14} {one.Summary}");
Console.Error.WriteLine("or, for what BenchmarkDotNet measures (compilation, derivation): lips bench --filter '*' --job short -i");
return 2;
