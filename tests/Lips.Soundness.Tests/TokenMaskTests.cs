using System;
using System.Linq;
using Lips.Runtime;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Soundness.Tests;

/// <summary>Masks that look at token ids: what they hide, and that bounds hold whatever they hide.</summary>
public sealed class TokenMaskTests
{
    private const int Length = 9, Width = 4, Pad = 0;

    public TokenMaskTests() => set_num_threads(1);

    private static Emitted Model(string mask, string norm = "l2", string cap = "1") => Emitted.One(new Case("mask", $$"""
        model M() in {{norm}} {
          input text = tokens(7, {{Length}})
          weights(bias: false, constraint: spectral_cap({{cap}}))
          x = embedding({{Width}}, constraint: row_cap(1))
          y = attention(2, scale: 1, {{mask}})
        }
        """));

    private static Tensor Tokens(params long[] ids) => tensor(ids, dtype: int64).view(1, -1);

    /// <summary>The output at the tokens, with the embedding's vectors replaced by given ones.</summary>
    private static Tensor Output(ILipsModel model, Tensor tokens, Tensor vectors)
    {
        var embedding = (nn.Module<Tensor, Tensor>)model.Module.named_modules().Single(m => m.name == "x").module;
        var hook = embedding.register_forward_hook((_, _, _) => vectors);
        try
        {
            return model.Forward([tokens]);
        }
        finally
        {
            hook.remove();
        }
    }

    private static (ILipsModel Model, Tensor Vectors) Random(Emitted emitted, ulong seed)
    {
        var model = emitted.New();
        model.Module.to(float64);
        model.Module.eval();
        using var generator = new Generator(seed);
        using var weights = new ModelWeights(model);
        foreach (var weight in weights.Distinct)
            CappedSet.Draw(weight, Start.Orthogonal, generator);
        return (model, randn([1, Length, Width], float64, generator: generator));
    }

    /// <summary>Rows and columns: which token's output depends on which token.</summary>
    private static bool[,] Sight(string mask, params long[] ids)
    {
        using var scope = NewDisposeScope();
        var (model, vectors) = Random(Model(mask), 3);
        using var owned = model;
        var before = Output(model, Tokens(ids), vectors);
        var sees = new bool[ids.Length, ids.Length];
        for (int key = 0; key < ids.Length; key++)
        {
            var moved = vectors.clone();
            moved[0, key] = moved[0, key] * -1.5 + 0.25;
            var change = (Output(model, Tokens(ids), moved) - before).abs().amax(-1).flatten();
            for (int row = 0; row < ids.Length; row++)
                sees[row, key] = change[row].item<double>() > 1e-12;
        }
        return sees;
    }

    [Theory]
    [InlineData("padding(0)", false)]
    [InlineData("padding(0, causal: true)", true)]
    public void Padding_is_seen_by_itself_alone(string mask, bool causal)
    {
        long[] ids = [3, 0, 1, 0, 0, 2, 6, 0, 0];
        var sees = Sight($"mask: {mask}, tokens: text", ids);
        for (int row = 0; row < Length; row++)
            for (int key = 0; key < Length; key++)
                Assert.Equal(row == key || (ids[key] != Pad && (!causal || key <= row)), sees[row, key]);
    }

    [Theory]
    [InlineData("document(5)", true)]
    [InlineData("document(5, causal: false)", false)]
    public void A_document_sees_itself_alone(string mask, bool causal)
    {
        long[] ids = [3, 1, 5, 2, 5, 5, 4, 1, 0];
        int[] document = [0, 0, 0, 1, 1, 2, 3, 3, 3];
        var sees = Sight($"mask: {mask}, tokens: text", ids);
        for (int row = 0; row < Length; row++)
            for (int key = 0; key < Length; key++)
                Assert.Equal(document[row] == document[key] && (!causal || key <= row), sees[row, key]);
    }

