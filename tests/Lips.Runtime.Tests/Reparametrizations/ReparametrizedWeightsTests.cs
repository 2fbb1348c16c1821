using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Certification;
using Lips.Runtime.Optimizers;
using Lips.Runtime.Reparametrizations;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Reparametrizations;

/// <summary>γ·V/σ(V) and its relatives: what the module holds, what the gradients are, and what a certificate may say.</summary>
public sealed class ReparametrizedWeightsTests
{
    private const int Width = 6;

    /// <summary>A fused qkv whose q and k are one matrix, a matrix of each other kind, and a plain one.</summary>
    private sealed class Mixed() : TinyModel("Mixed", Table, new Dictionary<string, long[]> { ["qkv"] = [3 * Width, Width], ["rows"] = [5, 4], ["unit"] = [4, 7], ["kernel"] = [4, 3, 2, 2], ["plain"] = [3, 3] }, new InputInfo("x", "features", [1, Width]), null)
    {
        private static readonly Weight[] Table =
        [
            Slice("q", 0, "qk"), Slice("k", 1, "qk"), Slice("v", 2, "v"),
            new("rows", "rows", Role.Matrix, [5, 4], Init: new Init.Normal(1), Reparametrization: new Reparametrization.Rows("rows")),
            new("unit", "unit", Role.Matrix, [4, 7], Init: new Init.Normal(1), Reparametrization: new Reparametrization.Spectral("unit")),
            new("kernel", "kernel", Role.Kernel, [4, 3, 2, 2], Init: new Init.Normal(1), Reparametrization: new Reparametrization.Sigma("kernel")),
            new("plain", "plain", Role.Matrix, [3, 3], Init: new Init.Normal(1)),
        ];

        private static Weight Slice(string name, int index, string group) =>
            new(name, "qkv", Role.Matrix, [Width, Width], index * Width, Init: new Init.Normal(1), Reparametrization: new Reparametrization.Sigma(group, 1.5));

        public override Tensor Forward(IReadOnlyList<Tensor> inputs) => inputs[0];

        public override Tensor ValueAt(string point, IReadOnlyList<Tensor> inputs) => inputs[0];

        public override Tensor Continue(string point, Tensor value) => value;

        public override IReadOnlyList<ClaimInfo> Claims => [];

        public override UpperBound Bound(int claim, Norms norms) => UpperBound.Infinity;

        public override UpperBound BoundAtCaps(int claim) => UpperBound.Infinity;

        public override IReadOnlyList<NormRequest> NormsNeeded => [new(NormKind.Spectral, "unit"), new(NormKind.Spectral, "v")];
    }

    private static (Mixed Model, ModelWeights Weights) Start()
    {
        var model = new Mixed();
        Initialization.Apply(model, 3);
        return (model, new ModelWeights(model));
    }

    private static TrainingPlan Plan(OptimizerPlan optimizer) => new()
    {
        Data = new DataPlan.Digits(10, 0.9),
        Objective = new Objective.CrossEntropy(0),
        Optimizers = Enum.GetValues<Role>().ToDictionary(r => r, _ => optimizer),
        Schedule = Schedule.Parse(new RecipeValue.Call("constant", []), new Dictionary<string, RecipeValue>()),
        Steps = 1,
    };

    private static double Sigma(Tensor matrix) => linalg.svdvals(matrix.detach().to(ScalarType.Float64).flatten(1)).max().item<double>();

    private static Tensor State(ReparametrizedWeights stored, string name) => stored.State.First(s => s.Name == "reparametrized/" + name).Tensor;

