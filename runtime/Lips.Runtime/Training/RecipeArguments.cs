using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Lips.Runtime.Training;

/// <summary>
/// The arguments of one call in a recipe, read by name with defaults. A name that nobody reads is an error that lists the
/// names that may be used.
/// </summary>
internal sealed class RecipeArguments
{
    private readonly string _owner;
    private readonly Dictionary<string, RecipeValue> _values = new(StringComparer.Ordinal);

    /// <param name="call">The call as written.</param>
    /// <param name="names">All argument names, in the order in which they may be given without a name.</param>
    /// <param name="overrides">Values from dotted paths or the command line, which win.</param>
    public RecipeArguments(string entry, RecipeValue.Call call, IReadOnlyList<string> names, IReadOnlyDictionary<string, RecipeValue>? overrides = null)
    {
        _owner = $"{entry}: {call.Name}";
        int position = 0;
        foreach (var (label, value) in call.Arguments)
        {
            string name = label ?? (position < names.Count ? names[position++] : throw new RecipeException($"{_owner} takes at most {names.Count} arguments."));
            Set(name, value);
        }
        foreach (var (name, value) in overrides ?? new Dictionary<string, RecipeValue>())
            Set(name, value);

        void Set(string name, RecipeValue value)
        {
            if (!names.Contains(name))
                throw new RecipeException($"{_owner} has no argument '{name}'" + (names.Count == 0 ? "; it takes none." : $"; it may have {string.Join(", ", names)}."));
            _values[name] = value;
        }
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public double Number(string name, double fallback) => _values.TryGetValue(name, out var value) ? AsNumber($"{_owner}, {name}", value) : fallback;

    /// <summary>A number in [low, high].</summary>
    public double Number(string name, double fallback, double low, double high) => InRange($"{_owner}, {name}", Number(name, fallback), low, high);

    public long Whole(string name, long fallback) => _values.TryGetValue(name, out var value) ? AsWhole($"{_owner}, {name}", value) : fallback;

    public bool Flag(string name, bool fallback) => _values.TryGetValue(name, out var value)
        ? value is RecipeValue.Flag flag ? flag.Value : throw Wrong($"{_owner}, {name}", "true or false", value)
        : fallback;

    public string Text(string name, string? fallback = null) => _values.TryGetValue(name, out var value)
        ? AsText($"{_owner}, {name}", value)
        : fallback ?? throw new RecipeException($"{_owner} needs the argument '{name}'.");

    public (double First, double Second) Pair(string name, double first, double second) => _values.TryGetValue(name, out var value)
        ? value is RecipeValue.Items { Values: [var a, var b] } ? (AsNumber(name, a), AsNumber(name, b)) : throw Wrong($"{_owner}, {name}", "a list of two numbers", value)
        : (first, second);

    public static double InRange(string what, double value, double low, double high) => value >= low && value <= high
        ? value
        : throw new RecipeException($"{what} must lie between {low.ToString(CultureInfo.InvariantCulture)} and {high.ToString(CultureInfo.InvariantCulture)}, got {value.ToString("R", CultureInfo.InvariantCulture)}.");

    public static double AsNumber(string what, RecipeValue value) =>
        value is RecipeValue.Number number && double.IsFinite(number.Value) ? number.Value : throw Wrong(what, "a number", value);

    public static long AsWhole(string what, RecipeValue value) =>
        value is RecipeValue.Number { Value: var n } && n == Math.Floor(n) && Math.Abs(n) < 1e15 ? (long)n : throw Wrong(what, "a whole number", value);

    /// <summary>Text in quotes or a bare name.</summary>
    public static string AsText(string what, RecipeValue value) => value switch
    {
        RecipeValue.Text text => text.Value,
        RecipeValue.Call { Arguments.Count: 0 } name => name.Name,
        _ => throw Wrong(what, "text", value),
    };

    public static RecipeValue.Call AsCall(string what, RecipeValue value) => value as RecipeValue.Call ?? throw Wrong(what, "a choice such as name(...)", value);

    public static string Show(RecipeValue value) => value switch
    {
        RecipeValue.Number number => number.Value.ToString("R", CultureInfo.InvariantCulture),
        RecipeValue.Text text => $"\"{text.Value}\"",
        RecipeValue.Flag flag => flag.Value ? "true" : "false",
        RecipeValue.Items items => $"[{string.Join(", ", items.Values.Select(Show))}]",
        RecipeValue.Call { Arguments.Count: 0 } call => call.Name,
        RecipeValue.Call call => $"{call.Name}({string.Join(", ", call.Arguments.Select(a => a.Label is null ? Show(a.Value) : $"{a.Label}: {Show(a.Value)}"))})",
        _ => "?",
    };

    private static RecipeException Wrong(string what, string expected, RecipeValue value) => new($"{what} must be {expected}, got {Show(value)}.");
}
