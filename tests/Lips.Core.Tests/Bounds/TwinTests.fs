/// The C# number type and the emitted C# against `Upper`, bit for bit. The sources of the runtime are compiled
/// here as they stand, so that this project needs neither the runtime nor libtorch.
module Lips.Core.Tests.TwinTests

open System
open System.IO
open System.Reflection
open Microsoft.CodeAnalysis
open Microsoft.CodeAnalysis.CSharp
open Xunit
open FsCheck.FSharp
open Lips.Core
open Lips.Core.Tests

let private root =
    let rec up (folder: string) =
        if File.Exists(Path.Combine(folder, "Spec.sln")) then
            folder
        else
            match Path.GetDirectoryName folder with
            | null -> failwith "the repository's root is not above the tests"
            | parent -> up parent

    up (AppContext.BaseDirectory.TrimEnd Path.DirectorySeparatorChar)

/// Runs an emitted method: its name, the texts of norms, their values; each result in all its printed forms.
type private Runner = delegate of string * string[] * string[] -> string[]

let private compile (code: string) : Runner =
    let folder = Path.Combine(root, "runtime", "Lips.Runtime", "Certification")

    let sources =
        code
        :: [ for name in [ "UpperBound.cs"; "UpperBound.Functions.cs"; "UpperBound.Text.cs"; "Norms.cs" ] ->
                 File.ReadAllText(Path.Combine(folder, name)) ]

    let options = CSharpParseOptions.Default.WithLanguageVersion LanguageVersion.Preview

    let references =
        (string (AppContext.GetData "TRUSTED_PLATFORM_ASSEMBLIES")).Split Path.PathSeparator
        |> Array.filter (fun path -> path.Contains "/System.")
        |> Array.map (fun path -> MetadataReference.CreateFromFile path :> MetadataReference)

    let compilation =
        CSharpCompilation.Create(
            "Twin",
            [ for s in sources -> CSharpSyntaxTree.ParseText(s, options) ],
            references,
            CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions = NullableContextOptions.Enable)
        )

    use stream = new MemoryStream()
    let result = compilation.Emit stream

    let errors =
        result.Diagnostics |> Seq.filter (fun d -> d.Severity >= DiagnosticSeverity.Warning) |> Seq.truncate 5

    Assert.True(Seq.isEmpty errors, String.Join("\n", errors) + "\n" + code)

    match Assembly.Load(stream.ToArray()).GetType "Emitted" with
    | null -> failwith "the emitted class is missing"
    | emitted -> Delegate.CreateDelegate(typeof<Runner>, emitted, "Run") :?> Runner

let private emit (programs: Program list) : Runner =
    let arms = programs |> List.mapi (fun i _ -> sprintf "\"P%d\" => P%d(norms)," i i)

    let methods =
        programs
        |> List.mapi (fun i p ->
            let returns = if p.Results.Length = 1 then "UpperBound" else "UpperBound[]"
            // Every other one as models print it, with repeated parts named.
            let body = String.Join("\n", BoundCSharp.csharp (if i % 2 = 0 then Sharing.share p else p))
            sprintf "static Results P%d(Norms norms) { return Body(); %s Body() {\n%s\n} }" i returns body)

    String.Join(
        "\n",
        [ "using System; using System.Linq; using Lips.Runtime;"
          "public sealed class Results { public UpperBound[] Values = [];"
          "public static implicit operator Results(UpperBound x) => new() { Values = [x] };"
          "public static implicit operator Results(UpperBound[] x) => new() { Values = x }; }"
          "public static class Emitted {"
          "public static string[] Run(string name, string[] keys, string[] values) {"
          "var norms = new Norms();"
          "for (int i = 0; i < keys.Length; i++) norms.Add(keys[i], UpperBound.Parse(values[i]));"
          "Results results = name switch {" ]
        @ arms
        @ [ "_ => throw new ArgumentException(name) };"
            "return [.. results.Values.Select(x => x.ToString(\"R\") + \" \" + x.ToString(\"D6\") + \" \" + x.ToDecimalDown(6) + \" \" + x.Log10(3) + \" \" + BitConverter.DoubleToInt64Bits(x.ToDoubleUp()))]; }" ]
        @ methods
        @ [ "}" ]
    )
    |> compile

let private call (runner: Runner) (name: string) (known: (string * Upper) list) =
    runner.Invoke(name, known |> List.map fst |> Array.ofList, known |> List.map (fun (_, v) -> v.ToString()) |> Array.ofList)

/// The printed forms of a bound, from F#.
let private forms (u: Upper) =
    String.Join(" ", [ u.ToString(); UpperText.toDecimal 6 u; UpperText.toDecimalDown 6 u; UpperText.log10 3 u; string (BitConverter.DoubleToInt64Bits(u.ToDoubleUp())) ])

