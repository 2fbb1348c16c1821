using System;
using System.Collections.Concurrent;
using System.IO;
using System.Linq;
using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>The specs of the repository, each compiled once for all tests.</summary>
internal static class Specs
{
    private static readonly ConcurrentDictionary<string, Lazy<Compilation>> Compiled = new(StringComparer.Ordinal);

    /// <summary>Paths from the root, with '/'.</summary>
    internal static TheoryData<string> All { get; } =
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "specs"), "*.lips", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal)];

    internal static SourceText Source(string spec) => new(spec, Repository.Read(spec));

    internal static byte[]? Bytes(string path)
    {
        string file = Path.Combine(Repository.Root, path);
        return File.Exists(file) ? File.ReadAllBytes(file) : null;
    }

    internal static Compilation Compile(string spec) =>
        Compiled.GetOrAdd(spec, path => new Lazy<Compilation>(() => SpecCompiler.Compile(Source(path), Bytes))).Value;
}
