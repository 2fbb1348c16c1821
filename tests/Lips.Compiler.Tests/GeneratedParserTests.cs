using System;
using System.IO;
using System.Security.Cryptography;
using Xunit;

namespace Lips.Compiler.Tests;

public class GeneratedParserTests
{
    [Theory]
    [InlineData("LipsLexer.cs")]
    [InlineData("LipsParser.cs")]
    public void TheGeneratedParserIsThatOfTheGrammar(string name)
    {
        using var both = new MemoryStream();
        foreach (string grammar in new[] { "LipsLexer.g4", "LipsParser.g4" })
        {
            both.Write(File.ReadAllBytes(Path.Combine(Repository.Root, "grammar", grammar)));
        }

        string hash = Convert.ToHexStringLower(SHA256.HashData(both.ToArray()));
        string generated = Repository.Read("grammar", "Generated", name);
        Assert.True(generated.Contains("// grammar sha256: " + hash + "\n", StringComparison.Ordinal), "stale: run grammar/generate.sh");
    }
}
