using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Torch;

/// <summary>What the tensor API computes, against values known by hand or computed here.</summary>
public sealed class OperatorTests
{
    private static double[] Values(Tensor t) => t.to(float64).data<double>().ToArray();

    private static void Near(double[] expected, Tensor actual, double tolerance = 1e-6)
    {
        double[] values = Values(actual);
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < values.Length; i++) Assert.True(Math.Abs(expected[i] - values[i]) <= tolerance, $"[{i}] expected {expected[i]}, got {values[i]}");
    }

    [Fact]
    public void Operators_take_numbers_on_either_side()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new double[] { 1, 2, 4 });
        Near([2.5, 3.5, 5.5], x + 1.5);
        Near([2.5, 3.5, 5.5], 1.5 + x);
        Near([3, 2, 0], 4 - x);
        Near([1, 0.5, 0.25], 1.0f / x);
        Near([-1, -2, -4], -x);
        Near([1, 0, 0], x % 2);
        Near([0, 1, 1], (x > 1).to(float64));
        Near([1, 0, 0], (2 > x).to(float64));
        Assert.Equal(ScalarType.Int64, (tensor(new long[] { 1 }) + 1).dtype);
    }

    [Fact]
    public void In_place_operators_return_the_tensor_itself()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones(3, dtype: float64);
        // The scope's own count: the total one counts what tests beside this one make.
        int before = scope.DisposablesCount;
        Assert.Same(x, x.add_(1).mul_(3).addcmul_(x, x, value: 0.5).clamp_(min: 0.0, max: 20.0));
        Assert.Equal(before, scope.DisposablesCount);
        Near([20, 20, 20], x);
    }

    [Fact]
    public void Indices_slices_and_masks_read_and_write()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(24, dtype: float64).reshape(2, 3, 4);
        Near([6, 7], x[0, 1, 2..]);
        Near([20, 21, 22, 23], x[1, ^1]);
        Near([3, 7, 11, 15, 19, 23], x[TensorIndex.Ellipsis, 3].flatten());
        Assert.Equal([2, 1, 3, 4], x[.., TensorIndex.None].shape);
        Near([4, 5, 6, 7, 8, 9, 10, 11], x[TensorIndex.Single(0), TensorIndex.Tensor(tensor(new long[] { 1, 2 }))].flatten());
        Near([21, 22, 23], x[x > 20]);
        x[1, 0] = zeros(4, dtype: float64);
        x[0, 0, 1..3] = 9.0;
        Near([0, 9, 9, 3], x[0, 0]);
        Assert.Equal(0, x[1, 0].sum().item<double>());
        Assert.Throws<ArgumentException>(() => x[0, 0, 0, 0]);
    }

    [Fact]
    public void Baddbmm_rotates_its_operands_as_TorchSharp_does()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = randn([2, 3, 4], float64), b = randn([2, 4, 5], float64), m = randn([2, 3, 5], float64);
        Assert.True(a.baddbmm(b, m).allclose(m + a.bmm(b)));
    }

    [Fact]
    public void Attention_is_softmax_of_scaled_scores_with_either_mask()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor q = randn([2, 3, 5, 4], float64), k = randn([2, 3, 5, 4], float64), v = randn([2, 3, 5, 6], float64);
        Tensor scores = q.matmul(k.transpose(-2, -1)) / 2.0;
        Tensor future = ones([5, 5], @bool).triu(1);
        Assert.True(nn.functional.scaled_dot_product_attention(q, k, v).allclose(scores.softmax(-1).matmul(v)));
        Tensor expected = scores.masked_fill(future, double.NegativeInfinity).softmax(-1).matmul(v);
        Assert.True(nn.functional.scaled_dot_product_attention(q, k, v, is_casual: true).allclose(expected));
        Assert.True(nn.functional.scaled_dot_product_attention(q, k, v, attn_mask: future.logical_not()).allclose(expected));
        Tensor additive = zeros([5, 5], float64).masked_fill(future, double.NegativeInfinity);
        Assert.True(nn.functional.scaled_dot_product_attention(q, k, v, attn_mask: additive).allclose(expected));
    }

    [Fact]
    public void Linear_algebra_factors_multiply_back()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = randn([5, 3], float64);
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(a, fullMatrices: false);
        Assert.True((u * s).matmul(vh).allclose(a));
        (Tensor q, Tensor r) = linalg.qr(a);
        Assert.True(q.matmul(r).allclose(a));
        Tensor gram = a.t().matmul(a) + eye(3, dtype: float64);
        Tensor l = linalg.cholesky(gram);
        Assert.True(l.matmul(l.t()).allclose(gram));
        (Tensor w, Tensor x) = linalg.eigh(gram);
        Assert.True((x * w).matmul(x.t()).allclose(gram));
        Assert.Equal(s[0].item<double>(), linalg.matrix_norm(a, ord: 2).item<double>(), 12);
        Assert.True(linalg.solve_triangular(l, gram, upper: false).allclose(l.t()));
        (_, Tensor info) = linalg.cholesky_ex(-gram);
        Assert.NotEqual(0, info.item<int>());
        Assert.Throws<ExternalException>(() => linalg.cholesky(-gram));
    }

    [Fact]
    public void Cross_entropy_smooths_labels_and_ignores_an_index()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = randn([4, 7], float64);
        Tensor target = tensor(new long[] { 0, 3, -100, 6 });
        Tensor p = logits.log_softmax(1);
        double hard = 0, smooth = 0;
        foreach ((int row, int label) in new[] { (0, 0), (1, 3), (3, 6) })
        {
            hard -= p[row, label].item<double>() / 3;
            smooth -= p[row].mean().item<double>() / 3;
        }
        Assert.Equal(hard, nn.functional.cross_entropy(logits, target).item<double>(), 12);
        Assert.Equal((0.9 * hard) + (0.1 * smooth), nn.functional.cross_entropy(logits, target, label_smoothing: 0.1).item<double>(), 12);
    }

    [Fact]
    public void Circular_padding_wraps_around()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = arange(1, 5, dtype: float64).reshape(1, 1, 4);
        Near([4, 1, 2, 3, 4, 1], nn.functional.pad(x, [1, 1], PaddingModes.Circular));
        Near([2, 1, 2, 3, 4, 3], nn.functional.pad(x, [1, 1], PaddingModes.Reflect));
        Near([7, 1, 2, 3, 4], nn.functional.pad(x, [1, 0], value: 7));
    }

    [Theory]
    [InlineData(PaddingModes.Zeros)]
    [InlineData(PaddingModes.Circular)]
    public void A_convolution_is_the_sum_over_its_kernel(PaddingModes mode)
    {
        using DisposeScope scope = NewDisposeScope();
        var layer = nn.Conv2d(in_channels: 2, out_channels: 3, kernel_size: 3, padding: 1, padding_mode: mode, bias: false, dtype: float64);
        Tensor x = randn([1, 2, 5, 5], float64), y = layer.call(x);
        double at = 0;
        for (int c = 0; c < 2; c++)
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++)
                {
                    (int row, int column) = (0 + i - 1, 4 + j - 1);
                    if (mode == PaddingModes.Zeros && (row < 0 || column > 4)) continue;
                    at += layer.weight[1, c, i, j].item<double>() * x[0, c, (row + 5) % 5, (column + 5) % 5].item<double>();
                }
        Assert.Equal(at, y[0, 1, 0, 4].item<double>(), 12);
    }

    [Fact]
    public void Wrong_shapes_throw_with_operator_and_shapes()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = ones(2, 3), b = ones(4, 5);
        string message = Assert.Throws<ExternalException>(() => a.matmul(b)).Message;
        Assert.Contains("matmul", message, StringComparison.Ordinal);
        Assert.Contains("[2, 3]", message, StringComparison.Ordinal);
        Assert.Contains("[4, 5]", message, StringComparison.Ordinal);
        Assert.Throws<ExternalException>(() => cat([a, b]));
        Assert.Throws<ExternalException>(() => a.view(4, 4));
        Assert.Throws<ExternalException>(() => nn.functional.linear(a, b));
        Assert.Throws<ExternalException>(() => einsum("ij,jk->ik", a, b));
        Assert.Throws<ExternalException>(() => nn.functional.cross_entropy(a, tensor(new long[] { 7, 0 })));
        Assert.Equal(6, a.sum().item<float>());
    }

    [Fact]
    public void The_meta_device_has_shapes_and_no_values()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = empty([2, 3], device: META).matmul(empty([3, 5], device: META)).softmax(-1);
        Assert.True(y.is_meta);
        Assert.Equal([2, 5], y.shape);
        Assert.Throws<ExternalException>(() => empty([2, 3], device: META) + ones(2, 3));
        Assert.ThrowsAny<Exception>(() => y.sum().item<float>());
        var model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()).to(META);
        Assert.Equal([1, 4 * 6 * 6], model.call(empty([1, 3, 8, 8], device: META)).shape);
    }

    public static TheoryData<string> ShapedNames => [.. Shaped.Keys];

    private static readonly Dictionary<string, Func<Tensor, Tensor>> Shaped = new()
    {
        ["conv2d"] = x => nn.functional.conv2d(x, ones([6, 2, 3, 2], dtype: x.dtype, device: x.device), strides: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2),
        ["conv1d"] = x => nn.functional.conv1d(x[.., .., 0], ones([3, 4, 3], dtype: x.dtype, device: x.device), stride: 2, padding: 1),
        ["batch_norm"] = x => nn.BatchNorm2d(4, dtype: x.dtype, device: x.device).call(x),
        ["group_norm"] = x => nn.functional.group_norm(x, 2),
        ["layer_norm"] = x => nn.functional.layer_norm(x, [9]),
        ["index_select"] = x => x.index_select(-1, zeros([5], dtype: int64, device: x.device)),
        ["embedding"] = x => nn.Embedding(7, 3, dtype: x.dtype, device: x.device).call(zeros([2, 5], dtype: int64, device: x.device)),
        ["roll"] = x => x.roll([1, 2], [2, 3]).flip(1),
        ["where"] = x => where(x > 0, x[.., ..1], x),
        ["var"] = x => x.var([-1, 1], keepdim: true),
        ["std"] = x => x.std(2),
        ["abs"] = x => x.abs().logsumexp(1),
        ["logical"] = x => (x > 0).logical_not().logical_and(x < 1),
        ["unfold"] = x => nn.functional.unfold(x, 3, padding: 1, stride: 2),
        ["reflect"] = x => nn.functional.pad(x, [1, 2, 0, 1], PaddingModes.Reflect),
        ["circular"] = x => nn.functional.pad(x, [1, 2, 0, 1], PaddingModes.Circular),
        ["attention"] = x => nn.functional.scaled_dot_product_attention(x, x, x, is_casual: true),
        ["pool"] = x => nn.functional.max_pool2d(nn.functional.avg_pool2d(x, 2), 2),
    };

    [Theory]
    [MemberData(nameof(ShapedNames))]
    public void The_meta_device_agrees_with_the_CPU_on_shape_and_type(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor real = Shaped[name](randn([2, 4, 8, 9], float64)), meta = Shaped[name](empty([2, 4, 8, 9], float64, META));
        Assert.True(meta.is_meta);
        Assert.Equal(real.shape, meta.shape);
        Assert.Equal(real.dtype, meta.dtype);
    }

    [Fact]
    public void Element_types_convert_and_round()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(new[] { 1.0039f, -2.5f });
        Near([1.0, -2.5], x.to(bfloat16), 0.004);
        Assert.Equal(2, x.to(bfloat16).element_size());
        Assert.Equal([1L, -2L], x.to(int64).data<long>().ToArray());
        Assert.Equal(8, x.bytes.Length);
        Assert.Throws<ArgumentException>(() => x.data<double>());
    }

    [Fact]
    public void A_buffer_shares_the_arrays_memory()
    {
        var memory = new float[] { 1, 2, 3, 4 };
        using (Tensor x = frombuffer(memory, float32, count: 3, offset: 4)) x.mul_(2);
        Assert.Equal([1, 4, 6, 8], memory);
        Assert.Throws<ArgumentOutOfRangeException>(() => frombuffer(memory, float32, count: 5));
    }

    [Fact]
    public void Random_state_restores_what_is_drawn()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(7);
        Tensor state = Lips.Runtime.Torch.TorchExtras.GetRngState(CPU);
        Tensor first = randn(5);
        Lips.Runtime.Torch.TorchExtras.SetRngState(CPU, state);
        Assert.True(first.Equals(randn(5)));
        manual_seed(7);
        Assert.True(first.Equals(randn(5)));
        var own = new Generator(3);
        Assert.True(randn(4, generator: own).Equals(randn(4, generator: new Generator(3))));
    }

    [Fact]
    public void Updates_of_many_tensors_agree_with_single_ones()
    {
        if (!Lips.Runtime.Torch.TorchExtras.IsSupported) return;
        using DisposeScope scope = NewDisposeScope();
        Tensor[] a = [ones(2), ones(3)], b = [full(2, 3.0), full(3, 4.0)];
        Lips.Runtime.Torch.TorchExtras.ForeachAdd_(a, b, alpha: 2);
        Lips.Runtime.Torch.TorchExtras.ForeachMul_(a, 0.5);
        Lips.Runtime.Torch.TorchExtras.ForeachAddcdiv_(a, b, a, value: 1);
        Near([3.5 + (3 / 3.5), 3.5 + (3 / 3.5)], a[0]);
        Near([4.5 + (4 / 4.5), 4.5 + (4 / 4.5), 4.5 + (4 / 4.5)], a[1]);
        Assert.Equal([3 * Math.Sqrt(2), 4 * Math.Sqrt(3)], Lips.Runtime.Torch.TorchExtras.ForeachNorm(b).Select(n => (double)n.item<float>()), (x, y) => Math.Abs(x - y) < 1e-5);
    }
}
