using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using Antlr4.Runtime;
using Antlr4.Runtime.Tree;
using Lips.Core;
using Lips.Grammar;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>grammar/README.md shows every construct, and what it shows is the language; the editors know its words.</summary>
public class GrammarReferenceTests
{
    [Fact]
    public void EveryExampleParses()
    {
        Assert.NotEmpty(Examples());
        foreach (string example in Examples())
        {
            string printed = Format.print(Repository.Parse(example, "README.md"));
            Assert.Equal(printed, Format.print(Repository.Parse(printed)));
        }
    }

    [Fact]
    public void TheExamplesUseEveryRuleAndEveryWord()
    {
        var rules = new HashSet<string>();
        var words = new HashSet<int>();
        foreach (string example in Examples())
        {
            var parser = new LipsParser(new CommonTokenStream(new LipsLexer(new AntlrInputStream(example))));
            Collect(parser.spec(), rules, words);
        }

        var all = typeof(LipsParser).GetNestedTypes().Where(t => t.IsSubclassOf(typeof(ParserRuleContext)));
        var missing = all.Where(t => !all.Any(other => other.BaseType == t) && !rules.Contains(t.Name)).Select(t => t.Name);
        Assert.Empty(missing);
        int[] never = [LipsLexer.COMMENT, LipsLexer.WS, LipsLexer.OPEN_TEXT, LipsLexer.STRAY];
        int last = LipsLexer.STRAY;
        Assert.Empty(Enumerable.Range(1, last).Where(t => !words.Contains(t) && !never.Contains(t)).Select(t => LipsLexer.DefaultVocabulary.GetSymbolicName(t)));
    }

    [Theory]
    [InlineData("grammar/editors/vscode/lips.tmLanguage.json", @"\b(?:use|and|true)\b[a-z|]+")]
    [InlineData("grammar/editors/neovim/lips.lua", @"(?<=syntax keyword \w+ )[a-z ]+")]
    public void EditorsKnowTheWordsOfTheLanguage(string path, string pattern)
    {
        var expected = Enumerable.Range(LipsLexer.USE, LipsLexer.FALSE - LipsLexer.USE + 1)
            .Select(type => LipsLexer.DefaultVocabulary.GetLiteralName(type).Trim('\'')).Order();
        var known = Regex.Matches(Repository.Read(path), pattern).SelectMany(m => m.Value.Split('|', ' ')).Order();
        Assert.Equal(expected, known);
    }

    [Fact]
    public void EditorFilesAreJson()
    {
        foreach (string path in Directory.GetFiles(Path.Combine(Repository.Root, "grammar", "editors", "vscode"), "*.json"))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            Assert.Equal(JsonValueKind.Object, document.RootElement.ValueKind);
        }
    }

    /// <summary>The examples as whole specs: statements inside a model, expressions each bound to a name.</summary>
    private static IEnumerable<string> Examples()
    {
        foreach (Match match in Regex.Matches(Repository.Read("grammar", "README.md"), "```lips ?([a-z]*)\n(.*?)```", RegexOptions.Singleline))
        {
            string text = match.Groups[2].Value;
            yield return match.Groups[1].Value switch
            {
                "statements" => "model Example in l2 {\n" + text + "}\n",
                "expressions" => string.Concat(text.TrimEnd('\n').Split('\n').Select((line, i) => "let e" + i + " = " + line + "\n")),
                _ => text,
            };
        }
    }

    private static void Collect(IParseTree tree, HashSet<string> rules, HashSet<int> words)
    {
        if (tree is ITerminalNode leaf)
        {
            words.Add(leaf.Symbol.Type);
        }

        rules.Add(tree.GetType().Name);
        for (int i = 0; i < tree.ChildCount; i++)
        {
            Collect(tree.GetChild(i), rules, words);
        }
    }
}
