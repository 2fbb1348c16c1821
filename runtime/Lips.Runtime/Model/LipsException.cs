using System;

namespace Lips.Runtime;

/// <summary>An error for a person: the message names the thing, what was found and what to do. Never shown with a stack trace.</summary>
public class LipsException : Exception
{
    public LipsException(string message, int exitCode, Exception? inner = null)
        : base(message, inner) => ExitCode = exitCode;

    /// <summary>The process exit code it ends in: 1 usage, 2 syntax or type, 4 a claim does not hold, 5 a run failed.</summary>
    public int ExitCode { get; }
}

/// <summary>The recipe of a spec cannot be used as written.</summary>
public sealed class RecipeException(string message) : LipsException(message, 2);

/// <summary>A run could not go on: data missing, weights not finite, a checkpoint that does not fit.</summary>
public sealed class RunFailed(string message, Exception? inner = null) : LipsException(message, 5, inner);

/// <summary>A weight or a claim could not be certified.</summary>
public sealed class NotCertified(string message) : LipsException(message, 4);
