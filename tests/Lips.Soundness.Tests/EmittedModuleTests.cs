using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using Lips.Runtime;
using Lips.Runtime.Certification;
using Lips.Runtime.Constraints;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>Every module that is emitted, for the specs of the repository (made small) and for every case under attack.</summary>
public sealed class EmittedModuleTests
{
    public EmittedModuleTests() => torch.set_num_threads(1);

    private static readonly Lazy<IReadOnlyList<Emitted>> Models = new(() =>
        [.. SpecFiles.All.Select(s => Emitted.One(s.Case, s.Overrides)), .. Emitted.Cases]);

    /// <summary>Runs a check on every model and tells of all that fail.</summary>
    private static void OnEvery(Action<Emitted, ILipsModel> check, ScalarType type = ScalarType.Float64)
    {
        var failures = new List<string>();
        foreach (var emitted in Models.Value)
        {
            using var scope = NewDisposeScope();
            using var model = emitted.New();
            model.Module.to(type);
            model.Module.eval();
            try
            {
                check(emitted, model);
            }
            catch (Exception e)
            {
                failures.Add($"{emitted.Case.Name}: {e.GetType().Name}: {e.Message}");
            }
        }
        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }

    private static List<Tensor> Inputs(ILipsModel model, Generator generator, Device? device = null) =>
        [.. model.Inputs.Select(i => i.Kind == "tokens"
            ? zeros([2, .. i.Shape], dtype: int64).add((randn([2, .. i.Shape], dtype: float64, generator: generator).abs() * 7).floor().remainder((double)i.Vocabulary!.Value).to(int64))
            : i.Kind == "image" ? rand([2, .. i.Shape], dtype: float64, generator: generator) : randn([2, .. i.Shape], dtype: float64, generator: generator))
            .Select(t => device is null ? t : t.to(device))];

    private static void Fill(ModelWeights weights, Generator generator)
    {
        using var noGrad = no_grad();
        foreach (var (_, parameter) in weights.Leaves)
            parameter.copy_(randn(parameter.shape, dtype: float64, generator: generator) * 0.3);
    }

    [Fact]
    public void Every_weight_lies_in_exactly_one_place_and_is_counted_once() => OnEvery((emitted, model) =>
    {
        using var weights = new ModelWeights(model);
        using var noGrad = no_grad();
        foreach (var (_, leaf) in weights.Leaves)
            leaf.zero_();
        foreach (var weight in weights.Distinct)
        {
            Assert.Equal(weight.Weight.Shape, weight.View.shape);
            weight.View.add_(1);
        }
        Assert.All(weights.Leaves, l => Assert.True(l.Parameter.eq(1).all().item<bool>(), l.Name));
        Assert.Equal(weights.Leaves.Aggregate(BigInteger.Zero, (n, l) => n + l.Parameter.numel()), emitted.Compiled.Parameters);
        Assert.Equal(model.Weights.Select(w => w.Name).Distinct().Count(), model.Weights.Count);
    });

    [Fact]
    public void Every_gradient_agrees_with_finite_differences() => OnEvery((_, model) =>
    {
        using var generator = new Generator(11);
        using var weights = new ModelWeights(model);
        if (weights.Leaves.Count == 0)
        {
            Assert.True(model.Forward(Inputs(model, generator)).isfinite().all().item<bool>(), "the output is not finite");
            return;
        }
        Fill(weights, generator);
        var inputs = Inputs(model, generator);
        var value = model.Forward(inputs);
        var direction = randn(value.shape, dtype: float64, generator: generator);
        Tensor Loss() => (model.Forward(inputs) * direction).sum();
        Assert.True(value.isfinite().all().item<bool>(), "the output is not finite");
        Assert.Equal(2, value.shape[0]);
        var gradients = autograd.grad([Loss()], [.. weights.Leaves.Select(l => (Tensor)l.Parameter)], allow_unused: true);
        var random = new Random(5);
        using var noGrad = no_grad();
        foreach (var ((name, leaf), gradient) in weights.Leaves.Zip(gradients))
        {
            Assert.True(gradient is not null && !gradient.IsInvalid, $"'{name}' does not reach the output");
            Assert.True(gradient.isfinite().all().item<bool>(), $"the gradient of '{name}' is not finite");
            var flat = leaf.detach().view(-1);
            for (int trial = 0; trial < 2; trial++)
            {
                // the largest entry of the gradient, then any
                long at = trial == 0 ? gradient.flatten().abs().argmax().item<long>() : random.NextInt64(flat.shape[0]);
                double exact = gradient.flatten()[at].item<double>();
                Assert.True(Differences(flat, at, Loss).Any(d => Math.Abs(d - exact) <= 2e-6 * (1 + Math.Abs(exact))),
                    string.Create(CultureInfo.InvariantCulture, $"'{name}'[{at}]: gradient {exact:R}, differences {string.Join(", ", Differences(flat, at, Loss))}"));
            }
        }
    });

