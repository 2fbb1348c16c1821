namespace System.Runtime.CompilerServices;

/// <summary>What the compiler asks of a target with records; netstandard2.0 does not have it.</summary>
internal static class IsExternalInit;
