using System;
using Lips.Runtime.Torch;
using TorchSharp;
using static TorchSharp.torch.nn;

namespace Lips.Runtime.Training;

/// <summary>The objectives as numbers, of a model's output alone.</summary>
internal static class Losses
{
    /// <summary>The mean over predictions, for training. What an objective takes from elsewhere, a teacher or a weak head, is added by <see cref="TrainingLoss"/>.</summary>
    public static torch.Tensor Mean(Objective objective, torch.Tensor logits, Batch batch)
    {
        if (objective is Objective.Ctc ctc)
            return Ctc.Loss(logits, batch, ctc.Blank, Reduction.Mean);
        var (flat, target) = Flatten(logits, batch);
        return objective switch
        {
            Objective.NextToken next => functional.cross_entropy(flat, target, ignore_index: Batch.Ignored, label_smoothing: next.LabelSmoothing),
            Objective.CrossEntropy cross => functional.cross_entropy(flat, target, label_smoothing: cross.LabelSmoothing),
            Objective.Hinge hinge => Hinge(flat, target, hinge).mean(),
            Objective.Nkd or Objective.Uskd => functional.cross_entropy(flat, target),
            _ => throw new ArgumentOutOfRangeException(nameof(objective), objective, "No such objective."),
        };
    }

    /// <summary>
    /// <see cref="Mean"/> of logits that are read by nobody else: where the provider can, the gradient takes their place, and nothing of
    /// the size of the logits is made beside them.
    /// </summary>
    public static torch.Tensor Consuming(Objective objective, torch.Tensor logits, Batch batch)
    {
        if (objective is (Objective.NextToken { LabelSmoothing: 0 } or Objective.CrossEntropy { LabelSmoothing: 0 }) && logits.requires_grad)
        {
            var (flat, target) = Flatten(logits, batch);
            if (TorchExtras.ConsumingCrossEntropy(flat, target, Batch.Ignored) is { } loss)
                return loss;
        }
        return Mean(objective, logits, batch);
    }

    /// <summary>Sum of the loss (without smoothing or distillation), of right predictions, and how many predictions there were.</summary>
    public static (torch.Tensor Loss, torch.Tensor Right, long Count) Sums(Objective objective, torch.Tensor logits, Batch batch)
    {
        if (objective is Objective.Ctc ctc)
            return Ctc.Sums(logits, batch, ctc.Blank);
        var (flat, target) = Flatten(logits, batch);
        var loss = objective is Objective.Hinge hinge
            ? Hinge(flat, target, hinge).sum()
            : functional.cross_entropy(flat, target, ignore_index: Batch.Ignored, reduction: Reduction.Sum);
        long count = batch.Padded ? target.ne(Batch.Ignored).sum().item<long>() : target.numel();
        return (loss, flat.argmax(1).eq(target).sum(), count);
    }

    /// <summary>Predictions (n, classes) and targets (n), without those of a window that do not count.</summary>
    public static (torch.Tensor Logits, torch.Tensor Target) Flatten(torch.Tensor logits, Batch batch)
    {
        var target = batch.Target;
        if (batch.Counted is int counted && counted < target.shape[1])
        {
            logits = logits.narrow(1, logits.shape[1] - counted, counted);
            target = target.narrow(1, target.shape[1] - counted, counted);
        }
        long classes = logits.shape[^1];
        if (logits.numel() != target.numel() * classes)
            throw new RunFailed($"The model gives predictions of shape [{string.Join(", ", logits.shape)}] for targets of shape [{string.Join(", ", target.shape)}].");
        return (logits.reshape(-1, classes), target.reshape(-1));
    }

    private static torch.Tensor Hinge(torch.Tensor logits, torch.Tensor target, Objective.Hinge hinge)
    {
        var index = target.unsqueeze(1);
        var own = logits.gather(1, index).squeeze(1);
        var others = logits.scatter(1, index, torch.full_like(index, float.NegativeInfinity, dtype: logits.dtype)).amax(1);
        var meanOfOthers = (logits.sum(1) - own) / Math.Max(logits.shape[1] - 1, 1);
        return (hinge.Margin - (own - others)).clamp_min(0) * hinge.Weight - (own - meanOfOthers);
    }
}
