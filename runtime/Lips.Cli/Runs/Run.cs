using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text.Json;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Data;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Cli.Runs;

/// <summary>A run's folder with its model, as <c>eval</c>, <c>sample</c> and <c>certify</c> open it.</summary>
internal sealed class Run : IDisposable
{
    private const string About = "run.json";

    private Run(RunFolder folder, Spec spec, ILipsModel model, StoredTensors file, DataFiles data) =>
        (Folder, Spec, Model, File, Data) = (folder, spec, model, file, data);

    public RunFolder Folder { get; }

    public Spec Spec { get; }

    /// <summary>With the weights of <c>model.safetensors</c>.</summary>
    public ILipsModel Model { get; }

    /// <summary>The model file as read.</summary>
    public StoredTensors File { get; }

    /// <summary>Where the run's data is looked for: beside the spec it was started from.</summary>
    public DataFiles Data { get; }

    public TrainingPlan Plan => TrainingPlan.Parse(Model.Recipe);

    /// <summary>The argument by which a verb names a run.</summary>
    public static Argument<string> Argument() => new("run") { Description = "a folder that train has left", HelpName = "RUN" };

    public static CompileOptions Options { get; } = new(ModelAssembly.Namespace, CompileOptions.Default.Norms);

    /// <summary>Remembers what the files of a run do not say: which model of the spec, and where its data is.</summary>
    public static void Remember(RunFolder folder, string model, string dataFolder)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteString("data", dataFolder);
            json.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        AtomicFile.Write(Path.Combine(folder.Path, About), buffer.WriteTo);
    }

    /// <summary>The model's name and the data folder of a run; the last model of the spec where the run does not say.</summary>
    public static (string? Model, string? Data) Recall(RunFolder folder)
    {
        string path = Path.Combine(folder.Path, About);
        if (!System.IO.File.Exists(path))
            return (null, null);
        try
        {
            using var json = JsonDocument.Parse(System.IO.File.ReadAllBytes(path));
            return (json.RootElement.GetProperty("model").GetString(), json.RootElement.GetProperty("data").GetString());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new RunFailed($"'{path}' is not what train writes: {e.Message}", e);
        }
    }

    /// <summary>Compiles a run's own spec.</summary>
    public static Spec Compile(RunFolder folder)
    {
        if (!Directory.Exists(folder.Path))
            throw new LipsException($"There is no run '{folder.Path}'.", ExitCode.Usage);
        if (!System.IO.File.Exists(folder.Spec))
            throw new LipsException($"'{folder.Path}' is no run: it holds no spec.lips.", ExitCode.Usage);
        return Spec.Compile(folder.Spec, [], Recall(folder).Model, Options);
    }

    /// <summary>Loads a run. Null when its spec has errors, which are then shown.</summary>
    public static Run? Open(string path, string device = "cpu")
    {
        var folder = new RunFolder(path.TrimEnd('/'));
        var spec = Compile(folder);
        if (!spec.HasModels || spec.ExitCode is not ExitCode.Ok)
        {
            spec.Show();
            return null;
        }
        var file = Safetensors.Read(folder.Model);
        var model = ModelAssembly.Create(spec.Model);
        using (var weights = new ModelWeights(model))
            ModelFile.Load(file, weights, folder.Model);
        model.Module.to(torch.device(device));
        return new Run(folder, spec, model, file, new DataFiles(Recall(folder).Data));
    }

    /// <summary>Loss and accuracy on the whole validation part.</summary>
    public ValidationResult Validate(string device = "cpu")
    {
        var plan = Plan;
        var data = BatchSource.Open(Model, plan, Data);
        return Validation.Run(Model, data, plan.Objective, Math.Max(1, plan.Batch / plan.Accumulate), torch.device(device));
    }

    /// <summary>The first samples of the validation part, for estimates.</summary>
    public Batch Sample(int count) => BatchSource.Open(Model, Plan, Data).Validation(count, torch.CPU).First();

    /// <summary>The first input of <see cref="Sample"/>.</summary>
    public torch.Tensor Samples(int count) => Sample(count).Inputs[0];

    public void Dispose() => Model.Dispose();
}
