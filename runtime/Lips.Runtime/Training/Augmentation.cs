using System;
using System.Collections.Generic;
using Lips.Runtime.Data;

namespace Lips.Runtime.Training;

/// <summary>What is done to training images before they are shown, drawn anew for every sample of every pass: mirrored left to right for half of them, moved by up to <paramref name="Shift"/> pixels along both axes with the input's lowest value behind.</summary>
public sealed record Augmentation(bool Flip, int Shift)
{
    public static Augmentation None { get; } = new(false, 0);

    /// <exception cref="RecipeException">The value is none of <c>flip</c>, <c>shift(by)</c> and lists of them.</exception>
    internal static Augmentation Parse(RecipeValue? value)
    {
        var result = None;
        foreach (var part in value is RecipeValue.Items list ? list.Values : value is null ? [] : (IEnumerable<RecipeValue>)[value])
        {
            var call = RecipeArguments.AsCall("augment", part);
            result = call.Name switch
            {
                "flip" when call.Arguments.Count == 0 => result with { Flip = true },
                "shift" => result with { Shift = (int)RecipeArguments.InRange("augment: shift, by", new RecipeArguments("augment", call, ["by"]).Whole("by", 4), 1, 1024) },
                _ => throw new RecipeException($"augment knows flip and shift(by), got {call.Name}."),
            };
        }
        return result;
    }

    /// <summary>Changes one image, channels × height × width in a row, in place.</summary>
    /// <param name="behind">The value where nothing is left of the image.</param>
    public void Apply(Span<float> image, int height, int width, float behind, SeededRandom random)
    {
        bool mirrored = Flip && random.Below(2) == 1;
        int down = Shift == 0 ? 0 : (int)random.Below((2 * Shift) + 1) - Shift, right = Shift == 0 ? 0 : (int)random.Below((2 * Shift) + 1) - Shift;
        if (!mirrored && down == 0 && right == 0)
            return;
        float[] before = image.ToArray();
        for (int i = 0; i < image.Length; i++)
        {
            int column = i % width, row = i / width % height;
            int from = column - right, above = row - down;
            bool inside = from >= 0 && from < width && above >= 0 && above < height;
            image[i] = inside ? before[i - (row * width) - column + (above * width) + (mirrored ? width - 1 - from : from)] : behind;
        }
    }
}