[<Fact>]
let ``emitted programs give the bits of F#`` () =
    let programs = RandomBounds.samples 120 16 (RandomBounds.program true)
    let runner = emit programs

    programs
    |> List.iteri (fun i program ->
        for seed in 1..3 do
            let known = Collections.Generic.Dictionary<string, Upper>()

            let measure m indices head =
                let value = RandomBounds.normAt seed m indices head
                known.[Evaluate.key m indices head] <- value
                value

            let expected = Evaluate.run Evaluate.upper measure None program
            // Reads every norm, also in rounds after a fixed point.
            Fractions.interpret Evaluate.upper measure (fun _ _ _ -> ()) program |> ignore
            let actual = call runner ("P" + string i) [ for e in known -> e.Key, e.Value ]
            Assert.Equal(String.Join("\n", Array.map forms expected), String.Join("\n", actual)))

[<Fact>]
let ``operations and functions give the bits of F#`` () =
    let x = Bound.Measured(RandomBounds.measure Functional.SpectralNorm "x")
    let y = Bound.Measured(RandomBounds.measure Functional.VectorNorm "y")

    let functions =
        [ Fn.Exp; Fn.Cosh; Fn.SaturationG; Fn.GeluGain; Fn.SigmoidGain; Fn.GeluTanhGain; Fn.GeluSlope; Fn.GeluTanhSlope; Fn.SiluSlope; Fn.LessOne
          Fn.ShellGain(Rational.Create(Numerics.BigInteger 22, Numerics.BigInteger 7), 64L, (Rational.TryOfDecimal "1e-5").Value)
          Fn.ShellGainAdded(Rational.Create(Numerics.BigInteger 22, Numerics.BigInteger 7), 7L, (Rational.TryOfDecimal "1e-5").Value) ]
        @ [ for b in [ -3; 0; 1; 20 ] do
                for k in [ 0; 1; 2 ] do
                    Fn.SigmoidWeight(Rational.Create(Numerics.BigInteger b, Numerics.BigInteger 2), k)

                Fn.SigmoidSteepness(Rational.Create(Numerics.BigInteger b, Numerics.BigInteger 2)) ]
        @ List.collect
            (fun n -> [ Fn.DoeblinComplement n; Fn.LargestSoftmaxWeight n; Fn.CausalColumnMass n; Fn.LambertW n ])
            [ 1L; 2L; 64L; 65L; 197L; 1000000007L ]

    let operations =
        [ Bound.Add(x, y); Bound.Mul(x, y); Bound.Sqrt x; Bound.Power(x, 7); Bound.Min [ x; y ]; Bound.Max [ x; y ] ]
        @ [ for fn in functions -> Bound.Apply(fn, x) ]
        |> List.indexed

    let program b = { Statements = []; Results = [ "", b ] }

    let runner = emit [ for _, b in operations -> program b ]

    let number =
        gen {
            let! high = Gen.choose64 (0L, (1L <<< 31) - 1L)
            let! low = Gen.choose64 (0L, (1L <<< 32) - 1L)
            let m = ((uint64 high <<< 32) ||| uint64 low) ||| 0x8000000000000000UL
            let! e = Gen.frequency [ 6, Gen.choose (-66, -58); 2, Gen.choose (-200, -40); 1, Gen.choose (-50000, 50000) ]
            return (Upper.TryParse("0x" + m.ToString("x16") + "p" + string e)).Value
        }

    let pairs =
        RandomBounds.samples 30 8 (Gen.two number)
        @ [ Upper.Zero, Upper.Infinity; Upper.Infinity, Upper.One; Upper.One, Upper.Zero; Upper.OfDouble 0.5, Upper.One; Upper.OfInt64 9L, Upper.OfInt64 2L ]

    for a, b in pairs do
        for i, operation in operations do
            let known = [ "spectral(x)", a; "vector(y)", b ]
            let expected = (Evaluate.run Evaluate.upper (fun m _ _ -> if m.Weight = "x" then a else b) None (program operation)).[0]
            Assert.Equal(string operation + " " + forms expected, string operation + " " + (call runner ("P" + string i) known).[0])

