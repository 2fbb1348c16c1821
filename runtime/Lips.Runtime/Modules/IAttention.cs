using System;
using TorchSharp;

namespace Lips.Runtime.Modules;

/// <summary>A module that weighs tokens by their keys, and lets its weights be watched.</summary>
public interface IAttention
{
    /// <summary>
    /// Called with the probabilities (weights that need not sum to 1 over their sum), [batch, heads, queries, keys], of every forward pass, or, for every kind of window in the
    /// order of the heads, [batch·windows, its heads, tokens, tokens].
    /// </summary>
    Action<torch.Tensor>? Probabilities { get; set; }

    /// <summary>The factor on q·k where the logits are that product and nothing else, of all tokens or of those before, for the theorem on attention entropy; null where positions, windows or another similarity enter.</summary>
    double? ProductScale { get; }

    /// <summary>Row i sees keys 1 … i only.</summary>
    bool IsCausal { get; }
}