    /// <summary>Central differences of three widths: a kink spoils at most the wide ones, rounding the narrow one.</summary>
    private static IEnumerable<double> Differences(Tensor flat, long at, Func<Tensor> loss)
    {
        double before = flat[at].item<double>();
        foreach (double h in new[] { 1e-5, 1e-6, 1e-4 })
        {
            flat[at] = before + h;
            double above = loss().item<double>();
            flat[at] = before - h;
            double below = loss().item<double>();
            flat[at] = before;
            yield return (above - below) / (2 * h);
        }
    }

    [Fact]
    public void Every_module_runs_on_the_meta_device() => OnEvery((_, model) =>
    {
        using var generator = new Generator(12);
        long[] shape = model.Forward(Inputs(model, generator)).shape;
        model.Module.to(META);
        var value = model.Forward(Inputs(model, generator, META));
        Assert.True(value.is_meta);
        Assert.Equal(shape, value.shape);
    });

    /// <summary>
    /// The meta device refuses to be read by the processor, which would wait for a CUDA device, and to be computed with what lies elsewhere.
    /// A constant of a wider type would widen all that follows it.
    /// </summary>
    [Fact]
    public void Every_training_step_stays_on_its_device_and_in_its_type() => OnEvery((_, model) =>
    {
        using var generator = new Generator(16);
        model.Module.to(META);
        model.Module.train();
        var inputs = Inputs(model, generator, META).Select(t => t.dtype == int64 ? t : t.to(float32).requires_grad_()).ToList();
        var value = model.Forward(inputs);
        Assert.Equal(float32, value.dtype);
        // convolutions keep the shape there and compute nothing, so that some gradients end at them
        var parameters = model.Module.named_parameters().ToList();
        bool convolves = parameters.Any(p => p.name.Contains("conv", StringComparison.Ordinal) || p.name.Contains("lepe", StringComparison.Ordinal));
        if (!value.requires_grad)
            return;
        long classes = value.shape[^1];
        nn.functional.cross_entropy(value.reshape(-1, classes), empty([value.numel() / classes], dtype: int64, device: META)).backward();
        foreach (var (name, parameter) in parameters)
        {
            if (parameter.grad is null && convolves)
                continue;
            Assert.True(parameter.grad is not null, $"'{name}' has no gradient");
            Assert.True(parameter.grad.is_meta && parameter.grad.dtype == float32 && parameter.grad.shape.SequenceEqual(parameter.shape), $"the gradient of '{name}' is {parameter.grad}");
        }
    }, ScalarType.Float32);

    [Fact]
    public void The_bound_at_certified_norms_is_at_most_the_bound_at_caps() => OnEvery((emitted, model) =>
    {
        using var generator = new Generator(13);
        using var weights = new ModelWeights(model);
        foreach (var start in Enum.GetValues<Start>())
        {
            foreach (var weight in weights.Distinct)
                CappedSet.Draw(weight, start, generator);
            // within the caps by more than a certificate's excess
            using (no_grad())
                foreach (var weight in weights.Distinct.Where(w => w.Weight.Constraint is Constraint.Cap))
                    weight.View.mul_(1 - 1e-6);
            var norms = CertifiedNorms.Of(model, weights);
            for (int claim = 0; claim < model.Claims.Count; claim++)
                Assert.True(model.Bound(claim, norms) <= model.BoundAtCaps(claim), $"{model.Claims[claim].Text} from {start} weights: {model.Bound(claim, norms).ToDoubleUp():R} > {model.BoundAtCaps(claim).ToDoubleUp():R}");
        }
        Assert.Equal(emitted.Compiled.AtCaps.Count(), model.Claims.Count);
        foreach (var (index, (_, bound)) in emitted.Compiled.AtCaps.Select(a => (a.Item1, a.Item2)).Index())
            Assert.Equal(bound.ToDoubleUp(), model.BoundAtCaps(index).ToDoubleUp());
    });

    [Fact]
    public void The_bound_at_initialization_holds_at_initialization() => OnEvery((emitted, model) =>
    {
        using var weights = new ModelWeights(model);
        for (long seed = 0; seed < 2; seed++)
        {
            Initialization.Apply(weights, seed);
            // a start outside of its cap is brought within it before the first step
            new Projector(weights).Enforce();
            Sealing.Seal(weights, rescale: true);
            var norms = CertifiedNorms.Of(model, weights);
            foreach (var (index, (query, bound)) in emitted.Compiled.AtInit.Select(a => (a.Item1, a.Item2)).Index())
                Assert.True(model.Bound(index, norms).ToDoubleUp() <= bound.ToDoubleUp() * (1 + 1e-9),
                    $"{query} with seed {seed}: {model.Bound(index, norms).ToDoubleUp():R} > {bound.ToDoubleUp():R}");
        }
    }, ScalarType.Float32);

