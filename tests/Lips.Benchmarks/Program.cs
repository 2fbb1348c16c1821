using BenchmarkDotNet.Running;

// dotnet run -c Release --project tests/Lips.Benchmarks -- --filter '*' [--job short]
BenchmarkSwitcher.FromAssembly(typeof(Lips.Benchmarks.CompileBenchmarks).Assembly).Run(args);
