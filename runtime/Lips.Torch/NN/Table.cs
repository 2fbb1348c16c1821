using System.Collections;
using System.Collections.Generic;

namespace TorchSharp.Modules;

/// <summary>Names and values in the order of their registration.</summary>
internal sealed class Table<T> : IEnumerable<(string Key, T Value)>
{
    private readonly List<(string Key, T Value)> entries = [];

    public bool Contains(string key) => Find(key) >= 0;

    public bool TryAdd(string key, T value)
    {
        if (Find(key) >= 0) return false;
        entries.Add((key, value));
        return true;
    }

    public void Set(string key, T value)
    {
        int at = Find(key);
        if (at < 0) entries.Add((key, value));
        else entries[at] = (key, value);
    }

    public void Remove(string key)
    {
        int at = Find(key);
        if (at >= 0) entries.RemoveAt(at);
    }

    public void Clear() => entries.Clear();

    public IEnumerator<(string Key, T Value)> GetEnumerator() => entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int Find(string key) => entries.FindIndex(e => e.Key == key);
}