    [Fact]
    public void The_module_holds_gamma_times_the_matrix_over_the_norm_of_its_group()
    {
        using var scope = NewDisposeScope();
        var (model, weights) = Start();
        using var _ = model;
        using var __ = weights;
        var before = weights.All.ToDictionary(w => w.Weight.Name, w => w.View.clone());
        using var stored = new ReparametrizedWeights(weights, 0);
        var (u, v) = (State(stored, "qk/left"), State(stored, "qk/right"));
        var joined = cat([before["q"], before["k"]], 0);
        double sigma = u.mT.matmul(joined).matmul(v).item<float>();
        Assert.InRange(sigma, 0.9 * Sigma(joined), Sigma(joined) * (1 + 1e-6));
        Assert.True(weights["q"].View.allclose(before["q"] * (1.5 / sigma), rtol: 1e-5));
        Assert.True(weights["k"].View.allclose(before["k"] * (1.5 / sigma), rtol: 1e-5));
        Assert.Equal(1.5, Sigma(weights["v"].View), 1);
        // without a given start γ is σ(V), and rows start at their own norms: nothing moves at step 0
        Assert.True(weights["rows"].View.allclose(before["rows"], rtol: 1e-5));
        Assert.True(weights["kernel"].View.allclose(before["kernel"], rtol: 1e-5));
        Assert.True(weights["plain"].View.eq(before["plain"]).all().item<bool>());
        Assert.Equal(["qk.gamma", "v.gamma", "rows.gamma", "kernel.gamma"], stored.Gains.Select(g => g.Weight.Name));
    }

    [Fact]
    public void Gradients_are_those_of_autograd_with_the_singular_vectors_held()
    {
        using var scope = NewDisposeScope();
        var (model, weights) = Start();
        using var _ = model;
        using var __ = weights;
        using var stored = new ReparametrizedWeights(weights, 0);
        foreach (string name in new[] { "qkv", "rows", "unit", "kernel" })
        {
            var leaf = weights.Leaves.First(l => l.Name == name).Parameter;
            leaf.grad = randn(leaf.shape);
        }
        var upstream = weights.Leaves.Where(l => l.Name != "plain").ToDictionary(l => l.Name, l => l.Parameter.grad!.clone());
        stored.PullBack();

        Tensor Leaf(string name) => State(stored, name).clone().requires_grad_(true);
        void Same(Tensor expected, Tensor found) => Assert.True(expected.allclose(found, rtol: 1e-4, atol: 1e-5), $"off by {(expected - found).abs().max().item<float>()}");
        Tensor Stored(string name) => stored.Weights.First(w => w.Weight.Leaf == name).Leaf.grad!;

        var qkv = Leaf("qkv");
        var gains = new[] { "qk", "v" }.ToDictionary(g => g, g => State(stored, g + "/gamma").clone().requires_grad_(true));
        Tensor Normalized(Tensor matrix, string group, Tensor? gain) =>
            matrix / State(stored, group + "/left").mT.matmul(matrix).matmul(State(stored, group + "/right")).reshape([]) * (gain ?? ones(1));
        (Normalized(qkv.narrow(0, 0, 2 * Width), "qk", gains["qk"]) * upstream["qkv"].narrow(0, 0, 2 * Width)).sum().backward();
        (Normalized(qkv.narrow(0, 2 * Width, Width), "v", gains["v"]) * upstream["qkv"].narrow(0, 2 * Width, Width)).sum().backward();
        Same(qkv.grad!, Stored("qkv"));
        Same(gains["qk"].grad!, stored.Gains[0].Leaf.grad!);
        Same(gains["v"].grad!, stored.Gains[1].Leaf.grad!);

        var unit = Leaf("unit");
        (Normalized(unit, "unit", null) * upstream["unit"]).sum().backward();
        Same(unit.grad!, Stored("unit"));

        var kernel = Leaf("kernel");
        (Normalized(kernel.flatten(1), "kernel", State(stored, "kernel/gamma")) * upstream["kernel"].flatten(1)).sum().backward();
        Same(kernel.grad!, Stored("kernel"));

        var rows = Leaf("rows");
        var lengths = State(stored, "rows/gamma").clone().requires_grad_(true);
        (rows / rows.square().sum(1, keepdim: true).sqrt() * lengths * upstream["rows"]).sum().backward();
        Same(rows.grad!, Stored("rows"));
        Same(lengths.grad!, stored.Gains[2].Leaf.grad!);
    }

