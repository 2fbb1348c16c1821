using System.Reflection;

namespace Lips.Cli;

/// <summary>What this program is.</summary>
internal static class Product
{
    /// <summary>As in <c>Directory.Build.props</c>, without what the build appends.</summary>
    public static string Version { get; } =
        (typeof(Product).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0];
}
