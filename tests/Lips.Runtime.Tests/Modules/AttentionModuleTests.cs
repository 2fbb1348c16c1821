using System;
using System.Collections.Generic;
using System.Linq;
using Lips.Runtime.Modules;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Modules;

/// <summary>Attention against softmax over all pairs of tokens with the hidden ones at −∞, written down from the definitions.</summary>
public class AttentionModuleTests
{
    /// <summary>An attention of 8 channels and what it is to compute: who sees whom (head, i, j), in coordinates (y, x).</summary>
    private sealed record Setting(string Name, Func<Attention> Make, int Height, int Width, int Heads, Func<int, (int Y, int X), (int Y, int X), bool> Sees)
    {
        public int KeyHeads { get; init; } = Heads;

        /// <summary>Height and width within which offsets are numbered; none: no bias.</summary>
        public (int Height, int Width)? Offsets { get; init; }

        public int Lepe { get; init; }

        public bool IsRow { get; init; }
    }

    private const int Channels = 8;

    private static int Cell(int position, int side, int shift, int size) => ((position - shift + size) % size) / side;

    private static bool Wrapped(int position, int shift) => position < shift;

    /// <summary>Together in a square of the shifted grid, and not by going around the border.</summary>
    private static Func<int, (int Y, int X), (int Y, int X), bool> InWindow(int side, int shift, int height, int width) => (_, a, b) =>
        Cell(a.Y, side, shift, height) == Cell(b.Y, side, shift, height) && Cell(a.X, side, shift, width) == Cell(b.X, side, shift, width)
        && Wrapped(a.Y, shift) == Wrapped(b.Y, shift) && Wrapped(a.X, shift) == Wrapped(b.X, shift);

    private static IEnumerable<Setting> All()
    {
        AttentionWindow[] windows = [new(2, 2)];
        yield return new("full", () => new(Channels, 2, 0.7), 1, 5, 2, (_, _, _) => true) { IsRow = true };
        yield return new("causal", () => new(Channels, 2, 0.7, causal: true), 1, 5, 2, (_, a, b) => b.X <= a.X) { IsRow = true };
        yield return new("sliding", () => new(Channels, 2, 0.7, causal: true, sliding: 2, hasBias: false), 1, 5, 2, (_, a, b) => b.X <= a.X && a.X - b.X < 2) { IsRow = true };
        yield return new("sliding both ways", () => new(Channels, 2, 0.7, sliding: 3), 1, 7, 2, (_, a, b) => Math.Abs(a.X - b.X) < 3) { IsRow = true };
        yield return new("sliding beyond the ends", () => new(Channels, 2, 0.7, sliding: 30), 1, 3, 2, (_, _, _) => true) { IsRow = true };
        yield return new("shared heads", () => new(Channels, 4, 0.7, keyHeads: 2, gain: 0.5), 1, 4, 4, (_, _, _) => true) { IsRow = true, KeyHeads = 2 };
        yield return new("one key head, causal", () => new(Channels, 4, 0.7, keyHeads: 1, causal: true, hasBias: false), 1, 4, 4, (_, a, b) => b.X <= a.X) { IsRow = true, KeyHeads = 1 };
        yield return new("relative bias of a row", () => new(Channels, 2, 0.7, windows: [new(1, 4)], relativeBias: true, causal: true), 1, 4, 2, (_, a, b) => b.X <= a.X) { IsRow = true, Offsets = (1, 4) };
        yield return new("windows", () => new(Channels, 2, 0.7, windows: windows), 4, 6, 2, InWindow(2, 0, 4, 6));
        yield return new("windows of three, shared heads", () => new(Channels, 4, 0.7, keyHeads: 2, windows: [new(3, 3)], hasBias: false), 3, 6, 4, InWindow(3, 0, 3, 6)) { KeyHeads = 2 };
        yield return new("shifted windows", () => new(Channels, 2, 0.7, windows: [new(3, 3, 1)], relativeBias: true, gain: -2), 6, 6, 2, InWindow(3, 1, 6, 6)) { Offsets = (3, 3) };
        yield return new("a shifted window of the whole map", () => new(Channels, 2, 0.7, windows: [new(3, 3, 2)]), 3, 3, 2, InWindow(3, 2, 3, 3));
        yield return new("relative bias of a map", () => new(Channels, 2, 0.7, windows: [new(2, 3)], relativeBias: true), 2, 3, 2, (_, _, _) => true) { Offsets = (2, 3) };
        // the first half of the heads sees the stripe from top to bottom
        yield return new("stripes", () => new(Channels, 4, 0.7, windows: [new(4, 2), new(2, 6)]), 4, 6, 4, (h, a, b) => h < 2 ? a.X / 2 == b.X / 2 : a.Y / 2 == b.Y / 2);
        yield return new("stripes with lepe", () => new(Channels, 2, 0.7, windows: [new(4, 1), new(1, 4)], lepe: 3), 4, 4, 2, (h, a, b) => h < 1 ? a.X == b.X : a.Y == b.Y) { Lepe = 3 };
        yield return new("lepe", () => new(Channels, 2, 0.7, windows: [new(2, 3)], lepe: 3, gain: 0.5, hasBias: false), 2, 3, 2, (_, _, _) => true) { Lepe = 3 };
    }

