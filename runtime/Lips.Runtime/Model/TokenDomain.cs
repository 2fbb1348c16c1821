using TorchSharp;

namespace Lips.Runtime;

/// <summary>
/// The declared domain of an input's vectors, in raw ℓ2 units: how short one may be, and how short once its own mean is subtracted.
/// How long it may be is given beside it, since that may differ from token to token.
/// </summary>
/// <param name="Least">Least ℓ2 norm of a token.</param>
/// <param name="Spread">Least ℓ2 norm of a token minus its mean.</param>
public readonly record struct TokenDomain(double Least, double Spread)
{
    /// <summary>Below it a direction is not one.</summary>
    private const double Tiny = 1e-30;

    public static TokenDomain Of(InputInfo? input) => new(input?.LowerRadius ?? 0, input?.Spread ?? 0);

    /// <summary>Whether tokens may be too short at all.</summary>
    public bool HasHole => Least > 0 || Spread > 0;

    /// <summary>A point of the domain near to the given one, token by token: lengths first, then what the mean leaves, at the mean's expense.</summary>
    /// <param name="tokens">(batch, tokens, width)</param>
    /// <param name="limits">Largest norm of each token, (batch, tokens, 1); no less than the least lengths.</param>
    public torch.Tensor Nearby(torch.Tensor tokens, torch.Tensor limits)
    {
        var length = Length(tokens).clamp_min(Tiny);
        var within = tokens * (limits / length).clamp_max(1).maximum(Least / length);
        if (Spread <= 0)
            return within;
        var mean = within.mean([-1L], keepdim: true);
        var rest = within - mean;
        // a vector of equal entries has no direction beside its mean: it gets one
        var direction = torch.zeros_like(rest);
        direction.narrow(-1, 0, 1).fill_(1);
        direction.narrow(-1, 1, 1).fill_(-1);
        rest = torch.where(Length(rest) > Tiny, rest, direction);
        rest = rest * (Spread / Length(rest)).clamp_min(1);
        var room = (limits.square() - rest.square().sum([-1L], keepdim: true)).clamp_min(0) / tokens.shape[^1];
        return rest + (mean.sign() * mean.abs().minimum(room.sqrt()));
    }

    /// <summary>1 for every sample all of whose tokens are long enough, else 0: (batch).</summary>
    public torch.Tensor IsKept(torch.Tensor tokens) => (Length(tokens).ge(Least) & Length(tokens - tokens.mean([-1L], keepdim: true)).ge(Spread)).squeeze(-1).to(tokens.dtype).amin([1L]);

    private static torch.Tensor Length(torch.Tensor tokens) => tokens.square().sum([-1L], keepdim: true).sqrt();
}
