using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp;

namespace Lips.Runtime.Certification;

/// <summary>A measured lower estimate of a Lipschitz constant. Another type than a bound: it cannot enter one.</summary>
public readonly record struct Estimate(double Value, int Iterations)
{
    public override string ToString() => Value.ToString("G6", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Norms of a value (batch, tokens…, width), as in specs: <c>rms</c>, <c>token</c> (largest ℓ2 of a token), <c>l2</c>.</summary>
public enum ValueNorm { Rms, Token, L2 }

/// <summary>
/// Searches for the largest operator norm of the Jacobian: for a fixed input by alternating between the best direction for an
/// output functional and the best functional for a direction (J through double backward, Jᵀ through backward), then by
/// gradient ascent on the input, whose tokens stay within the given radius. Every value seen is a gain at some input, so the
/// largest is an estimate from below.
/// </summary>
public sealed class Estimator(Func<torch.Tensor, torch.Tensor> function, ValueNorm normIn, ValueNorm normOut)
{
    /// <summary>Steps of ascent on the input.</summary>
    public int Ascents { get; init; } = 60;

    /// <summary>Alternations at each input.</summary>
    public int Alternations { get; init; } = 6;

    /// <summary>Largest norm of a token in the norm of the input; null leaves the input where each token's own norm allows.</summary>
    public double? Radius { get; init; }

    /// <summary>How short a token may be.</summary>
    public TokenDomain Least { get; init; }

    /// <summary>Where every entry of the input lies; in place of a radius.</summary>
    public (double Low, double High)? Range { get; init; }

    /// <summary>Whether a start of four axes is an image (batch, channels, height, width); values inside a model are channels last.</summary>
    public bool ImageStart { get; init; } = true;

    public static ValueNorm Parse(string name) => name switch
    {
        "rms" => ValueNorm.Rms,
        "token" => ValueNorm.Token,
        "l2" => ValueNorm.L2,
        _ => throw new RunFailed($"No estimate in the norm '{name}'; it may be rms, token or l2."),
    };

    /// <summary>The estimate of a claim at real inputs.</summary>
    public static Estimate OfClaim(ILipsModel model, ClaimInfo claim, IReadOnlyList<torch.Tensor> inputs, int ascents = 60, long seed = 0)
    {
        bool training = model.Module.training;
        model.Module.eval();
        var input = model.Inputs.FirstOrDefault(i => i.Name == claim.From && i.Kind != "tokens");
        bool isInput = input is not null;
        if (model.Inputs.Any(i => i.Name == claim.From && i.Kind == "tokens"))
            throw new RunFailed($"No estimate of '{claim.Text}': token ids have no distance. Name the embedding's output and claim the constant from there.");
        using var scope = torch.NewDisposeScope();
        var start = (isInput ? inputs[model.Inputs.ToList().FindIndex(i => i.Name == claim.From)] : model.ValueAt(claim.From, inputs)).detach();
        Func<torch.Tensor, torch.Tensor> rest = isInput && model.Inputs.Count == 1 ? x => model.Forward([x]) : x => model.Continue(claim.From, x, inputs);
        var estimator = new Estimator(rest, Parse(claim.NormIn), Parse(claim.NormOut)) 
        {
            Ascents = ascents,
            Radius = claim.Radius,
            Least = TokenDomain.Of(input),
            Range = input is { RangeLow: double low, RangeHigh: double high } ? (low, high) : null,
            ImageStart = isInput,
        };
        var result = estimator.Search(start, seed);
        model.Module.train(training);
        return result;
    }

    /// <summary>Searches from the samples of <paramref name="start"/> (batch first), all at once; samples do not mix.</summary>
    public Estimate Search(torch.Tensor start, long seed = 0)
    {
        using var scope = torch.NewDisposeScope();
        using var grad = torch.enable_grad();
        using var generator = new torch.Generator((ulong)seed);
        var limits = Limits(start.detach());
        // what is seen outside of the domain says nothing about a bound that holds inside
        var x = Clip(start.detach(), limits).DetachFromDisposeScope();
        double unit = Unit(Tokens(start), normIn), outUnit = 0, best = 0;
        torch.Tensor? functional = null;
        double rate = 0.05;
        int iterations = 0;
        for (int ascent = 0; ascent <= Ascents; ascent++)
        {
            using var inner = torch.NewDisposeScope();
            using var point = x.detach().requires_grad_(true);
            var value = function(point);
            outUnit = Unit(OutputTokens(value), normOut);
            functional ??= Dual(torch.randn(value.shape, dtype: value.dtype, device: value.device, generator: generator.device.type == value.device.type ? generator : null), normOut).DetachFromDisposeScope();
            for (int i = 0; i < (ascent == 0 ? 4 * Alternations : Alternations); i++, iterations++)
            {
                var direction = Primal(Transposed(value, point, functional, create: false).detach());
                var next = Dual(Forward(value, point, direction).detach(), normOut).DetachFromDisposeScope();
                functional.Dispose();
                functional = next;
            }
            var gradient = Transposed(value, point, functional, create: true);
            var gains = DualNorm(gradient);
            double largest = Gain(gradient.detach()) * unit / outUnit;
            rate = largest > best ? Math.Min(rate * 1.2, 0.3) : rate * 0.7;
            best = Math.Max(best, double.IsFinite(largest) ? largest : 0);
            if (ascent == Ascents || !gains.requires_grad)
                break;
            // A map that is linear from here on has no gradient with respect to the input: nothing is left to gain.
            var slope = torch.autograd.grad([gains.sum()], [point], allow_unused: true)[0];
            if (slope is null || slope.IsInvalid)
                break;
            var move = slope / Length(slope).clamp_min(1e-30f) * limits.square().sum([1L], keepdim: true).sqrt().clamp_min(1e-6f).view(Ones(slope)) * rate;
            var moved = Clip(point.detach() + move.detach(), limits).DetachFromDisposeScope();
            x.Dispose();
            x = moved;
        }
        functional?.Dispose();
        x.Dispose();
        // Rounding may lift a computed gain above the true one; an estimate from below stays below.
        return new Estimate(best * (1 - (start.dtype == torch.ScalarType.Float64 ? 1e-9 : 1e-5)), iterations);
    }

    private static long[] Ones(torch.Tensor like) => [-1, .. Enumerable.Repeat(1L, (int)like.dim() - 1)];

    /// <summary>Jᵀu for every sample.</summary>
    private static torch.Tensor Transposed(torch.Tensor value, torch.Tensor point, torch.Tensor functional, bool create) =>
        torch.autograd.grad([value], [point], [functional], retain_graph: true, create_graph: create)[0];

    /// <summary>Jv: the gradient of ⟨Jᵀw, v⟩ with respect to w, at any w.</summary>
    private static torch.Tensor Forward(torch.Tensor value, torch.Tensor point, torch.Tensor direction)
    {
        var w = torch.zeros_like(value).requires_grad_(true);
        var pulled = torch.autograd.grad([value], [point], [w], retain_graph: true, create_graph: true)[0];
        return torch.autograd.grad([pulled], [w], [direction], retain_graph: true)[0];
    }

    /// <summary>Samples as (batch, tokens, width): a value without tokens has one. The tokens of an image are its pixels.</summary>
    private torch.Tensor Tokens(torch.Tensor value) =>
        value.dim() == 4 && ImageStart ? value.flatten(2).transpose(1, 2) : OutputTokens(value);

    private static torch.Tensor OutputTokens(torch.Tensor value) => value.dim() == 2 ? value.unsqueeze(1) : value.flatten(1, -2);

    private torch.Tensor Back(torch.Tensor tokens, torch.Tensor like) =>
        like.dim() == 4 && ImageStart ? tokens.transpose(1, 2).reshape(like.shape) : tokens.reshape(like.shape);

    /// <summary>ℓ2 over √width for RMS, so that norms below are all in ℓ2.</summary>
    private static double Unit(torch.Tensor tokens, ValueNorm norm) => norm == ValueNorm.Rms ? Math.Sqrt(tokens.shape[2]) : 1;

    private static torch.Tensor Length(torch.Tensor value) => value.flatten(1).square().sum(1).sqrt().view(Ones(value));

    private static torch.Tensor TokenLengths(torch.Tensor tokens) => tokens.square().sum(2, keepdim: true).sqrt();

    /// <summary>The dual of the input norm, of Jᵀu: Σ over tokens of their ℓ2 norms, or the ℓ2 norm of all.</summary>
    private torch.Tensor DualNorm(torch.Tensor gradient) => normIn == ValueNorm.L2
        ? gradient.flatten(1).square().sum(1).sqrt()
        : (Tokens(gradient).square().sum(2) + 1e-30).sqrt().sum(1);

    /// <summary>The largest dual norm over the samples, without what keeps <see cref="DualNorm"/> smooth at 0.</summary>
    private double Gain(torch.Tensor gradient)
    {
        var exact = normIn == ValueNorm.L2 ? Length(gradient).flatten() : TokenLengths(Tokens(gradient)).squeeze(2).sum(1);
        return exact.max().to(torch.ScalarType.Float64).item<double>();
    }

    /// <summary>The direction of input norm 1 that gains most.</summary>
    private torch.Tensor Primal(torch.Tensor gradient)
    {
        if (normIn == ValueNorm.L2)
            return gradient / Length(gradient).clamp_min(1e-30f);
        var tokens = Tokens(gradient);
        return Back(tokens / TokenLengths(tokens).clamp_min(1e-30f), gradient);
    }

    /// <summary>The functional of dual norm 1 that sees most of an output change: all of it, or the token that changes most.</summary>
    private static torch.Tensor Dual(torch.Tensor change, ValueNorm norm)
    {
        if (norm == ValueNorm.L2)
            return change / Length(change).clamp_min(1e-30f);
        var tokens = OutputTokens(change);
        var lengths = TokenLengths(tokens);
        var best = lengths.argmax(1, keepdim: true);
        var mask = torch.zeros_like(lengths).scatter(1, best, torch.ones_like(lengths));
        return (tokens / lengths.clamp_min(1e-30f) * mask).reshape(change.shape);
    }

    /// <summary>The largest ℓ2 norm of each token: the radius, or the largest token of the start.</summary>
    private torch.Tensor Limits(torch.Tensor x)
    {
        var lengths = TokenLengths(Tokens(x));
        return Radius is double radius
            ? torch.full_like(lengths, radius * Unit(Tokens(x), normIn))
            : lengths.amax([1L], keepdim: true).expand(lengths.shape).clone();
    }

    private torch.Tensor Clip(torch.Tensor x, torch.Tensor limits)
    {
        if (Range is var (low, high))
            return x.clamp(low, high);
        var tokens = Tokens(x);
        return Back(Least.Nearby(tokens, limits), x).contiguous();
    }
}
