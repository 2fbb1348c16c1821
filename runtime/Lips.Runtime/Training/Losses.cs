using System;
using TorchSharp;
using static TorchSharp.torch.nn;

namespace Lips.Runtime.Training;

/// <summary>The objectives as numbers.</summary>
internal static class Losses
{
    /// <summary>The mean over predictions, for training.</summary>
    public static torch.Tensor Mean(Objective objective, torch.Tensor logits, Batch batch)
    {
        var (flat, target) = Flatten(logits, batch);
        return objective switch
        {
            Objective.NextToken next => functional.cross_entropy(flat, target, label_smoothing: next.LabelSmoothing),
            Objective.CrossEntropy cross => functional.cross_entropy(flat, target, label_smoothing: cross.LabelSmoothing),
            Objective.Hinge hinge => Hinge(flat, target, hinge).mean(),
            _ => throw new ArgumentOutOfRangeException(nameof(objective), objective, "No such objective."),
        };
    }

    /// <summary>Sum of the loss (without smoothing), of right predictions, and how many predictions there were.</summary>
    public static (torch.Tensor Loss, torch.Tensor Right, long Count) Sums(Objective objective, torch.Tensor logits, Batch batch)
    {
        var (flat, target) = Flatten(logits, batch);
        var loss = objective is Objective.Hinge hinge
            ? Hinge(flat, target, hinge).sum()
            : functional.cross_entropy(flat, target, reduction: Reduction.Sum);
        return (loss, flat.argmax(1).eq(target).sum(), target.numel());
    }

    /// <summary>Predictions (n, classes) and targets (n), without those of a window that do not count.</summary>
    private static (torch.Tensor Logits, torch.Tensor Target) Flatten(torch.Tensor logits, Batch batch)
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
