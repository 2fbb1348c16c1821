using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>Which keys a token may not see, by the token ids of an input. No row of it is true throughout: a token sees itself, and of a memory that is all padding everything is seen.</summary>
public abstract class TokenMask
{
    private protected TokenMask()
    {
    }

    /// <summary>Tokens of this id are seen by themselves alone.</summary>
    public static TokenMask Padding(long id) => new OfPadding(id);

    /// <summary>A token sees those of its own document, which this id ends.</summary>
    public static TokenMask Document(long separator) => new OfDocuments(separator);

    /// <param name="tokens">int64 [batch, length]</param>
    /// <returns>bool [batch, 1, length or 1, length]: true where a query (row) may not see a key.</returns>
    internal abstract torch.Tensor AmongThemselves(torch.Tensor tokens);

    /// <summary>The same for queries from elsewhere.</summary>
    /// <returns>bool [batch, 1, 1, length]</returns>
    internal abstract torch.Tensor OfMemory(torch.Tensor tokens);

    private sealed class OfPadding(long id) : TokenMask
    {
        internal override torch.Tensor AmongThemselves(torch.Tensor tokens)
        {
            var itself = torch.eye(tokens.size(1), dtype: torch.ScalarType.Bool, device: tokens.device);
            return tokens.eq(id).unsqueeze(1).unsqueeze(1).logical_and(itself.logical_not());
        }

        internal override torch.Tensor OfMemory(torch.Tensor tokens)
        {
            var pads = tokens.eq(id);
            return pads.logical_and(pads.all(1, keepdim: true).logical_not()).unsqueeze(1).unsqueeze(1);
        }
    }

    private sealed class OfDocuments(long separator) : TokenMask
    {
        internal override torch.Tensor AmongThemselves(torch.Tensor tokens)
        {
            // a separator belongs to the document it ends
            var ends = tokens.eq(separator).to_type(torch.ScalarType.Int64);
            var document = ends.cumsum(1).sub(ends);
            return document.unsqueeze(2).ne(document.unsqueeze(1)).unsqueeze(1);
        }

        internal override torch.Tensor OfMemory(torch.Tensor tokens) =>
            throw new System.NotSupportedException("the documents of a memory are not those of its readers");
    }
}
