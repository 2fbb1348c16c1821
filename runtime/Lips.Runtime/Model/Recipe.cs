using System.Collections.Generic;

namespace Lips.Runtime;

/// <summary>One entry of a spec's recipe: <c>optimizer of [embedding]: adamw(lr: 1e-3)</c> has path <c>optimizer</c> and role <c>embedding</c>.</summary>
/// <param name="Path">The dotted path before the colon.</param>
/// <param name="Roles">The roles after <c>of</c>; empty when the entry is for all.</param>
/// <param name="Value">What stands after the colon.</param>
public sealed record RecipeEntry(string Path, IReadOnlyList<string> Roles, RecipeValue Value);

/// <summary>A value in a recipe.</summary>
public abstract record RecipeValue
{
    private RecipeValue() { }

    public sealed record Number(double Value) : RecipeValue;

    public sealed record Text(string Value) : RecipeValue;

    public sealed record Flag(bool Value) : RecipeValue;

    public sealed record Items(IReadOnlyList<RecipeValue> Values) : RecipeValue;

    /// <summary><c>adamw(lr: 5e-4)</c>; a bare name is a call without arguments.</summary>
    public sealed record Call(string Name, IReadOnlyList<(string? Label, RecipeValue Value)> Arguments) : RecipeValue;
}
