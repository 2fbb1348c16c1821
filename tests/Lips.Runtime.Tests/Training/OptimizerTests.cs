using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Training;

public class OptimizerTests
{
    private static TrainingPlan Plan(OptimizerPlan optimizer, double? clip = null) => new()
    {
        Data = new DataPlan.Digits(1, 0.5),
        Objective = new Objective.CrossEntropy(0),
        Optimizers = Enum.GetValues<Role>().ToDictionary(r => r, _ => optimizer),
        Schedule = new Schedule.Constant(),
        Steps = 1,
        Clip = clip,
    };

    private static void SetGradient(ModelWeights weights, Func<string, Tensor, Tensor> gradient)
    {
        foreach (var (name, parameter) in weights.Leaves)
            parameter.grad = gradient(name, parameter.detach()).DetachFromDisposeScope();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AdamW_takes_the_steps_of_its_formula(bool inMemory)
    {
        using var scope = NewDisposeScope();
        using var model = new TinyMlp(3, 4, 2, cap: 1e9);
        Initialization.Apply(model, 1);
        using var weights = new ModelWeights(model);
        var rule = UpdateRule.Create(new OptimizerPlan.AdamW(0.1, 0.9, 0.99, 1e-8, 0.5), weights.Distinct, "");
        if (inMemory)
            rule.Numbers.MoveTo(CPU);
        double[] w = CertifiedNorms.Values(weights["up"].View), m = new double[w.Length], v = new double[w.Length];
        for (int t = 1; t <= 4; t++)
        {
            SetGradient(weights, (_, p) => (p + 1) * t);
            for (int i = 0; i < w.Length; i++)
            {
                double g = (w[i] + 1) * t;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.99 * v[i] + 0.01 * g * g;
                w[i] = w[i] * (1 - 0.05 / t) - 0.1 / t * (m[i] / (1 - Math.Pow(0.9, t))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.99, t))) + 1e-8);
            }
            rule.Step(1.0 / t);
        }
        Assert.All(CertifiedNorms.Values(weights["up"].View).Zip(w), p => Assert.Equal(p.Second, p.First, 4));
    }

    /// <summary>A libtorch that has the kernel for the CPU takes the step above by it; here, which tensors it is given.</summary>
    [Fact]
    public void The_one_kernel_of_AdamW_is_used_where_libtorch_has_it_for_tensors_that_lie_alike()
    {
        using var scope = NewDisposeScope();
        bool has = TorchExtras.HasFusedAdamW(DeviceType.CPU);
        bool Step(Func<Tensor> of, Tensor gradient)
        {
            Tensor value = of(), first = of(), second = of();
            bool done = TorchExtras.AdamW([value], [gradient], [first], [second], tensor(0.5f), tensor(3f), 0.9, 0.99, 0.2, 0);
            // g = 1 from moments of 1: m = s = 1
            double expected = 1 - 0.5 * 0.2 - 0.5 / (1 - Math.Pow(0.9, 3)) * Math.Sqrt(1 - Math.Pow(0.99, 3));
            Assert.All(value.reshape(-1).data<float>(), v => Assert.Equal(done ? expected : 1, v, 5));
            return done;
        }
        Assert.Equal(has, Step(() => ones(3, 5), ones(3, 5)));
        Assert.Equal(has, Step(() => ones(7), ones(7)));
        Assert.Equal(has, Step(() => ones(5, 3).mT, ones(5, 3).mT));
        Assert.Equal(has, Step(() => ones(6, 5).narrow(0, 2, 3), ones(6, 5).narrow(0, 1, 3)));
        Assert.False(Step(() => ones(3, 5), ones(5, 3).mT));
        Assert.False(Step(() => ones(3, 8).narrow(1, 2, 5), ones(3, 8).narrow(1, 2, 5)));
        Assert.False(Step(() => ones(3, 5), ones(3, 5, dtype: float64)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Muon_moves_every_singular_direction_by_the_rate_and_never_more(bool nesterov)
    {
        using var scope = NewDisposeScope();
        using var model = new TinyTransformer(20);
        using var weights = new ModelWeights(model);
        var rule = UpdateRule.Create(new OptimizerPlan.Muon(0.1, 0.9, nesterov, 0), weights.Distinct.Where(w => w.Weight.Role == Role.Matrix).ToList(), "");
        SetGradient(weights, (_, p) => randn_like(p) * 1e-3);
        rule.Step(0.5);
        foreach (var weight in weights.Distinct.Where(w => w.Weight.Role == Role.Matrix))
        {
            bool perHead = MatrixBlocks.ArePerHead(weight.Weight);
            var (_, rows, columns) = MatrixBlocks.Shape(weight.Weight, perHead);
            var s = linalg.svdvals(MatrixBlocks.Of(weight.View, weight.Weight, perHead)).flatten() * Math.Sqrt((double)columns / rows) / 0.05;
            Assert.True(s.max().item<float>() <= Muon.UpdateNorm + 1e-5, $"{weight.Weight.Name}: {s.max().item<float>()}");
            // 16 directions of a Gaussian gradient: the smallest is lifted too.
            Assert.True(s.mean().item<float>() > 0.97, $"{weight.Weight.Name}: {s.mean().item<float>()}");
        }
    }

    [Fact]
    public void Embedding_rows_move_by_the_rate_and_rare_ones_are_inflated_sixteen_times_at_most()
    {
        using var scope = NewDisposeScope();
        using var model = new TinyTransformer(20);
        using var weights = new ModelWeights(model);
        var rule = UpdateRule.Create(new OptimizerPlan.Rows(0.1, 0.9, false), [weights["embedding"]], "");
        var scale = ones(20, 1);
        scale[3] = 1 / 8.0;
        scale[4] = 1 / 160.0;
        SetGradient(weights, (_, p) => p.shape[0] == 20 ? ones_like(p) * scale : zeros_like(p));
        rule.Step(1);
        var rms = weights["embedding"].View.square().mean([1L]).sqrt().data<float>().ToArray();
        Assert.Equal(0.1f, rms[0], 5);
        Assert.Equal(0.1f, rms[3], 5);
        Assert.Equal(0.01f, rms[4], 5);
    }

    [Fact]
    public void Clipping_bounds_the_whole_gradient()
    {
        using var scope = NewDisposeScope();
        using var model = new TinyMlp(3, 4, 2, cap: 1e9);
        using var weights = new ModelWeights(model);
        using var optimizer = new OptimizerSet(weights, Plan(new OptimizerPlan.Sgd(1, 0, false, 0), clip: 0.5));
        SetGradient(weights, (_, p) => ones_like(p) * 7);
        optimizer.Step(1);
        double norm = Math.Sqrt(weights.Distinct.Sum(w => w.View.square().sum().item<float>()));
        Assert.Equal(0.5, norm, 4);
    }

    [Fact]
    public void Under_muon_the_soft_cap_keeps_the_cap_for_hundreds_of_pushes_outward()
    {
        using var scope = NewDisposeScope();
        using var model = new TinyMlp(12, 20, 10, cap: 1);
        Initialization.Apply(model, 2);
        using var weights = new ModelWeights(model);
        using var optimizer = new OptimizerSet(weights, Plan(new OptimizerPlan.Muon(0.05, 0.9, false, 0)));
        double largest = 0;
        for (int i = 0; i < 300; i++)
        {
            using var inner = NewDisposeScope();
            // The gradient that pushes every singular value outward: minus the weight.
            SetGradient(weights, (_, p) => -p);
            optimizer.Step(1);
            largest = Math.Max(largest, optimizer.Projector.NormsOverCaps().Where(n => n.Key != "up.bias").Max(n => n.Value));
        }
        Assert.InRange(largest, 0.99, 1.002);
    }
}