    public static TheoryData<string> Names => [.. All().Select(s => s.Name)];

    private static Setting Named(string name) => All().First(s => s.Name == name);

    private static Tensor Random(long seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, dtype: float64, generator: generator);
    }

    private static (Attention Module, Tensor Input) Filled(Setting setting)
    {
        var module = setting.Make();
        module.to(float64);
        using var mode = no_grad();
        long seed = 100;
        foreach (var parameter in module.parameters())
            parameter.copy_(Random(seed++, parameter.shape));
        return (module, setting.IsRow ? Random(7, 2, setting.Width, Channels) : Random(7, 2, setting.Height, setting.Width, Channels));
    }

    /// <summary>The definition, token by token and head by head.</summary>
    private static Tensor Direct(Setting setting, Attention module, Tensor input, double scale, double gain)
    {
        var weights = module.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        Tensor Linear(string name, Tensor x) => weights.TryGetValue(name + ".bias", out var b) ? x.matmul(weights[name + ".weight"].t()) + b : x.matmul(weights[name + ".weight"].t());
        int tokens = setting.Height * setting.Width, channels = Channels / setting.Heads, group = setting.Heads / setting.KeyHeads;
        var projected = Linear("qkv", input.reshape(2, tokens, Channels));
        Tensor Slice(int first, int head) => projected.narrow(2, first + (head * channels), channels);
        (int Y, int X) At(int i) => (i / setting.Width, i % setting.Width);
        var heads = new List<Tensor>();
        for (int h = 0; h < setting.Heads; h++)
        {
            var q = Slice(0, h);
            var k = Slice(Channels, h / group);
            var v = Slice(Channels + (setting.KeyHeads * channels), h / group);
            var rows = new List<Tensor>();
            for (int i = 0; i < tokens; i++)
            {
                var seen = Enumerable.Range(0, tokens).Where(j => setting.Sees(h, At(i), At(j))).ToList();
                var logits = stack([.. seen.Select(j =>
                {
                    var logit = (q.select(1, i) * k.select(1, j)).sum(-1) * scale;
                    if (setting.Offsets is not var (height, width))
                        return logit;
                    int down = At(i).Y - At(j).Y + height - 1, right = At(i).X - At(j).X + width - 1;
                    return logit + weights["bias_table"][(down * ((2 * width) - 1)) + right, h];
                })], 1);
                var output = logits.softmax(1).unsqueeze(2).mul(stack([.. seen.Select(j => v.select(1, j))], 1)).sum(1);
                if (setting.Lepe > 0)
                    output += seen.Select(j => (Index: j, Down: At(j).Y - At(i).Y + (setting.Lepe / 2), Right: At(j).X - At(i).X + (setting.Lepe / 2)))
                        .Where(t => t.Down >= 0 && t.Down < setting.Lepe && t.Right >= 0 && t.Right < setting.Lepe)
                        .Select(t => v.select(1, t.Index) * weights["lepe"].narrow(0, h * channels, channels).select(1, 0).select(1, t.Down).select(1, t.Right))
                        .Aggregate((a, b) => a + b);
                if (weights.TryGetValue("lepe_bias", out var bias))
                    output += bias.narrow(0, h * channels, channels);
                rows.Add(output);
            }
            heads.Add(stack(rows, 1));
        }
        return Linear("out", cat(heads, 2) * gain).reshape(input.shape);
    }

    private static double Gain(string name) => name switch { "shared heads" or "lepe" => 0.5, "shifted windows" => -2, _ => 1 };

    public static TheoryData<string, bool> NamesAndWhetherFused => new(All().SelectMany(s => new[] { (s.Name, false), (s.Name, true) }));

    [Theory]
    [MemberData(nameof(NamesAndWhetherFused))]
    public void Values_and_gradients_are_those_of_the_definition(string name, bool fused)
    {
        using var scope = NewDisposeScope();
        var setting = Named(name);
        var (module, input) = Filled(setting);
        using var owned = module;
        var device = new WrittenAttention();
        if (fused)
            module.Fused = device;
        input.requires_grad_();
        var weights = Random(5, input.shape);
        var parameters = module.named_parameters().Select(p => (Name: p.name, Leaf: (Tensor)p.parameter)).Append((Name: "x", Leaf: input)).ToList();
        List<Tensor> Gradients(Tensor y)
        {
            module.zero_grad();
            input.grad = null;
            y.mul(weights).sum().backward();
            return [.. parameters.Select(p => p.Leaf.grad!.clone())];
        }
        var direct = Direct(setting, module, input, 0.7, Gain(name));
        var found = module.call(input);
        Close(name, direct, found);
        foreach (var ((leaf, _), expected, gradient) in parameters.Zip(Gradients(direct), Gradients(found)))
            Close(name + ", gradient of " + leaf, expected, gradient);
        Assert.Equal(fused, device.Calls > 0);
    }

    private static void Close(string what, Tensor expected, Tensor found)
    {
        double error = (expected - found).abs().max().item<double>(), size = 1 + expected.abs().max().item<double>();
        Assert.True(error <= 1e-11 * size, $"{what}: off by {error}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Shapes_are_known_on_the_meta_device(string name)
    {
        using var scope = NewDisposeScope();
        var (module, input) = Filled(Named(name));
        using var owned = module;
        module.to(META);
        var y = module.call(empty(input.shape, device: META, dtype: float64));
        Assert.True(y.device.type == DeviceType.META && y.shape.SequenceEqual(input.shape));
    }

    [Fact]
    public void Constants_follow_the_size_of_the_map()
    {
        using var scope = NewDisposeScope();
        using var module = new Attention(Channels, 2, 0.7, windows: [new(2, 2, 1)], relativeBias: true);
        module.to(float64);
        foreach (var (height, width) in new[] { (4, 6), (6, 4), (2, 12), (4, 6) })
        {
            var setting = new Setting("", () => module, height, width, 2, InWindow(2, 1, height, width)) { Offsets = (2, 2) };
            var x = Random(3, 2, height, width, Channels);
            Close($"{height} × {width}", Direct(setting, module, x, 0.7, 1), module.call(x));
        }
    }

    [Fact]
    public void Every_row_of_probabilities_is_shown_and_hidden_tokens_have_none()
    {
        using var scope = NewDisposeScope();
        var (module, input) = Filled(Named("shifted windows"));
        using var owned = module;
        var seen = new List<Tensor>();
        module.Probabilities = p => seen.Add(p.MoveToOuterDisposeScope());
        module.call(input);
        var all = Assert.Single(seen);
        Assert.Equal([2 * 4, 2, 9, 9], all.shape);
        Close("rows", ones(8, 2, 9, dtype: float64), all.sum(-1));
        // the last window of each map holds four regions, of 4, 2, 2 and 1 tokens: 16 + 4 + 4 + 1 visible pairs
        Assert.Equal(25, all[3, 0].gt(0).sum().item<long>());
    }

    [Fact]
    public void What_needs_windows_says_so()
    {
        Assert.Throws<ArgumentException>(() => new Attention(Channels, 2, 1, relativeBias: true));
        Assert.Throws<ArgumentException>(() => new Attention(Channels, 2, 1, windows: [new(4, 2), new(2, 4)], relativeBias: true));
        Assert.Throws<ArgumentException>(() => new Attention(Channels, 2, 1, lepe: 3));
    }

    public static TheoryData<string> TokenMasks => ["padding", "document"];

    [Theory]
    [MemberData(nameof(TokenMasks))]
    public void Masks_of_token_ids_run_on_the_meta_device_and_need_their_tokens(string kind)
    {
        using var scope = NewDisposeScope();
        var mask = kind == "padding" ? TokenMask.Padding(0) : TokenMask.Document(0);
        using var attention = new Attention(width: 8, heads: 2, scale: 0.5, tokenMask: mask);
        var (x, tokens) = (randn([2, 5, 8]), zeros([2, 5], dtype: int64));
        Assert.Throws<InvalidOperationException>(() => attention.call(x));
        // all padding, or nothing but separators: every token sees itself
        Assert.True(attention.call(x, tokens).isfinite().all().item<bool>());
        attention.to(META);
        Assert.Equal([2, 5, 8], attention.call(x.to(META), tokens.to(META)).shape);
        if (kind != "padding")
            return;
        using var crossed = new CrossAttention(width: 8, heads: 2, scale: 0.5, memoryWidth: 8, tokenMask: mask);
        Assert.True(crossed.call(x, x, tokens).isfinite().all().item<bool>());
        crossed.to(META);
        Assert.Equal([2, 5, 8], crossed.call(x.to(META), x.to(META), tokens.to(META)).shape);
    }
}
