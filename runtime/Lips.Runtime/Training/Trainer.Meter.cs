using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using Lips.Runtime.Checkpoints;
using TorchSharp;

namespace Lips.Runtime.Training;

public sealed partial class Trainer
{
    /// <summary>Reads losses off the device now and then, and tells the log and the progress line.</summary>
    private sealed class Meter
    {
        private readonly Trainer _trainer;
        private readonly MetricsLog? _metrics;
        private readonly long _logEvery, _normsEvery, _readEvery;
        private readonly List<(torch.Tensor Loss, torch.Tensor? Norm)> _pending = [];
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private double _lossSum, _smoothed = double.NaN, _secondsPerStep = double.NaN;
        private double? _gradientNorm, _normOverCap;
        private long _counted, _readAt, _loggedAt;
        private double _loggedSeconds, _readSeconds;

        public Meter(Trainer trainer, MetricsLog? metrics)
        {
            (_trainer, _metrics) = (trainer, metrics);
            _readAt = _loggedAt = trainer.Step;
            (_smoothed, _lossSum, _counted) = trainer._losses;
            _logEvery = Math.Max(1, trainer.Steps / 2000);
            _normsEvery = Math.Clamp(trainer.Steps / 40, 1, 100);
            // Reading a loss waits for the device; on the CPU there is nothing to wait for.
            _readEvery = trainer._device.type == DeviceType.CUDA ? 10 : 1;
        }

        /// <summary>What has been read and not been logged.</summary>
        public PendingLosses Pending => new(_smoothed, _lossSum, _counted);

        public void Count((torch.Tensor Loss, torch.Tensor? Norm) step)
        {
            _pending.Add((step.Loss.DetachFromDisposeScope(), step.Norm?.DetachFromDisposeScope()));
        }

        public void Flush()
        {
            using var scope = torch.NewDisposeScope();
            foreach (var (loss, norm) in _pending)
            {
                double value = loss.to(torch.ScalarType.Float64).item<double>();
                _readAt++;
                if (!double.IsFinite(value))
                    throw new RunFailed($"The loss became {value} at step {_readAt} of '{_trainer._model.Name}'. The last checkpoint is unharmed; lower the learning rate, add a warm-up or clip the gradient.");
                _lossSum += value;
                _counted++;
                _smoothed = double.IsNaN(_smoothed) ? value : 0.95 * _smoothed + 0.05 * value;
                _gradientNorm = norm?.to(torch.ScalarType.Float64).item<double>();
                loss.Dispose();
                norm?.Dispose();
            }
            if (_pending.Count > 0)
            {
                double perStep = (_clock.Elapsed.TotalSeconds - _readSeconds) / _pending.Count;
                _secondsPerStep = double.IsNaN(_secondsPerStep) ? perStep : 0.9 * _secondsPerStep + 0.1 * perStep;
            }
            _readSeconds = _clock.Elapsed.TotalSeconds;
            _pending.Clear();
        }

        public void Report(bool last)
        {
            long step = _trainer.Step;
            if (last || step % _readEvery == 0)
                Flush();
            IReadOnlyDictionary<string, double>? norms = null;
            IReadOnlyDictionary<string, IReadOnlyList<HeadEntropy>>? attention = null;
            if (last || step % _normsEvery == 0)
            {
                attention = _trainer.Writes ? _trainer.Entropies() : null;
                norms = _trainer._optimizer.Projector.NormsOverCaps();
                norms = _trainer._parallel?.Merge(norms) ?? norms;
                _normOverCap = norms.Count > 0 ? norms.Values.Max() : null;
            }
            double units = _trainer._batch * _trainer._data.UnitsPerSample;
            if (_counted > 0 && (last || norms is not null || step % _logEvery == 0))
            {
                double seconds = _clock.Elapsed.TotalSeconds;
                _metrics?.Write(new MetricsLine
                {
                    Step = step,
                    Loss = _lossSum / _counted,
                    ScheduleFactor = _trainer._schedule.Factor(step - 1, _trainer.Steps),
                    GradientNorm = _gradientNorm,
                    PerSecond = (step - _loggedAt) * units / Math.Max(seconds - _loggedSeconds, 1e-9),
                    Norms = norms,
                    Attention = attention,
                });
                (_lossSum, _counted, _loggedAt, _loggedSeconds) = (0, 0, step, seconds);
            }
            if (!double.IsNaN(_smoothed))
                _trainer._options.Progress?.Show(
                    ProgressLine.Format(step, _trainer.Steps, _smoothed, units / _secondsPerStep, _trainer._data.Unit, (_trainer.Steps - step) * _secondsPerStep, _normOverCap, _trainer._bound),
                    last);
        }
    }
}
