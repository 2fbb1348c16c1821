using System;
using System.IO;
using System.Linq;
using System.Text;
using DiffPlex;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>
/// Compares a text with the accepted one beside the test. Where they differ, the received text is
/// written next to it, and the message shows the difference and the command that accepts it.
/// With LIPS_ACCEPT=1, which is how tests/accept.sh runs the tests, the received text becomes the accepted one.
/// </summary>
internal static class Snapshot
{
    /// <param name="accepted">The accepted file, relative to the root, such as tests/rejected/LIPS0001-a.txt.</param>
    /// <param name="received">What the code under test says now.</param>
    internal static void Holds(string accepted, string received)
    {
        string path = Path.Combine(Repository.Root, accepted);
        if (Environment.GetEnvironmentVariable("LIPS_ACCEPT") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, received, new UTF8Encoding(false));
            return;
        }

        string other = Path.ChangeExtension(accepted, ".received" + Path.GetExtension(accepted));
        string expected = File.Exists(path) ? File.ReadAllText(path) : "";
        if (File.Exists(path) && expected == received)
        {
            File.Delete(Path.Combine(Repository.Root, other));
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(Path.Combine(Repository.Root, other), received, new UTF8Encoding(false));
        DiffPaneModel difference = new InlineDiffBuilder(new Differ()).BuildDiffModel(expected, received);
        var lines = difference.Lines.Where(line => line.Type != ChangeType.Unchanged)
            .Select(line => (line.Type == ChangeType.Inserted ? "+ " : "- ") + line.Text);
        Assert.Fail(accepted + " is not what was received:\n" + string.Join('\n', lines.Take(60)) + "\n\nTo accept it:\n  mv " + other + " " + accepted + "\nTo accept all:\n  tests/accept.sh\n");
    }
}