    /// <summary>
    /// One token that pads not is all that the others see: as many outputs move with it as there are tokens, where without a mask each would
    /// move by a share. A bound that took all keys for seen would be exceeded.
    /// </summary>
    [Fact]
    public void A_single_key_in_sight_moves_every_output()
    {
        using var scope = NewDisposeScope();
        // hardly any logits: what counts is who is seen
        string small = "qk.constraint: spectral_cap(1/1000), ";
        var masked = Model(small + "mask: padding(0), tokens: text");
        double bound = masked.Compiled.AtCaps.First(a => a.Item1.Norms.Equals(Tuple.Create(Lips.Core.Norm.L2Norm, Lips.Core.Norm.L2Norm))).Item2.ToDoubleUp();
        double unmasked = Model(small.TrimEnd(' ', ',')).Compiled.AtCaps.First(a => a.Item1.Norms.Equals(Tuple.Create(Lips.Core.Norm.L2Norm, Lips.Core.Norm.L2Norm))).Item2.ToDoubleUp();
        var (model, vectors) = Random(masked, 4);
        using var owned = model;
        using (var weights = new ModelWeights(model))
        using (no_grad())
            foreach (var weight in weights.Distinct.Where(w => w.Weight.Name is "y.q" or "y.k"))
                weight.View.mul_(1e-3);
        long[] ids = [0, 0, 0, 0, 2, 0, 0, 0, 0];
        vectors.mul_(0.1);
        var step = zeros_like(vectors);
        step[0, 4, 1] = 0.1;
        double gain = ((Output(model, Tokens(ids), vectors + step) - Output(model, Tokens(ids), vectors)).norm() / 0.1).item<double>();
        Assert.True(gain <= bound * (1 + 1e-9), $"gain {gain:R}, bound {bound:R}");
        // half of each output is the token's own value, and logits of nearly 0 share the row between the two
        Assert.True(gain > 1.4 * unmasked, $"gain {gain:R}, bound without a mask {unmasked:R}");
    }

    [Theory]
    [InlineData("mask: padding(0), tokens: text")]
    [InlineData("mask: padding(0, causal: true), tokens: text")]
    [InlineData("mask: document(5), tokens: text")]
    [InlineData("mask: document(5, causal: false), tokens: text")]
    public void No_gain_exceeds_the_bound_whatever_is_hidden(string mask)
    {
        using var scope = NewDisposeScope();
        var emitted = Model(mask, cap: "3");
        long[][] rows =
        [
            [0, 0, 0, 0, 2, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 6, 1, 2, 3, 4], [0, 0, 0, 0, 0, 0, 0, 0, 0],
            [5, 1, 5, 1, 2, 3, 5, 5, 1], [1, 5, 2, 3, 4, 6, 1, 2, 5], [5, 5, 5, 5, 5, 5, 5, 5, 5], [3, 0, 1, 0, 5, 2, 6, 0, 5],
        ];
        foreach (var (index, ids) in rows.Index())
        {
            var (model, vectors) = Random(emitted, (ulong)(20 + index));
            using var owned = model;
            vectors = vectors / vectors.norm(dim: -1, keepdim: true);
            double gain = LargestGain(model, Tokens(ids), vectors);
            foreach (var (_, query, bound) in emitted.Compiled.AtCaps.Select((a, i) => (i, a.Item1, a.Item2)))
                if (query.Norms.Equals(Tuple.Create(Lips.Core.Norm.L2Norm, Lips.Core.Norm.L2Norm)))
                    Assert.True(gain <= bound.ToDoubleUp() * (1 + 1e-9), $"{mask}, row {index}: gain {gain:R}, bound {bound.ToDoubleUp():R}");
        }
    }

    /// <summary>The norm of the Jacobian at a point, from below by power iteration.</summary>
    private static double LargestGain(ILipsModel model, Tensor tokens, Tensor vectors)
    {
        var at = vectors.detach().requires_grad_();
        var value = Output(model, tokens, at);
        long n = vectors.numel();
        var rows = Enumerable.Range(0, (int)n).Select(i =>
        {
            var unit = zeros([n], dtype: float64);
            unit[i] = 1;
            return autograd.grad([value], [at], [unit.view(value.shape)], retain_graph: true)[0].flatten();
        }).ToArray();
        return linalg.svdvals(stack(rows)).max().item<double>();
    }
}
