using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Lips.Compiler;

/// <summary>
/// A stack of its own for a stage that recurses deeply. What the caller has left of its stack, and how large unoptimized
/// frames are, must not decide whether a text of allowed depth can be read. The thread is waited for and shares nothing.
/// </summary>
internal static class RoomyStack
{
    private const int Bytes = 16 * 1024 * 1024;

    /// <summary>What the stage returns or throws.</summary>
    internal static T Run<T>(Func<T> stage)
    {
        T result = default!;
        ExceptionDispatchInfo? thrown = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    result = stage();
                }
                catch (Exception e)
                {
                    thrown = ExceptionDispatchInfo.Capture(e);
                }
            },
            Bytes);
        thread.Start();
        thread.Join();
        thrown?.Throw();
        return result;
    }
}
