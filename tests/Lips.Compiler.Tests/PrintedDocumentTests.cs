using System;
using System.Linq;
using Lips.Core;
using Microsoft.FSharp.Collections;
using Xunit;

namespace Lips.Compiler.Tests;

/// <summary>The documents that are printed from the catalogue are as the catalogue is.</summary>
public sealed class PrintedDocumentTests
{
    [Fact]
    public void The_layers() => Snapshot.Holds("compiler/LAYERS.md", ReportCatalog.layers());

    [Fact]
    public void The_calculus() => Snapshot.Holds("compiler/CALCULUS.md", ReportCatalog.calculus());

    [Fact]
    public void The_table_of_bounds() => Snapshot.Holds("specs/README.md", ReportTable.print(ListModule.OfSeq(Specs.All.Select(spec =>
        Tuple.Create(spec.Data["specs/".Length..], SpecCompiler.Compile(Specs.Source(spec.Data), Specs.Bytes, [], new CompileOptions("Lips.Zoo", ReportTable.norms)))))));
}
