using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Antlr4.Runtime;
using Lips.Grammar;

namespace Lips.Compiler.Tests;

/// <summary>A few thousand broken specs, the same on every run: every accepted one, damaged in many ways.</summary>
internal static class Mutations
{
    private const int PerSpec = 240;

    private static readonly string[] Odd =
    [
        "(", ")", "[", "]", "{", "}", ":", ",", ";", "=", "->", "..", ".", "^", "-", "not", "if", "then", "else", "in", "of", "layer",
        "repeat", "from", "claim", "recipe", "weights", "model", "block", "use", "\"", "\\", "//", "\n", "\r\n", "\0", "é", "∞", "𝕃", "\uD800",
        "1e4096", "1e-4097", "99999999999999999999", "0", "-1", "1/0", "2^(10^9)", "10^12", "1.5", "true", "width", "[]", "()", "{}",
    ];

    /// <summary>Each mutation with a name that tells how to make it again.</summary>
    internal static IEnumerable<(string Name, string Text)> Corpus()
    {
        foreach (string path in Repository.AcceptedSyntax.Concat(Specs.All.Select(spec => Path.Combine(Repository.Root, spec.Data))))
        {
            string text = File.ReadAllText(path);
            for (int seed = 0; seed < PerSpec; seed++)
            {
                var random = new Random(seed);
                string mutated = text;
                for (int damage = 0; damage <= seed % 4; damage++)
                {
                    mutated = Mutate(mutated, random);
                }

                yield return (Path.GetFileName(path) + " with seed " + seed, mutated);
            }
        }
    }

    private static string Mutate(string text, Random random)
    {
        var stream = new CommonTokenStream(new LipsLexer(new AntlrInputStream(text)));
        stream.Fill();
        List<IToken> tokens = stream.GetTokens().Where(t => t.Type is not (TokenConstants.EOF or LipsLexer.WS)).ToList();
        if (tokens.Count == 0)
        {
            return text + Pick(Odd, random);
        }

        IToken one = Pick(tokens, random);
        IToken other = Pick(tokens, random);
        int place = random.Next(text.Length);
        return random.Next(9) switch
        {
            0 => Replace(text, one, ""),
            1 => Replace(text, one, one.Text + " " + one.Text),
            2 => Replace(text, one, other.Text),
            3 => Replace(text, one, Pick(Odd, random)),
            4 => text.Insert(place, Pick(Odd, random)),
            5 => text[..place],
            6 => text.Remove(place, Math.Min(text.Length - place, random.Next(1, 40))),
            7 => text.Insert(place, text.Substring(random.Next(text.Length / 2), text.Length / 3)),
            _ => text.Remove(place, 1).Insert(place, ((char)random.Next(1, 0x3000)).ToString()),
        };
    }

    private static string Replace(string text, IToken token, string by) =>
        text.Remove(token.StartIndex, token.StopIndex + 1 - token.StartIndex).Insert(token.StartIndex, by);

    private static T Pick<T>(IReadOnlyList<T> from, Random random) => from[random.Next(from.Count)];
}
