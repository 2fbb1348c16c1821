using Lips.Core;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>The documents that are printed from the catalogue are as the catalogue is.</summary>
public sealed class PrintedDocumentTests
{
    [Fact]
    public void The_layers() => Snapshot.Holds("compiler/LAYERS.md", ReportCatalog.layers());

    [Fact]
    public void The_calculus() => Snapshot.Holds("compiler/CALCULUS.md", ReportCatalog.calculus());
}
