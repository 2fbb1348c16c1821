using Lips.Runtime.Optimizers;
using TorchSharp;

namespace Lips.Runtime.Constraints;

/// <summary>
/// How far a step may bring weights beyond their cap: a bound of σ_max over the cap after it, where it was at most the cap before.
/// What it calls for is decided on the processor; the strengths are numbers of the step.
/// </summary>
internal sealed class Reach
{
    /// <summary>What the projection has to be, from nothing (the step cannot leave the cap) to the exact cap, whatever the weights are.</summary>
    public enum Call { Nothing, Near, Wide, Exact }

    private readonly StepNumber _bound;
    private readonly StepNumber? _alpha, _linear, _quadratic, _constant;

    /// <param name="method">Soft or hard.</param>
    /// <param name="numbers">Of the update that the projection ends.</param>
    /// <param name="weight">One that has it, for messages.</param>
    public Reach(StepNumber bound, CapMethod method, StepNumbers numbers, string weight)
    {
        _bound = bound;
        Obstacle = $"a step may take '{weight}' so far beyond its cap that the projection looks at how far it is";
        if (method is not CapMethod.Soft)
            return;
        _alpha = numbers.Add((_, _) => SoftCap.Coefficient(bound.Host) ?? double.NaN);
        _linear = numbers.Add((_, _) => SoftCap.Terms(_alpha.Host).Linear);
        _quadratic = numbers.Add((_, _) => SoftCap.Terms(_alpha.Host).Quadratic);
        _constant = numbers.Add((_, _) => SoftCap.Terms(_alpha.Host).Constant);
    }

    public double Value => _bound.Host;

    /// <summary>The soft cap's α: zero where nothing needs to be done, null out of the range where the coupling is proven.</summary>
    public double? Alpha => double.IsNaN(_alpha!.Host) ? null : _alpha.Host;

    /// <summary>What the step that the numbers are of calls for: its kernels follow from it.</summary>
    public Call Needs =>
        _bound.Host <= 1 ? Call.Nothing
        : !(_bound.Host <= SoftCap.LargestReach) ? Call.Exact
        : _alpha is null && _bound.Host > Knee.All[0].Reach ? Call.Wide
        : Call.Near;

    /// <summary>What the last projection did.</summary>
    public Call Done { get; set; }

    /// <summary>Why no step that calls for the exact cap can be recorded.</summary>
    public string Obstacle { get; }

    /// <summary><see cref="SoftCap.Gain(torch.Tensor, double)"/> of this step's α.</summary>
    public torch.Tensor Gain(torch.Tensor gram) => SoftCap.Gain(gram, _linear!, _quadratic!, _constant!);
}