    [Fact]
    public void A_step_takes_one_step_of_the_power_iteration_and_updates_what_is_stored()
    {
        using var scope = NewDisposeScope();
        var (model, weights) = Start();
        using var _ = model;
        using var __ = weights;
        using var optimizer = new OptimizerSet(weights, Plan(new OptimizerPlan.Sgd(0.1, 0, false, 0)));
        var state = optimizer.Store("").ToDictionary(s => s.Name);
        Tensor Read(string name) => Lips.Runtime.Checkpoints.TensorStorage.Load(state["reparametrized/" + name]);
        var (matrix, left, right) = (Read("unit"), Read("unit/left"), Read("unit/right"));
        var gradient = randn(4, 7);
        weights["unit"].Leaf.grad = gradient.clone();
        optimizer.Step(1);
        double sigma = left.mT.matmul(matrix).matmul(right).item<float>();
        var updated = matrix - 0.1 / sigma * (gradient - left.matmul(right.mT) * (gradient * matrix).sum() / sigma);
        var after = updated.matmul(right);
        after = after / after.norm();
        var afterRight = updated.mT.matmul(after);
        double newSigma = (after.mT.matmul(updated).matmul(afterRight) / afterRight.norm()).item<float>();
        state = optimizer.Store("").ToDictionary(s => s.Name);
        Assert.True(Read("unit").allclose(updated, rtol: 1e-4, atol: 1e-6));
        Assert.True(Read("unit/left").allclose(after, rtol: 1e-4, atol: 1e-5));
        Assert.True(weights["unit"].View.allclose(updated / newSigma, rtol: 1e-4, atol: 1e-5));
    }

    /// <summary>The iteration sees σ from below, so γ is no cap: what is certified is the folded weight, and that is above γ.</summary>
    [Fact]
    public void The_certificate_is_of_the_folded_weight_which_may_exceed_gamma()
    {
        using var scope = NewDisposeScope();
        var (model, weights) = Start();
        using var _ = model;
        using var __ = weights;
        using var optimizer = new OptimizerSet(weights, Plan(new OptimizerPlan.Sgd(100, 0, false, 0)));
        double largest = 0;
        for (int i = 0; i < 6; i++)
        {
            weights["unit"].Leaf.grad = randn(4, 7, generator: new Generator((ulong)i));
            optimizer.Step(1);
            double norm = Sigma(weights["unit"].View), proven = SpectralNorm.Certify(CertifiedNorms.Values(weights["unit"].View), 4, 7, "unit");
            Assert.InRange(proven, norm * (1 - 1e-12), norm * 1.001);
            largest = Math.Max(largest, norm);
        }
        Assert.True(largest > 1.02, $"a folded W/σ(W) of norm {largest} does not show the gap");
    }

    [Fact]
    public void Gains_do_not_decay_and_the_stored_matrix_may()
    {
        using var scope = NewDisposeScope();
        var (model, weights) = Start();
        using var _ = model;
        using var __ = weights;
        using var optimizer = new OptimizerSet(weights, Plan(new OptimizerPlan.AdamW(0.1, 0.9, 0.99, 1e-8, 0.5)));
        foreach (var (_, parameter) in weights.Leaves)
            parameter.grad = zeros_like(parameter);
        var before = weights.All.ToDictionary(w => w.Weight.Name, w => w.View.clone());
        optimizer.Step(1);
        Assert.True(weights["plain"].View.allclose(before["plain"] * 0.95, rtol: 1e-5));
        // V is 5 % smaller, V/σ(V) is not, and γ stands still
        Assert.True(weights["rows"].View.allclose(before["rows"], rtol: 1e-4));
        Assert.Equal(Sigma(before["v"]), Sigma(weights["v"].View), 2);
    }

    [Fact]
    public void The_running_average_is_of_folded_weights()
    {
        using var scope = NewDisposeScope();
        var (model, weights) = Start();
        using var _ = model;
        using var __ = weights;
        using var optimizer = new OptimizerSet(weights, Plan(new OptimizerPlan.Sgd(0.3, 0, false, 0)) with { Ema = 0.75 });
        var first = weights["unit"].View.clone();
        weights["unit"].Leaf.grad = randn(4, 7);
        optimizer.Step(1);
        var second = weights["unit"].View.clone();
        optimizer.SwapAverage();
        Assert.True(weights["unit"].View.allclose(first * 0.75 + second * 0.25, rtol: 1e-4, atol: 1e-6));
    }
}
