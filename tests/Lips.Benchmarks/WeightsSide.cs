using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Lips.Cli.Falsification;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Checkpoints;
using Lips.Runtime.Constraints;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Training;
using TorchSharp;

namespace Lips.Benchmarks;

/// <summary>Our side of the benchmarks of weights: a projection, a step of Muon, or certified norms of every matrix of a model.</summary>
internal static class WeightsSide
{
    public const string Name = "weights-side";

    /// <summary>The learning rate of the reference's hidden matrices: an update's norm over the cap.</summary>
    public const double Rate = 0.05;

    /// <summary>48 square matrices, each capped as a whole: what NanoGPT has in attention, without its heads.</summary>
    public const string Squares = "squares";

    private static ILipsModel Model(string spec, string what)
    {
        string text = spec == Squares
            ? "model Squares in rms {\n  input x = features(1, 768, radius: 1)\n  weights(bias: false, constraint: rms_cap(1))\n  y = repeat 48 { residual(convex(1 / 2)) { linear(768) } }\n}\n"
            : File.ReadAllText(Path.Combine(Machine.Repository, "specs", spec));
        text = text.Replace("constraint: rms_cap(1", $"constraint: rms_cap(1{(what is "hard" or "normalize" ? ", by: " + what : "")}", StringComparison.Ordinal);
        return Emitted.One(new Case("Weights", text)).New();
    }

    /// <summary>Writes Gaussian weights of norm about 1.03 caps, as they are after a step outward.</summary>
    public static void Prepare(string spec, string path)
    {
        using var model = Model(spec, "soft");
        using var weights = new ModelWeights(model);
        using var noGrad = torch.no_grad();
        torch.manual_seed(1);
        foreach (var weight in weights.Distinct)
        {
            using var scope = torch.NewDisposeScope();
            var (_, rows, columns) = MatrixBlocks.Shape(weight.Weight, MatrixBlocks.ArePerHead(weight.Weight));
            weight.View.copy_(torch.randn(weight.View.shape) * (weight.Weight.Role is Role.Embedding or Role.Table ? 1.02 : 1.03 * Math.Sqrt((double)rows / columns) / (Math.Sqrt(rows) + Math.Sqrt(columns))));
        }
        ModelFile.Write(path, weights, null);
    }

    /// <summary>Prints seconds of every repetition, the peak of memory, and for norms the norms in the order of the weights' names.</summary>
    public static int Run(string[] args)
    {
        var given = new Arguments(args, "what", "spec", "start", "repeat", "device");
        string what = given.Text("what", "soft");
        using var model = Model(given.Text("spec", ""), what);
        if (given.Text("device", "cpu") == "cuda")
            model.Module.to(DeviceType.CUDA);
        using var weights = new ModelWeights(model);
        string start = given.Text("start", "");
        ModelFile.Load(Safetensors.Read(start), weights, start, requireMeaning: false);
        torch.manual_seed(1);
        using var noGrad = torch.no_grad();
        var matrices = weights.Distinct.Where(w => w.Weight.Shape.Count > 1).OrderBy(w => w.Weight.Name, StringComparer.Ordinal).ToList();
        var kept = what is "muon" or "norms" ? [] : matrices.Select(w => w.View.clone().DetachFromDisposeScope()).ToArray();
        var reach = StepNumber.Of(1 + Rate * Muon.UpdateNorm);
        var projector = new Projector(weights, reach: _ => reach);
        if (what == "muon")
            foreach (var (_, leaf) in weights.Leaves)
                leaf.grad = torch.randn_like(leaf) * 1e-3;
        var muon = what == "muon" ? UpdateRule.Create(new OptimizerPlan.Muon(Rate, 0.95, true, 0), [.. matrices.Where(w => w.Weight.Role is not (Role.Embedding or Role.Table))], "") : null;
        GC.Collect(2, GCCollectionMode.Aggressive);
        List<double> seconds = [], norms = [];
        for (int i = 0; i < given.Number("repeat", 3); i++)
        {
            for (int j = 0; j < kept.Length; j++)
                matrices[j].View.copy_(kept[j]);
            long begun = Stopwatch.GetTimestamp();
            if (what == "norms")
            {
                var certified = CertifiedNorms.Of(matrices.Select(w => new NormRequest(NormKind.Spectral, w.Weight.Name)), weights);
                norms = [.. matrices.Select(w => certified.SpectralNorm(w.Weight.Name).ToDoubleUp())];
            }
            else if (muon is not null)
                muon.Step(1);
            else
                projector.AfterStep();
            // a device has done it when a number of it is here
            if (weights.Leaves[0].Parameter.device_type != DeviceType.CPU)
                weights.Leaves[^1].Parameter.detach().sum().item<float>();
            seconds.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
        }
        static string List(IEnumerable<double> numbers) => string.Join(", ", numbers.Select(x => x.ToString("R", CultureInfo.InvariantCulture)));
        Console.WriteLine($"{{\"seconds\": [{List(seconds)}], \"losses\": [{List(norms)}], \"peak_bytes\": {Machine.PeakBytes}}}");
        return 0;
    }
}
