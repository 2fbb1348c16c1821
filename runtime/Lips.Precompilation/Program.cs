using System;
using System.Buffers.Binary;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Lips.Precompilation;

/// <summary>
/// Copies assemblies for ahead-of-time compilation, with <c>beforefieldinit</c> on every type that has no static constructor.
/// There the flag means nothing, for it says when that constructor may run; but F# leaves it away and C# does not, and without it
/// the ahead-of-time compiler leaves a module's generic functions to the start of the program ("CORINFO_HELP_INITINSTCLASS
/// requires runtime JIT"): nearly all functions over lists, maps and sets.
/// </summary>
internal static class Program
{
    /// <param name="arguments">The folder to copy to, then the assemblies.</param>
    internal static void Main(string[] arguments)
    {
        Directory.CreateDirectory(arguments[0]);
        foreach (string assembly in arguments.Skip(1))
            File.WriteAllBytes(Path.Combine(arguments[0], Path.GetFileName(assembly)), Marked(File.ReadAllBytes(assembly)));
    }

    private static byte[] Marked(byte[] image)
    {
        using var reader = new PEReader(new MemoryStream(image));
        var metadata = reader.GetMetadataReader();
        int rows = reader.PEHeaders.MetadataStartOffset + metadata.GetTableMetadataOffset(TableIndex.TypeDef);
        foreach (var handle in metadata.TypeDefinitions)
        {
            var type = metadata.GetTypeDefinition(handle);
            if (type.GetMethods().Any(method => metadata.StringComparer.Equals(metadata.GetMethodDefinition(method).Name, ".cctor")))
                continue;
            // a row begins with the type's flags
            var flags = image.AsSpan(rows + ((MetadataTokens.GetRowNumber(handle) - 1) * metadata.GetTableRowSize(TableIndex.TypeDef)), sizeof(int));
            BinaryPrimitives.WriteInt32LittleEndian(flags, (int)(type.Attributes | TypeAttributes.BeforeFieldInit));
        }
        return image;
    }
}
