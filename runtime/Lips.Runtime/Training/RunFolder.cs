using System.IO;

namespace Lips.Runtime.Training;

/// <summary>The files of a run: <c>runs/NAME/</c>.</summary>
public sealed record RunFolder(string Path)
{
    public string Model => System.IO.Path.Combine(Path, "model.safetensors");

    public string Checkpoint => System.IO.Path.Combine(Path, "checkpoint.safetensors");

    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    public string Certificate => System.IO.Path.Combine(Path, "certificate.json");

    public string Spec => System.IO.Path.Combine(Path, "spec.lips");

    public string Report => System.IO.Path.Combine(Path, "report.html");

    public string Sample => System.IO.Path.Combine(Path, "sample.txt");

    public bool Exists => File.Exists(Checkpoint);
}
