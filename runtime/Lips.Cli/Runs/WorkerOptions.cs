using System;
using System.Globalization;
using Lips.Runtime;
using Lips.Runtime.Distributed;
using TorchSharp;

namespace Lips.Cli.Runs;

/// <summary>How this process takes part in a training by several workers.</summary>
/// <param name="Timeout">How long to wait for a worker that does not answer.</param>
/// <param name="CheckEvery">Steps between comparisons of all workers' bits; 0 for none.</param>
internal sealed record WorkerOptions(WorkerPlace Place, TimeSpan Timeout, long CheckEvery)
{
    /// <summary>Meets the others.</summary>
    public Workers Join(ILipsModel model, string device)
    {
        var kind = torch.device(device).type;
        return new Workers(Place, WorkerIdentity.Of(model, Place.Size, kind), Timeout, kind);
    }

    /// <summary>The device of this worker: of several CUDA devices of a machine the one of its number there.</summary>
    public string Device(string named) => named == "cuda" ? "cuda:" + Place.LocalRank.ToString(CultureInfo.InvariantCulture) : named;
}
