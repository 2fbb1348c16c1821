using System;
using System.Runtime.CompilerServices;
using System.Text;

namespace TorchSharp.Native;

/// <summary>
/// One ATen operator. Its handle is looked up at the first call, so that naming an operator which this libtorch lacks
/// costs nothing until it is used. Missing trailing arguments take the schema's defaults.
/// </summary>
internal sealed unsafe class Op(string name, string overload = "")
{
    private const int MostResults = 8;

    private IntPtr handle;

    /// <summary>Whether this libtorch has the operator.</summary>
    public bool Exists => handle != 0 || Find() != 0;

    /// <summary>The first result, a tensor.</summary>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">The operator failed; names it and the arguments' shapes.</exception>
    [SkipLocalsInit]
    public torch.Tensor Call(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(args, results);
        return new torch.Tensor((IntPtr)results[0].Payload);
    }

    /// <summary>An in-place operator: what it returns is its first argument, which the caller has.</summary>
    [SkipLocalsInit]
    public T InPlace<T>(T self, params ReadOnlySpan<Arg> args) where T : torch.Tensor
    {
        Value* results = stackalloc Value[MostResults];
        int count = Invoke(args, results);
        for (int i = 0; i < count; i++) Release(results[i]);
        return self;
    }

    [SkipLocalsInit]
    public void Run(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MostResults];
        int count = Invoke(args, results);
        for (int i = 0; i < count; i++) Release(results[i]);
    }

    [SkipLocalsInit]
    public (torch.Tensor, torch.Tensor) Call2(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MostResults];
        int count = Invoke(args, results);
        for (int i = 2; i < count; i++) Release(results[i]);
        return (new((IntPtr)results[0].Payload), new((IntPtr)results[1].Payload));
    }

    [SkipLocalsInit]
    public (torch.Tensor, torch.Tensor, torch.Tensor) Call3(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MostResults];
        int count = Invoke(args, results);
        for (int i = 3; i < count; i++) Release(results[i]);
        return (new((IntPtr)results[0].Payload), new((IntPtr)results[1].Payload), new((IntPtr)results[2].Payload));
    }

    /// <summary>A result that is a list of tensors.</summary>
    [SkipLocalsInit]
    public torch.Tensor[] CallList(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(args, results);
        var tensors = new torch.Tensor[results[0].Extra];
        var handles = (IntPtr*)results[0].Payload;
        for (int i = 0; i < tensors.Length; i++) tensors[i] = new torch.Tensor(handles[i]);
        NativeMethods.lips_free(handles);
        return tensors;
    }

    /// <summary>A result that is an integer or a truth value.</summary>
    [SkipLocalsInit]
    public long CallLong(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(args, results);
        return results[0].Payload;
    }

    /// <summary>A result that is a number of any kind.</summary>
    [SkipLocalsInit]
    public Scalar CallScalar(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(args, results);
        return new Scalar(results[0].Tag, results[0].Payload);
    }

    private static void Release(Value value)
    {
        if (value.Tag == Tag.Tensor) NativeMethods.lips_tensor_free((IntPtr)value.Payload);
        if (value.Tag != Tag.TensorList) return;
        var handles = (IntPtr*)value.Payload;
        for (int i = 0; i < value.Extra; i++) NativeMethods.lips_tensor_free(handles[i]);
        NativeMethods.lips_free(handles);
    }

    [SkipLocalsInit]
    private int Invoke(ReadOnlySpan<Arg> args, Value* results)
    {
        if (handle == 0 && Find() == 0) throw NativeMethods.Failure();
        Value* values = stackalloc Value[args.Length];
        int words = 0;
        for (int i = 0; i < args.Length; i++)
        {
            values[i].Tag = args[i].Tag;
            values[i].Extra = args[i].Extra;
            values[i].Payload = args[i].Payload;
            if (args[i].Ref is not null) words += args[i].Words;
        }
        int count = words == 0 ? NativeMethods.lips_call(handle, values, args.Length, results, MostResults) : InvokeWithLists(args, values, words, results);
        for (int i = 0; i < args.Length; i++) GC.KeepAlive(args[i].Ref);
        return NativeMethods.Check(count);
    }

    [SkipLocalsInit]
    private int InvokeWithLists(ReadOnlySpan<Arg> args, Value* values, int words, Value* results)
    {
        Span<long> memory = words <= 128 ? stackalloc long[words] : new long[words];
        fixed (long* start = memory)
        {
            int used = 0;
            for (int i = 0; i < args.Length; i++)
            {
                int needed = args[i].Words;
                if (needed == 0) continue;
                args[i].CopyTo(memory.Slice(used, needed));
                values[i].Payload = (long)(start + used);
                used += needed;
            }
            return NativeMethods.lips_call(handle, values, args.Length, results, MostResults);
        }
    }

    private IntPtr Find()
    {
        fixed (byte* n = Encoding.UTF8.GetBytes("aten::" + name + "\0"), o = Encoding.UTF8.GetBytes(overload + "\0"))
            handle = NativeMethods.lips_op(n, o);
        return handle;
    }
}
