using System;
using System.Collections.Generic;
using TorchSharp.Modules;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        public bool requires_grad
        {
            get => (Flags & 1) != 0;
            set
            {
                NativeMethods.Check(NativeMethods.lips_set_requires_grad(Handle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>The accumulated gradient: a new object at every read, to be disposed like any tensor.</summary>
        public Tensor? grad
        {
            get
            {
                IntPtr result;
                NativeMethods.Check(NativeMethods.lips_grad(Handle, &result));
                GC.KeepAlive(this);
                return OrNull(result);
            }
            set
            {
                NativeMethods.Check(NativeMethods.lips_set_grad(Handle, value is null ? 0 : value.Handle));
                GC.KeepAlive(value);
                GC.KeepAlive(this);
            }
        }

        public void backward() => backward(null);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward(this, grad_tensors, retain_graph, create_graph, inputs);

        /// <summary>Keeps the gradient of a tensor that is no leaf.</summary>
        public void retain_grad() => Ops.retain_grad.Run(this);

        public Tensor detach() => Ops.detach.Call(this);

        public Tensor detach_() => Ops.detach_.InPlace(this, this);
    }

    /// <summary>Gradients of given outputs, by reverse-mode differentiation.</summary>
    public static unsafe partial class autograd
    {
        /// <summary>Vector-Jacobian products of <paramref name="outputs"/> by <paramref name="inputs"/>.</summary>
        /// <param name="outputs">Differentiated functions.</param>
        /// <param name="inputs">Tensors to differentiate by.</param>
        /// <param name="grad_outputs">The vectors; null for scalar outputs.</param>
        /// <param name="retain_graph">Keep the graph for another pass.</param>
        /// <param name="create_graph">Make the gradients differentiable themselves.</param>
        /// <param name="allow_unused">An input the outputs do not depend on gives null instead of an error.</param>
        public static IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            IntPtr[] o = Tensor.Handles(outputs), i = Tensor.Handles(inputs), g = Tensor.Handles(grad_outputs);
            var result = new IntPtr[i.Length];
            fixed (IntPtr* po = o, pi = i, pg = g, pr = result)
                NativeMethods.Check(NativeMethods.lips_autograd_grad(po, o.Length, pi, i.Length, pg, g.Length, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, pr));
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return Array.ConvertAll(result, h => Tensor.OrNull(h)!);
        }

        public static void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            IntPtr[] t = Tensor.Handles(tensors), g = Tensor.Handles(grad_tensors), i = Tensor.Handles(inputs);
            fixed (IntPtr* pt = t, pg = g, pi = i)
                NativeMethods.Check(NativeMethods.lips_backward(pt, t.Length, pg, g.Length, (retain_graph ?? create_graph) ? 1 : 0, create_graph ? 1 : 0, pi, i.Length));
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);
    }

    private sealed class GradMode : IDisposable
    {
        private readonly int before;

        public GradMode(bool enabled) => before = NativeMethods.lips_grad_mode(enabled ? 1 : 0);

        public void Dispose() => _ = NativeMethods.lips_grad_mode(before);
    }

    private sealed class InferenceMode(bool enabled) : IDisposable
    {
        private IntPtr guard = NativeMethods.lips_inference_begin(enabled ? 1 : 0);

        public void Dispose()
        {
            if (guard == 0) return;
            NativeMethods.lips_inference_end(guard);
            guard = 0;
        }
    }

    /// <summary>Records no graph on this thread until disposed.</summary>
    public static IDisposable no_grad() => new GradMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    public static bool is_grad_enabled() => NativeMethods.lips_grad_mode(-1) != 0;

    /// <summary>Like <see cref="no_grad"/>, and what is made inside may never take part in a graph.</summary>
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);
}

/// <summary>Conversions of tensors.</summary>
public static partial class TensorExtensionMethods
{
    /// <summary>The tensor as a parameter; takes over its native tensor.</summary>
    public static Parameter AsParameter(this torch.Tensor tensor) => new(tensor);
}
