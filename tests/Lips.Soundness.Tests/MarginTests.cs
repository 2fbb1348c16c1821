using System;
using System.Linq;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Microsoft.FSharp.Core;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>Certified radii and loss constants against the models they speak of.</summary>
public sealed class MarginTests
{
    public MarginTests() => torch.set_num_threads(1);

    /// <summary>A model with the numbers a radius is made of, at its own weights' certified norms.</summary>
    private sealed class Certified : IDisposable
    {
        public Certified(string body, Func<Tensor, Tensor>? weight = null)
        {
            Subject = new Subject(Emitted.One(Case.Of("margins", body)));
            using (no_grad())
            using (var generator = new Generator(11))
                foreach (var bound in Subject.Weights.All)
                    bound.View.copy_((weight ?? (w => w))(randn([.. bound.Weight.Shape], dtype: float64, generator: generator).mul(0.5)));
            Derivation = Subject.Emitted.Compiled.Derivation;
            Head = Margins.head(Derivation)!.Value;
            Distances = CertifiedNorms.PairDistances(CertifiedNorms.Values(Subject.Weights[Head.Weight].View), (int)Head.Classes, (int)Head.Input.Shape.Width);
        }

        public Subject Subject { get; }

        public Derivation Derivation { get; }

        public Head Head { get; }

        public double[,] Distances { get; }

        public Upper AtNorms(Bound bound) => Margins.atNorms(Derivation, FuncConvert.FromFunc<string, Upper>(Norm), bound);

        public Upper Constant(Norm norm) => AtNorms(Margins.constant(norm, Subject.From, Head)!.Value);

        private Upper Norm(string key) => Upper.OfDouble(CertifiedNorms.Norm(
            NormRequest.TryParse(key)!,
            name => new WeightValues(Subject.Weights[name].Weight, CertifiedNorms.Values(Subject.Weights[name].View))).Value);

        public double[] Logits(Tensor x) => Subject.Map(x).to(float64).reshape(-1).data<double>().ToArray();

        public double Radius(double[] logits, int label) => Margins.radius(Constant(Lips.Core.Norm.L2Norm), (a, b) => Distances[a, b], 1e-12, logits, label);

        public void Dispose() => Subject.Dispose();
    }

    [Fact]
    public void A_linear_classifier_changes_its_mind_exactly_at_the_radius()
    {
        using var scope = NewDisposeScope();
        using var model = new Certified("input x = features(1, 6, radius: 100)\nweights(constraint: spectral_cap(100))\nweights of bias (constraint: l2_cap(100))\ny = linear(5)");
        Assert.Equal(1, model.Constant(Norm.L2Norm).ToDoubleUp());
        using var generator = new Generator(5);
        for (int trial = 0; trial < 20; trial++)
        {
            var x = randn(1, 6, dtype: float64, generator: generator);
            double[] logits = model.Logits(x);
            int label = Array.IndexOf(logits, logits.Max());
            double radius = model.Radius(logits, label);
            // the boundary nearest is that of the pair which decides, straight along the difference of the rows
            int rival = Enumerable.Range(0, 5).Where(j => j != label).MinBy(j => (logits[label] - logits[j]) / model.Distances[label, j]);
            var rows = model.Subject.Weights[model.Head.Weight].View.detach();
            var towards = (rows[rival] - rows[label]) / (rows[rival] - rows[label]).norm();
            double[] before = model.Logits(x + towards * (radius * (1 - 1e-9))), after = model.Logits(x + towards * (radius * (1 + 1e-9)));
            Assert.True(before[label] > before[rival]);
            Assert.True(after[label] < after[rival]);
            double whole = CertifiedNorms.Norm(model.Subject.Weights[model.Head.Weight].Weight, CertifiedNorms.Values(rows), NormKind.Spectral);
            Assert.InRange(Margins.globalRadius(Upper.OfDouble(whole), 1e-12, logits, label), 0, radius);
            double row = CertifiedNorms.Norm(model.Subject.Weights[model.Head.Weight].Weight, CertifiedNorms.Values(rows), NormKind.LargestRow);
            Assert.InRange(Margins.largestEntryRadius(Upper.OfDouble(row), 1e-12, logits, label), 0, radius);
        }
    }