[<Fact>]
let ``an emitted program reads like the derivation`` () =
    let q = Bound.Measured(RandomBounds.measure Functional.HeadSpectralNorm "blocks.{layer}.attention.q")
    let w = Bound.Measured(RandomBounds.measure Functional.SpectralNorm "blocks.{layer}.mlp.w")

    let program =
        { Statements =
            [ Let(0, Bound.ofQuotient 1L 6L, "alpha")
              Loop
                  { Index = "layer"
                    Count = 12L
                    Carried = [ 1, Bound.one; 2, Bound.ofInt 2 ]
                    Body = [ Let(3, Bound.Sqrt(Bound.Add(Bound.ofInt 4, Bound.SumOver(4, Bound.Power(q, 2)))), "attention\nsqrt-H law") ]
                    Next = [ Bound.Mul(Bound.Var 1, Bound.Add(Bound.Var 3, Bound.Mul(Bound.Var 0, w))); Bound.Add(Bound.Var 2, Bound.Var 1) ]
                    Results = [ 4; 5 ] } ]
          Results = [ "output", Bound.Add(Bound.Add(Bound.Var 4, Bound.ofInt 1), Bound.Add(Bound.Var 5, Bound.ofInt 2)) ] }

    let expected =
        [ "UpperBound v0 = UpperBound.OfRational(1, 6);  // alpha"
          "UpperBound v1 = 1;"
          "UpperBound v2 = 2;"
          "for (long layer = 0; layer < 12; layer++)"
          "{"
          "    UpperBound v3 = UpperBound.Sqrt(4 + UpperBound.SumOver(4, head => UpperBound.Power(norms.HeadSpectralNorm($\"blocks.{layer}.attention.q\", head), 2)));  // attention sqrt-H law"
          "    (v1, v2) = (v1 * (v3 + v0 * norms.SpectralNorm($\"blocks.{layer}.mlp.w\")), v2 + v1);"
          "}"
          "UpperBound v4 = v1;"
          "UpperBound v5 = v2;"
          "return v4 + 1 + (v5 + 2);" ]

    Assert.Equal(String.Join("\n", expected), String.Join("\n", BoundCSharp.csharp program))

[<Fact>]
let ``what a program says twice is named, and long lines are broken`` () =
    let norm functional name = Bound.Measured(RandomBounds.measure functional ("blocks.{i}.attention." + name))
    let out, v = norm Functional.SpectralNorm "out", norm Functional.SpectralNorm "v"
    let heads = Bound.SumOver(4, norm Functional.HeadSpectralNorm "v")
    let both = Bound.Mul(Bound.Add(out, v), heads)

    let body =
        [ Let(1, both, "blocks.{i}.attention: value path")
          Let(2, Bound.Min [ Bound.Add(both, heads); Bound.Mul(out, Bound.Var 0) ], "blocks.{i}.attention: token to token")
          Let(3, Bound.SumOver(4, Bound.Mul(norm Functional.HeadSpectralNorm "v", Bound.Add(heads, Bound.Var 1))), "")
          Let(4, Bound.Max [ norm Functional.LargestRow "key"; norm Functional.LargestRow "query"; norm Functional.LargestEntry "position"; norm Functional.LargestRow "value" ], "largest") ]

    let program =
        { Statements = [ Loop { Index = "i"; Count = 2L; Carried = [ 0, Bound.one ]; Body = body; Next = [ Bound.Add(Bound.Var 2, Bound.Add(Bound.Var 3, Bound.Var 4)) ]; Results = [ 5 ] } ]
          Results = [ "output", Bound.Var 5 ] }

    let expected =
        [ "UpperBound v0 = 1;"
          "for (long i = 0; i < 2; i++)"
          "{"
          "    UpperBound v6 = norms.SpectralNorm($\"blocks.{i}.attention.out\");  // blocks.{i}.attention: shared"
          "    UpperBound v7 = UpperBound.SumOver(4, head => norms.HeadSpectralNorm($\"blocks.{i}.attention.v\", head));  // blocks.{i}.attention: shared"
          "    UpperBound v1 = (v6 + norms.SpectralNorm($\"blocks.{i}.attention.v\")) * v7;  // blocks.{i}.attention: value path"
          "    UpperBound v2 = UpperBound.Min(v1 + v7, v6 * v0);  // blocks.{i}.attention: token to token"
          "    UpperBound v3 = UpperBound.SumOver(4, head => norms.HeadSpectralNorm($\"blocks.{i}.attention.v\", head) * (v7 + v1));"
          "    // largest"
          "    UpperBound v4 = UpperBound.Max("
          "        norms.LargestRow($\"blocks.{i}.attention.key\"),"
          "        norms.LargestRow($\"blocks.{i}.attention.query\"),"
          "        norms.LargestEntry($\"blocks.{i}.attention.position\"),"
          "        norms.LargestRow($\"blocks.{i}.attention.value\"));"
          "    v0 = v2 + (v3 + v4);"
          "}"
          "UpperBound v5 = v0;"
          "return v5;" ]

    Assert.Equal(String.Join("\n", expected), String.Join("\n", BoundCSharp.csharp (Sharing.share program)))

[<Fact>]
let ``names that C# would take for something else are changed`` () =
    let program =
        { Statements =
            [ "for"; "v1"; "norms"; "head" ]
            |> List.mapi (fun i index ->
                Loop
                    { Index = index
                      Count = 1L
                      Carried = [ 20 + i, Bound.one ]
                      Body = []
                      Next = [ Bound.Measured(RandomBounds.measure Functional.LargestRow ("w.{" + index + "}.\"{x}")) ]
                      Results = [ 10 + i ] })
          Results = [ "", Bound.Var 13 ] }

    let result = call (emit [ program ]) "P0" [ "row(w.0.\"{x})", Upper.OfInt64 4L ]
    Assert.Equal(forms (Upper.OfInt64 4L), result.[0])
