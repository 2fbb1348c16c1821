using System;
using Lips.Runtime.Training;
using TorchSharp;
using Xunit;

namespace Lips.Runtime.Tests.Training;

/// <summary>The losses of arXiv 2303.13005 against values computed by hand from logits whose exponentials are small whole numbers.</summary>
public sealed class DistillationTests
{
    private static torch.Tensor Logs(params double[][] odds)
    {
        var values = new double[odds.Length, odds[0].Length];
        for (int i = 0; i < odds.Length; i++)
            for (int j = 0; j < odds[i].Length; j++)
                values[i, j] = Math.Log(odds[i][j]);
        return torch.tensor(values);
    }

    /// <summary>
    /// Student odds 1:2:5 and 4:3:1, teacher odds 2:1:1 and 1:6:1, labels 0 and 1. Target: −(2/4·ln 1/8 + 6/8·ln 3/8)/2.
    /// Others at λ = 1: student 2:5 and 4:1, teacher 1:1 and 1:1: −((ln 2/7 + ln 5/7)/2 + (ln 4/5 + ln 1/5)/2)/2, times γ = 1.5.
    /// </summary>
    [Fact]
    public void Nkd_is_what_a_pencil_gives()
    {
        using var scope = torch.NewDisposeScope();
        var student = Logs([1, 2, 5], [4, 3, 1]);
        var teacher = Logs([2, 1, 1], [1, 6, 1]);
        var label = torch.tensor(new long[] { 0, 1 });
        double target = -((2 / 4.0 * Math.Log(1 / 8.0)) + (6 / 8.0 * Math.Log(3 / 8.0))) / 2;
        double others = -(((Math.Log(2 / 7.0) + Math.Log(5 / 7.0)) / 2) + ((Math.Log(4 / 5.0) + Math.Log(1 / 5.0)) / 2)) / 2;
        Assert.Equal(2.1708526, target + (1.5 * others), 6);
        Assert.Equal(target + (1.5 * others), Distillation.Nkd(student, teacher, label, temperature: 1, gamma: 1.5).item<double>(), 9);
    }

    /// <summary>At λ = 2 odds become their roots: the student's 4:9 of the other classes is 2:3, the teacher's 1:16 is 1:4; λ² = 4.</summary>
    [Fact]
    public void The_temperature_acts_on_the_classes_but_the_labels_and_enters_squared()
    {
        using var scope = torch.NewDisposeScope();
        double target = -1 / 18.0 * Math.Log(5 / 18.0);
        double others = -(1 / 5.0 * Math.Log(2 / 5.0)) - (4 / 5.0 * Math.Log(3 / 5.0));
        var loss = Distillation.Nkd(Logs([5, 4, 9]), Logs([1, 1, 16]), torch.tensor(new long[] { 0 }), temperature: 2, gamma: 0.5);
        Assert.Equal(target + (0.5 * 4 * others), loss.item<double>(), 9);
    }

    [Fact]
    public void Nothing_flows_to_the_teacher()
    {
        using var scope = torch.NewDisposeScope();
        var student = Logs([1, 2, 5]).requires_grad_(true);
        var teacher = Logs([2, 1, 1]).requires_grad_(true);
        Distillation.Nkd(student, teacher, torch.tensor(new long[] { 2 }), 1, 1).backward();
        Assert.NotNull(student.grad);
        Assert.True(teacher.grad is null || teacher.grad.IsInvalid);
        Assert.True(student.grad!.isfinite().all().item<bool>());
    }

    /// <summary>
    /// Student odds 5:2:1 and 1:1:2, weak odds 2:1:1 and 1:2:1, labels 0 and 2. S_t² = 25/64 and 16/64, their mean 41/128:
    /// P = 137/128 and 119/128. Scores, with the label's share s_t taken out: sample 1: class 1: (1/4)/(1/2) + (2/8)/(3/8) = 7/6, class 2:
    /// 1/2 + 1/3 = 5/6, the label 1 + 5/3: ranks 2, 3, 1 and weights 3:2 of the others. Sample 2: class 0: (1/4)/(3/4) + (1/4)/(1/2) = 5/6,
    /// class 1: 2/3 + 1/2 = 7/6, the label 1/3 + 1: ranks 3, 2, 1, weights 2:3.
    /// </summary>
    [Fact]
    public void Uskd_is_what_a_pencil_gives()
    {
        using var scope = torch.NewDisposeScope();
        var student = Logs([5, 2, 1], [1, 1, 2]);
        var weak = Logs([2, 1, 1], [1, 2, 1]);
        var label = torch.tensor(new long[] { 0, 2 });
        double target = -((137 / 128.0 * Math.Log(5 / 8.0)) + (119 / 128.0 * Math.Log(1 / 2.0))) / 2;
        double others = -((3 / 5.0 * Math.Log(2 / 3.0)) + (2 / 5.0 * Math.Log(1 / 3.0)) + Math.Log(1 / 2.0)) / 2;
        double all = Math.Log(1 / 2.0) + (2 * Math.Log(1 / 4.0));
        double weakLoss = -((0.9 * Math.Log(1 / 2.0)) + (0.9 * Math.Log(1 / 4.0)) + (2 * 0.1 / 3 * all)) / 2;
        double Expected(double a, double b, double m) => (a * target) + (b * others) + (m * weakLoss);
        double Found(double a, double b, double m) => Distillation.Uskd(student, weak, label, new Objective.Uskd("x", a, b, m, false)).item<double>();
        Assert.Equal(Expected(1, 0, 0), Found(1, 0, 0), 9);
        Assert.Equal(Expected(0, 1, 0), Found(0, 1, 0), 9);
        Assert.Equal(Expected(0, 0, 1), Found(0, 0, 1), 9);
        Assert.Equal(Expected(1, 0.1, 0.005), Found(1, 0.1, 0.005), 9);
        Assert.Equal(0.573731, target, 6);
    }

    /// <summary>
    /// Student odds 90:9:1 of label 0, weak odds 1:1:98. By probability class 1 scores 0.01/0.99 + 0.09/0.1 = 0.91 and class 2
    /// 0.98/0.99 + 0.01/0.1 = 1.09; by logarithm they score −24.1 and −45.1. The order of the two turns, and their weights with it.
    /// </summary>
    [Fact]
    public void The_rank_may_follow_the_authors_code()
    {
        using var scope = torch.NewDisposeScope();
        double Others(bool logarithm) => Distillation.Uskd(Logs([90, 9, 1]), Logs([1, 1, 98]), torch.tensor(new long[] { 0 }), new Objective.Uskd("x", 0, 1, 0, logarithm)).item<double>();
        Assert.Equal(-((2 / 5.0 * Math.Log(0.9)) + (3 / 5.0 * Math.Log(0.1))), Others(false), 9);
        Assert.Equal(-((3 / 5.0 * Math.Log(0.9)) + (2 / 5.0 * Math.Log(0.1))), Others(true), 9);
    }
}
