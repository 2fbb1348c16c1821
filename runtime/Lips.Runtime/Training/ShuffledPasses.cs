using System;
using System.Globalization;
using System.Linq;
using Lips.Runtime.Data;

namespace Lips.Runtime.Training;

/// <summary>Indices of samples, pass after pass; each pass has its own order, made from the seed and the pass's number.</summary>
internal sealed class ShuffledPasses
{
    private readonly int _count;
    private readonly long _seed;
    private int[] _order = [];
    private ulong _epoch;
    private ulong _index;

    public ShuffledPasses(int count, long seed)
    {
        (_count, _seed) = (count, seed);
        Shuffle();
    }

    /// <summary>The pass and the place in it, for checkpoints.</summary>
    public ulong[] Position
    {
        get => [_epoch, _index];
        set
        {
            if (value is not [var epoch, var index] || index > (ulong)_count)
                throw new RunFailed("The checkpoint's position does not fit this data.");
            _epoch = epoch;
            Shuffle();
            _index = index;
        }
    }

    public int[] Next(int count)
    {
        var chosen = new int[count];
        for (int b = 0; b < count; b++)
        {
            if (_index == (ulong)_count)
            {
                _epoch++;
                Shuffle();
            }
            chosen[b] = _order[_index++];
        }
        return chosen;
    }

    private void Shuffle()
    {
        _order = Enumerable.Range(0, _count).ToArray();
        SeededRandom.For(_seed, "epoch " + _epoch.ToString(CultureInfo.InvariantCulture)).Shuffle(_order);
        _index = 0;
    }
}
