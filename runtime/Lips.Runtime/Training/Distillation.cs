using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>
/// The losses of "From Knowledge Distillation to Self-Knowledge Distillation" (Yang et al. 2023, arXiv 2303.13005) on logits
/// (samples, classes) with one hard label a sample. They are added to the cross-entropy.
/// </summary>
public static class Distillation
{
    /// <summary>
    /// −mean T_t·log S_t − γ·λ²·mean Σ_{i≠t} T̂_i·log Ŝ_i: S and T the softmax of student and teacher, t the label, Ŝ and T̂ the
    /// softmax over the other classes at temperature λ. Nothing flows to the teacher.
    /// </summary>
    public static torch.Tensor Nkd(torch.Tensor student, torch.Tensor teacher, torch.Tensor label, double temperature, double gamma)
    {
        var index = label.unsqueeze(1);
        teacher = teacher.detach();
        var target = teacher.softmax(1).gather(1, index) * student.log_softmax(1).gather(1, index);
        var others = Others(teacher, index, temperature).exp() * WithoutTarget(Others(student, index, temperature), index);
        return -target.mean() - others.sum(1).mean() * (gamma * temperature * temperature);
    }

    /// <summary>
    /// α·L_t + β·L_n + μ·L_w. L_t = −mean P·log S_t with P = S_t² + 1 − mean S_t², held constant. L_n = −mean Σ_{i≠t} z_i·log Ŝ_i with
    /// Zipf's weights z_i ∝ 1/rank, by the rank of w_i/(1 − w_t) + s_i/(1 − s_t), w the softmax of the weak head.
    /// L_w = −mean Σ_i (0.9·[i = t] + 0.1/classes)·log w_i.
    /// </summary>
    /// <param name="student">Logits of the model.</param>
    /// <param name="weak">Logits of the weak head.</param>
    /// <param name="label">One class a sample.</param>
    /// <param name="objective">α, β, μ, and whether s in the rank is log S, as in the authors' code, in place of the S of their formula.</param>
    public static torch.Tensor Uskd(torch.Tensor student, torch.Tensor weak, torch.Tensor label, Objective.Uskd objective)
    {
        const double small = 1e-6;
        var index = label.unsqueeze(1);
        long classes = student.shape[1];
        var logS = student.log_softmax(1);
        var logTarget = logS.gather(1, index).squeeze(1);
        var squared = logTarget.detach().exp().square();
        var target = -((squared + 1 - squared.mean()) * logTarget).mean();

        var logW = weak.log_softmax(1);
        var weakLoss = -(logW.gather(1, index).squeeze(1) * 0.9 + logW.sum(1) * (0.1 / classes)).mean();

        torch.Tensor zipf;
        using (torch.no_grad())
        {
            var s = objective.RankByLogarithm ? logS : logS.exp();
            var w = logW.exp();
            var score = w / (1 - w.gather(1, index) + small) + s / (1 - s.gather(1, index) + small);
            // the place of every class in the order, from 1
            var rank = score.argsort(1, descending: true).argsort(1) + 1;
            zipf = WithoutTarget(rank.to(student.dtype).reciprocal(), index);
            zipf = zipf / zipf.sum(1, keepdim: true);
        }
        var others = -(zipf * WithoutTarget(Others(student, index, 1), index)).sum(1).mean();
        return target * objective.Alpha + others * objective.Beta + weakLoss * objective.Mu;
    }

    /// <summary>The logarithm of the softmax over the classes but the target, whose own entry is −∞.</summary>
    private static torch.Tensor Others(torch.Tensor logits, torch.Tensor index, double temperature) =>
        (logits / temperature).scatter(1, index, torch.full_like(index, float.NegativeInfinity, dtype: logits.dtype)).log_softmax(1);

    private static torch.Tensor WithoutTarget(torch.Tensor values, torch.Tensor index) =>
        values.scatter(1, index, torch.full_like(index, 0, dtype: values.dtype));
}
