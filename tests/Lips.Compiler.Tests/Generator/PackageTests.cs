using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace Lips.Compiler.Tests.Generator;

/// <summary>The packages as a user meets them: a new project, two references, a spec.</summary>
public sealed class PackageTests : IDisposable
{
    private const string Spec = """
        model Tiny in l2 {
          input x = features(1, 8, radius: 1)
          y = linear(4, bias: false, constraint: spectral_cap(2))
          claim lipschitz(x -> y) <= 2
        }
        """;

    private const string App = """
        using System;
        using TorchSharp;

        using var tiny = new Fresh.Tiny();
        using var y = tiny.call(torch.zeros(3, 8));
        Console.WriteLine(tiny.BoundAtCaps(0).ToDecimal(6) + " " + string.Join("x", y.shape));
        """;

    private readonly string root = Directory.CreateTempSubdirectory("lips-package-").FullName;

    private static bool OverInstalledLibtorch { get; } = File.Exists(Path.Combine(AppContext.BaseDirectory, "Lips.Torch.dll"));

    private string Feed => Path.Combine(root, "feed");

    [Fact]
    public async Task A_fresh_project_compiles_its_spec_and_runs_it()
    {
        await Pack();
        CheckAnalyzerFiles();

        Write("app/nuget.config", $"<configuration><packageSources>{(OverInstalledLibtorch ? "<clear />" : "")}<add key=\"lips\" value=\"{Feed}\" /></packageSources></configuration>");
        Write("app/Fresh.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <OutputType>Exe</OutputType>
                <Nullable>enable</Nullable>
                <Features>of-the-project</Features>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <GenerateDocumentationFile>true</GenerateDocumentationFile>
                <RestorePackagesPath>../packages</RestorePackagesPath>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Lips.Generator" Version="0.1.0" PrivateAssets="all" />
                <PackageReference Include="Lips.Runtime" Version="0.1.0" />
              </ItemGroup>
            </Project>
            """);
        Write("app/Program.cs", App);
        Write("app/models/Tiny.lips", Spec);
        (int code, string output) = await Dotnet("app", "build", "-v", "q");
        Assert.True(code == 0, output);
        (code, output) = await Dotnet("app", Path.Combine("bin", "Debug", "net10.0", "Fresh.dll"));
        Assert.Equal("2.00000 3x4", output.Trim());

        // beside what the project asks of the compiler: to keep what was generated from build to build
        (code, output) = await Dotnet("app", "msbuild", "-getProperty:Features");
        Assert.Equal("of-the-project;enable-generator-cache", output.Trim());

        Write("app/models/Tiny.lips", Spec.Replace("<= 2", "<= 1", StringComparison.Ordinal));
        (code, output) = await Dotnet("app", "build", "--no-restore", "-v", "q");
        Assert.NotEqual(0, code);
        Assert.Contains("models/Tiny.lips(4,9): error LIPS3001: 'lipschitz(x -> y) <= 1' is not proven: the bound is 2.000000", output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    private async Task Pack()
    {
        string[] projects = ["compiler/Lips.Generator/Lips.Generator.csproj", "runtime/Lips.Runtime/Lips.Runtime.csproj", .. OverInstalledLibtorch ? ["runtime/Lips.Torch/Lips.Torch.csproj"] : Array.Empty<string>()];
        string configuration = typeof(PackageTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Configuration").Value!;
        // as they were built for this test
        Write("pack.proj", $"""
            <Project DefaultTargets="Pack">
              <Target Name="Pack">
                <MSBuild Projects="{string.Join(';', projects.Select(project => Path.Combine(Repository.Root, project)))}" Targets="Pack" Properties="NoBuild=true;Configuration={configuration};PackageOutputPath={Feed}" />
              </Target>
            </Project>
            """);
        (int code, string output) = await Dotnet(".", "msbuild", "pack.proj", "-v:q", "-nologo");
        Assert.True(code == 0, output);
    }

    private void CheckAnalyzerFiles()
    {
        using ZipArchive package = ZipFile.OpenRead(Directory.GetFiles(Feed, "Lips.Generator.*.nupkg").Single());
        var files = package.Entries.Select(entry => entry.FullName).Where(name => !name.StartsWith("_rels/", StringComparison.Ordinal) && !name.StartsWith("package/", StringComparison.Ordinal));
        Assert.Equal(
            [
                "Lips.Generator.nuspec", "README.md", "[Content_Types].xml",
                "analyzers/dotnet/cs/Antlr4.Runtime.Standard.dll", "analyzers/dotnet/cs/FSharp.Core.dll", "analyzers/dotnet/cs/Lips.Compiler.dll",
                "analyzers/dotnet/cs/Lips.Core.dll", "analyzers/dotnet/cs/Lips.Generator.dll", "analyzers/dotnet/cs/Lips.Grammar.dll",
                "buildTransitive/Lips.Generator.props", "buildTransitive/Lips.Generator.targets",
            ],
            files.Order(StringComparer.Ordinal));
    }

    private void Write(string file, string text)
    {
        string path = Path.Combine(root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text, new UTF8Encoding(false));
    }

    private async Task<(int Code, string Output)> Dotnet(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } self && Path.GetFileNameWithoutExtension(self) == "dotnet" ? self : "dotnet", arguments)
        {
            WorkingDirectory = Path.Combine(root, folder),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // what a build that runs this test says to its own processes, and servers that would outlive it
        foreach (string name in start.Environment.Keys.Where(key => key.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await errors);
    }
}
