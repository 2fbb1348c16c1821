using System;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

[assembly: DisableRuntimeMarshalling]

namespace TorchSharp.Native;

/// <summary>Finds <c>liblipstorch.so</c>: <c>$LIPS_NATIVE</c>, beside the application, in <c>runtime/native/build</c> above it, or in the package.</summary>
internal static class NativeLibraryLoader
{
#pragma warning disable CA2255 // The resolver must stand before the first native call, whichever type makes it.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLoader).Assembly, Resolve);

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != NativeMethods.Library) return IntPtr.Zero;
        ChooseBlasKernels();
        string? found = Locate();
        if (found is null)
        {
            // where this came as a package, the host knows its native files
            if (NativeLibrary.TryLoad(name, assembly, path, out IntPtr packaged)) return packaged;
            throw new DllNotFoundException(
                "liblipstorch.so is neither beside the application nor in runtime/native/build; run runtime/native/build.sh "
                + "(it needs libtorch: apt-get install libtorch-dev libopenblas0-pthread g++, or set LIBTORCH).");
        }
        return NativeLibrary.Load(found);
    }

    /// <summary>
    /// OpenBLAS knows processors by their model numbers, and takes AVX2 kernels for one that is newer than itself: half the speed of
    /// those that fit. Where the processor has AVX-512 with bfloat16 and nobody has chosen, it is told so before it is loaded.
    /// </summary>
    private static void ChooseBlasKernels()
    {
        if (!X86Base.IsSupported || !Avx512BW.VL.IsSupported || X86Base.CpuId(0, 0).Eax < 7) return;
        bool hasBfloat16 = (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;
        // the environment of the process itself, which native code reads; what is there stays
        if (hasBfloat16) _ = SetUnlessSet("OPENBLAS_CORETYPE"u8, "Cooperlake"u8);
    }

    private static unsafe int SetUnlessSet(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // literals end in a zero that is not counted
        fixed (byte* n = name, v = value) return SetEnvironment(n, v, 0);
    }

    [DllImport("libc", EntryPoint = "setenv")] private static extern unsafe int SetEnvironment(byte* name, byte* value, int overwrite);

    private static string? Locate()
    {
        if (Environment.GetEnvironmentVariable("LIPS_NATIVE") is { Length: > 0 } named) return named;
        string beside = Path.Combine(AppContext.BaseDirectory, "liblipstorch.so");
        if (File.Exists(beside)) return beside;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string built = Path.Combine(folder.FullName, "runtime", "native", "build", "liblipstorch.so");
            if (File.Exists(built)) return built;
        }
        return null;
    }
}
