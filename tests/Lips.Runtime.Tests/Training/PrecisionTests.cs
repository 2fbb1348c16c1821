using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using Lips.Runtime.Torch;
using Lips.Runtime.Training;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using BatchNorm = Lips.Runtime.Modules.BatchNorm;
using Convolution = Lips.Runtime.Modules.Convolution;

namespace Lips.Runtime.Tests.Training;

/// <summary>precision: bfloat16: what is computed in it, how near it comes, and what stays float32.</summary>
public sealed class PrecisionTests
{
    /// <summary>Half the distance of two neighbouring bfloat16 numbers, relative: their significand has eight bits.</summary>
    private const double Unit = 1.0 / 256;

    /// <summary>More roundings than lie one after the other in any of the layers below, between two linear ones.</summary>
    private const int Roundings = 16;

    private const int Width = 8;

    private static readonly Dictionary<string, (Func<nn.Module<Tensor, Tensor>> Make, long[] Shape)> Layers = new(StringComparer.Ordinal)
    {
        ["attention"] = (() => new Attention(Width, 2, 0.35), [4, 6, Width]),
        ["attention, causal, rotary"] = (() => new Attention(Width, 2, 0.35, causal: true, rotary: new Rotary(4, 100), hasBias: false), [4, 6, Width]),
        ["attention, sliding, shared keys"] = (() => new Attention(Width, 4, 0.5, keyHeads: 2, causal: true, sliding: 3, gain: 0.5), [4, 6, Width]),
        ["attention in windows, relative bias"] = (() => new Attention(Width, 2, 0.35, windows: [new(3, 3, 1)], relativeBias: true), [2, 6, 6, Width]),
        ["attention in stripes, lepe"] = (() => new Attention(Width, 2, 0.35, windows: [new(4, 1), new(1, 4)], lepe: 3), [2, 4, 4, Width]),
        ["attention by cosines"] = (() => new Attention(Width, 2, 1, similarity: new Cosine(1e-3)), [4, 6, Width]),
        ["attention by normalized queries"] = (() => new Attention(Width, 2, 0.5, similarity: new QkNorm(4, 1e-5, centre: true, hasBias: true)), [4, 6, Width]),
        ["attention by distances"] = (() => new Attention(Width, 2, 0.25, similarity: new Distance()), [4, 6, Width]),
        ["attention by distances, own values"] = (() => new Attention(Width, 2, 0.25, similarity: new Distance(tiedValue: false)), [4, 6, Width]),
        ["attention by sigmoids"] = (() => new Attention(Width, 2, 0.35, similarity: new SigmoidWeights(-1.8)), [4, 6, Width]),
        ["attention by relus"] = (() => new Attention(Width, 2, 0.35, similarity: new ReluWeights(6, bias: 0.2)), [4, 6, Width]),
        ["attention by logits themselves"] = (() => new Attention(Width, 2, 0.35, causal: true, similarity: new LinearWeights(6)), [4, 6, Width]),
        ["householder"] = (() => new Householder(Width), [4, 6, Width]),
        ["mlp"] = (() => new Mlp(Width, 16, x => x.gelu(), gain: 0.9), [4, 6, Width]),
        ["mlp, group sort"] = (() => new Mlp(Width, 16, Activations.GroupSort), [4, 6, Width]),
        ["gated mlp"] = (() => new GatedMlp(Width, 16, x => x.silu()), [4, 6, Width]),
        ["descent"] = (() => new Descent(Width, 16, x => x.relu(), 0.5), [4, 6, Width]),
        ["layer norm"] = (() => nn.LayerNorm(Width), [4, 6, Width]),
        ["layer norm without gain"] = (() => nn.LayerNorm(Width, elementwise_affine: false), [4, 6, Width]),
        ["rms norm"] = (() => new RmsNorm(Width, 1e-5, affine: true), [4, 6, Width]),
        ["deviation norm"] = (() => new DeviationNorm(Width, 1e-3, affine: true, hasBias: true), [4, 6, Width]),
        ["center norm"] = (() => new CenterNorm(Width, affine: true, hasBias: true), [4, 6, Width]),
        ["dyt"] = (() => new DyT(Width, affine: true, hasBias: true), [4, 6, Width]),
        ["batch norm"] = (() => new BatchNorm(Width, 1e-5, 0.1, affine: true, hasBias: true), [4, 6, Width]),
        ["branch"] = (() => new Branch(alphas: Width, clamp: 1), [4, 6, Width]),
        ["position"] = (() => new SinusoidalPosition(6, Width, 100), [4, 6, Width]),
        ["learned position"] = (() => new LearnedPosition(6, Width), [4, 6, Width]),
        ["bias"] = (() => new Bias(Width), [4, 6, Width]),
        ["convolution of a row"] = (() => new Convolution(Width, Width, [3], [1], [1], PaddingModes.Zeros, [1], 1, hasBias: true), [4, 6, Width]),
        ["convolution of a map"] = (() => new Convolution(Width, Width, [3, 3], [2, 2], [1, 1], PaddingModes.Reflect, [1, 1], 2, hasBias: false), [2, 6, 6, Width]),
        ["patches"] = (() => new Patchify(2, Width, Width, hasBias: true), [2, 4, 4, Width]),
        ["merged patches"] = (() => new PatchMerging(Width, Width, MergingNorm.CenterNorm, 1e-5), [2, 4, 4, Width]),
        ["largest of windows"] = (() => new MaxPool([2], [2], [0]), [4, 6, Width]),
        ["mean of windows"] = (() => new AveragePool([2, 2], [1, 1], [1, 1], countPadding: false), [2, 4, 4, Width]),
        ["attention pool"] = (() => new AttentionPool(Width), [4, 6, Width]),
        ["class token"] = (() => new ClassToken(Width), [4, 6, Width]),
    };

