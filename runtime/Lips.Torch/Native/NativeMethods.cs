using System;
using System.Runtime.InteropServices;

namespace TorchSharp.Native;

/// <summary>The functions of <c>runtime/native/lipstorch.cpp</c>; 0 is success, -1 a failure whose text <c>lips_error</c> holds.</summary>
internal static unsafe partial class NativeMethods
{
    internal const string Library = "lipstorch";

    [DllImport(Library)] private static extern byte* lips_error();
    [DllImport(Library)] internal static extern void lips_free(void* memory);

    [DllImport(Library)] internal static extern IntPtr lips_op(byte* name, byte* overload);
    [DllImport(Library)] internal static extern int lips_call(IntPtr op, Value* args, int count, Value* results, int capacity);

    [DllImport(Library)] internal static extern void lips_tensor_free(IntPtr t);
    [DllImport(Library)] internal static extern IntPtr lips_tensor_copy_handle(IntPtr t);
    [DllImport(Library), SuppressGCTransition] internal static extern int lips_tensor_dim(IntPtr t);
    [DllImport(Library), SuppressGCTransition] internal static extern int lips_tensor_dtype(IntPtr t);
    [DllImport(Library), SuppressGCTransition] internal static extern long lips_tensor_numel(IntPtr t);
    [DllImport(Library), SuppressGCTransition] internal static extern int lips_tensor_device(IntPtr t, int* index);
    [DllImport(Library), SuppressGCTransition] internal static extern void lips_tensor_sizes(IntPtr t, long* sizes);
    [DllImport(Library)] internal static extern int lips_tensor_strides(IntPtr t, long* strides);
    [DllImport(Library)] internal static extern int lips_tensor_flags(IntPtr t);
    [DllImport(Library)] internal static extern void* lips_tensor_data(IntPtr t);
    [DllImport(Library)] internal static extern int lips_tensor_storage(IntPtr t, void** address, long* bytes);
    [DllImport(Library)] internal static extern int lips_from_blob(void* data, long* sizes, int dim, int dtype, delegate* unmanaged<IntPtr, void> release, IntPtr context, IntPtr* result);

    [DllImport(Library)] internal static extern int lips_set_requires_grad(IntPtr t, int value);
    [DllImport(Library)] internal static extern int lips_grad(IntPtr t, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_set_grad(IntPtr t, IntPtr grad);
    [DllImport(Library)] internal static extern int lips_backward(IntPtr* tensors, int count, IntPtr* grads, int grad_count, int retain_graph, int create_graph, IntPtr* inputs, int input_count);
    [DllImport(Library)] internal static extern int lips_autograd_grad(IntPtr* outputs, int output_count, IntPtr* inputs, int input_count, IntPtr* grads, int grad_count, int retain_graph, int create_graph, int allow_unused, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_set_backward(IntPtr value, IntPtr* inputs, int count, delegate* unmanaged<IntPtr, IntPtr, IntPtr*, int, byte*, int, int> backward, delegate* unmanaged<IntPtr, void> release, IntPtr context);
    [DllImport(Library)] internal static extern int lips_grad_mode(int value);
    [DllImport(Library)] internal static extern IntPtr lips_inference_begin(int value);
    [DllImport(Library)] internal static extern void lips_inference_end(IntPtr guard);

    [DllImport(Library)] internal static extern int lips_heads(IntPtr all, IntPtr cosine, IntPtr sine, long heads, long keyHeads, IntPtr* q, IntPtr* k, IntPtr* v);
    [DllImport(Library)] internal static extern int lips_attention(IntPtr qkv, IntPtr cosine, IntPtr sine, long heads, double scale, int causal, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_linear(IntPtr x, IntPtr weight, IntPtr bias, double gain, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_mix(IntPtr a, double keep, IntPtr b, double share, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_cross_entropy(IntPtr logits, IntPtr target, long ignored, int consumes, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_adamw(IntPtr* values, IntPtr* gradients, IntPtr* first, IntPtr* second, int count, double kept, double beta1, double beta2, double root, double epsilon, double rate);
    [DllImport(Library)] internal static extern int lips_multiply_into(IntPtr result, IntPtr a, IntPtr b, double beta, double alpha);
    [DllImport(Library)] internal static extern int lips_symmetric_product(IntPtr result, IntPtr a, IntPtr b, double alpha);

    [DllImport(Library)] internal static extern int lips_autocast(int device, int value, int dtype);
    [DllImport(Library)] internal static extern int lips_autocast_clear();
    [DllImport(Library)] internal static extern int lips_cuda_bfloat16(int index);

    [DllImport(Library)] internal static extern int lips_manual_seed(long seed);
    [DllImport(Library)] internal static extern int lips_generator_new(ulong seed, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_generator_default(int type, int index, IntPtr* result);
    [DllImport(Library)] internal static extern void lips_generator_free(IntPtr g);
    [DllImport(Library)] internal static extern int lips_generator_seed(IntPtr g, ulong seed);
    [DllImport(Library)] internal static extern ulong lips_generator_initial_seed(IntPtr g);
    [DllImport(Library)] internal static extern int lips_generator_get_state(IntPtr g, IntPtr* result);
    [DllImport(Library)] internal static extern int lips_generator_set_state(IntPtr g, IntPtr state);

    [DllImport(Library)] private static extern byte* lips_version();
    [DllImport(Library)] private static extern byte* lips_blas();
    [DllImport(Library)] internal static extern int lips_get_num_threads();
    [DllImport(Library)] internal static extern int lips_set_num_threads(int count);
    [DllImport(Library)] internal static extern int lips_get_num_interop_threads();
    [DllImport(Library)] internal static extern int lips_set_num_interop_threads(int count);
    [DllImport(Library)] internal static extern int lips_cuda_device_count();
    [DllImport(Library)] internal static extern int lips_cuda_compiled();
    [DllImport(Library)] internal static extern int lips_cuda_manual_seed(int index, ulong seed);
    [DllImport(Library)] internal static extern int lips_cuda_synchronize(int index);
    [DllImport(Library)] internal static extern int lips_cuda_memory(int index, long* allocated, long* peak, long* reserved);
    [DllImport(Library)] internal static extern int lips_cuda_reset_peak(int index);
    [DllImport(Library)] internal static extern int lips_allow_tf32(int kind, int value);

    [DllImport(Library)] internal static extern int lips_graph_new(int index, IntPtr* result);
    [DllImport(Library)] internal static extern void lips_graph_free(IntPtr graph);
    [DllImport(Library)] internal static extern int lips_graph_enter(IntPtr graph);
    [DllImport(Library)] internal static extern int lips_graph_leave(IntPtr graph);
    [DllImport(Library)] internal static extern int lips_graph_begin(IntPtr graph);
    [DllImport(Library)] internal static extern int lips_graph_end(IntPtr graph);
    [DllImport(Library)] internal static extern int lips_graph_replay(IntPtr graph);

    internal static string Version => Marshal.PtrToStringUTF8((IntPtr)lips_version())!;

    internal static string Blas => Marshal.PtrToStringUTF8((IntPtr)lips_blas())!;

    /// <summary>The result of a native function, or its failure as an exception.</summary>
    /// <exception cref="ExternalException">The native function failed; the message names operator and shapes.</exception>
    internal static int Check(int result)
    {
        if (result == -1) throw Failure();
        return result;
    }

    internal static ExternalException Failure() => new(Marshal.PtrToStringUTF8((IntPtr)lips_error()) ?? "libtorch failed");
}
