using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Lips.Runtime.Modules;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;

namespace Lips.Runtime.Tests.Training;

/// <summary>Entropies of attention and the theorem of arXiv 2303.06296 beside them.</summary>
public sealed class AttentionEntropyTests
{
    /// <summary>A row of norm s with one logit above and the others equal below attains the bound.</summary>
    [Theory]
    [InlineData(2, 0.3)]
    [InlineData(3, 1.0)]
    [InlineData(8, 3.0)]
    [InlineData(64, 8.0)]
    public void The_floor_is_attained_by_one_logit_above_the_others(int keys, double norm)
    {
        double above = norm * Math.Sqrt((keys - 1.0) / keys), below = -above / (keys - 1);
        double total = Math.Exp(above) + ((keys - 1) * Math.Exp(below));
        double Term(double logit) => -Math.Exp(logit) / total * (logit - Math.Log(total));
        Assert.Equal(Term(above) + ((keys - 1) * Term(below)), AttentionEntropy.Floor(norm, keys), 9);
    }

    [Fact]
    public void The_floor_is_all_of_it_without_logits_and_nothing_for_one_key_or_endless_logits()
    {
        Assert.Equal(Math.Log(7), AttentionEntropy.Floor(0, 7), 12);
        Assert.Equal(0, AttentionEntropy.Floor(3, 1));
        Assert.Equal(0, AttentionEntropy.Floor(1e6, 100));
    }

    private sealed class OneLayer : ILipsModel
    {
        private readonly Holder _holder;

        public OneLayer(torch.nn.Module<torch.Tensor, torch.Tensor> attention, IReadOnlyList<Weight> weights)
        {
            _holder = new Holder(attention);
            Weights = weights;
        }

        private sealed class Holder : torch.nn.Module<torch.Tensor, torch.Tensor>
        {
            private readonly torch.nn.Module<torch.Tensor, torch.Tensor> attention;

            public Holder(torch.nn.Module<torch.Tensor, torch.Tensor> layer)
                : base("holder") => register_module("attention", attention = layer);

            public override torch.Tensor forward(torch.Tensor x) => attention.call(x);
        }

        public string Name => "OneLayer";

        public string Meaning => "";

        public torch.nn.Module Module => _holder;

        public IReadOnlyList<InputInfo> Inputs => [new("x", "features", [5, 8])];

        public IReadOnlyList<Weight> Weights { get; }

        public torch.Tensor Forward(IReadOnlyList<torch.Tensor> inputs) => _holder.call(inputs[0]);

        public torch.Tensor ValueAt(string point, IReadOnlyList<torch.Tensor> inputs) => inputs[0];

        public torch.Tensor Continue(string point, torch.Tensor value) => value;

        public IReadOnlyList<ClaimInfo> Claims => [];

        public UpperBound BoundAtCaps(int claim) => UpperBound.Infinity;

        public UpperBound Bound(int claim, Norms norms) => UpperBound.Infinity;

        public string DomainAt(int claim, Norms norms) => "";

        public RecipeEntry[] Recipe => [];

        public IReadOnlyList<NormRequest> NormsNeeded => [];

        public void Dispose() => _holder.Dispose();
    }

    private static OneLayer Make(bool bias, bool causal = false, Rotary? rotary = null)
    {
        Weight Slice(string name, int index) => new("attention." + name, "attention.qkv.weight", Role.Matrix, [8, 8], 8 * index, 2, HeadAxis.Rows, new Init.Normal(0.4));
        Weight Bias(string name, int index) => new($"attention.{name}_bias", "attention.qkv.bias", Role.Bias, [8], 8 * index, 2, HeadAxis.Rows, new Init.Normal(0.4));
        List<Weight> weights = [Slice("q", 0), Slice("k", 1), Slice("v", 2), new("attention.out", "attention.out.weight", Role.Matrix, [8, 8], Init: new Init.Normal(0.4))];
        if (bias)
            weights.AddRange([Bias("q", 0), Bias("k", 1), Bias("v", 2), new("attention.out_bias", "attention.out.bias", Role.Bias, [8], Init: new Init.Zero())]);
        return new OneLayer(new Attention(width: 8, heads: 2, scale: 0.5, causal: causal, rotary: rotary, hasBias: bias), weights);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Entropies_are_those_of_the_softmax_and_never_below_the_floor(bool bias, bool causal)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            using var scope = torch.NewDisposeScope();
            using var model = Make(bias, causal);
            Initialization.Apply(model, seed);
            using var weights = new ModelWeights(model);
            var x = torch.randn([3, 5, 8], generator: new torch.Generator((ulong)seed)) * (0.2 * (1 + (seed % 7)));
            using var batch = new Batch(x, torch.zeros(3));
            var heads = Assert.Single(AttentionEntropy.Measure(model, weights, batch, samples: 3)).Value;

            var input = x.to(torch.ScalarType.Float64);
            torch.Tensor Project(string name)
            {
                var y = input.matmul(weights["attention." + name].View.to(torch.ScalarType.Float64).mT);
                y = bias ? y + weights[$"attention.{name}_bias"].View.to(torch.ScalarType.Float64) : y;
                return y.view(3, 5, 2, 4).permute(0, 2, 1, 3);
            }
            var logits = Project("q").matmul(Project("k").mT) * 0.5;
            if (causal)
                logits = logits + torch.full([5L, 5L], -1e9, dtype: torch.ScalarType.Float64).triu(1);
            var p = logits.softmax(-1);
            double[] expected = (-(p * p.clamp_min(1e-300).log()).sum(-1)).mean([0L, 2L]).data<double>().ToArray();
            for (int h = 0; h < 2; h++)
            {
                Assert.Equal(expected[h], heads[h].Entropy, 5);
                Assert.InRange(heads[h].Floor!.Value, 0, heads[h].Entropy);
            }
            // small logits: the floor is near the entropy, which is near its largest
            if (seed == 0 && !bias)
                Assert.All(heads, h => Assert.True(h.Floor > 0.5 * h.Entropy, $"{h}"));
        }
    }

    [Fact]
    public void The_theorem_says_nothing_where_positions_turn_the_keys()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Make(bias: false, rotary: new Rotary(channels: 4, wavelengths: 100));
        Initialization.Apply(model, 0);
        using var weights = new ModelWeights(model);
        using var batch = new Batch(torch.randn(2, 5, 8), torch.zeros(2));
        Assert.All(AttentionEntropy.Measure(model, weights, batch)["attention"], h => Assert.Null(h.Floor));
    }

    [Fact]
    public void The_log_keeps_entropies_head_by_head()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("lips-entropy-").FullName, "metrics.jsonl");
        try
        {
            using (var log = new MetricsLog(path, 0))
                log.Write(new MetricsLine
                {
                    Step = 3,
                    Attention = new Dictionary<string, IReadOnlyList<HeadEntropy>> { ["blocks.0.attention"] = [new(1.25, 0.5), new(2, 0)], ["other"] = [new(3, null)] },
                });
            var read = Assert.Single(MetricsLog.Read(path)).Attention!;
            Assert.Equal([new HeadEntropy(1.25, 0.5), new HeadEntropy(2, 0)], read["blocks.0.attention"]);
            Assert.Equal([new HeadEntropy(3, null)], read["other"]);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }
}
