using System.Linq;
using System.Text;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace Lips.Compiler;

/// <summary>Turns the bytes of a spec file into text, or says why they are none.</summary>
public static class SourceReader
{
    /// <summary>A spec has at most this many bytes: 256 KiB, some fifty times the longest one known.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>
    /// The text of a file, without its byte order mark. Callers that can learn a file's size before
    /// reading it should read at most <see cref="MaxBytes"/> + 1 bytes.
    /// </summary>
    /// <param name="path">The file's path, as it is to appear in messages.</param>
    /// <param name="bytes">Its content.</param>
    public static (FSharpOption<SourceText>? Source, FSharpList<Diagnostic> Diagnostics) Read(string path, byte[] bytes)
    {
        if (bytes.Length > MaxBytes)
        {
            return (null, One(path, Problem.NewFileTooLarge(bytes.Length, MaxBytes), Places.FileStart));
        }

        int start = bytes.Length >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF ? 3 : 0;
        int invalid = FirstInvalid(bytes, start);
        if (invalid >= 0)
        {
            return (null, One(path, Problem.NewInvalidUtf8(invalid), Place(bytes, start, invalid)));
        }

        string text = new UTF8Encoding(false).GetString(bytes, start, bytes.Length - start);
        return (FSharpOption<SourceText>.Some(new SourceText(path, text)), FSharpList<Diagnostic>.Empty);
    }

    private static FSharpList<Diagnostic> One(string path, Problem problem, Span place) =>
        FSharpList<Diagnostic>.Cons(DiagnosticModule.create(path, place, problem), FSharpList<Diagnostic>.Empty);

    private static Span Place(byte[] bytes, int start, int invalid)
    {
        string before = new UTF8Encoding(false).GetString(bytes, start, invalid - start);
        int line = 1 + before.Count(c => c == '\n');
        int column = before.Length - before.LastIndexOf('\n');
        return new Span(before.Length, 1, line, column, line, column + 1);
    }

    /// <summary>The offset of the first byte that is not part of well-formed UTF-8 (Unicode, table 3-7), or -1.</summary>
    private static int FirstInvalid(byte[] bytes, int start)
    {
        int at = start;
        while (at < bytes.Length)
        {
            int length = SequenceLength(bytes, at);
            if (length == 0)
            {
                return at;
            }

            at += length;
        }

        return -1;
    }

    private static int SequenceLength(byte[] bytes, int at)
    {
        byte lead = bytes[at];
        if (lead < 0x80)
        {
            return 1;
        }

        (int length, byte low, byte high) = lead switch
        {
            >= 0xC2 and <= 0xDF => (2, (byte)0x80, (byte)0xBF),
            0xE0 => (3, (byte)0xA0, (byte)0xBF),
            0xED => (3, (byte)0x80, (byte)0x9F),
            >= 0xE1 and <= 0xEF => (3, (byte)0x80, (byte)0xBF),
            0xF0 => (4, (byte)0x90, (byte)0xBF),
            >= 0xF1 and <= 0xF3 => (4, (byte)0x80, (byte)0xBF),
            0xF4 => (4, (byte)0x80, (byte)0x8F),
            _ => (0, (byte)0, (byte)0),
        };
        if (length == 0 || at + length > bytes.Length || bytes[at + 1] < low || bytes[at + 1] > high)
        {
            return 0;
        }

        for (int i = at + 2; i < at + length; i++)
        {
            if (bytes[i] < 0x80 || bytes[i] > 0xBF)
            {
                return 0;
            }
        }

        return length;
    }
}
