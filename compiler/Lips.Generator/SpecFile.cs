using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Lips.Compiler;
using Microsoft.CodeAnalysis;

namespace Lips.Generator;

/// <summary>A spec of the project: its text, or why it cannot be read, and the files it names in <c>use</c>.</summary>
internal sealed record SpecFile(string Path, string Text, EquatableArray<string> Uses, EquatableArray<Finding> Unreadable)
{
    internal static SpecFile? Read(AdditionalText file, CancellationToken cancellation)
    {
        if (file.GetText(cancellation) is not { } read)
        {
            return null;
        }

        // a project may name its specs by ../../specs/**, and what they use is asked for without the dots
        string path = SpecCompiler.Plain(file.Path);
        string text = read.ToString();
        IEnumerable<Finding> unreadable = [];
        if (read.Encoding is { CodePage: not 65001 } other)
        {
            // Roslyn reads what is not UTF-8 as something else; the bytes say what the command line would.
            (var source, var found) = SourceReader.Read(path, other.GetBytes(text));
            text = source?.Value.Text ?? "";
            unreadable = found.Select(Finding.Of);
        }

        return new SpecFile(path, text, new(SpecCompiler.Uses(new Core.SourceText(path, text))), new(unreadable));
    }

    internal byte[] Bytes => new UTF8Encoding(false).GetBytes(Text);
}

/// <summary>A spec with every file that it uses, and what those use: all that its models depend on.</summary>
internal sealed record SpecUnit(SpecFile Main, EquatableArray<SpecFile> Used)
{
    internal static SpecUnit Of(SpecFile main, IReadOnlyList<SpecFile> all)
    {
        var reached = new List<SpecFile>();
        var pending = new Queue<string>(main.Uses);
        while (pending.Count > 0)
        {
            string path = pending.Dequeue();
            if (all.FirstOrDefault(file => file.Path == path) is { } used && used != main && !reached.Contains(used))
            {
                reached.Add(used);
                foreach (string next in used.Uses)
                {
                    pending.Enqueue(next);
                }
            }
        }

        return new SpecUnit(main, new(reached));
    }

    internal byte[]? Read(string path) =>
        path == Main.Path ? Main.Bytes : Used.FirstOrDefault(file => file.Path == path)?.Bytes;
}
