using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Training;

/// <summary>What a training step minimizes: the objective, with what it needs beside the model's output.</summary>
internal abstract class TrainingLoss : IDisposable
{
    /// <param name="teacher">The trained teacher of <see cref="Objective.Nkd"/>, on the same device; its owner disposes of it.</param>
    public static TrainingLoss Create(ILipsModel model, TrainingPlan plan, ILipsModel? teacher, torch.Device device) => plan.Objective switch
    {
        Objective.Nkd nkd => new FromTeacher(nkd, teacher ?? throw new RunFailed($"The objective nkd needs its teacher '{nkd.Teacher}' with weights; none was given.")),
        Objective.Uskd uskd => new FromWeakHead(model, uskd, plan.Seed, device),
        var objective => new OfOutput(objective),
    };

    /// <summary>The mean over predictions, of an output in float32. The output is not to be read afterwards.</summary>
    public abstract torch.Tensor Mean(torch.Tensor output, Batch batch);

    /// <summary>Weights of its own, which the optimizer updates with the model's.</summary>
    public virtual IReadOnlyList<BoundWeight> Weights => [];

    public virtual void Dispose()
    {
    }

    private sealed class OfOutput(Objective objective) : TrainingLoss
    {
        public override torch.Tensor Mean(torch.Tensor output, Batch batch) => Losses.Consuming(objective, output, batch);
    }

    private sealed class FromTeacher : TrainingLoss
    {
        private readonly Objective.Nkd _objective;
        private readonly ILipsModel _teacher;

        public FromTeacher(Objective.Nkd objective, ILipsModel teacher)
        {
            (_objective, _teacher) = (objective, teacher);
            teacher.Module.eval();
        }

        public override torch.Tensor Mean(torch.Tensor output, Batch batch)
        {
            torch.Tensor taught;
            using (torch.no_grad())
                taught = ComputePrecision.Widened(_teacher.Forward(batch.Inputs));
            if (!taught.shape.SequenceEqual(output.shape))
                throw new RunFailed($"The teacher '{_teacher.Name}' gives shape [{string.Join(", ", taught.shape)}], the model [{string.Join(", ", output.shape)}].");
            var (logits, target) = Losses.Flatten(output, batch);
            return Losses.Mean(_objective, output, batch)
                + Distillation.Nkd(logits, taught.reshape(logits.shape), target, _objective.Temperature, _objective.Gamma);
        }
    }

    /// <summary>Reads the value at a named point through a hook on its module, and gives it a linear head of its own.</summary>
    private sealed class FromWeakHead : TrainingLoss
    {
        private readonly Objective.Uskd _objective;
        private readonly Action _unhook;
        private readonly Parameter _weight, _bias;
        private torch.Tensor? _feature;

        public FromWeakHead(ILipsModel model, Objective.Uskd objective, long seed, torch.Device device)
        {
            _objective = objective;
            string path = objective.Feature.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal);
            var modules = model.Module.named_modules().ToList();
            if (modules.FirstOrDefault(m => m.name == path).module is not torch.nn.Module<torch.Tensor, torch.Tensor> at)
                throw new RunFailed($"uskd reads a feature at '{objective.Feature}', which is no layer or repetition of '{model.Name}'; there are {string.Join(", ", modules.Where(m => m.name.Length > 0 && m.module is torch.nn.Module<torch.Tensor, torch.Tensor>).Select(m => m.name).Take(12))}, ….");
            var hook = at.register_forward_hook((_, _, output) => _feature = output);
            _unhook = hook.remove;
            using var noGrad = torch.no_grad();
            using var scope = torch.NewDisposeScope();
            bool training = model.Module.training;
            model.Module.eval();
            long classes = model.Forward(model.Inputs.Select(i => Zeros(i, device)).ToList()).shape[^1];
            model.Module.train(training);
            long width = Feature().shape[^1];
            _feature = null;
            var random = SeededRandom.For(seed, "weak head");
            var values = new float[classes * width];
            for (int i = 0; i < values.Length; i++)
                values[i] = 0.01f * (float)random.Normal();
            _weight = new Parameter(torch.tensor(values, device: device).view(classes, width).DetachFromDisposeScope());
            _bias = new Parameter(torch.zeros(classes, dtype: torch.float32, device: device).DetachFromDisposeScope());
            Weights =
            [
                new BoundWeight(new Weight("objective.weak.weight", "objective.weak.weight", Role.Matrix, [classes, width]), _weight, _weight.detach().DetachFromDisposeScope()),
                new BoundWeight(new Weight("objective.weak.bias", "objective.weak.bias", Role.Bias, [classes]), _bias, _bias.detach().DetachFromDisposeScope()),
            ];
        }

        public override IReadOnlyList<BoundWeight> Weights { get; }

        public override torch.Tensor Mean(torch.Tensor output, Batch batch)
        {
            var feature = Feature();
            _feature = null;
            if (output.requires_grad && !feature.requires_grad)
                throw new RunFailed($"uskd learns through the value at '{_objective.Feature}', whose gradient is not kept: with recompute: blocks it must be a whole block or lie outside of all.");
            var tokens = feature.reshape(feature.shape[0], -1, feature.shape[^1]).mean([1L]);
            var weak = ComputePrecision.Widened(torch.nn.functional.linear(tokens, _weight, _bias));
            var (logits, target) = Losses.Flatten(output, batch);
            return Losses.Mean(_objective, output, batch) + Distillation.Uskd(logits, weak, target, _objective);
        }

        private torch.Tensor Feature() => _feature ?? throw new RunFailed($"The value at '{_objective.Feature}' was not computed.");

        private static torch.Tensor Zeros(InputInfo input, torch.Device device) =>
            torch.zeros([1, .. input.Shape], dtype: input.Kind == "tokens" ? torch.ScalarType.Int64 : torch.ScalarType.Float32, device: device);

        public override void Dispose()
        {
            _unhook();
            foreach (var weight in Weights)
                weight.View.Dispose();
            _weight.Dispose();
            _bias.Dispose();
        }
    }
}
