using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Data;
using TorchSharp;
using TorchSharp.Modules;

namespace Lips.Runtime.Reparametrizations;

/// <summary>
/// One matrix W = γ·V/n(V) in training: V and γ are learned, n is σ(V), or the norm of every row by itself. With
/// u, v the singular vectors of a power iteration held constant, σ(V) = uᵀVv and so
/// ∂L/∂V = (γ/σ)·(G − (⟨G, V⟩/σ)·uvᵀ) and ∂L/∂γ = ⟨G, V⟩/σ, where G = ∂L/∂W.
/// </summary>
internal sealed class NormalizedMatrix : IDisposable
{
    /// <summary>Steps of the power iteration before training; afterwards one per training step.</summary>
    private const int StepsAtStart = 15;

    /// <summary>Below this a matrix counts as zero, and stays zero.</summary>
    private const double Least = 1e-12;

    private readonly torch.Tensor _stored, _folded, _norm;
    private readonly Func<torch.Tensor> _gradient, _storedGradient;
    private readonly torch.Tensor? _left, _right, _gain;

    /// <param name="rule">What n is and where γ starts.</param>
    /// <param name="stored">V, rows × columns: a view of what the optimizer updates.</param>
    /// <param name="folded">W, of the same shape: a view of the module's parameter.</param>
    /// <param name="gradient">∂L/∂W after the backward pass, rows × columns.</param>
    /// <param name="storedGradient">Where ∂L/∂V goes.</param>
    /// <param name="seed">Of the power iteration's first vector.</param>
    public NormalizedMatrix(Reparametrization rule, torch.Tensor stored, torch.Tensor folded, Func<torch.Tensor> gradient, Func<torch.Tensor> storedGradient, long seed)
    {
        Rule = rule;
        (_stored, _folded, _gradient, _storedGradient) = (stored, folded, gradient, storedGradient);
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        if (rule is Reparametrization.Rows)
        {
            _norm = RowNorms().DetachFromDisposeScope();
            Gain = new Parameter(_norm.clone().DetachFromDisposeScope());
            _gain = Gain.detach().DetachFromDisposeScope();
            return;
        }
        var random = SeededRandom.For(seed, "power iteration of " + rule.Group);
        var start = new float[stored.size(1)];
        for (int i = 0; i < start.Length; i++)
            start[i] = (float)random.Normal();
        _right = torch.tensor(start, device: stored.device).to(stored.dtype).view(-1, 1).DetachFromDisposeScope();
        _left = torch.zeros([stored.size(0), 1], dtype: stored.dtype, device: stored.device).DetachFromDisposeScope();
        for (int i = 0; i < StepsAtStart; i++)
            Iterate();
        _norm = Sigma().DetachFromDisposeScope();
        if (rule is Reparametrization.Sigma sigma)
        {
            Gain = new Parameter((sigma.Gain is double gain ? torch.full_like(_norm, gain) : _norm.clone()).view(1).DetachFromDisposeScope());
            _gain = Gain.detach().DetachFromDisposeScope();
        }
    }

    public Reparametrization Rule { get; }

    /// <summary>γ: one number, or one per row; null where W = V/σ(V).</summary>
    public Parameter? Gain { get; }

    /// <summary>What a checkpoint must hold beside V: γ and the singular vectors.</summary>
    public IEnumerable<(string Name, torch.Tensor Tensor)> State
    {
        get
        {
            if (_gain is not null)
                yield return ("gamma", _gain);
            if (_left is not null)
                yield return ("left", _left);
            if (_right is not null)
                yield return ("right", _right);
        }
    }

    /// <summary>W ← γ·V/n(V), after <paramref name="steps"/> steps of the power iteration.</summary>
    public void Fold(int steps)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        for (int i = 0; i < steps && _left is not null; i++)
            Iterate();
        // in its place: a recorded step reads it there
        _norm.copy_(_left is null ? RowNorms() : Sigma());
        _folded.copy_(_stored * Factor());
    }

    /// <summary>From the gradient of W to those of V and γ.</summary>
    public void PullBack()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var gradient = _gradient();
        var product = gradient * _stored;
        // ⟨G, V⟩/n, over the matrix or over each row
        var along = (_left is null ? product.sum(1, keepdim: true) : product.sum()) / _norm;
        var direction = _left is null ? _stored / _norm : _left.matmul(_right!.mT);
        _storedGradient().copy_((gradient - direction * along) * Factor());
        if (Gain is not null)
            Gain.grad = along.reshape(Gain.shape);
        // what clips the gradient must not count it twice
        gradient.zero_();
    }

    private torch.Tensor Factor() => _gain is null ? _norm.reciprocal() : _gain.view(_norm.shape) / _norm;

    /// <summary>u ← Vv/‖Vv‖, v ← Vᵀu/‖Vᵀu‖.</summary>
    private void Iterate()
    {
        var left = _stored.matmul(_right!);
        _left!.copy_(left / left.norm().clamp_min(Least));
        var right = _stored.mT.matmul(_left);
        _right!.copy_(right / right.norm().clamp_min(Least));
    }

    /// <summary>uᵀVv, at most σ(V): an estimate that no bound may rest on.</summary>
    private torch.Tensor Sigma() => _left!.mT.matmul(_stored).matmul(_right!).reshape([]).clamp_min(Least);

    private torch.Tensor RowNorms() => _stored.square().sum(1, keepdim: true).sqrt().clamp_min(Least);

    public void Dispose()
    {
        _norm.Dispose();
        _left?.Dispose();
        _right?.Dispose();
        _gain?.Dispose();
        Gain?.Dispose();
    }
}
