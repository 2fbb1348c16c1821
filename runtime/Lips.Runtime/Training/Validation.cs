using Lips.Runtime.Distributed;
using TorchSharp;

namespace Lips.Runtime.Training;

/// <summary>Loss per prediction (in nats for cross-entropy), the share of right predictions, and their number.</summary>
public sealed record ValidationResult(double Loss, double Accuracy, long Count);

/// <summary>Evaluation on the whole validation part.</summary>
public static class Validation
{
    public static ValidationResult Run(ILipsModel model, BatchSource data, Objective objective, int batch, torch.Device device) => Run(model, data, objective, batch, device, null);

    /// <summary>With several workers each takes every so-many-th batch, and all get the sums over all.</summary>
    internal static ValidationResult Run(ILipsModel model, BatchSource data, Objective objective, int batch, torch.Device device, DataParallel? parallel)
    {
        bool training = model.Module.training;
        model.Module.eval();
        double loss = 0;
        long right = 0, count = 0;
        int number = 0;
        using (torch.no_grad())
        {
            using var outer = torch.NewDisposeScope();
            foreach (var piece in data.Validation(batch, device))
            {
                if (parallel?.Takes(number++) == false)
                {
                    piece.Dispose();
                    continue;
                }
                using var scope = torch.NewDisposeScope();
                var sums = Losses.Sums(objective, model.Forward(piece.Inputs), piece);
                loss += sums.Loss.to(torch.ScalarType.Float64).item<double>();
                right += sums.Right.item<long>();
                count += sums.Count;
                piece.Dispose();
            }
        }
        model.Module.train(training);
        if (parallel is not null)
        {
            double[] all = parallel.Sum(loss, right, count);
            (loss, right, count) = (all[0], (long)all[1], (long)all[2]);
        }
        return new ValidationResult(loss / count, (double)right / count, count);
    }
}
