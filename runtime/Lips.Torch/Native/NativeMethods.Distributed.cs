using System;
using System.Runtime.InteropServices;

namespace TorchSharp.Native;

/// <summary>The functions of <c>runtime/native/distributed.cpp</c>.</summary>
internal static unsafe partial class NativeMethods
{
    [DllImport(Library)] internal static extern int lips_distributed();

    [DllImport(Library)] internal static extern int lips_store_new(byte* host, int port, int serves, long timeout_ms, byte* prefix, IntPtr* result, int* bound);
    [DllImport(Library)] internal static extern void lips_store_free(IntPtr store);
    [DllImport(Library)] internal static extern int lips_store_set(IntPtr store, byte* key, byte* bytes, long count);
    [DllImport(Library)] internal static extern int lips_store_get(IntPtr store, byte* key, long timeout_ms, byte** bytes, long* count);
    [DllImport(Library)] internal static extern int lips_store_add(IntPtr store, byte* key, long amount, long* result);

    [DllImport(Library)] internal static extern int lips_group_new(IntPtr store, byte* prefix, byte* engine, byte* place, int rank, int size, long timeout_ms, IntPtr* result);
    [DllImport(Library)] internal static extern void lips_group_free(IntPtr group);
    [DllImport(Library)] internal static extern int lips_all_reduce(IntPtr group, IntPtr tensor, int operation, IntPtr* work);
    [DllImport(Library)] internal static extern int lips_broadcast(IntPtr group, IntPtr tensor, int root, IntPtr* work);
    [DllImport(Library)] internal static extern int lips_send(IntPtr group, IntPtr tensor, int to, int tag, IntPtr* work);
    [DllImport(Library)] internal static extern int lips_receive(IntPtr group, IntPtr tensor, int from, int tag, IntPtr* work);
    [DllImport(Library)] internal static extern int lips_work_wait(IntPtr work);

    [DllImport(Library)] internal static extern int lips_reducer_new(IntPtr group, IntPtr* parameters, int count, long bucket_bytes, IntPtr* result);
    [DllImport(Library)] internal static extern void lips_reducer_free(IntPtr reducer);
    [DllImport(Library)] internal static extern int lips_reducer_arm(IntPtr reducer);
    [DllImport(Library)] internal static extern int lips_reducer_finish(IntPtr reducer);
}
