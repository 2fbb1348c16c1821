using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>
/// Entropy of one head's attention in nats, the mean over queries and samples, and the least that the theorem of Zhai et al.
/// allows for the same tokens and weights, computed in floating point; null where the theorem does not speak of the layer.
/// </summary>
public sealed record HeadEntropy(double Entropy, double? Floor);

/// <summary>
/// Watches how sharply a model attends. Collapse is entropy falling to 0 (Zhai et al. 2023, arXiv 2303.06296). Theorem 3.1: where
/// the logits of a row with T keys have ℓ2 norm at most s, its entropy is at least log(1 + (T−1)β) + s·√(T(T−1))·β/(1 + (T−1)β),
/// β = exp(−s·√(T/(T−1))). Here s = scale·σ(W_Qᵀ W_K)·max|x_i|·σ(Y) for queries x and keys Y, each with a 1 appended where there
/// are biases; for Y = X it is at most the σ̄ of the theorem, which takes σ(X)² for the last two factors.
/// </summary>
public static class AttentionEntropy
{
    /// <summary>Entropies of every attention layer by its module's name, head by head, in evaluation mode on a batch's first samples.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<HeadEntropy>> Measure(ILipsModel model, ModelWeights weights, Batch batch, int samples = 4)
    {
        var layers = model.Module.named_modules().Where(m => m.module is IAttention).Select(m => (m.name, Module: (IAttention)m.module)).ToList();
        var found = new Dictionary<string, IReadOnlyList<HeadEntropy>>(StringComparer.Ordinal);
        if (layers.Count == 0)
            return found;
        bool training = model.Module.training;
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        model.Module.eval();
        var watches = layers.Select(l => new Watch(l.name, l.Module, weights)).ToList();
        try
        {
            model.Forward(batch.Inputs.Select(i => i.narrow(0, 0, Math.Min(samples, i.shape[0]))).ToList());
        }
        finally
        {
            foreach (var watch in watches)
                watch.Stop();
            model.Module.train(training);
        }
        foreach (var watch in watches)
            if (watch.Heads is { } heads)
                found[watch.Name] = heads;
        return found;
    }

    /// <summary>The theorem's least entropy of a softmax over <paramref name="keys"/> logits whose vector has ℓ2 norm at most <paramref name="norm"/>.</summary>
    public static double Floor(double norm, long keys)
    {
        if (keys < 2)
            return 0;
        double t = keys, beta = Math.Exp(-norm * Math.Sqrt(t / (t - 1)));
        return Math.Log(1 + (t - 1) * beta) + (beta > 0 ? norm * Math.Sqrt(t * (t - 1)) * beta / (1 + (t - 1) * beta) : 0);
    }

    private sealed class Watch
    {
        private readonly IAttention _module;
        private readonly Action<torch.Tensor>? _before;
        private readonly Action _unhook;
        private readonly ModelWeights _weights;
        private torch.Tensor? _asks, _seen;

        public Watch(string name, IAttention module, ModelWeights weights)
        {
            (Name, _module, _weights, _before) = (name, module, weights, module.Probabilities);
            module.Probabilities = Take;
            switch (module)
            {
                case torch.nn.Module<torch.Tensor, torch.Tensor> one:
                    var ofOne = one.register_forward_pre_hook((_, x) =>
                    {
                        (_asks, _seen) = (x, x);
                        return x;
                    });
                    _unhook = ofOne.remove;
                    break;
                case torch.nn.Module<torch.Tensor, torch.Tensor, torch.Tensor> two:
                    var ofTwo = two.register_forward_pre_hook((_, x, y) =>
                    {
                        (_asks, _seen) = (x, y);
                        return (x, y);
                    });
                    _unhook = ofTwo.remove;
                    break;
                default:
                    _unhook = () => { };
                    break;
            }
        }

        public string Name { get; }

        public IReadOnlyList<HeadEntropy>? Heads { get; private set; }

