using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Antlr4.Runtime;
using Lips.Core;
using Lips.Grammar;
using Xunit;

namespace Lips.Compiler.Tests;

public class FormatTests
{
    [Fact]
    public void ASpecKeepsItsWordsAndComments()
    {
        foreach (string path in Repository.Specs)
        {
            Holds(File.ReadAllText(path));
        }
    }

    [Fact]
    public void TheCanonicalLayoutStaysAsItIs()
    {
        foreach (string path in Repository.AcceptedSyntax)
        {
            string text = File.ReadAllText(path);
            Assert.Equal(text, Format.print(Repository.Parse(text)));
        }
    }

    [Theory]
    [InlineData("let a=1 / 3+2*-b^2", "let a = 1/3 + 2 * -b ^ 2\n")]
    [InlineData("block B(layer  norm=layer_norm){;relu;;linear( 10 )  ;}", "block B(layer norm = layer_norm) { relu; linear(10) }\n")]
    [InlineData("block B{if a{relu}else if not b{gelu}else{tanh}}", "block B { if a { relu } else if not b { gelu } else { tanh } }\n")]
    [InlineData("block B\t{\n\n\nrelu\n\n\n\ngelu ; tanh\n\n}", "block B {\n  relu\n\n  gelu; tanh\n}\n")]
    [InlineData("let a = f(\n1,\n x.y :2\n)", "let a = f(\n  1,\n  x.y: 2\n)\n")]
    [InlineData("model M {\nclaim  radius( x[ 2 ] )<=4 in l2->token\n}", "model M {\n  claim radius(x[2]) <= 4 in l2 -> token\n}\n")]
    [InlineData("use \"a.lips\"//one\nblock A{relu}\nblock B{relu}", "use \"a.lips\"  //one\n\nblock A { relu }\n\nblock B { relu }\n")]
    [InlineData("let t = \"a\\\\b\\n\"", "let t = \"a\\\\b\\n\"\n")]
    public void TheLayoutIsCanonical(string written, string printed)
    {
        Assert.Equal(printed, Format.print(Repository.Parse(written)));
        Holds(written);
    }

    [Fact]
    public void CommentsSurviveWhereverTheyStand()
    {
        foreach (string path in Repository.AcceptedSyntax)
        {
            string text = File.ReadAllText(path);
            var random = new Random(17);
            for (int round = 0; round < 40; round++)
            {
                Holds(WithComments(text, random, 1 + round));
            }
        }
    }

    /// <summary>The same words with comments put at places where a line may end.</summary>
    private static string WithComments(string text, Random random, int count)
    {
        var tokens = Tokens(text);
        var places = new List<int>();
        int brackets = 0;
        foreach (IToken token in tokens)
        {
            brackets += token.Type is LipsLexer.LPAREN or LipsLexer.LBRACK ? 1 : token.Type is LipsLexer.RPAREN or LipsLexer.RBRACK ? -1 : 0;
            if (brackets > 0 || token.Type is LipsLexer.LBRACE or LipsLexer.SEMI or LipsLexer.NL)
            {
                places.Add(token.StopIndex + 1);
            }
        }

        foreach (int place in places.OrderBy(_ => random.Next()).Take(count).OrderDescending())
        {
            text = text.Insert(place, random.Next(2) == 0 ? " // note " + place + "\n" : "\n\n// note " + place + "\n\n");
        }

        return text;
    }

    private static void Holds(string text)
    {
        string once = Format.print(Repository.Parse(text));
        Assert.Equal(Words(text), Words(once));
        Assert.Equal(Comments(text), Comments(once));
        Assert.Equal(once, Format.print(Repository.Parse(once)));
        Assert.DoesNotContain(once.Split('\n'), line => line.EndsWith(' '));
    }

    private static IList<IToken> Tokens(string text)
    {
        var stream = new CommonTokenStream(new LipsLexer(new AntlrInputStream(text)));
        stream.Fill();
        return stream.GetTokens();
    }

    private static IEnumerable<string> Comments(string text) =>
        Tokens(text).Where(t => t.Type == LipsLexer.COMMENT).Select(t => t.Text.TrimEnd());

    /// <summary>The words of a spec, with one word for whatever ends a statement and none where braces do.</summary>
    private static List<string> Words(string text)
    {
        var words = new List<string>();
        foreach (IToken token in Tokens(text).Where(t => t.Channel == Lexer.DefaultTokenChannel && t.Type != TokenConstants.EOF))
        {
            bool separator = token.Type is LipsLexer.NL or LipsLexer.SEMI;
            if (separator && (words.Count == 0 || words[^1] is ";" or "{"))
            {
                continue;
            }

            if (token.Type == LipsLexer.RBRACE && words[^1] == ";")
            {
                words.RemoveAt(words.Count - 1);
            }

            words.Add(separator ? ";" : token.Text);
        }

        while (words.Count > 0 && words[^1] == ";")
        {
            words.RemoveAt(words.Count - 1);
        }

        return words;
    }
}
