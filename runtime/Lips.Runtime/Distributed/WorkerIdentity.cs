using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Torch;
using TorchSharp;

namespace Lips.Runtime.Distributed;

/// <summary>
/// What must be the same on all workers, by name: compared when they meet, and again once each has its weights. Workers that
/// differ would compute something that is no training of either spec.
/// </summary>
public sealed record WorkerIdentity(IReadOnlyList<(string Name, string Value)> Facts)
{
    /// <summary>Of the program, the spec and its recipe.</summary>
    public static WorkerIdentity Of(ILipsModel model, int size, DeviceType device) => new(
    [
        ("number of workers", size.ToString(CultureInfo.InvariantCulture)),
        ("version of lips", Version),
        ("version of libtorch", TorchExtras.LibtorchVersion),
        ("spec", $"{model.Name}, meaning {ModelFile.Short(model.Meaning)}"),
        ("recipe", Short(string.Concat(model.Recipe.Select(Print)))),
        ("kind of device", device.ToString().ToLowerInvariant()),
    ]);

    /// <summary>Of the weights a training starts from, the step they are from, and the data.</summary>
    public static WorkerIdentity Of(ModelWeights weights, long step, string data) => new(
    [
        ("data", data),
        ("step", step.ToString(CultureInfo.InvariantCulture)),
        ("hash of the weights", ModelFile.Short(ModelFile.Hash(ModelFile.Store(weights)))),
    ]);

    private static string Version { get; } =
        typeof(WorkerIdentity).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <summary>What differs, naming both values; null where nothing does.</summary>
    public string? DifferenceFrom(WorkerIdentity other, int rank, int otherRank)
    {
        var theirs = other.Facts.ToDictionary(f => f.Name, f => f.Value, StringComparer.Ordinal);
        var differences = Facts.Where(f => theirs.GetValueOrDefault(f.Name) != f.Value)
            .Select(f => $"{f.Name}: worker {otherRank} has {theirs.GetValueOrDefault(f.Name, "none")}, worker {rank} has {f.Value}")
            .ToList();
        return differences.Count == 0 ? null : string.Join("; ", differences);
    }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(Facts.Select(f => new[] { f.Name, f.Value }).ToArray());

    public static WorkerIdentity FromBytes(byte[] bytes)
    {
        try
        {
            return new(JsonSerializer.Deserialize<string[][]>(bytes)!.Select(f => (f[0], f[1])).ToList());
        }
        catch (Exception e) when (e is JsonException or IndexOutOfRangeException or NullReferenceException)
        {
            throw new RunFailed("What met at the rendezvous is no worker of lips, or one of another version.");
        }
    }

    private static string Short(string text) => ModelFile.Short(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));

    private static string Print(RecipeEntry entry) => $"{entry.Path} of {string.Join(',', entry.Roles)}: {Print(entry.Value)}\n";

    private static string Print(RecipeValue value) => value switch
    {
        RecipeValue.Number number => number.Value.ToString("R", CultureInfo.InvariantCulture),
        RecipeValue.Text text => JsonSerializer.Serialize(text.Value),
        RecipeValue.Flag flag => flag.Value ? "true" : "false",
        RecipeValue.Items items => $"[{string.Join(',', items.Values.Select(Print))}]",
        RecipeValue.Call call => $"{call.Name}({string.Join(',', call.Arguments.Select(a => $"{a.Label}={Print(a.Value)}"))})",
        _ => throw new ArgumentOutOfRangeException(nameof(value)),
    };
}