        public void Stop()
        {
            _unhook();
            _module.Probabilities = _before;
        }

        private void Take(torch.Tensor probabilities)
        {
            _before?.Invoke(probabilities);
            using var scope = torch.NewDisposeScope();
            var p = probabilities.to(torch.ScalarType.Float64);
            double[] entropies = (-(p * p.clamp_min(1e-300).log()).sum(-1)).mean([0L, 2L]).ToArray<double>();
            double[]? floors = Floors(probabilities.shape[2], probabilities.shape[3], entropies.Length);
            // stripes of two directions are two kinds of window, each with its heads
            Heads = [.. Heads ?? [], .. entropies.Select((e, h) => new HeadEntropy(e, floors?[h]))];
        }

        /// <summary>Per head; null where the layer's logits are not those of the theorem.</summary>
        private double[]? Floors(long queries, long keys, int heads)
        {
            if (_module.ProductScale is not double scale || _asks is null || _seen is null)
                return null;
            var asks = Tokens(_asks);
            var seen = ReferenceEquals(_asks, _seen) ? asks : Tokens(_seen);
            // windows and stripes attend within parts of what is seen here
            if (asks.shape[1] != queries || seen.shape[1] != keys || Projection("q", heads) is not { } q || Projection("k", heads) is not { } k)
                return null;
            bool biased = q.shape[2] > asks.shape[2];
            if (biased)
                (asks, seen) = (WithOne(asks), WithOne(seen));
            // σ(QᵀK) of thin matrices is that of the triangular factors of their transposes
            var (_, rq) = torch.linalg.qr(q.mT);
            var (_, rk) = torch.linalg.qr(k.mT);
            double[] product = torch.linalg.svd(rq.bmm(rk.mT), fullMatrices: false).S.amax(1).ToArray<double>();
            double[] largest = asks.square().sum(-1).sqrt().amax(1).ToArray<double>();
            var gram = seen.shape[1] < seen.shape[2] ? seen.bmm(seen.mT) : seen.mT.bmm(seen);
            double[] spread = torch.linalg.eigvalsh(gram).amax(1).clamp_min(0).sqrt().ToArray<double>();
            return product.Select(sigma => largest.Select((x, sample) => Mean(Math.Abs(scale) * sigma * x * spread[sample], queries, keys)).Average()).ToArray();
        }

        private double Mean(double norm, long queries, long keys) => _module.IsCausal
            ? Enumerable.Range(0, (int)queries).Average(i => Floor(norm, i + 1))
            : Floor(norm, keys);

        /// <summary>[heads, head width, width], in float64, with the bias as one column more where there is one.</summary>
        private torch.Tensor? Projection(string name, int heads)
        {
            var weight = _weights.All.FirstOrDefault(w => w.Weight.Name == $"{Name}.{name}");
            if (weight is null)
                return null;
            var matrix = weight.View.detach().to(torch.ScalarType.Float64);
            // both projections get the column, or the augmented tokens would not fit
            var biases = _weights.All.Where(w => w.Weight.Name == $"{Name}.q_bias" || w.Weight.Name == $"{Name}.k_bias").ToList();
            if (biases.Count > 0)
            {
                var bias = biases.FirstOrDefault(w => w.Weight.Name == $"{Name}.{name}_bias")?.View.detach().to(torch.ScalarType.Float64)
                    ?? torch.zeros(matrix.shape[0], dtype: torch.ScalarType.Float64, device: matrix.device);
                matrix = torch.cat([matrix, bias.unsqueeze(1)], 1);
            }
            return matrix.view(heads, -1, matrix.shape[1]);
        }

        private static torch.Tensor Tokens(torch.Tensor x) => x.detach().reshape(x.shape[0], -1, x.shape[^1]).to(torch.ScalarType.Float64);

        private static torch.Tensor WithOne(torch.Tensor x) =>
            torch.cat([x, torch.ones([x.shape[0], x.shape[1], 1], dtype: x.dtype, device: x.device)], -1);
    }
}
