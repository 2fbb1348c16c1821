using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Lips.Cli.Falsification;
using Lips.Runtime;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

// one model at a time: memory is what these tests are short of
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Lips.FullSize.Tests;

/// <summary>
/// Every model of specs/ at the size it declares (images of 224 × 224, contexts of 1,024 tokens): one forward and one backward pass in
/// training mode, batch 2, or 1 from 100 million parameters on. <c>./lips test --fast</c> leaves this project out.
/// </summary>
public sealed class FullSizeTests
{
    /// <summary>What one test process may use.</summary>
    private const long MostMemory = 12L << 30;

    public static TheoryData<string> Models =>
        [.. typeof(Zoo.Gpt).Assembly.GetTypes().Where(t => t.IsAssignableTo(typeof(ILipsModel))).Select(t => t.Name).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Models))]
    public void One_pass_gives_every_weight_a_finite_gradient(string name)
    {
        using var model = (ILipsModel)Activator.CreateInstance(typeof(Zoo.Gpt).Assembly.GetType("Lips.Zoo." + name, throwOnError: true)!)!;
        Pass(model);
    }

    /// <summary>752,418,816 parameters; the activations of its 200 layers are computed again, not kept.</summary>
    [Fact]
    public void One_hundred_layers_to_one_hundred_layers_pass_with_recomputation()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Spec.sln")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("The tests run inside the repository.");
        var spec = new Case("translation", File.ReadAllText(Path.Combine(root, "specs", "sigma-reparam", "translation.lips")));
        using var model = Emitted.One(spec, ("depth", "100")).New();
        Assert.Equal(100, model.Module.named_modules().Count(m => m.name.StartsWith("memory.encoder.", StringComparison.Ordinal) && m.name.Count(c => c == '.') == 2));
        using var recomputation = new Recomputation(model.Module, CPU);
        Pass(model);
    }

    private static void Pass(ILipsModel model)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        long parameters = model.Module.parameters().Sum(p => p.numel());
        Fill(model);
        model.Module.train();
        long batch = parameters < 100_000_000 ? 2 : 1;
        var output = model.Forward([.. model.Inputs.Select(i => Input(i, batch))]);
        Assert.Equal(batch, output.size(0));
        Assert.True(output.isfinite().all().item<bool>(), "the output is not finite");
        var logits = output.reshape(-1, output.shape[^1]);
        var loss = nn.functional.cross_entropy(logits, randint(logits.shape[1], [logits.shape[0]], dtype: int64));
        loss.backward();
        double total = 0;
        foreach (var (name, parameter) in model.Module.named_parameters())
        {
            using var gradient = parameter.grad;
            Assert.True(gradient is not null && !gradient.IsInvalid, $"'{name}' has no gradient");
            using var norm = gradient.norm();
            Assert.True(double.IsFinite(norm.item<float>()), $"the gradient of '{name}' is not finite");
            total += norm.item<float>();
        }
        Assert.True(total > 0, "no gradient at all");
        long peak = Process.GetCurrentProcess().PeakWorkingSet64;
        TestContext.Current.TestOutputHelper?.WriteLine($"{model.Name}: {parameters} parameters, loss {loss.item<float>():F3}, peak memory so far {peak / (double)(1 << 30):F2} GiB");
        Assert.True(peak < MostMemory, $"{peak} bytes were used at once");
    }

    /// <summary>Values of the usual scale for every role, none of them zero: no gradient vanishes for the start's sake.</summary>
    private static void Fill(ILipsModel model)
    {
        using var noGrad = no_grad();
        using var weights = new ModelWeights(model);
        foreach (var (weight, _, view) in weights.Distinct)
        {
            var (mean, deviation) = weight.Role switch
            {
                Role.Matrix or Role.Kernel => (0, Math.Sqrt(weight.Shape[0] / (double)view.numel())),
                Role.Gain => (1, 0.05),
                Role.Alpha => (0.1, 0.01),
                _ => (0, 0.02),
            };
            view.normal_(mean, deviation);
        }
    }

    private static Tensor Input(InputInfo input, long batch) => input.Kind switch
    {
        "tokens" => randint(input.Vocabulary!.Value, [batch, .. input.Shape], dtype: int64),
        "image" => rand([batch, .. input.Shape]),
        _ => randn([batch, .. input.Shape]),
    };
}
