using System;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Forward pass, loss and backward pass of a micro-batch: all of a step but the update.</summary>
internal sealed class GradientPass(ILipsModel model, TrainingPlan plan, TrainingLoss loss, ComputePrecision precision)
{
    /// <summary>Micro-batches of a step.</summary>
    public int Parts => plan.Accumulate;

    public ILipsModel Model => model;

    /// <summary>Adds the gradients of a micro-batch to those that the weights have; gives its part of the step's loss.</summary>
    /// <param name="factor">By which the batch's mean enters the step's, where it is one worker's share.</param>
    /// <param name="beforeBackward">Called when the loss is there.</param>
    public torch.Tensor Add(Batch batch, double factor = 1, Action? beforeBackward = null)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor mean;
        using (precision.Enter())
            mean = loss.Mean(ComputePrecision.Widened(model.Forward(batch.Inputs)), batch);
        if (plan.Accumulate > 1)
            mean = mean / plan.Accumulate;
        if (factor != 1)
            mean = mean * factor;
        beforeBackward?.Invoke();
        mean.backward();
        return mean.detach().MoveToOuterDisposeScope();
    }
}
