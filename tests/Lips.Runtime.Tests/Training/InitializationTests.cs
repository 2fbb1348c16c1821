using System;
using System.Linq;
using Lips.Runtime.Data;
using Lips.Runtime.Tests.Models;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Lips.Runtime.Tests.Training;

public class InitializationTests
{
    /// <summary>By products where a matrix is large and tall, by reflections otherwise: the factor is one and the same, whose R has a positive diagonal.</summary>
    [Theory]
    [InlineData(128, 300, 2)]
    [InlineData(128, 256, 2)]
    [InlineData(300, 128, 140)]
    [InlineData(130, 200, 2)]
    [InlineData(20, 200, 2)]
    public void An_orthogonal_weight_is_the_factor_of_its_gaussian_matrix(int input, int hidden, int classes)
    {
        using var scope = NewDisposeScope();
        using var model = new TinyMlp(input, hidden, classes);
        Initialization.Apply(model, seed: 5);
        using var weights = new ModelWeights(model);
        var up = weights.All.Single(w => w.Weight.Name == "up").View.to(float64);
        int rows = Math.Max(input, hidden), columns = Math.Min(input, hidden);
        var random = SeededRandom.For(5, "weight up");
        var gaussian = tensor(Enumerable.Range(0, rows * columns).Select(_ => random.Normal()).ToArray()).view(rows, columns);
        var (q, r) = linalg.qr(gaussian);
        var expected = q * r.diagonal().sign();
        Assert.InRange((up - (hidden >= input ? expected : expected.T)).abs().max().item<double>(), 0, 1e-5);
        var square = hidden >= input ? up.T.mm(up) : up.mm(up.T);
        Assert.InRange((square - eye(columns, dtype: float64)).abs().max().item<double>(), 0, 2e-5);
        Assert.InRange(linalg.svdvals(up).max().item<double>(), 1 - 1e-5, 1);
    }
}