    public static TheoryData<string> Names => [.. Layers.Keys];

    private sealed class Between : nn.Module<Tensor, Tensor>
    {
        private readonly Linear first = nn.Linear(Width, Width), last = nn.Linear(Width, 5);
        private readonly nn.Module<Tensor, Tensor> layer;

        public Between(nn.Module<Tensor, Tensor> layer) : base(nameof(Between))
        {
            this.layer = layer;
            register_module(nameof(first), first);
            register_module(nameof(layer), layer);
            register_module(nameof(last), last);
        }

        public override Tensor forward(Tensor x) => last.call(Beside(layer.call(first.call(x)), x));

        /// <summary>Where the shape allows it, beside a stream in float32, as in a network.</summary>
        private static Tensor Beside(Tensor y, Tensor x) => y.shape.SequenceEqual(x.shape) ? Lips.Runtime.Modules.Residual.Mix(x, 0.5, y, 0.5) : y;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_step_of_every_layer_comes_near_that_in_float32(string name)
    {
        if (!Autocast.IsSupported) return;
        using var scope = NewDisposeScope();
        var (make, shape) = Layers[name];
        manual_seed(5);
        using var model = new Between(make());
        var x = randn(shape);
        var targets = randint(0, 5, [100]);

        (double Loss, Tensor[] Gradients) Step(Precision precision)
        {
            manual_seed(6);
            model.zero_grad();
            Tensor loss;
            using (new ComputePrecision(precision, CPU).Enter())
            {
                var output = model.call(x);
                Assert.Equal(precision == Precision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32, output.dtype);
                var logits = ComputePrecision.Widened(output).reshape(-1, 5);
                loss = nn.functional.cross_entropy(logits, targets.narrow(0, 0, logits.size(0)));
            }
            loss.backward();
            Assert.Equal(ScalarType.Float32, loss.dtype);
            return (loss.item<float>(), [.. model.parameters().Where(p => p.grad is not null).Select(p => p.grad!.clone())]);
        }

        var exact = Step(Precision.Float32);
        var narrow = Step(Precision.BFloat16);
        // had a part of it been computed in float32 unasked, there would still be the two linear layers: their own results must differ
        Assert.NotEqual(exact.Loss, narrow.Loss);
        Assert.InRange(narrow.Loss, exact.Loss * (1 - Roundings * Unit), exact.Loss * (1 + Roundings * Unit));
        Assert.Equal(exact.Gradients.Length, narrow.Gradients.Length);
        Assert.All(narrow.Gradients, g => Assert.Equal(ScalarType.Float32, g.dtype));
        Assert.All(model.parameters(), p => Assert.Equal(ScalarType.Float32, p.dtype));
        double Size(IEnumerable<Tensor> all) => Math.Sqrt(all.Sum(g => g.square().sum().item<float>()));
        double apart = Size(exact.Gradients.Zip(narrow.Gradients, (a, b) => a - b)), size = Size(exact.Gradients);
        Assert.True(apart <= Roundings * Unit * size, $"gradients of length {size} are {apart} apart");
        Assert.True(apart > 0);
    }

    [Fact]
    public void Fused_kernels_leave_layers_under_autocast_to_libtorch()
    {
        if (!Autocast.IsSupported) return;
        using var scope = NewDisposeScope();
        var (x, linear) = (randn(3, Width), nn.Linear(Width, Width));
        var qkv = randn(2, 4, 3 * Width);
        bool fused = TorchExtras.Linear(linear, x, 0.5) is not null;
        Assert.Equal(fused, TorchExtras.Attention(qkv, null, null, 2, 0.5, true) is not null);
        using (new Autocast(DeviceType.CPU, ScalarType.BFloat16))
        {
            Assert.Null(TorchExtras.Linear(linear, x, 0.5));
            Assert.Null(TorchExtras.Attention(qkv, null, null, 2, 0.5, true));
            // of two types, it is left to the operators that know both
            Assert.Null(TorchExtras.Mix(x, 0.5, linear.call(x), 0.5));
            Assert.Equal(ScalarType.Float32, Residual.Mix(x, 0.5, linear.call(x), 0.5).dtype);
        }
        Assert.Equal(fused, TorchExtras.Linear(linear, x, 0.5) is not null);
        Assert.Equal(ScalarType.Float32, linear.call(x).dtype);
    }

    [Fact]
    public void Casts_of_weights_do_not_outlive_the_forward_pass()
    {
        if (!Autocast.IsSupported) return;
        using var scope = NewDisposeScope();
        var precision = new ComputePrecision(Precision.BFloat16, CPU);
        var linear = nn.Linear(Width, Width, hasBias: false);
        var x = ones(1, Width);
        Tensor Call()
        {
            using var region = precision.Enter();
            return linear.call(x);
        }
        var before = Call();
        using (no_grad())
            linear.weight.mul_(2);
        Assert.Equal((before.to(float32) * 2).data<float>().ToArray(), Call().to(float32).data<float>().ToArray());
        // casts made without a graph are no gradient's end
        using (precision.Enter())
        {
            using (no_grad())
                linear.call(x);
            precision.Forget();
            linear.call(x).sum().backward();
        }
        Assert.NotNull(linear.weight.grad);
    }
}
