using System;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
