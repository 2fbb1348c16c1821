namespace Lips.Runtime;

/// <summary>The domain of a bound at the norms of given weights, in the compiler's words. Generated code writes it.</summary>
public static class InputDomain
{
    private const string OfWeights = ", for the given weights, by their certified norms";

    /// <summary>A domain of declared numbers, which no weight changes.</summary>
    public static string Declared(string inputs) => inputs + OfWeights;

    /// <summary>
    /// The ball that the bound was derived on: <paramref name="radius"/> is the largest <paramref name="length"/> (RMS or l2 norm) of
    /// a token at <paramref name="from"/>, printed rounded down, or infinite where the bound holds everywhere.
    /// </summary>
    public static string Ball(string from, string length, UpperBound radius) => Within($"for any two values at '{from}'", length, radius);

    /// <summary>The same where <paramref name="from"/> holds embedding vectors: token ids themselves have no distance.</summary>
    public static string Embedded(string from, string length, UpperBound radius) => Within($"for any two sequences of embedding vectors at '{from}'", length, radius);

    /// <summary>The same where masks look at token ids: both values are of one set of hidden keys.</summary>
    public static string Masked(string from, string length, UpperBound radius) => Within($"for the same keys hidden by masks, and any two values at '{from}'", length, radius);

    private static string Within(string values, string length, UpperBound radius) =>
        values + (radius.IsInfinity ? "" : $" whose tokens have {length} <= {radius.ToDecimalDown(7)}") + OfWeights;
}