    [Theory]
    [InlineData("flatten\nmlp(16)\ny = linear(4)")]
    [InlineData("patchify(2, 6)\nresidual { mlp(8) }\npool(mean)\ny = linear(4)")]
    [InlineData("patchify(2, 6)\npool(mean)\nlinear(4)\ny = soft_cap(1)")]
    public void No_attack_within_the_radius_changes_the_answer(string layers)
    {
        using var scope = NewDisposeScope();
        using var model = new Certified("input x = image(1, 4, 4, range: [0, 1])\nweights(constraint: spectral_cap(100))\nweights of bias (constraint: l2_cap(100))\n" + layers);
        using var generator = new Generator(9);
        double nearest = double.PositiveInfinity;
        for (int trial = 0; trial < 12; trial++)
        {
            var x = rand([1, 1, 4, 4], dtype: float64, generator: generator);
            double[] logits = model.Logits(x);
            int label = Array.IndexOf(logits, logits.Max());
            double radius = model.Radius(logits, label);
            Assert.True(radius >= 0);
            // projected gradient ascent of every rival, to 50 radii; the domain is the unit cube
            foreach (int rival in Enumerable.Range(0, 4).Where(j => j != label))
                foreach (double size in new[] { 1.0, 3, 10, 50 })
                {
                    var moved = Attack(model, x, label, rival, radius * size);
                    double[] attacked = model.Logits(moved);
                    double distance = (moved - x).norm().item<double>();
                    if (attacked[rival] < attacked[label])
                        continue;
                    Assert.True(distance > radius, $"{layers}: the answer changes at {distance:R}, within the certified {radius:R}");
                    nearest = Math.Min(nearest, distance / radius);
                }
        }
        Assert.True(nearest < 50, "the attack never succeeded, so the radii were not tested");
    }

    private static Tensor Attack(Certified model, Tensor x, int label, int rival, double size)
    {
        var moved = x.clone();
        for (int step = 0; step < 12; step++)
        {
            using var leaf = moved.detach().requires_grad_();
            var z = model.Subject.Map(leaf).reshape(-1);
            var gradient = autograd.grad([z[rival] - z[label]], [leaf])[0];
            double norm = gradient.norm().item<double>();
            if (norm == 0)
                break;
            var delta = (moved + gradient * (size / (3 * norm)) - x).detach();
            double length = delta.norm().item<double>();
            moved = (x + delta * Math.Min(1, size / length)).clamp(0, 1);
        }
        return moved;
    }

    [Theory]
    [InlineData("y = linear(4)", 0.0)]
    [InlineData("y = linear(4)", 0.1)]
    [InlineData("mlp(8)\ny = linear(4)", 0.2)]
    public void The_loss_is_no_steeper_than_its_constant(string layers, double smoothing)
    {
        using var scope = NewDisposeScope();
        using var model = new Certified("input x = features(3, 4, radius: 10)\nweights(constraint: spectral_cap(100))\nweights of bias (constraint: l2_cap(100))\n" + layers);
        double whole = model.AtNorms(Margins.crossEntropy(Norm.L2Norm, "x", model.Head)!.Value).ToDoubleUp();
        double token = model.AtNorms(Margins.crossEntropy(Norm.TokenNorm, "x", model.Head)!.Value).ToDoubleUp();
        Assert.InRange(whole * Math.Sqrt(3) / token, 1 - 1e-9, 1 + 1e-9);
        using var generator = new Generator(2);
        double steepest = 0;
        for (int trial = 0; trial < 300; trial++)
        {
            using var leaf = (randn(3, 4, dtype: float64, generator: generator) * (trial % 3)).requires_grad_();
            var labels = randint(0, 4, [3], dtype: int64, generator: generator);
            var loss = nn.functional.cross_entropy(model.Subject.Map(leaf.unsqueeze(0)).reshape(3, 4), labels, label_smoothing: smoothing);
            var gradient = autograd.grad([loss], [leaf])[0];
            Assert.InRange(gradient.norm().item<double>(), 0, whole);
            // the dual of the largest token is the sum over tokens
            Assert.InRange(gradient.square().sum(-1).sqrt().sum().item<double>(), 0, token);
            steepest = Math.Max(steepest, gradient.square().sum(-1).sqrt().sum().item<double>() / token);
        }
        Assert.True(steepest > 0.15, $"{layers}: {steepest:R} of the constant reached");
    }

    [Fact]
    public void A_model_that_does_not_end_in_a_linear_map_has_no_head()
    {
        var compiled = Emitted.Compile(Case.Of("none", "input x = features(1, 4, radius: 1)\nlinear(4, constraint: spectral_cap(1))\ny = gelu"));
        Assert.Null(Margins.head(compiled.Derivation));
    }

    [Fact]
    public void A_tied_head_is_called_by_its_owner()
    {
        var compiled = Emitted.Compile(new Case("tied", "model M in rms {\ninput t = tokens(7, 3)\nweights(bias: false)\nwords = embedding(4, constraint: row_cap(1))\ny = linear(7, tie: words)\nclaim lipschitz(words -> y) <= 100\n}\n"));
        Assert.Equal("words.weight", Margins.head(compiled.Derivation)!.Value.Weight);
    }
}
