module Lips.Core.Tests.TextTests

open Xunit
open Lips.Core

[<Fact>]
let ``a span that was not written has no line`` () = Assert.Equal(0, Span.None.Line)
