using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Security.Cryptography;
using System.Text;
using Lips.Core;
using Lips.Runtime;
using Lips.Runtime.Checkpoints;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lips.Cli.Runs;

/// <summary>The generated class of a model as a loaded object: compiled in memory once, then kept in the user's cache.</summary>
internal static class ModelAssembly
{
    public const string Namespace = "Lips.Compiled";

    /// <summary>A new, uninitialized model. The compiled model must have been made for <see cref="Namespace"/>.</summary>
    public static ILipsModel Create(CompiledModel model) => (ILipsModel)Activator.CreateInstance(TypeOf(model))!;

    /// <summary>The generated class.</summary>
    public static Type TypeOf(CompiledModel model)
    {
        string name = $"{Namespace}.{model.Resolved.Model.Name}";
        return Load(model).GetType(name) ?? throw new LipsException($"The compiled assembly holds no class '{name}'.", ExitCode.Emission);
    }

    private static Assembly Load(CompiledModel model)
    {
        string key = Key(model);
        string path = Path.Combine(CacheFolder, $"{model.Meaning[..16]}-{key[..16]}.dll");
        if (!File.Exists(path))
        {
            byte[] image = Compile(model, $"{Namespace}.{key[..16]}");
            try
            {
                AtomicFile.Write(path, stream => stream.Write(image));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // a cache that cannot be written only costs time
                return Assembly.Load(image);
            }
        }
        try
        {
            return AssemblyLoadContext.Default.LoadFromAssemblyPath(path);
        }
        catch (BadImageFormatException)
        {
            File.Delete(path);
            return Load(model);
        }
    }

    /// <summary>What the image depends on: the source, which holds the meaning, and the exact assemblies it is compiled against.</summary>
    private static string Key(CompiledModel model)
    {
        var text = new StringBuilder(model.CSharp);
        foreach (var assembly in new[] { typeof(Spec).Assembly, typeof(ILipsModel).Assembly, typeof(TorchSharp.torch).Assembly })
            text.Append('\n').Append(assembly.ManifestModule.ModuleVersionId);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Keeps Roslyn from being loaded where the cache has the image.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte[] Compile(CompiledModel model, string assemblyName)
    {
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is { } name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "Lips.Runtime.dll" or "Lips.Torch.dll" or "TorchSharp.dll"))
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            assemblyName,
            [CSharpSyntaxTree.ParseText(model.CSharp, new CSharpParseOptions(LanguageVersion.Latest))],
            references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, nullableContextOptions: NullableContextOptions.Enable));
        using var image = new MemoryStream();
        var errors = compilation.Emit(image).Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.ToString()).Take(5).ToList();
        return errors.Count == 0
            ? image.ToArray()
            : throw new LipsException($"The C# of '{model.Resolved.Model.Name}' does not compile:\n  {string.Join("\n  ", errors)}", ExitCode.Emission);
    }

    private static string CacheFolder
    {
        get
        {
            string? named = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            string root = !string.IsNullOrEmpty(named) ? named : home.Length > 0 ? Path.Combine(home, ".cache") : Path.GetTempPath();
            return Path.Combine(root, "lips");
        }
    }
}
