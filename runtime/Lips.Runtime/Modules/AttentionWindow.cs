using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>
/// Rectangles of tokens whose tokens see each other and nothing else: the windows of Swin (arXiv 2103.14030) and, where one
/// side is the whole map's, the stripes of CSWin (arXiv 2107.00652). They lie side by side from the corner (0, 0).
/// </summary>
/// <param name="height">Rows of a rectangle; must divide the map's.</param>
/// <param name="width">Columns of a rectangle; must divide the map's.</param>
/// <param name="shift">
/// The rectangles of a map that was rolled by this many rows and columns towards (0, 0). Those at the far border hold tokens from
/// both ends of the map; of these, tokens from different ends do not see each other. Their logits are −∞ here; adding −100
/// instead, as the published code does, would leave a weight of e^−100 and a logit range wider by 100.
/// </param>
public sealed class AttentionWindow(long height, long width, long shift = 0)
{
    private readonly ConstantTable? _hidden = shift == 0 ? null : new((rows, columns, device) => Hidden(rows, columns, height, width, shift, device));

    private readonly ConstantTable _offsets = new((_, device) => Offsets(height, width, device));

    public long Height => height;

    public long Width => width;

    /// <summary>Tokens that a token sees.</summary>
    public long Tokens => height * width;

    /// <summary>How many offsets two tokens of a rectangle can have: (2·height − 1)·(2·width − 1).</summary>
    public long OffsetCount => (2 * height - 1) * (2 * width - 1);

    /// <param name="map">[batch, map height, map width, channels]</param>
    /// <returns>The same shape, rolled towards (0, 0).</returns>
    public torch.Tensor Roll(torch.Tensor map) => shift == 0 ? map : map.roll([-shift, -shift], [1, 2]);

    /// <summary>Undoes <see cref="Roll"/>.</summary>
    public torch.Tensor Unroll(torch.Tensor map) => shift == 0 ? map : map.roll([shift, shift], [1, 2]);

    /// <param name="tokens">[batch, map height, map width, heads, head width]</param>
    /// <returns>[batch·rectangles, heads, tokens of a rectangle, head width], rectangles and tokens row by row.</returns>
    public torch.Tensor Cut(torch.Tensor tokens)
    {
        var (batch, rows, columns, heads) = (tokens.size(0), tokens.size(1) / height, tokens.size(2) / width, tokens.size(3));
        return tokens.reshape(batch, rows, height, columns, width, heads, tokens.size(4))
            .permute(0, 1, 3, 5, 2, 4, 6)
            .reshape(batch * rows * columns, heads, Tokens, tokens.size(4));
    }

    /// <summary>Undoes <see cref="Cut"/>, for a map of this size.</summary>
    public torch.Tensor Join(torch.Tensor rectangles, long mapHeight, long mapWidth)
    {
        var (rows, columns, heads) = (mapHeight / height, mapWidth / width, rectangles.size(1));
        return rectangles.reshape(rectangles.size(0) / (rows * columns), rows, columns, heads, height, width, rectangles.size(3))
            .permute(0, 1, 4, 2, 5, 3, 6)
            .reshape(-1, mapHeight, mapWidth, heads, rectangles.size(3));
    }

    /// <param name="logits">[batch·rectangles, heads, tokens, tokens] of a map of this size.</param>
    /// <returns>The same shape, −∞ between tokens that the roll brought together.</returns>
    public torch.Tensor Hide(torch.Tensor logits, long mapHeight, long mapWidth)
    {
        if (_hidden is null)
            return logits;
        var hidden = _hidden.For(mapHeight, mapWidth, logits);
        return logits.reshape(-1, hidden.size(0), logits.size(1), Tokens, Tokens)
            .masked_fill(hidden, double.NegativeInfinity)
            .reshape(logits.shape);
    }

    /// <summary>What <see cref="Hide"/>, the biases of a table and a further mask do to logits, as one mask for all of them.</summary>
    /// <param name="queries">[batch·rectangles, heads, tokens, head width] of a map of this size.</param>
    /// <param name="table">As of <see cref="Bias"/>; null: no biases.</param>
    /// <param name="outOfSight">True between tokens of a rectangle that do not see each other, [tokens, tokens]; null: all do.</param>
    /// <returns>Of a shape that expands to [batch·rectangles, heads, tokens, tokens]: true where a key is seen, or numbers to be added; null where there is nothing to say.</returns>
    internal torch.Tensor? Mask(torch.Tensor queries, long mapHeight, long mapWidth, torch.Tensor? table, ConstantTable? outOfSight)
    {
        var hidden = _hidden?.For(mapHeight, mapWidth, queries);
        if (outOfSight?.For(Tokens, queries) is { } further)
            hidden = hidden?.logical_or(further) ?? further.reshape(1, 1, Tokens, Tokens);
        var bias = table is null ? null : Bias(table).unsqueeze(0);
        var mask = hidden is null ? bias : bias is null ? hidden.logical_not() : bias.masked_fill(hidden, double.NegativeInfinity);
        if (mask is null || mask.size(0) == 1)
            return mask;
        // once for every sample
        return mask.unsqueeze(0).expand(queries.size(0) / mask.size(0), -1, -1, -1, -1).reshape(queries.size(0), -1, Tokens, Tokens);
    }

    /// <param name="table">[<see cref="OffsetCount"/>, heads]: a number for every offset of a token from another.</param>
    /// <returns>[heads, tokens, tokens]: the number of the offset of row i from column j.</returns>
    public torch.Tensor Bias(torch.Tensor table) =>
        table.index_select(0, _offsets.For(Tokens, table)).reshape(Tokens, Tokens, table.size(1)).permute(2, 0, 1);

    /// <summary>[tokens²]: the row of a table of biases for every pair of tokens, as the published code numbers them.</summary>
    private static torch.Tensor Offsets(long height, long width, torch.Device device)
    {
        var y = torch.arange(height, dtype: torch.int64, device: device).unsqueeze(1).expand(height, width).reshape(-1);
        var x = torch.arange(width, dtype: torch.int64, device: device).unsqueeze(0).expand(height, width).reshape(-1);
        var down = y.unsqueeze(1).sub(y).add(height - 1);
        var right = x.unsqueeze(1).sub(x).add(width - 1);
        return down.mul(2 * width - 1).add(right).reshape(-1);
    }

    /// <summary>[rectangles, 1, tokens, tokens]: true between tokens from different ends of the map.</summary>
    private static torch.Tensor Hidden(long rows, long columns, long height, long width, long shift, torch.Device device)
    {
        torch.Tensor FromTheOtherEnd(long size) => torch.arange(size, dtype: torch.int64, device: device).ge(size - shift).to(torch.ScalarType.Int64);
        var region = FromTheOtherEnd(rows).mul(2).unsqueeze(1).add(FromTheOtherEnd(columns))
            .reshape(rows / height, height, columns / width, width)
            .permute(0, 2, 1, 3)
            .reshape(-1, height * width);
        return region.unsqueeze(1).ne(region.unsqueeze(2)).unsqueeze(1);
    }
}