    [Fact]
    public void Projected_and_sealed_weights_keep_every_cap_and_every_bound() => OnEvery((_, model) =>
    {
        using var weights = new ModelWeights(model);
        using var noGrad = no_grad();
        using var generator = new Generator(14);
        foreach (var (_, parameter) in weights.Leaves)
            parameter.copy_(randn(parameter.shape, generator: generator) * 2);
        new Projector(weights).Enforce();
        Sealing.Seal(weights, rescale: true);
        foreach (var weight in weights.All.Where(w => w.Weight.Constraint is Constraint.Cap))
        {
            var cap = (Constraint.Cap)weight.Weight.Constraint!;
            Assert.True(CertifiedNorms.InUnitOfCap(weight.Weight, CertifiedNorms.Values(weight.View), cap) <= UpperBound.OfDouble(cap.Limit), weight.Weight.Name);
        }
        var norms = CertifiedNorms.Of(model, weights);
        for (int claim = 0; claim < model.Claims.Count; claim++)
            // the norms of a slice, certified apart from its cap, carry the certificate's own excess
            Assert.True(model.Bound(claim, norms).ToDoubleUp() <= model.BoundAtCaps(claim).ToDoubleUp() * (1 + 1e-6), model.Claims[claim].Text);
    }, ScalarType.Float32);

    [Fact]
    public void No_attack_on_given_weights_exceeds_the_bound_at_their_certified_norms()
    {
        var violations = new List<string>();
        // where the source is an embedding its radius is a norm of the weights too
        foreach (var (index, emitted) in Models.Value.Where(m => Cases.All.Contains(m.Case) && !m.Case.Name.StartsWith("embedding", StringComparison.Ordinal)).Index())
        {
            using var scope = NewDisposeScope();
            using var subject = new Subject(emitted, Subject.Sources(emitted).Last());
            using var generator = new Generator((ulong)index);
            foreach (var weight in subject.Weights.Distinct)
            {
                CappedSet.Draw(weight, (Start)(index % 3), generator);
                using (no_grad())
                    weight.View.mul_(0.5 + (rand(1, dtype: float64, generator: generator).item<double>() * 1.5));
            }
            var norms = CertifiedNorms.Of(subject.Model, subject.Weights);
            var reading = (Reading)(index / 3 % 3);
            double bound = subject.Model.Bound(subject.ClaimOf(reading), norms).ToDoubleUp();
            var falsifier = new Falsifier(subject) { MovesWeights = false, Steps = 25 };
            double gain = falsifier.Ascend(reading, falsifier.Inputs(generator), generator);
            if (gain > bound * (1 + 1e-9))
                violations.Add(subject.Tell(new Found(gain, reading, (Start)(index % 3), index), bound));
        }
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    /// <summary>Reports print estimate ≤ constant ≤ bound: the estimator must stay inside the declared domain.</summary>
    [Fact]
    public void No_estimate_exceeds_its_bound() => OnEvery((_, model) =>
    {
        if (model.Inputs.Count > 1)
            return;
        using var generator = new Generator(15);
        using var weights = new ModelWeights(model);
        foreach (var weight in weights.Distinct)
            CappedSet.Draw(weight, Start.Orthogonal, generator);
        var input = model.Inputs[0];
        var inputs = Inputs(model, generator);
        if (input.Radius is double radius)
            inputs[0] = inputs[0] / inputs[0].square().sum(-1, keepdim: true).sqrt() * radius;
        if (input is { RangeLow: double low, RangeHigh: double high })
            inputs[0] = inputs[0] * (high - low) + low;
        for (int claim = 0; claim < model.Claims.Count; claim++)
        {
            if (input.Kind == "tokens" && model.Claims[claim].From == input.Name)
            {
                Assert.Throws<RunFailed>(() => Estimator.OfClaim(model, model.Claims[claim], inputs));
                continue;
            }
            var estimate = Estimator.OfClaim(model, model.Claims[claim], inputs, ascents: 3);
            Assert.True(estimate.Value <= model.BoundAtCaps(claim).ToDoubleUp() * (1 + 1e-9), $"{model.Claims[claim].Text}: estimate {estimate.Value:R}, bound {model.BoundAtCaps(claim).ToDoubleUp():R}");
        }
    });
}
