using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>
/// The inputs of a model, in the order of its spec, and what they should give: classes (batch), or (batch, length). Of a
/// sequence's predictions only the last <paramref name="Counted"/> count, all when null; where <paramref name="Padded"/>,
/// targets of <see cref="Ignored"/> do not count either. <paramref name="TargetLengths"/> (batch) says how many of a row's
/// targets there are, where they are no longer aligned with the output.
/// </summary>
public sealed record Batch(IReadOnlyList<torch.Tensor> Inputs, torch.Tensor Target, int? Counted = null, bool Padded = false, torch.Tensor? TargetLengths = null) : IDisposable
{
    /// <summary>A target that is none: cross-entropy's own mark.</summary>
    public const long Ignored = -100;

    public Batch(torch.Tensor input, torch.Tensor target, int? counted = null)
        : this([input], target, counted)
    {
    }

    /// <summary>The same batch of other tensors.</summary>
    internal Batch Of(Func<torch.Tensor, torch.Tensor> each) =>
        this with { Inputs = [.. Inputs.Select(each)], Target = each(Target), TargetLengths = TargetLengths is { } lengths ? each(lengths) : null };

    public void Dispose()
    {
        foreach (var input in Inputs)
            input.Dispose();
        Target.Dispose();
        TargetLengths?.Dispose();
    }
}
