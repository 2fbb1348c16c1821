using System;

namespace TorchSharp.Modules
{
    /// <summary>A leaf tensor that a module trains.</summary>
    public class Parameter : torch.Tensor
    {
        /// <param name="data">Its native tensor is taken over, its place in a dispose scope too; the object is empty afterwards.</param>
        /// <param name="requires_grad">Whether gradients are accumulated.</param>
        public Parameter(torch.Tensor data, bool requires_grad = true) : base(data, data.OwningScope) => this.requires_grad = requires_grad;
    }
}

namespace TorchSharp
{
    using TorchSharp.Modules;

    public static partial class torch
    {
        public partial class Tensor
        {
            /// <summary>Takes over another object's native tensor and its place in a scope.</summary>
            internal Tensor(Tensor other, DisposeScope? scope)
            {
                handle = other.DecoupleFromNativeHandle();
                System.Threading.Interlocked.Increment(ref totalCount);
                scope?.Register(this);
            }
        }

        public static partial class nn
        {
            public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}

namespace TorchSharp.Utils
{
    /// <summary>The state-dictionary name of a field, where it differs from the field's own.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    public class ComponentNameAttribute : Attribute
    {
        public string? Name { get; set; }
    }
}
