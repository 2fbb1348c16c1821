using System;
using System.Collections.Generic;
using System.Linq;

namespace TorchSharp.Modules
{
    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).</summary>
    public class AdamW : OptimizerHelper, torch.optim.IBetas
    {
        private sealed class Moments
        {
            public long Step;
            public required torch.Tensor First;
            public required torch.Tensor Second;
            public torch.Tensor? Largest;
        }

        private readonly Dictionary<Parameter, Moments> state = new(ReferenceEqualityComparer.Instance);

        internal AdamW(IEnumerable<ParamGroup> groups) : base(groups)
        {
        }

        /// <summary>Of the first group; setting it sets every group's.</summary>
        public (double, double) Betas
        {
            get => ((ParamGroup)_parameter_groups[0]).Betas;
            set
            {
                foreach (Modules.ParamGroup group in _parameter_groups) ((ParamGroup)group).Betas = value;
            }
        }

        /// <summary>Parameters with their own settings.</summary>
        public class ParamGroup : Modules.ParamGroup, torch.optim.IBetas
        {
            public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : base(parameters, lr)
            {
                Betas = (beta1, beta2);
                Epsilon = eps;
                Decay = weight_decay;
                Amsgrad = amsgrad;
                Maximize = maximize;
            }

            public (double, double) Betas { get; set; }

            internal double Epsilon { get; }

            internal double Decay { get; }

            internal bool Amsgrad { get; }

            internal bool Maximize { get; }
        }

        private protected override void Update(Modules.ParamGroup group, Parameter parameter, torch.Tensor gradient)
        {
            var settings = (ParamGroup)group;
            (double beta1, double beta2) = settings.Betas;
            if (!state.TryGetValue(parameter, out Moments? moments))
            {
                moments = new Moments { First = parameter.zeros_like().DetachFromDisposeScope(), Second = parameter.zeros_like().DetachFromDisposeScope() };
                if (settings.Amsgrad) moments.Largest = parameter.zeros_like().DetachFromDisposeScope();
                state[parameter] = moments;
            }
            if (settings.Maximize) gradient = gradient.neg();
            moments.Step++;
            double correction1 = 1 - Math.Pow(beta1, moments.Step), correction2 = 1 - Math.Pow(beta2, moments.Step);
            if (settings.Decay != 0) parameter.mul_(1 - (settings.LearningRate * settings.Decay));
            moments.First.mul_(beta1).add_(gradient, 1 - beta1);
            moments.Second.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
            torch.Tensor second = moments.Second;
            if (moments.Largest is { } largest)
            {
                largest.copy_(largest.maximum(second));
                second = largest;
            }
            torch.Tensor denominator = second.sqrt().div_(Math.Sqrt(correction2)).add_(settings.Epsilon);
            parameter.addcdiv_(moments.First, denominator, -settings.LearningRate / correction1);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            foreach (Moments moments in state.Values)
            {
                moments.First.Dispose();
                moments.Second.Dispose();
                moments.Largest?.Dispose();
            }
            state.Clear();
        }
    }

    /// <summary>Stochastic gradient descent with momentum (Sutskever et al. 2013, as PyTorch writes it).</summary>
    public class SGD : OptimizerHelper, torch.optim.IMomentum
    {
        private readonly Dictionary<Parameter, torch.Tensor> momenta = new(ReferenceEqualityComparer.Instance);

        internal SGD(IEnumerable<ParamGroup> groups) : base(groups)
        {
        }

        /// <summary>Of the first group; setting it sets every group's.</summary>
        public double Momentum
        {
            get => ((ParamGroup)_parameter_groups[0]).Momentum;
            set
            {
                foreach (Modules.ParamGroup group in _parameter_groups) ((ParamGroup)group).Momentum = value;
            }
        }

        /// <summary>Parameters with their own settings.</summary>
        public class ParamGroup : Modules.ParamGroup, torch.optim.IMomentum
        {
            public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                : base(parameters, lr)
            {
                Momentum = momentum;
                Dampening = dampening;
                Decay = weight_decay;
                Nesterov = nesterov;
                Maximize = maximize;
            }

            public double Momentum { get; set; }

            internal double Dampening { get; }

            internal double Decay { get; }

            internal bool Nesterov { get; }

            internal bool Maximize { get; }
        }

        private protected override void Update(Modules.ParamGroup group, Parameter parameter, torch.Tensor gradient)
        {
            var settings = (ParamGroup)group;
            if (settings.Maximize) gradient = gradient.neg();
            if (settings.Decay != 0) gradient = gradient.add(parameter, settings.Decay);
            if (settings.Momentum != 0)
            {
                if (momenta.TryGetValue(parameter, out torch.Tensor? buffer)) buffer.mul_(settings.Momentum).add_(gradient, 1 - settings.Dampening);
                else momenta[parameter] = buffer = gradient.clone().detach_().DetachFromDisposeScope();
                gradient = settings.Nesterov ? gradient.add(buffer, settings.Momentum) : buffer;
            }
            parameter.add_(gradient, -settings.LearningRate);
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            foreach (torch.Tensor buffer in momenta.Values) buffer.Dispose();
            momenta.Clear();
        }
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public static partial class optim
        {
            public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new([new AdamW.ParamGroup(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)]);

            public static AdamW AdamW(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                AdamW(parameters.Select(p => p.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            /// <summary>Groups keep their own settings.</summary>
            public static AdamW AdamW(IEnumerable<AdamW.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters);

            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new([new SGD.ParamGroup(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize)]);

            public static SGD SGD(IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                SGD(parameters.Select(p => p.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            /// <summary>Groups keep their own settings.</summary>
            public static SGD SGD(IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters);
        }
    }
}
