using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lips.Runtime.Checkpoints;

namespace Lips.Runtime.Training;

/// <summary>One line of <c>metrics.jsonl</c>. What was not measured at that step is absent.</summary>
public sealed record MetricsLine
{
    public required long Step { get; init; }

    /// <summary>Mean training loss since the line before.</summary>
    public double? Loss { get; init; }

    /// <summary>What the schedule multiplies every group's learning rate by.</summary>
    public double? ScheduleFactor { get; init; }

    /// <summary>ℓ2 norm of the whole gradient before clipping.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>Tokens, or samples where there are none, per second since the line before.</summary>
    public double? PerSecond { get; init; }

    public double? ValidationLoss { get; init; }

    public double? ValidationAccuracy { get; init; }

    /// <summary>Estimates of the capped weights' norms over their caps.</summary>
    public IReadOnlyDictionary<string, double>? Norms { get; init; }

    /// <summary>Attention entropies of each layer, head by head.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<HeadEntropy>>? Attention { get; init; }
}

/// <summary>Appends to <c>metrics.jsonl</c> and reads it back; on resume, lines after the checkpoint's step are dropped.</summary>
public sealed class MetricsLog : IDisposable
{
    private readonly StreamWriter _writer;

    public MetricsLog(string path, long resumeAt)
    {
        if (resumeAt > 0 && File.Exists(path))
        {
            var kept = File.ReadLines(path).Where(line => TryParse(line) is { } parsed && parsed.Step <= resumeAt).ToList();
            AtomicFile.WriteText(path, string.Concat(kept.Select(line => line + "\n")));
        }
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _writer = new StreamWriter(path, append: resumeAt > 0, AtomicFile.Utf8) { NewLine = "\n", AutoFlush = true };
    }

    public void Write(MetricsLine line)
    {
        var json = new JsonObject { ["step"] = line.Step };
        Set("loss", line.Loss);
        Set("schedule", line.ScheduleFactor);
        Set("gradient_norm", line.GradientNorm);
        Set("per_second", line.PerSecond);
        Set("validation_loss", line.ValidationLoss);
        Set("validation_accuracy", line.ValidationAccuracy);
        if (line.Norms is not null)
        {
            var norms = new JsonObject();
            foreach (var (name, value) in line.Norms)
                norms[name] = Finite(value);
            json["norms"] = norms;
        }
        if (line.Attention is { Count: > 0 })
        {
            var layers = new JsonObject();
            foreach (var (name, heads) in line.Attention)
            {
                var layer = new JsonObject { ["entropy"] = new JsonArray([.. heads.Select(h => Finite(h.Entropy))]) };
                if (heads.All(h => h.Floor is not null))
                    layer["floor"] = new JsonArray([.. heads.Select(h => Finite(h.Floor!.Value))]);
                layers[name] = layer;
            }
            json["attention"] = layers;
        }
        _writer.WriteLine(json.ToJsonString());

        void Set(string name, double? value)
        {
            if (value is double number)
                json[name] = Finite(number);
        }
    }

    /// <summary>JSON has no NaN: it is written as text.</summary>
    private static JsonNode Finite(double value) => double.IsFinite(value) ? JsonValue.Create(value) : JsonValue.Create(value.ToString(CultureInfo.InvariantCulture));

    public static IReadOnlyList<MetricsLine> Read(string path) =>
        File.Exists(path) ? File.ReadLines(path).Select(TryParse).OfType<MetricsLine>().ToList() : [];

    private static IReadOnlyList<HeadEntropy> Heads(JsonElement layer)
    {
        double[] Numbers(string name) => layer.TryGetProperty(name, out var items)
            ? items.EnumerateArray().Select(i => i.ValueKind == JsonValueKind.Number ? i.GetDouble() : double.NaN).ToArray()
            : [];
        double[] entropies = Numbers("entropy"), floors = Numbers("floor");
        return entropies.Select((e, h) => new HeadEntropy(e, h < floors.Length ? floors[h] : null)).ToList();
    }

    private static MetricsLine? TryParse(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            double? Get(string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
            return new MetricsLine
            {
                Step = root.GetProperty("step").GetInt64(),
                Loss = Get("loss"),
                ScheduleFactor = Get("schedule"),
                GradientNorm = Get("gradient_norm"),
                PerSecond = Get("per_second"),
                ValidationLoss = Get("validation_loss"),
                ValidationAccuracy = Get("validation_accuracy"),
                Attention = root.TryGetProperty("attention", out var attention)
                    ? attention.EnumerateObject().ToDictionary(l => l.Name, l => Heads(l.Value), StringComparer.Ordinal)
                    : null,
                Norms = root.TryGetProperty("norms", out var norms)
                    ? norms.EnumerateObject().Where(n => n.Value.ValueKind == JsonValueKind.Number).ToDictionary(n => n.Name, n => n.Value.GetDouble(), StringComparer.Ordinal)
                    : null,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    public void Dispose() => _writer.Dispose();
}
