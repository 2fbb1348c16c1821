using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        /// <summary>Optimizers.</summary>
        public static partial class optim
        {
            public interface ILearningRateController
            {
                double LearningRate { get; set; }

                double InitialLearningRate { get; set; }
            }

            public interface IBetas
            {
                (double, double) Betas { get; set; }
            }

            public interface IMomentum
            {
                double Momentum { get; set; }
            }

            /// <summary>Changes parameters by their gradients.</summary>
            public abstract class Optimizer : IDisposable
            {
                protected IList<ParamGroup> _parameter_groups;

                private protected Optimizer(IEnumerable<ParamGroup> groups) => _parameter_groups = groups.ToList();

                public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

                public virtual IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Parameters);

                /// <summary>One update of every parameter that has a gradient.</summary>
                /// <param name="closure">Computes loss and gradients before the update.</param>
                /// <returns>The closure's loss, or null.</returns>
                public virtual Tensor? step(Func<Tensor>? closure = null)
                {
                    Tensor? loss = null;
                    if (closure is not null)
                    {
                        using IDisposable gradients = enable_grad();
                        loss = closure();
                    }
                    using IDisposable mode = no_grad();
                    foreach (ParamGroup group in _parameter_groups)
                    {
                        using DisposeScope scope = NewDisposeScope();
                        foreach (Parameter parameter in group.Parameters)
                            if (parameter.grad is { } gradient) Update(group, parameter, gradient);
                    }
                    return loss;
                }

                /// <summary>Sets every gradient to zero.</summary>
                public virtual void zero_grad()
                {
                    foreach (Parameter parameter in parameters())
                    {
                        using Tensor? gradient = parameter.grad;
                        if (gradient is null) continue;
                        using Tensor detached = gradient.detach();
                        detached.zero_();
                    }
                }

                public void Dispose()
                {
                    Dispose(true);
                    GC.SuppressFinalize(this);
                }

                protected virtual void Dispose(bool disposing)
                {
                }

                private protected abstract void Update(ParamGroup group, Parameter parameter, Tensor gradient);
            }
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>What the optimizers written in C# share.</summary>
    public abstract class OptimizerHelper : torch.optim.Optimizer
    {
        private protected OptimizerHelper(IEnumerable<ParamGroup> groups) : base(groups)
        {
        }
    }

    /// <summary>Parameters that share their settings.</summary>
    public class ParamGroup : torch.optim.ILearningRateController
    {
        internal ParamGroup(IEnumerable<Parameter> parameters, double lr)
        {
            Parameters = parameters.ToList();
            LearningRate = lr;
            InitialLearningRate = lr;
        }

        public IEnumerable<Parameter> Parameters { get; set; }

        public double LearningRate { get; set; }

        public double InitialLearningRate { get; set; }
    }
}
