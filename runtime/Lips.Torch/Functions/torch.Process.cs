using System;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Threads that one operator may use; OpenBLAS's own are set with them.</summary>
    public static void set_num_threads(int num) => NativeMethods.Check(NativeMethods.lips_set_num_threads(num));

    public static int get_num_threads() => NativeMethods.Check(NativeMethods.lips_get_num_threads());

    public static void set_num_interop_threads(int num) => NativeMethods.Check(NativeMethods.lips_set_num_interop_threads(num));

    public static int get_num_interop_threads() => NativeMethods.Check(NativeMethods.lips_get_num_interop_threads());

    public static bool cuda_is_available() => cuda.is_available();

    public static partial class cuda
    {
        public static bool is_available() => device_count() > 0;

        public static int device_count() => NativeMethods.Check(NativeMethods.lips_cuda_device_count());

        /// <summary>Seeds the current device's generator.</summary>
        public static void manual_seed(long seed) => NativeMethods.Check(NativeMethods.lips_cuda_manual_seed(-1, (ulong)seed));

        public static void manual_seed_all(long seed)
        {
            for (int i = 0; i < device_count(); i++) NativeMethods.Check(NativeMethods.lips_cuda_manual_seed(i, (ulong)seed));
        }

        /// <summary>Waits for everything queued on a device.</summary>
        public static void synchronize(Device? device = null) => NativeMethods.Check(NativeMethods.lips_cuda_synchronize(device?.index ?? -1));
    }

    /// <summary>Switches of the libraries below.</summary>
    public static partial class backends
    {
        public static partial class cuda
        {
            public static partial class matmul
            {
                public static bool allow_tf32
                {
                    get => NativeMethods.Check(NativeMethods.lips_allow_tf32(0, -1)) != 0;
                    set => NativeMethods.Check(NativeMethods.lips_allow_tf32(0, value ? 1 : 0));
                }
            }
        }

        public static partial class cudnn
        {
            public static bool allow_tf32
            {
                get => NativeMethods.Check(NativeMethods.lips_allow_tf32(1, -1)) != 0;
                set => NativeMethods.Check(NativeMethods.lips_allow_tf32(1, value ? 1 : 0));
            }
        }
    }
}
